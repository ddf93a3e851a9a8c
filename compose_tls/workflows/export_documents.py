"""The documents of ``export``, by target, and what to do with them next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import assert_never

from compose_tls.changes import sha256
from compose_tls.credentials.export_credentials import Exported
from compose_tls.errors import WrongUsage
from compose_tls.layout import (
    CERTIFICATE,
    ETCD,
    KAFKA,
    KAFKA_KEYSTORE,
    KEY,
    OBJECT_STORE,
    SERVER,
    neighbours_directory,
)
from compose_tls.plan.container_user import ContainerUser
from compose_tls.plan.export import compose_version, export_orders, own_sources
from compose_tls.project.enabled import EnabledProject
from compose_tls.setup import Directory, Identity, TlsSetup
from compose_tls.shell import joined
from compose_tls.targets import cert_manager, helm, kubernetes, openssl, operator, swarm
from compose_tls.targets.release import Release, Target
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows.next_step import own_command
from compose_tls.workflows.preamble import Opened
from compose_tls.yamlpatch.build import New

_DIGITS = 8
"""Of the digest that a versioned name tells: enough to tell two certificates apart."""
_WITH_SECRET = ("helm", "operator")
_STACK_FILE = "stack.yml"
_MADE = "certificates"
_DEPENDENCIES = {ETCD: "etcd", OBJECT_STORE: "the object store"}


def require_options(target: Target, *, secret: bool | None, issuer: str | None) -> None:
    """Make sure that options are for this target.

    Raises:
        WrongUsage: The target has no Secret, or no issuer.
    """
    for given, option, targets in (
        (secret is not None, "--secret or --no-secret", _WITH_SECRET),
        (issuer is not None, "--issuer", ("cert-manager",)),
    ):
        if given and target not in targets:
            raise WrongUsage(
                f"{option} is not for {target}",
                hint=f"use it with {' or '.join(targets)}, or leave it out",
            )


def holds_key(target: Target, secret: bool | None) -> bool:
    """Whether a document holds a private key."""
    return secret is True or (target == "operator" and secret is None)


class Spelling:
    """Spells a set-up for a target.

    Args:
        opened: The project.
        located: The same, enabled.
        release: What it is deployed as.
        issuer: The issuer of cert-manager that there is.
        secret: The Secret only, all but it, or what is usual for the target.
        place: Where the document is written; ``None`` for standard output.

    Raises:
        InvalidSetting: The issuer cannot be one.
    """

    def __init__(
        self,
        opened: Opened,
        located: EnabledProject,
        release: Release,
        issuer: str | None,
        secret: bool | None,
        place: Path | None,
    ) -> None:
        cluster = any(one.component for one in located.milvus)
        self.opened, self.located, self.secret, self.place = opened, located, secret, place
        self.release = replace(release, cluster=cluster)
        self.issuer = cert_manager.issuer_reference(issuer) if issuer is not None else None
        self.issuer_text = issuer

    def directories(self, setup: TlsSetup) -> tuple[Directory, ...]:
        """The directories whose files the document needs."""
        target = self.release.target
        if target != "swarm" and (target not in _WITH_SECRET or self.secret is False):
            return ()
        if target == "swarm":
            return tuple(one.directory for one in setup.members if one.directory is not None)
        needed = {
            file for one in kubernetes.held_secrets(setup, self.release) for _, file in one.files
        }
        return tuple(
            replace(seen, files=tuple(pair for pair in seen.files if pair[1] in needed))
            for seen in (one.directory for one in setup.members if one.kind == "milvus")
            if seen is not None
        )

    def servers(self, setup: TlsSetup) -> tuple[Identity, ...]:
        """The servers whose certificates have other names there: that which clients meet first."""
        others = kubernetes.dependencies(setup) if self.release.target in _WITH_SECRET else ()
        by_name = {one.name: one for one in setup.identities}
        return tuple(by_name[name] for name in (SERVER, *others))

    def names(self, setup: TlsSetup) -> tuple[str, ...]:
        """The names under which clients reach the server there."""
        server = next(one for one in setup.identities if one.name == SERVER)
        return (*server.dns_names, *server.ip_addresses)

    def document(self, setup: TlsSetup, found: Exported) -> bytes:
        """The document, with the certificates that it needs."""
        release = self.release
        match release.target:
            case "openssl":
                return openssl.script(export_orders(setup, self.opened.config))
            case "cert-manager":
                orders = export_orders(setup, self.opened.config)
                return kubernetes.stream(cert_manager.objects(setup, orders, release, self.issuer))
            case "swarm":
                return self._stack(setup, found)
            case "helm" | "operator":
                return self._for_milvus(setup, found)
        assert_never(release.target)

    def _for_milvus(self, setup: TlsSetup, found: Exported) -> bytes:
        """Values or a resource, the Secret, or both."""
        release = self.release
        if self.secret:
            return kubernetes.stream(self._secrets(setup, found))
        if release.target == "helm":
            return helm.values(setup, release, found.fingerprints)
        resource = operator.resource(setup, release, found.fingerprints)
        secrets = [] if self.secret is False else list(self._secrets(setup, found))
        what = "its clients and what it stores" if kubernetes.dependencies(setup) else "its clients"
        return kubernetes.stream([*secrets, (resource, f"Milvus, with TLS for {what}.")])

    def _secrets(self, setup: TlsSetup, found: Exported) -> Iterator[tuple[New, str]]:
        for one in kubernetes.held_secrets(setup, self.release):
            yield (
                kubernetes.secret(one, self.release, found.contents),
                f"The certificate and private key of {one.identity}: keep them secret.",
            )

    def _stack(self, setup: TlsSetup, found: Exported) -> bytes:
        project = self.located.project
        base = project.observation.compose_files[0].parent

        def material(name: str, path: Path) -> swarm.Material:
            certificate = f"{name.removesuffix(KEY)}{CERTIFICATE}" if name.endswith(KEY) else name
            # The digest of a key is not published.
            certificate = f"{KAFKA}{CERTIFICATE}" if name == KAFKA_KEYSTORE else certificate
            return swarm.Material(_below(path, base), sha256(found.contents[certificate])[:_DIGITS])

        materials = {name: material(name, path) for name, path in found.paths.items()}
        owners = {one.name: ContainerUser.of(one).uid for one in self.located.milvus}
        taken, version = own_sources(project), compose_version(project)
        return swarm.stack(
            setup, self.release, materials, owners, self._deploy(), version=version, taken=taken
        )

    def following(self) -> tuple[str, ...]:
        """The commands to go on with."""
        release = self.release
        file = None if self.place is None else _seen(self.place)
        apply = "kubectl apply -f -" if file is None else joined(["kubectl", "apply", "-f", file])
        piped = f"{self._again()} | {apply}" if file is None else apply
        match release.target:
            case "openssl":
                # It writes where it runs, and keeps what is there: not in the project.
                if file is None:
                    return (f"mkdir {_MADE} && {self._again()} | (cd {_MADE} && sh)",)
                script = file if file.startswith("/") else f"../{file}"
                return (f"mkdir {_MADE} && cd {_MADE} && {joined(['sh', script])}",)
            case "swarm":
                # With several files the command reads none of them from standard input.
                made = () if file else (f"{self._again()} > {_STACK_FILE}",)
                return (*made, self._deploy())
            case "cert-manager" | "operator":
                return (piped,)
            case "helm":
                return (piped,) if self.secret else self._helm(file)
        assert_never(release.target)

    def _helm(self, file: str | None) -> tuple[str, ...]:
        release = self.release
        words = [
            "helm",
            "upgrade",
            "--install",
            release.name,
            "milvus/milvus",
            "-n",
            release.namespace,
        ]
        secret = (
            () if self.secret is False else (f"{self._again('--secret')} | kubectl apply -f -",)
        )
        values = () if file else (f"{self._again()} > tls-values.yaml",)
        upgrade = joined([*words, "--reuse-values", "-f", file or "tls-values.yaml"])
        return (*values, *secret, upgrade)

    def warnings(self, setup: TlsSetup) -> Iterator[TlsWarning]:
        """What to know of it."""
        if self.release.target == "cert-manager" and self.issuer is None:
            orders = export_orders(setup, self.opened.config)
            if any(order.permitted_dns for order, _ in orders):
                yield TlsWarning(
                    "settings-left",
                    "constrain: the CA that cert-manager makes may issue for any name",
                    hint="give an issuer whose CA is constrained with --issuer",
                )
        if self.release.target == "swarm":
            yield from self._mounts_left(setup)
        if self.release.target not in _WITH_SECRET or self.secret:
            return
        if left := kubernetes.left_settings(setup):
            yield TlsWarning(
                "settings-left",
                f"{', '.join(left)}: these name services of this project, and are not exported",
                hint="set them for the services of the cluster",
            )
        if self.opened.config.scope == "all":
            yield from self._beside(setup)
        port = kubernetes.rest_port(setup)
        if port is not None and self.release.target == "helm":
            yield TlsWarning(
                "rest-not-published",
                f"the Service of the chart has no port for REST, which is on {port} over TLS",
                hint=f"add a Service for port {port}, or use kubectl port-forward",
            )

    def _mounts_left(self, setup: TlsSetup) -> Iterator[TlsWarning]:
        """What the stack file does not take the place of: single files."""
        project, tls_dir = self.located.project, self.opened.config.tls_dir
        ours = [project.directory / one for one in (tls_dir, neighbours_directory(tls_dir))]
        replaced = {(one.name, one.directory.target) for one in setup.members if one.directory}
        for service in project.compose.services.values():
            left = [
                project.relative(mount.host_path)
                for mount in service.mounts()
                if mount.host_path is not None
                and (service.name, mount.target) not in replaced
                and any(mount.host_path.is_relative_to(one) for one in ours)
            ]
            if left:
                yield TlsWarning(
                    "mount-stays",
                    f"service {service.name} still mounts {', '.join(left)}, which no other node has",
                    service.main.document.name,
                    "keep the service on this node (placement constraints), or put the same on each node",
                    service.main.line("volumes"),
                )

    def _beside(self, setup: TlsSetup) -> Iterator[TlsWarning]:
        """What to know of the servers next to Milvus."""
        switched = kubernetes.dependencies(setup)
        plain = [text for name, text in _DEPENDENCIES.items() if name not in switched]
        if self.release.cluster:
            plain.append("the message queue")
        if plain:
            yield TlsWarning(
                "stays-plain",
                f"traffic from Milvus to {' and to '.join(plain)} of the release stays in plain text",
                hint="nothing in this project says how it would be encrypted; set it up there",
            )
        if ETCD in switched:
            yield TlsWarning(
                "new-release-only",
                "etcd with TLS is for a new release: members with TLS and members without it "
                "cannot connect to each other",
                hint="for a release that runs, back up first, and stop its etcd before the upgrade",
            )

    def _again(self, *more: str) -> str:
        """This export, as a command."""
        release = self.release
        words = ["export", release.target, *more]
        for option, value, usual in (
            ("--name", release.name, "milvus"),
            ("--namespace", release.namespace, "default"),
            ("--issuer", self.issuer_text, None),
        ):
            words += [option, value] if value is not None and value != usual else []
        for host in release.hosts:
            words += ["--ingress-host", host]
        if not more and self.secret is not None:
            words.append("--secret" if self.secret else "--no-secret")
        return own_command(self.opened, *words)

    def _deploy(self) -> str:
        files = self.located.project.observation.compose_files
        stack = _STACK_FILE if self.place is None else _seen(self.place)
        named = [word for file in (*map(_seen, files), stack) for word in ("-c", file)]
        return joined(["docker", "stack", "deploy", *named, self.release.name])


def _seen(path: Path) -> str:
    """A path from where the user stands; what is far away is named in full."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("../..") else near


def _below(path: Path, base: Path) -> str:
    """A path as a compose file names it, where ``$`` begins a variable."""
    return f"./{os.path.relpath(path, base)}".replace("$", "$$")

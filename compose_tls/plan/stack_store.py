"""The object store of a project, or several: how they, and Milvus with them, come to speak TLS."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace

from compose_tls.compose.rewriting import written
from compose_tls.compose.service import Service
from compose_tls.errors import EditRefused
from compose_tls.layout import OBJECT_STORE, STORE_CAS
from compose_tls.plan.application_edits import Rewrite
from compose_tls.plan.stack_parts import Part
from compose_tls.plan.stack_work import StackWork
from compose_tls.project.reachability import OWN_HOSTS, names
from compose_tls.project.stack_services import Needed
from compose_tls.setup import Directory
from compose_tls.stack import mc, object_store
from compose_tls.stack.milvus.milvus_version import FIRST_WITH_OBJECT_STORE_CA
from compose_tls.stack.tool_tls import ToolTls
from compose_tls.vocabulary import TlsWarning


def plan_object_store(work: StackWork, needed: Sequence[Needed]) -> None:
    """Every object store of the project, and Milvus with it.

    Args:
        work: Gets what changes.
        needed: The object stores that Milvus uses.

    Raises:
        EditRefused: One is told by its image what would have to change.
        HealthCheckBreaks: A health check would fail, and the user has not accepted that.
    """
    able = work.inside(needed, _stays)
    if not able:
        return
    services = list({one.name: one.service for one in able if one.service}.values())
    services += _like_these(work, services)
    port = next((one.port for one in able if one.port), object_store.PORT)
    for service in services:
        work.servers.append(_part(work, service, port))
    work.identities.append(work.shown(OBJECT_STORE, "server", services, port))
    for one in work.users_of(able):
        names_ca = one.version >= FIRST_WITH_OBJECT_STORE_CA
        work.settings[one.name] += object_store.milvus_settings(work.target, names_ca=names_ca)


def _like_these(work: StackWork, services: Sequence[Service]) -> list[Service]:
    """The other servers of an object store that consists of several."""

    def is_one(service: Service) -> bool:
        command, variables = service.command_line(), work.variables(service)
        minio = object_store.kind(service.text("image"), command) == "minio"
        return minio and object_store.is_one_of_several(command, variables)

    if not any(map(is_one, services)):
        return []
    known = {one.name for one in services}
    every = work.project.compose.services.values()
    return [one for one in every if one.name not in known and is_one(one)]


def _stays(service: Service, _: Mapping[str, str | None]) -> str | None:
    image, command = service.text("image"), service.command_line()
    kind = object_store.kind(image, command)
    if kind is None:
        return "compose-tls does not know the TLS settings of this object store"
    place, _said = object_store.certificates_directory(kind, image, command, service.text("user"))
    if any(mount.target == place for mount in service.mounts()):
        return f"certificates of its own are mounted at {place}"
    return None


def _part(work: StackWork, service: Service, port: int) -> Part:
    image, command = service.text("image"), service.command_line()
    variables = work.variables(service)
    kind = object_store.kind(image, command) or "minio"
    directory, said = object_store.certificates_directory(
        kind, image, command, service.text("user")
    )

    ca = object_store.ca_certificate(kind, directory)

    def change(texts: Sequence[str]) -> list[str]:
        new = object_store.with_certificate(kind, directory, texts, with_flags=said)
        calls_itself = any("http://" in text for text in texts)
        return [ToolTls(ca).trusting(text) for text in new] if calls_itself else new

    rewrites = [
        Rewrite((name,), change, "name the certificate there by hand")
        for name in ("entrypoint", "command")
        if change(written(service, (name,))) != written(service, (name,))
    ]
    if said and not rewrites:
        raise EditRefused(
            f"the command of service {service.name} is not in the compose file, so the "
            "certificate cannot be added to it",
            hint=f"write the command that starts it there, with --certs-dir {directory}, and run "
            "this again"
            if kind == "minio"
            else "write the command of its image out, and run this again",
            **service.main.place("command"),
        )
    console = object_store.console_port(kind, image, command, variables)
    test = service.healthcheck_test()
    files = _of_mc(work, service, [*command, *(test.words if test else ())])
    tool = ToolTls(ca, has_mc=bool(files))
    rewrites += work.health(service, (port, *filter(None, (console,))), tool)
    if console is not None and service.published(console):
        text = f"the console of service {service.name}, port {console}, uses https from then on"
        work.warnings.append(TlsWarning("console-over-tls", text, service.main.document.name))
    hosts = {*OWN_HOSTS, *names(service)}
    settings = object_store.server_settings(kind, directory, image, variables, hosts)
    member = work.member(service, "object-store", OBJECT_STORE, directory, settings, port)
    further = (console,) if console is not None else ()
    if kind != "rustfs":
        return Part(member, service, None, tuple(rewrites), files, further)
    source = f"{work.config.tls_dir}/{OBJECT_STORE}"
    files += tuple(
        Directory(f"{source}/{name}", posixpath.join(directory, own), ())
        for name, own in object_store.RUSTFS_FILES.items()
    )
    member = replace(member, directory=None)
    return Part(member, service, None, tuple(rewrites), files, further)


def _of_mc(work: StackWork, service: Service, words: Sequence[str]) -> tuple[Directory, ...]:
    """Where mc sees the CA, in a container that asks its own MinIO with it.

    Raises:
        EditRefused: That is not known, and what starts the container needs it.
    """
    if not mc.runs(None, words) or "http://" not in " ".join(words):
        return ()
    target = mc.certificates_directory(
        service.text("image"), words, work.variables(service), service.text("user")
    )
    if target is None:
        if not mc.runs(None, service.command_line()):
            return ()
        raise EditRefused(
            f"mc, in the command of service {service.name}, finds no CA: its directory is not known",
            hint="name it by MC_CONFIG_DIR in its environment, and run this again",
            **service.main.place("command"),
        )
    source = f"{work.config.tls_dir}/{OBJECT_STORE}/{STORE_CAS}"
    return (Directory(source, target, (), read_only=True),)

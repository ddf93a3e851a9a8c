"""What Helm, the Operator and cert-manager share: Secrets, how a container sees them, and settings."""

from __future__ import annotations

import posixpath
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CERTIFICATE,
    KEY,
    SERVER,
    STACK,
    STACK_CA,
    SYSTEM_BUNDLE,
)
from compose_tls.setup import Member, Setting, TlsSetup
from compose_tls.targets.release import DEPENDENCIES, Release
from compose_tls.values import dataclass
from compose_tls.yamlpatch.build import Commented, New, build
from compose_tls.yamlpatch.intent import Text

SECRET_TYPE: Final = "kubernetes.io/tls"  # noqa: S105 - a type of Secrets, and no secret
"""That of cert-manager's Secrets as well; the type of a Secret cannot be changed later."""
CERTIFICATE_KEY, KEY_KEY, CA_KEY = "tls.crt", "tls.key", "ca.crt"
VOLUME: Final = "milvus-tls"
FINGERPRINT: Final = "compose-tls/certificate-sha256"
"""Annotates pods, so that another certificate makes other pods: Milvus reads it at its start alone."""
STACK_FINGERPRINT: Final = "compose-tls/stack-certificates-sha256"
"""Likewise, of what Milvus shows to its other parts, to etcd and to the object store."""

# Read by any user of its container, and by nothing else: images from 3.0 on do not run as root, and the
# chart gives their pods no fsGroup. 0444, which YAML readers of two ages take for two numbers.
_READ_ONLY: Final = 0o444

# What clients of Milvus meet, its components among each other, and Milvus of etcd and object store.
_CARRIED: Final = (
    ("tls",),
    ("internaltls",),
    ("common", "security"),
    ("proxy", "http"),
    ("etcd", "ssl"),
    ("minio", "useSSL"),
    ("minio", "ssl"),
)
# Chart and Operator tell Milvus where their own ones are.
_SAID_THERE: Final = (("etcd", "endpoints"),)
_USES_SSL: Final = ("minio", "useSSL")
_STORE_CA: Final = ("minio", "ssl", "tlsCACert")
_ETCD_MINIMUM: Final = ("etcd", "ssl", "tlsMinVersion")


@dataclass(frozen=True, slots=True)
class HeldSecret:
    """A Secret, and what is in it.

    Attributes:
        name: Its name.
        identity: The identity that it holds, with the CA certificates that go with it.
        place: Who uses it.
        files: Key of the Secret, and name in the PKI directory.
    """

    name: str
    identity: str
    place: str
    files: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class MountedSecret:
    """What a container sees of a Secret; several Secrets can be in one directory.

    Attributes:
        name: The name of the Secret.
        identity: The identity that it holds.
        volume: The name of the volume.
        target: The directory in the container.
        items: Key of the Secret, and name in the directory.
    """

    name: str
    identity: str
    volume: str
    target: str
    items: tuple[tuple[str, str], ...]


def carried_settings(setup: TlsSetup) -> tuple[Setting, ...]:
    """The settings that hold in a Kubernetes cluster too; every component gets all of them."""
    found: dict[tuple[str, ...], Setting] = {}
    for member in _milvus(setup):
        for one in member.settings:
            if _is_one_of(one, _CARRIED) and one.route != _STORE_CA:
                found[one.route] = one
            if one.route == _USES_SSL and member.directory is not None:
                # kubectl keeps what it applied in an annotation, which has no room for public roots.
                ca = posixpath.join(member.directory.target, CA_CERTIFICATE)
                found[_STORE_CA] = Setting(_STORE_CA, ca)
    if _ETCD_MINIMUM in found:
        # The image of etcd is the one of the chart: with what both have, the newest is taken.
        found[_ETCD_MINIMUM] = Setting(_ETCD_MINIMUM, "1.2")
    return tuple(found.values())


def left_settings(setup: TlsSetup) -> tuple[str, ...]:
    """The names of those that are about services of the project, and stay behind."""
    found = (
        one.name
        for member in _milvus(setup)
        for one in member.settings
        if not _is_one_of(one, (*_CARRIED, *_SAID_THERE))
    )
    return tuple(dict.fromkeys(found))


def rest_port(setup: TlsSetup) -> int | None:
    """The port of REST; ``None`` where it is off."""
    found = (one.value for one in carried_settings(setup) if one.name == "proxy.http.port")
    return next(map(int, found), None)


def dependencies(setup: TlsSetup) -> tuple[str, ...]:
    """The identities of the servers other than Milvus that speak TLS."""
    return tuple(one.name for one in setup.identities if one.name in DEPENDENCIES)


def mounted_secrets(setup: TlsSetup, release: Release) -> tuple[MountedSecret, ...]:
    """What Milvus sees: for each directory that the settings name files in, the Secrets with those files.

    That of the server certificate comes first.
    """
    named = {one.value for one in carried_settings(setup)}
    cas = {one.name for one in setup.identities if one.profile == "ca"}
    found: list[MountedSecret] = []
    volumes: dict[str, str] = {}
    for member in _milvus(setup):
        if (directory := member.directory) is None or directory.target in volumes:
            continue
        shown = [
            pair for pair in directory.files if posixpath.join(directory.target, pair[0]) in named
        ]
        items: dict[str, list[tuple[str, str]]] = {}
        for there, file in shown:
            if _stem(file) not in cas:
                key = KEY_KEY if file.endswith(KEY) else CERTIFICATE_KEY
                items.setdefault(_stem(file), []).append((key, there))
        for there, file in shown:
            if _stem(file) in cas:
                # Where Milvus shows nothing itself, the CA is in the Secret of who shows something.
                holder = next(iter(items), next(iter(dependencies(setup)), None))
                if holder is not None:
                    items.setdefault(holder, []).append((CA_KEY, there))
        if items:
            volume = f"{VOLUME}-{len(volumes) + 1}" if volumes else VOLUME
            volumes[directory.target] = volume
            found += [
                MountedSecret(
                    secret_name(release, name), name, volume, directory.target, tuple(ones)
                )
                for name, ones in items.items()
            ]
    return tuple(found)


def held_secrets(setup: TlsSetup, release: Release) -> tuple[HeldSecret, ...]:
    """The Secrets with their keys: of what Milvus shows, that of the server first, and of the others."""
    mounted = [one.identity for one in mounted_secrets(setup, release)]
    servers = dependencies(setup)
    return tuple(
        HeldSecret(
            secret_name(release, name),
            name,
            f"mounted by {name.replace('-', ' ')}" if name in servers else "mounted by Milvus",
            (
                (CERTIFICATE_KEY, f"{name}{CERTIFICATE}"),
                (KEY_KEY, f"{name}{KEY}"),
                (CA_KEY, f"{STACK_CA if name in STACK else CA}{CERTIFICATE}"),
            ),
        )
        for name in dict.fromkeys((*mounted, *servers))
    )


def secret_name(release: Release, identity: str) -> str:
    """The name of the Secret of an identity."""
    return f"{release.name}-tls" if identity == SERVER else f"{release.name}-{identity}-tls"


def secret(held: HeldSecret, release: Release, contents: Mapping[str, bytes]) -> New:
    """A Secret with its content.

    Args:
        held: The Secret.
        release: Where it belongs.
        contents: What the files of the PKI directory hold.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(held.name, release),
        "type": SECRET_TYPE,
        "data": {key: b64encode(contents[file]).decode() for key, file in held.files},
    }


def volumes(secrets: Iterable[MountedSecret]) -> list[New]:
    """The volumes that show Secrets with the file names that the settings use."""
    by_name: dict[str, list[MountedSecret]] = {}
    for one in secrets:
        by_name.setdefault(one.volume, []).append(one)
    return [{"name": name, **_source(ones)} for name, ones in by_name.items()]


def _source(secrets: Sequence[MountedSecret]) -> dict[str, New]:
    mode = Commented(_READ_ONLY, "0444: read by any user of the container.")
    shown: list[dict[str, New]] = [
        {"items": [{"key": key, "path": path} for key, path in one.items], "optional": False}
        for one in secrets
    ]
    if len(secrets) == 1:
        return {"secret": {"secretName": secrets[0].name, "defaultMode": mode, **shown[0]}}
    sources: list[New] = [
        {"secret": {"name": one.name, **each}} for one, each in zip(secrets, shown, strict=True)
    ]
    return {"projected": {"defaultMode": mode, "sources": sources}}


def volume_mounts(setup: TlsSetup, secrets: Iterable[MountedSecret]) -> list[New]:
    """Where Milvus sees them.

    Args:
        setup: What is wanted.
        secrets: The Secrets.
    """
    places = {one.volume: one.target for one in secrets}
    found: list[New] = [
        {"name": volume, "mountPath": target, "readOnly": True} for volume, target in places.items()
    ]
    ca = next((one.value for one in carried_settings(setup) if one.route == _STORE_CA), None)
    for volume, target in places.items():
        if ca is not None and posixpath.dirname(ca) == target:
            # Where the C++ part looks, whatever the setting says; the Go part has the directory as well.
            file = posixpath.basename(ca)
            bundle: dict[str, New] = {"mountPath": SYSTEM_BUNDLE, "subPath": file, "readOnly": True}
            found.append({"name": volume, **bundle})
    return found


def pod_annotations(
    secrets: Iterable[MountedSecret], fingerprints: Mapping[str, str]
) -> dict[str, New]:
    """The annotations by which pods of Milvus are replaced where a certificate of theirs was.

    Args:
        secrets: What they see.
        fingerprints: SHA-256 of each certificate, by its identity; none where someone else issues them.
    """
    seen = [one.identity for one in secrets]
    found: dict[str, New] = {FINGERPRINT: fingerprints[SERVER]} if SERVER in fingerprints else {}
    others = [fingerprints[name] for name in seen if name in fingerprints and name != SERVER]
    if others:
        found[STACK_FINGERPRINT] = sha256("".join(others).encode()).hexdigest()
    return found


def settings_tree(setup: TlsSetup) -> dict[str, New]:
    """The settings as in a milvus.yaml."""
    root: dict[str, New] = {}
    for setting in carried_settings(setup):
        there = root
        for key in setting.route[:-1]:
            below = there.setdefault(key, {})
            assert isinstance(below, dict)  # noqa: S101 - made here, and no setting is below another
            there = below
        there[setting.route[-1]] = Text(setting.value)
    return root


def metadata(name: str, release: Release) -> New:
    """The metadata of an object."""
    return {"name": name, "namespace": release.namespace}


def stream(objects: Iterable[tuple[New, str]]) -> bytes:
    """Several objects as one file for ``kubectl apply -f``, each with a heading."""
    documents = []
    for one, heading in objects:
        assert isinstance(one, Mapping)  # noqa: S101 - what describes an object
        documents.append(build(one, heading))
    return b"---\n".join(documents)


def _stem(file: str) -> str:
    """The name of the identity whose file that is in the PKI directory."""
    return file.removesuffix(CERTIFICATE).removesuffix(KEY)


def _milvus(setup: TlsSetup) -> Iterator[Member]:
    """What is wanted of Milvus, what clients meet first; a service can be there twice."""
    return (one for one in setup.members if one.kind == "milvus")


def _is_one_of(setting: Setting, starts: Iterable[tuple[str, ...]]) -> bool:
    return any(setting.route[: len(start)] == start for start in starts)

"""What Helm, the Operator and cert-manager share: Secrets, how a container sees them, and settings."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname
from typing import Final

from compose_tls.layout import CA, CA_CERTIFICATE, CERTIFICATE, KEY, SERVER
from compose_tls.setup import Member, Setting, TlsSetup
from compose_tls.targets.release import Release
from compose_tls.yamlpatch.build import New, build
from compose_tls.yamlpatch.intent import Text

SECRET_TYPE: Final = "kubernetes.io/tls"  # noqa: S105 - a type of Secrets, and no secret
"""That of cert-manager's Secrets as well; the type of a Secret cannot be changed later."""
CERTIFICATE_KEY, KEY_KEY, CA_KEY = "tls.crt", "tls.key", "ca.crt"
VOLUME: Final = "milvus-tls"
FINGERPRINT: Final = "compose-tls/certificate-sha256"
"""Annotates pods, so that another certificate makes other pods: Milvus reads it at its start alone."""

# Read by any user of its container, and by nothing else: images from 3.0 on do not run as root, and the
# chart gives their pods no fsGroup. 0444, which YAML readers of two ages take for two numbers.
_READ_ONLY: Final = 0o444

# What clients of Milvus meet, and its components among each other. etcd and object store of a Kubernetes
# cluster are not those of the project.
_CARRIED: Final = (("tls",), ("internaltls",), ("common", "security"), ("proxy", "http"))


@dataclass(frozen=True, slots=True)
class MountedSecret:
    """A Secret, and the names under which a container sees what it holds.

    Attributes:
        name: Its name.
        identity: The identity that it holds.
        items: Key of the Secret, name in the container, and name in the PKI directory.
    """

    name: str
    identity: str
    items: tuple[tuple[str, str, str], ...]


def milvus_member(setup: TlsSetup) -> Member:
    """The member whose settings and certificates every component gets: the one that clients meet."""
    found = [one for one in setup.members if one.kind == "milvus" and one.directory is not None]
    serving = (one for one in found if any(s.name == "tls.serverPemPath" for s in one.settings))
    return next(serving, found[0])


def carried_settings(setup: TlsSetup) -> tuple[Setting, ...]:
    """The settings that hold in a Kubernetes cluster too."""
    return tuple(one for one in milvus_member(setup).settings if _is_carried(one))


def left_settings(setup: TlsSetup) -> tuple[str, ...]:
    """The names of those that are about services of the project, and stay behind."""
    return tuple(one.name for one in milvus_member(setup).settings if not _is_carried(one))


def rest_port(setup: TlsSetup) -> int | None:
    """The port of REST; ``None`` where it is off."""
    found = (one.value for one in carried_settings(setup) if one.name == "proxy.http.port")
    return next(map(int, found), None)


def mounted_secrets(setup: TlsSetup, release: Release) -> tuple[MountedSecret, ...]:
    """The Secrets that Milvus sees, that of its server certificate first, with the CA in it."""
    member = milvus_member(setup)
    directory = member.directory
    assert directory is not None  # noqa: S101 - see milvus_member
    named = {basename(one.value) for one in carried_settings(setup)
             if dirname(one.value) == directory.target}  # fmt: skip
    first = member.identity or SERVER
    found: dict[str, list[tuple[str, str, str]]] = {first: []}
    for there, file in directory.files:
        if there in named:
            identity = first if file == CA_CERTIFICATE else _stem(file)
            found.setdefault(identity, []).append((_key_of(file), there, file))
    return tuple(
        MountedSecret(secret_name(release, one, first), one, tuple(items))
        for one, items in found.items()
    )


def secret_name(release: Release, identity: str, first: str = SERVER) -> str:
    """The name of the Secret of an identity."""
    return f"{release.name}-tls" if identity == first else f"{release.name}-{identity}-tls"


def secret(mounted: MountedSecret, release: Release, contents: Mapping[str, bytes]) -> New:
    """A Secret with its content.

    Args:
        mounted: The Secret.
        release: Where it belongs.
        contents: What the files of the PKI directory hold.
    """
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(mounted.name, release),
        "type": SECRET_TYPE,
        "data": {key: b64encode(contents[file]).decode() for key, _, file in mounted.items},
    }


def volume(secrets: Sequence[MountedSecret]) -> New:
    """The volume that shows Secrets under the names that the settings say."""
    sources: list[dict[str, New]] = [
        {"items": [{"key": key, "path": path} for key, path, _ in one.items], "optional": False}
        for one in secrets
    ]
    if len(secrets) == 1:
        alone: dict[str, New] = {"secretName": secrets[0].name, "defaultMode": _READ_ONLY}
        return {"name": VOLUME, "secret": alone | sources[0]}
    named: list[New] = [
        {"secret": {"name": one.name, **source}}
        for one, source in zip(secrets, sources, strict=True)
    ]
    return {"name": VOLUME, "projected": {"defaultMode": _READ_ONLY, "sources": named}}


def volume_mount(setup: TlsSetup) -> New:
    """Where Milvus sees that volume."""
    directory = milvus_member(setup).directory
    assert directory is not None  # noqa: S101 - see milvus_member
    return {"name": VOLUME, "mountPath": directory.target, "readOnly": True}


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


def _is_carried(setting: Setting) -> bool:
    return any(setting.route[: len(start)] == start for start in _CARRIED)


def _stem(file: str) -> str:
    return file.removesuffix(CERTIFICATE).removesuffix(KEY)


def _key_of(file: str) -> str:
    if _stem(file) == CA:
        return CA_KEY
    return KEY_KEY if file.endswith(KEY) else CERTIFICATE_KEY

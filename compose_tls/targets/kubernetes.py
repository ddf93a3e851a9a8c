"""What Helm, the Operator and cert-manager share: Secrets, how a container sees them, and settings."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from compose_tls.layout import CERTIFICATE, KEY, SERVER
from compose_tls.setup import Member, Setting, TlsSetup
from compose_tls.targets.release import Release
from compose_tls.values import dataclass
from compose_tls.yamlpatch.build import Commented, New, build
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
    """A Secret, and the directory that it is in a container.

    Attributes:
        name: Its name.
        identity: The identity that it holds, with the CA certificates that go with it.
        volume: The name of the volume.
        target: Where it is in the container.
        items: Key of the Secret, name in the container, and name in the PKI directory.
    """

    name: str
    identity: str
    volume: str
    target: str
    items: tuple[tuple[str, str, str], ...]


def carried_settings(setup: TlsSetup) -> tuple[Setting, ...]:
    """The settings that hold in a Kubernetes cluster too; every component gets all of them."""
    found = (one for member in _milvus(setup) for one in member.settings if _is_carried(one))
    return tuple({one.route: one for one in found}.values())


def left_settings(setup: TlsSetup) -> tuple[str, ...]:
    """The names of those that are about services of the project, and stay behind."""
    found = (one for member in _milvus(setup) for one in member.settings if not _is_carried(one))
    return tuple(dict.fromkeys(one.name for one in found))


def rest_port(setup: TlsSetup) -> int | None:
    """The port of REST; ``None`` where it is off."""
    found = (one.value for one in carried_settings(setup) if one.name == "proxy.http.port")
    return next(map(int, found), None)


def mounted_secrets(setup: TlsSetup, release: Release) -> tuple[MountedSecret, ...]:
    """One for each directory that the settings name files in, that of the server certificate first."""
    named = {one.value for one in carried_settings(setup)}
    cas = {one.name for one in setup.identities if one.profile == "ca"}
    found: dict[str, MountedSecret] = {}
    for member in _milvus(setup):
        if (directory := member.directory) is None or directory.target in found:
            continue
        shown = [pair for pair in directory.files if f"{directory.target}/{pair[0]}" in named]
        identity = next((_stem(file) for _, file in shown if _stem(file) not in cas), None)
        if identity is not None:
            found[directory.target] = MountedSecret(
                secret_name(release, identity),
                identity,
                f"{VOLUME}-{len(found) + 1}" if found else VOLUME,
                directory.target,
                tuple((_key_of(file, cas), there, file) for there, file in shown),
            )
    return tuple(found.values())


def secret_name(release: Release, identity: str) -> str:
    """The name of the Secret of an identity."""
    return f"{release.name}-tls" if identity == SERVER else f"{release.name}-{identity}-tls"


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


def volumes(secrets: Iterable[MountedSecret]) -> list[New]:
    """The volumes that show Secrets under the names that the settings say."""
    return [
        {
            "name": one.volume,
            "secret": {
                "secretName": one.name,
                "defaultMode": Commented(_READ_ONLY, "0444: read by any user of the container."),
                "items": [{"key": key, "path": path} for key, path, _ in one.items],
                "optional": False,
            },
        }
        for one in secrets
    ]


def volume_mounts(secrets: Iterable[MountedSecret]) -> list[New]:
    """Where Milvus sees them."""
    return [{"name": one.volume, "mountPath": one.target, "readOnly": True} for one in secrets]


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


def _key_of(file: str, cas: Collection[str]) -> str:
    if file.endswith(KEY):
        return KEY_KEY
    return CA_KEY if _stem(file) in cas else CERTIFICATE_KEY


def _milvus(setup: TlsSetup) -> list[Member]:
    """What is wanted of Milvus, what clients meet first; a service can stand there twice."""
    return [one for one in setup.members if one.kind == "milvus"]


def _is_carried(setting: Setting) -> bool:
    return any(setting.route[: len(start)] == start for start in _CARRIED)

"""etcd, where Milvus keeps its metadata (with TiKV in its place or in addition).

Sources: configs/milvus.yaml of the releases for the keys and their defaults; pkg/util/paramtable of
Milvus for what follows from a value; https://etcd.io/docs/v3.5/op-guide/configuration/ for flags and
variables of etcd.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from compose_tls.layout import (
    CA_CERTIFICATE,
    CERTIFICATE,
    ETCD_CLIENT,
    KEY,
    SERVER_CERTIFICATE,
    SERVER_KEY,
)
from compose_tls.patterns import regex
from compose_tls.setup import Setting, VariableSetting, as_variables
from compose_tls.stack.dependency import Dependency, Settings, addresses, is_true, words_of
from compose_tls.stack.images import is_bitnami, release, repository_and_tag
from compose_tls.vocabulary import Encryption

PORT: Final = 2379
_URLS: Final = ("listen-client-urls", "advertise-client-urls")
OUR_VARIABLES: Final = (
    "ETCD_CERT_FILE",
    "ETCD_KEY_FILE",
    "ETCD_TRUSTED_CA_FILE",
    "ETCD_CLIENT_CERT_AUTH",
    "ETCD_LISTEN_CLIENT_URLS",
    "ETCD_ADVERTISE_CLIENT_URLS",
    "ETCDCTL_",
)
"""What the variables start with that enable sets."""
_NAMED_URLS: Final = regex(rf"--?(?:{'|'.join(_URLS)})(?:=|\s+)\S*")
_NAME_OF_URLS: Final = regex(rf"--?(?:{'|'.join(_URLS)})")
_CLUSTER: Final = regex(r"--?initial-cluster(?:=|\s+)[\"']?([^\s\"']+)")
# With any of these, the TLS of this etcd is already configured.
_TLS: Final = ("cert-file", "key-file", "trusted-ca-file", "auto-tls", "client-cert-auth")
# What is older takes TLS 1.2 at most: Milvus says "tls: client offered only unsupported versions".
_FIRST_WITH_TLS_1_3: Final = (3, 5, 6)

_FIRST_WITH_ENDPOINT_HEALTH: Final = (3, 4, 0)


def metadata(settings: Settings) -> Iterator[Dependency]:
    """Where a Milvus with these settings keeps its metadata, and how it talks to it.

    Args:
        settings: The settings as Milvus sees them.
    """
    # etcd is where components find each other, also where TiKV holds the metadata.
    if not is_true(settings(("etcd", "use", "embed"))):
        found = addresses(settings(("etcd", "endpoints")) or "localhost:2379", 2379)
        encrypted = is_true(settings(("etcd", "ssl", "enabled")))
        secure = any(address.scheme == "https" for address in found)
        yield Dependency(
            "metadata", found, "encrypted" if encrypted else "unknown" if secure else "plain"
        )
    if (settings(("metastore", "type")) or "").lower() == "tikv":
        encrypted = is_true(settings(("tikv", "ssl", "enabled")))
        found = addresses(settings(("tikv", "endpoints")) or "127.0.0.1:2389", 2389)
        yield Dependency("metadata", found, "encrypted" if encrypted else "plain")


def data_directory(command: Sequence[str], variables: Mapping[str, str | None]) -> str:
    """Where an etcd keeps its data, in its container; a relative path counts from its working directory.

    Source: https://etcd.io/docs/latest/op-guide/configuration/

    Args:
        command: Its command line.
        variables: Its environment, that of the image included.
    """
    name = _flag(command, "name") or variables.get("ETCD_NAME") or "default"
    return _flag(command, "data-dir") or variables.get("ETCD_DATA_DIR") or f"{name}.etcd"


def _flag(command: Sequence[str], name: str) -> str | None:
    words = words_of(command)
    flags = [word.lstrip("-") if word.startswith("-") else None for word in words]
    place = flags.index(name) + 1 if name in flags else len(words)
    return words[place] if place < len(words) else None


def runs_etcd(image: str | None, command: Sequence[str]) -> bool:
    """Whether a service runs etcd, and nothing in front of it: by its image, else by its command."""
    if image and repository_and_tag(image)[0].startswith("etcd"):
        return True
    return re.search(r"(?:^|[\s/])etcd(?:\s|$)", " ".join(command)) is not None


def starter(command: Sequence[str]) -> str | None:
    """The program that starts an etcd with flags that cannot be seen here; ``None`` for none.

    Its flags would meet our variables, and etcd starts with one of either only. Those of Bitnami's image
    set none: https://github.com/bitnami/containers (bitnami/etcd, rootfs/opt/bitnami/scripts).
    """
    words = [word for word in command if not word.startswith("-")]
    text = " ".join(command)
    own = re.search(r"(?:^|[\s/;&('\"])etcd(?:\s|$)", text) or "/opt/bitnami/" in text
    return None if own or not words or command[0].startswith("-") else words[-1]


def decided(command: Sequence[str], variables: Mapping[str, str | None]) -> str | None:
    """What an etcd is configured for TLS already, so that it stays as it is; ``None`` for nothing."""
    words = words_of(command)
    flags = {word.lstrip("-") for word in words if word.startswith("-")}
    for name in _TLS:
        # A flag that says yes or no needs no value.
        given = (_flag(command, name) if name in flags else None) or variables.get(_variable(name))
        if (name in flags or given) and (given or "").lower() != "false":
            return name
    for name in _URLS:
        given = _flag(command, name) or variables.get(_variable(name)) or ""
        if "https://" in given:
            return name
    return None


def stays(
    image: str | None, command: Sequence[str], variables: Mapping[str, str | None]
) -> str | None:
    """Why an etcd cannot be configured for TLS, and stays as it is; ``None`` where it can.

    Args:
        image: The image of its service.
        command: Its command line.
        variables: Its environment.
    """
    if not runs_etcd(image, command):
        return "the server does not run a known etcd"
    if (script := starter(command)) is not None:
        return f"{script} starts it, with flags that are not known"
    if (said := decided(command, variables)) is not None:
        return f"it already has the setting {said}"
    if (file := configuration_file(command, variables)) is not None:
        return f"it reads {file} instead of flags and variables"
    return None


def certificate(command: Sequence[str], variables: Mapping[str, str | None]) -> str | None:
    """The certificate that an etcd is configured to present, in its container; ``None`` for none."""
    return _flag(command, "cert-file") or variables.get("ETCD_CERT_FILE")


def configuration_file(command: Sequence[str], variables: Mapping[str, str | None]) -> str | None:
    """The file that an etcd reads instead of flags and variables; ``None`` for none."""
    return _flag(command, "config-file") or variables.get("ETCD_CONFIG_FILE")


def server_settings(
    directory: str,
    name: str,
    command: Sequence[str],
    variables: Mapping[str, str | None],
    image: str | None = None,
) -> tuple[VariableSetting, ...]:
    """The variables with which an etcd demands TLS and a client certificate, and ``etcdctl`` has one.

    A flag beats its variable, and etcd does not start with both: what is on the command line is
    changed there, by ``https_urls``.

    Args:
        directory: Where its files are in the container.
        name: The name of its service.
        command: Its command line.
        variables: Its environment.
        image: Its image. The scripts of Bitnami's give flags to ``etcdctl``, which ends where it meets
            one of its variables too (pkg/flags of etcd).
    """
    certificate, key, ca = (
        posixpath.join(directory, file) for file in (SERVER_CERTIFICATE, SERVER_KEY, CA_CERTIFICATE)
    )
    found = {
        "ETCD_CERT_FILE": certificate,
        "ETCD_KEY_FILE": key,
        "ETCD_TRUSTED_CA_FILE": ca,
        "ETCD_CLIENT_CERT_AUTH": "true",
    }
    defaults = (f"https://0.0.0.0:{PORT}", f"https://{name}:{PORT}")
    for flag, default in zip(_URLS, defaults, strict=True):
        if _flag(command, flag) is None:
            there = variables.get(_variable(flag))
            found[_variable(flag)] = there.replace("http://", "https://") if there else default
    if not is_bitnami(image):
        found |= {"ETCDCTL_CACERT": ca, "ETCDCTL_CERT": certificate, "ETCDCTL_KEY": key}
    if (endpoints := variables.get("ETCDCTL_ENDPOINTS") or "").startswith("http://"):
        found["ETCDCTL_ENDPOINTS"] = endpoints.replace("http://", "https://")
    return as_variables(found)


def among_members(command: Sequence[str], variables: Mapping[str, str | None]) -> Encryption | None:
    """How a member of an etcd cluster is told to reach the others; ``None`` where it has none.

    Args:
        command: Its command line.
        variables: Its environment.
    """
    urls = _peer_urls(command, variables)
    if not urls[1:]:
        # Only itself.
        return None
    return "encrypted" if all(url.startswith("https://") for url in urls) else "plain"


def members(command: Sequence[str], variables: Mapping[str, str | None]) -> frozenset[str]:
    """The hosts of the members of an etcd cluster, as one of them names them; arguments as above."""
    found = (address.host for address in addresses(",".join(_peer_urls(command, variables))))
    return frozenset(found)


def _peer_urls(command: Sequence[str], variables: Mapping[str, str | None]) -> list[str]:
    flag = _CLUSTER.search(" ".join(command))
    cluster = flag[1] if flag else variables.get("ETCD_INITIAL_CLUSTER") or ""
    return [member.partition("=")[2] for member in cluster.split(",")]


def asks_health(image: str | None) -> tuple[str, ...]:
    """The command of an image of etcd that asks whether it is well; empty where that is not known.

    Before 3.4, ``etcdctl`` speaks another protocol by default.

    Args:
        image: Its image.
    """
    known = repository_and_tag(image or "")[0] == "etcd"
    old = (release(image) or _FIRST_WITH_ENDPOINT_HEALTH) < _FIRST_WITH_ENDPOINT_HEALTH
    return ("etcdctl", "endpoint", "health") if known and not old else ()


def https_urls(texts: Sequence[str], expand: Callable[[str], str]) -> list[str]:
    """A command, as its file writes it, whose URLs for clients are https.

    Args:
        texts: Its items, or its one text.
        expand: Puts in its variables: a URL that they make is written out.
    """

    def https(text: str) -> str:
        new = _https(text)
        return _https(expand(text)) if "http://" in expand(new) else new

    found: list[str] = []
    for text in texts:
        if found and _NAME_OF_URLS.fullmatch(found[-1]):
            found.append(https(text))
        else:
            found.append(_NAMED_URLS.sub(lambda match: https(match[0]), text))
    return found


def names_plain_urls(command: Sequence[str]) -> bool:
    """Whether a command line has URLs for clients that are not https."""
    return any("http://" in (_flag(command, name) or "") for name in _URLS)


def milvus_settings(
    directory: str, images: Sequence[str | None], endpoints: str | None
) -> tuple[Setting, ...]:
    """The settings of Milvus for an etcd that demands TLS and a client certificate.

    Args:
        directory: Where the CA, Milvus' certificate and its key are in the container.
        images: The images of etcd.
        endpoints: What ``etcd.endpoints`` says so far.
    """
    versions = [release(image) for image in images]
    modern = all(one is not None and one >= _FIRST_WITH_TLS_1_3 for one in versions)
    plain = endpoints is not None and "http://" in endpoints
    return (
        Setting(("etcd", "ssl", "enabled"), "true"),
        Setting(
            ("etcd", "ssl", "tlsCert"), posixpath.join(directory, f"{ETCD_CLIENT}{CERTIFICATE}")
        ),
        Setting(("etcd", "ssl", "tlsKey"), posixpath.join(directory, f"{ETCD_CLIENT}{KEY}")),
        Setting(("etcd", "ssl", "tlsCACert"), posixpath.join(directory, CA_CERTIFICATE)),
        Setting(("etcd", "ssl", "tlsMinVersion"), "1.3" if modern else "1.2"),
        *((Setting(("etcd", "endpoints"), _https(endpoints)),) if endpoints and plain else ()),
    )


def _https(text: str) -> str:
    return text.replace("http://", "https://")


def _variable(flag: str) -> str:
    return f"ETCD_{flag.replace('-', '_').upper()}"

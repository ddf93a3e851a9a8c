"""The object store, MinIO or another S3 server, where Milvus keeps its segments.

Source: configs/milvus.yaml of the releases for the keys and their defaults. RustFS:
https://docs.rustfs.com/installation/container/docker, and its crate rustfs-config for the file names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from compose_tls.layout import CA_BUNDLE, OBJECT_STORE, STACK_FILES
from compose_tls.patterns import regex
from compose_tls.setup import Setting, VariableSetting, as_variables
from compose_tls.stack.dependency import Dependency, Settings, addresses, is_true, port_of, words_of
from compose_tls.stack.images import is_bitnami, is_root, repository_and_tag
from compose_tls.vocabulary import number

Kind: TypeAlias = Literal["minio", "rustfs", "seaweedfs"]

PORT: Final = 9000

_CONSOLE_PORT: Final = 9001
_PUBLIC, _PRIVATE, _CA = (name for name, _ in STACK_FILES[OBJECT_STORE])
RUSTFS_FILES: Final[Mapping[str, str]] = {
    _PUBLIC: "rustfs_cert.pem",
    _PRIVATE: "rustfs_key.pem",
    _CA: "ca.crt",
}
"""What RustFS calls the files in the directory of RUSTFS_TLS_PATH."""
# The directories in which the images look for certificates:
# https://min.io/docs/minio/linux/operations/network-encryption.html and the README of bitnami/minio.
_MINIO_DIRECTORY: Final = "/root/.minio/certs"
_BITNAMI_DIRECTORY: Final = "/certs"
_OWN_DIRECTORY: Final = "/tls"
_MINIO_FLAG: Final = "certs-dir"
_WEED: Final = regex(r"(?:^|[\s/])weed(?:\s+-\S+)*\s+(?P<part>server|filer|s3)(?=\s|$)")
_PARTS: Final = ("server", "filer", "s3")


def is_local(settings: Settings) -> bool:
    """Whether a Milvus with these settings keeps its segments in a directory, and not in a store."""
    return (settings(("common", "storageType")) or "").lower() == "local"


def segments(settings: Settings) -> Iterator[Dependency]:
    """Where a Milvus with these settings keeps its segments, and how it talks to it.

    Args:
        settings: The settings as Milvus sees them.
    """
    if not is_local(settings):
        port = port_of(settings(("minio", "port")), 9000)
        found = addresses(settings(("minio", "address")) or "localhost", port)
        encrypted = is_true(settings(("minio", "useSSL")))
        yield Dependency("object store", found, "encrypted" if encrypted else "plain")


def data_directories(
    command: Sequence[str], variables: Mapping[str, str | None]
) -> tuple[str, ...]:
    """Where a MinIO keeps its data, in its container: the paths on its command line, else its default.

    Args:
        command: Its command line.
        variables: Its environment, that of the image included.
    """
    words = " ".join(command).split()
    given = words[words.index("server") + 1 :] if "server" in words else []
    named = given or (variables.get("MINIO_VOLUMES") or "").split()
    return tuple(word for word in named if word.startswith("/")) or ("/data",)


def kind(image: str | None, command: Sequence[str]) -> Kind | None:
    """Which object store a service runs, by its image, else by its command; ``None`` for another one."""
    repository = repository_and_tag(image or "")[0]
    text = " ".join(command)
    if "minio" in repository or re.search(r"(?:^|[\s/])minio\s+server(?=\s|$)", text):
        return "minio"
    if "rustfs" in repository or re.search(r"(?:^|[\s/])rustfs\s", text):
        return "rustfs"
    if "seaweedfs" in repository or _WEED.search(text):
        return "seaweedfs"
    return None


def serves(image: str | None, command: Sequence[str]) -> bool:
    """Whether a service of an image of MinIO is the server, and not its client or its console.

    Args:
        image: Its image.
        command: Its command line.
    """
    repository = repository_and_tag(image or "")[0]
    return repository in {"minio", "rustfs"} or "server" in " ".join(command)


def certificates_directory(
    store: Kind, image: str | None, command: Sequence[str], user: str | None
) -> tuple[str, bool]:
    """Where an object store looks for its certificate, and whether its command has to say so.

    Args:
        store: Which one.
        image: Its image.
        command: Its command line.
        user: The user that its service names.
    """
    if store == "rustfs":
        return _OWN_DIRECTORY, False
    if store == "seaweedfs":
        return _OWN_DIRECTORY, True
    words = words_of(command)
    for flag in (f"--{_MINIO_FLAG}", f"-{_MINIO_FLAG}", "-S"):
        if flag in words[:-1]:
            return words[words.index(flag) + 1].rstrip("/"), False
    if is_bitnami(image):
        return _BITNAMI_DIRECTORY, False
    # Its home, and so the directory that it looks in, is another one for another user.
    return (_MINIO_DIRECTORY, False) if is_root(user) else (_OWN_DIRECTORY, True)


def with_certificate(
    store: Kind, directory: str, texts: Sequence[str], *, with_flags: bool
) -> list[str]:
    """A command, as its file writes it, of a server with a certificate.

    Args:
        store: Which object store.
        directory: Where its files are in the container.
        texts: The items of the command, or its one text.
        with_flags: Whether the command has to name the certificate.
    """
    if store == "minio" and not _is_gateway(texts):
        # Where MinIO runs on several servers they are named by URL, and each of them speaks TLS then.
        texts = [text.replace("http://", "https://") for text in texts]
    return _with_flags(store, directory, texts) if with_flags else list(texts)


def _with_flags(store: Kind, directory: str, texts: Sequence[str]) -> list[str]:
    part = "server"
    found = _WEED.search(" ".join(texts))
    if store == "seaweedfs":
        words = " ".join(texts).split()
        part = found["part"] if found else next(filter(_PARTS.__contains__, words), part)
        # A server or a filer has S3 in it: weed help filer.
        prefix = "-" if part == "s3" else "-s3."
        flags = [
            f"{prefix}cert.file={posixpath.join(directory, _PUBLIC)}",
            f"{prefix}key.file={posixpath.join(directory, _PRIVATE)}",
        ]
    else:
        flags = [f"--{_MINIO_FLAG}", directory]
    if part in texts:
        return [*texts, *flags]
    pattern = re.compile(rf"(?<![\w./-]){part}(?=\s)")
    for place, text in enumerate(texts):
        new, count = pattern.subn(f"{part} {' '.join(flags)}", text, count=1)
        if count:
            return [*texts[:place], new, *texts[place + 1 :]]
    return list(texts)


def certificate(
    store: Kind, image: str | None, command: Sequence[str], user: str | None
) -> str | None:
    """The certificate that an object store is configured to present, in its container; ``None`` for none.

    Args:
        store: Which one.
        image: Its image.
        command: Its command line.
        user: The user that its service names.
    """
    if store == "seaweedfs":
        match = re.search(r"(?:^|\s)-(?:s3\.)?cert\.file[=\s](\S+)", " ".join(command))
        return match[1] if match else None
    directory = certificates_directory(store, image, command, user)[0]
    return posixpath.join(directory, RUSTFS_FILES[_PUBLIC] if store == "rustfs" else _PUBLIC)


def ca_certificate(store: Kind, directory: str) -> str:
    """The CA that its health check trusts, in its container.

    Args:
        store: Which object store.
        directory: Where its files are there.
    """
    return posixpath.join(directory, RUSTFS_FILES[_CA] if store == "rustfs" else _CA)


def server_settings(
    store: Kind,
    directory: str,
    image: str | None,
    variables: Mapping[str, str | None],
    names: Collection[str],
) -> tuple[VariableSetting, ...]:
    """The variables of an object store that speaks TLS.

    Sources: the README of bitnami/minio for MINIO_SCHEME; for the URLs
    https://min.io/docs/minio/linux/reference/minio-server/settings/core.html

    Args:
        store: Which one.
        directory: Where its files are in the container.
        image: Its image.
        variables: Its environment.
        names: The names by which it is reached.
    """
    found: dict[str, str] = {}
    if store == "rustfs":
        found["RUSTFS_TLS_PATH"] = directory
    if store == "minio" and is_bitnami(image):
        found["MINIO_SCHEME"] = "https"
    hosts = "|".join(map(re.escape, sorted(names)))
    own = re.compile(rf"http://(?=(?:{hosts})(?:[:/]|$))")
    for name in ("MINIO_SERVER_URL", "MINIO_BROWSER_REDIRECT_URL"):
        url = variables.get(name) or ""
        if own.match(url):
            found[name] = own.sub("https://", url)
    # Those of several servers, each of which speaks TLS then.
    if (volumes := variables.get("MINIO_VOLUMES") or "").startswith("http://"):
        found["MINIO_VOLUMES"] = volumes.replace("http://", "https://")
    return as_variables(found)


def is_one_of_several(command: Sequence[str], variables: Mapping[str, str | None]) -> bool:
    """Whether a MinIO names its like by URL: then all of them speak TLS, or none.

    Args:
        command: Its command line.
        variables: Its environment.
    """
    if _is_gateway(command):
        return False
    text = " ".join([*command, variables.get("MINIO_VOLUMES") or ""])
    return re.search(r"(?<!\S)https?://", text) is not None


def _is_gateway(command: Sequence[str]) -> bool:
    """Whether a MinIO stands before another object store, which it names by URL: up to 2022."""
    return "gateway" in " ".join(command).split()


def milvus_settings(directory: str, *, names_ca: bool) -> tuple[Setting, ...]:
    """The settings of Milvus for an object store over TLS.

    Args:
        directory: Where the roots to trust are in the container.
        names_ca: Whether this Milvus has a setting for the roots.
    """
    use = Setting(("minio", "useSSL"), "true")
    if not names_ca:
        return (use,)
    return (use, Setting(("minio", "ssl", "tlsCACert"), posixpath.join(directory, CA_BUNDLE)))


def console_port(
    store: Kind, image: str | None, command: Sequence[str], variables: Mapping[str, str | None]
) -> int | None:
    """The port of its console, where it is known.

    Args:
        store: Which object store.
        image: Its image.
        command: Its command line.
        variables: Its environment.
    """
    if store == "seaweedfs":
        return None
    flag = re.search(r"--console-address[\s=]+[\"']?[^\s\"':]*:(\d+)", " ".join(command))
    prefix = "RUSTFS" if store == "rustfs" else "MINIO"
    address = variables.get(f"{prefix}_CONSOLE_ADDRESS") or ""
    said = flag[1] if flag else address.rpartition(":")[2]
    if (port := number(said)) is not None:
        return port
    if store == "rustfs" or is_bitnami(image):
        return port_of(variables.get("MINIO_CONSOLE_PORT_NUMBER"), _CONSOLE_PORT)
    return None

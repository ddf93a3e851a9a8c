"""The object store, MinIO or another S3 server, where Milvus keeps its segments.

Source: configs/milvus.yaml of the releases for the keys and their defaults.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from compose_tls.layout import CA_BUNDLE
from compose_tls.patterns import regex
from compose_tls.setup import Setting
from compose_tls.stack.dependency import Dependency, Settings, addresses, is_true, port_of
from compose_tls.stack.images import repository_and_tag
from compose_tls.vocabulary import number

Kind: TypeAlias = Literal["minio", "seaweedfs"]

PORT: Final = 9000
SYSTEM_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Where the Go and the C++ part of a Milvus both look: seen with 2.3.5."""

_PUBLIC, _PRIVATE = "public.crt", "private.key"
# The directories in which the images look for certificates:
# https://min.io/docs/minio/linux/operations/network-encryption.html and the README of bitnami/minio.
_MINIO_DIRECTORY: Final = "/root/.minio/certs"
_BITNAMI_DIRECTORY: Final = "/certs"
_OWN_DIRECTORY: Final = "/tls"
_MINIO_FLAG: Final = "certs-dir"
_WEED: Final = regex(r"(?:^|[\s/])weed(?:\s+-\S+)*\s+(?P<part>server|s3)(?=\s|$)")


def segments(settings: Settings) -> Iterator[Dependency]:
    """Where a Milvus with these settings keeps its segments, and how it talks to it.

    Args:
        settings: The settings as Milvus sees them.
    """
    if (settings(("common", "storageType")) or "").lower() != "local":
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
    if "seaweedfs" in repository or _WEED.search(text):
        return "seaweedfs"
    return None


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
    if store == "seaweedfs":
        return _OWN_DIRECTORY, True
    words = " ".join(command).replace("=", " ").split()
    for flag in (f"--{_MINIO_FLAG}", f"-{_MINIO_FLAG}", "-S"):
        if flag in words[:-1]:
            return words[words.index(flag) + 1].rstrip("/"), False
    if (image or "").rpartition("/")[0].endswith("bitnami"):
        return _BITNAMI_DIRECTORY, False
    # Its home, and so the directory that it looks in, is another one for another user.
    return (_OWN_DIRECTORY, True) if user else (_MINIO_DIRECTORY, False)


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
    if store == "minio":
        # Where MinIO runs on several servers they are named by URL, and each of them speaks TLS then.
        texts = [text.replace("http://", "https://") for text in texts]
    return _with_flags(store, directory, texts) if with_flags else list(texts)


def _with_flags(store: Kind, directory: str, texts: Sequence[str]) -> list[str]:
    part = "server"
    found = _WEED.search(" ".join(texts))
    if store == "seaweedfs":
        part = found["part"] if found else "s3" if "s3" in texts else "server"
        prefix = "-s3." if part == "server" else "-"
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
    """The certificate that an object store is told to show, in its container; ``None`` for none.

    Args:
        store: Which one.
        image: Its image.
        command: Its command line.
        user: The user that its service names.
    """
    if store == "seaweedfs":
        match = re.search(r"(?:^|\s)-(?:s3\.)?cert\.file[=\s](\S+)", " ".join(command))
        return match[1] if match else None
    return posixpath.join(certificates_directory(store, image, command, user)[0], _PUBLIC)


def milvus_settings(directory: str, *, names_ca: bool) -> tuple[Setting, ...]:
    """What Milvus is told of an object store over TLS.

    Args:
        directory: Where the roots to trust are in the container.
        names_ca: Whether this Milvus has a setting for the roots.
    """
    use = Setting(("minio", "useSSL"), "true")
    if not names_ca:
        return (use,)
    return (use, Setting(("minio", "ssl", "tlsCACert"), posixpath.join(directory, CA_BUNDLE)))


def console_port(command: Sequence[str]) -> int | None:
    """The port of MinIO's console, where its command names one."""
    match = re.search(r"--console-address[\s=]+[\"']?[^\s\"':]*:(\d+)", " ".join(command))
    return number(match[1]) if match else None

"""Names of images, as far as they tell what runs in a container."""

from __future__ import annotations

from typing import Final

from compose_tls.patterns import regex
from compose_tls.vocabulary import number

RELEASE: Final = regex(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])")


def repository_and_tag(image: str) -> tuple[str, str]:
    """The last part of an image's repository, and its tag (empty without one)."""
    name = image.partition("@")[0].rpartition("/")[2]
    repository, _, tag = name.partition(":")
    return repository.lower(), tag


def release(image: str | None) -> tuple[int, int, int] | None:
    """The three numbers of a release that a tag names; ``None`` where it names no patch level."""
    match = RELEASE.match(repository_and_tag(image or "")[1])
    major, minor, patch = (number(match[part]) if match else None for part in (1, 2, 3))
    if major is None or minor is None or patch is None:
        return None
    return major, minor, patch


def is_bitnami(image: str | None) -> bool:
    """Whether an image is one of Bitnami's, which have paths and variables of their own.

    Source: https://github.com/bitnami/containers; bitnamilegacy and bitnamisecure hold the same images.
    """
    return "bitnami" in (image or "").rpartition("/")[0].rpartition("/")[2]


def is_root(user: str | None) -> bool:
    """Whether a service runs as root: its ``user``, or where it has none that of most images."""
    return (user or "").partition(":")[0] in {"", "0", "root"}

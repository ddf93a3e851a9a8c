"""Names of images, as far as they tell what runs in a container."""

from __future__ import annotations

import re
from typing import Final

_TAG: Final = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?![\d.])")


def repository_and_tag(image: str) -> tuple[str, str]:
    """The last part of an image's repository, and its tag (empty without one)."""
    name = image.partition("@")[0].rpartition("/")[2]
    repository, _, tag = name.partition(":")
    return repository.lower(), tag


def release(image: str | None) -> tuple[int, int, int] | None:
    """The three numbers of a release that a tag names; ``None`` where it names no patch level."""
    match = _TAG.match(repository_and_tag(image or "")[1])
    if match is None or match[3] is None:
        return None
    return int(match[1]), int(match[2]), int(match[3])


def is_bitnami(image: str | None) -> bool:
    """Whether an image is one of Bitnami's, which have paths and variables of their own.

    Source: https://github.com/bitnami/containers; bitnamilegacy and bitnamisecure hold the same images.
    """
    return "bitnami" in (image or "").rpartition("/")[0].rpartition("/")[2]

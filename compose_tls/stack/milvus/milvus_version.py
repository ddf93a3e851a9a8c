"""Milvus versions, as far as TLS depends on them."""

from __future__ import annotations

from typing import NamedTuple, Self

from compose_tls.stack.images import RELEASE
from compose_tls.vocabulary import number


class MilvusVersion(NamedTuple):
    """A release number."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def of_tag(cls, tag: str) -> Self | None:
        """The version an image tag names; ``None`` for ``latest``, branches and digests.

        A tag without a patch level (``v2.5``) means the newest one of its line.
        """
        match = RELEASE.match(tag)
        if match is None:
            return None
        major, minor, patch = map(number, match.groups(default=str(_NEWEST_PATCH)))
        if major is None or minor is None or patch is None:
            return None
        return cls(major, minor, patch)

    def __str__(self) -> str:
        """The version as Milvus writes it."""
        patch = "" if self.patch == _NEWEST_PATCH else f".{self.patch}"
        return f"{self.major}.{self.minor}{patch}"


_NEWEST_PATCH = 9999

NEWEST = MilvusVersion(_NEWEST_PATCH, 0)
"""Stands in where the tag does not tell: the rules of the newest release hold."""

# common.security.tlsMode and tls.* came with 2.1.0: https://milvus.io/docs/v2.1.x/tls.md
FIRST_WITH_TLS = MilvusVersion(2, 1)
# Any setting can be given by an environment variable since 2.2.0 (milvus PR 18421).
FIRST_WITH_VARIABLES = MilvusVersion(2, 2)
# minio.ssl.tlsCACert came with 2.3.12 and 2.4.0 (milvus issue 27461).
FIRST_WITH_OBJECT_STORE_CA = MilvusVersion(2, 3, 12)
# kafka.ssl came with 2.3.11 and 2.4.0 (milvus issue 27563).
FIRST_WITH_KAFKA_TLS = MilvusVersion(2, 3, 11)
# proxy.http.port came with 2.3.0.
FIRST_WITH_REST_PORT = MilvusVersion(2, 3)
# common.security.internaltlsEnabled came with 2.5.0 (milvus issue 36864).
FIRST_WITH_INTERNAL_TLS = MilvusVersion(2, 5)
# MILVUS_CONF_ variables win over bare ones since 2.6.0 (milvus PR 40623).
FIRST_WITH_PREFIX = MilvusVersion(2, 6)
# The streaming node, with a port of its own, came with 2.6.0: configs/milvus.yaml.
FIRST_WITH_STREAMING_NODE = MilvusVersion(2, 6)
# Images run as user 999 since 3.0 (milvus PR 44524).
FIRST_WITHOUT_ROOT = MilvusVersion(3, 0)
IMAGE_USER_ID = 999

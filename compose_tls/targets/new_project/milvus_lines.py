"""Which etcd goes with which Milvus, the MinIO for all of them, and the release that a line stands for.

Sources: deployments/docker/standalone/docker-compose.yml of https://github.com/milvus-io/milvus in the
branches 2.3 to 3.0; releases as https://milvus.io/docs/vX.Y.x/install_standalone-docker-compose.md and
the release notes name them.
"""

from __future__ import annotations

from typing import Final

from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class MilvusLine:
    """A line of Milvus releases.

    Attributes:
        line: Major and minor version.
        newest: The tag that the line by itself stands for.
        etcd: The tag of quay.io/coreos/etcd.
    """

    line: tuple[int, int]
    newest: str
    etcd: str


LINES: Final = (
    MilvusLine((2, 3), "v2.3.21", "v3.5.5"),
    MilvusLine((2, 4), "v2.4.23", "v3.5.5"),
    # 2.5.27 and 2.6.10 close /api/v1 of the metrics port to strangers: CVE-2026-26190.
    MilvusLine((2, 5), "v2.5.27", "v3.5.18"),
    MilvusLine((2, 6), "v2.6.25", "v3.5.25"),
    MilvusLine((3, 0), "v3.0.2", "v3.5.25"),
)
RECOMMENDED: Final = LINES[-2]
"""The line that has had its patches: 3.0 is from July 2026."""

MINIO: Final = "milvusdb/minio:RELEASE.2024-12-18T13-15-44Z"
"""MinIO as the makers of Milvus publish it, in their compose file from 2.6.25 on. The repository
minio/minio, which is in those of all lines before, is gone from Docker Hub since September 2026:
https://github.com/milvus-io/milvus/issues/53430"""

PULSAR: Final = "apachepulsar/pulsar:2.8.2"
"""That of deployments/docker/cluster/docker-compose.yml (2.2) and of dev/docker-compose.yml (to 2.5)."""

FIRST_WITH_MIX_COORDINATOR: Final = (2, 6)
"""From here on one coordinator is all of them, a streaming node writes the log, and Woodpecker is in it:
https://milvus.io/docs/v2.6.x/upgrade_milvus_standalone-docker.md (what is new)."""


def line_of(line: tuple[int, int]) -> MilvusLine | None:
    """The line of this number; ``None`` where none is known."""
    return next((each for each in LINES if each.line == line), None)

"""Which etcd and which MinIO go with which Milvus, and the release that a line stands for.

Sources: deployments/docker/standalone/docker-compose.yml of https://github.com/milvus-io/milvus in the
branches 2.3 to 2.6; releases as https://milvus.io/docs/vX.Y.x/install_standalone-docker-compose.md and
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
        minio: The tag of minio/minio.
    """

    line: tuple[int, int]
    newest: str
    etcd: str
    minio: str


LINES: Final = (
    MilvusLine((2, 3), "v2.3.21", "v3.5.5", "RELEASE.2023-03-20T20-16-18Z"),
    MilvusLine((2, 4), "v2.4.23", "v3.5.5", "RELEASE.2023-03-20T20-16-18Z"),
    # 2.5.27 and 2.6.10 close /api/v1 of the metrics port to strangers: CVE-2026-26190.
    MilvusLine((2, 5), "v2.5.27", "v3.5.18", "RELEASE.2024-05-28T17-19-04Z"),
    MilvusLine((2, 6), "v2.6.16", "v3.5.25", "RELEASE.2024-12-18T13-15-44Z"),
)
NEWEST: Final = LINES[-1]

PULSAR: Final = "apachepulsar/pulsar:2.8.2"
"""That of deployments/docker/cluster/docker-compose.yml (2.2) and of dev/docker-compose.yml (to 2.5)."""

FIRST_WITH_MIX_COORDINATOR: Final = (2, 6)
"""From here on one coordinator is all of them, a streaming node writes the log, and Woodpecker is in it:
https://milvus.io/docs/v2.6.x/upgrade_milvus_standalone-docker.md (what is new)."""


def line_of(line: tuple[int, int]) -> MilvusLine | None:
    """The line of this number; ``None`` where none is known."""
    return next((each for each in LINES if each.line == line), None)

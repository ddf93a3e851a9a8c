"""Patching a compose file of 1 MB, against loading and dumping it with ruamel.yaml.

Both sides run by turns, so that whatever else the machine does falls on both. Run it with

    python benchmarks/yamlpatch_speed.py [ROUNDS]

Before every round the cache of parsed files is emptied: each patch parses the file before and after.
Python collects cycles of objects as rarely as in a command, for both.
"""

from __future__ import annotations

import gc
import io
import statistics
import sys
import time
from collections.abc import Callable

from ruamel.yaml import YAML

from compose_tls.__main__ import COLLECTED_EVERY
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Append, Intent, Put, Text
from compose_tls.yamlpatch.patch import patch

_SERVICES = 1900
_NAME = "docker-compose.yml"
RUAMEL = "ruamel.yaml, load and dump"
ONE_SERVICE = "patch one service"
_SERVICE = """\
  milvus-{n}:
    container_name: milvus-{n}
    image: milvusdb/milvus:v2.5.{minor}
    command: ["milvus", "run", "standalone"]
    security_opt:
    - seccomp:unconfined
    environment:
      ETCD_ENDPOINTS: etcd-{n}:2379  # one etcd for each
      MINIO_ADDRESS: minio:9000
    volumes:
      - ${{DOCKER_VOLUME_DIRECTORY:-.}}/volumes/milvus-{n}:/var/lib/milvus
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:9091/healthz"]
      interval: 30s
    ports:
      - "{port}:19530"
    depends_on:
      - "etcd-{n}"
      - "minio"

"""


def compose_file(services: int) -> bytes:
    """A compose file with that many Milvus services."""
    head = "# Written by benchmarks/yamlpatch_speed.py\nservices:\n"
    body = "".join(_SERVICE.format(n=n, minor=n % 20, port=20000 + n) for n in range(services))
    return (head + body).encode()


def edits(service: str) -> list[Intent]:
    """What ``enable`` does to a service that has no milvus.yaml."""
    route = ("services", service)
    return [
        Append((*route, "volumes"), Text("./tls:/milvus/tls", string=True)),
        Put((*route, "environment", "COMMON_SECURITY_TLSMODE"), Text("1", string=True)),
        Put((*route, "environment", "TLS_CAPEMPATH"), Text("/milvus/tls/ca.pem", string=True)),
        Append((*route, "extra_hosts"), Text("a:b", string=True)),
    ]


def patched(content: bytes, services: range) -> Callable[[], None]:
    """Patch those services."""
    intents = [intent for n in services for intent in edits(f"milvus-{n}")]

    def run() -> None:
        parse.cache_clear()
        patch(content, _NAME, intents)

    return run


def round_trip(content: bytes) -> Callable[[], None]:
    """Load and dump with ruamel.yaml, in its default round-trip mode."""

    def run() -> None:
        yaml = YAML()
        yaml.dump(yaml.load(content), io.BytesIO())

    return run


def seconds(run: Callable[[], None]) -> float:
    """How long one run takes."""
    gc.collect()
    start = time.process_time()
    run()
    return time.process_time() - start


def measured(rounds: int) -> tuple[int, dict[str, float]]:
    """The size of the file in bytes, and the median seconds of each way through it."""
    gc.set_threshold(COLLECTED_EVERY)
    content = compose_file(_SERVICES)
    half = compose_file(_SERVICES // 2)
    runs = {
        RUAMEL: round_trip(content),
        ONE_SERVICE: patched(content, range(1)),
        "patch every service": patched(content, range(_SERVICES)),
        "patch one service of half the file": patched(half, range(1)),
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(seconds(run))
    return len(content), {name: statistics.median(values) for name, values in times.items()}


def main(rounds: int) -> None:
    """Print medians and ratios."""
    size, medians = measured(rounds)
    print(f"{size / 1e6:.2f} MB, {_SERVICES} services, median of {rounds} rounds")
    for name, median in medians.items():
        print(f"{name:36} {median:7.3f} s   {median / medians[RUAMEL]:6.3f} of ruamel.yaml")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)

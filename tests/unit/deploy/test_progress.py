"""What people see of what Compose does."""

from __future__ import annotations

import pytest

from compose_tls.deploy.progress import Progress


@pytest.mark.parametrize(
    ("line", "step"),
    [
        (" Container milvus-standalone Recreated \n", "container milvus-standalone: recreated"),
        (" Network dr-cp_default Created \n", "network dr-cp_default: created"),
        (" Image milvusdb/milvus:v2.3.5 Pulling \n", "image milvusdb/milvus:v2.3.5: pulling"),
        (" etcd Pulling \n", "service etcd: pulling"),
        (" a3ed95caeb02 Pulling fs layer \n", None),
        (" Container x Stopping \n", None),
        ('time="2026-11-23T23:39:18Z" level=warning msg="x"', None),
        ("Error response from daemon: nothing Created here", None),
    ],
)
def test_steps_worth_telling_are_told(line: str, step: str | None) -> None:
    assert Progress().step(line) == step


def test_a_step_is_told_once() -> None:
    progress = Progress()
    line = " Container milvus-etcd Started \n"
    assert [progress.step(line), progress.step(line)] == ["container milvus-etcd: started", None]


class Clock:
    """Seconds that go forward when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


# As Compose 5.6.1 wrote them while it pulled from a slow registry.
NEW = [
    " 6d8fbe72bf5f Pulling fs layer 0B\n",
    " d450bdd790a0 Pulling fs layer 0B\n",
    " 6d8fbe72bf5f Downloading 232.8kB\n",
    " d450bdd790a0 Downloading 7.898MB\n",
    " d450bdd790a0 Verifying Checksum 0B\n",
    " d450bdd790a0 Download complete 0B\n",
    " d450bdd790a0 Pull complete 0B\n",
    " 6d8fbe72bf5f Downloading 12.13MB\n",
]
OLD = [
    "6d8fbe72bf5f Waiting \n",
    "d450bdd790a0 Already exists \n",
    "6d8fbe72bf5f Downloading [==============>       ]  20.03MB/91.3MB\n",
]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (NEW, "pulling: 20 MB, 1 of 2 layers complete"),
        (OLD, "pulling: 20 MB, 1 of 2 layers complete"),
        ([" 6d8fbe72bf5f Extracting 229.4kB\n"], "pulling: 0 MB, 0 of 1 layers complete"),
        (
            [" 6d8fbe72bf5f Downloading 1.25GB\n", " 6d8fbe72bf5f Downloading 1.5GB\n"],
            "pulling: 1,500 MB, 0 of 1 layers complete",
        ),
    ],
)
def test_a_long_pull_tells_every_few_seconds_how_far_it_is(lines: list[str], told: str) -> None:
    clock = Clock()
    progress = Progress(clock)
    assert {progress.step(line) for line in lines[:-1]} <= {None}
    clock.now += 5
    assert progress.step(lines[-1]) == told
    clock.now += 4.9
    assert progress.step(lines[-1]) is None
    clock.now += 0.1
    assert progress.step(lines[-1]) == told

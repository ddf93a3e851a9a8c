"""What a test run that uses the harness leaves behind, however it ends: nothing.

Each run is a user's own: a directory with tests and no conftest, a pytest of its own, and a directory
for temporary files by which its directories and processes are told from everybody else's.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.conftest import embedded_alone
from tests.e2e.image_names import MILVUS
from tests.patience import LONG, SOON

pytestmark = pytest.mark.own_ports

SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "integration-tests"
OUTSIDE = ("/tmp/milvus", "/run/milvus")

FAILING = """
def test_fails(milvus_tls):
    assert milvus_tls.mode == 0, "as it should"
"""

OWN_SERVERS = """
import pytest
from pymilvus import MilvusClient

@pytest.mark.parametrize("arguments", [{"mode": 1, "key_type": "rsa-2048"}, {}])
def test_connects(milvus_tls_factory, arguments, pytestconfig):
    server = milvus_tls_factory(**arguments)
    assert server.mode == arguments.get("mode", 2)
    client = MilvusClient(**server.connect_args())
    assert client.list_collections() == []
    client.close()
    assert "milvus" in server.logs()
"""

BOTH_BACKENDS = """
import pathlib, time

def test_waits_for_its_end(milvus_tls, milvus_tls_factory):
    servers = [milvus_tls, milvus_tls_factory(backend="embedded", mode=2)]
    assert [server.backend for server in servers] == ["docker", "embedded"]
    pathlib.Path("ready").touch()
    time.sleep(60)
"""


@pytest.fixture(scope="module", autouse=True)
def backends(images: None) -> Iterator[None]:
    """Both of them; servers of the wheel are counted by files that all of them share."""
    with embedded_alone():
        yield


@dataclass(frozen=True, slots=True)
class Run:
    """A user's run of pytest.

    Attributes:
        directory: Where the tests are.
        temporary: Where the run's temporary files go.
    """

    directory: Path
    temporary: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start pytest, in a process group of its own, as a shell does."""
        # What pytest itself keeps is not the harness's.
        own = ["-p", "no:cacheprovider", f"--basetemp={self.directory / 'kept'}"]
        environment = {**os.environ, "TMPDIR": str(self.temporary), "PYTEST_ADDOPTS": ""}
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "pytest",
                "-rA",
                f"--milvus-tls-image={MILVUS}",
                *own,
                *arguments,
            ],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def finish(self, *arguments: str) -> tuple[dict[str, int], str]:
        """Run pytest to its end: how many tests passed, failed and so on, and what it printed."""
        with self.start(*arguments) as process:
            output, _ = process.communicate(timeout=LONG)
        return {
            what: int(n) for n, what in re.findall(r"(\d+) (passed|failed|error)", output)
        }, output

    def processes(self) -> set[str]:
        """The command lines of the processes that belong to the run."""
        return {line for pid in Path("/proc").glob("[0-9]*") if (line := self._owned(pid))}

    def _owned(self, process: Path) -> str:
        mark = f"TMPDIR={self.temporary}".encode()
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            pass
        return ""


@pytest.fixture
def user(tmp_path: Path) -> Run:
    """A user with an empty directory."""
    run = Run(tmp_path / "user", tmp_path / "temporary")
    run.directory.mkdir()
    run.temporary.mkdir()
    return run


@pytest.fixture
def left(user: Run) -> Callable[[], dict[str, set[str]]]:
    """What is there of each kind that was not there before, and what is of the run."""
    before = engine_objects(user.temporary) | outside_files()

    def now() -> dict[str, set[str]]:
        there = engine_objects(user.temporary) | outside_files()
        new = {kind: names - before[kind] for kind, names in there.items()}
        return {
            **new,
            "directories": {path.name for path in user.temporary.iterdir()},
            "processes": user.processes(),
        }

    return now


def engine_objects(temporary: Path) -> dict[str, set[str]]:
    """The containers, networks and volumes of test servers, without those of other runs.

    Args:
        temporary: Where this run has its projects; a container says where its project is.
    """
    found = {
        "containers": of_compose("container", "ls", "--all"),
        "networks": of_compose("network", "ls"),
        "volumes": of_compose("volume", "ls"),
    }
    others = {
        project
        for _, project, directory in found["containers"]
        if not Path(directory).is_relative_to(temporary)
    }
    return {
        kind: {
            name
            for name, project, _ in objects
            if project.startswith("compose-tls-test-") and project not in others
        }
        for kind, objects in found.items()
    }


def of_compose(*command: str) -> list[tuple[str, str, str]]:
    """The objects of one kind that Compose made: name, project, and for containers its directory."""
    label = "com.docker.compose.project"
    shown = f'{{{{.Label "{label}"}}}}\t{{{{.Label "{label}.working_dir"}}}}'
    name = "{{.Names}}" if command[0] == "container" else "{{.Name}}"
    listing = ["docker", *command, "--filter", f"label={label}", "--format", f"{name}\t{shown}"]
    done = subprocess.run(listing, capture_output=True, text=True, check=True)
    return [(n, p, d) for n, p, d in (line.split("\t") for line in done.stdout.splitlines())]


def outside_files() -> dict[str, set[str]]:
    """The files that embedded servers keep outside their directories."""
    return {"files": {str(path) for place in OUTSIDE for path in Path(place).glob("*")}}


def nothing(left: Callable[[], dict[str, set[str]]], within: float = 0.0) -> bool:
    """Whether nothing is left, at once or within some seconds; what is left is printed."""
    deadline = time.monotonic() + within
    while any((there := left()).values()) and time.monotonic() < deadline:
        time.sleep(0.1)
    print(there)
    return not any(there.values())


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + LONG
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_sample_project_runs_on_docker_in_two_workers_beside_a_test_that_fails(
    user: Run, left: Callable[[], dict[str, set[str]]]
) -> None:
    shutil.copytree(SAMPLE, user.directory, dirs_exist_ok=True)
    (user.directory / "tests" / "test_failing.py").write_text(FAILING)

    # `each`: every worker runs every test, so that two servers run at the same time.
    counts, output = user.finish("--dist=each", "--tx=2*popen", "--milvus-tls-required")

    assert counts == {"passed": 2, "failed": 2}, output
    assert output.count("as it should") >= 2, output
    assert nothing(left)


def test_embedded_servers_run_in_two_workers_and_in_both_modes(
    user: Run, left: Callable[[], dict[str, set[str]]]
) -> None:
    (user.directory / "test_own.py").write_text(OWN_SERVERS)
    (user.directory / "test_failing.py").write_text(FAILING)

    counts, output = user.finish(
        *("-n2", "--milvus-tls-mode=2"),
        *("--milvus-tls-backend=embedded", "--milvus-tls-required"),
    )

    assert counts == {"passed": 2, "failed": 1}, output
    assert nothing(left)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_servers_of_both_backends_go_away_with_a_run_that_is_ended(
    user: Run, left: Callable[[], dict[str, set[str]]], how: signal.Signals
) -> None:
    (user.directory / "test_waits.py").write_text(BOTH_BACKENDS)

    with user.start("--milvus-tls-required") as process:
        until((user.directory / "ready").exists, process)
        there = left()
        os.killpg(process.pid, how)
        process.communicate(timeout=LONG)

    assert [len(there[kind]) for kind in ("containers", "networks", "directories")] == [1, 1, 2]
    assert there["files"]
    assert any("milvus run standalone" in line for line in there["processes"])
    assert process.returncode == (2 if how == signal.SIGINT else -how)
    assert nothing(left, within=0 if how == signal.SIGINT else SOON)


def test_a_run_that_is_killed_while_compose_works_leaves_nothing(
    user: Run, left: Callable[[], dict[str, set[str]]]
) -> None:
    (user.directory / "test_waits.py").write_text(BOTH_BACKENDS)

    with user.start("--milvus-tls-required") as process:
        until(lambda: any(" up " in line for line in user.processes()), process)
        process.kill()
        process.communicate(timeout=LONG)

    assert nothing(left, within=SOON)

"""A Docker Swarm of one node in a network of its own, beside the engine of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.conftest import missing
from tests.e2e.session import Done, run
from tests.patience import LONG

_ADDRESS = "10.231.7.2"


@dataclass(frozen=True, slots=True)
class Swarm:
    """The engine, and the network namespace in which it publishes ports."""

    socket: str
    namespace: str

    def docker(self, *arguments: str, directory: Path) -> Done:
        """Run the command docker against it."""
        return run(["docker", "-H", self.socket, *arguments], directory)

    def inside(self, command: list[str], directory: Path) -> Done:
        """Run a command where its published ports are."""
        return run(self.entered(command), directory)

    def entered(self, command: list[str]) -> list[str]:
        """The same command, run there."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}", *command]


@contextmanager
def swarm_of_one(images: list[str]) -> Iterator[Swarm]:
    """Start one, with images of the engine of this machine; all of it is gone afterwards."""
    for command in ("ip", "nsenter", "dockerd"):
        if shutil.which(command) is None:
            missing(f"there is no command {command} here")
    if os.geteuid() != 0:
        missing("a network namespace and an engine in it need root")
    namespace = f"compose-tls-{os.getpid()}"
    # Short: the path of a socket has 107 characters at most.
    place = Path(tempfile.mkdtemp(prefix="swarm-"))
    try:
        _make_network(namespace)
        with _engine(Swarm(f"unix://{place}/d.sock", namespace), place) as swarm:
            _load(swarm, images, place)
            started = swarm.docker("swarm", "init", "--advertise-addr", _ADDRESS, directory=place)
            if started.code:
                missing(f"no swarm can be started here: {started.err[-300:]}")
            yield swarm
    finally:
        run(["ip", "netns", "delete", namespace], place)
        for mount in reversed(_mounts_below(place)):
            run(["umount", mount], place)
        shutil.rmtree(place, ignore_errors=True)


def _make_network(namespace: str) -> None:
    """A namespace with one address and no way out: looking an image up in a registry ends at once."""
    for words in (
        ["netns", "add", namespace],
        ["-n", namespace, "link", "set", "lo", "up"],
        ["-n", namespace, "link", "add", "v0", "type", "veth", "peer", "name", "v1"],
        ["-n", namespace, "address", "add", f"{_ADDRESS}/24", "dev", "v0"],
        ["-n", namespace, "link", "set", "v0", "up"],
        ["-n", namespace, "link", "set", "v1", "up"],
    ):
        done = run(["ip", *words], Path("/"))
        if done.code:
            missing(f"no network namespace can be made here: {done.err.strip()}")


@contextmanager
def _engine(swarm: Swarm, place: Path) -> Iterator[Swarm]:
    own = ["--data-root", f"{place}/data", "--exec-root", f"{place}/exec", "-p", f"{place}/pid"]
    command = swarm.entered(["dockerd", *own, "-H", swarm.socket, "--bridge", "none"])
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            ends = time.monotonic() + LONG
            while swarm.docker("info", directory=place).code and process.poll() is None:
                assert time.monotonic() < ends
                time.sleep(0.3)
            if process.poll() is not None:
                missing(f"a second engine does not start: {(place / 'log').read_text()[-300:]}")
            yield swarm
        finally:
            process.terminate()
            try:
                process.wait(LONG)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _load(swarm: Swarm, images: list[str], place: Path) -> None:
    with subprocess.Popen(["docker", "save", *images], stdout=subprocess.PIPE) as save:
        load = subprocess.run(
            ["docker", "-H", swarm.socket, "load", "--quiet"],
            stdin=save.stdout,
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
    assert load.returncode == 0, load.stderr


def _mounts_below(place: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [
        target for target in (line.split()[1] for line in lines) if target.startswith(f"{place}/")
    ]

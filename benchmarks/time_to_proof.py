"""From a stopped project to a proof, against ``docker compose up -d --wait`` as people start Milvus.

Both sides start the same project, in mode 2, by turns. ``--wait`` ends when the container is healthy,
which Docker asks every 30 seconds and which says nothing of TLS; our side ends with all checks passed.
Before each start Milvus has stopped in its own time. Even so, 2.3.5 spends about five seconds of the
next start on waiting for its old session in etcd (after a kill up to a minute), whoever starts it.
``--wait`` ends with the first probe of the health checks, 30 seconds after the start on Engine 20.10.
From Engine 25 on, probes in a start period come every five seconds by default; but the official etcd has
no start period, and ``--wait`` waits for it, too (read in Docker's documentation, not measured).
Beside that, an observer of its own asks Milvus every 20 ms, and so tells how long after Milvus was ready
the command knew of it; what that costs is on our side's bill. It needs a Docker engine, Compose, and the
images of the end-to-end tests:

    sh tests/e2e/images/engine.sh && sh tests/e2e/images/build.sh
    python -m benchmarks.time_to_proof [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import readiness
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows.server_access import client_pem
from tests.e2e.session import PORT, Project

_KNOWN = "checking "
"""What the command says when it knows that Milvus is ready."""


class Observer(threading.Thread):
    """Finds out when Milvus is ready, without the command's own pauses."""

    def __init__(self, project: Project) -> None:
        super().__init__(daemon=True)
        self.project = project.directory
        self.files = [
            project.directory / "cert" / n for n in ("ca.pem", "client.pem", "client.key")
        ]
        self.target = Target(
            host="127.0.0.1",
            port=PORT,
            server_name="localhost",
            mode=TlsMode.MUTUAL,
            ca_path=self.files[0],
            client_certificate_path=self.files[1],
            client_key_path=self.files[2],
            expected_sha256="",
        )
        self.ready: float | None = None
        self.ended = threading.Event()

    def _answers(self, held: dict[Path, bytes]) -> bool:
        return readiness(replace(self.target, pem=held), timeout=1).ready

    def run(self) -> None:
        """Ask until the answer is yes."""
        while not self.ended.wait(0.02):
            held = client_pem(self.project, *self.files)
            if len(held) == len(self.files) and self._answers(held):
                self.ready = time.perf_counter()
                return


def measured(rounds: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of Compose's way and of ours, and from ready to known, a round each."""
    waits, proofs, gaps = [], [], []
    with tempfile.TemporaryDirectory() as name:
        project = Project.official(Path(name), milvus_yaml=True)
        try:
            for number in range(1, rounds + 1):
                waits.append(waited(project))
                seconds, gap = proved(project)
                proofs.append(seconds)
                gaps.append(gap)
                print(f"round {number}: {waits[-1]:.1f} s, {seconds:.1f} s", flush=True)
        finally:
            project.down()
    return waits, proofs, gaps


def main() -> None:
    """Time both sides and print the ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    waits, proofs, gaps = measured(rounds)
    wait, proof = statistics.median(waits), statistics.median(proofs)
    print(f"docker compose up -d --wait:   {wait:5.1f} s, the median of {rounds}")
    print(f"compose-tls enable --up:       {proof:5.1f} s, proof included")
    met = "met" if proof / wait < 1 / 3 else "missed"
    print(f"ratio:                        {proof / wait:6.3f} (wanted: below a third: {met})")
    print(
        f"known after ready: {statistics.median(gaps):.2f} s, at worst {max(gaps):.2f} s (below 0.5)"
    )


def waited(project: Project) -> float:
    """Compose's own way, on a project that has TLS already."""
    stop(project)
    project.compose_tls("enable", "--mode", "2")
    began = time.perf_counter()
    done = project.compose("up", "-d", "--wait")
    seconds = time.perf_counter() - began
    if done.code:
        sys.exit(f"docker compose up -d --wait failed:\n{done.err}")
    return seconds


def stop(project: Project) -> None:
    """Stop everything, and leave Milvus the time that it takes: 2.3.5 up to 20 s."""
    project.compose("stop", "--timeout", "60")


def proved(project: Project) -> tuple[float, float]:
    """Ours, on a project without TLS; and how long after Milvus was ready it knew of that."""
    stop(project)
    project.compose_tls("disable", "--purge")
    observer = Observer(project)
    observer.start()
    known = 0.0
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "compose_tls", "enable", "--mode", "2", "--up"],
        cwd=project.directory,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for line in process.stderr or ():
            if line.startswith(_KNOWN):
                known = time.perf_counter()
    seconds = time.perf_counter() - began
    observer.ended.set()
    if process.returncode or observer.ready is None:
        sys.exit(f"compose-tls enable --up ended with {process.returncode}")
    return seconds, max(0.0, known - observer.ready)


if __name__ == "__main__":
    main()

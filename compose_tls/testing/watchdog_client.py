"""Starting the watchdog, and talking to it."""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from typing import IO, Any, cast

from compose_tls.errors import ComposeFailed, WriteFailed
from compose_tls.values import dataclass

_SCRIPT = Path(__file__).with_name("watchdog.py")


@dataclass(slots=True)
class Guard:
    """A watchdog, and the directory that it made and will remove.

    Attributes:
        directory: Empty, and only this user's.
        compose_at_work: Whether Compose was begun with, and may still work when no one waits for it.
    """

    directory: Path
    _stdin: IO[bytes] = field(repr=False)
    _stdout: IO[bytes] = field(repr=False)
    compose_at_work: bool = False
    _exit_code: int | None = None

    def run(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        files: Sequence[str] = (),
    ) -> int:
        """Start a server; one that was started before is stopped first.

        Args:
            command: Its command line.
            environment: All its variables.
            log: Where it writes; it runs in that file's directory.
            files: What it leaves elsewhere, ``{pid}`` in a path filled in.

        Returns:
            Its process id.

        Raises:
            WriteFailed: The watchdog could not start it.
        """
        self._exit_code = None
        server = {"command": [*command], "environment": {**environment}, "log": str(log)}
        return int(self._order({"server": server, "files": [*files]})["pid"])

    def own_project(self, compose: Sequence[str], name: str, file: str) -> None:
        """Hand a Compose project over before it is deployed.

        Args:
            compose: The words that start Compose.
            name: The project's name.
            file: Its Compose file's text.

        Raises:
            WriteFailed: The watchdog is gone.
        """
        self._order({"compose": {"command": [*compose], "name": name, "file": file}})
        self.compose_at_work = True

    def exit_code(self) -> int | None:
        """With which code the server ended; ``None`` while it runs."""
        if self._exit_code is None and select.select([self._stdout], [], [], 0)[0]:
            self._exit_code = int(_answer(self._stdout)["exit"])
        return self._exit_code

    def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(json.dumps(order).encode() + b"\n")
        # The end of a server that this order replaces may be reported first.
        while "pid" not in (answer := _answer(self._stdout)):
            pass
        return answer


@contextmanager
def guarded(environment: Mapping[str, str]) -> Iterator[Guard]:
    """Start a watchdog; when the block or this process ends, it removes everything.

    Args:
        environment: For the commands that the watchdog runs, and for where temporary files go.

    Raises:
        WriteFailed: No temporary directory can be made.
        ComposeFailed: Something could not be removed.
    """
    process = subprocess.Popen(
        # Isolated and without site-packages: no module is found for lying near by, and it starts fast.
        [sys.executable, "-I", "-S", _SCRIPT],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A reader of the tests' output must not have to wait for the watchdog.
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=dict(environment),
        start_new_session=True,
    )
    with process:
        stdin, stdout = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        guard = Guard(Path(_answer(stdout)["directory"]), stdin, stdout)
        try:
            yield guard
        finally:
            left = _dismiss(stdin, stdout, orderly=not guard.compose_at_work)
        if left:
            raise ComposeFailed(
                f"the test server left something behind: {left}", hint="remove it by hand"
            )


def _answer(stdout: IO[bytes]) -> dict[str, Any]:
    line = stdout.readline()
    if not line:
        raise WriteFailed(
            "the process that cleans up after the test server ended",
            hint="check whether the directory for temporary files is writable and has space",
        )
    answer: dict[str, Any] = json.loads(line)
    return answer


def _dismiss(stdin: IO[bytes], stdout: IO[bytes], *, orderly: bool) -> str:
    """Wait until everything is removed; what is not, in words."""
    with contextlib.suppress(BrokenPipeError):
        if orderly:
            stdin.write(b'{"stop": true}\n')
    stdin.close()
    answers = [json.loads(line) for line in stdout]
    return "".join(answer.get("left", "") for answer in answers)

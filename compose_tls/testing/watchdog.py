"""A separate process that removes everything, however the tests end.

It is run by its path and imports the standard library only, so that it is there within milliseconds.
It makes the directory that everything goes into, and starts the embedded server itself: nothing ever
exists that it does not know of. It lives in a session of its own, where Ctrl-C does not reach it, and
cleans up when it is told to, when its standard input ends, or when its parent is gone; the last is for
a parent whose forked children still hold the other end of the pipe.

Both sides speak JSON, an object a line. It says ``{"directory": …}`` first. Then each order, ``{"server":
{"command", "environment", "log"}, "files": […]}`` or ``{"compose": {"command", "name", "file"}}``, is
answered with ``{"pid": …}``, and a server that ends with ``{"exit": code}``. ``{"stop": true}`` is the
orderly end. The last word is ``{"left": …}``, where something could not be removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PARENT_SECONDS = 1.0
_DOWN_SECONDS = 60.0
# After a kill the engine may still be busy with what Compose asked of it last.
_SETTLE_SECONDS = 1.0


def main() -> None:
    """Clean up after the parent."""
    parent, woken = os.getppid(), _woken_by_sigterm()
    left: list[str] = []
    directory = Path(tempfile.mkdtemp(prefix="compose-tls-milvus-"))
    try:
        say(directory=str(directory))
        _serve(parent, woken, directory, left)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        if directory.exists():
            left.append(f"the directory {directory}")
        if left:
            say(left="; ".join(left))


def say(**values: Any) -> None:
    """One line to the parent, if it still listens."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(values).encode() + b"\n")


def _woken_by_sigterm() -> int:
    """A descriptor that can be read once this process is told to end.

    An exception out of a handler could come between a server's start and the thread that waits for it.
    """
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGTERM, lambda *_: None)
    return woken


def _serve(parent: int, woken: int, directory: Path, left: list[str]) -> None:
    server: Server | None = None
    project: dict[str, Any] | None = None
    stopped = False
    try:
        for order in orders(parent, woken):
            stopped = bool(order.get("stop"))
            if stopped:
                break
            if server:
                server.stop()
                server = None
            if "server" in order:
                server = Server(order["server"], order["files"])
            project = order.get("compose", project)
            say(pid=server.pid if server else None)
            if server and "server" in order:
                server.report_end()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if server:
            server.stop()
        if project:
            left += take_down(project, directory, interrupted=not stopped)


def orders(parent: int, woken: int) -> Iterator[dict[str, Any]]:
    """What the parent says, until it stops saying anything or is gone, or this process is to end."""
    text = b""
    while os.getppid() == parent:
        ready, _, _ = select.select([0, woken], [], [], _PARENT_SECONDS)
        if woken in ready:
            return
        if not ready:
            continue
        received = os.read(0, 65536)
        if not received:
            return
        *lines, text = (text + received).split(b"\n")
        yield from map(json.loads, lines)


class Server:
    """The embedded server."""

    def __init__(self, order: dict[str, Any], files: list[str]) -> None:
        log = Path(order["log"])
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                order["command"],
                cwd=log.parent,
                env=order["environment"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.pid = self._process.pid
        self._files = [Path(name.format(pid=self.pid)) for name in files]
        self._reporting = threading.Thread(target=self._wait, daemon=True)

    def report_end(self) -> None:
        """Tell the parent once it has ended: not before it was told that it has begun."""
        self._reporting.start()

    def _wait(self) -> None:
        say(exit=self._process.wait())

    def stop(self) -> None:
        """Kill it: its data goes with it, so there is nothing that it should save."""
        self._process.kill()
        if self._reporting.ident is None:
            self.report_end()
        self._reporting.join()
        for file in self._files:
            file.unlink(missing_ok=True)


def take_down(project: dict[str, Any], directory: Path, *, interrupted: bool) -> list[str]:
    """Remove the containers, networks and volumes of a Compose project.

    Args:
        project: How to run Compose, the project's name, and its file's text; what is on disk may have
            been changed by a test.
        directory: Where its files are.
        interrupted: Whether Compose may still be running in there, since no one waited for it.

    Returns:
        What could not be removed, and why.
    """
    down = ["down", "--volumes", "--remove-orphans", "--timeout", "0"]
    command = [*project["command"], "-p", project["name"], "-f", "-", *down]
    failed: list[str] = []
    for pause in (0.0, _SETTLE_SECONDS) if interrupted else (0.0,):
        time.sleep(pause)
        if interrupted:
            _kill_compose(directory)
        failed = _run(command, project)
    return failed


def _run(command: list[str], project: dict[str, Any]) -> list[str]:
    what = f"the Compose project {project['name']}"
    try:
        done = subprocess.run(
            command,
            input=project["file"].encode(),
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_DOWN_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"{what}: {error}"]
    said = done.stderr.decode("utf-8", "replace").strip()
    return [f"{what}: {said[-300:]}"] if done.returncode else []


def _kill_compose(directory: Path) -> None:
    """Kill a Compose that works in a directory; where there is no /proc, its broken pipe ends it."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            works_here = (process / "cwd").readlink().is_relative_to(directory)
            if works_here and b"compose" in (process / "cmdline").read_bytes():
                os.kill(int(process.name), signal.SIGKILL)


if __name__ == "__main__":
    main()

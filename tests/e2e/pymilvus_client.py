"""Code with pymilvus, in a process of its own: no connection is pooled there.

To import pymilvus takes a second of a processor, and these tests do it hundreds of times. So each process
is forked from one that has imported it, and has connected to nothing.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

from tests.patience import LONG

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["pymilvus"])


def run_with_pymilvus(
    code: str, directory: Path, *arguments: str, stdin: str = ""
) -> tuple[int, str, str]:
    """Run code as ``python -c`` does: exit code, what it printed, and its errors."""
    with tempfile.NamedTemporaryFile("r") as out, tempfile.NamedTemporaryFile("r") as err:
        given = (code, directory, arguments, stdin, out.name, err.name)
        process = _FORKED.Process(target=_run, args=given)
        process.start()
        process.join(2 * LONG)
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode is not None
        return process.exitcode, out.read(), err.read()


def _run(
    code: str, directory: Path, arguments: tuple[str, ...], stdin: str, out: str, err: str
) -> None:
    """The process: an exception ends it with 1 and is printed, as Python does."""
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY), number)
    os.chdir(directory)
    sys.argv = ["-c", *arguments]
    sys.stdin = io.StringIO(stdin)
    exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the tests' own

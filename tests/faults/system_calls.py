"""System calls that fail, tear, are interrupted, or are the last ones of their process."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Self

import pytest

from compose_tls import files
from compose_tls.apply import file_ops
from compose_tls.vocabulary import TlsWarning
from tests.unit.apply.trees import Moment

CALLS = frozenset(
    {"open", "mkdir", "link", "replace", "unlink", "rmdir", "fsync", "fchown", "fchmod"}
)
FILE_CALLS = frozenset({"write", "truncate", "flush"})


class Calls:
    """Counts system calls that change a disk, and lets the one numbered ``at`` go wrong.

    Attributes:
        at: Which one; -1 for none.
        failure: Raises what it fails with, or sends a signal.
        moment: ``before`` it did anything, ``after`` it did everything, or ``torn``: half of it.
        forever: Whether every later one fails as well: a dead process, a broken disk.
        names: Those that were made, in order.
        warnings: What was said in the end.
    """

    def __init__(
        self,
        at: int = -1,
        failure: Callable[[], None] = lambda: None,
        moment: Moment = "before",
        *,
        forever: bool = False,
    ) -> None:
        self.at = at
        self.failure = failure
        self.moment = moment
        self.forever = forever
        self.names: list[str] = []
        self.warnings: tuple[TlsWarning, ...] = ()

    def make(self, name: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Make a call, or not."""
        number = len(self.names)
        self.names.append(name)
        if number > self.at and self.forever and self.at >= 0:
            self.failure()
        if number != self.at:
            return function(*arguments, **options)
        if self.moment == "torn" and name == "write":
            function(arguments[0][: len(arguments[0]) // 2])
            self.failure()
        if self.moment == "after":
            found = function(*arguments, **options)
            try:
                self.failure()
            except BaseException:
                if name == "open":
                    os.close(found)
                raise
            return found
        self.failure()
        return function(*arguments, **options)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand between the package and the system."""
        monkeypatch.setattr(file_ops, "os", _System(self, CALLS | {"fdopen"}))
        # Reading changes nothing, so of the other module only what makes a file counts.
        monkeypatch.setattr(files, "os", _System(self, frozenset({"open"})))


class _System:
    """``os``, but for the calls that are counted."""

    def __init__(self, calls: Calls, counted: frozenset[str]) -> None:
        self._calls = calls
        self._counted = counted

    def __getattr__(self, name: str) -> Any:
        function = getattr(os, name)
        if name not in self._counted:
            return function
        if name == "fdopen":
            return lambda *arguments: _File(self._calls, function(*arguments))
        if name == "fsync":
            # Power cuts cannot be tested here, and waiting for the disk takes minutes.
            return lambda _: self._calls.make(name, lambda: None)

        def call(*arguments: Any, **options: Any) -> Any:
            creates = name == "open" and arguments[1] & (os.O_CREAT | os.O_RDWR)
            if name != "open" or creates:
                return self._calls.make(name, function, *arguments, **options)
            return function(*arguments, **options)

        return call


class _File:
    """A file whose bytes count as well."""

    def __init__(self, calls: Calls, file: Any) -> None:
        self._calls = calls
        self._file = file

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._file, name)
        if name not in FILE_CALLS:
            return function
        return lambda *arguments: self._calls.make(name, function, *arguments)

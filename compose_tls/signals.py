"""SIGINT, SIGTERM and SIGHUP, handled alike: a command ends in order, and never in a half state."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_came: list[int] = []


def came() -> bool:
    """Whether one has come since ``as_interrupt`` began, whatever became of its ``KeyboardInterrupt``."""
    return bool(_came)


@contextmanager
def as_interrupt() -> Iterator[None]:
    """Let each of the signals raise ``KeyboardInterrupt``, as Ctrl-C does.

    For the command line, as early as possible. One that is ignored (nohup) stays ignored.
    """

    def interrupt(number: int, _: FrameType | None) -> NoReturn:
        _came.append(number)
        raise KeyboardInterrupt(signal.Signals(number).name)

    try:
        with _handling(interrupt):
            yield
    finally:
        _came.clear()


@contextmanager
def deferred() -> Iterator[list[int]]:
    """Hold the signals back while something must not be left half-way.

    Yields:
        The signals that came meanwhile. The first is delivered at the end, to the previous handler.
    """
    came: list[int] = []
    try:
        with _handling(lambda number, _: came.append(number)):
            yield came
    finally:
        if came:
            signal.raise_signal(came[0])


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # Python runs handlers in the main thread, and lets no other one set them.
    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = {n: old for n, old in before.items() if old not in {signal.SIG_IGN, None}}
    try:
        for number in ours:
            signal.signal(number, handler)
        yield
    finally:
        for number, old in ours.items():
            signal.signal(number, old)

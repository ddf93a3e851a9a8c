"""What happens now, on a terminal: one line that counts the seconds, and each probe as it ends."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TextIO

from compose_tls.cli.line import Line, Piece, clean, line, one_line
from compose_tls.cli.output import rendering
from compose_tls.cli.printing import has_colour, is_terminal, show_lines, width
from compose_tls.listener import Listener

if TYPE_CHECKING:
    from compose_tls.results import EnableResult, Probe

_TICK: Final = 1.0
_WIDTH: Final = 80


class Live(Listener):
    """A listener that shows on standard error what the command waits for, and how long.

    What has ended stays on the screen, with its seconds. Lines about the same thing (the same words
    before the first colon) take each other's place.

    Args:
        summary: How a written result is told, on standard output.
        clock: Seconds that only go forward.
        verbose: Whether what was seen, and in how many seconds, is printed for each probe.

    Attributes:
        told: Whether probes were shown.
        wrote: Whether a written result was.
    """

    def __init__(
        self,
        summary: Callable[[EnableResult], Iterable[Line]],
        clock: Callable[[], float] = time.monotonic,
        *,
        verbose: bool = False,
    ) -> None:
        self.told = self.wrote = False
        self._summary, self._clock, self._verbose = summary, clock, verbose
        self._text, self._since, self._kept = "", clock(), True
        self._reasons: set[str] = set()
        self._held: list[Probe] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticking: threading.Thread | None = None

    def __call__(self, text: str) -> None:
        """Show what begins now."""
        self._begin(text, keep=True)

    def busy(self, text: str) -> None:
        """Show what begins now, and leave nothing of it."""
        self._begin(text, keep=False)

    def _begin(self, text: str, *, keep: bool) -> None:
        with self._lock:
            if not self._text or _subject(text) != _subject(self._text):
                self._keep()
                self._since, self._kept = self._clock(), not keep
            self._text = text
            self._draw()
        if self._ticking is None:
            self._ticking = threading.Thread(target=self._tick, daemon=True)
            self._ticking.start()

    def probed(self, probe: Probe) -> None:
        """Show a probe above the line that counts."""
        with self._lock:
            # One failure and nothing else is what the error says.
            self._held.append(probe)
            tried = [one.ok for one in self._held if not one.skipped]
            if tried == [False] and not (self.told or self._verbose):
                return
            self._keep()
            self.told = True
            lines = rendering.check_lines(self._held, verbose=self._verbose, told=self._reasons)
            show_lines(lines, err=True)
            self._held = []
            self._draw()

    def written(self, result: EnableResult) -> None:
        """Show what was written, before Milvus is started."""
        with self._lock:
            self._keep()
            self._text = ""
            if is_terminal(sys.stdout):
                show_lines(self._summary(result))
                sys.stdout.flush()
                self.wrote = True

    def close(self) -> None:
        """End the line; what is printed from now on is not this listener's."""
        with self._lock:
            self._keep()
            self._text = ""
        self._over.set()

    def _tick(self) -> None:
        while not self._over.wait(_TICK):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        """Write the line again, cut to the width of the terminal."""
        from compose_tls.cli.drawing import cut

        stream, seconds = sys.stderr, self._clock() - self._since
        if not self._text or self._over.is_set():
            return
        count = f" {seconds:.0f} s" if seconds >= _TICK else ""
        text = cut(clean(one_line(self._text)), (width(stream) or _WIDTH) - len(count) - 1)
        faint, plain = ("\x1b[2m", "\x1b[0m") if has_colour(stream) else ("", "")
        _write(stream, f"\r\x1b[2K{faint}{text}{count}{plain}")

    def _keep(self) -> None:
        """Take the line away; once, leave what it said and how long that took."""
        if not self._text:
            return
        _write(sys.stderr, "\r\x1b[2K")
        if not self._kept:
            self._kept = True
            seconds = self._clock() - self._since
            took = (Piece(f"  {seconds:.0f} s", "faint"),) if seconds >= _TICK else ()
            show_lines([line(Piece(self._text, "faint"), *took)], err=True)


def _subject(text: str) -> str:
    """What a line is about."""
    return text.partition(":")[0]


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()

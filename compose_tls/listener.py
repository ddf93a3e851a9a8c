"""Listeners for the progress of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from compose_tls.results import EnableResult, Probe

OnEvent = Callable[[str], None]
"""Told about progress, a line at a time."""


class Listener:
    """Gets more than lines: each finished probe, and what was written before Milvus is started.

    A function can be given wherever a listener can; it is told only the lines.
    """

    def __call__(self, text: str) -> None:
        """A line: what begins now. Lines with the same words before a colon are about one thing."""

    def busy(self, text: str) -> None:
        """What takes a moment now, and is not worth a line once it is done."""

    def probed(self, probe: Probe) -> None:
        """A probe has ended."""

    def written(self, result: EnableResult) -> None:
        """The files are in place; the result is what it would be without what follows."""


def silent(_: str) -> None:
    """A listener that ignores progress."""


def busy(on_event: OnEvent, text: str) -> None:
    """Report a short step, if the listener supports it."""
    if isinstance(on_event, Listener):
        on_event.busy(text)


def probed(on_event: OnEvent, probe: Probe) -> None:
    """Report a finished probe."""
    if isinstance(on_event, Listener):
        on_event.probed(probe)


def written(on_event: OnEvent, result: EnableResult) -> None:
    """Report what was written."""
    if isinstance(on_event, Listener):
        on_event.written(result)

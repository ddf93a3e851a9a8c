"""Splices: the places in a text that change, and what stands there afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compose_tls.values import dataclass

_LINE_BREAKS = ("\r", "\n")


@dataclass(frozen=True, slots=True)
class Splice:
    """``old`` at ``start`` becomes ``new``. Offsets count characters of the original text."""

    start: int
    old: str
    new: str

    @property
    def end(self) -> int:
        """Where the text that is replaced ends."""
        return self.start + len(self.old)


def settled(text: str, found: Iterable[Splice]) -> tuple[Splice, ...]:
    """Splices in the order of the text; removals that touch each other become one.

    At one place insertions come before removals and keep their order: inner collections are edited
    before the outer ones that end there too.
    """
    merged: list[Splice] = []
    for splice in sorted(found, key=lambda splice: (splice.start, splice.old != "")):
        last = merged[-1] if merged else None
        if last and not last.new and not splice.new and splice.start <= last.end:
            end = max(last.end, splice.end)
            merged[-1] = Splice(last.start, text[last.start : end], "")
        else:
            merged.append(splice)
    return tuple(_kept_open(text, merged))


def _kept_open(text: str, found: list[Splice]) -> list[Splice]:
    """Where the last lines of a text without a final line break go, take the break above as well."""
    if text.endswith(_LINE_BREAKS):
        return found
    for index, splice in enumerate(found):
        start, above = splice.start, found[index - 1].end if index else 0
        if splice.end < len(text) or splice.new or not text.endswith(_LINE_BREAKS, 0, start):
            continue
        start -= 2 if text.endswith("\r\n", 0, start) else 1
        if start >= above:
            found[index] = Splice(start, text[start:], "")
    return found


def applied(text: str, found: Sequence[Splice]) -> str | None:
    """The text with all splices carried out; ``None`` when two of them overlap."""
    parts: list[str] = []
    position = 0
    for splice in found:
        if splice.start < position:
            return None
        parts += (text[position : splice.start], splice.new)
        position = splice.end
    return "".join((*parts, text[position:]))


def taken_back(text: str, found: Sequence[Splice]) -> str | None:
    """The text before the splices; ``None`` when what they wrote is not in its place any more."""
    parts: list[str] = []
    position = shift = 0
    for splice in found:
        start = splice.start + shift
        if start < position or not text.startswith(splice.new, start):
            return None
        parts += (text[position:start], splice.old)
        position = start + len(splice.new)
        shift += len(splice.new) - len(splice.old)
    return "".join((*parts, text[position:]))

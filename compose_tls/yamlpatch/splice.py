"""Splices: the places in a text that change, and what is there afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import pairwise
from typing import Final

from compose_tls.values import dataclass

LINE_BREAKS = ("\r", "\n")
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Splice:
    """``old`` at ``start`` becomes ``new``. Offsets count characters of the original text.

    Attributes:
        between: Where lines are only taken out: the digests of the lines above and below them then.
    """

    start: int
    old: str
    new: str
    between: tuple[str, str] | None = None

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
    if text.endswith(LINE_BREAKS):
        return found
    for index, splice in enumerate(found):
        start, above = splice.start, found[index - 1].end if index else 0
        if splice.end < len(text) or splice.new or not text.endswith(LINE_BREAKS, 0, start):
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


def between_lines(text: str, made: Sequence[Splice]) -> Iterator[Splice]:
    """The same splices, with the lines around those that only take lines out.

    Args:
        text: The text after them.
        made: The splices, in the order of the text that they changed.
    """
    lines = [("", 0), *_lines(text), ("", len(text))]
    around = {at: (above, below) for (above, _), (below, at) in pairwise(lines)}
    shift = 0
    for one in made:
        only = not one.new and one.old.endswith(LINE_BREAKS)
        yield replace(one, between=around.get(one.start + shift)) if only else one
        shift += len(one.new) - len(one.old)


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """The digest of each line, since secrets may be there, and where it starts."""
    start = 0
    for line in text.splitlines(keepends=True):
        digest = sha256(line.rstrip("\r\n").encode("utf-8", "surrogateescape"))
        yield digest.hexdigest()[:_DIGITS], start
        start += len(line)


def _between(text: str, one: Splice, expected: int) -> int:
    """Where lines were taken out that stood between two others: next to both, or else to one of them."""
    if one.between is None:
        return expected
    above, below = one.between
    lines = [("", 0), *_lines(text), ("", len(text))]
    places = [
        ((mark == above) + (other == below), -abs(at - expected), at)
        for (mark, _), (other, at) in pairwise(lines)
    ]
    beside, _, at = max(places)
    return at if beside else expected


def found_again(text: str, made: Iterable[Splice], *, late: bool = False) -> list[Splice]:
    """Where what splices wrote is in a text that was changed since.

    What they wrote is looked for as a whole. Where it is there as often as it was written, each has
    its own by their order, else the one next to where it is expected. What only took something out left
    nothing to look for: it is as far from what was written above as it was, or from what was below.

    Args:
        text: The text as it is now.
        made: The splices, in the order of the text that they changed.
        late: Whether the one below is asked, and not the one above.

    Returns:
        The way back, for those that are found: what was written, at its place, becomes what it replaced.
    """
    moved = _moved(made)
    places: dict[int, int] = {}
    taken: list[tuple[int, int]] = []
    for new in sorted({one.new for one in moved if one.new}, key=len, reverse=True):
        mine = [n for n, one in enumerate(moved) if one.new == new]
        free = [
            at
            for at in _occurrences(text, new)
            if not any(a < at + len(new) and at < b for a, b in taken)
        ]
        if len(free) > len(mine):
            free = [
                min(free, key=partial(_distance, _expected(n, moved, places, late=late)))
                for n in mine
            ]
        if len(free) == len(mine):
            places |= dict(zip(mine, free, strict=True))
            taken += ((at, at + len(new)) for at in free)
    known = dict(places)
    for number, one in enumerate(moved):
        if not one.new:
            places[number] = _between(text, one, _expected(number, moved, known, late=late))
    back: list[Splice] = []
    for number, at in sorted(places.items()):
        if at >= (back[-1].end if back else 0):
            back.append(Splice(at, moved[number].new, moved[number].old))
    return back


def _moved(made: Iterable[Splice]) -> list[Splice]:
    """Splices by where what they wrote starts in the new text; those that touch are one."""
    moved: list[Splice] = []
    shift, end = 0, -1
    for one in made:
        if moved and one.start == end:
            last = moved[-1]
            moved[-1] = Splice(last.start, last.old + one.old, last.new + one.new)
        else:
            moved.append(replace(one, start=one.start + shift))
        shift += len(one.new) - len(one.old)
        end = one.end
    return moved


def _occurrences(text: str, words: str) -> list[int]:
    """Where words are in a text, except for what may be a comment: none was written."""
    found = [text.find(words)]
    while found[-1] >= 0:
        found.append(text.find(words, found[-1] + len(words)))
    return [at for at in found[:-1] if not _may_be_comment(text, at)]


def _may_be_comment(text: str, at: int) -> bool:
    line = text[max(text.rfind(end, 0, at) for end in LINE_BREAKS) + 1 : at]
    return any(mark in f" {line}" for mark in (" #", "\t#"))


def _expected(
    number: int, moved: Sequence[Splice], places: Mapping[int, int], *, late: bool
) -> int:
    """Where one is, if as far as it was from the nearest above (or below) that was found."""
    near = [n for n in places if (n > number if late else n < number)]
    by = (min if late else max)(near, default=None)
    return moved[number].start + (0 if by is None else places[by] - moved[by].start)


def _distance(one: int, other: int) -> int:
    return abs(one - other)

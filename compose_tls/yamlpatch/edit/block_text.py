"""Other words in a scalar of several lines, which stay as they are with their indentation."""

from __future__ import annotations

from collections.abc import Iterator

from compose_tls.patterns import regex

_WORD = regex(r"\S+")
# What means itself in every style: no quote, escape or comment, and no colon at the end.
_HARMLESS = regex(r"(?:[\w./=@,+%:-]*[\w./=@,+%-])")


def reworded(body: str, old: str, new: str, *, plain: bool = False) -> str | None:
    """The lines of a scalar that says ``new`` where it said ``old``.

    No word of a block scalar is escaped (YAML 1.2.2, section 8.1), so each is in its lines as in its
    value.

    Args:
        body: Its lines, without the header or the quotes.
        old: Its value.
        new: What it is to say.
        plain: Whether it is in another style, where what comes has to mean itself.

    Returns:
        The lines; ``None`` where more than some of its words would change.
    """
    words, wanted = old.split(), new.split()
    if body.split() != words or set(words).isdisjoint(wanted):
        return None
    if plain and not all(map(_HARMLESS.fullmatch, {*wanted} - {*words})):
        return None
    changes = list(_changes(words, wanted))
    return _changed(body, changes) if _changed(old, changes) == new else None


def _changes(words: list[str], wanted: list[str]) -> Iterator[tuple[int, str]]:
    """The words that become others, by their number; one that is added goes with the one before it."""
    import difflib

    matcher = difflib.SequenceMatcher(None, words, wanted, autojunk=False)
    for what, first, last, start, end in matcher.get_opcodes():
        if what == "equal":
            continue
        if what == "insert" and first > 0:
            yield first - 1, " ".join([words[first - 1], *wanted[start:end]])
        elif last - first <= end - start:
            one_by_one = range(first, last - 1)
            yield from ((number, wanted[start + number - first]) for number in one_by_one)
            yield last - 1, " ".join(wanted[start + last - 1 - first : end])


def _changed(text: str, changes: list[tuple[int, str]]) -> str:
    places = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    for number, word in sorted(changes, reverse=True):
        start, end = places[number]
        text = text[:start] + word + text[end:]
    return text

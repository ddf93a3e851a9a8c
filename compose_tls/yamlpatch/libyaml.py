"""From a YAML text to its node graph: libyaml's events, with their marks put right.

Compose and Milvus read YAML with go-yaml, which was translated from libyaml: so does PyYAML's C
loader. A colon before a bracket is read by go-yaml and refused by libyaml (``{a:}``); PyYAML's own
parser, which is slower and refuses more elsewhere (tabs), reads that.

Start marks are exact. End marks run past comments and blank lines for block collections and block
scalars, and an empty value may carry the mark of the token after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

from compose_tls.errors import YamlSyntax
from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.yamlpatch.nodes import Alias, Mapping, Node, Scalar, Sequence, Style

# Deeper files are not configuration, and recursion over nodes has to end somewhere.
_MAX_DEPTH = 100
# A compose file of 1 MB has a third of it. Beyond, reading takes more than a second and 100 MB.
_MAX_NODES = 200_000
# The one refusal of libyaml that go-yaml does not share, and up to how many characters PyYAML's own
# parser may then read: it takes seconds for a MB. That is three times the milvus.yaml of a release.
_COLON_REFUSED = "found unexpected ':'"
_MAX_FOR_SECOND_PARSER = 256 * 1024

LINE_END = regex(r"\r\n|\n|\r")
_BYTE_ORDER_MARK = regex(r"(?:\A|[\r\n])\ufeff")
# YAML 1.2.2, section 5.1.
_UNPRINTABLE = regex(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROPERTIES = regex(r"(?:[!&]\S*(?:\s|#[^\r\n]*)*)*")
_BLOCK_HEADER = regex(r"[|>][-+0-9]*")
_COLON = regex(r"\s*:")


def content_start(text: str, start: int) -> int:
    """Where the content of a scalar starts, after its tag and anchor."""
    properties = _PROPERTIES.match(text, start)
    return properties.end() if properties else start


def block_header(text: str, start: int) -> str:
    """The ``|`` or ``>`` of the block scalar whose content starts there, with its indicators."""
    header = _BLOCK_HEADER.match(text, start)
    return header.group() if header else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    Attributes:
        roots: The root node of each YAML document.
        aliased: The identities of the anchored nodes that some alias refers to.
        strict: Whether libyaml read it.
    """

    roots: tuple[Node, ...]
    aliased: frozenset[int]
    strict: bool


def read(name: str, text: str) -> Reading:
    """Read a text.

    Args:
        name: How errors name it.
        text: The text, without byte order mark.

    Raises:
        YamlSyntax: Not YAML, a key twice in one mapping, or absurdly large or deep.
    """
    import yaml

    if mark := _BYTE_ORDER_MARK.search(text):
        # libyaml would skip it, and miscount by one. For Compose it is part of what follows.
        problem = f"{name} contains a byte order mark that is not at its start"
        raise _error(name, text, mark.end() - 1, problem, "remove that character")
    first: Exception | None = None
    for strict in (True, False) if yaml.__with_libyaml__ else (False,):
        try:
            loader = yaml.CSafeLoader(text) if strict else yaml.SafeLoader(text)
            return _Reader(name, text, iter(loader.get_event, None)).reading(strict=strict)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # The latter two come from an escape beyond Unicode, in the second parser only.
            first = first or error
            if (
                getattr(error, "problem", None) != _COLON_REFUSED
                or len(text) > _MAX_FOR_SECOND_PARSER
            ):
                break
    raise _syntax_error(name, text, first)


class _Reader:
    """Turns events into nodes with exact ends."""

    def __init__(self, name: str, text: str, events: Iterator[Any]) -> None:
        self._name = name
        self._text = text
        self._events = events
        self._next = events.__next__
        self._aliased: set[int] = set()
        self._count = 0
        self._anchors: dict[str, Scalar | Sequence | Mapping] = {}

    def reading(self, *, strict: bool) -> Reading:
        roots: list[Node] = []
        for event in self._events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                self._anchors.clear()
            elif not kind.startswith(("Stream", "Document")):
                roots.append(self._node(kind, event, 0))
        return Reading(tuple(roots), frozenset(self._aliased), strict)

    def _node(self, kind: str, event: Any, depth: int) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        self._count += 1
        if self._count > _MAX_NODES:
            hint = "is this the right file? Configuration is smaller"
            self._refuse(start, f"it holds more than {_MAX_NODES:,} values", hint)
        node: Scalar | Sequence | Mapping
        if kind == "ScalarEvent":
            style: Style = event.style or ""
            if style in {"|", ">"}:
                end = self._block_scalar_end(start, end, event.value)
            node = Scalar(start, end, event.value, style, event.tag, event.anchor)
            self._remember(node)
            return node
        if kind == "AliasEvent":
            target = self._anchors.get(event.anchor)
            if target is None:
                self._refuse(start, f"the alias *{event.anchor} has no anchor before it")
            self._aliased.add(id(target))
            return Alias(start, end, target)
        if depth > _MAX_DEPTH:
            self._refuse(start, "the file is nested too deeply here")
        flow = bool(event.flow_style)
        if kind == "SequenceStartEvent":
            # The mark of a sequence at the column of its key stands after the dash.
            body = end - 1 if not flow and end > start and self._text[end - 1] == "-" else end
            node = Sequence(start, end, flow, body, event.tag, event.anchor)
            self._remember(node)
            self._read_items(node, depth)
            return node
        node = Mapping(start, end, flow, end, event.tag, event.anchor)
        self._remember(node)
        self._read_entries(node, depth)
        return node

    def _read_items(self, node: Sequence, depth: int) -> None:
        items = node.items
        while True:
            event = self._next()
            kind = type(event).__name__
            if kind == "SequenceEndEvent":
                break
            items.append(self._node(kind, event, depth + 1))
        node.end = event.end_mark.index if node.flow else items[-1].end

    def _read_entries(self, node: Mapping, depth: int) -> None:
        seen: dict[str, Scalar] = {}
        entries = node.entries
        while True:
            event = self._next()
            kind = type(event).__name__
            if kind == "MappingEndEvent":
                break
            key = self._node(kind, event, depth + 1)
            if isinstance(key, Scalar):
                # Compose refuses these as well: "mapping key already defined".
                if key.value in seen:
                    first = _line(self._text, seen[key.value].start)
                    problem = f"the key {key.value} is here again (first in line {first})"
                    self._refuse(key.start, problem, "keep one of them")
                seen[key.value] = key
            event = self._next()
            value = self._node(type(event).__name__, event, depth + 1)
            if value.start == value.end and self._text[value.start - 1] != ":":
                self._place_empty(key, value)
            entries.append((key, value))
        if node.flow and self._text[node.body - 1 : node.body] == "{":
            node.end = event.end_mark.index
        else:
            node.end = entries[-1][1].end

    def _place_empty(self, key: Node, value: Node) -> None:
        """Put an empty value, which is marked at the next token, where it would be written."""
        colon = _COLON.match(self._text, key.end, value.start)
        value.start = value.end = colon.end() if colon else key.end

    def _remember(self, node: Scalar | Sequence | Mapping) -> None:
        if node.anchor is not None:
            self._anchors[node.anchor] = node

    def _block_scalar_end(self, start: int, end: int, value: str) -> int:
        """The end without trailing blank lines; with them where they belong to the value."""
        text = self._text
        content = value.rstrip("\n")
        last_line = content.rpartition("\n")[2]
        ends_blank = content != "" and last_line.strip(" \t") == ""
        if ends_blank or "+" in block_header(text, content_start(text, start)):
            return end
        return start + len(text[start:end].rstrip(" \t\r\n"))

    def _refuse(self, offset: int, problem: str, hint: str = "correct that line") -> NoReturn:
        raise _error(self._name, self._text, offset, f"{self._name}: {problem}", hint)


def _error(name: str, text: str, offset: int, message: str, hint: str) -> YamlSyntax:
    return YamlSyntax(message, hint=hint, path=name, line=_line(text, offset))


def _line(text: str, offset: int) -> int:
    return sum(1 for _ in LINE_END.finditer(text, 0, offset)) + 1


def _syntax_error(name: str, text: str, error: Any) -> YamlSyntax:
    """What libyaml found wrong: its errors carry a mark, those about characters do not."""
    mark = getattr(error, "problem_mark", None)
    unprintable = _UNPRINTABLE.search(text)
    if mark is not None:
        offset, problem = mark.index, error.problem
    elif unprintable:
        offset, problem = unprintable.start(), f"it contains the character {unprintable.group()!a}"
    else:
        offset, problem = 0, str(error)
    hint = "correct that line"
    if _tab_indents(text, offset):
        problem, hint = "a tab indents this line", "YAML indents with spaces: replace the tab"
    return _error(name, text, offset, f"{name} is not valid YAML: {problem}", hint)


def _tab_indents(text: str, offset: int) -> bool:
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    line = LINE_END.split(text[start:], maxsplit=1)[0]
    return "\t" in line[: len(line) - len(line.lstrip(" \t"))]

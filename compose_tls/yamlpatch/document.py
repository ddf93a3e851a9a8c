"""A YAML text and its node graph, every node with its exact place in the text.

libyaml (behind ruamel.yaml) reads the text; nothing here ever writes YAML from nodes. Offsets count
characters of the decoded text without its byte order mark.
"""

from __future__ import annotations

import bisect
import codecs
import functools
import re
from collections.abc import Iterator
from collections.abc import Mapping as ReadMapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from compose_tls.errors import EditRefused, YamlSyntax

Style: TypeAlias = Literal["", "'", '"', "|", ">"]

# Deeper files are no configuration, and recursion over nodes has to end somewhere.
_MAX_DEPTH = 100

_LINE_END = re.compile(r"\r\n|\n|\r")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar. ``style`` is empty for plain ones; [start, end) covers quotes, tag and anchor."""

    start: int
    end: int
    value: str
    style: Style
    tag: str | None
    anchor: str | None

    @property
    def is_null(self) -> bool:
        """Whether YAML reads this as null, the empty value included."""
        return self.style == "" and self.tag is None and self.value in _NULLS


@dataclass(slots=True, eq=False)
class Sequence:
    """A sequence. For block style, ``dash`` is the place of the first ``-``."""

    start: int
    end: int
    flow: bool
    dash: int
    tag: str | None
    anchor: str | None
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping, its entries in the order of the text."""

    start: int
    end: int
    flow: bool
    tag: str | None
    anchor: str | None
    entries: list[tuple[Node, Node]] = field(default_factory=list)

    def find(self, key: str) -> tuple[Scalar, Node] | None:
        """The entry written in this mapping itself; merge keys are not followed."""
        for name, value in self.entries:
            if isinstance(name, Scalar) and name.value == key:
                return name, value
        return None

    def get(self, key: str) -> Node | None:
        """The value written in this mapping itself under ``key``."""
        entry = self.find(key)
        return entry[1] if entry else None


@dataclass(slots=True, eq=False)
class Alias:
    """An alias (``*name``) and the node that it stands for."""

    start: int
    end: int
    target: Scalar | Sequence | Mapping


Node: TypeAlias = Scalar | Sequence | Mapping | Alias


def resolve(node: Node) -> Scalar | Sequence | Mapping:
    """The node itself, or what an alias stands for."""
    return node.target if isinstance(node, Alias) else node


def reads_as(node: Node, wanted: str | ReadMapping[str, str]) -> bool:
    """Whether a node is a scalar with this value, or a flat mapping with these."""
    if isinstance(wanted, str):
        return isinstance(node, Scalar) and node.value == wanted
    if not isinstance(node, Mapping) or len(node.entries) != len(wanted):
        return False
    return all(
        isinstance(key, Scalar)
        and isinstance(value, Scalar)
        and wanted.get(key.value) == value.value
        for key, value in node.entries
    )


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed YAML text.

    Attributes:
        name: How errors name the file.
        text: The decoded text, without byte order mark.
        bom: Whether the file starts with a UTF-8 byte order mark.
        roots: The root node of each YAML document in the stream; none for an empty stream.
        aliased: The anchored nodes that some alias refers to.
    """

    name: str
    text: str = field(repr=False)
    bom: bool
    roots: tuple[Node, ...] = field(repr=False)
    aliased: frozenset[int] = field(repr=False)
    line_starts: tuple[int, ...] = field(repr=False)

    @property
    def root(self) -> Node | None:
        """The root of the first document."""
        return self.roots[0] if self.roots else None

    def line(self, offset: int) -> int:
        """The line of an offset, counted from 1."""
        return bisect.bisect_right(self.line_starts, offset)

    def line_start(self, offset: int) -> int:
        """Where the line of an offset starts."""
        return self.line_starts[self.line(offset) - 1]

    def column(self, offset: int) -> int:
        """The column of an offset, counted from 0."""
        return offset - self.line_start(offset)

    def line_end(self, offset: int) -> int:
        """Where the line of an offset ends, its line break excluded."""
        found = _LINE_END.search(self.text, offset)
        return found.start() if found else len(self.text)

    def line_break(self, offset: int) -> str:
        """The line break of the line of an offset; at the end of the text, the first one in use."""
        found = _LINE_END.search(self.text, offset) or _LINE_END.search(self.text)
        return found.group() if found else "\n"

    def encode(self, text: str) -> bytes:
        """Text back to bytes, with the byte order mark the file had."""
        content = text.encode()
        return codecs.BOM_UTF8 + content if self.bom else content


@functools.lru_cache(maxsize=32)
def parse(content: bytes, name: str) -> Document:
    """Read YAML.

    Args:
        content: The bytes of the file.
        name: How errors name it.

    Raises:
        YamlSyntax: Not UTF-8, not YAML, a key twice in one mapping, or nested absurdly deep.
    """
    bom = content.startswith(codecs.BOM_UTF8)
    try:
        text = content[len(codecs.BOM_UTF8) if bom else 0 :].decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise YamlSyntax(
            f"{name} is not UTF-8 text", hint="save the file as UTF-8", path=name, line=line
        ) from None
    builder = _Builder(name, text)
    roots = tuple(builder.roots())
    starts = (0, *(found.end() for found in _LINE_END.finditer(text)))
    return Document(name, text, bom, roots, frozenset(builder.aliased), starts)


class _Builder:
    """Turns libyaml's events into nodes with exact ends."""

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self.text = text
        self.aliased: set[int] = set()
        self._anchors: dict[str, Scalar | Sequence | Mapping] = {}

    def roots(self) -> Iterator[Node]:
        from _ruamel_yaml import CParser  # noqa: PLC0415 - costs 35 ms, not for --version
        from ruamel.yaml.error import YAMLError  # noqa: PLC0415

        try:
            parser = CParser(self.text)
            while parser.check_event():
                kind, event = self._next(parser)
                if kind == "DocumentStartEvent":
                    self._anchors.clear()
                elif not kind.startswith(("Stream", "Document")):
                    yield self._node(kind, event, parser, 0)
        except YAMLError as error:
            raise self._syntax_error(error) from None

    @staticmethod
    def _next(parser: Any) -> tuple[str, Any]:
        event = parser.get_event()
        return type(event).__name__, event

    def _node(self, kind: str, event: Any, parser: Any, depth: int) -> Node:
        start, end = event.start_mark.index, event.end_mark.index
        if kind == "AliasEvent":
            target = self._anchors.get(event.anchor)
            if target is None:
                raise self._refuse(event, f"the alias *{event.anchor} has no anchor before it")
            self.aliased.add(id(target))
            return Alias(start, end, target)
        if depth > _MAX_DEPTH:
            raise self._refuse(event, "the file is nested too deeply")
        node: Scalar | Sequence | Mapping
        if kind == "ScalarEvent":
            style: Style = event.style or ""
            if style in {"|", ">"}:
                end = self._block_scalar_end(start, end)
            node = Scalar(start, end, event.value, style, event.tag, event.anchor)
            self._remember(node)
            return node
        flow = bool(event.flow_style)
        if kind == "SequenceStartEvent":
            dash = end - 1 if self.text[end - 1 : end] == "-" and end > start else end
            node = Sequence(start, end, flow, dash, event.tag, event.anchor)
            self._remember(node)
            self._items(node, parser, depth)
            return node
        node = Mapping(start, end, flow, event.tag, event.anchor)
        self._remember(node)
        self._entries(node, parser, depth)
        return node

    def _items(self, node: Sequence, parser: Any, depth: int) -> None:
        while True:
            kind, event = self._next(parser)
            if kind == "SequenceEndEvent":
                break
            node.items.append(self._node(kind, event, parser, depth + 1))
        # The end mark of a block collection runs over comments and blank lines to the next token.
        node.end = event.end_mark.index if node.flow else node.items[-1].end

    def _entries(self, node: Mapping, parser: Any, depth: int) -> None:
        seen: dict[str, Scalar] = {}
        while True:
            kind, event = self._next(parser)
            if kind == "MappingEndEvent":
                break
            key = self._node(kind, event, parser, depth + 1)
            if isinstance(key, Scalar):
                if key.value in seen:
                    first = self.text.count("\n", 0, seen[key.value].start) + 1
                    raise self._refuse(event, f"the key {key.value} stands here again", first)
                seen[key.value] = key
            kind, event = self._next(parser)
            node.entries.append((key, self._node(kind, event, parser, depth + 1)))
        node.end = event.end_mark.index if node.flow else node.entries[-1][1].end

    def _remember(self, node: Scalar | Sequence | Mapping) -> None:
        if node.anchor is not None:
            self._anchors[node.anchor] = node

    def _block_scalar_end(self, start: int, end: int) -> int:
        """The end of the text of a block scalar; with ``+`` its blank tail belongs to the value."""
        header = self.text[start : self.text.find("\n", start)]
        if "+" in header.partition("#")[0]:
            return end
        return start + len(self.text[start:end].rstrip())

    def _refuse(self, event: Any, problem: str, first_line: int | None = None) -> YamlSyntax:
        also = f" (first in line {first_line})" if first_line else ""
        line = event.start_mark.line + 1
        return YamlSyntax(
            f"{self.name}: {problem}{also}", hint="correct that line", path=self.name, line=line
        )

    def _syntax_error(self, error: Exception) -> YamlSyntax:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        line = mark.line + 1 if mark else None
        hint = "correct that line"
        if line and "\t" in _line_of(self.text, line)[: _indent(_line_of(self.text, line)) + 1]:
            problem, hint = "a tab indents this line", "YAML indents with spaces: replace the tab"
        return YamlSyntax(
            f"{self.name} is not valid YAML: {problem}", hint=hint, path=self.name, line=line
        )


def _line_of(text: str, line: int) -> str:
    lines = _LINE_END.split(text)
    return lines[line - 1] if line <= len(lines) else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def require_editable(document: Document) -> Mapping:
    """The root mapping of a document that may be edited.

    Raises:
        EditRefused: The stream holds several documents, or something that is not a mapping.
    """
    if len(document.roots) > 1:
        line = document.line(document.roots[1].start)
        raise EditRefused(
            f"{document.name} holds several YAML documents",
            hint="keep one document in the file (Compose would merge them)",
            path=document.name,
            line=line,
        )
    root = document.root
    if not isinstance(root, Mapping):
        raise EditRefused(
            f"{document.name} holds no mapping",
            hint="is this the right file?",
            path=document.name,
            line=document.line(root.start) if root else None,
        )
    return root

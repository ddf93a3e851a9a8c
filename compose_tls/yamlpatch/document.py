"""A YAML text with its node graph, and where its lines are.

Nothing here ever writes YAML from nodes. Offsets count characters of the decoded text without its byte
order mark.
"""

from __future__ import annotations

import bisect
import codecs
import functools
from array import array
from collections.abc import Sequence as ReadSequence
from dataclasses import field

from compose_tls.errors import EditRefused, YamlSyntax
from compose_tls.files import YAML_LIMIT
from compose_tls.values import dataclass
from compose_tls.yamlpatch.libyaml import LINE_END, read
from compose_tls.yamlpatch.nodes import Mapping, Node


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed YAML text.

    Attributes:
        name: How errors name the file.
        content: Its bytes.
        text: The decoded text, without byte order mark.
        bom: Whether the file starts with a UTF-8 byte order mark.
        roots: The root node of each YAML document in the stream; none for an empty stream.
        aliased: The identities of the anchored nodes that some alias refers to.
        line_starts: Where each line starts.
        strict: Whether libyaml could read it.
    """

    name: str
    content: bytes = field(repr=False)
    text: str = field(repr=False)
    bom: bool
    roots: tuple[Node, ...] = field(repr=False)
    aliased: frozenset[int] = field(repr=False)
    line_starts: ReadSequence[int] = field(repr=False)
    strict: bool

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
        found = LINE_END.search(self.text, offset)
        return found.start() if found else len(self.text)

    def next_line(self, offset: int) -> int:
        """Where the line after that of an offset starts; the end of the text after the last."""
        found = LINE_END.search(self.text, offset)
        return found.end() if found else len(self.text)

    def line_break(self, offset: int) -> str:
        """The line break of the line of an offset; at the end of the text, the first one in use."""
        found = LINE_END.search(self.text, offset) or LINE_END.search(self.text)
        return found.group() if found else "\n"

    def encode(self, text: str) -> bytes:
        """Text back to bytes, with the byte order mark the file had."""
        return encode(text, bom=self.bom)


def decode(content: bytes) -> tuple[str, bool]:
    """The text of a file without its byte order mark, and whether there was one.

    Raises:
        UnicodeDecodeError: Not UTF-8.
    """
    text = content.decode()
    return (text[1:], True) if content.startswith(codecs.BOM_UTF8) else (text, False)


def encode(text: str, *, bom: bool) -> bytes:
    """The way back from ``decode``."""
    return codecs.BOM_UTF8 + text.encode() if bom else text.encode()


# One reading of each text in a run: a project, or what is proved of it, has fewer files than this.
@functools.lru_cache(maxsize=128)
def parse(content: bytes, name: str) -> Document:
    """Read YAML.

    Args:
        content: The bytes of the file.
        name: How errors name it.

    Raises:
        YamlSyntax: Not UTF-8, not YAML, a key twice in one mapping, or absurdly large or deep.
    """
    if len(content) > YAML_LIMIT:
        raise YamlSyntax(
            f"{name} is larger than {YAML_LIMIT // 1024**2} MiB",
            hint="is this the right file? Configuration is smaller",
            path=name,
        )
    try:
        text, bom = decode(content)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise YamlSyntax(
            f"{name} is not UTF-8 text", hint="save the file as UTF-8", path=name, line=line
        ) from None
    reading = read(name, text)
    starts = array("L", [0])
    starts.extend(found.end() for found in LINE_END.finditer(text))
    return Document(
        name, content, text, bom, reading.roots, reading.aliased, starts, reading.strict
    )


def require_editable(document: Document) -> Mapping:
    """The root mapping of a document that may be edited.

    Raises:
        EditRefused: The stream holds several documents, or something that is not a mapping.
    """
    if len(document.roots) > 1:
        raise EditRefused(
            f"{document.name} contains several YAML documents",
            hint="keep one document in the file (Compose would merge them)",
            path=document.name,
            line=document.line(document.roots[1].start),
        )
    root = document.root
    if not isinstance(root, Mapping):
        raise EditRefused(
            f"{document.name} contains no mapping",
            hint="is this the right file?",
            path=document.name,
            line=document.line(root.start) if root else None,
        )
    return root

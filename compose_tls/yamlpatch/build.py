"""YAML documents made new, with their comments. ruamel.yaml writes them: it keeps comments as data."""

from __future__ import annotations

import io
from collections.abc import Mapping
from collections.abc import Sequence as ReadSequence
from typing import Any, TypeAlias

from compose_tls.values import dataclass
from compose_tls.yamlpatch import style
from compose_tls.yamlpatch.intent import Text

_INDENT = 2


@dataclass(frozen=True, slots=True)
class Commented:
    """A value with a comment in the lines above its key or its item.

    Attributes:
        comment: Its lines, without ``#``; empty for none. A blank line in it stays blank.
        apart: Whether a blank line is above.
    """

    value: New
    comment: str = ""
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Texts in one line, each in quotes, as one writes a command: ``["CMD", "curl"]``."""

    value: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A text of several lines, shown as lines: a file within the file."""

    value: str


New: TypeAlias = (
    "Commented | Mapping[str, New] | ReadSequence[New] | Words | Block | Text"
    " | str | bool | int | None"
)
"""A text stays a text, in quotes where some reader would take it for something else."""


def build(value: Mapping[str, New], heading: str = "") -> bytes:
    """The bytes of a new YAML file, in block style.

    Args:
        value: What it holds.
        heading: The comment at its start, without ``#``.
    """
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.indent(mapping=_INDENT, sequence=2 * _INDENT, offset=_INDENT)
    yaml.width = 2**31
    yaml.representer.add_representer(_Plain, _represent_plain)
    root = _built(value, 0)
    out = io.BytesIO()
    yaml.dump(root, out)
    head = [f"# {line}".rstrip() for line in _comment(heading)]
    return "".join(f"{line}\n" for line in [*head, ""] if head).encode() + out.getvalue()


class _Plain(str):
    """A scalar to be written as it is: a number or a boolean stays one."""

    __slots__ = ()


def _comment(text: str) -> list[str]:
    """The lines of a comment. Names from elsewhere in it cannot end it, or make the file unreadable."""
    return ["".join(c if c.isprintable() else " " for c in line) for line in text.splitlines()]


def _represent_plain(representer: Any, data: _Plain) -> Any:
    from ruamel.yaml.nodes import ScalarNode

    node = ScalarNode("", str(data))
    tag = representer.serializer.resolver.resolve(ScalarNode, node.value, (True, False))
    return representer.represent_scalar(tag, str(data))


def _built(value: New, column: int) -> Any:
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import (
        DoubleQuotedScalarString,
        LiteralScalarString,
    )

    made: Any
    match value:
        case None | bool() | int():
            return value
        case str() | Text():
            text = Text(value, string=True) if isinstance(value, str) else value
            quoted = style.scalar(text, "", flow=False).startswith('"')
            return DoubleQuotedScalarString(text.value) if quoted else _Plain(text.value)
        case Words():
            made = CommentedSeq(DoubleQuotedScalarString(word) for word in value.value)
            made.fa.set_flow_style()
            return made
        case Block():
            return LiteralScalarString(value.value)
        case Commented():
            return _built(value.value, column)
        case Mapping():
            made = CommentedMap()
            entries = [(_built(key, 0), entry) for key, entry in value.items()]
        case _:
            made = CommentedSeq()
            entries = list(enumerate(value))
    for key, entry in entries:
        item = _built(entry, column + _INDENT)
        made.insert(len(made), key, item) if isinstance(made, CommentedMap) else made.append(item)
        if isinstance(entry, Commented) and (entry.comment or entry.apart):
            lines = _comment(entry.comment)
            above = "\n".join(["", *lines] if entry.apart and lines else lines)
            made.yaml_set_comment_before_after_key(key, before=above, indent=column)
    return made

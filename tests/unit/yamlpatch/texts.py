"""Hypothesis strategies: valid YAML texts in every style that people mix, and intents on them."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

DrawFn = st.DrawFn

_KEYS = (
    "image",
    "volumes",
    "ports",
    "tls",
    "a",
    "b",
    "c-d",
    "é",
    "yes",
    "19530",
    "k k",
    "environment",
)
_PLAIN = (
    "x",
    "milvusdb/milvus:v2.5.4",
    "./a:/b",
    "19530:19530",
    "on",
    "1e3",
    "2001-01-01",
    "a b",
    "日本",
    "${D:-.}/v:/w",
    "-x",
    "a#b",
    "http://h:1/?q",
    "0o17",
    "null",
    "~",
)
_FLOW_PLAIN = ("x", "1", "yes", "a b", "milvus:v2", "日本")
_QUOTED = ("", "x", "19530:19530", "it is", "# no", "a: b", "${D:-.}/v:/w", "日本 ", "- ")
_COMMENTS = ("# c", "#", "# - ./old:/old", "# volumes:", "#\tt", "# a: b é", "# 'x")


@dataclass
class Style:
    """What one document may hold."""

    shared: bool
    """Anchors, aliases, merge keys, tags and explicit keys."""
    anchors: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    """Anchors that no alias may use yet: none stands inside its own node."""


def _comment(draw: DrawFn, *, chance: int = 4) -> str:
    """An end-of-line comment, or nothing."""
    if draw(st.integers(0, chance)) > 0:
        return ""
    return draw(st.sampled_from((" ", "   "))) + draw(st.sampled_from(_COMMENTS))


def _between(draw: DrawFn, column: int) -> list[str]:
    """Comment and blank lines that may stand between two entries."""
    lines: list[str] = []
    for _ in range(draw(st.sampled_from((0, 0, 0, 0, 1, 2)))):
        indent = draw(st.sampled_from((0, column, column, column + 2, column + 3)))
        line = draw(st.sampled_from(("", "  ", *(" " * indent + c for c in _COMMENTS))))
        lines.append(line)
    return lines


def _quoted(draw: DrawFn, column: int, *, many_lines: bool = True) -> str:
    text = draw(st.sampled_from(_QUOTED))
    quote = draw(st.sampled_from("'\""))
    if many_lines and draw(st.integers(0, 7)) == 0:
        return f"{quote}{text}\n{' ' * (column + 1)}more{quote}"
    return quote + text + quote


def _flow_scalar(draw: DrawFn, column: int) -> str:
    if draw(st.booleans()):
        return draw(st.sampled_from(_FLOW_PLAIN))
    return _quoted(draw, column, many_lines=False)


def _flow(draw: DrawFn, column: int, depth: int) -> str:
    """A flow collection, perhaps over several lines; ``column`` is that of its parent."""
    mapping = draw(st.booleans())
    count = draw(st.integers(0, 3))
    keys = draw(st.permutations(_KEYS))[:count]
    entries: list[str] = []
    for key in keys:
        value = (
            _flow(draw, column + 2, depth - 1)
            if depth and draw(st.integers(0, 3)) == 0
            else (_flow_scalar(draw, column))
        )
        if mapping:
            name = key if draw(st.booleans()) else f'"{key}"'
            value = draw(st.sampled_from((f"{name}: {value}",) * 5 + (f"{name}: ",)))
        entries.append(value)
    brackets = "{}" if mapping else "[]"
    shape = draw(st.integers(0, 4))
    if shape == 0 and entries:
        pad = "\n" + " " * (column + draw(st.integers(1, 4)))
        comma = draw(st.booleans())
        lines = ""
        for index, entry in enumerate(entries):
            mark = "," if comma or index + 1 < len(entries) else ""
            lines += pad + entry + mark + _comment(draw)
        return (
            brackets[0] + _comment(draw, chance=6) + lines + "\n" + " " * (column + 1) + brackets[1]
        )
    if shape == 1 and len(entries) > 1:
        return brackets[0] + (",\n" + " " * (column + 3)).join(entries) + brackets[1]
    space = draw(st.sampled_from(("", " ")))
    end = "," if entries and draw(st.integers(0, 4)) == 0 else ""
    return brackets[0] + space + ", ".join(entries) + end + space + brackets[1]


def _block_text(draw: DrawFn, column: int) -> list[str]:
    """The header and the lines of a block scalar whose parent stands at ``column``."""
    header = draw(st.sampled_from("|>")) + draw(st.sampled_from(("", "-", "+")))
    indent = " " * (column + draw(st.integers(1, 4)))
    body = [
        indent + draw(st.sampled_from(("text", "a: b", "# x", "- y")))
        for _ in range(draw(st.integers(1, 2)))
    ]
    body += draw(st.sampled_from(([], [], [""], ["", ""], [indent + "  "], [indent + "\t"])))
    return [header + _comment(draw), *body]


def _properties(draw: DrawFn, style: Style, *, collection: bool) -> str:
    if not style.shared or draw(st.integers(0, 5)) > 0:
        return ""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        return draw(
            st.sampled_from(("!override", "!reset", "!!seq" if collection else "!!str", "!x"))
        )
    style.pending.append(name := f"n{len(style.anchors) + len(style.pending)}")
    return f"&{name}"


def _value(draw: DrawFn, column: int, depth: int, style: Style) -> list[str]:
    """A value after ``key:`` at ``column``: the rest of that line, and the lines below it."""
    kind = draw(st.integers(0, 15 if depth else 9))
    if style.shared and style.anchors and draw(st.integers(0, 3)) == 0:
        return [" *" + draw(st.sampled_from(style.anchors)) + _comment(draw)]
    if kind >= 10:
        properties = _properties(draw, style, collection=True)
        head = (" " + properties if properties else "") + _comment(draw)
        if kind >= 13:
            return [head, *_mapping(draw, column + draw(st.integers(1, 4)), depth - 1, style)]
        return [
            head,
            *_sequence(draw, column + draw(st.sampled_from((0, 2, 2, 4))), depth - 1, style),
        ]
    if kind in {0, 1, 2}:
        text = draw(st.sampled_from(_PLAIN))
        if draw(st.integers(0, 9)) == 0 and text not in {"null", "~"}:
            text += "\n" + " " * (column + 2) + "more"
    elif kind in {3, 4}:
        text = _quoted(draw, column)
    elif kind == 5:
        return [draw(st.sampled_from(("", "", " ", " null", " ~"))) + _comment(draw)]
    elif kind in {6, 7}:
        first, *rest = _block_text(draw, column)
        return [" " + first, *rest]
    else:
        text = _flow(draw, column, 1)
    properties = _properties(draw, style, collection=kind >= 8)
    gap = draw(st.sampled_from((" ", " ", "  ")))
    text = f"{gap}{properties} {text}" if properties else gap + text
    return (text + _comment(draw)).split("\n")


def _mapping(draw: DrawFn, column: int, depth: int, style: Style) -> list[str]:
    lines: list[str] = []
    indent = " " * column
    keys = draw(st.permutations(_KEYS))[: draw(st.integers(1, 4))]
    anchors = list(style.anchors)
    for index, name in enumerate(keys):
        if depth == 3:
            style.anchors += style.pending
            style.pending.clear()
        lines += _between(draw, column) if index else []
        key = draw(st.sampled_from((name, name, name, f"'{name}'", f'"{name}"')))
        if style.shared and draw(st.integers(0, 9)) == 0:
            first, *rest = _value(draw, column, depth, style)
            lines += [f"{indent}? {key}{_comment(draw)}", f"{indent}:{first}", *rest]
            continue
        first, *rest = _value(draw, column, depth, style)
        lines += [f"{indent}{key}{draw(st.sampled_from(('', '', '', ' ')))}:{first}", *rest]
    if anchors and draw(st.integers(0, 3)) == 0:
        lines.append(f"{indent}<<: *{draw(st.sampled_from(anchors))}")
    return lines


def _sequence(draw: DrawFn, column: int, depth: int, style: Style) -> list[str]:
    lines: list[str] = []
    for index in range(draw(st.integers(1, 3))):
        lines += _between(draw, column) if index else []
        dash = " " * column + "-" + draw(st.sampled_from((" ", " ", "   ")))
        kind = draw(st.integers(0, 5 if depth else 3))
        if kind == 0:
            lines += [dash + draw(st.sampled_from(("", "", "~"))) + _comment(draw)]
        elif kind == 1:
            lines += (dash + _quoted(draw, column) + _comment(draw)).split("\n")
        elif kind in {2, 3}:
            item = draw(st.sampled_from(_PLAIN)) if kind == 2 else _flow(draw, column, 0)
            lines += (dash + item + _comment(draw)).split("\n")
        else:
            deeper = _mapping if kind == 4 else _sequence
            first, *rest = deeper(draw, len(dash), depth - 1, style)
            lines += [dash + first[len(dash) :], *rest]
    return lines


@st.composite
def documents(draw: DrawFn, *, shared: bool) -> bytes:
    """The bytes of a compose-like file; ``shared`` lets anchors, tags and explicit keys in."""
    lines = draw(
        st.sampled_from(
            ([], [], [], ["# head", ""], ["---"], ["%YAML 1.1", "--- # x"], ["", "# é"])
        )
    ).copy()
    if draw(st.integers(0, 9)) == 0:
        lines += _flow(draw, 0, 2).split("\n") if shared else ["{a: b, c: [d]}"]
    else:
        lines += _mapping(draw, draw(st.sampled_from((0, 0, 0, 2))), 3, Style(shared))
    lines += draw(st.sampled_from(([], [], [], [""], ["# end"], ["  # end", ""], ["..."])))
    line_ends = draw(st.sampled_from((["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"])))
    text = "".join(line + draw(st.sampled_from(line_ends)) for line in lines)
    if draw(st.integers(0, 4)) == 0:
        text = text.rstrip("\r\n")
    bom = b"\xef\xbb\xbf" if draw(st.integers(0, 5)) == 0 else b""
    return bom + text.encode()

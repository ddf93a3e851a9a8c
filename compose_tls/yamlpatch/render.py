"""How a new value is spelled: plain where YAML allows it, else quoted as its neighbours are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from compose_tls.yamlpatch.document import Node, Scalar
from compose_tls.yamlpatch.intent import Text, Value

Quote = Literal["", "'", '"']

# Plain scalars that some reader takes for null, a boolean, a number or a date: the union of
# YAML 1.1 (yaml.org/type) and the core schema of YAML 1.2 (section 10.3.2).
_TYPED = re.compile(
    r"""(?ix)
    ~ | null | true | false | yes | no | on | off | y | n
    | [-+]? (?: [0-9][0-9_]* (?: \.[0-9_]* )? | \.[0-9][0-9_]* ) (?: e [-+]? [0-9]+ )?
    | [-+]? 0 [xob] [0-9a-f_]+
    | [-+]? [0-9][0-9_]* (?: : [0-5]?[0-9] )+ (?: \.[0-9_]* )?
    | [-+]? \.inf | \.nan
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: [Tt\s] .* )?
    | << | =
    """
)
# YAML 1.2.2, section 7.3.3: what a plain scalar may not start with or hold.
_NOT_PLAIN = re.compile(
    r"""(?x) ^ $ | ^[\s,\[\]{}#&*!|>'"%@`] | ^[-?:](?:\s|$) | ^(?:---|\.\.\.)(?:\s|$)
    | \s$ | :(?:\s|$) | \s\# | [\x00-\x1f\x7f\x85\u2028\u2029\ufeff]"""
)
_FLOW_INDICATOR = re.compile(r"[,\[\]{}]|^[-?:]")


def is_string(node: Scalar) -> bool:
    """Whether every YAML reader takes this scalar for a string."""
    return node.style != "" or not (node.value == "" or _TYPED.fullmatch(node.value))


def scalar(text: Text, quote: Quote, *, flow: bool) -> str:
    """A scalar as it is written: in ``quote`` if one is given, else plain where that is safe."""
    value = text.value
    if quote == "":
        typed = text.string and _TYPED.fullmatch(value)
        unsafe = _NOT_PLAIN.search(value) or (flow and _FLOW_INDICATOR.search(value))
        if not typed and not unsafe:
            return value
        quote = '"'
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in value) + '"'


def _escaped(character: str) -> str:
    if character in {'"', "\\"}:
        return "\\" + character
    if character.isprintable():
        return character
    return f"\\U{ord(character):08x}"


def flow_value(value: Value, quote: Quote) -> str:
    """Any value in flow style."""
    if isinstance(value, Text):
        return scalar(value, quote, flow=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(flow_entry(key, item, quote) for key, item in value.items()) + "}"
    return "[" + ", ".join(flow_value(item, quote) for item in value) + "]"


def flow_entry(key: str, value: Value, quote: Quote) -> str:
    """A mapping entry in flow style."""
    return f"{scalar(Text(key), '', flow=True)}: {flow_value(value, quote)}"


def block_entry(
    key: str, value: Value, column: int, step: int, dash: int, quote: Quote
) -> list[str]:
    """A mapping entry in block style, as lines without line breaks.

    Args:
        key: The key.
        value: Its value.
        column: The column of the key.
        step: How much deeper the keys of a mapping stand than their parent.
        dash: How much deeper the ``-`` of a sequence stands than its key.
        quote: The quotes its neighbours wear.
    """
    head = " " * column + scalar(Text(key), "", flow=False) + ":"
    if isinstance(value, Text):
        return [f"{head} {scalar(value, quote, flow=False)}"]
    lines = [head]
    if isinstance(value, Mapping):
        for name, item in value.items():
            lines += block_entry(name, item, column + step, step, dash, quote)
    else:
        for item in value:
            lines += block_item(item, column + dash, " ", quote)
    return lines


def block_item(item: Value, column: int, gap: str, quote: Quote) -> list[str]:
    """A sequence item in block style, as lines without line breaks; ``gap`` follows the dash."""
    dash = " " * column + "-" + gap
    if isinstance(item, Text):
        return [dash + scalar(item, quote, flow=False)]
    if not isinstance(item, Mapping):
        return [dash + flow_value(item, quote)]
    lines: list[str] = []
    for name, value in item.items():
        lines += block_entry(name, value, len(dash), 2, 2, quote)
    lines[0] = dash + lines[0].lstrip(" ")
    return lines


def common_quote(nodes: list[Node]) -> Quote:
    """The quotes that all of these scalars wear; none when they differ or there are none."""
    styles = {node.style for node in nodes if isinstance(node, Scalar)}
    if styles == {"'"}:
        return "'"
    return '"' if styles == {'"'} else ""

"""How a new value is spelled: plain where YAML allows it, else quoted as its neighbours are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.yamlpatch.intent import Item, Text, Value
from compose_tls.yamlpatch.nodes import Node, Scalar

Quote: TypeAlias = Literal["", "'", '"']

# Plain scalars that some reader takes for null, a boolean, a number or a date: the union of
# YAML 1.1 (yaml.org/type) and the core schema of YAML 1.2 (section 10.3.2). Pairs of numbers with
# a colon count as a whole, although only some of them are base 60: Compose advises to quote ports.
_TYPED = regex(
    r"""(?ix)
    ~ | null | true | false | yes | no | on | off | y | n
    | [-+]? (?: [0-9][0-9_]* (?: \.[0-9_]* )? | \.[0-9][0-9_]* ) (?: e [-+]? [0-9]+ )?
    | [-+]? 0 [xob] [0-9a-f_]+
    | [-+]? [0-9][0-9_]* (?: : [0-9]+ )+ (?: \.[0-9_]* )?
    | [-+]? \.inf | \.nan
    | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: [Tt\s] .* )?
    | << | =
    """
)
# YAML 1.2.2, section 7.3.3: what a plain scalar may not start with or hold; and section 5.1: what
# is not printable.
_NOT_PLAIN = regex(
    r"""(?x) ^ $ | ^[\s,\[\]{}#&*!|>'"%@`] | ^[-?:](?:\s|$) | ^(?:---|\.\.\.)(?:\s|$)
    | \s$ | :(?:\s|$) | \s\# | [\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"""
)
# YAML 1.2.2, section 5.7.
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_FLOW_INDICATOR = regex(r"[,\[\]{}]|^[-?:]")


@dataclass(frozen=True, slots=True)
class Look:
    """How the neighbours look.

    Attributes:
        quote: The quotes of values.
        key_quote: The quotes of keys.
        step: How much deeper the keys of a mapping stand than their parent.
        dash: How much deeper the ``-`` of a sequence stands than its key.
    """

    quote: Quote
    key_quote: Quote
    step: int
    dash: int


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
    if character in _SHORT:
        return _SHORT[character]
    return f"\\U{ord(character):08x}"


def _new_scalar(text: Text, quote: Quote, *, flow: bool) -> str:
    """A scalar without a predecessor: a number or a boolean stays one next to quoted neighbours."""
    typed = not text.string and _TYPED.fullmatch(text.value)
    return scalar(text, "" if typed else quote, flow=flow)


def _key(name: str, look: Look, *, flow: bool) -> str:
    return scalar(Text(name, string=True), look.key_quote, flow=flow)


def flow_value(value: Value, look: Look) -> str:
    """Any value in flow style."""
    if isinstance(value, Text):
        return _new_scalar(value, look.quote, flow=True)
    if isinstance(value, Mapping):
        return "{" + ", ".join(flow_entry(key, item, look) for key, item in value.items()) + "}"
    return "[" + ", ".join(flow_value(item, look) for item in value) + "]"


def flow_entry(key: str, value: Value, look: Look) -> str:
    """A mapping entry in flow style."""
    return f"{_key(key, look, flow=True)}: {flow_value(value, look)}"


def block_entry(key: str, value: Value, column: int, look: Look) -> list[str]:
    """A mapping entry in block style, its key at ``column``, as lines without line breaks."""
    head = " " * column + _key(key, look, flow=False) + ":"
    if isinstance(value, Text):
        return [f"{head} {_new_scalar(value, look.quote, flow=False)}"]
    return [head, *block_value(value, column, look)]


def block_value(
    value: Mapping[str, Value] | tuple[Item, ...], column: int, look: Look
) -> list[str]:
    """The lines of a collection below its key, which is at ``column``."""
    lines: list[str] = []
    if isinstance(value, Mapping):
        for name, item in value.items():
            lines += block_entry(name, item, column + look.step, look)
    else:
        for item in value:
            lines += block_item(item, column + look.dash, " ", look)
    return lines


def block_item(item: Item, column: int, gap: str, look: Look) -> list[str]:
    """A sequence item in block style, as lines without line breaks; ``gap`` follows the dash."""
    dash = " " * column + "-" + gap
    if isinstance(item, Text):
        return [dash + _new_scalar(item, look.quote, flow=False)]
    lines: list[str] = []
    for name, value in item.items():
        lines += block_entry(name, value, len(dash), look)
    lines[0] = dash + lines[0].lstrip(" ")
    return lines


def common_quote(nodes: Iterable[Node]) -> Quote | None:
    """The quotes that all strings among these nodes wear; ``None`` when there are no strings.

    Numbers, booleans and nulls stay plain where everything else is quoted, so they do not count.
    """
    styles = {node.style for node in nodes if isinstance(node, Scalar) and is_string(node)}
    if not styles:
        return None
    if styles == {"'"}:
        return "'"
    return '"' if styles == {'"'} else ""

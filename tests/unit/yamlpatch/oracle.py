"""What an edit should mean: a model of YAML documents that shares no code with the package.

Read by ruamel.yaml's pure Python parser, resolved by its YAML 1.2 rules; aliases are copied out.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from compose_tls.yamlpatch.intent import Append, Intent, Put, RemoveItem, RemoveKey, Text

_STRING = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"


class InTheWay(Exception):
    """The intents do not fit the document."""


@dataclass
class Value:
    """A value: its tag, and a text, a list or a dictionary. ``lines`` are counted from 0."""

    tag: str | None
    content: str | list[Value] | dict[str, Value]
    plain: bool = False
    flow: bool = False
    alias: bool = False
    key_line: int = 0
    lines: range = field(default=range(0), repr=False)
    new: Text | None = None


def compose(content: bytes) -> Node:
    text = content.removeprefix(codecs.BOM_UTF8).decode()
    node = YAML(typ="safe", pure=True).compose(io.StringIO(text, newline=""))
    assert isinstance(node, Node)
    return node


def read(content: bytes) -> Value:
    """The document in some bytes."""
    return _value(compose(content))


def _value(node: Node, key_line: int = 0) -> Value:
    lines = range(node.start_mark.line, node.end_mark.line + 1)
    value = Value(str(node.tag), "", key_line=key_line, lines=lines)
    if lines.start < key_line:
        # Composed as its anchor; the alias stands in the line of its key, or in the next.
        value.alias, value.lines = True, range(key_line, key_line + 2)
    if isinstance(node, ScalarNode):
        value.content, value.plain = node.value, node.style in {None, ""}
    elif isinstance(node, SequenceNode):
        value.content = [_value(item, item.start_mark.line) for item in node.value]
        value.flow = bool(node.flow_style)
    else:
        assert isinstance(node, MappingNode)
        value.content = {_name(k): _value(v, k.start_mark.line) for k, v in node.value}
        value.flow = bool(node.flow_style)
    return value


def _name(key: Node) -> str:
    return key.value if isinstance(key, ScalarNode) else repr(key.value)


def walk(value: Value, route: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Every value that a route leads to."""
    yield route, value
    if isinstance(value.content, dict):
        for name, child in value.content.items():
            yield from walk(child, (*route, name))


def expected(root: Value, intents: Iterable[Intent]) -> Value:
    """The document with the intents carried out.

    Raises:
        InTheWay: A value of another kind stands where one has to go, or nothing would be left.
    """
    intents = tuple(intents)
    root = _copy(root)
    emptied = [route for intent in intents if (route := _removed_at(root, intent)) is not None]
    for intent in intents:
        if isinstance(intent, Put):
            _put(root, intent)
        elif isinstance(intent, Append):
            _append(root, intent)
    for route in sorted(emptied, key=len, reverse=True):
        for length in range(len(route), 0, -1):
            value, parent = _at(root, route[:length]), _at(root, route[: length - 1])
            if value and not value.content and parent and isinstance(parent.content, dict):
                del parent.content[route[length - 1]]
    if emptied and not root.content:
        raise InTheWay
    return root


def _removed_at(root: Value, intent: Intent) -> tuple[str, ...] | None:
    """Carry a removal out; where something was removed."""
    if isinstance(intent, RemoveKey):
        parent = _at(root, intent.route[:-1])
        if (
            parent
            and isinstance(parent.content, dict)
            and parent.content.pop(intent.route[-1], None)
        ):
            return intent.route[:-1]
    elif isinstance(intent, RemoveItem):
        value = _at(root, intent.route)
        if value and isinstance(value.content, list):
            kept = [item for item in value.content if not reads(item, intent.item)]
            if len(kept) < len(value.content):
                value.content[:] = kept
                return intent.route
    return None


def reads(item: Value, wanted: str | object) -> bool:
    """Whether an item has exactly this value."""
    if isinstance(wanted, str):
        return item.content == wanted
    return isinstance(item.content, dict) and wanted == {
        name: value.content for name, value in item.content.items()
    }


def means(value: Value, wanted: Value) -> bool:
    """Whether a value is the one that was expected."""
    if wanted.new:
        if value.content != wanted.new.value:
            return False
        return not wanted.new.string or _is_string(value)
    if value.tag != wanted.tag:
        return False
    a, b = value.content, wanted.content
    if isinstance(a, dict) and isinstance(b, dict):
        if "<<" in a and "<<" not in b:
            # An alias became a mapping of its own that merges the anchor.
            merged = a["<<"].content
            assert isinstance(merged, dict)
            a = merged | {name: entry for name, entry in a.items() if name != "<<"}
        return a.keys() == b.keys() and all(means(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(means, a, b))
    return a == b


def _is_string(value: Value) -> bool:
    """Whether YAML 1.2 (ruamel.yaml) and YAML 1.1 (PyYAML) take a value for a string."""
    assert isinstance(value.content, str)
    if not value.plain:
        return value.tag == _STRING
    node = yaml.compose(value.content, Loader=yaml.SafeLoader)
    return value.tag == _STRING and node is not None and node.tag == _STRING


def _put(root: Value, intent: Put) -> None:
    node = _entered(root, intent.route[:-1])
    if not isinstance(node.content, dict):
        raise InTheWay
    present = node.content.get(intent.route[-1])
    if present and not isinstance(present.content, str):
        raise InTheWay
    node.content[intent.route[-1]] = Value(None, intent.value.value, new=intent.value)


def _append(root: Value, intent: Append) -> None:
    parent = _entered(root, intent.route[:-1])
    if not isinstance(parent.content, dict):
        raise InTheWay
    node = parent.content.setdefault(intent.route[-1], Value("tag:yaml.org,2002:seq", []))
    if node.tag == _NULL:
        node.tag, node.content = "tag:yaml.org,2002:seq", []
    if not isinstance(node.content, list):
        raise InTheWay
    item = intent.item
    if isinstance(item, Text):
        node.content.append(Value(None, item.value, new=item))
    else:
        entries = {name: Value(None, text.value, new=text) for name, text in item.items()}
        node.content.append(Value("tag:yaml.org,2002:map", entries))


def _entered(root: Value, route: tuple[str, ...]) -> Value:
    node = root
    for name in route:
        if not isinstance(node.content, dict):
            raise InTheWay
        node = node.content.setdefault(name, Value("tag:yaml.org,2002:map", {}))
        if node.tag == _NULL:
            node.tag, node.content = "tag:yaml.org,2002:map", {}
    return node


def _at(root: Value, route: tuple[str, ...]) -> Value | None:
    node: Value | None = root
    for name in route:
        node = node.content.get(name) if node and isinstance(node.content, dict) else None
    return node


def _copy(value: Value) -> Value:
    if isinstance(value.content, dict):
        return replace(value, content={k: _copy(v) for k, v in value.content.items()})
    if isinstance(value.content, list):
        return replace(value, content=[_copy(v) for v in value.content])
    return replace(value)

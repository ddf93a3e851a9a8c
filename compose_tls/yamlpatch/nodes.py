"""The node graph of a YAML text: what stands where. Offsets count characters of the text."""

from __future__ import annotations

from collections.abc import Mapping as ReadMapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

Style: TypeAlias = Literal["", "'", '"', "|", ">"]

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True, eq=False)
class Scalar:
    """A scalar. ``style`` is empty for plain ones; [start, end) covers quotes, tag and anchor.

    An empty value has no text: ``start`` and ``end`` are right after its ``:`` or ``-``. Blank lines
    after a block scalar are left out, unless they belong to the value.
    """

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
    """A sequence. ``body`` is the place of the first ``-``, in flow style that after the ``[``."""

    start: int
    end: int
    flow: bool
    body: int
    tag: str | None
    anchor: str | None
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping, its entries in the order of the text.

    ``body`` is the place of the first key (or of the ``?`` before it), in flow style that after
    the ``{``.
    """

    start: int
    end: int
    flow: bool
    body: int
    tag: str | None
    anchor: str | None
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    _by_name: dict[str, tuple[Scalar, Node]] | None = field(default=None, init=False, repr=False)

    def find(self, key: str) -> tuple[Scalar, Node] | None:
        """The entry written in this mapping itself; merge keys are not followed."""
        if self._by_name is None:
            # The first of a name counts, and thousands of services are asked for by theirs.
            named = [(name, value) for name, value in self.entries if isinstance(name, Scalar)]
            self._by_name = {name.value: (name, value) for name, value in reversed(named)}
        return self._by_name.get(key)

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


def item_of(node: Node) -> str | dict[str, str]:
    """An item of a list as intents name it: what it ``reads_as``.

    What no intent can name is an empty text.
    """
    if isinstance(node, Mapping):
        pairs = [(k, v) for k, v in node.entries if isinstance(k, Scalar)]
        return {k.value: v.value if isinstance(v, Scalar) else "" for k, v in pairs}
    return node.value if isinstance(node, Scalar) else ""

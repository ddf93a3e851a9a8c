"""What is to change, said without a word about the text: put this value there, append that item.

Intents on one file are gathered into a tree that follows the shape of the document, so that they
are carried out in one pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TypeAlias

from compose_tls.values import dataclass

Route: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar to write.

    Attributes:
        value: Its characters, on one line.
        string: Whether YAML must read it as a string, whatever it looks like (``"2"``).
    """

    value: str
    string: bool = False


Item: TypeAlias = Text | Mapping[str, Text]
Value: TypeAlias = "Text | Mapping[str, Value] | tuple[Item, ...]"


@dataclass(frozen=True, slots=True)
class Put:
    """The scalar at this place becomes that; missing keys on the way are made."""

    route: Route
    value: Text


@dataclass(frozen=True, slots=True)
class Append:
    """The sequence at this place gets one more item at its end; it is made where it is missing."""

    route: Route
    item: Item


@dataclass(frozen=True, slots=True)
class RemoveKey:
    """The key at this place goes away with its value, and so does a mapping left without keys."""

    route: Route


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """The items that read exactly so go away from the sequence at this place.

    A sequence that is left without items goes away with its key.
    """

    route: Route
    item: str | Mapping[str, str]


Intent: TypeAlias = Put | Append | RemoveKey | RemoveItem


@dataclass(slots=True)
class EditTree:
    """The intents below one node, by key."""

    put: Text | None = None
    appended: list[Item] = field(default_factory=list)
    removed_items: list[str | Mapping[str, str]] = field(default_factory=list)
    remove: bool = False
    children: dict[str, EditTree] = field(default_factory=dict)

    def value(self) -> Value:
        """The value that a missing node gets."""
        if self.put is not None:
            return self.put
        if self.appended:
            return tuple(self.appended)
        return {key: child.value() for key, child in self.children.items() if not child.idle}

    @property
    def idle(self) -> bool:
        """Whether there is nothing to put here: a removal changes nothing where nothing is."""
        return (
            self.put is None and not self.appended and all(c.idle for c in self.children.values())
        )

    @property
    def only_puts(self) -> bool:
        """Whether the intents do nothing but put single values under keys of this node."""
        leaves = self.children.values()
        return bool(leaves) and all(leaf.put is not None and not leaf.children for leaf in leaves)

    @property
    def contradictory(self) -> bool:
        """Whether one place is to become two things at once."""
        below = any(not child.idle for child in self.children.values())
        wanted = (self.put is not None, bool(self.appended), below, self.remove)
        return sum(wanted) > 1 or any(c.contradictory for c in self.children.values())


def gather(intents: Iterable[Intent]) -> EditTree:
    """All intents on one document as one tree. Of two values put at one place, the later stays.

    Raises:
        ValueError: One place is to become two things at once.
    """
    root = EditTree()
    for intent in intents:
        tree = root
        for key in intent.route:
            tree = tree.children.setdefault(key, EditTree())
        match intent:
            case Put(value=value):
                tree.put = value
            case Append(item=item):
                tree.appended.append(item)
            case RemoveKey():
                tree.remove = True
            case RemoveItem(item=name):
                tree.removed_items.append(name)
    if root.contradictory:
        msg = f"intents contradict each other: {intents}"
        raise ValueError(msg)
    return root


def describe(intent: Intent) -> str:
    """An intent in words, for someone who has to carry it out by hand."""
    place = ".".join(intent.route)
    match intent:
        case Put(value=value):
            return f"set {place} to {_shown(value)}"
        case Append(item=item):
            return f"add {_shown(item)} to {place}"
        case RemoveKey():
            return f"remove {place}"
        case RemoveItem(item=item):
            return f"remove {_shown(item)} from {place}"


def _shown(value: str | Text | Mapping[str, str] | Mapping[str, Text]) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(item)}" for key, item in value.items()) + "}"
    return value.value if isinstance(value, Text) else value


def rewritten(route: Route, old: Sequence[str], new: Sequence[str]) -> list[Intent]:
    """A list of texts that is to say something else: written again from the first that differs.

    Args:
        route: Where it is.
        old: Its items, as they are written.
        new: What it is to say.
    """
    pairs = enumerate(zip(old, new, strict=False))
    same = next((i for i, (one, other) in pairs if one != other), min(len(old), len(new)))
    gone = dict.fromkeys(old[same:])
    if not gone.keys().isdisjoint(old[:same]):
        # All that reads the same goes with an item: the list is written again as a whole.
        same, gone = 0, dict.fromkeys(old)
    return [
        *(RemoveItem(route, text) for text in gone),
        *(Append(route, Text(text, string=True)) for text in new[same:]),
    ]

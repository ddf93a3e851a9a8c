"""Edit a YAML text in place: intents in, bytes out, proved; and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from compose_tls.errors import EditRefused
from compose_tls.yamlpatch.document import parse, require_editable
from compose_tls.yamlpatch.intent import Intent, gather
from compose_tls.yamlpatch.prove import Proof
from compose_tls.yamlpatch.splice import Splice, splices


@dataclass(frozen=True, slots=True)
class Patched:
    """The new bytes of a file, and the splices that made them."""

    content: bytes = field(repr=False)
    splices: tuple[Splice, ...]


def patch(content: bytes, name: str, intents: Iterable[Intent]) -> Patched:
    """Carry out intents on a YAML file, touching nothing else.

    Args:
        content: The bytes of the file.
        name: How errors name the file.
        intents: What is to change.

    Raises:
        YamlSyntax: The file cannot be read.
        EditRefused: The edit cannot be made without touching something else, or cannot be proved.
        ValueInTheWay: A value of another kind stands where ours has to go.
    """
    document = parse(content, name)
    root = require_editable(document)
    tree = gather(intents)
    found = splices(document, root, tree)
    if not found:
        return Patched(content, ())
    new = document.encode(_applied(document.text, found))
    after = parse(new, name).roots
    if len(after) != 1 or not Proof().holds(root, after[0], tree):
        raise EditRefused(
            f"{name} cannot be edited with proof that nothing else changes",
            hint="make the edit by hand",
            path=name,
            line=document.line(found[0].start),
        )
    return Patched(new, found)


def revert(content: bytes, name: str, found: Sequence[Splice]) -> bytes | None:
    """The bytes before ``patch``, from the bytes after it and its splices.

    Returns:
        The original bytes, or ``None`` when the file is no longer what the splices made.
    """
    document = parse(content, name)
    text = document.text
    parts: list[str] = []
    position = shift = 0
    for splice in found:
        start = splice.start + shift
        if start < position or not text.startswith(splice.new, start):
            return None
        parts += (text[position:start], splice.old)
        position = start + len(splice.new)
        shift += len(splice.new) - len(splice.old)
    parts.append(text[position:])
    return document.encode("".join(parts))


def _applied(text: str, found: Sequence[Splice]) -> str:
    parts: list[str] = []
    position = 0
    for splice in found:
        parts += (text[position : splice.start], splice.new)
        position = splice.start + len(splice.old)
    parts.append(text[position:])
    return "".join(parts)

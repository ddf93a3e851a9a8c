"""Edit a YAML text in place: intents in, bytes out, proved; and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from compose_tls.errors import EditRefused, YamlSyntax
from compose_tls.values import dataclass
from compose_tls.yamlpatch.build import build
from compose_tls.yamlpatch.document import Document, decode, encode, parse, require_editable
from compose_tls.yamlpatch.edit.editor import splices
from compose_tls.yamlpatch.intent import EditTree, Intent, describe, gather
from compose_tls.yamlpatch.nodes import Mapping
from compose_tls.yamlpatch.prove import Proof
from compose_tls.yamlpatch.splice import Splice, applied, taken_back


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
        ValueError: The intents contradict each other.
    """
    return edit(parse(content, name), intents)


def edit(document: Document, intents: Iterable[Intent]) -> Patched:
    """The same for a file that is parsed already.

    Raises:
        EditRefused: The edit cannot be made without touching something else, or cannot be proved.
        ValueInTheWay: A value of another kind stands where ours has to go.
        ValueError: The intents contradict each other.
    """
    intents = tuple(intents)
    unchanged = Patched(document.content, ())
    if not intents:
        return unchanged
    root = require_editable(document)
    tree = gather(intents)
    found = splices(document, root, tree, intents)
    if not found:
        return unchanged
    text = applied(document.text, found)
    new = b"" if text is None else document.encode(text)
    if not _proved(document, root, new, tree):
        raise EditRefused(
            f"{document.name} cannot be edited with proof that nothing else changes",
            hint="by hand: " + "; ".join(map(describe, intents)),
            path=document.name,
            line=document.line(found[0].start),
        )
    return Patched(new, found)


def create(intents: Iterable[Intent]) -> bytes:
    """The bytes of a new YAML file that holds what intents put there, and nothing else."""
    children = gather(intents).children
    value = {name: tree.value() for name, tree in children.items() if not tree.idle}
    return build(value) if value else b""


def revert(content: bytes, found: Sequence[Splice]) -> bytes | None:
    """The bytes before ``patch``, from the bytes after it and its splices.

    Only what the splices wrote is looked for, so that the caller has to know (by a hash) that the
    rest of the file is still the same.

    Args:
        content: The bytes that ``patch`` gave.
        found: The splices that ``patch`` gave.

    Returns:
        The original bytes, or ``None`` when the file visibly is no longer what the splices made.
    """
    try:
        text, bom = decode(content)
    except UnicodeDecodeError:
        return None
    original = taken_back(text, found)
    return None if original is None else encode(original, bom=bom)


def _proved(document: Document, root: Mapping, new: bytes, tree: EditTree) -> bool:
    """Whether what was written reads as intended; where it is broken, that is our fault."""
    try:
        after = parse(new, document.name)
    except YamlSyntax:
        return False
    if len(after.roots) != 1 or document.strict > after.strict:
        return False
    return Proof().holds(root, after.roots[0], tree)

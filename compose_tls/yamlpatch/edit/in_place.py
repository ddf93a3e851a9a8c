"""Items of a list that change where they are: the others keep their lines, quotes and comments."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as ReadSequence
from collections.abc import Set as AbstractSet

from compose_tls.yamlpatch import style
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.edit.flow import Edit
from compose_tls.yamlpatch.intent import Item, Text
from compose_tls.yamlpatch.nodes import Node, Scalar, Sequence, item_of


def edits(
    document: Document,
    node: Sequence,
    gone: AbstractSet[int],
    items: ReadSequence[Item],
    look: style.Look,
) -> list[Edit] | None:
    """The edits of a list that loses items and gets others at its end, each made where it shows.

    ``None`` where one goes and none takes its place, or where one comes last of all.
    """
    texts = [item for item in items if isinstance(item, Text)]
    if not gone or len(texts) < len(items):
        return None
    from difflib import SequenceMatcher

    old = [repr(item_of(item)) for item in node.items]
    stay = [text for index, text in enumerate(old) if index not in gone]
    new = [*stay, *(repr(text.value) for text in texts)]
    found: list[Edit] = []
    for tag, start, end, first, last in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        come = texts[first - len(stay) : last - len(stay)] if first >= len(stay) else []
        more = len(come) - (end - start)
        if not come or more < 0 or start == len(old):
            return None
        made = list(_changed(document, node, node.items[start:end], come[more:]))
        above = _above(document, node, node.items[start], come[:more], look) if more else None
        if len(made) < end - start or (more and above is None):
            return None
        found += [*([above] if above else []), *made]
    return found


def _changed(
    document: Document, node: Sequence, items: ReadSequence[Node], texts: ReadSequence[Text]
) -> Iterator[Edit]:
    """Other texts instead of items, in their quotes; less of them where one is not so simple."""
    for item, text in zip(items, texts, strict=True):
        written = document.text[item.start : item.end]
        if not isinstance(item, Scalar) or item.style in {"|", ">"}:
            return
        quote: style.Quote = item.style if item.style in {"'", '"'} else ""
        if written[:1] != quote if quote else written != item.value:
            return  # an anchor or a tag stands before it, or it has several lines
        yield item.start, item.end, style.scalar(text, quote, flow=node.flow)


def _above(
    document: Document,
    node: Sequence,
    item: Node,
    texts: ReadSequence[Text],
    look: style.Look,
) -> Edit | None:
    """New items in front of one; ``None`` where it shares its line with something else."""
    start = item.start if node.flow else document.text.rfind("-", 0, item.start)
    line = document.line_start(start)
    before, dash = document.text[line:start], document.text[start : item.start]
    alone = not before.strip(" \t")
    if not node.flow and (not alone or dash[1:].strip(" ")):
        return None
    end = document.line_break(line) + before if alone else " "
    comma = "," if node.flow else ""
    written = (dash + style.scalar(text, look.quote, flow=node.flow) for text in texts)
    return start, start, "".join(one + comma + end for one in written)

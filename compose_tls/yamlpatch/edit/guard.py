"""Refusals of edits, with the place and the edit to make by hand."""

from __future__ import annotations

from collections.abc import Mapping as ReadMapping
from collections.abc import Sequence as ReadSequence
from typing import NoReturn

from compose_tls.errors import EditRefused, ValueInTheWay
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.intent import Intent, Route, Text, Value, describe
from compose_tls.yamlpatch.nodes import Alias, Mapping, Node, Scalar, Sequence, resolve
from compose_tls.yamlpatch.query import MERGE, fields

# !override replaces a value when Compose merges files; what stands under it is edited as usual.
# https://docs.docker.com/reference/compose-file/merge/
_TRANSPARENT_TAGS = frozenset({None, "!override", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class EditGuard:
    """Refuses edits of one document."""

    def __init__(self, document: Document, intents: tuple[Intent, ...]) -> None:
        self._document = document
        self._intents = intents

    def require_own(self, node: Node, route: Route) -> None:
        """Refuse what an edit would change elsewhere too.

        Raises:
            EditRefused: An alias, an anchor that is referred to, or a tag with a meaning of its own.
        """
        if isinstance(node, Alias):
            self.refuse(node, route, "it is an alias (*): an edit would change its anchor as well")
        if id(node) in self._document.aliased:
            self.refuse(node, route, "it carries an anchor (&) that other places refer to")
        if node.tag not in _TRANSPARENT_TAGS:
            # Below !reset, Compose drops what is written by hand as well.
            first = ["write !override instead of !reset"] if node.tag == "!reset" else []
            is_full = isinstance(node, Sequence | Mapping) and node.body < node.end - 1
            if first and is_full:
                first.append("remove its content, which would apply from then on")
            self.refuse(node, route, f"it carries the tag {node.tag}", first)

    def require_not_inherited(
        self, node: Mapping, entries: ReadMapping[str, Value], route: Route
    ) -> None:
        """Refuse what would replace a collection that a merge brings in, or be one in its place.

        Raises:
            EditRefused: One of the entries is a collection, and is inherited.
            ValueInTheWay: A collection is inherited where a single value is to stand.
        """
        merge = node.find(MERGE)
        inherited = fields(node) if merge else {}
        for name, value in entries.items():
            found = resolve(inherited[name]) if name in inherited else None
            if merge is None or found is None or (isinstance(found, Scalar) and found.is_null):
                continue
            if not isinstance(value, Text):
                reason = "it is inherited through a merge key (<<), and would be replaced"
                self.refuse(merge[0], (*route, name), reason)
            if not isinstance(found, Scalar):
                self.in_the_way(found, (*route, name), "a single value")

    def refuse(
        self, node: Node, route: Route, reason: str, first: ReadSequence[str] = ()
    ) -> NoReturn:
        """Say why an edit cannot be made, and what is to be done by hand, after what comes first.

        Raises:
            EditRefused: Always.
        """
        place = ".".join(route) or "the document"
        concerned = [i for i in self._intents if i.route[: len(route)] == route]
        raise EditRefused(
            f"{place} cannot be edited: {reason}",
            hint="by hand: " + "; ".join((*first, *map(describe, concerned))),
            path=self._document.name,
            line=self._document.line(node.start),
        )

    def in_the_way(self, node: Node, route: Route, wanted: str) -> NoReturn:
        """Say that a value is of another kind than the ``wanted`` one.

        Raises:
            ValueInTheWay: Always.
        """
        kind = {Scalar: "a single value", Sequence: "a list"}.get(type(resolve(node)), "a mapping")
        raise ValueInTheWay(
            f"{'.'.join(route)} holds {kind} where {wanted} is required",
            hint="correct that value",
            path=self._document.name,
            line=self._document.line(node.start),
        )

"""Reading mappings with their merge keys (``<<``) followed.

Source: https://yaml.org/type/merge.html; what stands in the mapping itself wins, then earlier merges.
"""

from __future__ import annotations

from compose_tls.yamlpatch.nodes import Mapping, Node, Scalar, Sequence, resolve

MERGE = "<<"


def fields(node: Mapping) -> dict[str, Node]:
    """Every key of a mapping, inherited ones included."""
    return _fields(node, frozenset())


def _fields(node: Mapping, inside: frozenset[int]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    merged: list[Mapping] = []
    for key, value in node.entries:
        if not isinstance(key, Scalar):
            continue
        if key.value == MERGE and key.style == "":
            source = resolve(value)
            sources = source.items if isinstance(source, Sequence) else [source]
            merged += [m for m in map(resolve, sources) if isinstance(m, Mapping)]
        else:
            found[key.value] = value
    inside |= {id(node)}
    for mapping in merged:
        if id(mapping) not in inside:
            found = {**_fields(mapping, inside), **found}
    return found

"""The map of a project as a graph, and as a Mermaid flowchart.

Source: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product

from compose_tls.cli.line import clean
from compose_tls.cli.output.rendering import reach_text
from compose_tls.patterns import regex
from compose_tls.results import CLIENTS, MONITORING, Link
from compose_tls.values import dataclass

NOTHING = "no service of this project runs Milvus"

# Neither green nor red only: each has a word and a line style too.
COLOURS = {"encrypted": "#2b7fd4", "plain": "#d9661f", "unknown": "#808080"}
_ARROWS = {"encrypted": "==>", "plain": "-.->", "unknown": "-->"}
_SAFE = regex(r"[^A-Za-z0-9 ,.:_+()/-]")


@dataclass(frozen=True, slots=True)
class Node:
    """A box: one party, or several that belong together, and what they say to each other."""

    names: tuple[str, ...]
    inner: Link | None = None

    @property
    def texts(self) -> list[str]:
        """The names, and what they say to each other."""
        inner = [f"among each other: {self.inner.encryption}"] if self.inner else []
        return [*map(clean, self.names), *inner]


@dataclass(frozen=True, slots=True)
class Edge:
    """A line between two boxes."""

    source: Node
    target: Node
    link: Link


@dataclass(frozen=True, slots=True)
class Graph:
    """The map, from left to right: who connects to Milvus, Milvus, what Milvus connects to."""

    left: tuple[Node, ...]
    middle: tuple[Node, ...]
    right: tuple[Node, ...]
    incoming: tuple[Edge, ...]
    outgoing: tuple[Edge, ...]

    @classmethod
    def of(cls, links: Iterable[Link]) -> Graph:
        """The graph of a map; components of one cluster become one box."""
        links = tuple(links)
        groups = {
            name: Node(link.sources, link)
            for link in links
            if link.sources == link.targets
            for name in link.sources
        }
        edges = [
            Edge(source, target, link)
            for link in links
            if link.sources != link.targets
            for source, target in product(_nodes(link.sources, groups), _box(link.targets, groups))
        ]
        # All others connect to Milvus, or Milvus to them.
        served = {edge.target for edge in edges if edge.link.sources[0] in {CLIENTS, MONITORING}}
        incoming = [edge for edge in edges if edge.target in served]
        outgoing = [edge for edge in edges if edge.target not in served]
        right = {edge.target for edge in outgoing}
        middle = [
            *(group for group in groups.values() if group not in right),
            *(e.target for e in incoming),
            *(e.source for e in outgoing),
        ]
        return cls(
            _once(edge.source for edge in incoming),
            _once(middle),
            _once(edge.target for edge in outgoing),
            tuple(dict.fromkeys(incoming)),
            tuple(dict.fromkeys(outgoing)),
        )


def what_text(link: Link) -> str:
    """What a link is for, and on which port."""
    return f"{link.purpose} :{link.port}" if link.port else link.purpose


def how_text(link: Link) -> str:
    """Whether a link is encrypted, and who reaches it."""
    return f"{link.encryption}, {reach_text(link)}"


def mermaid(links: Sequence[Link]) -> str:
    """The map as a Mermaid flowchart, for Markdown pages.

    Args:
        links: The links of a result.
    """
    return "\n".join(["flowchart LR", *_statements(Graph.of(links))]) + "\n"


def _statements(graph: Graph) -> Iterator[str]:
    nodes = (*graph.left, *graph.middle, *graph.right)
    if not nodes:
        yield f'  nothing["{_quoted(NOTHING)}"]'
    keys = {node: f"n{index}" for index, node in enumerate(nodes)}
    for node, key in keys.items():
        open_, close = ("[[", "]]") if node in graph.middle else ("[", "]")
        yield f'  {key}{open_}"{"<br/>".join(map(_quoted, node.texts))}"{close}'
    edges = (*graph.incoming, *graph.outgoing)
    for edge in edges:
        label = f"{_quoted(what_text(edge.link))}<br/>{_quoted(how_text(edge.link))}"
        arrow = _ARROWS[edge.link.encryption]
        yield f'  {keys[edge.source]} {arrow}|"{label}"| {keys[edge.target]}'
    for encryption, colour in COLOURS.items():
        same = [str(i) for i, edge in enumerate(edges) if edge.link.encryption == encryption]
        if same:
            yield f"  linkStyle {','.join(same)} stroke:{colour}"


def _quoted(text: str) -> str:
    """Text inside quotation marks; everything that could mean something goes by its number."""
    return _SAFE.sub(lambda match: f"#{ord(match[0])};", text)


def _nodes(names: Iterable[str], groups: Mapping[str, Node]) -> tuple[Node, ...]:
    """A box for each party."""
    return _once(groups.get(name) or Node((name,)) for name in names)


def _box(names: tuple[str, ...], groups: Mapping[str, Node]) -> tuple[Node, ...]:
    """Parties that do the same, such as three etcd servers, are one box."""
    return _nodes(names, groups) if any(name in groups for name in names) else (Node(names),)


def _once(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple(dict.fromkeys(nodes))

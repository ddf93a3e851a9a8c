"""The map of a project as a picture: SVG without scripts, fonts or styles from elsewhere.

Every text is on a ground of its own, so that the picture can be pasted into light and dark pages.
It is plain ASCII. Source: https://www.w3.org/TR/SVG11/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from compose_tls.cli.line import clean, one_line
from compose_tls.cli.output.map_mermaid import (
    COLOURS,
    NOTHING,
    Edge,
    Graph,
    Node,
    how_text,
    what_text,
)
from compose_tls.values import dataclass

if TYPE_CHECKING:
    from compose_tls.results import Link

# In pixels, which the picture is free to be scaled from.
_MARGIN: Final = 16
_ROW: Final = 64
_GAP: Final = 18
_LINE: Final = 18
_PADDING: Final = 14
_LABEL_HEIGHT: Final = 40
_BEND: Final = 52
_LEGEND: Final = 44
_CHARACTER: Final = 7.6
_BOLD: Final = 8.2

_DASHES = {"encrypted": "", "plain": "7 5", "unknown": "2 4"}
_WIDTHS = {"encrypted": 3, "plain": 2, "unknown": 2}
# Darker than the lines, for contrast on white: 4.5:1, as WCAG 2 asks of text.
_WORDS = {"encrypted": "#1c5fa5", "plain": "#a8430a", "unknown": "#5c5c5c"}
_BOX, _MILVUS = "#46536a", "#22344f"
_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class _Box:
    """A node in its place."""

    node: Node
    x: float
    y: float
    width: float
    height: float

    def slot(self, index: int, count: int) -> float:
        """The height at which one of several lines meets the box."""
        return self.y + self.height / 2 + (index - (count - 1) / 2) * _ROW


def svg(links: Sequence[Link]) -> str:
    """The map as a self-contained SVG picture.

    Args:
        links: The links of a result.
    """
    graph = Graph.of(links)
    text = "\n".join(_Drawing(graph).elements() if graph.middle else _nothing()) + "\n"
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


class _Drawing:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        sides = [(graph.left, graph.incoming), (graph.right, graph.outgoing)]
        self.labels = [max((_label_width(e.link) for e in edges), default=0) for _, edges in sides]
        columns = (graph.left, graph.middle, graph.right)
        heights = [[self.height(node) for node in column] for column in columns]
        totals = [sum(column) + _GAP * (len(column) - 1) for column in heights]
        self.inner = max(totals)
        self.boxes: dict[Node, _Box] = {}
        x: float = _MARGIN
        for index, column in enumerate(columns):
            width = max(map(_width, column), default=0)
            y = _MARGIN + (self.inner - totals[index]) / 2
            for node, height in zip(column, heights[index], strict=True):
                self.boxes[node] = _Box(node, x, y, width, height)
                y += height + _GAP
            x += width
            # Between three columns are two gaps.
            x += sum(
                label + 2 * _PADDING + _BEND for label in self.labels[index : index + 1] if label
            )
        self.width = x + _MARGIN

    def height(self, node: Node) -> float:
        ends = [self.lines(node, "target"), self.lines(node, "source")]
        text = len(node.texts) * _LINE + 2 * _PADDING
        return max(*(len(edges) * _ROW for edges in ends), text) - (0 if any(ends) else _GAP)

    def lines(self, node: Node, end: str) -> list[Edge]:
        return [e for e in (*self.graph.incoming, *self.graph.outgoing) if getattr(e, end) == node]

    def elements(self) -> Iterator[str]:
        yield from _head(max(self.width, _LEGEND_WIDTH), self.inner + 2 * _MARGIN + _LEGEND)
        yield from (self.line(edge) for edge in self.graph.incoming)
        yield from (self.line(edge) for edge in self.graph.outgoing)
        for edge in self.graph.incoming:
            source = self.boxes[edge.source]
            yield from self.label(edge, source.x + source.width + _PADDING, self.ends(edge)[0])
        for edge in self.graph.outgoing:
            left = self.boxes[edge.target].x - _PADDING - 6 - self.labels[1]
            yield from self.label(edge, left, self.ends(edge)[1])
        for box in self.boxes.values():
            yield from _box(box, _MILVUS if box.node in self.graph.middle else _BOX)
        yield from _legend(self.inner + 2 * _MARGIN + _LEGEND / 2)
        yield "</svg>"

    def ends(self, edge: Edge) -> tuple[float, float]:
        """At what height a line begins and ends."""
        source, target = self.lines(edge.source, "source"), self.lines(edge.target, "target")
        return (
            self.boxes[edge.source].slot(source.index(edge), len(source)),
            self.boxes[edge.target].slot(target.index(edge), len(target)),
        )

    def line(self, edge: Edge) -> str:
        """Level where its label is, bent on the side of Milvus."""
        source, target = self.boxes[edge.source], self.boxes[edge.target]
        (y1, y2), x1, x2 = self.ends(edge), source.x + source.width, target.x - 3
        if edge in self.graph.incoming:
            bend, end = x2 - _BEND + 3, x2 - 12
        else:
            bend, end = x1 + 8, x1 + _BEND
        middle = (bend + end) / 2
        path = f"M{x1:g} {y1:g}H{bend:g}C{middle:g} {y1:g} {middle:g} {y2:g} {end:g} {y2:g}H{x2:g}"
        kind = edge.link.encryption
        dashes = f' stroke-dasharray="{_DASHES[kind]}"' if _DASHES[kind] else ""
        return (
            f'<path d="{path}" fill="none" stroke="{COLOURS[kind]}" stroke-width="{_WIDTHS[kind]}"'
            f'{dashes} marker-end="url(#compose-tls-{kind})"/>'
        )

    def label(self, edge: Edge, x: float, y: float) -> Iterator[str]:
        kind, width = edge.link.encryption, _label_width(edge.link)
        side = 0 if edge in self.graph.incoming else 1
        x += (self.labels[side] - width) / 2
        top, middle = y - _LABEL_HEIGHT / 2, x + width / 2
        yield "<g>"
        if edge.link.note:
            yield f"<title>{escape(clean(one_line(edge.link.note)))}</title>"
        yield (
            f'<rect x="{x:g}" y="{top:g}" width="{width:g}" height="{_LABEL_HEIGHT}" rx="8" '
            f'fill="#ffffff" stroke="{COLOURS[kind]}"/>'
        )
        yield _text(what_text(edge.link), middle, y - 4, "#1f2733")
        word, _, rest = how_text(edge.link).partition(",")
        yield (
            f'<text x="{middle:g}" y="{y + 13:g}" text-anchor="middle" fill="#4a5360">'
            f'<tspan font-weight="700" fill="{_WORDS[kind]}">{escape(word)}</tspan>,{escape(rest)}</text>'
        )
        yield "</g>"


_LEGEND_WIDTH: Final = 470


def _head(width: float, height: float) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" font-family="{_FONT}" font-size="13" role="img">'
    )
    yield "<title>Which connections of this Milvus project are encrypted</title>"
    yield "<defs>"
    for kind, colour in COLOURS.items():
        yield (
            f'<marker id="compose-tls-{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="11" '
            f'markerHeight="11" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
        )
    yield "</defs>"


def _nothing() -> Iterator[str]:
    width = len(NOTHING) * _CHARACTER + 2 * _PADDING
    box = _Box(Node((NOTHING,)), _MARGIN, _MARGIN, width, _ROW)
    yield from _head(width + 2 * _MARGIN, _ROW + 2 * _MARGIN)
    yield from _box(box, _BOX)
    yield "</svg>"


def _box(box: _Box, colour: str) -> Iterator[str]:
    yield (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="10" '
        f'fill="{colour}"/>'
    )
    texts = box.node.texts
    top = box.y + box.height / 2 - (len(texts) - 1) * _LINE / 2 + 4.5
    for index, text in enumerate(texts):
        weight = "600" if index < len(box.node.names) else "400"
        yield _text(text, box.x + box.width / 2, top + index * _LINE, "#ffffff", weight)


def _legend(y: float) -> Iterator[str]:
    x: float = _MARGIN
    for kind, colour in COLOURS.items():
        dashes = f' stroke-dasharray="{_DASHES[kind]}"' if _DASHES[kind] else ""
        yield (
            f'<path d="M{x:g} {y:g}h44" stroke="{colour}" stroke-width="{_WIDTHS[kind]}"{dashes} '
            f'marker-end="url(#compose-tls-{kind})"/>'
        )
        # Of a grey that is read on black as well as on white: 4.5:1 on both.
        yield f'<text x="{x + 54:g}" y="{y + 4.5:g}" fill="#767676">{kind}</text>'
        x += 150


def _text(text: str, x: float, y: float, colour: str, weight: str = "400") -> str:
    bold = f' font-weight="{weight}"' if weight != "400" else ""
    shown = escape(one_line(text))
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle" fill="{colour}"{bold}>{shown}</text>'


def _width(node: Node) -> float:
    return max(len(text) for text in node.texts) * _BOLD + 2 * _PADDING


def _label_width(link: Link) -> float:
    return max(len(what_text(link)), len(how_text(link)) + 0.5) * _CHARACTER + 16

"""The map as a Mermaid flowchart and as SVG."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from compose_tls.cli.output.map_mermaid import COLOURS, Graph, Node, mermaid
from compose_tls.cli.output.map_svg import svg
from compose_tls.cli.output.status_text import link_lines
from compose_tls.results import Link

SVG = "{http://www.w3.org/2000/svg}"


def link(source: str, target: str, encryption: str = "plain", **more: object) -> Link:
    return Link.model_validate(
        {
            "sources": source.split(),
            "targets": target.split(),
            "purpose": "gRPC",
            "encryption": encryption,
            **more,
        }
    )


STANDALONE = (
    link("clients", "milvus", "encrypted", port=19530, published="everyone"),
    link("monitoring", "milvus", port=9091, published="loopback"),
    link("app", "milvus", "unknown", port=19530),
    link("milvus", "etcd", port=2379, published="nobody"),
    link("milvus", "s3.example.com", "encrypted", port=443),
)
CLUSTER = (
    link("clients", "proxy", port=19530, published="address"),
    link("proxy node", "etcd1 etcd2"),
    link("proxy node", "proxy node", purpose="components among each other"),
)
TWO = (
    link("clients", "a"),
    link("clients", "b"),
    link("app", "b"),
    link("a b", "etcd"),
)
HOSTILE = (
    link("clients", "<b>\"'&--#;é"),
    link("<b>\"'&--#;é", "]]>{}|`"),
)
MAPS = {"standalone": STANDALONE, "cluster": CLUSTER, "two": TWO, "hostile": HOSTILE, "none": ()}


def parsed(links: tuple[Link, ...]) -> ElementTree.Element:
    return ElementTree.fromstring(svg(links))  # noqa: S314 - our own text, not somebody's


def texts(root: ElementTree.Element) -> list[str]:
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text")]


def test_parties_stand_left_and_right_of_milvus() -> None:
    graph = Graph.of(STANDALONE)
    assert [node.names for node in graph.left] == [("clients",), ("monitoring",), ("app",)]
    assert graph.middle == (Node(("milvus",)),)
    assert [node.names for node in graph.right] == [("etcd",), ("s3.example.com",)]


def test_a_cluster_is_one_box_and_so_are_servers_that_do_the_same() -> None:
    graph = Graph.of(CLUSTER)
    assert [node.names for node in graph.middle] == [("proxy", "node")]
    assert graph.middle[0].inner == CLUSTER[-1]
    assert [node.names for node in graph.right] == [("etcd1", "etcd2")]
    assert (len(graph.incoming), len(graph.outgoing)) == (1, 1)


def test_two_servers_have_a_line_each() -> None:
    graph = Graph.of(TWO)
    assert [node.names for node in graph.middle] == [("a",), ("b",)]
    assert (len(graph.incoming), len(graph.outgoing)) == (3, 2)


def test_mermaid_draws_every_link_with_its_own_line_and_words() -> None:
    text = mermaid(STANDALONE)
    assert '  n0 ==>|"gRPC :19530<br/>encrypted, published to everyone"| n3\n' in text
    assert '  n1 -.->|"gRPC :9091<br/>plain, this machine only"| n3\n' in text
    assert '  n2 -->|"gRPC :19530<br/>unknown, outside the project"| n3\n' in text
    assert f"  linkStyle 0,4 stroke:{COLOURS['encrypted']}\n" in text
    assert '  n3[["milvus"]]\n' in text


@pytest.mark.parametrize("name", MAPS)
def test_mermaid_statements_are_of_known_form(name: str) -> None:
    head, *statements = mermaid(MAPS[name]).splitlines()
    assert head == "flowchart LR"
    word = r'"[A-Za-z0-9 ,.:_+()/#;<>-]*"'
    form = (
        rf"  (?:\w+\[{word}\]|n\d+\[\[{word}\]\]|n\d+ (?:==>|-\.->|-->)\|{word}\| n\d+"
        r"|linkStyle [\d,]+ stroke:#[0-9a-f]{6})"
    )
    for statement in statements:
        assert re.fullmatch(form, statement), statement
        assert "<b>" not in statement


@pytest.mark.parametrize("name", MAPS)
def test_svg_is_well_formed_ascii_without_anything_from_elsewhere(name: str) -> None:
    assert svg(MAPS[name]).isascii()
    root = parsed(MAPS[name])
    assert root.tag == f"{SVG}svg"
    tags = {node.tag.removeprefix(SVG) for node in root.iter()}
    assert tags <= {"svg", "title", "defs", "marker", "path", "rect", "g", "text", "tspan"}
    for node in root.iter():
        assert not {name for name in node.attrib if "href" in name or name.startswith("on")}
        assert "url(" not in "".join(node.attrib.values()).replace("url(#compose-tls-", "")


def test_svg_shows_every_party_and_every_link_in_words() -> None:
    found = texts(parsed(STANDALONE))
    for name in ("clients", "monitoring", "app", "milvus", "etcd", "s3.example.com"):
        assert found.count(name) == 1
    assert "encrypted, published to everyone" in found
    assert "plain, project network only" in found
    assert found.count("gRPC :19530") == 2


def test_svg_tells_the_three_kinds_apart_without_colour() -> None:
    lines = [node for node in parsed(STANDALONE).iter(f"{SVG}path") if "marker-end" in node.attrib]
    kinds = {
        node.attrib["marker-end"]: (node.get("stroke-dasharray"), node.attrib["stroke-width"])
        for node in lines
    }
    assert len(set(kinds.values())) == len(kinds) == len(COLOURS)


def test_svg_escapes_what_it_is_given() -> None:
    assert "<b>\"'&--#;é" in texts(parsed(HOSTILE))


def test_svg_says_what_components_do_among_each_other() -> None:
    assert "among each other: plain" in texts(parsed(CLUSTER))


def test_svg_carries_notes_as_tooltips() -> None:
    root = parsed((link("clients", "milvus", note='publish it as "127.0.0.1:1:1"'),))
    titles = [node.text for node in root.iter(f"{SVG}title")]
    assert 'publish it as "127.0.0.1:1:1"' in titles


@pytest.mark.parametrize("name", MAPS)
def test_no_box_lies_on_another_or_outside(name: str) -> None:
    root = parsed(MAPS[name])
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    boxes = [
        tuple(float(node.attrib[key]) for key in ("x", "y", "width", "height"))
        for node in root.iter(f"{SVG}rect")
    ]
    assert boxes
    for index, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        for x2, y2, w2, h2 in boxes[index + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (
            link("clients", "proxy", port=19530, published="address"),
            "  plain      clients -> proxy:19530  gRPC, one address only",
        ),
        (
            link("milvus", "etcd", published="loopback"),
            "  plain      milvus -> etcd  gRPC, this machine only",
        ),
        (
            link("milvus", "s3.example.com", "unknown", port=443),
            "  unknown    milvus -> s3.example.com:443  gRPC, outside the project",
        ),
        (
            link("a b c d e", "etcd", published="nobody"),
            "  plain      a, b, c +2 -> etcd  gRPC, project network only",
        ),
        (link("a b", "a b", "encrypted"), "  encrypted  a, b -> each other  gRPC"),
    ],
)
def test_a_link_is_a_line_of_text(one: Link, line: str) -> None:
    assert [found.plain for found in link_lines([one])] == [line]

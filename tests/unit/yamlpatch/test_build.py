"""Documents made new: what they say, and how they look."""

from __future__ import annotations

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from compose_tls.yamlpatch.build import Block, Commented, New, build
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Text
from compose_tls.yamlpatch.query import roots


def test_a_commented_document_looks_as_a_person_would_write_it() -> None:
    made = build(
        {
            "services": Commented(
                {
                    "milvus": Commented(
                        {
                            "image": "milvusdb/milvus:v2.6.4",
                            "ports": [Commented("19530:19530", "clients"), "9091:9091"],
                            "environment": {
                                "TLS_MODE": Commented("2", "both sides\nprove who they are"),
                                "PORT": Text("19530"),
                            },
                            "volumes": [
                                Commented({"type": "bind", "read_only": True}, "certificates")
                            ],
                        },
                        "the database",
                    ),
                    "etcd": Commented({"image": "etcd", "stop": 30}, apart=True),
                },
                "what runs",
            ),
            "volumes": Commented({"data": None}, "what stays", apart=True),
        },
        "Made by compose-tls.\n\nEdit it as you like.",
    )
    assert (
        made.decode()
        == """\
# Made by compose-tls.
#
# Edit it as you like.

# what runs
services:
  # the database
  milvus:
    image: milvusdb/milvus:v2.6.4
    ports:
      # clients
      - "19530:19530"
      - "9091:9091"
    environment:
      # both sides
      # prove who they are
      TLS_MODE: "2"
      PORT: 19530
    volumes:
      # certificates
      - type: bind
        read_only: true

  etcd:
    image: etcd
    stop: 30

# what stays
volumes:
  data:
"""
    )


def test_long_texts_stay_on_their_line() -> None:
    made = build({"a": "word " * 100 + "end", "b": "x" * 300})
    assert made.count(b"\n") == 2


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "yes", "on", "~", "null", "1", "0x1", "1:2", "1e3", "2026-01-01", "<<", "- a", "a: b", "#"]
)
KEYS = st.text("abnoy1:-# ", min_size=1, max_size=5)
VALUES: st.SearchStrategy[New] = st.recursive(
    TEXTS | st.booleans() | st.integers() | st.none(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS, below, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_what_was_built_is_read_again_by_every_reader(value: dict[str, New]) -> None:
    made = build(value)
    assert yaml.safe_load(made) == value
    [root] = roots(parse(made, "made"))
    assert list(root.entries()) == list(value)


@given(TEXTS, TEXTS, st.booleans())
@example("first\rx: y", "\x00\x85", True)
def test_comments_change_nothing(text: str, comment: str, apart: bool) -> None:
    value: dict[str, New] = {
        "a": Commented(["b", Commented(text, comment, apart=apart)], comment),
        "c": Commented({"d": Commented(text, comment)}, text, apart=apart),
    }
    assert yaml.safe_load(build(value, text)) == {"a": ["b", text], "c": {"d": text}}


def test_a_file_within_the_file_is_shown_as_lines() -> None:
    inner = build({"tls": {"serverPemPath": "/tls/server.pem"}, "mode": Text("2")}).decode()
    made = build({"files": {"user.yaml": Commented(Block(inner), "merged")}})
    assert yaml.safe_load(made) == {"files": {"user.yaml": inner}}
    assert made.decode().splitlines()[-4:] == [
        "  user.yaml: |",
        "    tls:",
        "      serverPemPath: /tls/server.pem",
        "    mode: 2",
    ]

"""Files that are made to keep a reader busy: read in about a second, or refused with a limit."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

import pytest

from compose_tls.errors import YamlSyntax
from compose_tls.files import YAML_LIMIT
from compose_tls.yamlpatch import document, libyaml
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Put, Text
from compose_tls.yamlpatch.patch import edit, patch
from compose_tls.yamlpatch.query import query

# A second of one processor that does nothing else, with room for one that does. Every one of these
# files took between five seconds and for ever.
SECONDS = 4


def processor_seconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def services(size: int) -> bytes:
    one = b"  s%d:\n    image: x # y\n    ports: ['1:2', \"3:4\"]\n"
    return b"services:\n" + b"".join(one % n for n in range(size // len(one)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a: " + b"x" * 50_000_000, "larger than 4 MiB", id="a line of 50 MB"),
        pytest.param(b"a: [" + b"1," * 10_000_000, "larger than 4 MiB", id="20 MB of [1,1"),
        pytest.param(b"a:\n" + b"- 1\n" * 1_000_000, "more than 200,000 values", id="a long list"),
        pytest.param(services(1_000_000) + b"x: [\n", "not valid YAML", id="1 MB, broken"),
        pytest.param(
            b"a: [x:]\n" + services(1_000_000), "unexpected ':'", id="1 MB, not libyaml's YAML"
        ),
        pytest.param(b"[" * 1_000_000, "nest", id="deep brackets"),
        pytest.param(b"- " * 1_000_000, "nested too deeply", id="deep dashes"),
    ],
)
def test_what_is_no_configuration_is_refused_at_once(content: bytes, message: str) -> None:
    def run() -> None:
        with pytest.raises(YamlSyntax, match=message) as caught:
            parse(content, "compose.yaml")
        assert caught.value.path == "compose.yaml"
        assert caught.value.hint

    assert processor_seconds(run) < SECONDS


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a: [" + b"{}," * 190_000 + b"]\n", id="as many values as may be"),
        pytest.param(b"a: 1\n" + b"\n" * (YAML_LIMIT - 5), id="as many lines as may be"),
        pytest.param(b"a: [x:]\n" + services(250_000), id="as much as the second parser takes"),
    ],
)
def test_the_largest_file_that_is_taken_is_read_quickly(content: bytes) -> None:
    assert processor_seconds(lambda: parse(content, "compose.yaml")) < SECONDS


def test_the_largest_file_that_is_taken_needs_less_than_100_megabytes() -> None:
    # A tenth of the values, for a tenth of the memory.
    content = b"a: [" + b"{}," * 20_000 + b"]\n"
    tracemalloc.start()
    try:
        parse(content, "compose.yaml")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 10e6


def test_mappings_that_merge_the_one_before_twice_are_read_once_each() -> None:
    lines = "".join(f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}\n" for n in range(1, 60))
    content = f"m0: &m0 {{k: v}}\n{lines}".encode()

    def run() -> None:
        found = query(parse(content, "compose.yaml"), "m59", "k")
        assert found is not None
        assert found.text() == "v"
        assert b"x: 1" in patch(content, "compose.yaml", [Put(("x",), Text("1"))]).content

    assert processor_seconds(run) < SECONDS


def test_a_text_is_read_once_and_so_is_what_is_made_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def reading(name: str, text: str) -> libyaml.Reading:
        read.append(text)
        return libyaml.read(name, text)

    monkeypatch.setattr(document, "read", reading)
    before, after = "once: 1\n", "once: 1\nx: 2\n"
    parsed = parse(before.encode(), "compose.yaml")
    made = edit(parsed, [Put(("x",), Text("2"))]).content
    assert made == after.encode()
    assert patch(before.encode(), "compose.yaml", [Put(("x",), Text("2"))]).content == made
    parse(made, "compose.yaml")
    assert read == [before, after]

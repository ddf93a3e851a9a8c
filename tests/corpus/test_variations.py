"""Files of every shape, and those of the corpus, mutated: enabled minimally, and taken back."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_tls.observation import Observation
from tests.corpus.compose_cli import model, require_compose, without
from tests.corpus.files import Sample, compose_samples
from tests.corpus.intended import check_compose_lines, check_milvus_lines
from tests.corpus.shapes import MUTATIONS, crlf, shapes
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    applied,
    disable,
    enable,
    enabled,
    milvus_yaml,
    observation,
)

SETTINGS: dict[str, dict[str, Any]] = {
    # What becomes of the services that mode 2 cuts off is in test_neighbours.
    "mutual": {"mode": 2, "neighbours": "list"},
    "override": {"mode": 2, "style": "override", "neighbours": "list"},
}
TEXTS = shapes() | {sample.name: sample.compose.decode() for sample in compose_samples()}
VARIATIONS = [
    pytest.param(mutate(text).encode(), id=f"{name}-{mutation}")
    for name, text in TEXTS.items()
    for mutation, mutate in MUTATIONS.items()
]
OVERRIDE = DIRECTORY / "compose.override.yaml"


def found_again(seen: Observation) -> Observation:
    """The project as it is found the next time: with the override file that enable has made."""
    if seen.files.get(OVERRIDE) is None:
        return seen
    return replace(seen, compose_files=(DIRECTORY / COMPOSE_FILE, OVERRIDE))


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("milvus", [None, crlf(milvus_yaml()).encode()], ids=["env", "file"])
@pytest.mark.parametrize("compose", VARIATIONS)
def test_every_shape_is_enabled_minimally_and_taken_back(
    compose: bytes, milvus: bytes | None, settings: dict[str, Any]
) -> None:
    files = {COMPOSE_FILE: compose, "milvus.yaml": milvus}
    before = observation({name: text for name, text in files.items() if text is not None})
    after = found_again(enabled(before, **settings))

    _check_compose_file(compose, after, settings)
    patched = after.content(DIRECTORY / "milvus.yaml")
    if milvus is not None and patched is not None:
        check_milvus_lines(milvus, patched)
        assert patched.count(b"\n") == patched.count(b"\r\n")
    assert not enable(after, **settings).plan.changed
    back = applied(after, disable(after).plan.changes)
    assert {name: back.content(DIRECTORY / name) for name in files} == files
    assert back.files.get(OVERRIDE) is None


def _check_compose_file(old: bytes, after: Observation, settings: dict[str, Any]) -> None:
    new = after.content(DIRECTORY / COMPOSE_FILE)
    assert new is not None
    assert new.startswith(codecs.BOM_UTF8) == old.startswith(codecs.BOM_UTF8)
    assert (new.count(b"\n") == new.count(b"\r\n")) == (old.count(b"\n") == old.count(b"\r\n"))
    assert new.endswith(b"\n") == old.endswith(b"\n")
    if settings.get("style") == "override":
        assert new == old
    elif not _has_edits_within_lines(old):
        check_compose_lines(old, new)


def _has_edits_within_lines(text: bytes) -> bool:
    """Whether entries of ours go into a line with others, or an alias is moved for them."""
    return bool(re.search(rb"(?m)(volumes|environment): *[\[{*]|^  \"\w+\": {", text))


@pytest.mark.parametrize("mutation", ["as-is", "crlf-and-bom", "doubled", "flow-services"])
@pytest.mark.parametrize("shape", shapes())
def test_compose_sees_what_was_intended(tmp_path: Path, shape: str, mutation: str) -> None:
    require_compose()
    sample = Sample(shape, MUTATIONS[mutation](shapes()[shape]).encode())
    old = model(sample.write(tmp_path))
    assert isinstance(old, dict), old
    content = enabled(observation(sample.compose.decode("utf-8-sig"))).content(
        DIRECTORY / COMPOSE_FILE
    )
    assert content is not None
    new = model(replace(sample, compose=content).write(tmp_path))

    assert isinstance(new, dict), new
    wanted = {
        "COMMON_SECURITY_TLSMODE": "1",
        "PROXY_HTTP_ENABLED": "false",
        "TLS_SERVERPEMPATH": "/milvus/tls/server.pem",
        "TLS_SERVERKEYPATH": "/milvus/tls/server.key",
        "TLS_CAPEMPATH": "/milvus/tls/ca.pem",
    }
    expected, _, _ = without(old, "milvus", {"/milvus/tls"}, wanted)
    rest, mounts, variables = without(new, "milvus", {"/milvus/tls"}, wanted)
    assert rest == expected
    assert mounts == {"/milvus/tls": str(tmp_path / "tls")}
    assert variables == wanted


@pytest.mark.parametrize("mutation", sorted(MUTATIONS.keys() - {"no-final-newline"}))
@pytest.mark.parametrize("shape", shapes())
def test_a_mutation_keeps_what_a_file_means(shape: str, mutation: str) -> None:
    text = shapes()[shape]

    assert yaml.safe_load(MUTATIONS[mutation](text)) == yaml.safe_load(text)

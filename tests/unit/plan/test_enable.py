"""The whole plan: enable twice is enable once, and a changed setting is a fresh start."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose_tls.changes import KeepFile, MakeDirectory
from compose_tls.errors import EditRefused
from compose_tls.observation import Observation
from compose_tls.state.recorded import read_state
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    STANDALONE,
    applied,
    disable,
    edited,
    enable,
    enabled,
    milvus_yaml,
    observation,
    orders,
    text_of,
)

BLOCK = """\
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    environment:
    - COMMON_SECURITY_TLSMODE=0
    volumes:
    - ${D:-.}/data:/var/lib/milvus   # data
    ports:
    - "19530:19530"

networks:
  default:
    name: milvus
"""
FLOW = 'services: {milvus: {image: "milvusdb/milvus:v2.6.9", environment: {A: 1}}}'
LONG = """\
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    volumes:
      - type: volume
        source: data
        target: /var/lib/milvus
"""
COMPOSE_FILES = [STANDALONE, BLOCK, BLOCK.replace("\n", "\r\n"), FLOW, LONG, BLOCK.rstrip()]
MILVUS_FILES = [None, milvus_yaml(), milvus_yaml("common:\n  security:\n    tlsMode: 0  # off\n")]

SETTINGS = st.fixed_dictionaries(
    {"mode": st.sampled_from([1, 2])},
    optional={
        "tls_dir": st.sampled_from(["tls", "other", "deep/tls", "../outside"]),
        "container_tls_dir": st.sampled_from(["/milvus/tls", "/certs"]),
        "rest_port": st.sampled_from([8080, 9000]),
        "config": st.sampled_from(["auto", "env"]),
        "style": st.sampled_from(["in-place", "override"]),
        "san": st.sampled_from([("a.example",), ("10.0.0.1",)]),
    },
)
FILES = st.fixed_dictionaries(
    {"compose": st.sampled_from(COMPOSE_FILES), "milvus": st.sampled_from(MILVUS_FILES)}
)


def project(files: dict[str, str | None]) -> Observation:
    texts = {COMPOSE_FILE: files["compose"], "milvus.yaml": files["milvus"]}
    return observation({name: text.encode() for name, text in texts.items() if text is not None})


def user_files(seen: Observation) -> dict[str, str]:
    """The texts of the files that are not ours alone."""
    return {
        path.relative_to(DIRECTORY).as_posix(): facts.content.decode()
        for path, facts in seen.files.items()
        if facts is not None and facts.content is not None and path.suffix in {".yml", ".yaml"}
    }


@given(files=FILES, settings=SETTINGS)
def test_enable_then_disable_is_the_identity(
    files: dict[str, str | None], settings: dict[str, Any]
) -> None:
    seen = project(files)
    after = _with_override(enabled(seen, **settings))
    back = applied(after, disable(after).plan.changes)

    assert user_files(back) == user_files(seen)


@given(files=FILES, settings=SETTINGS)
def test_a_second_run_changes_nothing(
    files: dict[str, str | None], settings: dict[str, Any]
) -> None:
    after = _with_override(enabled(project(files), **settings))
    again = enable(after, **settings)

    assert not again.plan.changed
    assert {type(c) for c in again.plan.changes} == {KeepFile, MakeDirectory}
    assert orders(again.identities) == ()


@given(files=FILES, first=SETTINGS, second=SETTINGS)
def test_a_changed_setting_gives_the_same_bytes_as_a_fresh_start(
    files: dict[str, str | None], first: dict[str, Any], second: dict[str, Any]
) -> None:
    seen = project(files)
    replanned = enabled(_with_override(enabled(seen, **first)), **second)

    assert user_files(replanned) == user_files(enabled(seen, **second))


def _with_override(seen: Observation) -> Observation:
    """The project as it is found the next time: with the override file that enable has made."""
    made = DIRECTORY / "compose.override.yaml"
    if seen.files.get(made) is None:
        return seen
    return replace(seen, compose_files=(DIRECTORY / COMPOSE_FILE, made))


def test_the_plan_says_where_clients_connect() -> None:
    planned = enable(observation(BLOCK), server_name="db.example")

    assert planned.services == ("milvus",)
    assert planned.proxies[0].port == 19530
    assert planned.endpoint is not None
    assert planned.endpoint.uri == "https://localhost:19530"
    assert planned.endpoint.server_name == "db.example"


def test_the_state_records_the_settings() -> None:
    after = enabled(
        observation(BLOCK),
        mode=2,
        server_name="db",
        tls_dir="t",
        container_tls_dir="/c",
        rest_port=8080,
    )
    state = read_state(text_of(after, "cert/state.json").encode(), "")

    assert state is not None
    found = state.settings
    assert (found.mode, state.services, found.server_name) == (2, ("milvus",), "db")
    assert (found.tls_dir, found.container_tls_dir, found.rest_port) == ("t", "/c", 8080)
    assert [file.path for file in state.files] == [COMPOSE_FILE]


def test_warnings_of_every_step_are_gathered() -> None:
    text = STANDALONE.replace("v2.5.5", "latest")
    planned = enable(observation({COMPOSE_FILE: text, "milvus.yaml": "a: 1\n"}))

    assert {warning.code for warning in planned.plan.warnings} == {
        "milvus-version-unknown",
        "milvus-config-partial",
        "rest-switched-off",
        "server-key-unreadable",
    }


def test_what_the_user_changed_since_counts_as_the_users() -> None:
    after = edited(
        enabled(observation(BLOCK)), COMPOSE_FILE, "/milvus/tls/ca.pem", "/elsewhere/ca.pem"
    )
    again = enable(after)

    assert [warning.code for warning in again.plan.warnings] == ["edit-kept"]
    assert "/milvus/tls/ca.pem" in text_of(applied(after, again.plan.changes))


def test_an_edit_of_the_user_elsewhere_survives_a_second_run() -> None:
    after = edited(enabled(observation(BLOCK)), COMPOSE_FILE, "name: milvus", "name: mine")
    again = enabled(after, mode=2)

    assert text_of(again) == text_of(
        enabled(observation(BLOCK.replace("name: milvus", "name: mine")), mode=2)
    )


def test_a_patched_file_that_is_gone_is_not_missed() -> None:
    seen = observation({COMPOSE_FILE: BLOCK, "milvus.yaml": milvus_yaml()})
    after = applied(enabled(seen), ())
    files = {path: facts for path, facts in after.files.items() if path.name != "milvus.yaml"}
    again = enable(replace(after, files=files))

    assert "COMMON_SECURITY_TLSMODE=1" in text_of(applied(after, again.plan.changes))


@pytest.mark.parametrize("style", ["in-place", "override"])
def test_an_override_file_of_ours_goes_when_nothing_needs_it(style: str) -> None:
    first = _with_override(enabled(observation(STANDALONE), style="override"))
    second = enabled(first, style=style)

    assert (DIRECTORY / "compose.override.yaml" in first.files) is True
    assert (second.files[DIRECTORY / "compose.override.yaml"] is None) == (style == "in-place")


INHERITED = """\
x-common: &common
  volumes: [./data:/data]
services:
  milvus:
    <<: *common
    image: milvusdb/milvus:v2.6.9
"""


def test_edits_that_are_refused_in_place_go_to_an_override_file_and_say_so() -> None:
    seen = observation(INHERITED)

    planned = enable(seen)

    assert [warning.code for warning in planned.plan.warnings] == [
        "override-used",
        "rest-switched-off",
    ]
    assert "compose.override.yaml" in planned.plan.warnings[0].message
    after = enabled(seen)
    assert text_of(after) == INHERITED
    assert "./tls:/milvus/tls" in text_of(after, "compose.override.yaml")
    assert not enable(_with_override(after)).plan.changed


@pytest.mark.parametrize("settings", [{"style": "in-place"}, {"file": (COMPOSE_FILE,)}])
def test_edits_that_are_refused_stay_refused_where_no_override_is_wanted_or_loaded(
    settings: dict[str, Any],
) -> None:
    with pytest.raises(EditRefused, match="merge key"):
        enable(observation(INHERITED), **settings)

from dataclasses import replace

import pytest

from compose_tls.changes import KeepFile, PatchFile, RemoveDirectory, RemoveFile
from compose_tls.errors import NotEnabled, StateUnreadable
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    STANDALONE,
    applied,
    disable,
    edited,
    enabled,
    facts,
    observation,
    text_of,
)


def test_the_original_bytes_come_back_and_the_state_goes() -> None:
    seen = observation(STANDALONE)
    planned = disable(enabled(seen))
    [patched, state] = planned.plan.changes

    assert isinstance(patched, PatchFile)
    assert patched.new == STANDALONE.encode()
    assert isinstance(state, RemoveFile)
    assert state.path == DIRECTORY / "cert/state.json"
    assert planned.plan.warnings == ()
    assert planned.state.services == ("milvus",)


def test_after_an_edit_only_our_own_entries_go_and_that_is_said() -> None:
    after = edited(
        enabled(observation(STANDALONE)), COMPOSE_FILE, "services:", "name: mine\nservices:"
    )
    planned = disable(after)

    assert text_of(applied(after, planned.plan.changes)) == f"name: mine\n{STANDALONE}"
    assert [warning.code for warning in planned.plan.warnings] == ["file-changed-since"]


def test_what_was_changed_since_stays_and_is_named() -> None:
    after = edited(
        enabled(observation(STANDALONE)), COMPOSE_FILE, "./tls:/milvus/tls", "/t:/milvus/tls"
    )
    planned = disable(after)

    assert "/t:/milvus/tls" in text_of(applied(after, planned.plan.changes))
    assert [warning.code for warning in planned.plan.warnings] == [
        "file-changed-since",
        "edit-kept",
    ]
    assert "services.milvus.volumes" in planned.plan.warnings[1].message


def test_a_file_that_was_put_back_by_hand_is_kept() -> None:
    after = enabled(observation(STANDALONE))
    path = DIRECTORY / COMPOSE_FILE
    after = replace(after, files={**after.files, path: facts(path, STANDALONE.encode())})
    planned = disable(after)

    assert isinstance(planned.plan.changes[0], KeepFile)
    assert planned.plan.warnings == ()


def test_a_file_that_is_gone_is_said() -> None:
    after = enabled(observation(STANDALONE))
    after = replace(after, files={**after.files, DIRECTORY / COMPOSE_FILE: None})

    assert [warning.code for warning in disable(after).plan.warnings] == ["file-missing"]


def test_an_override_file_of_ours_goes() -> None:
    after = enabled(observation(STANDALONE), style="override")
    removed = [c.path.name for c in disable(after).plan.changes if isinstance(c, RemoveFile)]

    assert removed == ["compose.override.yaml", "state.json"]


def test_purge_takes_the_certificates_and_keys_as_well() -> None:
    after = enabled(observation(STANDALONE), tls_dir="other")
    changes = disable(after, purge=True).plan.changes
    removed = {
        c.path.relative_to(DIRECTORY).as_posix() for c in changes if isinstance(c, RemoveFile)
    }

    assert removed == {
        "cert/state.json",
        "cert/.gitignore",
        *(f"cert/{role}.{kind}" for role in ("ca", "server", "client") for kind in ("pem", "key")),
        "other/.gitignore",
        "other/ca.pem",
        "other/server.pem",
        "other/server.key",
    }
    emptied = [c.path.name for c in changes if isinstance(c, RemoveDirectory)]
    assert emptied == ["clients", "cert", "other"]


def test_purge_does_not_mind_what_is_gone() -> None:
    after = enabled(observation(STANDALONE))
    gone = DIRECTORY / "cert/client.key"
    after = replace(after, files={**after.files, gone: None})
    changes = disable(after, purge=True).plan.changes

    assert gone not in {change.path for change in changes}


def test_a_key_that_only_the_container_may_read_is_removed_unseen() -> None:
    after = enabled(observation(STANDALONE))
    path = DIRECTORY / "tls/server.key"
    after = replace(after, files={**after.files, path: facts(path, None)})

    assert RemoveFile(path, None) in disable(after, purge=True).plan.changes


def test_without_an_enable_there_is_nothing_to_take_back() -> None:
    with pytest.raises(NotEnabled) as caught:
        disable(observation(STANDALONE))

    assert caught.value.path == "cert/state.json"


def test_a_damaged_state_is_told() -> None:
    with pytest.raises(StateUnreadable):
        disable(observation({COMPOSE_FILE: STANDALONE, "cert/state.json": "{}"}))

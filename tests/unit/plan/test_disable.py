from dataclasses import replace

import pytest

from compose_tls.changes import KeepFile, PatchFile, RemoveDirectory, RemoveFile
from compose_tls.errors import (
    CertificatesUnmounted,
    NotEnabled,
    StateUnreadable,
    TlsRemains,
)
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    STANDALONE,
    applied,
    disable,
    edited,
    enabled,
    facts,
    milvus_yaml,
    observation,
    text_of,
)

WITH_FILE = f"{STANDALONE}    volumes:\n      - ./milvus.yaml:/milvus/configs/milvus.yaml\n"
BY_HAND = f"""\
{STANDALONE}    volumes:
      - ./tls:/milvus/tls
    environment:
      COMMON_SECURITY_TLSMODE: "1"
      TLS_SERVERPEMPATH: /milvus/tls/server.pem
      TLS_SERVERKEYPATH: /milvus/tls/server.key
      TLS_CAPEMPATH: /milvus/tls/ca.pem
"""


def test_the_original_bytes_come_back_and_the_state_goes() -> None:
    seen = observation(STANDALONE)
    planned = disable(enabled(seen))
    [patched, state] = planned.plan.changes

    assert isinstance(patched, PatchFile)
    assert patched.new == STANDALONE.encode()
    assert isinstance(state, RemoveFile)
    assert state.path == DIRECTORY / "cert/state.json"
    assert planned.plan.warnings == ()
    assert planned.services == ("milvus",)


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
    assert emptied == ["clients", "exports", "cert", "other"]


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


class TestWhatResults:
    """What each Milvus would be told once the edits are out, not what enable once did."""

    def test_plain_text_is_said_when_no_milvus_is_told_tls(self) -> None:
        planned = disable(enabled(observation(STANDALONE)))

        assert (planned.mode, planned.before) == (None, True)

    @pytest.mark.parametrize("mode", [1, 2])
    def test_a_renamed_service_keeps_tls_and_each_entry_is_named(self, mode: int) -> None:
        after = edited(
            enabled(observation(STANDALONE), mode=mode), COMPOSE_FILE, "milvus:\n", "db:\n"
        )

        with pytest.raises(TlsRemains) as caught:
            disable(after)

        lines = text_of(after).splitlines()
        assert caught.value.path == COMPOSE_FILE
        assert "TLSMODE" in lines[(caught.value.line or 0) - 1]
        mount = 1 + next(n for n, line in enumerate(lines) if "./tls:/milvus/tls" in line)
        assert f"{COMPOSE_FILE}:{mount} ./tls:/milvus/tls" in caught.value.message
        assert "db (mode" in caught.value.message
        assert "--accept tls-remains" in caught.value.hint

    def test_a_renamed_service_keeps_its_mount_where_a_file_has_the_settings(self) -> None:
        seen = observation({COMPOSE_FILE: WITH_FILE, "milvus.yaml": milvus_yaml()})
        after = edited(enabled(seen), COMPOSE_FILE, "milvus:\n", "db:\n")

        with pytest.raises(TlsRemains) as caught:
            disable(after)

        assert "./tls:/milvus/tls" in text_of(after).splitlines()[(caught.value.line or 0) - 1]

    def test_accepted_the_rest_goes_and_the_record_stays(self) -> None:
        after = edited(enabled(observation(STANDALONE)), COMPOSE_FILE, "milvus:\n", "db:\n")
        planned = disable(after, accept=("tls-remains",))

        assert (planned.before, planned.plan.warnings[-1].code) == (False, "tls-remains")
        assert DIRECTORY / "cert/state.json" not in {c.path for c in planned.plan.changes}

    @pytest.mark.parametrize(
        ("files", "edit"),
        [
            ({COMPOSE_FILE: STANDALONE}, ('TLSMODE: "1"', 'TLSMODE: "2"')),
            (
                {COMPOSE_FILE: WITH_FILE, "milvus.yaml": milvus_yaml()},
                ("tlsMode: 1", "tlsMode: 2"),
            ),
        ],
    )
    def test_a_mode_changed_by_hand_is_no_plain_text_and_milvus_is_not_left_without_certificates(
        self, files: dict[str, str], edit: tuple[str, str]
    ) -> None:
        name = next(reversed(files))
        after = edited(enabled(observation(files)), name, *edit)

        for accept in ((), ("tls-remains",)):
            with pytest.raises(CertificatesUnmounted) as caught:
                disable(after, accept=accept)
            assert caught.value.path == name
            assert edit[1] in text_of(after, name).splitlines()[(caught.value.line or 0) - 1]

    def test_a_mode_put_to_0_by_hand_is_plain_text(self) -> None:
        after = edited(enabled(observation(STANDALONE)), COMPOSE_FILE, 'MODE: "1"', 'MODE: "0"')

        assert disable(after).mode is None

    def test_another_file_that_puts_tls_in_since_is_named(self) -> None:
        override = BY_HAND.replace("    image: milvusdb/milvus:v2.5.5\n", "")
        after = enabled(observation(STANDALONE))
        path = DIRECTORY / "docker-compose.override.yml"
        after = replace(
            after,
            files={**after.files, path: facts(path, override.encode())},
            compose_files=(*after.compose_files, path),
        )

        with pytest.raises(TlsRemains) as caught:
            disable(after)

        assert (caught.value.path, caught.value.line) == (path.name, 6)

    def test_an_env_file_that_puts_tls_in_since_is_named(self) -> None:
        after = enabled(observation({COMPOSE_FILE: f"{STANDALONE}    env_file: own.env\n"}))
        path = DIRECTORY / "own.env"
        lines = "# ours\nexport COMMON_SECURITY_TLSMODE=1\n"
        after = replace(after, files={**after.files, path: facts(path, lines.encode())})

        with pytest.raises(CertificatesUnmounted) as caught:
            disable(after)

        assert (caught.value.path, caught.value.line) == ("own.env", 2)

    def test_tls_of_before_enable_is_told_with_its_mode(self) -> None:
        after = enabled(observation(BY_HAND))
        planned = disable(after)

        assert text_of(applied(after, planned.plan.changes)) == BY_HAND
        assert (planned.mode, planned.before) == (1, True)
        [warning] = planned.plan.warnings
        assert (warning.code, warning.path, warning.line) == ("tls-as-before", COMPOSE_FILE, 7)

    def test_a_weaker_mode_of_before_comes_back_and_is_told(self) -> None:
        planned = disable(enabled(observation(BY_HAND), mode=2))

        assert (planned.mode, planned.before) == (1, True)

    def test_the_mode_of_before_is_known_in_a_file_that_was_edited_since(self) -> None:
        after = edited(
            enabled(observation(BY_HAND), mode=2), COMPOSE_FILE, "services:", "name: x\nservices:"
        )
        planned = disable(after)

        assert (planned.mode, planned.before) == (1, True)

    def test_certificates_in_use_as_before_are_not_purged(self) -> None:
        with pytest.raises(CertificatesUnmounted, match="cannot be purged"):
            disable(enabled(observation(BY_HAND)), purge=True)

    def test_where_enable_found_all_there_is_nothing_that_could_be_taken_back(self) -> None:
        committed = text_of(enabled(observation(STANDALONE)))
        after = enabled(observation(committed))

        with pytest.raises(TlsRemains) as caught:
            disable(after)

        assert "./tls:/milvus/tls" in caught.value.message

    def test_a_fresh_clone_has_no_record_and_its_entries_are_named(self) -> None:
        clone = text_of(enabled(observation(STANDALONE)))

        with pytest.raises(TlsRemains) as caught:
            disable(observation(clone))

        assert "TLSMODE" in clone.splitlines()[(caught.value.line or 0) - 1]
        assert "./tls:/milvus/tls" in caught.value.message

    @pytest.mark.parametrize("edit", ["", "name: mine\n"])
    def test_a_compose_file_that_was_renamed_is_found(self, edit: str) -> None:
        after = enabled(observation(STANDALONE))
        path = DIRECTORY / "compose.yaml"
        content = f"{edit}{text_of(after)}".encode()
        files = {**after.files, DIRECTORY / COMPOSE_FILE: None, path: facts(path, content)}
        planned = disable(replace(after, files=files, compose_files=(path,)))

        assert (
            text_of(applied(after, planned.plan.changes), "compose.yaml") == f"{edit}{STANDALONE}"
        )
        assert planned.plan.warnings[0].message == "docker-compose.yml is compose.yaml now"

    def test_a_milvus_of_somebody_else_is_none_of_ours(self) -> None:
        other = BY_HAND.replace("services:\n", "").replace("milvus:", "other:", 1)
        other = other.replace("./tls:", "./own:")
        seen = observation(f"{STANDALONE}{other}")
        planned = disable(enabled(seen, service=("milvus",)))

        assert (planned.mode, planned.before) == (None, True)
        assert [warning.code for warning in planned.plan.warnings] == ["tls-as-before"]


class TestPurgeLater:
    def test_what_stays_is_told_unless_it_is_purged(self) -> None:
        after = enabled(observation(STANDALONE))

        assert disable(after).key_directories == ("cert", "tls")
        assert disable(after, purge=True).key_directories == ()

    def test_it_works_without_a_record_for_what_is_ours(self) -> None:
        after = enabled(observation(STANDALONE))
        after = applied(after, disable(after).plan.changes)
        removed = {c.path for c in disable(after, purge=True).plan.changes}

        assert {DIRECTORY / "cert/ca.key", DIRECTORY / "cert/ca.pem"} <= removed

    def test_a_file_of_somebody_else_stays(self) -> None:
        after = enabled(observation(STANDALONE))
        after = applied(after, disable(after).plan.changes)
        path = DIRECTORY / "tls/server.pem"
        after = replace(after, files={**after.files, path: facts(path, b"not ours")})

        assert path not in {c.path for c in disable(after, purge=True).plan.changes}

    def test_directories_of_somebody_else_are_not_touched(self) -> None:
        names = ("cert/ca.pem", "cert/ca.key", "cert/server.pem", "tls/server.pem")
        seen = observation({COMPOSE_FILE: STANDALONE, **dict.fromkeys(names, "theirs")})

        with pytest.raises(NotEnabled):
            disable(seen, purge=True)

    def test_what_a_milvus_is_told_to_open_is_not_purged(self) -> None:
        after = enabled(observation(STANDALONE))
        after = replace(after, files={**after.files, DIRECTORY / "cert/state.json": None})

        with pytest.raises(CertificatesUnmounted):
            disable(after, purge=True)

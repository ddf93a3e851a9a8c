"""The files of our own, and those of somebody else that have their names."""

from dataclasses import replace
from typing import Any

import pytest

from compose_tls.changes import (
    CreateFile,
    FileChange,
    KeepFile,
    MakeDirectory,
    Pending,
    RemoveDirectory,
    RemoveFile,
)
from compose_tls.errors import ValueInTheWay
from compose_tls.observation import Observation, PkiFacts
from compose_tls.state.recorded import read_state
from compose_tls.vocabulary import Profile
from tests.unit.builders import (
    DIRECTORY,
    STANDALONE,
    applied,
    disable,
    enable,
    enabled,
    facts,
    observation,
    text_of,
)

KEY = "tls/server.key"


def own(seen: Observation, **settings: Any) -> dict[str, FileChange]:
    """The changes below the two directories, by path."""
    changes = enable(seen, **settings).plan.changes
    return {
        change.path.relative_to(DIRECTORY).as_posix(): change
        for change in changes
        if change.path.suffix not in {".yml", ".yaml"}
    }


def kinds(found: dict[str, FileChange]) -> dict[str, type]:
    return {path: type(change) for path, change in found.items()}


def test_at_first_everything_is_made_with_its_mode() -> None:
    found = own(observation(STANDALONE))

    modes = {
        path: change.mode
        for path, change in found.items()
        if isinstance(change, CreateFile | MakeDirectory)
    }
    assert modes == {
        "cert": 0o700,
        "cert/.gitignore": 0o644,
        "cert/ca.pem": 0o644,
        "cert/ca.key": 0o600,
        "cert/server.pem": 0o644,
        "cert/server.key": 0o600,
        "cert/client.pem": 0o644,
        "cert/client.key": 0o600,
        "cert/state.json": 0o600,
        "tls": 0o755,
        "tls/.gitignore": 0o644,
        "tls/ca.pem": 0o644,
        "tls/server.pem": 0o644,
        "tls/server.key": 0o600,
    }


def test_a_plan_holds_no_key() -> None:
    found = own(observation(STANDALONE))
    contents = {p: c.content for p, c in found.items() if isinstance(c, CreateFile)}

    assert {path for path, content in contents.items() if not isinstance(content, Pending)} == {
        "cert/.gitignore",
        "tls/.gitignore",
    }
    assert contents[KEY] == Pending("server.key")


def test_a_second_run_keeps_everything() -> None:
    found = own(enabled(observation(STANDALONE)))

    assert {kind for path, kind in kinds(found).items() if path not in {"cert", "tls"}} == {
        KeepFile
    }


def test_only_what_is_issued_anew_is_written_again() -> None:
    found = kinds(own(enabled(observation(STANDALONE)), san=("new.example",)))

    assert {path for path, kind in found.items() if kind is CreateFile} == {
        "cert/server.pem",
        "cert/server.key",
        "cert/state.json",
        "tls/server.pem",
        "tls/server.key",
    }


@pytest.mark.parametrize("name", ["ca.pem", "server.pem", "server.key"])
def test_a_copy_that_is_gone_or_changed_is_made_again(name: str) -> None:
    seen = enabled(observation(STANDALONE))
    path = DIRECTORY / "tls" / name
    for other in (None, facts(path, b"something else")):
        changed = replace(seen, files={**seen.files, path: other})
        change = own(changed)[f"tls/{name}"]

        assert isinstance(change, CreateFile)
        assert change.before == (other.sha256 if other else None)


@pytest.mark.parametrize(("mode", "kept"), [(0o600, True), (0o644, False), (0o640, False)])
def test_a_key_with_another_mode_is_written_again(mode: int, *, kept: bool) -> None:
    seen = enabled(observation(STANDALONE))
    path = DIRECTORY / KEY
    key = seen.files[path]
    assert key is not None
    seen = replace(seen, files={**seen.files, path: replace(key, mode=mode)})

    assert isinstance(own(seen)[KEY], KeepFile) == kept


def test_the_user_of_the_container_gets_the_key() -> None:
    text = STANDALONE.replace("v2.5.5", "v3.0.0")
    seen = observation(text, user_id=0)
    change = own(seen)[KEY]

    assert isinstance(change, CreateFile)
    assert (change.mode, change.uid, change.gid) == (0o600, 999, 999)
    assert isinstance(own(enabled(seen))[KEY], KeepFile)


def test_a_key_that_only_the_container_may_read_is_kept_unseen() -> None:
    seen = enabled(observation(STANDALONE))
    path = DIRECTORY / KEY
    seen = replace(seen, files={**seen.files, path: facts(path, None, 0o600)})

    assert own(seen)[KEY] == KeepFile(path, None)


@pytest.mark.parametrize(
    "name",
    ["cert/.gitignore", "cert/ca.key", "cert/server.pem", "cert/client.key", "tls/ca.pem", KEY],
)
def test_a_file_of_somebody_else_is_never_written_over(name: str) -> None:
    with pytest.raises(ValueInTheWay) as caught:
        enable(observation({"docker-compose.yml": STANDALONE, name: "precious\n"}))

    assert caught.value.path == name
    assert name in caught.value.message


def test_a_file_of_somebody_else_that_says_the_same_is_kept() -> None:
    found = own(observation({"docker-compose.yml": STANDALONE, "tls/.gitignore": "*\n"}))

    assert isinstance(found["tls/.gitignore"], KeepFile)


class TestAfterDisable:
    def seen(self) -> Observation:
        after = enabled(observation(STANDALONE))
        return applied(after, disable(after).plan.changes)

    def test_what_is_left_is_used_again(self) -> None:
        found = own(self.seen())

        assert {path for path, kind in kinds(found).items() if kind is CreateFile} == {
            "cert/state.json"
        }

    def test_the_new_state_knows_the_certificates(self) -> None:
        change = own(self.seen())["cert/state.json"]

        assert isinstance(change, CreateFile)
        assert isinstance(change.content, bytes)
        state = read_state(change.content, "state.json")
        assert state is not None
        assert list(state.certificates) == [
            "tls/server.pem",
            "tls/ca.pem",
            "cert/ca.pem",
            "cert/server.pem",
            "cert/client.pem",
        ]

    def test_it_may_be_issued_anew(self) -> None:
        found = own(self.seen(), san=("new.example",))

        assert isinstance(found["cert/server.pem"], CreateFile)
        assert isinstance(found[KEY], CreateFile)

    def test_what_somebody_put_there_since_is_not_written_over(self) -> None:
        seen = self.seen()
        path = DIRECTORY / "tls/server.pem"
        seen = replace(seen, files={**seen.files, path: facts(path, b"precious")})
        with pytest.raises(ValueInTheWay):
            enable(seen)

    def test_nor_is_what_another_ca_issued(self) -> None:
        seen = self.seen()
        ca = replace(seen.pki.certificates["ca"], subject="CN=Example CA")
        certificates = {**seen.pki.certificates, "ca": ca}
        seen = replace(seen, pki=replace(seen.pki, certificates=certificates))
        with pytest.raises(ValueInTheWay) as caught:
            enable(seen, san=("new.example",))

        assert caught.value.path == "cert/server.pem"


class TestAnotherDirectory:
    def test_the_copies_in_the_old_one_go(self) -> None:
        seen = enabled(observation(STANDALONE))
        found = own(seen, tls_dir="other")

        assert kinds(found)["tls"] is RemoveDirectory
        assert {path for path, kind in kinds(found).items() if kind is RemoveFile} == {
            "tls/.gitignore",
            "tls/ca.pem",
            "tls/server.pem",
            "tls/server.key",
        }
        assert isinstance(found["other/server.key"], CreateFile)

    def test_what_somebody_changed_there_stays(self) -> None:
        seen = enabled(observation(STANDALONE))
        path = DIRECTORY / "tls/ca.pem"
        seen = replace(seen, files={**seen.files, path: facts(path, b"precious")})

        assert "tls/ca.pem" not in own(seen, tls_dir="other")

    def test_the_state_is_written_anew(self) -> None:
        seen = enabled(enabled(observation(STANDALONE)), tls_dir="other")

        assert {type(change) for change in own(seen, tls_dir="other").values()} == {
            KeepFile,
            MakeDirectory,
        }


BROUGHT: dict[str, Any] = {
    "ca_cert": "my/ca.pem",
    "server_cert": "my/server.pem",
    "server_key": "my/server.key",
}


def test_certificates_of_the_user_are_copied_but_not_the_key_of_the_ca() -> None:
    files = {
        "docker-compose.yml": STANDALONE,
        "my/ca.pem": "c",
        "my/server.pem": "s",
        "my/server.key": "k",
    }
    found = own(observation(files), **BROUGHT)

    made = {path for path, kind in kinds(found).items() if kind is CreateFile}
    assert made >= {"cert/ca.pem", "cert/server.pem", "cert/server.key", "tls/server.key"}
    assert not made & {"cert/ca.key", "cert/client.pem"}


@pytest.mark.parametrize(
    ("copied", "written"),
    [
        ({"ca", "server"}, set()),
        ({"ca"}, {"cert/server.pem", "cert/server.key", "tls/server.pem", "tls/server.key"}),
        ({"server"}, {"cert/ca.pem", "tls/ca.pem"}),
    ],
)
def test_once_they_are_copied_they_are_kept(copied: set[Profile], written: set[str]) -> None:
    mine = {"ca.pem": "c", "server.pem": "s", "server.key": "k", ".gitignore": "*\n"}
    files = {"docker-compose.yml": STANDALONE}
    for directory in ("cert", "tls"):
        files |= {f"{directory}/{name}": text for name, text in mine.items()}
    first = enabled(observation(STANDALONE))
    files["cert/state.json"] = text_of(first, "cert/state.json")
    seen = observation(files)
    key = seen.files[DIRECTORY / KEY]
    assert key is not None
    seen = replace(
        seen,
        files={**seen.files, DIRECTORY / KEY: replace(key, mode=0o600)},
        pki=PkiFacts({}, frozenset(), frozenset(copied)),
    )
    found = kinds(own(seen, **BROUGHT))

    assert {p for p, kind in found.items() if kind is CreateFile} == {"cert/state.json", *written}


def test_our_own_ca_that_gives_way_keeps_its_key_under_another_name() -> None:
    seen = enabled(observation(STANDALONE))
    found = own(seen, ca_cert="my/ca.pem", ca_key="my/ca.key")
    name = f"cert/ca-{seen.pki.certificates['ca'].sha256[:8]}"

    assert kinds(found)["cert/ca.key"] is RemoveFile
    assert kinds(found)[f"{name}.key"] is CreateFile
    assert kinds(found)[f"{name}.pem"] is CreateFile


def test_a_key_that_belongs_to_no_ca_here_is_not_written_over() -> None:
    seen = enabled(observation(STANDALONE))
    seen = replace(seen, pki=replace(seen.pki, usable=frozenset()))
    with pytest.raises(ValueInTheWay) as caught:
        enable(seen, ca_cert="my/ca.pem", ca_key="my/ca.key")

    assert caught.value.path == "cert/ca.key"
    assert "my/ca.pem" in caught.value.message


def test_our_own_ca_may_be_brought_back() -> None:
    seen = enabled(observation(STANDALONE))
    seen = replace(seen, pki=replace(seen.pki, provided=frozenset({"ca"})))
    found = own(seen, ca_cert="cert/ca.pem", ca_key="cert/ca.key")

    assert kinds(found)["cert/ca.key"] is KeepFile

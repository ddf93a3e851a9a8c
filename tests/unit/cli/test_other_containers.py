"""What is met is not always what these files started: to recreate it does not help then (T5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compose_tls.deploy.port_check import project_of, taken
from compose_tls.errors import CheckFailed
from compose_tls.results import Probe
from compose_tls.workflows import check as module
from tests.moment import NOW
from tests.unit.cli.conftest import Run
from tests.unit.pki.minting import DAY, mint

OWNER = "container b1-standalone-1 of project b1"
RECREATE = "recreate the Milvus service: docker compose up -d --force-recreate standalone"
PROBE = Probe(
    name="server-certificate", ok=False, expected="a", observed="b", seconds=0.1, hint=RECREATE
)


@pytest.fixture
def enabled(project: Path, run: Run) -> Path:
    run("enable", "--mode", "2", "-q")
    return project


def other_certificate(*_: Any, **__: Any) -> tuple[Probe, ...]:
    raise CheckFailed("another certificate", hint=RECREATE, checks=(PROBE,), summary="failed")


def test_a_server_of_another_project_is_told(
    enabled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after the directory was moved, or copied: the container of the first one has the port."""
    monkeypatch.setattr(module, "stranger_at", lambda *_: OWNER)
    monkeypatch.setattr(module, "prove", other_certificate)

    error = run("check", "--json").error
    assert error["hint"].startswith(
        f"port 19530 is that of {OWNER}, not of this project: compose-tls status "
    )
    assert "docker compose" not in run("check").err

    monkeypatch.setattr(module, "prove", lambda *_, **__: ())
    assert [one["code"] for one in run("check", "--json").json["warnings"]] == ["another-project"]


def test_one_that_is_paused_is_not_waited_for(
    enabled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "paused", lambda *_: "b1-standalone-1")

    found = run("check", "-p", "rag", "--json")
    assert (found.code, found.error["code"]) == (6, "check-failed")
    assert found.error["message"] == "container b1-standalone-1 is paused"
    assert found.error["hint"] == "docker compose -p rag unpause standalone"


def test_a_certificate_that_was_replaced_by_hand_is_not_put_in_force(
    enabled: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "prove", other_certificate)
    assert RECREATE in run("check").err

    own = mint("localhost", ca=True)
    (enabled / "tls/server.pem").write_bytes(own.certificate_pem)
    (enabled / "tls/server.key").write_bytes(own.private_key_pem)
    found = run("check")
    assert RECREATE not in found.out + found.err
    assert (
        "tls/server.pem has changed since it was written: compose-tls enable --mode 2 "
        "--accept key-written-over writes it again" in found.err
    )


@pytest.mark.parametrize("days", [20, -1])
def test_it_is_not_renewed_either(enabled: Path, run: Run, days: int) -> None:
    own = mint("localhost", ca=True, start=NOW - 40 * DAY, end=NOW + days * DAY)
    (enabled / "tls/server.pem").write_bytes(own.certificate_pem)
    (enabled / "tls/server.key").write_bytes(own.private_key_pem)

    document = run("status", "--json").json

    about = [one for one in document["warnings"] if one["path"] == "tls/server.pem"]
    assert len(about) == 2
    again = "compose-tls enable --mode 2 --accept key-written-over"
    assert {one["hint"] for one in about} == {
        f"{again} writes it again",
        f"to keep it, move it and its key away; {again} writes it again",
    }
    moving, command = document["next"].split("; then: ")
    assert (moving, command) == (
        "move tls/server.pem away, with the key",
        "compose-tls enable --mode 2",
    )
    assert run(*command.split()[1:], "--json").error["code"] == "key-written-over"
    for name in ("pem", "key"):
        (enabled / f"tls/server.{name}").rename(enabled / f"own.{name}")
    assert run(*command.split()[1:]).code == 0
    assert run("status", "--json").json["warnings"] == []


@pytest.mark.parametrize("pair", ["tls/server", "cert/server", "cert/client"])
@pytest.mark.parametrize("command", [("enable",), ("renew", "--force", "--no-restart")])
def test_it_is_written_over_only_where_that_is_accepted(
    enabled: Path, run: Run, command: tuple[str, ...], pair: str
) -> None:
    own = mint("localhost", ca=True)
    for name, content in (("pem", own.certificate_pem), ("key", own.private_key_pem)):
        (enabled / f"{pair}.{name}").write_bytes(content)
    before = {path: path.read_bytes() for path in enabled.rglob("*") if path.is_file()}

    for dry in (["--dry-run"], []):
        refused = run(*command, *dry, "--json")
        assert (refused.code, refused.error["code"]) == (3, "key-written-over")
        assert refused.error["path"] == f"{pair}.pem"
        assert f"move {pair}.pem and {pair}.key away" in refused.error["hint"]
        assert "--accept key-written-over" in refused.error["hint"]
    assert before == {path: path.read_bytes() for path in enabled.rglob("*") if path.is_file()}

    accepted = run(*command, "--accept", "key-written-over", "--json")
    assert accepted.code == 0
    [said] = [one for one in accepted.json["warnings"] if one["code"] == "key-written-over"]
    assert "would be written over, with its key" in said["message"]
    assert (enabled / f"{pair}.key").read_bytes() != own.private_key_pem
    assert run(*command, "--json").json["warnings"] == []


@pytest.mark.parametrize("command", [("enable",), ("renew", "--no-restart")])
def test_one_that_the_ca_here_issued_is_written_over(
    enabled: Path, run: Run, command: tuple[str, ...]
) -> None:
    """As a renewal leaves it that is not taken back: the copy is new, and the record is not."""
    before = {path: path.read_bytes() for path in (enabled / "cert").iterdir()}
    assert run("renew", "--force", "--no-restart").code == 0
    for path, content in before.items():
        path.write_bytes(content)

    assert "--accept" not in run("status", "--json").json["next"]
    [said] = run(*command, "--json").json["warnings"]
    assert (said["code"], said["path"]) == ("certificates-drifted", "tls/server.pem")
    assert "is written over, with its key" in said["message"]
    assert run("status").code == 0


def test_one_of_the_ca_that_was_given_is_not(project: Path, run: Run) -> None:
    authority = mint("Corporate CA", ca=True)
    place = project / "own"
    place.mkdir()
    (place / "ca.pem").write_bytes(authority.certificate_pem)
    pairs = [mint("localhost", issuer=authority) for _ in range(2)]
    for directory, pair in zip((place, project / "tls"), pairs, strict=True):
        if directory != place:
            given = ("--server-cert", "own/server.pem", "--server-key", "own/server.key")
            assert run("enable", *given, "--ca-cert", "own/ca.pem", "--mode", "1").code == 0
        (directory / "server.pem").write_bytes(pair.certificate_pem)
        (directory / "server.key").write_bytes(pair.private_key_pem)

    assert run("enable", "--json").error["code"] == "key-written-over"


def test_what_is_used_where_it_lies_is_nothing_that_enable_writes_over(
    project: Path, run: Run
) -> None:
    authority = mint("Corporate CA", ca=True)
    (project / "tls").mkdir()
    (project / "tls/ca.pem").write_bytes(authority.certificate_pem)
    given = [
        "--server-cert",
        "tls/server.pem",
        "--server-key",
        "tls/server.key",
        "--ca-cert",
        "tls/ca.pem",
    ]
    for words in (("--mode", "1", *given), ()):
        pair = mint("localhost", issuer=authority)
        (project / "tls/server.pem").write_bytes(pair.certificate_pem)
        (project / "tls/server.key").write_bytes(pair.private_key_pem)
        if not words:
            assert run("status", "--json").json["next"] == "compose-tls enable --mode 1"
        assert run("enable", *words).code == 0
        assert (project / "tls/server.key").read_bytes() == pair.private_key_pem
    assert run("status").code == 0


def test_one_that_was_moved_away_as_the_refusal_says_is_kept(enabled: Path, run: Run) -> None:
    own = mint("localhost", ca=True)
    (enabled / "tls/server.pem").write_bytes(own.certificate_pem)
    (enabled / "tls/server.key").write_bytes(own.private_key_pem)
    (enabled / "own").mkdir()
    for name in ("server.pem", "server.key"):
        (enabled / "tls" / name).rename(enabled / "own" / name)

    assert run("enable").code == 0
    assert (enabled / "own/server.key").read_bytes() == own.private_key_pem
    assert run("status").code == 0


def test_the_key_of_a_part_is_not_lost_either(run: Run, enabled: Path) -> None:
    assert run("enable", "--mode", "2", "--scope", "all").code == 0
    own = mint("minio")
    place = enabled / "tls/object-store"
    (place / "public.crt").write_bytes(own.certificate_pem)
    (place / "private.key").write_bytes(own.private_key_pem)

    assert run("enable", "--json").error["code"] == "key-written-over"
    assert (place / "private.key").read_bytes() == own.private_key_pem


def test_purge_leaves_what_was_put_into_the_pki_directory(enabled: Path, run: Run) -> None:
    own = mint("localhost")
    (enabled / "cert/client.pem").write_bytes(own.certificate_pem)
    (enabled / "cert/client.key").write_bytes(own.private_key_pem)

    document = run("disable", "--purge", "--json").json

    said = {one["path"] for one in document["warnings"] if one["code"] == "certificates-drifted"}
    assert said == {"cert/client.pem"}
    assert sorted(path.name for path in (enabled / "cert").iterdir()) == [
        "client.key",
        "client.pem",
    ]


def test_purge_leaves_it_and_says_so(enabled: Path, run: Run) -> None:
    own = mint("localhost", ca=True)
    (enabled / "tls/server.pem").write_bytes(own.certificate_pem)
    (enabled / "tls/server.key").write_bytes(own.private_key_pem)

    document = run("disable", "--purge", "--json").json

    [said] = [one for one in document["warnings"] if one["code"] == "certificates-drifted"]
    assert "stays, with its key" in said["message"]
    assert said["hint"] == "where nothing needs them: rm tls/server.pem tls/server.key"
    assert (enabled / "tls/server.key").read_bytes() == own.private_key_pem
    left = [path.name for path in (enabled / "tls").iterdir()]
    assert sorted(left) == ["server.key", "server.pem"]
    assert not (enabled / "cert").exists()


def test_what_is_only_written_again_is_not_called_renewed(enabled: Path, run: Run) -> None:
    (enabled / "tls/server.pem").unlink()

    assert run("renew", "--no-restart").out.startswith("written again: tls/server.pem\n")


def test_the_ports_that_others_have_are_found() -> None:
    ports = [{"target": 19530, "published": "1"}, {"target": 9091, "published": "2"}]

    assert dict(taken({"ports": ports}, {2: OWNER}.get)) == {2: OWNER}
    assert (project_of(OWNER), project_of("container x")) == ("b1", "")

"""What someone has changed since is what is spoken of (T2, T3, T5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose_tls.plan.lifetimes import OTHER_CA
from tests.moment import NOW
from tests.unit.cli.conftest import Run, later
from tests.unit.cli.projects import BARE, only
from tests.unit.pki.minting import DAY, mint

SECOND = BARE.partition("services:\n")[2].replace("standalone:", "second:", 1)


@pytest.fixture
def plain(project: Path) -> Path:
    return only(project, BARE)


def set_mode(project: Path, old: int, new: int) -> None:
    file = project / "docker-compose.yml"
    text = file.read_text(encoding="utf-8")
    assert text.count(f'TLSMODE: "{old}"') == 1
    file.write_text(text.replace(f'TLSMODE: "{old}"', f'TLSMODE: "{new}"'), encoding="utf-8")


@pytest.mark.parametrize("old", [1, 2])
def test_connect_says_that_the_files_have_plain_text(plain: Path, run: Run, old: int) -> None:
    run("enable", "--mode", str(old))
    assert run("connect").err == ""
    set_mode(plain, old, 0)

    [warning] = run("connect", "--json").json["warnings"]
    assert warning["code"] == "mode-differs"
    assert "plain text" in warning["message"]
    assert (warning["path"], warning["line"]) == ("docker-compose.yml", 12)
    assert warning["hint"].startswith(f"compose-tls enable --mode {old} ")


def test_renew_says_so_too(plain: Path, run: Run) -> None:
    run("enable", "--mode", "2")
    assert run("renew", "--force", "--no-restart", "--json").json["warnings"] == []
    set_mode(plain, 2, 0)

    [warning] = run("renew", "--force", "--no-restart", "--json").json["warnings"]
    assert warning["code"] == "mode-differs"


def test_connect_prints_a_client_for_the_stricter_mode(plain: Path, run: Run) -> None:
    """As set by hand, or by another program: without a certificate it would be refused."""
    run("enable", "--mode", "1")
    set_mode(plain, 1, 2)

    document = run("connect", "--json").json
    assert document["connect"]["client_pem_path"].endswith("cert/client.pem")
    assert [one["code"] for one in document["warnings"]] == ["mode-differs"]
    assert document["warnings"][0]["hint"].startswith("compose-tls enable --mode 2 ")


def test_disable_does_not_take_the_others_along(plain: Path, run: Run) -> None:
    (plain / "docker-compose.yml").write_text(BARE + SECOND, encoding="utf-8")
    both = ("--service", "standalone", "--service", "second")
    assert run("enable", *both).code == 0

    error = run("disable", "--service", "second", "--json").error
    assert error["code"] == "conflicting-settings"
    assert error["hint"].endswith("compose-tls enable --service standalone")
    assert run("enable", "--service", "standalone").code == 0
    assert "TLSMODE" not in (plain / "docker-compose.yml").read_text().partition("second")[2]
    assert run("disable", "--service", "standalone").code == 0


def test_disable_does_not_say_that_nothing_is_left_of_what_stays(plain: Path, run: Run) -> None:
    run("enable", "--mode", "2")
    set_mode(plain, 2, 0)

    found = run("disable")
    assert "files are without what enable added, except what was changed since" in found.out


RAG = "  rag:\n    image: acme/rag\n    env_file: rag.env\n"
PLAIN_URI = "MILVUS_URI=http://standalone:19530\n"


def test_a_service_whose_environment_file_is_written_again_is_recreated(
    plain: Path, run: Run
) -> None:
    (plain / "docker-compose.yml").write_text(BARE + RAG, encoding="utf-8")
    (plain / "rag.env").write_text(PLAIN_URI, encoding="utf-8")
    assert run("enable", "--json").json["next"][0] == "docker compose up -d"
    (plain / "rag.env").write_text(PLAIN_URI, encoding="utf-8")

    following = run("enable", "--json").json["next"][0]

    assert "https" in (plain / "rag.env").read_text(encoding="utf-8")
    assert following == "docker compose up -d --force-recreate standalone rag"


def test_milvus_is_recreated_though_only_others_have_new_entries(plain: Path, run: Run) -> None:
    """Its certificate is another one: for Compose that is no change."""
    run("enable", "--mode", "1")
    file = plain / "docker-compose.yml"
    attu = "  attu:\n    image: zilliz/attu:v2.5.6\n    environment: {MILVUS_URL: 'standalone:19530'}\n"
    file.write_text(file.read_text(encoding="utf-8") + attu, encoding="utf-8")

    document = run("enable", "--san", "milvus.example", "--json").json

    assert "docker-compose.yml" in [
        f["path"] for f in document["files"] if f["action"] == "patched"
    ]
    assert document["next"][0] == "docker compose up -d --force-recreate standalone attu"


def test_under_a_ca_that_has_ended_nothing_is_renewed(
    plain: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("enable", "--mode", "2", "--ca-days", "100", "--days", "90")
    later(monkeypatch, 101)

    document = run("status", "--json").json

    assert document["next"] == "compose-tls renew --ca"
    assert {one["hint"] for one in document["warnings"]} == {"compose-tls renew --ca"}


def test_a_clock_that_was_set_back_is_told(
    plain: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("enable", "--mode", "2")
    later(monkeypatch, -5)

    found = run("status", "--json")

    assert found.code == 4
    assert {one["code"] for one in found.json["warnings"]} == {"certificate-not-yet-valid"}


def test_a_ca_of_others_is_not_said_to_be_renewed_here(plain: Path, run: Run) -> None:
    """``renew --ca`` makes none for it."""
    ca = mint("Corp", ca=True, start=NOW - DAY, end=NOW + 90 * DAY)
    (plain / "ca.pem").write_bytes(ca.certificate_pem)
    (plain / "ca.key").write_bytes(ca.private_key_pem)
    given = ("--ca-cert", "ca.pem", "--ca-key", "ca.key")
    assert run("enable", *given).code == 0

    warnings = run("enable", "--san", "a.example", *given, "--json").json["warnings"]
    [cut] = [one for one in warnings if one["code"] == "certificate-cut-short"]
    assert cut["hint"] == OTHER_CA

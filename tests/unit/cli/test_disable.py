"""What disable prints, writes and exits with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import EnableAs, Run, facts


def test_what_stays_is_an_error_with_its_place_and_nothing_is_written(
    run: Run, project: Path
) -> None:
    run("enable", "-q")
    compose = project / "docker-compose.yml"
    text = compose.read_text(encoding="utf-8").replace("\n  standalone:\n", "\n  database:\n")
    compose.write_text(text, encoding="utf-8")
    before = facts(project)

    refused = run("disable", "--json")

    assert (refused.code, refused.error["code"]) == (3, "tls-remains")
    assert refused.error["path"] == "docker-compose.yml"
    assert "tls:/milvus/tls" in text.splitlines()[refused.error["line"] - 1]
    assert facts(project) == before
    accepted = run("disable", "--accept", "tls-remains")
    assert (accepted.code, (project / "cert/state.json").exists()) == (0, True)
    assert "tls-remains" in accepted.err or "stay" in accepted.err


def test_keys_that_stay_are_told_and_purge_works_later(run: Run, project: Path) -> None:
    before = facts(project)
    run("enable", "-q")
    disabled = run("disable")
    assert "TLS removed from standalone: its files are byte for byte as before" in disabled.out
    assert "cert/, tls/ (private keys); compose-tls disable --purge removes them" in disabled.out

    preview, purged = run("disable", "--purge", "--dry-run"), run("disable", "--purge")

    assert (preview.code, "would remove certificates" in preview.out) == (0, True)
    assert (purged.code, purged.out.splitlines()[0]) == (
        0,
        "removed: cert/, tls/ (certificates and private keys)",
    )
    assert facts(project).keys() == before.keys()
    again = run("disable", "--purge", "--json")
    assert (again.code, again.error["code"]) == (3, "not-enabled")


def test_a_file_that_enable_added_is_named_as_a_file(run: Run, enable_as: EnableAs) -> None:
    project = enable_as("--style", "override")
    (name,) = [path.name for path in project.glob("*override*")]
    assert f"\n  removed  {name}\n" in run("disable").out

    run("enable", "--style", "override", "-q")
    told = run("disable", "--purge").out
    assert f"\n  removed  {name}, cert/, tls/ (certificates and private keys)\n" in told


def test_the_mode_that_comes_back_is_told(run: Run, project: Path) -> None:
    run("enable", "-q")
    record = project / "cert/state.json"
    record.rename(project / "lost.json")
    run("enable", "--mode", "2", "-q")

    disabled = run("disable", "--json")

    assert (disabled.code, disabled.json["mode"]) == (0, 1)
    assert [warning["code"] for warning in disabled.json["warnings"]] == ["tls-as-before"]
    assert disabled.json["key_directories"] == ["cert", "tls"]


def test_what_stays_is_told_of_the_service_as_it_is_called_now(
    run: Run, enable_as: EnableAs
) -> None:
    project = enable_as("--config", "env")
    path = project / "docker-compose.yml"
    path.write_text(path.read_text().replace("  standalone:\n", "  milvus:\n"))
    left = run("disable", "--accept", "tls-remains")
    assert "milvus: one-way TLS (mode 1), which stays\n" in left.out
    assert "compose-tls disable --purge removes them, once TLS is off\n" in left.out
    assert "standalone" not in left.out
    assert run("disable", "--accept", "tls-remains", "--json").json["services"] == ["milvus"]

    refused = run("disable", "--purge", "--json").error
    assert refused["code"] == "certificates-unmounted"
    assert refused["hint"].endswith("and run compose-tls disable --purge")
    path.write_text(path.read_text().replace('TLSMODE: "1"', 'TLSMODE: "0"'))
    off = run("disable", "--accept", "tls-remains")
    assert "milvus: plain text, which stays\n" in off.out


def test_without_a_record_nothing_is_said_to_be_as_before(run: Run, enable_as: EnableAs) -> None:
    """Enabled again after the record was lost, nothing is known of how it was: what stays is named."""
    project = enable_as("--config", "env")
    (project / "cert/state.json").unlink()
    (project / "milvus.yaml").unlink()
    assert run("enable", "--mode", "1", "-q").code == 0
    path = project / "docker-compose.yml"
    message = run("disable", "--json").error["message"]
    for name in ("common.security.tlsMode", "tls.caPemPath", "proxy.http.enabled"):
        assert name in message

    lines = path.read_text().splitlines(keepends=True)
    gone = ("TLS", "/milvus/tls", "PROXY_HTTP")
    path.write_text("".join(line for line in lines if not any(word in line for word in gone)))
    disabled = run("disable")
    assert disabled.code == 0
    assert "standalone: plain text; there was nothing to remove\n" in disabled.out
    assert "as before" not in disabled.out


def test_a_damaged_record_has_a_way_that_works(run: Run, enable_as: EnableAs) -> None:
    project = enable_as()
    state = project / "cert/state.json"
    state.write_text('{"version": 2, ')
    refused = run("disable", "--json").error
    assert refused["code"] == "state-unreadable"
    assert "move it away; compose-tls status then shows" in refused["hint"]
    state.unlink()
    (lost,) = run("status", "--json").json["warnings"]
    assert lost["code"] == "state-lost"
    assert run("enable", "--mode", "1").code == 0
    assert run("status", "--json").json["warnings"] == []


def test_the_printed_purge_finds_directories_of_other_names(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a record, only the command tells where they are."""
    before = facts(project)
    run("enable", "--pki-dir", "keys", "--tls-dir", "pub", "-q")
    kept = run("disable", "--pki-dir", "keys").out
    command = "COMPOSE_TLS_TLS_DIR=pub compose-tls disable --purge --pki-dir keys"
    assert f"keys/, pub/ (private keys); {command} removes them\n" in kept
    monkeypatch.setenv("COMPOSE_TLS_TLS_DIR", "pub")
    assert "keys/, pub/" in run(*command.split()[2:]).out
    assert facts(project).keys() == before.keys()


class TestEtcd:
    """What enable put into the command of an etcd, which says more or less by now."""

    @pytest.fixture
    def edit(self, project: Path) -> Callable[[str, str], str]:
        path = project / "docker-compose.yml"

        def edit(old: str, new: str) -> str:
            path.write_text(path.read_text().replace(old, new))
            return path.read_text()

        return edit

    def test_what_stays_is_named_also_where_a_later_enable_took_it_for_the_users(
        self, run: Run, project: Path, edit: Callable[[str, str], str]
    ) -> None:
        assert run("enable", "--scope", "all").code == 0
        edit("  etcd:\n", "  meta:\n")
        edit("etcd:2379", "meta:2379")
        edit('"etcd"', '"meta"')
        assert run("enable", "--accept", "service-renamed").code == 0
        lines = edit("--data-dir /etcd", "--data-dir /etcd --name one").splitlines()

        refused = run("disable", "--json")

        assert (refused.code, refused.error["code"]) == (3, "tls-remains")
        assert "meta is configured with listen-client-urls" in refused.error["message"]
        assert "https://meta:2379" in lines[refused.error["line"] - 1]
        assert (project / "cert/state.json").exists()
        edit("urls=https", "urls=http")
        edit("urls https", "urls http")
        assert run("disable").code == 0
        assert "https" not in edit("", "")

    def test_that_of_before_is_told(
        self, run: Run, project: Path, edit: Callable[[str, str], str]
    ) -> None:
        edit("command: etcd ", "command: etcd --cert-file=/c.pem --key-file=/k.pem ")
        assert run("enable", "--scope", "all").code == 0
        before = edit("--data-dir /etcd", "--data-dir /etcd --name one").splitlines()

        told = run("disable", "--json").json

        [warning] = [one for one in told["warnings"] if one["code"] == "tls-as-before"]
        assert warning["message"] == "etcd is configured with cert-file, as before enable"
        assert "command: etcd --cert-file" in edit("", "").splitlines()[warning["line"] - 1]
        assert before != edit("", "").splitlines()

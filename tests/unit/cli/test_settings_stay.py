"""What is not given stays as the last enable recorded it (T4), and what is brought stays in place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compose_tls import TlsConfig, enable
from compose_tls.pki.certificate_with_key import CertificateWithKey
from tests.moment import NOW
from tests.unit.apply.trees import tree
from tests.unit.cli.conftest import Run, facts
from tests.unit.pki.minting import CLIENT, DAY, mint


def recorded(project: Path) -> dict[str, Any]:
    """The settings in state.json."""
    settings: dict[str, Any] = json.loads((project / "cert/state.json").read_text())["settings"]
    return settings


class TestRecorded:
    def test_the_mode_stays_and_nothing_is_rewritten(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        before = facts(project)

        again = run("enable", "--json").json

        assert (again["mode"], again["changed"], again["warnings"]) == (2, False, [])
        assert facts(project) == before

    def test_keys_that_lie_elsewhere_are_found_again(self, run: Run, project: Path) -> None:
        before = tree(project)
        run("enable", "--pki-dir", "keys")

        assert run("enable", "--json").json["changed"] is False
        assert run("enable", "--mode", "2", "--json").json["next"][-1].endswith("--pki-dir keys")
        assert "not set up by" not in run("status").out
        assert "compose-tls disable --purge --pki-dir keys" in run("disable").out
        assert run("disable", "--purge", "--pki-dir", "keys").code == 0
        assert tree(project) == before

    @pytest.mark.parametrize("said", [1, None])
    def test_settings_that_say_less_than_the_edits_do_not_weaken_the_mode(
        self, run: Run, project: Path, said: int | None
    ) -> None:
        assert run("enable", "--mode", "2").code == 0
        path = project / "cert/state.json"
        state = json.loads(path.read_text())
        state["settings"]["mode"] = said
        if said is None:
            del state["settings"]["mode"]
        path.write_text(json.dumps(state))

        assert run("enable", "--json").json["mode"] == 2
        assert run("enable", "--mode", "1", "--json").json["mode"] == 1

    def test_a_record_of_nobody_is_none(self, run: Run, project: Path) -> None:
        run("enable", "--pki-dir", "keys")
        (project / "keys").rename(project.parent / "keys")
        (project / "link").symlink_to(project.parent / "keys")
        (project / "other").mkdir()
        (project / "other/state.json").write_text("[]")

        assert "recorded" not in run("status", "--json").json

    def test_the_mode_that_was_chosen_beats_the_one_of_before(
        self, run: Run, project: Path
    ) -> None:
        file = project / "docker-compose.yml"
        mode = "      COMMON_SECURITY_TLSMODE: ${TLSMODE:-2}\n      ETCD_ENDPOINTS"
        file.write_text(file.read_text().replace("      ETCD_ENDPOINTS", mode))
        assert run("enable", "--mode", "1").code == 0
        before = facts(project)

        again = run("enable", "--json").json

        assert (again["mode"], again["changed"]) == (1, False)
        assert facts(project) == before

    @pytest.mark.parametrize(
        ("option", "value"),
        [
            ("--san", "db.example.com"),
            ("--server-name", "db.example.com"),
            ("--rest-port", "8080"),
            ("--key-type", "ecdsa-p384"),
            ("--subject", "O=Else"),
            ("--days", "90"),
            ("--ca-days", "900"),
            ("--config", "env"),
            ("--style", "override"),
            ("--tls-dir", "other"),
            ("--container-tls-dir", "/certs"),
            ("--service", "standalone"),
        ],
    )
    def test_every_option_stays_beside_another_one_that_is_given(
        self, run: Run, project: Path, option: str, value: str
    ) -> None:
        assert run("enable", option, value).code == 0
        name = option.removeprefix("--").replace("-", "_")
        before = recorded(project)

        assert run("enable", "--mode", "2").code == 0

        after = recorded(project)
        assert after[name] == before[name] != TlsConfig().model_dump(mode="json").get(name)
        assert after == before | {"mode": 2}
        assert run("enable", "--json").json["changed"] is False

    def test_a_constrained_ca_stays_one(self, run: Run, project: Path) -> None:
        assert run("enable", "--constrain").code == 0
        assert run("enable", "--json").json["changed"] is False
        assert recorded(project)["constrain"] is True

    def test_given_names_replace_those_of_before(self, run: Run, project: Path) -> None:
        run("enable", "--san", "one.example", "--san", "two.example")
        run("enable", "--san", "three.example")
        assert recorded(project)["san"] == ["three.example"]

    def test_a_variable_and_the_file_win_over_the_record(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("enable", "--mode", "2", "--rest-port", "8080")
        (project / "compose-tls.toml").write_text("rest-port = 8081\n")
        monkeypatch.setenv("COMPOSE_TLS_MODE", "1")
        found = run("enable", "--json").json
        assert found["mode"] == 1
        assert recorded(project)["rest_port"] == 8081

    def test_a_weaker_mode_is_said(self, run: Run, project: Path) -> None:
        run("enable", "--mode", "2")
        weaker = run("enable", "--mode", "1", "--json").json
        assert [warning["code"] for warning in weaker["warnings"]] == ["mode-weakened"]
        assert "clients that trust the CA are accepted" in weaker["warnings"][0]["message"]
        assert run("enable", "--mode", "2", "--json").json["warnings"] == []

    def test_to_other_commands_the_mode_is_the_recorded_one(self, run: Run, project: Path) -> None:
        run("enable", "--mode", "2")
        (project / "compose-tls.toml").write_text("mode = 1\n")
        assert run("connect", "--json").json["mode"] == 2
        assert run("client", "alice", "--json").json["mode"] == 2

    def test_a_call_of_the_library_counts_what_is_set(self, run: Run, project: Path) -> None:
        enable(project, TlsConfig(mode=2, san=("one.example",)))
        assert enable(project, TlsConfig()).changed is False
        assert enable(project).mode == 2
        assert enable(project, TlsConfig(mode=1)).mode == 1
        assert recorded(project)["san"] == ["one.example"]

    def test_the_services_that_were_named_stay(self, run: Run, project: Path) -> None:
        file = project / "docker-compose.yml"
        two = "".join(
            f"  {name}:\n    image: milvusdb/milvus:v2.5.5\n    command: [milvus, run, proxy]\n"
            for name in ("proxy-1", "proxy-2")
        )
        file.write_text(f"services:\n{two}")
        assert run("enable", "--service", "proxy-1").code == 0
        assert run("enable", "--json").json["services"] == ["proxy-1"]

        other = run("enable", "--service", "proxy-2", "--json").json

        assert other["warnings"][0]["code"] == "service-left-out"
        assert other["warnings"][0]["hint"].startswith("compose-tls enable --service ")
        assert "proxy-1" in other["warnings"][0]["message"]


@pytest.fixture
def brought(project: Path) -> CertificateWithKey:
    """A CA without key, and a server and client of it, in the directory of the project."""
    root = mint("Root", ca=True, end=NOW + 400 * DAY)
    server = mint(issuer=root, dns=("vec.example.net", "localhost"))
    client = mint("reader", issuer=root, purposes=(CLIENT,))
    (project / "root.pem").write_bytes(root.certificate_pem)
    for name, pair in (("server", server), ("client", client)):
        (project / f"{name}.pem").write_bytes(pair.full_chain_pem)
        (project / f"{name}.key").write_bytes(pair.private_key_pem)
    return root


BRING = ("--server-cert", "server.pem", "--server-key", "server.key", "--ca-cert", "root.pem")


class TestBrought:
    def test_they_stay_whatever_else_is_changed(
        self, run: Run, project: Path, brought: CertificateWithKey
    ) -> None:
        assert run("enable", *BRING).code == 0
        served = (project / "tls/server.pem").read_bytes()

        assert run("enable", "--json").json["changed"] is False
        for arguments in (
            ("--rest-port", "8080"),
            ("--mode", "1", "--server-name", "vec.example.net"),
        ):
            preview = run("enable", *arguments, "--dry-run", "--json").json
            done = run("enable", *arguments, "--json").json
            assert preview["files"] == done["files"]
            assert (project / "tls/server.pem").read_bytes() == served
        assert run("enable", "--json").json["changed"] is False

    def test_a_renewed_file_at_the_same_place_is_taken_by_a_bare_enable(
        self, run: Run, project: Path, brought: CertificateWithKey
    ) -> None:
        run("enable", *BRING)
        new = mint(issuer=brought, dns=("vec.example.net", "localhost"))
        (project / "server.pem").write_bytes(new.full_chain_pem)
        (project / "server.key").write_bytes(new.private_key_pem)

        assert run("enable", "--json").json["changed"] is True

        assert (project / "tls/server.pem").read_bytes() == new.full_chain_pem

    def test_the_copies_stand_in_for_files_that_are_gone(
        self, run: Run, project: Path, brought: CertificateWithKey
    ) -> None:
        run("enable", *BRING)
        (project / "server.key").unlink()
        before = facts(project)
        assert run("enable", "--json").json["changed"] is False
        assert facts(project) == before

    def test_a_recorded_place_outside_of_the_project_is_not_read(
        self, run: Run, project: Path, brought: CertificateWithKey
    ) -> None:
        run("enable", *BRING)
        secret = project.parent / "id.key"
        secret.write_bytes(mint("stranger").private_key_pem)
        state = project / "cert/state.json"
        state.write_text(state.read_text().replace('"server.key"', '"../id.key"'))
        served = (project / "tls/server.key").read_bytes()

        assert run("enable").code == 0

        assert (project / "tls/server.key").read_bytes() == served

    def test_a_client_may_be_brought_later(
        self, run: Run, project: Path, brought: CertificateWithKey
    ) -> None:
        run("enable", *BRING)
        client = ("--client-cert", "client.pem", "--client-key", "client.key")
        assert run("enable", "--mode", "2", *client).code == 0
        assert run("enable", "--json").json["changed"] is False

    def test_one_that_has_no_such_name_is_refused_with_its_path(
        self, run: Run, project: Path, brought: CertificateWithKey
    ) -> None:
        run("enable", *BRING)
        refused = run("enable", "--san", "other.example", "--json")
        assert (refused.code, refused.error["code"]) == (4, "name-not-covered")
        assert refused.error["path"] == "server.pem"


class TestMissing:
    @pytest.mark.parametrize("name", ["server", "client"])
    @pytest.mark.parametrize("end", [".pem", ".key"])
    @pytest.mark.parametrize("damage", [None, b"", b"nonsense"])
    def test_what_is_ours_is_issued_again(
        self, run: Run, project: Path, name: str, end: str, damage: bytes | None
    ) -> None:
        run("enable", "--mode", "2")
        ca = (project / "cert/ca.pem").read_bytes()
        file = project / f"cert/{name}{end}"
        file.unlink() if damage is None else file.write_bytes(damage)

        again = run("enable", "--json")

        assert again.code == 0, again.out
        assert [warning["code"] for warning in again.json["warnings"]] == ["certificate-reissued"]
        assert (project / "cert/ca.pem").read_bytes() == ca
        assert (project / "tls/server.pem").read_bytes() == (
            project / "cert/server.pem"
        ).read_bytes()
        assert run("enable", "--json").json["changed"] is False

    @pytest.mark.parametrize("name", ["server.pem", "server.key", "ca.pem"])
    @pytest.mark.parametrize("damage", [None, b"nonsense"])
    def test_the_copies_that_the_container_sees_come_back(
        self, run: Run, project: Path, name: str, damage: bytes | None
    ) -> None:
        run("enable", "--mode", "2")
        file = project / "tls" / name
        before = file.read_bytes()
        file.unlink() if damage is None else file.write_bytes(damage)

        assert run("enable", "--json").json["warnings"] == []

        assert file.read_bytes() == before
        assert (project / "cert" / name).read_bytes() == before

    @pytest.mark.parametrize("damage", [None, b"nonsense"])
    @pytest.mark.parametrize("names", [("ca.pem",), ("ca.pem", "ca.key")])
    def test_a_ca_is_never_replaced(
        self, run: Run, project: Path, names: tuple[str, ...], damage: bytes | None
    ) -> None:
        run("enable", "--mode", "2")
        for name in names:
            file = project / "cert" / name
            file.unlink() if damage is None else file.write_bytes(damage)
        before = facts(project)
        refused = run("enable", "--json")
        assert (refused.code, refused.error["code"]) == (4, "certificate-unreadable")
        assert refused.error["path"] == "cert/ca.pem"
        assert facts(project) == before

    def test_nothing_is_issued_while_the_key_of_the_ca_is_elsewhere(
        self, run: Run, project: Path
    ) -> None:
        run("enable", "--mode", "2")
        (project / "cert/ca.key").rename(project.parent / "ca.key")
        assert run("enable", "--json").json["changed"] is False
        (project / "cert/server.pem").unlink()
        for arguments in ((), ("--dry-run",)):
            assert run("enable", "--json", *arguments).error["code"] == "certificate-unreadable"


class TestWorkOfOthers:
    """An unrelated edit is neither drift nor change."""

    @pytest.mark.parametrize("style", ["in-place", "override"])
    @pytest.mark.parametrize("config", ["file", "env"])
    def test_comments_order_and_other_settings_stay(
        self, run: Run, project: Path, style: str, config: str
    ) -> None:
        run("enable", "--style", style, "--config", config)
        name = "docker-compose.yml" if style == "in-place" else "compose.override.yaml"
        file = project / name
        lines = file.read_text().splitlines(keepends=True)
        (ours,) = (i for i, line in enumerate(lines) if line.rstrip().endswith("tls:/milvus/tls"))
        line = lines.pop(ours).rstrip("\n") + "  # TLS, keep\n"
        start = max(i for i in range(ours) if lines[i].strip() == "volumes:") + 1
        lines.insert(start, line)
        file.write_text("# mine\n" + "".join(lines))
        before = facts(project)

        again = run("enable", "--json").json

        assert (again["changed"], again["warnings"]) == (False, [])
        assert facts(project) == before
        assert {one["state"] for one in run("status", "--json").json["file_states"]} == {
            "as-written"
        }

    def test_the_way_back_takes_out_our_entries_alone(self, run: Run, project: Path) -> None:
        file = project / "docker-compose.yml"
        original = file.read_text()
        run("enable")
        file.write_text(file.read_text().replace("interval: 30s", "interval: 31s"))
        run("enable", "--mode", "2")
        run("enable", "--rest-port", "8080")
        assert run("disable").code == 0
        assert file.read_text() == original.replace("interval: 30s", "interval: 31s")

    def test_a_mode_changes_around_them(self, run: Run, project: Path) -> None:
        run("enable")
        file = project / "docker-compose.yml"
        edited = file.read_text().replace("/tls:/milvus/tls\n", "/tls:/milvus/tls  # TLS, keep\n")
        file.write_text(edited)
        assert run("enable", "--mode", "2").code == 0
        assert file.read_text() == edited
        assert "tlsMode: 2" in (project / "milvus.yaml").read_text()

    def test_an_entry_that_says_something_else_is_drift(self, run: Run, project: Path) -> None:
        run("enable")
        file = project / "docker-compose.yml"
        file.write_text(file.read_text().replace("/tls:/milvus/tls\n", "/else:/milvus/tls\n"))
        states = {one["path"]: one["state"] for one in run("status", "--json").json["file_states"]}
        assert states["docker-compose.yml"] == "drifted"


def test_a_name_that_goes_is_told_with_the_command_that_keeps_it(run: Run, project: Path) -> None:
    run("enable", "--san", "a.test", "--san", "b.test", "-q")
    changed = run("enable", "--san", "c.test", "--json").json
    (told,) = [one for one in changed["warnings"] if one["code"] == "name-given-up"]
    assert "no longer includes a.test, b.test" in told["message"]
    assert told["hint"] == "compose-tls enable --san a.test --san b.test --san c.test"
    again = run(*told["hint"].split()[1:], "--json").json
    names = again["certificates"][0]["dns_names"]
    assert {"a.test", "b.test", "c.test"} <= set(names)
    assert "name-given-up" not in {one["code"] for one in again["warnings"]}
    # One that holds more than is asked for stays.
    assert run("enable", "--san", "a.test", "--json").json["warnings"] == []

"""status: what is declared decides, and what is recorded is compared with it.

What is deployed as well: tests/e2e/test_status.py. Each of these was said to be encrypted, and was not.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from compose_tls import StatusResult
from compose_tls.cli.output.status_text import status_lines
from compose_tls.observe import tls_files
from compose_tls.results import DeployedService
from tests.moment import NOW
from tests.unit.cli.conftest import EnableAs, Run
from tests.unit.pki.minting import DAY, mint

ENV = """\
services:
  standalone:
    image: milvusdb/milvus:v2.4.5
    command: ["milvus", "run", "standalone"]
    environment:
      ETCD_USE_EMBED: "true"
      COMMON_STORAGETYPE: local
    ports:
      - "19530:19530"
    volumes:
      - ./data:/var/lib/milvus
"""
OFF = 'services: {standalone: {environment: {COMMON_SECURITY_TLSMODE: "0"}}}\n'


@pytest.fixture
def env(project: Path) -> Path:
    """A project whose settings are in the environment, enabled with mode 2."""
    (project / "milvus.yaml").unlink()
    (project / "docker-compose.yml").write_text(ENV)
    return project


@pytest.fixture
def enabled(env: Path, enable_as: EnableAs) -> Path:
    return enable_as("--mode", "2")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def found(run: Run, *arguments: str, code: int = 7) -> Any:
    outcome = run("status", "--json", *arguments)
    assert outcome.code == code, outcome.out
    assert outcome.json["ok"] is (code == 0)
    return outcome.json


def off(run: Run, place: str, next_: str = "compose-tls enable --mode 2") -> None:
    """Status says that TLS is off, where that is said, and how it comes back."""
    document = found(run)
    [service] = document["declared"]
    assert "mode" not in document
    assert "endpoint" not in document
    assert (service["mode"], service["place"]) == (0, place)
    assert document["next"] == next_
    lines = run("status").out.splitlines()
    assert lines[0] == f"standalone: TLS is off ({place})"
    assert lines[-1] == f"next: {next_}"
    assert "encrypted" not in "\n".join(lines)


class TestDeclared:
    def test_an_override_file_that_switches_tls_off(self, run: Run, enabled: Path) -> None:
        (enabled / "docker-compose.override.yml").write_text(OFF)
        off(run, "docker-compose.override.yml:1")
        assert found(run)["recorded"] == {
            "mode": 2,
            "services": ["standalone"],
            "tls_dir": "tls",
        }
        assert run("enable", "--mode", "2").code == 0
        assert found(run, code=0)["mode"] == 2

    def test_a_milvus_yaml_that_switches_tls_off(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        edit(project / "milvus.yaml", "tlsMode: 2", "tlsMode: 0")
        lines = (project / "milvus.yaml").read_text().splitlines()
        number = next(n for n, line in enumerate(lines, 1) if "tlsMode: 0" in line)
        off(run, f"milvus.yaml:{number}")

    def test_a_variable_over_milvus_yaml(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        (project / "docker-compose.override.yml").write_text(OFF)
        off(run, "docker-compose.override.yml:1")

    def test_an_env_file(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        (project / "docker-compose.override.yml").write_text(
            "services: {standalone: {env_file: [late.env]}}\n"
        )
        (project / "late.env").write_text("A=1\nCOMMON_SECURITY_TLSMODE=0\n")
        off(run, "late.env:2")

    def test_a_file_that_milvus_reads_after_milvus_yaml(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2").code == 0
        (project / "user.yaml").write_text("common: {security: {tlsMode: 0}}\n")
        (project / "docker-compose.override.yml").write_text(
            "services: {standalone: {volumes: ['./user.yaml:/milvus/configs/user.yaml']}}\n"
        )
        off(run, "user.yaml:1")

    @pytest.mark.parametrize("mode", ["3", "yes", "true", "1.0", "-1"])
    def test_what_is_no_mode_fails_open(self, run: Run, enabled: Path, mode: str) -> None:
        edit(enabled / "docker-compose.yml", 'TLSMODE: "2"', f'TLSMODE: "{mode}"')
        [service] = found(run)["declared"]
        assert service["mode"] == 0
        assert f"tlsMode is {mode} in docker-compose.yml:" in service["differs"][0]

    def test_a_variable_of_the_shell(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        edit(enabled / "docker-compose.yml", 'TLSMODE: "2"', 'TLSMODE: "${MODE:-2}"')
        assert run("enable", "--mode", "2").code == 0
        assert found(run, code=0)["mode"] == 2
        monkeypatch.setenv("MODE", "0")
        assert "mode" not in found(run)

    def test_a_weaker_mode_than_the_recorded_one(self, run: Run, enabled: Path) -> None:
        edit(enabled / "docker-compose.yml", 'TLSMODE: "2"', 'TLSMODE: "1"')
        document = found(run)
        assert document["mode"] == 1
        assert document["declared"][0]["differs"][0].endswith("and enable recorded 2")
        assert document["next"] == "compose-tls enable --mode 2"

    def test_a_stronger_mode_is_not_weakened_by_the_next_step(self, run: Run, env: Path) -> None:
        assert run("enable").code == 0
        edit(env / "docker-compose.yml", 'TLSMODE: "1"', 'TLSMODE: "2"')
        document = found(run)
        assert (document["mode"], document["next"]) == (2, "compose-tls enable --mode 2")

    def test_settings_in_a_volume_are_not_known(self, run: Run, enabled: Path) -> None:
        edit(enabled / "docker-compose.yml", '      COMMON_SECURITY_TLSMODE: "2"\n', "")
        edit(
            enabled / "docker-compose.yml",
            "- ./data:",
            "- conf:/milvus/configs\n      - ./data:",
        )
        document = found(run)
        assert "mode" not in document
        assert "mode" not in document["declared"][0]
        assert "some of its settings cannot be read here" in document["declared"][0]["differs"][0]
        assert run("status").out.startswith("standalone: unknown whether TLS is on\n")

    def test_a_certificate_that_no_mount_brings(self, run: Run, enabled: Path) -> None:
        edit(enabled / "docker-compose.yml", "/milvus/tls/server.key", "/other/server.key")
        document = found(run)
        assert document["declared"][0]["differs"] == [
            "tls.serverKeyPath is /other/server.key, and no mount provides it"
        ]

    def test_the_certificates_of_the_image(self, run: Run, env: Path) -> None:
        edit(
            env / "docker-compose.yml",
            "environment:",
            'environment:\n      COMMON_SECURITY_TLSMODE: "1"',
        )
        document = found(run)
        assert document["declared"][0]["differs"][0] == (
            "tls.serverPemPath is the image's own, whose key is public, and no mount provides it"
        )

    def test_another_directory_is_mounted(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        edit(enabled / "docker-compose.yml", "./tls:", "${DOCKER_VOLUME_DIRECTORY:-.}/tls:")
        assert run("enable", "--mode", "2").code == 0
        assert found(run, code=0)["mode"] == 2
        monkeypatch.setenv("DOCKER_VOLUME_DIRECTORY", str(tmp_path))
        [service] = found(run)["declared"]
        assert service["differs"][0] == (
            f"/milvus/tls/server.pem is {tmp_path}/tls/server.pem, and not tls/server.pem"
        )

    def test_every_service_is_named_and_the_weakest_decides(self, run: Run, env: Path) -> None:
        path = env / "docker-compose.yml"
        second = ENV.partition("services:\n")[2].replace("standalone:\n", "second:\n", 1)
        path.write_text(ENV + second.replace("19530:19530", "29530:19530"))
        assert run("enable", "--mode", "2", "--service", "standalone").code == 0
        document = found(run)
        assert [(one["service"], one["mode"]) for one in document["declared"]] == [
            ("standalone", 2),
            ("second", 0),
        ]
        assert "mode" not in document
        assert "standalone: mutual TLS (mode 2)\nsecond: TLS is off\n" in run("status").out
        assert found(run, "--service", "standalone", code=0)["mode"] == 2
        assert "mode" not in found(run, "--service", "second")

    def test_a_service_that_no_profile_switches_on_does_not_count(
        self, run: Run, enabled: Path
    ) -> None:
        (enabled / "docker-compose.override.yml").write_text(
            "services: {gpu: {image: 'milvusdb/milvus:v2.4.5-gpu', profiles: [gpu]}}\n"
        )
        assert found(run, code=0)["services"] == ["standalone"]

    def test_a_recorded_service_that_is_gone(self, run: Run, enabled: Path) -> None:
        edit(enabled / "docker-compose.yml", "  standalone:\n", "  renamed:\n")
        edit(enabled / "docker-compose.yml", 'TLSMODE: "2"', 'TLSMODE: "0"')
        modes = {one["service"]: one.get("mode") for one in found(run)["declared"]}
        assert modes == {"renamed": 0, "standalone": None}

    def test_a_service_that_there_is_not(self, run: Run, enabled: Path) -> None:
        assert run("status", "--service", "other", "--json").error["code"] == "service-not-found"


class TestEveryCertificate:
    @pytest.mark.parametrize("name", ["tls/ca.pem", "cert/ca.pem"])
    def test_a_further_ca_is_drift_and_named(self, run: Run, enabled: Path, name: str) -> None:
        other = (enabled / "cert" / "client.pem").read_bytes()
        path = enabled / name
        path.write_bytes(path.read_bytes() + other)
        document = found(run)
        assert {"path": name, "state": "drifted"} in document["file_states"]
        [warning] = document["warnings"]
        assert (warning["code"], warning["path"]) == ("certificates-drifted", name)
        assert ", CN=client" in warning["message"]

    def test_what_the_warning_says_puts_the_copy_right(self, run: Run, enabled: Path) -> None:
        path = enabled / "tls" / "ca.pem"
        before = path.read_bytes()
        path.write_bytes(before * 2)
        [warning] = found(run)["warnings"]
        assert warning["hint"].startswith("compose-tls enable --mode 2")
        assert run("enable", "--mode", "2").code == 0
        assert path.read_bytes() == before
        assert found(run, code=0)["warnings"] == []

    def test_an_intermediate_that_is_cut_out(self, run: Run, enabled: Path) -> None:
        # A chain, as a certificate that is provided has one: here any second certificate.
        chain = (enabled / "cert" / "ca.pem").read_bytes()
        for place in ("cert", "tls"):
            path = enabled / place / "server.pem"
            path.write_bytes(path.read_bytes() + chain)
        assert run("enable", "--mode", "2", "--san", "a.example").code == 0
        for place in ("cert", "tls"):
            path = enabled / place / "server.pem"
            path.write_bytes(path.read_bytes() + chain)
        states = {each["path"]: each["state"] for each in found(run)["file_states"]}
        assert (states["cert/server.pem"], states["tls/server.pem"]) == ("drifted", "drifted")
        for place in ("cert", "tls"):
            path = enabled / place / "server.pem"
            path.write_bytes(path.read_bytes()[: -len(chain)])
        assert found(run, code=0)["warnings"] == []

    def test_a_record_without_digests_still_tells_by_the_copies(
        self, run: Run, enabled: Path
    ) -> None:
        state = enabled / "cert" / "state.json"
        values = json.loads(state.read_bytes())
        for one in values["identities"]:
            assert one.pop("files")
        state.write_text(json.dumps(values))
        assert found(run, code=0)["warnings"] == []
        path = enabled / "tls" / "ca.pem"
        path.write_bytes(path.read_bytes() * 2)
        states = {each["path"]: each["state"] for each in found(run)["file_states"]}
        assert (states["tls/ca.pem"], states["cert/ca.pem"]) == ("drifted", "as-written")

    def test_an_unchanged_enable_does_not_write_for_digests_alone(
        self, run: Run, enabled: Path
    ) -> None:
        self.test_a_record_without_digests_still_tells_by_the_copies(run, enabled)
        shutil.copyfile(enabled / "cert" / "ca.pem", enabled / "tls" / "ca.pem")
        assert run("enable", "--mode", "2", "--json").json["changed"] is False


class TestMadeByHand:
    @pytest.fixture
    def by_hand(self, env: Path, run: Run, tmp_path: Path) -> Path:
        """The guide, followed by hand, with mode 2."""
        maker = tmp_path / "maker"
        maker.mkdir()
        shutil.copyfile(env / "docker-compose.yml", maker / "docker-compose.yml")
        assert run("enable", "-C", maker).code == 0
        shutil.copytree(maker / "tls", env / "certs")
        shutil.copyfile(maker / "cert" / "server.pem", env / "certs" / "mine.pem")
        edit(
            env / "docker-compose.yml",
            "environment:\n",
            "environment:\n"
            '      COMMON_SECURITY_TLSMODE: "2"\n'
            "      TLS_SERVERPEMPATH: /milvus/tls/mine.pem\n"
            "      TLS_SERVERKEYPATH: /milvus/tls/server.key\n"
            "      TLS_CAPEMPATH: /milvus/tls/ca.pem\n",
        )
        edit(env / "docker-compose.yml", "- ./data:", "- ./certs:/milvus/tls\n      - ./data:")
        return env

    def test_it_is_said_with_its_certificate(self, run: Run, by_hand: Path) -> None:
        document = found(run, code=0)
        assert document["mode"] == 2
        assert document["declared"] == [
            {
                "service": "standalone",
                "mode": 2,
                "place": "docker-compose.yml:6",
                "certificate": "certs/mine.pem",
                "by_compose_tls": False,
                "differs": [],
            }
        ]
        assert [one["path"] for one in document["certificates"]] == [
            "certs/mine.pem",
            "certs/ca.pem",
        ]
        assert "recorded" not in document
        assert "next" not in document
        first = "standalone: mutual TLS (mode 2), not set up by compose-tls\n"
        assert run("status").out.startswith(first)

    def test_secrets_are_looked_at_as_well(self, run: Run, by_hand: Path) -> None:
        edit(by_hand / "docker-compose.yml", "/milvus/tls/mine.pem", "/run/secrets/mine")
        edit(
            by_hand / "docker-compose.yml",
            "  standalone:\n",
            "  standalone:\n    secrets: [mine]\n",
        )
        with (by_hand / "docker-compose.yml").open("a") as file:
            file.write("secrets:\n  mine:\n    file: certs/mine.pem\n")
        assert found(run, code=0)["declared"][0]["certificate"] == "certs/mine.pem"

    def test_off_again_it_is_off(self, run: Run, by_hand: Path) -> None:
        edit(by_hand / "docker-compose.yml", 'TLSMODE: "2"', 'TLSMODE: "0"')
        assert "mode" not in found(run)

    @pytest.mark.parametrize("content", [None, b"no certificate"])
    def test_a_certificate_that_is_gone_or_damaged_is_4(
        self, run: Run, by_hand: Path, content: bytes | None
    ) -> None:
        path = by_hand / "certs" / "mine.pem"
        path.unlink() if content is None else path.write_bytes(content)
        [warning] = found(run, code=4)["warnings"]
        assert (warning["code"], warning["path"]) == ("certificate-unreadable", "certs/mine.pem")

    @pytest.mark.parametrize("name", ["mine.pem", "server.key", "ca.pem"])
    def test_what_is_missing_is_told_with_what_issues_it(
        self, run: Run, by_hand: Path, name: str
    ) -> None:
        (by_hand / "certs" / name).unlink()
        document = found(run, code=4)
        [warning] = document["warnings"]
        assert (warning["path"], warning["message"]) == (f"certs/{name}", f"certs/{name} is gone")
        # Where the guide mounts its certificates is no place for others.
        other = "--container-tls-dir /milvus/compose-tls"
        assert document["next"] == f"compose-tls enable --mode 2 {other}"
        assert run("enable", "--mode", "2", "--json").error["hint"].endswith(other)
        enabled = run(*document["next"].split()[1:], "--json").json
        assert enabled["ok"], enabled
        codes = {one["code"] for one in enabled["warnings"]}
        assert ("certificate-replaced" in codes) == (name != "mine.pem")
        assert run("status").code == 0

    @pytest.mark.parametrize("damage", ["expired", "damaged", "another's key"])
    def test_what_does_not_work_any_more_has_a_next_step(
        self, run: Run, by_hand: Path, damage: str
    ) -> None:
        path = by_hand / "certs" / ("server.key" if damage == "another's key" else "mine.pem")
        old = mint(start=NOW - 2 * DAY, end=NOW - DAY)
        made = {"expired": old.certificate_pem, "another's key": old.private_key_pem}
        path.write_bytes(made.get(damage, b"no certificate"))
        if damage == "expired":
            (by_hand / "certs" / "server.key").write_bytes(old.private_key_pem)

        document = found(run, code=4)

        assert path.name in {Path(one["path"]).name for one in document["warnings"]}
        assert document["next"].startswith("compose-tls enable --mode 2 ")
        assert run(*document["next"].split()[1:]).code == 0
        assert found(run, code=0)["warnings"] == []

    def test_nothing_outside_of_the_project_is_read(
        self, run: Run, by_hand: Path, tmp_path: Path
    ) -> None:
        outside = tmp_path / "outside"
        (by_hand / "certs").rename(outside)
        (by_hand / "certs").symlink_to(outside)
        (outside / "mine.pem").write_bytes(b"no certificate, which nobody is to find out")
        document = found(run, code=0)
        assert "certificates" not in document
        assert document["declared"][0]["certificate"] == "certs/mine.pem"

    def test_a_lost_record_is_known_for_what_it_is(self, run: Run, enabled: Path) -> None:
        (enabled / "cert" / "state.json").unlink()
        document = found(run, code=0)
        assert document["declared"][0]["by_compose_tls"] is True
        [warning] = document["warnings"]
        assert (warning["code"], warning["path"]) == ("state-lost", "cert/state.json")
        assert "compose-tls enable --mode 2" in warning["hint"]
        assert run("enable", "--mode", "2").code == 0
        assert found(run, code=0)["recorded"]["mode"] == 2


class TestNext:
    def test_it_works_from_where_the_user_is(
        self, run: Run, env: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (env / "docker-compose.yml").rename(env / "a b.yml")
        monkeypatch.chdir(tmp_path)
        document = found(run, "-C", str(env), "-f", "a b.yml")
        command = "compose-tls enable --mode 1 -C project -f 'a b.yml'"
        assert document["next"] == command

    def test_without_an_engine_it_says_what_it_could_not_look_at(
        self, run: Run, enabled: Path
    ) -> None:
        document = found(run, code=0)
        assert "deployed" not in document
        assert document["not_looked_at"].startswith("there is no Docker engine at unix:///")
        said = "deployed +unknown: there is no Docker engine"
        assert re.search(rf"^  {said}", run("status").out, re.MULTILINE)


def test_settings_that_are_put_back_with_their_old_time_are_changed_files(tmp_path: Path) -> None:
    path = tmp_path / "milvus.yaml"
    path.touch()
    os.utime(path, (1, 1))
    assert tls_files.changed_at([path])[path].year == 1970
    assert tls_files.changed_at([path], settings=[path])[path].year > 1970
    assert tls_files.changed_at([tmp_path / "none"]) == {}


def test_of_many_differences_three_are_told_and_all_with_v() -> None:
    reasons = tuple(f"mount /{n}: in the container, not in the files" for n in range(5))
    found = DeployedService(service="standalone", state="stale", reasons=reasons)
    result = StatusResult(project="/srv", mode=1, deployed=(found,))

    told, whole = (
        "\n".join(line.plain for line in status_lines(result, verbose=verbose))
        for verbose in (False, True)
    )

    assert told.count("in the container") == 3
    assert "; and 2 more, with -v" in told
    assert whole.count("in the container") == 5

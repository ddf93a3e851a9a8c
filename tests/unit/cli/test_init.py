"""compose-tls init: what it writes, what it refuses, and that it leaves nothing half-written."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import compose_tls
from compose_tls import InitResult
from compose_tls.cli.output.change_text import init_lines
from compose_tls.errors import ComposeTlsError
from compose_tls.targets.new_project.milvus_lines import LINES, RECOMMENDED
from tests.corpus.compose_cli import model, require_compose
from tests.unit.cli.conftest import Run
from tests.unit.targets.test_embed_script import SCRIPT

FLAVOURS = ("standalone", "embedded-etcd", "gpu", "cluster")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, and the current one."""
    directory = tmp_path / "place"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # power cuts are tested with apply
    for name in list(os.environ):
        if name.startswith(("COMPOSE_", "DOCKER_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DOCKER_HOST", "unix:///no-engine/docker.sock")
    return directory


def compose_file(directory: Path = Path()) -> Any:
    return yaml.safe_load((directory / "docker-compose.yml").read_bytes())


def mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def published(document: Any) -> set[str]:
    return {p for each in document["services"].values() for p in each.get("ports", ())}


class TestNewProject:
    def test_the_default_is_a_standalone_of_the_recommended_release(
        self, place: Path, run: Run
    ) -> None:
        done = run("init", "--json")
        assert done.code == 0
        assert done.json["flavour"] == "standalone"
        assert done.json["image"] == f"milvusdb/milvus:{RECOMMENDED.newest}"
        assert done.json["warnings"] == []
        found = compose_file()["services"]
        assert list(found) == ["etcd", "minio", "standalone"]
        assert found["standalone"]["image"] == f"milvusdb/milvus:{RECOMMENDED.newest}"
        assert found["etcd"]["image"] == f"quay.io/coreos/etcd:{RECOMMENDED.etcd}"

    @pytest.mark.parametrize("flavour", FLAVOURS)
    @pytest.mark.parametrize("tls", ["1", "2"])
    def test_tls_and_authentication_are_on_from_the_start(
        self, place: Path, run: Run, flavour: str, tls: str
    ) -> None:
        assert run("init", "--flavour", flavour, "--mode", tls).code == 0
        front = "proxy" if flavour == "cluster" else "standalone"
        variables = compose_file()["services"][front]["environment"]
        assert variables["COMMON_SECURITY_TLSMODE"] == tls
        assert variables["COMMON_SECURITY_AUTHORIZATIONENABLED"] == "true"
        assert "./tls:/milvus/tls" in compose_file()["services"][front]["volumes"]

    @pytest.mark.parametrize("flavour", FLAVOURS)
    def test_only_this_machine_is_let_in_and_every_service_has_a_health_check(
        self, place: Path, run: Run, flavour: str
    ) -> None:
        run("init", "--flavour", flavour, "--with", "attu")
        found = compose_file()
        assert published(found) == {"127.0.0.1:19530:19530", "127.0.0.1:8000:3000"}
        for name, service in found["services"].items():
            assert "healthcheck" in service or name == "attu"
            assert not service["image"].endswith(":latest")

    @pytest.mark.parametrize("flavour", FLAVOURS)
    @pytest.mark.parametrize("release", LINES, ids=lambda each: each.newest)
    def test_compose_accepts_each_flavour_of_each_release(
        self, place: Path, run: Run, flavour: str, release: Any
    ) -> None:
        require_compose()
        line = ".".join(map(str, release.line))
        run("init", "--flavour", flavour, "--milvus", line, "--with", "attu", "--mode", "2")
        found = model(place, variables={})
        assert isinstance(found, dict), found
        used = {
            mount["source"]
            for each in found["services"].values()
            for mount in each.get("volumes", ())
            if mount["type"] == "volume"
        }
        assert used == set(found["volumes"])
        images = {each["image"] for each in found["services"].values()}
        tag = f"{release.newest}-gpu" if flavour == "gpu" else release.newest
        assert f"milvusdb/milvus:{tag}" in images

    def test_etcd_and_the_object_store_keep_their_data_in_volumes(
        self, place: Path, run: Run
    ) -> None:
        run("init")
        found = compose_file()
        assert found["services"]["etcd"]["volumes"] == ["etcd:/etcd"]
        assert "--data-dir=/etcd" in found["services"]["etcd"]["command"]
        assert found["services"]["minio"]["volumes"] == ["minio:/minio_data"]
        assert set(found["volumes"]) == {"etcd", "minio", "milvus"}

    @pytest.mark.parametrize("release", LINES, ids=lambda each: each.newest)
    @pytest.mark.parametrize("flavour", ["standalone", "gpu", "cluster"])
    def test_the_object_store_can_be_pulled_and_its_health_check_run(
        self, place: Path, run: Run, flavour: str, release: Any
    ) -> None:
        """minio/minio is gone from Docker Hub, and images of MinIO come without curl."""
        line = ".".join(map(str, release.line))
        run("init", "--flavour", flavour, "--milvus", line)
        store = compose_file()["services"]["minio"]
        assert store["image"].startswith("milvusdb/minio:RELEASE.")
        assert store["healthcheck"]["test"] == ["CMD", "mc", "ready", "local"]

    @pytest.mark.parametrize(
        ("line", "flavour", "log"),
        [
            ("2.5", "standalone", None),
            ("2.5", "cluster", "pulsar"),
            ("2.6", "standalone", "woodpecker"),
            ("3.0", "gpu", "woodpecker"),
            ("3.0", "cluster", "woodpecker"),
            ("3.0", "embedded-etcd", None),
        ],
    )
    def test_the_log_is_where_the_vendor_has_it(
        self, place: Path, run: Run, line: str, flavour: str, log: str | None
    ) -> None:
        run("init", "--flavour", flavour, "--milvus", line)
        found = compose_file()["services"]
        told = {s["environment"].get("MQ_TYPE") for s in found.values() if "/milvus:" in s["image"]}
        assert told == {log}
        assert ("pulsar" in found) is (log == "pulsar")

    def test_milvus_3_which_is_not_root_can_read_its_key(self, place: Path, run: Run) -> None:
        done = run("init", "--milvus", "3.0", "--scope", "all", "--with", "attu", "--json")
        assert done.code == 0
        assert compose_file()["services"]["attu"]["image"] == "zilliz/attu:v3.0.0"
        if os.geteuid() != 0:
            pytest.skip("only root gives a file to another user")
        keys = [*Path("tls/proxy").glob("*.key"), *Path("tls/milvus").glob("*.key")]
        assert {key.stat().st_uid for key in keys} == {999}

    def test_credentials_are_random_private_and_nowhere_else(self, place: Path, run: Run) -> None:
        done = run("init", "-v")
        other = run("init", "../other", "--json")
        secrets = Path(".env").read_text() + Path("cert/root-password").read_text()
        values = [each for each in re.split(r"[\s=]+", secrets) if len(each) >= 16]
        values = [each for each in values if not each.startswith("MINIO_")]
        assert len(values) == 3
        printed = done.out + done.err + other.out + other.err
        elsewhere = printed + Path("docker-compose.yml").read_text()
        elsewhere += Path("cert/state.json").read_text() + Path("../other/.env").read_text()
        elsewhere += Path("../other/cert/root-password").read_text()
        for value in values:
            assert value not in elsewhere
        assert mode(".env") == mode("cert/root-password") == 0o600
        assert Path(".gitignore").read_text() == ".env\n"

    def test_secrets_are_private_from_the_first_byte(
        self, place: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: dict[str, int] = {}
        real = os.open

        def watched(path: Any, flags: int, *more: Any, **names: Any) -> int:
            found = real(path, flags, *more, **names)
            if flags & os.O_CREAT:
                made[os.fsdecode(path)] = stat.S_IMODE(os.fstat(found).st_mode)
            return found

        monkeypatch.setattr(os, "open", watched)
        run("init")
        for name in (".env", "root-password", "ca.key"):
            [bits] = {
                bits for path, bits in made.items() if Path(path).name.startswith(f".{name}.")
            }
            assert bits == 0o600

    def test_the_next_step_is_the_whole_command(self, place: Path, run: Run) -> None:
        assert run("init", "sub dir", "--json").json["next"] == [
            "compose-tls init --up -C 'sub dir'"
        ]
        assert run("init", "b", "--no-auth", "--json").json["next"] == [
            "docker compose --project-directory b up -d",
            "compose-tls check -C b",
        ]

    def test_without_authentication_there_is_no_password(self, place: Path, run: Run) -> None:
        done = run("init", "--no-auth", "--json")
        assert "root_password_file" not in done.json
        assert not Path("cert/root-password").exists()
        assert "AUTHORIZATION" not in Path("docker-compose.yml").read_text()

    def test_a_dry_run_shows_the_files_and_writes_nothing(self, place: Path, run: Run) -> None:
        done = run("init", "new", "--dry-run", "--json")
        assert done.code == 0
        assert "+++ b/docker-compose.yml" in done.json["diff"]
        assert "COMMON_SECURITY_TLSMODE" in done.json["diff"]
        assert {file["path"]: file["action"] for file in done.json["files"]}[".env"] == "created"
        assert list(place.iterdir()) == []
        assert "nothing was written" in run("init", "--dry-run").out

    @pytest.mark.parametrize(
        ("given", "port"),
        [
            ("0.0.0.0", "0.0.0.0:19530:19530"),
            ("127.0.0.1:19540", "127.0.0.1:19540:19530"),
            ("::1", "[::1]:19530:19530"),
            ("[::1]:19540", "[::1]:19540:19530"),
        ],
    )
    def test_it_is_published_where_the_user_says(
        self, place: Path, run: Run, given: str, port: str
    ) -> None:
        run("init", "--publish", given)
        assert published(compose_file()) == {port}

    @pytest.mark.parametrize(
        "given",
        [
            "everywhere",
            "127.0.0.1:0",
            "1.2.3.4:70000",
            "19530",
            "fe80::1%eth0",
            "[fe80::1%eth0]:1",
            "",
        ],
    )
    def test_what_is_no_address_is_refused(self, place: Path, run: Run, given: str) -> None:
        done = run("init", "--publish", given, "--json")
        if given:
            assert done.error["code"] == "invalid-setting"
            assert list(place.iterdir()) == []

    def test_two_services_are_not_published_on_one_port(self, place: Path, run: Run) -> None:
        done = run("init", "--with", "attu", "--publish", "0.0.0.0:8000", "--json")
        assert done.error["code"] == "conflicting-settings"
        assert list(place.iterdir()) == []

    @pytest.mark.parametrize(
        ("version", "image"),
        [
            ("2.5", "milvusdb/milvus:v2.5.27"),
            ("v2.3.5", "milvusdb/milvus:v2.3.5"),
            ("2.4.13-hotfix", "milvusdb/milvus:v2.4.13-hotfix"),
        ],
    )
    def test_a_version_or_a_line_names_the_image(
        self, place: Path, run: Run, version: str, image: str
    ) -> None:
        assert run("init", "--milvus", version, "--json").json["image"] == image

    @pytest.mark.parametrize(
        ("version", "code"),
        [
            ("latest", "invalid-setting"),
            ("2", "invalid-setting"),
            ("2.0.2", "unsupported-milvus"),
            ("2.6.25@sha256:0", "invalid-setting"),
            # No image has such a tag: https://pkg.go.dev/github.com/distribution/reference
            ("\N{ARABIC-INDIC DIGIT TWO}.6.1", "invalid-setting"),
            ("2.6.1-\N{LATIN SMALL LETTER E WITH ACUTE}", "invalid-setting"),
        ],
    )
    def test_a_version_that_is_not_known_is_refused(
        self, place: Path, run: Run, version: str, code: str
    ) -> None:
        assert run("init", "--milvus", version, "--json").error["code"] == code

    def test_attu_3_has_a_key_that_its_user_can_read(self, place: Path, run: Run) -> None:
        # Its image runs as user 1000, and the key of the first client is its owner's alone.
        done = run("init", "--milvus", "3.0", "--with", "attu", "--mode", "2", "--json")

        assert done.code == 0
        attu = compose_file()["services"]["attu"]
        assert attu["volumes"] == ["./tls-clients/attu:/milvus/tls:ro"]
        assert attu["environment"]["MILVUS_TLS_PRIVATE_KEY_PATH"] == "/milvus/tls/client.key"
        assert attu["environment"]["MILVUS_TLS_CERT_CHAIN_PATH"] == "/milvus/tls/client.pem"
        key = (place / "tls-clients" / "attu" / "client.key").stat()
        warned = "client-key-unreadable" in {one["code"] for one in done.json["warnings"]}
        assert key.st_mode & 0o7 == 0
        assert key.st_uid == 1000 or warned or key.st_mode & 0o040

    def test_a_project_that_is_proved_is_followed_by_connect(self) -> None:
        then = ("compose-tls connect -C demo",)
        result = InitResult(changed=True, project="/srv/demo", mode=1, then=then)
        assert [line.plain for line in init_lines(result, verbose=False)][-1] == f"next: {then[0]}"

    def test_attu_is_told_of_tls_and_is_not_cut_off(self, place: Path, run: Run) -> None:
        done = run("init", "--with", "attu", "--mode", "2", "--json")
        assert done.json["warnings"] == []
        attu = compose_file()["services"]["attu"]
        assert attu["environment"]["ROOT_CERT_PATH"] == "/certs/ca.pem"
        assert "./tls/ca.pem:/certs/ca.pem:ro" in attu["volumes"]
        assert "./cert/client.key:/certs/client.key:ro" in attu["volumes"]
        assert not [v for v in attu["volumes"] if "ca.key" in v or "server.key" in v]
        assert "ca_pem_path='/certs/ca.pem'" in run("connect", "--for", "attu").out

    @pytest.mark.parametrize("flavour", ["standalone", "gpu", "cluster"])
    def test_the_whole_stack_can_be_encrypted_from_the_start(
        self, place: Path, run: Run, flavour: str
    ) -> None:
        require_compose()
        done = run("init", "--flavour", flavour, "--scope", "all", "--with", "attu", "--json")
        assert done.code == 0
        assert isinstance(model(place, variables={}), dict)
        found = compose_file()["services"]
        assert "--listen-client-urls=https://0.0.0.0:2379" in found["etcd"]["command"]
        assert "./tls/proxy/ca.pem:/certs/ca.pem:ro" in found["attu"]["volumes"]
        links = run("status", "--json").json["links"]
        plain = {link["purpose"] for link in links if link["encryption"] != "encrypted"}
        assert plain == {"metrics and health"}

    def test_a_directory_whose_name_gives_none_gets_one(self, place: Path, run: Run) -> None:
        run("init", "数据")
        assert compose_file(Path("数据"))["name"] == "milvus"
        run("init", "named", "-p", "mine")
        assert compose_file(Path("named"))["name"] == "mine"
        run("init", "plain")
        assert "name" not in compose_file(Path("plain"))

    def test_it_can_be_enabled_again_disabled_and_checked_as_any_project(
        self, place: Path, run: Run
    ) -> None:
        run("init")
        assert run("enable", "--json").json["changed"] is False
        assert run("status", "--json").json["mode"] == 1
        done = run("disable", "--json")
        assert done.code == 0
        assert "TLS_SERVERPEMPATH" not in Path("docker-compose.yml").read_text()
        run("disable", "--purge")
        # Whoever lost the password is locked out of the data.
        assert Path("cert/root-password").exists()

    def test_a_project_above_does_not_count(self, project: Path, run: Run) -> None:
        before = (project / "docker-compose.yml").read_bytes()
        assert run("init", "below").code == 0
        assert (project / "docker-compose.yml").read_bytes() == before
        assert (project / "below" / "docker-compose.yml").exists()

    def test_the_library_has_it(self, place: Path) -> None:
        found = compose_tls.init("here", compose_tls.TlsConfig(mode=2), flavour="embedded-etcd")
        assert isinstance(found, compose_tls.InitResult)
        assert (found.mode, found.flavour) == (2, "embedded-etcd")
        assert found.root_password_file == "cert/root-password"
        with pytest.raises(ComposeTlsError):
            compose_tls.init("here")


class TestRefusals:
    @pytest.mark.parametrize(
        "name", ["docker-compose.yml", "compose.yaml", "compose.override.yaml"]
    )
    def test_a_directory_with_a_project(self, place: Path, run: Run, name: str) -> None:
        Path(name).write_text("services: {a: {image: b}}\n")
        done = run("init", "--json")
        assert done.code == 3
        assert done.error["code"] == "project-exists"
        assert done.error["hint"].startswith("compose-tls enable turns on TLS for it")
        assert [path.name for path in place.iterdir()] == [name]

    def test_a_project_of_an_earlier_init(self, place: Path, run: Run) -> None:
        run("init", "--flavour", "embedded-etcd")
        before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
        assert run("init", "--json").error["hint"].startswith("compose-tls init --up starts it")
        assert run("init", "--milvus", "2.5", "--up", "--json").error["code"] == "project-exists"
        assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before

    def test_an_env_file_of_somebody_elses(self, place: Path, run: Run) -> None:
        Path(".env").write_text("A=1\n")
        done = run("init", "--json")
        assert done.error["code"] == "value-in-the-way"
        assert Path(".env").read_text() == "A=1\n"
        assert run("init", "--flavour", "embedded-etcd").code == 0

    def test_a_gitignore_that_forgets_the_env_file_is_told(self, place: Path, run: Run) -> None:
        Path(".gitignore").write_text("*.log\n")
        [warning] = run("init", "--json").json["warnings"]
        assert warning["code"] == "env-not-ignored"
        assert Path(".gitignore").read_text() == "*.log\n"

    @pytest.mark.parametrize("option", [("-f", "a.yml"), ("--project-directory", ".")])
    def test_options_that_name_a_project(
        self, place: Path, run: Run, option: tuple[str, str]
    ) -> None:
        assert run("init", *option, "--json").error["code"] == "conflicting-settings"

    def test_compose_file_of_the_environment(
        self, place: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COMPOSE_FILE", "other.yml")
        assert run("init", "--json").error["code"] == "conflicting-settings"

    def test_a_file_where_the_directory_has_to_be(self, place: Path, run: Run) -> None:
        Path("taken").write_text("")
        assert run("init", "taken", "--json").error["code"] == "wrong-usage"
        assert run("init", "taken/below", "--json").error["code"] == "write-failed"

    @pytest.mark.parametrize("name", ["Bad Name", "-x", "a.b", "Caps"])
    def test_a_name_that_compose_gives_to_no_project(
        self, place: Path, run: Run, name: str
    ) -> None:
        """It would only have been told by Docker Compose, once everything was written."""
        assert run("init", f"--project-name={name}", "--json").error["code"] == "invalid-setting"
        assert list(place.iterdir()) == []

    def test_a_name_that_no_file_system_has_room_for(self, place: Path, run: Run) -> None:
        name = "n" * 300
        assert run("init", name, "--json").error["code"] == "write-failed"
        assert run("-C", name, "status", "--json").error["code"] == "wrong-usage"
        assert run("init").code == 0
        for option, code in (("-o", "file-unreadable"), ("--output=no/", "wrong-usage")):
            error = run("export", "helm", f"{option}{name}", "--json").error
            assert error["code"] == code
        assert run("enable", "--tls-dir", name, "--json").error["code"] == "file-unreadable"

    def test_no_engine_is_told_before_anything_is_written(self, place: Path, run: Run) -> None:
        done = run("init", "a/b", "--up", "--json")
        assert done.code == 5
        assert list(place.iterdir()) == []

    def test_a_link_that_leads_out_of_it(self, place: Path, run: Run, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("mine")
        Path("cert").mkdir()
        Path("cert/root-password").symlink_to(tmp_path / "secret")
        assert run("init", "--json").error["code"] == "outside-project"
        assert (tmp_path / "secret").read_text() == "mine"

    def test_a_disk_that_refuses_leaves_nothing(self, place: Path) -> None:
        # In blocks of 512 bytes: the compose file is larger, or the journal before it.
        # Python would cut off the bytecode of its modules as well (-B).
        command = [sys.executable, "-B", "-m", "compose_tls", "init", "new"]
        limited = ["sh", "-c", 'ulimit -f 4; trap "" XFSZ; exec "$@"', "sh", *command]
        done = subprocess.run(limited, capture_output=True, text=True, check=False)
        assert done.returncode == 3, done.stderr
        assert "write-failed" in done.stderr
        assert list(place.iterdir()) == []


class TestTakingOver:
    def test_the_script_becomes_a_project_with_its_data(self, place: Path, run: Run) -> None:
        Path("standalone_embed.sh").write_text(SCRIPT)
        done = run("init", "--json")
        assert done.code == 0
        assert "flavour" not in done.json
        assert done.json["image"] == "milvusdb/milvus:v2.4.0-rc.1"
        found = compose_file()["services"]["standalone"]
        assert found["container_name"] == "milvus-standalone"
        assert "./volumes/milvus:/var/lib/milvus" in found["volumes"]
        assert found["ports"] == ["19530:19530", "127.0.0.1:9091:9091"]
        assert found["environment"]["COMMON_STORAGETYPE"] == "local"
        assert found["environment"]["COMMON_SECURITY_TLSMODE"] == "1"
        # The engine would make a directory of it.
        assert b"auto-compaction-retention" in Path("embedEtcd.yaml").read_bytes()
        assert done.json["next"] == [
            "bash standalone_embed.sh stop",
            "docker rm milvus-standalone",
            "docker compose up -d",
            "compose-tls check",
        ]

    def test_what_keeps_rest_can_be_run_once_the_project_is_there(
        self, place: Path, run: Run
    ) -> None:
        Path("standalone_embed.sh").write_text(SCRIPT)
        warnings = run("init", "--json").json["warnings"]
        (hint,) = [one["hint"] for one in warnings if one["code"] == "rest-switched-off"]
        assert run(*hint.partition("compose-tls ")[2].split()).code == 0

    def test_its_clients_are_asked_for_no_password_unless_that_is_wanted(
        self, place: Path, run: Run
    ) -> None:
        Path("standalone_embed.sh").write_text(SCRIPT)
        run("init")
        assert not Path("cert/root-password").exists()
        Path("docker-compose.yml").unlink()
        Path("cert/state.json").unlink()
        done = run("init", "--auth", "--json")
        assert done.json["next"][-1] == "compose-tls init --up"
        assert Path("cert/root-password").exists()

    def test_files_that_are_there_stay_as_they_are(self, place: Path, run: Run) -> None:
        Path("standalone_embed.sh").write_text(SCRIPT)
        Path("embedEtcd.yaml").write_text("quota-backend-bytes: 1\n")
        run("init")
        assert Path("embedEtcd.yaml").read_text() == "quota-backend-bytes: 1\n"
        assert Path("standalone_embed.sh").read_text() == SCRIPT

    @pytest.mark.parametrize(
        "options", [("--milvus", "2.5"), ("--flavour", "cluster"), ("--with", "attu")]
    )
    def test_it_is_taken_over_as_it_is_or_not_at_all(
        self, place: Path, run: Run, options: tuple[str, str]
    ) -> None:
        Path("standalone_embed.sh").write_text(SCRIPT)
        assert run("init", *options, "--json").error["code"] == "conflicting-settings"

    def test_a_script_that_is_not_understood_is_refused(self, place: Path, run: Run) -> None:
        Path("standalone_embed.sh").write_text(SCRIPT.replace("--name", "--gpus all --name"))
        done = run("init", "--json")
        assert done.error["code"] == "script-not-understood"
        assert "--gpus" in done.error["message"]
        assert [path.name for path in place.iterdir()] == ["standalone_embed.sh"]

    def test_an_etcd_that_everybody_reaches_is_told(self, place: Path, run: Run) -> None:
        script = SCRIPT.replace("-p 19530:19530", "-p 19530:19530 -p 2379:2379")
        Path("standalone_embed.sh").write_text(script)
        codes = [each["code"] for each in run("init", "--dry-run", "--json").json["warnings"]]
        assert codes == ["etcd-published", "rest-switched-off"]
        done = run("init", "--publish", "127.0.0.1", "--json")
        assert [each["code"] for each in done.json["warnings"]] == ["rest-switched-off"]
        assert "127.0.0.1:2379:2379" in published(compose_file())

    def test_a_script_without_a_run_is_the_vendors(self, place: Path, run: Run) -> None:
        Path("standalone_embed.sh").write_text("#!/usr/bin/env bash\n")
        codes = [each["code"] for each in run("init", "--dry-run", "--json").json["warnings"]]
        assert "script-assumed" in codes
        Path("volumes/milvus").mkdir(parents=True)
        done = run("init", "--json")
        assert done.error["code"] == "script-not-understood"
        assert done.error["hint"] == "name its version: compose-tls init --milvus VERSION"
        assert run("init", "--milvus", "2.5.5", "--json").json["image"] == "milvusdb/milvus:v2.5.5"

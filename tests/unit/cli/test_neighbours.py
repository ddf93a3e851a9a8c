"""Whole commands on a project with services that talk to Milvus: files, output, exit code."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from tests.corpus.compose_cli import model, require_compose
from tests.unit.cli.conftest import Run
from tests.unit.cli.projects import own_files

COMPOSE = """\
name: neighbours
services:
  standalone:
    image: milvusdb/milvus:v2.3.5
    command: ["milvus", "run", "standalone"]
    ports:
      - "19530:19530"
  attu:
    image: zilliz/attu:v2.5.6
    environment:
      MILVUS_URL: standalone:19530
    ports:
      - "8000:3000"
  chat:
    image: ghcr.io/open-webui/open-webui:main
    env_file: chat.env
  worker:
    image: langgenius/dify-worker:1.4.0
    environment:
      - VECTOR_STORE=milvus
      - MILVUS_URI=${VECTOR_URI}
"""
CHAT = '# of the chat\r\nexport MILVUS_URI="http://standalone:19530"  # the store\r\nX=1\r\n'
ENV = "X=1\nVECTOR_URI='http://standalone:19530'\n"
NEW_URI = "https://standalone:19530"


@pytest.fixture
def stack(project: Path) -> Path:
    """A project with an Attu, and applications whose address is in env files."""
    (project / "milvus.yaml").unlink()
    (project / "docker-compose.yml").write_text(COMPOSE)
    (project / "chat.env").write_bytes(CHAT.encode())
    (project / ".env").write_text(ENV)
    return project


class TestEnable:
    def test_values_are_changed_where_they_live_and_come_back_to_the_byte(
        self, run: Run, stack: Path
    ) -> None:
        before = own_files(stack)
        outcome = run("enable", "--json")

        assert [one["service"] for one in outcome.json["neighbours"]] == ["attu", "chat", "worker"]
        assert "cut_off" not in outcome.json
        chat = (stack / "chat.env").read_bytes().decode()
        assert chat == CHAT.replace("http://", "https://")
        assert (stack / ".env").read_text() == ENV.replace("http://", "https://")
        assert "- MILVUS_URI=${VECTOR_URI}\n" in (stack / "docker-compose.yml").read_text()
        assert not run("enable", "--json").json["changed"]
        assert run("disable", "--purge").code == 0
        assert own_files(stack) == before
        assert not (stack / "tls-clients").exists()

    def test_what_else_stands_in_an_env_file_is_shown_and_recorded_nowhere(
        self, run: Run, stack: Path
    ) -> None:
        (stack / ".env").write_text(f"A_TOKEN=hidden1\n{ENV}PASSWORD=hidden2\n")
        chat = CHAT.replace("//stand", "//root:hidden3@stand")
        (stack / "chat.env").write_bytes(chat.encode())
        shown = run("enable", "--dry-run", "-v")
        assert "+VECTOR_URI='https://standalone:19530'" in shown.out
        assert '+export MILVUS_URI="https://***@standalone:19530"' in shown.out
        document = run("enable", "--json")
        recorded = (stack / "cert/state.json").read_text()
        taken = run("disable", "-v")

        for text in (shown.out + shown.err, document.out + document.err, recorded, taken.out):
            assert "hidden" not in text
        assert (stack / "chat.env").read_bytes().decode() == chat

    def test_after_an_edit_of_the_user_only_our_line_comes_back(
        self, run: Run, stack: Path
    ) -> None:
        run("enable")
        for name in ("chat.env", ".env"):
            path = stack / name
            path.write_bytes(path.read_bytes() + b"NEW=1\n")
        assert not run("enable", "--json").json["changed"]
        assert run("status", "--json").json["file_states"][1]["state"] == "as-written"
        run("disable")

        assert (stack / "chat.env").read_bytes().decode() == CHAT + "NEW=1\n"
        assert (stack / ".env").read_text() == ENV + "NEW=1\n"

    def test_a_line_that_the_user_changed_is_kept_and_told(self, run: Run, stack: Path) -> None:
        run("enable")
        path = stack / ".env"
        path.write_text(path.read_text().replace("standalone", "elsewhere"))
        outcome = run("disable")

        assert "VECTOR_URI was changed since" in outcome.err
        assert "elsewhere" in path.read_text()

    def test_what_the_shell_sets_is_named_with_the_line_to_write(
        self, run: Run, stack: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VECTOR_URI", "http://standalone:19530")
        outcome = run("enable", "--json")

        [left] = outcome.json["cut_off"]
        assert left["service"] == "worker"
        assert f"MILVUS_URI={NEW_URI}" in left["needs"]
        assert (stack / ".env").read_text() == ENV

    def test_a_job_of_a_profile_is_switched_and_not_started(self, run: Run, stack: Path) -> None:
        text = COMPOSE.replace("  worker:\n", "  worker:\n    profiles: [tools]\n")
        (stack / "docker-compose.yml").write_text(text)
        outcome = run("enable", "--json").json

        assert "worker" in [one["service"] for one in outcome["neighbours"]]
        assert outcome["next"][0] == "docker compose up -d"
        notes = {one["message"]: one.get("hint") for one in outcome["warnings"]}
        said = "service worker starts only by name or with its profile, and then reads this"
        assert notes[said] == "if it runs already: docker compose up -d worker"
        assert run("disable", "--json").json["next"] == ["docker compose up -d"]

    def test_files_that_are_changed_and_added_are_both_told(self, run: Run, stack: Path) -> None:
        text = COMPOSE.replace(
            "services:\n", "x-env: &e {MILVUS_URI: 'http://standalone:19530'}\nservices:\n"
        )
        text += "  shared: {image: me/app, environment: *e}\n  other: {image: me/app, environment: *e}\n"
        (stack / "docker-compose.yml").write_text(text)
        told = run("enable").out

        assert "\n  changed  docker-compose.yml, " in told
        assert re.search(r"\n  added    \S*override\S*\n", told)

    def test_what_a_dockerfile_sets_is_beaten_and_comes_back(self, run: Run, stack: Path) -> None:
        text = COMPOSE.replace("image: ghcr.io/open-webui/open-webui:main", "build: ./chat")
        text = text.replace("    env_file: chat.env\n", "")
        text = text.replace("  attu:", "    label_file: l\n  attu:")
        (stack / "docker-compose.yml").write_text(text)
        (stack / "l").write_text("traefik.http.services.m.loadbalancer.server.port=19530\n")
        (stack / "chat").mkdir()
        (stack / "chat/Dockerfile").write_text("FROM x\nENV URI=http://standalone:19530\n")
        before = own_files(stack)
        outcome = run("enable", "--json").json

        assert [one["service"] for one in outcome["neighbours"]] == ["attu", "chat", "worker"]
        assert [one["service"] for one in outcome["cut_off"]] == ["traefik"]
        assert f"URI: {NEW_URI}\n" in (stack / "docker-compose.yml").read_text()
        assert not run("enable", "--json").json["changed"]
        assert run("disable", "--purge").code == 0
        assert own_files(stack) == before

    def test_a_value_in_several_variables_is_named_with_the_line(
        self, run: Run, stack: Path
    ) -> None:
        text = COMPOSE.replace("${VECTOR_URI}", "${SCHEME}://standalone:19530")
        (stack / "docker-compose.yml").write_text(text)
        (stack / ".env").write_text("SCHEME=http\n")
        [left] = run("enable", "--json").json["cut_off"]

        assert f"MILVUS_URI={NEW_URI}" in left["needs"]
        assert (stack / ".env").read_text() == "SCHEME=http\n"

    def test_an_override_file_leaves_every_other_file_alone(self, run: Run, stack: Path) -> None:
        before = own_files(stack)
        run("enable", "--style", "override")

        after = own_files(stack)
        assert {name: after[name] for name in before} == before
        assert after["compose.override.yaml"].decode().count(NEW_URI) == 2
        assert not run("enable", "--json").json["changed"]
        run("disable", "--purge")
        assert own_files(stack) == before

    def test_who_shares_a_variable_and_needs_another_value_gets_it_in_an_override_file(
        self, run: Run, stack: Path
    ) -> None:
        text = COMPOSE.replace("MILVUS_URL: standalone:19530", "MILVUS_URL: ${VECTOR_URI}")
        (stack / "docker-compose.yml").write_text(text)
        outcome = run("enable", "--json")

        assert "override-used" in {one["code"] for one in outcome.json["warnings"]}
        assert (stack / ".env").read_text() == ENV
        override = (stack / "compose.override.yaml").read_text()
        assert "MILVUS_URL: standalone:19530" in override
        assert f"MILVUS_URI: {NEW_URI}" in override
        assert not run("enable", "--json").json["changed"]

    def test_the_public_roots_stand_before_the_ca(self, run: Run, stack: Path) -> None:
        run("enable")
        roots = (stack / "tls-clients/chat/roots.pem").read_bytes()
        ca = (stack / "cert/ca.pem").read_bytes()

        assert roots.endswith(ca)
        found = roots.count(b"BEGIN CERTIFICATE")
        assert found > 1 or not Path("/etc/ssl/certs/ca-certificates.crt").exists()
        assert (stack / "tls-clients/chat/roots.pem").stat().st_mode & 0o777 == 0o644

    def test_in_mode_2_each_shows_a_certificate_of_its_own(self, run: Run, stack: Path) -> None:
        refused = run("enable", "--mode", "2", "--json")
        assert refused.code == 3
        assert refused.error["code"] == "clients-cut-off"
        assert not (stack / "cert").exists()
        run("enable", "--mode", "2", "--accept", "clients-cut-off")

        pem = (stack / "tls-clients/attu/client.pem").read_bytes()
        assert pem == (stack / "cert/clients/attu.pem").read_bytes()
        assert x509.load_pem_x509_certificate(pem).subject.rfc4514_string() == "CN=attu"
        assert (stack / "tls-clients/attu/client.key").stat().st_mode & 0o777 == 0o600
        assert sorted(p.name for p in (stack / "tls").iterdir()) == [
            ".gitignore",
            "ca.pem",
            "server.key",
            "server.pem",
        ]
        assert not run("client", "attu", "--json").json["changed"]

    def test_an_old_attu_is_switched_once_it_is_as_new_as_the_refusal_asks(
        self, run: Run, stack: Path
    ) -> None:
        one = COMPOSE.partition("  chat:")[0].replace("attu:v2.5.6", "attu:v2.2.8")
        (stack / "docker-compose.yml").write_text(one)

        refused = run("enable", "--mode", "2", "--json")

        assert refused.error["code"] == "clients-cut-off"
        # What connect prints there is only after enable.
        assert "Attu 2.3.6 or newer, which enable switches" in refused.error["hint"]
        (stack / "docker-compose.yml").write_text(one.replace("v2.2.8", "v2.3.6"))
        done = run("enable", "--mode", "2", "--json").json
        assert [one["service"] for one in done["neighbours"]] == ["attu"]

    def test_who_is_cut_off_already_is_no_reason_to_stop_again(self, run: Run, stack: Path) -> None:
        run("enable", "--mode", "2", "--accept", "clients-cut-off")

        again = run("enable", "--json")

        assert (again.code, again.json["changed"]) == (0, False)
        assert "clients-cut-off" in {one["code"] for one in again.json["warnings"]}
        (stack / "tls/server.pem").unlink()
        assert run(*run("status", "--json").json["next"].split()[1:]).code == 0
        assert run("enable", "--mode", "1").code == 0
        assert run("enable", "--mode", "2", "--json").error["code"] == "clients-cut-off"

    def test_the_setting_is_remembered(self, run: Run, stack: Path) -> None:
        run("enable", "--neighbours", "ignore")
        assert not run("enable", "--json").json["changed"]
        assert run("enable", "--neighbours", "patch", "--json").json["changed"]

    def test_compose_sees_the_intended_and_nothing_else(self, run: Run, stack: Path) -> None:
        require_compose()
        before = model(stack, resolve_environment=True)
        run("enable")
        after = model(stack, resolve_environment=True)
        assert isinstance(before, dict)
        assert isinstance(after, dict)
        for name in ("attu", "chat", "worker"):
            old, new = before["services"][name], after["services"][name]
            [mount] = new.pop("volumes")
            assert (mount["target"], mount["read_only"]) == ("/milvus/tls", True)
            assert mount["source"] == str(stack / "tls-clients" / name)
            changed = {
                key: value
                for key, value in new.pop("environment").items()
                if old.get("environment", {}).get(key) != value
            }
            old.pop("environment", None)
            assert new == old
            ca, roots = "/milvus/tls/ca.pem", "/milvus/tls/roots.pem"
            assert (
                changed
                == {
                    "attu": {"ROOT_CERT_PATH": ca, "SERVER_NAME": "standalone"},
                    "chat": {"MILVUS_URI": NEW_URI, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": roots},
                    "worker": {
                        "MILVUS_URI": NEW_URI,
                        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": roots,
                        "MILVUS_SECURE": "true",
                        "MILVUS_SERVER_PEM_PATH": ca,
                        "MILVUS_SERVER_NAME": "standalone",
                    },
                }[name]
            )


class TestOwnCaOfTheClients:
    def test_they_trust_that_of_the_server_and_show_one_of_theirs(
        self, run: Run, stack: Path
    ) -> None:
        given = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        usage = ("-subj", "/CN=clients", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        files = ("-keyout", str(stack / "their.key"), "-out", str(stack / "their.pem"))
        subprocess.run(
            ["openssl", *given, *usage, *files, "-days", "900"], check=True, capture_output=True
        )
        options = ("--client-ca-cert", "their.pem", "--client-ca-key", "their.key")

        done = run("enable", "--mode", "2", *options, "--accept", "clients-cut-off", "--json")

        assert done.code == 0, done.err
        attu = stack / "tls-clients" / "attu"
        assert (attu / "ca.pem").read_bytes() == (stack / "cert/ca.pem").read_bytes()
        assert (stack / "tls/ca.pem").read_bytes() == (stack / "their.pem").read_bytes()
        shown = x509.load_pem_x509_certificate((attu / "client.pem").read_bytes())
        shown.verify_directly_issued_by(
            x509.load_pem_x509_certificate((stack / "their.pem").read_bytes())
        )
        again = run("enable", "--accept", "clients-cut-off", "--json")
        assert (again.code, again.json["changed"]) == (0, False)


class TestRenew:
    def test_each_gets_a_new_certificate_and_is_to_be_restarted(
        self, run: Run, stack: Path
    ) -> None:
        run("enable", "--mode", "2", "--accept", "clients-cut-off")
        before = (stack / "tls-clients/attu/client.pem").read_bytes()
        outcome = run("renew", "--force", "--no-restart", "--json")

        assert "docker compose restart standalone attu" in outcome.json["next"][0]
        assert (stack / "tls-clients/attu/client.pem").read_bytes() != before
        assert not run("renew", "--no-restart", "--json").json["changed"]

    def test_a_new_ca_takes_them_along(self, run: Run, stack: Path) -> None:
        run("enable", "--mode", "2", "--accept", "clients-cut-off")
        run("renew", "--ca", "--no-restart")
        both = (stack / "cert/ca.pem").read_bytes()
        assert both.count(b"BEGIN CERTIFICATE") == 2
        assert (stack / "tls-clients/attu/ca.pem").read_bytes() == both
        outcome = run("renew", "--ca", "--finish", "--no-restart")

        assert outcome.code == 0, outcome.err
        directory = stack / "tls-clients/attu"
        assert (directory / "ca.pem").read_bytes() == (stack / "cert/ca.pem").read_bytes()
        files = [str(directory / name) for name in ("ca.pem", "client.pem")]
        verified = ["openssl", "verify", "-CAfile", *files]
        assert subprocess.run(verified, check=False, capture_output=True).returncode == 0

    def test_in_mode_1_they_learn_of_the_new_ca(self, run: Run, stack: Path) -> None:
        run("enable")
        outcome = run("renew", "--ca", "--no-restart", "--json")

        assert outcome.json["next"] == ["docker compose restart attu chat worker"]
        both = (stack / "cert/ca.pem").read_bytes()
        assert (stack / "tls-clients/chat/roots.pem").read_bytes().endswith(both)

    def test_without_an_engine_that_they_go_on_as_before_is_said(
        self, run: Run, stack: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("enable")
        monkeypatch.setenv("DOCKER_HOST", "unix:///no-engine/docker.sock")
        outcome = run("renew", "--ca", "--json")

        [warning] = [w for w in outcome.json["warnings"] if w["code"] == "neighbours-not-restarted"]
        assert warning["hint"] == "docker compose restart attu chat worker"


class TestStatus:
    def test_each_link_says_by_what_and_until_when(self, run: Run, stack: Path) -> None:
        run("enable")
        text = run("status", "-v").out
        assert "trusts tls-clients/attu/ca.pem, until 20" in text
        run("enable", "--mode", "2", "--accept", "clients-cut-off")
        outcome = run("status", "--json")
        links = {one["sources"][0]: one for one in outcome.json["links"]}

        assert links["attu"]["note"].startswith("shows cert/clients/attu.pem, until 20")
        assert links["chat"]["encryption"] == "plain"
        assert "switch chat to TLS" in links["chat"]["note"]
        codes = {w["code"] for w in outcome.json["warnings"]}
        assert codes.isdisjoint({"key-exposed", "key-mounted", "clients-left-behind"})
        listed = [one["path"] for one in outcome.json["certificates"]]
        assert listed.count("cert/clients/attu.pem") == 1

    def test_a_key_that_others_may_read_is_named(self, run: Run, stack: Path) -> None:
        run("enable", "--mode", "2", "--accept", "clients-cut-off")
        (stack / "tls-clients/attu/client.key").chmod(0o644)
        outcome = run("status", "--json")

        [warning] = [w for w in outcome.json["warnings"] if w["code"] == "key-exposed"]
        assert warning["path"] == "tls-clients/attu/client.key"


class TestConnect:
    @pytest.mark.parametrize(
        "lang", ["python", "python-async", "node", "java", "go", "csharp", "env", "langchain"]
    )
    def test_each_language_names_the_network_and_the_paths_of_the_container(
        self, run: Run, stack: Path, lang: str
    ) -> None:
        run("enable", "--mode", "2", "--accept", "clients-cut-off")
        outcome = run("connect", "--for", "attu", "--lang", lang)

        assert outcome.code == 0
        assert NEW_URI in outcome.out
        for name in ("ca.pem", "client.pem", "client.key"):
            assert f"/milvus/tls/{name}" in outcome.out
        assert str(stack) not in outcome.out

    def test_an_attu_gets_its_variables_alone(self, run: Run, stack: Path) -> None:
        run("enable")
        text = run("connect", "--for", "attu", "--lang", "attu").out

        assert 'ROOT_CERT_PATH: "/milvus/tls/ca.pem"' in text
        assert "volumes" not in text
        assert "image" not in text

    def test_without_a_mount_it_says_which_lines_bring_one(self, run: Run, stack: Path) -> None:
        run("enable", "--mode", "2", "--neighbours", "list")
        outcome = run("connect", "--for", "chat", "--json")

        assert (outcome.code, outcome.error["code"]) == (3, "not-mounted")
        assert "./cert/clients/chat.key:/milvus/tls/client.key:ro" in outcome.error["hint"]
        assert "compose-tls client chat" in outcome.error["hint"]
        assert outcome.error["path"] == "docker-compose.yml"

    def test_files_that_the_user_mounts_count(self, run: Run, stack: Path) -> None:
        text = (stack / "docker-compose.yml").read_text()
        mounts = "    volumes: ['./cert/ca.pem:/trust/milvus.pem:ro']\n"
        text = text.replace("    env_file: chat.env\n", f"    env_file: chat.env\n{mounts}")
        (stack / "docker-compose.yml").write_text(text)
        run("enable", "--neighbours", "list")
        outcome = run("connect", "--for", "chat", "--json")

        assert outcome.json["connect"] == {
            "uri": NEW_URI,
            "secure": True,
            "server_name": "standalone",
            "server_pem_path": "/trust/milvus.pem",
        }

    def test_a_client_certificate_that_was_never_issued_is_not_named(
        self, run: Run, stack: Path
    ) -> None:
        file = stack / "docker-compose.yml"
        mounts = "    env_file: chat.env\n    volumes: ['./cert:/trust:ro']\n"
        file.write_text(file.read_text().replace("    env_file: chat.env\n", mounts))
        run("enable", "--mode", "2", "--accept", "clients-cut-off")
        found = run("connect", "--for", "chat", "--json").json["connect"]

        assert found["client_pem_path"] == "/trust/client.pem"
        run("client", "chat")
        found = run("connect", "--for", "chat", "--json").json["connect"]
        assert found["client_pem_path"] == "/trust/clients/chat.pem"

    @pytest.mark.parametrize(
        ("more", "port", "uri", "needs"),
        [
            ("    networks: [z]\n", "19530", "host.docker.internal", "extra_hosts"),
            ("    network_mode: bridge\n", "19530", "host.docker.internal", "one network"),
            (
                "    networks: [z]\n    extra_hosts: ['milvus.test:host-gateway']\n",
                "127.0.0.1:19530",
                "milvus.test",
                "publish port 19530 of standalone on more than 127.0.0.1",
            ),
        ],
    )
    def test_a_way_by_this_machine_says_what_it_takes(
        self, run: Run, stack: Path, more: str, port: str, uri: str, needs: str
    ) -> None:
        file = stack / "docker-compose.yml"
        mount = "    volumes: ['./cert/ca.pem:/trust/milvus.pem:ro']\n"
        text = file.read_text().replace("    env_file: chat.env\n", f"{mount}{more}")
        text = text.replace("19530:19530", f"{port}:19530") + "networks: {z: {}}\n"
        file.write_text(text)
        run("enable", "--neighbours", "list")
        told = run("connect", "--for", "chat", "--json").json

        assert told["connect"]["uri"] == f"https://{uri}:19530"
        [warning] = told["warnings"]
        assert warning["code"] == "way-by-host"
        assert needs in warning["hint"]

    def test_without_a_network_there_is_no_way(self, run: Run, stack: Path) -> None:
        file = stack / "docker-compose.yml"
        alone = file.read_text().replace("    env_file: chat.env\n", "    network_mode: none\n")
        file.write_text(alone)
        run("enable", "--neighbours", "list")
        assert run("connect", "--for", "chat", "--json").error["code"] == "wrong-usage"

    def test_a_service_that_is_not_there_is_told(self, run: Run, stack: Path) -> None:
        run("enable")
        outcome = run("connect", "--for", "nobody", "--json")
        assert outcome.error["code"] == "service-not-found"


@pytest.mark.parametrize(
    ("old", "new"), [('"service": "attu"', '"service": "../.."'), ('"ca.pem"', '"../../own"')]
)
def test_a_record_that_leads_elsewhere_is_not_followed(
    run: Run, stack: Path, old: str, new: str
) -> None:
    run("enable")
    state = stack / "cert" / "state.json"
    text = state.read_text()
    at = text.index('"neighbours"', text.index('"identities"'))
    state.write_text(text[:at] + text[at:].replace(old, new, 1))
    outcome = run("disable", "--purge", "--json")

    assert outcome.error["code"] == "state-unreadable"


def test_a_directory_of_somebody_else_is_not_written_into(run: Run, stack: Path) -> None:
    place = stack / "tls-clients" / "attu"
    place.mkdir(parents=True)
    (place / "ca.pem").write_text("mine")
    outcome = run("enable", "--json")

    assert outcome.error["code"] == "value-in-the-way"
    assert (place / "ca.pem").read_text() == "mine"
    assert [path.name for path in (stack / "tls-clients").iterdir()] == ["attu"]

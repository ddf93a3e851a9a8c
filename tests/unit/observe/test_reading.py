"""Reading a project from disk, once."""

import hashlib
import os
import stat
from pathlib import Path
from typing import Any, ClassVar

import pytest

from compose_tls import files
from compose_tls.changes import CertificateOrder
from compose_tls.config import TlsConfig
from compose_tls.errors import (
    ComposeFileNotFound,
    FileUnreadable,
    NotAComposeFile,
    StateUnreadable,
    YamlSyntax,
)
from compose_tls.files import YAML_LIMIT
from compose_tls.observation import Observation
from compose_tls.observe import observe
from compose_tls.pki.issue import issue_all
from compose_tls.state.recorded import FileRecord, State
from compose_tls.vocabulary import Profile
from tests.unit.builders import NOW, STANDALONE

IMAGE = "image: milvusdb/milvus:v2.5.5"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path, "docker-compose.yml", STANDALONE)
    return tmp_path


def write(directory: Path, name: str, text: str | bytes = "") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def look(
    directory: Path, environment: dict[str, str] | None = None, **settings: Any
) -> Observation:
    return observe(directory, TlsConfig(**settings), environment or {}).observation


def seen(found: Observation) -> set[str]:
    """The files that are there, relative to the project."""
    return {os.path.relpath(path, found.directory) for path, facts in found.files.items() if facts}


def test_a_file_is_remembered_with_its_bytes_owner_and_mode(project: Path) -> None:
    path = project / "docker-compose.yml"
    path.chmod(0o640)
    facts = look(project).files[path]

    assert facts is not None
    assert facts.content == STANDALONE.encode()
    assert facts.sha256 == hashlib.sha256(STANDALONE.encode()).hexdigest()
    assert (facts.mode, facts.uid, facts.gid) == (0o640, path.stat().st_uid, path.stat().st_gid)


def test_who_looks_is_remembered(project: Path) -> None:
    found = look(project)

    assert found.user_id == os.geteuid()
    assert found.group_ids >= {os.getegid(), *os.getgroups()}


def test_the_directory_is_the_real_one(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(project)
    found = look(link)

    assert found.directory == project
    assert found.compose_files == (project / "docker-compose.yml",)


def test_what_is_not_there_is_remembered_as_missing(project: Path) -> None:
    assert look(project).files[project / "milvus.yaml"] is None


def test_nothing_but_what_a_plan_needs_is_looked_at(project: Path) -> None:
    for name in ("README.md", "data/milvus.yaml", "prometheus.yml", "cert/other.pem"):
        write(project, name)
    write(
        project,
        "docker-compose.yml",
        STANDALONE + "    volumes: [./data:/var/lib/milvus]\n"
        "  etcd:\n    image: etcd\n    volumes: [./prometheus.yml:/p.yml]\n    env_file: gone.env\n",
    )

    # What another service mounts may name Milvus, as a reverse proxy does.
    assert seen(look(project)) == {"docker-compose.yml", "prometheus.yml"}


def test_what_configures_other_services_is_looked_at(project: Path) -> None:
    for name in (
        "app.env",
        "conf/Caddyfile",
        "conf/start.sh",
        "conf/a.conf",
        "conf/d/b.yaml",
        "conf/d/e/c.yaml",
        "conf/data.bin",
    ):
        write(project, name)
    write(project, ".dockerignore")
    (project / "conf" / "link.conf").symlink_to("/etc/passwd")
    write(
        project,
        "docker-compose.yml",
        STANDALONE + "  app: {build: ., env_file: app.env, volumes: ['./conf:/conf', '.:/app']}\n",
    )

    wanted = {"conf/Caddyfile", "conf/start.sh"}
    wanted |= {"docker-compose.yml", "app.env", "conf/a.conf", "conf/d/b.yaml", ".dockerignore"}
    assert seen(look(project)) == wanted


def test_what_configures_other_services_and_cannot_be_read_says_nothing(project: Path) -> None:
    (project / "app.env").symlink_to("/etc/passwd")
    (project / "big.conf").write_bytes(b" " * 10_000_000)
    text = "  app: {image: app, env_file: app.env, volumes: ['./big.conf:/big.conf']}\n"
    write(project, "docker-compose.yml", STANDALONE + text)

    assert seen(look(project)) == {"docker-compose.yml"}


class TestScript:
    def test_the_compose_file_of_the_script_is_in_the_error(self, project: Path) -> None:
        (project / "docker-compose.yml").unlink()
        write(project, "standalone_embed.sh", "docker run -d \\\n  milvusdb/milvus:v2.4.17 \\\n")
        write(project, "user.yaml", "# Extra\n")

        with pytest.raises(ComposeFileNotFound) as caught:
            look(project)

        assert "compose-tls works on Compose projects" in caught.value.message
        text = caught.value.hint.partition("\n\n")[2]
        write(project, "docker-compose.yml", text)
        [found] = observe(project, TlsConfig(), {}).milvus
        assert found.service.text("image") == "milvusdb/milvus:v2.4.17"
        assert [mount.target for mount in found.service.mounts()] == [
            "/var/lib/milvus",
            "/milvus/configs/embedEtcd.yaml",
            "/milvus/configs/user.yaml",
        ]
        assert found.service.published(19530) is not None

    def test_a_file_that_was_named_is_what_is_missing(self, project: Path) -> None:
        write(project, "standalone_embed.sh")

        with pytest.raises(ComposeFileNotFound) as caught:
            look(project, file=("other.yml",))

        assert "standalone_embed" not in caught.value.message


class TestDotEnv:
    def test_it_is_read_and_the_environment_wins(self, project: Path) -> None:
        write(project, ".env", "A=file\nB=file\n")
        found = look(project, {"B": "process", "C": "process"})

        assert {name: found.variables[name] for name in "ABC"} == {
            "A": "file",
            "B": "process",
            "C": "process",
        }

    def test_it_lies_beside_the_named_file(self, project: Path) -> None:
        write(project, "sub/compose.yml", STANDALONE)
        write(project, ".env", "A=top\nB=top\n")
        write(project, "sub/.env", "A=sub\n")
        found = look(project, file=("sub/compose.yml",))

        assert found.variables["A"] == "sub"
        assert "B" not in found.variables

    def test_one_that_names_the_compose_file_wins_over_that_beside_it(self, project: Path) -> None:
        write(project, "sub/compose.yml", STANDALONE)
        write(project, ".env", "COMPOSE_FILE=sub/compose.yml\nA=top\n")
        write(project, "sub/.env", "A=sub\nB=$A\n")
        found = look(project)

        assert found.compose_files == (project / "sub/compose.yml",)
        assert (found.variables["A"], found.variables["B"]) == ("top", "top")

    @pytest.mark.parametrize("value", ["1", "true", "True"])
    def test_it_can_be_switched_off(self, project: Path, value: str) -> None:
        write(project, ".env", "A=file\n")

        assert "A" not in look(project, {"COMPOSE_DISABLE_ENV_FILE": value}).variables

    def test_other_files_can_take_its_place(self, project: Path) -> None:
        write(project, ".env", "A=dot\nC=dot\n")
        write(project, "one.env", "A=one\nB=one")
        write(project, "two.env", "B=two\n")
        found = look(project, {"COMPOSE_ENV_FILES": "one.env,two.env"})

        assert (found.variables["A"], found.variables["B"]) == ("one", "two")
        assert "C" not in found.variables

    def test_the_working_directory_is_that_of_the_project(self, project: Path) -> None:
        assert look(project, {"PWD": "/elsewhere"}).variables["PWD"] == str(project)


class TestConfiguration:
    def compose(self, fields: str) -> str:
        return f"services: {{milvus: {{{IMAGE}, {fields}}}}}\n"

    @pytest.mark.parametrize(
        ("fields", "names"),
        [
            ("volumes: ['./m/a.yaml:/milvus/configs/milvus.yaml']", {"m/a.yaml"}),
            ("volumes: ['./m/a.yaml:/milvus/configs/user.yaml:ro']", {"m/a.yaml"}),
            ("volumes: ['./m:/milvus/configs']", {"m/milvus.yaml", "m/user.yaml"}),
            ("volumes: ['./m/a.yaml:/c/user.yaml'], environment: [MILVUSCONF=/c/]", {"m/a.yaml"}),
            ("volumes: ['./m:/c'], env_file: m/c.env", {"m/c.env", "m/milvus.yaml", "m/user.yaml"}),
            ("volumes: ['./m:/var/lib/milvus', 'v:/milvus/configs']", set()),
            ("env_file: [m/c.env, gone.env]", {"m/c.env"}),
        ],
    )
    def test_what_configures_milvus_is_read_where_it_lies(
        self, project: Path, fields: str, names: set[str]
    ) -> None:
        write(project, "docker-compose.yml", self.compose(fields))
        for name in ("a.yaml", "milvus.yaml", "user.yaml"):
            write(project, f"m/{name}", "a: 1\n")
        write(project, "m/c.env", "MILVUSCONF=/c\n")

        assert seen(look(project)) == {"docker-compose.yml", *names}

    def test_so_is_a_config(self, project: Path) -> None:
        text = self.compose("configs: [{source: c, target: /milvus/configs/milvus.yaml}]")
        write(project, "docker-compose.yml", f"{text}configs: {{c: {{file: c.yaml}}}}\n")
        write(project, "c.yaml", "a: 1\n")

        assert "c.yaml" in seen(look(project))

    def test_so_is_a_milvus_yaml_beside_the_compose_file(self, project: Path) -> None:
        write(project, "milvus.yaml", "a: 1\n")

        assert "milvus.yaml" in seen(look(project))

    def test_and_one_beside_an_included_file(self, project: Path) -> None:
        write(project, "docker-compose.yml", "include: [sub/a.yml]\n")
        write(project, "sub/a.yml", STANDALONE)
        write(project, "sub/milvus.yaml", "a: 1\n")

        assert seen(look(project)) == {"docker-compose.yml", "sub/a.yml", "sub/milvus.yaml"}

    @pytest.mark.parametrize(("service", "found"), [("db", True), ((), False)])
    def test_a_named_service_need_not_look_like_milvus(
        self, project: Path, service: str | tuple[()], *, found: bool
    ) -> None:
        write(project, "docker-compose.yml", "services: {db: {image: own}}")
        write(project, "milvus.yaml")

        assert ("milvus.yaml" in seen(look(project, service=service))) == found


class TestPki:
    def enabled(self, project: Path, **fields: Any) -> None:
        state = State(
            settings=TlsConfig(mode=1, tls_dir=fields.pop("tls_dir", "tls")),
            services=fields.pop("services", ("milvus",)),
            files=fields.pop("files", ()),
        )
        write(project, "cert/state.json", state.render())

    def issue(self, project: Path) -> None:
        orders = [
            CertificateOrder(role, f"CN={role}", "ecdsa-p256", 90, ("localhost",))
            for role in ("ca", "server", "client")
        ]
        for role, pair in issue_all(orders, None, NOW).items():
            write(project, f"cert/{role}.pem", pair.certificate_pem)
            write(project, f"cert/{role}.key", pair.private_key_pem)

    def test_certificates_are_surveyed_and_keys_leave_nothing_but_a_digest(
        self, project: Path
    ) -> None:
        self.issue(project)
        write(project, "tls/server.key", (project / "cert/server.key").read_bytes())
        found = look(project)

        roles: set[Profile] = {"ca", "server", "client"}
        assert found.pki.usable == found.pki.certificates.keys() == roles
        for name in ("cert/ca.key", "cert/server.key", "cert/client.key", "tls/server.key"):
            facts = found.files[project / name]
            assert facts is not None
            assert facts.content is None
            assert facts.sha256 == hashlib.sha256((project / name).read_bytes()).hexdigest()
        assert b"PRIVATE KEY" not in b"".join(
            facts.content or b"" for facts in found.files.values() if facts
        )

    def test_without_certificates_there_is_nothing_to_survey(self, project: Path) -> None:
        write(project, "cert/ca.key", "a key alone")

        assert look(project).pki.usable == frozenset()

    def test_a_pipe_in_the_place_of_a_key_is_not_waited_for(self, project: Path) -> None:
        self.issue(project)
        (project / "cert/server.key").unlink()
        os.mkfifo(project / "cert/server.key")
        found = look(project)

        assert found.files[project / "cert/server.key"] is None
        assert found.pki.usable == {"ca", "client"}

    def test_certificates_that_the_user_brings_are_looked_at_and_not_remembered(
        self, project: Path
    ) -> None:
        settings: dict[str, Any] = {}
        for role in ("ca", "server", "client"):
            write(project, f"my/{role}.pem", role)
            write(project, f"my/{role}.key", role)
            settings |= {f"{role}_cert": f"my/{role}.pem", f"{role}_key": f"my/{role}.key"}
        del settings["ca_key"]
        found = look(project, **settings)

        for name in ("my/server.pem", "my/server.key", "my/ca.pem"):
            facts = found.files[project / name]
            assert facts is not None
            assert facts.content is None
        assert project / "my/ca.key" not in found.files
        assert found.pki.provided == frozenset()

    BROUGHT: ClassVar[dict[str, Any]] = {
        "ca_cert": "my/ca.pem",
        "server_cert": "my/server.pem",
        "server_key": "my/server.key",
        "client_cert": "my/client.pem",
        "client_key": "my/client.key",
    }

    def bring(self, project: Path) -> None:
        """Certificates of the user, with more in their files than we would write, and our copies."""
        self.issue(project)
        for role in ("ca", "server", "client"):
            text = (project / f"cert/{role}.pem").read_text()
            write(project, f"my/{role}.pem", f"Certificate:\n    Data:\n{text}")
            write(project, f"my/{role}.key", (project / f"cert/{role}.key").read_bytes())

    def test_copies_of_what_the_user_brings_are_known(self, project: Path) -> None:
        self.bring(project)

        assert look(project, **self.BROUGHT).pki.provided == {"ca", "server", "client"}

    @pytest.mark.parametrize("role", ["ca", "server", "client"])
    @pytest.mark.parametrize("text", ["", "no certificate", None])
    def test_other_files_are_no_copies(self, project: Path, role: str, text: str | None) -> None:
        self.bring(project)
        (project / f"my/{role}.pem").unlink()
        if text is not None:
            write(project, f"my/{role}.pem", text)

        assert look(project, **self.BROUGHT).pki.provided == {"ca", "server", "client"} - {role}

    def test_neither_is_another_certificate_with_its_key(self, project: Path) -> None:
        self.bring(project)
        for suffix in ("pem", "key"):
            write(project, f"my/server.{suffix}", (project / f"my/client.{suffix}").read_bytes())

        assert look(project, **self.BROUGHT).pki.provided == {"ca", "client"}

    def test_files_that_an_earlier_enable_edited_are_read_in_use_or_not(
        self, project: Path
    ) -> None:
        record = FileRecord(path="old.yml", before="a", after="b", splices=(), edits=())
        self.enabled(project, files=(record,))
        write(project, "old.yml", "a: 1\n")

        assert "old.yml" in seen(look(project))

    def test_the_tls_directory_of_an_earlier_enable_is_read_as_well(self, project: Path) -> None:
        self.enabled(project, tls_dir="old")
        for directory in ("old", "tls"):
            for name in ("server.key", "ca.pem"):
                write(project, f"{directory}/{name}")

        assert seen(look(project)) >= {
            "old/server.key",
            "old/ca.pem",
            "tls/server.key",
            "tls/ca.pem",
        }

    def test_the_service_that_was_enabled_need_not_look_like_milvus(self, project: Path) -> None:
        write(project, "docker-compose.yml", "services: {db: {image: own, env_file: db.env}}")
        write(project, "db.env")
        self.enabled(project, services=("db",))

        assert "db.env" in seen(look(project))

    def test_a_damaged_state_is_told(self, project: Path) -> None:
        write(project, "cert/state.json", "{")
        with pytest.raises(StateUnreadable):
            look(project)


class TestRefusals:
    @pytest.mark.parametrize("name", ["gone.yml", "."])
    def test_a_missing_compose_file(self, project: Path, name: str) -> None:
        with pytest.raises(ComposeFileNotFound):
            look(project, file=(name,))

    def test_a_directory_without_a_project(self, tmp_path: Path) -> None:
        (tmp_path / "compose.yaml").mkdir()
        with pytest.raises(ComposeFileNotFound):
            look(tmp_path)

    @pytest.mark.parametrize(
        ("text", "error"),
        [
            ("a: 1\n", NotAComposeFile),
            ("services:\n\ta: 1\n", YamlSyntax),
            (b"\xff\xfe", YamlSyntax),
        ],
    )
    def test_a_file_that_is_no_compose_file(
        self, project: Path, text: str | bytes, error: type[Exception]
    ) -> None:
        write(project, "docker-compose.yml", text)
        with pytest.raises(error):
            look(project)

    @pytest.mark.parametrize(
        "name", ["docker-compose.yml", ".env", "milvus.yaml", "cert/state.json"]
    )
    def test_a_file_that_may_not_be_read(
        self, project: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        forbid(monkeypatch, write(project, name, STANDALONE))
        with pytest.raises(FileUnreadable) as caught:
            look(project)

        assert (caught.value.path, "permission denied" in caught.value.message) == (name, True)

    def test_a_key_that_may_not_be_read_is_looked_at_from_outside(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key = write(project, "tls/server.key")
        key.chmod(0o600)
        forbid(monkeypatch, key)
        facts = look(project).files[key]

        assert facts is not None
        assert (facts.content, facts.sha256, facts.mode) == (None, None, 0o600)

    def test_a_key_in_a_directory_that_may_not_be_entered(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forbid(monkeypatch, write(project, "tls/server.key"), stat_too=True)
        with pytest.raises(FileUnreadable) as caught:
            look(project)

        assert caught.value.path == "tls/server.key"

    def test_a_file_that_is_absurdly_large(self, project: Path) -> None:
        with (project / "milvus.yaml").open("wb") as file:
            file.truncate(YAML_LIMIT + 1)
        with pytest.raises(FileUnreadable) as caught:
            look(project)

        assert "4 MiB" in caught.value.message

    def test_a_link_that_leads_round_in_circles(self, project: Path) -> None:
        (project / "milvus.yaml").symlink_to("milvus.yaml")
        with pytest.raises(FileUnreadable) as caught:
            look(project)

        assert caught.value.path == "milvus.yaml"

    def test_what_is_no_regular_file_is_as_good_as_missing(self, project: Path) -> None:
        (project / "milvus.yaml").mkdir()
        os.mkfifo(project / ".env")
        found = look(project)

        assert seen(found) == {"docker-compose.yml"}
        assert stat.S_ISFIFO((project / ".env").stat().st_mode)


def forbid(monkeypatch: pytest.MonkeyPatch, forbidden: Path, *, stat_too: bool = False) -> None:
    """Let the operating system refuse a file, whoever runs the test."""

    def refusing(original: Any) -> Any:
        def method(path: Path, *args: Any, **kwargs: Any) -> Any:
            if path == forbidden:
                raise PermissionError(13, "Permission denied", str(path))
            return original(path, *args, **kwargs)

        return method

    monkeypatch.setattr(files, "open_real", refusing(files.open_real))
    if stat_too:
        monkeypatch.setattr(Path, "stat", refusing(Path.stat))

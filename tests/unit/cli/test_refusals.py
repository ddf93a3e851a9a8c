"""What is wrong with a project: one error with its place and next step, and nothing changed."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

import compose_tls
from compose_tls.apply.journal import JOURNAL
from compose_tls.apply.lock import locked
from tests.unit.cli.conftest import Run, facts
from tests.unit.pki.minting import mint

COMPOSE = "docker-compose.yml"


def edit(project: Path, old: str, new: str, name: str = COMPOSE) -> None:
    path = project / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def no_compose_file(project: Path) -> None:
    (project / COMPOSE).unlink()


def a_compose_file_that_is_too_large(project: Path) -> None:
    os.truncate(project / COMPOSE, 65 * 1024 * 1024)


def a_tab(project: Path) -> None:
    edit(project, "    container_name: milvus-standalone", "\tcontainer_name: milvus-standalone")


def no_milvus(project: Path) -> None:
    edit(project, "milvusdb/milvus:v2.3.5", "redis:7")
    edit(project, 'command: ["milvus", "run", "standalone"]', "command: redis-server")


def two_candidates(project: Path) -> None:
    edit(
        project,
        "\nnetworks:",
        "\n  other:\n    image: milvusdb/milvus:v2.3.5\n    command: milvus run standalone\n"
        "\nnetworks:",
    )


def an_old_milvus(project: Path) -> None:
    edit(project, "milvus:v2.3.5", "milvus:v1.1.1")


def another_mount_at_our_place(project: Path) -> None:
    edit(project, ":/var/lib/milvus\n", ":/var/lib/milvus\n      - ./mine:/milvus/tls\n")


def another_certificate_at_our_place(project: Path) -> None:
    (project / "tls").mkdir()
    (project / "tls" / "ca.pem").write_text("mine")


def half_a_configuration_mounted(project: Path) -> None:
    (project / "milvus.yaml").write_text("proxy:\n  port: 19530\n")
    edit(
        project,
        ":/var/lib/milvus\n",
        ":/var/lib/milvus\n      - ./milvus.yaml:/milvus/configs/milvus.yaml\n",
    )


def no_configuration(project: Path) -> None:
    (project / "milvus.yaml").unlink()


def a_damaged_state(project: Path) -> None:
    (project / "cert").mkdir()
    (project / "cert" / "state.json").write_text('{"version": 99}')


def a_damaged_journal(project: Path) -> None:
    (project / JOURNAL).write_text("{")
    (project / JOURNAL).chmod(0o600)


def a_journal_from_a_repository(project: Path) -> None:
    (project / JOURNAL).write_text("{}")
    (project / JOURNAL).chmod(0o644)


def half_a_pair(project: Path) -> None:
    (project / "cert").mkdir()
    trustme.CA().cert_pem.write_to_path(project / "cert" / "ca.pem")


def foreign_certificates(project: Path) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    leaf, other = ours.issue_cert("localhost"), ours.issue_cert("localhost")
    ours.cert_pem.write_to_path(project / "ca.pem")
    theirs.cert_pem.write_to_path(project / "other-ca.pem")
    leaf.cert_chain_pems[0].write_to_path(project / "server.pem")
    leaf.private_key_pem.write_to_path(project / "server.key")
    other.private_key_pem.write_to_path(project / "other.key")
    elsewhere = ours.issue_cert("milvus.example")
    elsewhere.private_key_and_cert_chain_pem.write_to_path(project / "elsewhere.pem")


def nothing(project: Path) -> None:
    """The project as it is."""


BRING = "enable --server-cert server.pem --server-key server.key --ca-cert ca.pem"

CASES: list[tuple[Callable[[Path], None], str, int, str, str | None]] = [
    (no_compose_file, "enable", 3, "compose-file-not-found", None),
    (a_compose_file_that_is_too_large, "enable", 3, "file-unreadable", COMPOSE),
    (a_tab, "enable", 3, "yaml-syntax", COMPOSE),
    (nothing, "enable -f milvus.yaml", 3, "not-a-compose-file", "milvus.yaml"),
    (nothing, "enable -f missing.yml", 3, "compose-file-not-found", None),
    (no_milvus, "enable", 3, "service-not-found", COMPOSE),
    (nothing, "enable --service mivlus", 3, "service-not-found", COMPOSE),
    (two_candidates, "enable", 3, "service-ambiguous", COMPOSE),
    (an_old_milvus, "enable", 3, "unsupported-milvus", COMPOSE),
    (another_mount_at_our_place, "enable", 3, "value-in-the-way", COMPOSE),
    (another_certificate_at_our_place, "enable", 3, "value-in-the-way", "tls/ca.pem"),
    (no_configuration, "enable --config file", 3, "milvus-config-not-found", "milvus.yaml"),
    (half_a_configuration_mounted, "enable --config file", 3, "milvus-config-partial", None),
    (a_damaged_state, "enable", 3, "state-unreadable", "cert/state.json"),
    (a_damaged_state, "status", 3, "state-unreadable", "cert/state.json"),
    (a_damaged_state, "disable", 3, "state-unreadable", "cert/state.json"),
    (a_damaged_journal, "enable", 3, "recovery-failed", JOURNAL),
    (a_damaged_journal, "disable", 3, "recovery-failed", JOURNAL),
    (a_damaged_journal, "status", 3, "project-locked", JOURNAL),
    (a_damaged_journal, "enable --dry-run", 3, "project-locked", JOURNAL),
    (a_journal_from_a_repository, "enable", 3, "foreign-journal", JOURNAL),
    (a_journal_from_a_repository, "disable", 3, "foreign-journal", JOURNAL),
    (a_journal_from_a_repository, "status", 3, "foreign-journal", JOURNAL),
    (a_journal_from_a_repository, "enable --dry-run", 3, "foreign-journal", JOURNAL),
    (nothing, "disable", 3, "not-enabled", "cert/state.json"),
    (nothing, "connect", 3, "not-enabled", "cert/state.json"),
    (nothing, "check", 3, "not-enabled", "cert/state.json"),
    (half_a_pair, "enable", 4, "certificate-unreadable", "cert/ca.key"),
    (nothing, BRING, 4, "certificate-unreadable", None),
    (
        foreign_certificates,
        BRING.replace("server.key", "other.key"),
        4,
        "key-mismatch",
        "other.key",
    ),
    (
        foreign_certificates,
        BRING.replace("ca.pem", "other-ca.pem"),
        4,
        "issuer-mismatch",
        "server.pem",
    ),
    (
        foreign_certificates,
        BRING.replace("server.pem", "elsewhere.pem").replace("server.key", "elsewhere.pem"),
        4,
        "name-not-covered",
        "elsewhere.pem",
    ),
    (nothing, "enable --san a:b", 4, "name-invalid", None),
]


@pytest.mark.parametrize(
    ("prepare", "arguments", "exit_code", "code", "path"),
    CASES,
    ids=[
        f"{prepare.__name__}-{arguments.split()[0]}-{code}"
        for prepare, arguments, _, code, _ in CASES
    ],
)
def test_a_project_that_cannot_be_used_is_refused_and_left_alone(
    run: Run,
    project: Path,
    prepare: Callable[[Path], None],
    arguments: str,
    exit_code: int,
    code: str,
    path: str | None,
) -> None:
    prepare(project)
    before = facts(project)
    text = run(*arguments.split())
    assert text.code == exit_code
    assert text.out == ""
    assert text.err.count("error[") == text.err.count("  next: ") == 1
    document = run(*arguments.split(), "--json")
    assert document.code == exit_code
    assert document.error["code"] == code
    assert document.error["message"] in text.err
    assert document.error["hint"].replace(" --json", "") in text.err
    if path is not None:
        assert document.error["path"] == path
        # Once: in the message, or below it.
        assert path in text.err
        named = {word.rstrip(",:;") for word in document.error["message"].split()}
        line = document.error.get("line")
        where = f"{path}:{line}" if line else path
        assert (f"  in:   {where}\n" in text.err) == (bool(line) or path not in named)
    assert facts(project) == before


@pytest.mark.parametrize(
    ("prepare", "text"),
    [(a_tab, "\tcontainer_name"), (another_mount_at_our_place, "./mine:/milvus/tls")],
)
def test_an_error_names_the_line(
    run: Run, project: Path, prepare: Callable[[Path], None], text: str
) -> None:
    prepare(project)
    lines = (project / COMPOSE).read_text().splitlines()
    expected = next(number for number, line in enumerate(lines, 1) if text in line)
    assert run("enable", "--json").error["line"] == expected


@pytest.mark.parametrize("command", ["enable", "disable"])
def test_a_project_in_which_another_command_works_is_locked(
    run: Run, project: Path, command: str
) -> None:
    with locked(project):
        outcome = run(command, "--json")
    assert outcome.code == 3
    assert outcome.error["code"] == "project-locked"


@pytest.fixture
def ordinary(project: Path, tmp_path: Path) -> Iterator[Path]:
    """The project of a user who is not root; the test runs as that user."""
    # The interpreter may lie where that user cannot read: what it would load late is loaded now.
    aside = tmp_path / "aside"
    shutil.copytree(project, aside)
    compose_tls.enable(aside, environment={})
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        for file in project.iterdir():
            shutil.copyfile(file, directory / file.name)
        root = os.geteuid() == 0
        if root:
            for path in (directory, *directory.iterdir()):
                os.chown(path, 65534, 65534)
            os.seteuid(65534)
        try:
            yield directory
        finally:
            directory.chmod(0o755)
            if root:
                os.seteuid(0)


def test_a_ordinary_project_is_left_as_it_is(run: Run, ordinary: Path) -> None:
    ordinary.chmod(0o555)
    before = facts(ordinary)
    outcome = run("enable", "-C", ordinary, "--json")
    assert outcome.code == 3
    assert outcome.error["code"] == "write-failed"
    assert "nothing was changed" in outcome.error["message"]
    assert facts(ordinary) == before


def test_a_dry_run_needs_no_permission_to_write(run: Run, ordinary: Path) -> None:
    ordinary.chmod(0o555)
    assert run("enable", "-C", ordinary, "--dry-run").code == 0


def test_a_key_that_the_container_cannot_read_is_not_deployed(run: Run, ordinary: Path) -> None:
    edit(ordinary, "    image: milvusdb", '    user: "999:998"\n    image: milvusdb')
    before = facts(ordinary)
    outcome = run("enable", "--up", "-C", ordinary, "--json")
    assert outcome.code == 4
    assert outcome.error["code"] == "key-unreadable-in-container"
    assert "sudo chown 999 tls/server.key" in outcome.error["hint"]
    assert facts(ordinary) == before


def test_a_key_that_the_container_cannot_read_yet_is_warned_of(run: Run, ordinary: Path) -> None:
    edit(ordinary, "    image: milvusdb", '    user: "999:998"\n    image: milvusdb')
    outcome = run("enable", "-C", ordinary, "--json")
    assert outcome.code == 0
    assert "server-key-unreadable" in {w["code"] for w in outcome.json["warnings"]}
    assert "sudo chown 999 tls/server.key" in outcome.err


@pytest.mark.parametrize("host", ["ssh://me@far.example", "tcp://10.1.2.3:2375"])
def test_an_engine_on_another_machine_is_refused_before_anything_is_written(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    before = facts(project)
    refused = run("enable", "--up", "--json")
    assert (refused.code, refused.error["code"]) == (5, "engine-remote")
    assert "cannot mount the certificates that lie here" in refused.error["message"]
    assert facts(project) == before


class TestRenamedServices:
    """A service that has another name since it was enabled is not taken for another one."""

    def rename(self, project: Path) -> None:
        path = project / "docker-compose.yml"
        path.write_text(path.read_text().replace("  standalone:\n", "  vectordb:\n"))

    @pytest.mark.parametrize("more", [(), ("--config", "env"), ("--service", "standalone")])
    def test_enable_says_what_to_type(self, run: Run, project: Path, more: tuple[str, ...]) -> None:
        original = (project / "docker-compose.yml").read_bytes()
        assert run("enable", "--mode", "2", *more).code == 0
        self.rename(project)
        before = facts(project)

        refused = run("enable", "--json")

        assert (refused.code, refused.error["code"]) == (3, "service-renamed")
        assert "is called vectordb now" in refused.error["message"]
        assert "compose-tls enable --mode 2" in refused.error["hint"]
        assert facts(project) == before
        # What is to be typed works.
        path = project / "docker-compose.yml"
        path.write_text(path.read_text().replace("  vectordb:\n", "  standalone:\n"))
        assert run("disable").code == 0
        assert path.read_bytes() == original
        self.rename(project)
        assert run("enable", "--mode", "2", "--service", "vectordb").code == 0
        assert run("disable").code == 0
        assert path.read_bytes() == original.replace(b"  standalone:\n", b"  vectordb:\n")

    @pytest.mark.parametrize(
        ("more", "to"),
        [
            ((), "vectordb:\n"),
            (("--config", "env"), "vectordb:\n"),
            (("--service", "standalone"), "vectordb:\n"),
            # What the old name stands for now is another service.
            ((), "standalone:\n    image: zilliz/attu:v2.4.5\n  vectordb:\n"),
        ],
    )
    def test_what_status_prints_next_records_the_new_name(
        self, run: Run, project: Path, more: tuple[str, ...], to: str
    ) -> None:
        original = (project / "docker-compose.yml").read_text()
        assert run("enable", "--mode", "2", *more).code == 0
        edit(project, "  standalone:\n", f"  {to}")

        told = run("status", "--json").json
        assert told["next"].endswith(" --accept service-renamed")
        assert f"next: {told['next']}; then" in " ".join(run("disable").err.split())

        enabled = run(*told["next"].split()[1:], "--json").json
        assert enabled["services"] == ["vectordb"]
        # The container of the old name has the port still.
        has_orphan = "attu" not in to
        removal = enabled["next"][0]
        assert removal.endswith("service=standalone | xargs -r docker rm -f") == has_orphan
        assert (
            "service-renamed",
            "service standalone is called vectordb now: the new name is recorded",
        ) in [(one["code"], one["message"]) for one in enabled["warnings"]]
        assert run("status").code == 0
        assert run("disable").code == 0
        after = (project / "docker-compose.yml").read_text()
        assert after == original.replace("  standalone:\n", f"  {to}")

    def test_one_that_is_gone_has_its_place_taken(self, run: Run, project: Path) -> None:
        original = (project / "docker-compose.yml").read_text()
        assert run("enable", "--mode", "2").code == 0
        (project / "docker-compose.yml").write_text(original.replace("standalone:\n", "other:\n"))

        hint = run("client", "bob", "--json").error["hint"]

        assert hint.endswith("for other: compose-tls enable --mode 2 --service other")
        assert run(*hint.rpartition("compose-tls ")[2].split()).code == 0
        assert run("client", "bob").code == run("status").code == 0

    def test_of_two_that_have_its_entries_one_is_named(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2", "--config", "env").code == 0
        self.rename(project)
        path = project / "docker-compose.yml"
        text = path.read_text()
        second = text[text.index("  vectordb:\n") :].partition("\nnetworks:")[0]
        path.write_text(text.replace(second, f"{second}\n{second.replace('vectordb', 'second')}"))

        next_ = run("status", "--json").json["next"]
        assert "--service vectordb --accept service-renamed" in next_
        assert run(*next_.split()[1:]).code == run("status").code == 0

    def test_so_is_that_of_an_application(self, run: Run, project: Path) -> None:
        attu = (
            "  attu:\n    image: zilliz/attu:v2.4.5\n    environment:\n"
            "      MILVUS_URL: standalone:19530\n"
        )
        edit(project, "services:\n", f"services:\n{attu}")
        original = (project / "docker-compose.yml").read_text()
        assert run("enable", "--mode", "2").code == 0
        edit(project, "  attu:\n", "  board:\n")

        assert run("enable", "--json").error["code"] == "service-renamed"
        next_ = run("status", "--json").json["next"]
        assert next_ == "compose-tls enable --mode 2 --accept service-renamed"
        assert run(*next_.split()[1:]).code == run("status").code == 0
        mounted = (project / "docker-compose.yml").read_text()
        assert "./tls-clients/board:" in mounted
        assert (project / "tls-clients/board/client.pem").exists()
        assert run("disable").code == 0
        after = (project / "docker-compose.yml").read_text()
        assert after == original.replace("  attu:\n", "  board:\n")

    def test_a_copy_beside_it_is_not_its_new_name(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2", "--config", "env").code == 0
        path = project / "docker-compose.yml"
        text = path.read_text()
        own = text[text.index("  standalone:\n") :].partition("\nnetworks:")[0]
        path.write_text(text.replace(own, f"{own}\n{own.replace('standalone', 'second')}"))

        assert run("status").code == run("enable", "--service", "standalone").code == 0

    @pytest.mark.parametrize("command", [("check",), ("renew",), ("client", "bob"), ("connect",)])
    def test_every_other_command_says_that_it_is_gone(
        self, run: Run, project: Path, command: tuple[str, ...]
    ) -> None:
        assert run("enable").code == 0
        self.rename(project)
        error = run(*command, "--json").error
        assert error["code"] == "service-not-found"
        assert "enable turned on TLS for standalone" in error["message"]
        recording = error["hint"].rpartition(": ")[2]
        assert recording == run("status", "--json").json["next"]
        assert run(*recording.split()[1:]).code == 0
        if command[0] in {"client", "connect"}:
            assert run(*command).code == 0

    def test_where_the_edits_are_in_an_override_they_follow(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "2", "--style", "override").code == 0
        self.rename(project)
        told = run("status", "--json").json
        assert [one["service"] for one in told["declared"]] == ["vectordb", "standalone"]
        assert run(*told["next"].split()[1:], "--json").json["services"] == ["vectordb"]
        assert run("enable", "--json").json["services"] == ["vectordb"]
        assert "standalone" not in (project / "compose.override.yaml").read_text()


class TestSeveralReasons:
    """Who has to decide on several things hears of them at once, in text and in JSON."""

    CODES = ("health-check-breaks", "clients-cut-off", "further-ca")

    @pytest.fixture
    def torn(self, run: Run, project: Path) -> Path:
        """A project in which each of three refusals applies to mode 2."""
        assert run("enable").code == 0
        edit(
            project,
            '["CMD", "curl", "-f", "http://localhost:9091/healthz"]',
            '["CMD-SHELL", "curl -fs localhost:19530/v2/vectordb | grep -q code"]',
        )
        edit(
            project,
            "networks:\n",
            "  chat:\n    image: ghcr.io/open-webui/open-webui:v0.6\n    environment:\n"
            "      VECTOR_DB: milvus\n      MILVUS_URI: http://standalone:19530\nnetworks:\n",
        )
        with (project / "cert/ca.pem").open("ab") as file:
            file.write(mint("Stranger", ca=True).certificate_pem)
        return project

    def test_all_are_told_with_the_first(self, run: Run, torn: Path) -> None:
        before = facts(torn)

        refused = run("enable", "--mode", "2", "--json")

        assert refused.code == 3
        document = refused.json
        told = [document["error"], *document["warnings"]]
        assert set(self.CODES) <= {one["code"] for one in told}
        for one in told:
            if one["code"] in self.CODES:
                assert one["hint"].endswith(f"--accept {one['code']}")
        assert len({(one["code"], one["message"]) for one in told}) == len(told)
        assert facts(torn) == before
        text = run("enable", "--mode", "2").err
        assert all(f"--accept {code}" in text for code in self.CODES)

    @pytest.mark.parametrize("accepted", CODES)
    def test_to_accept_one_leaves_the_others(self, run: Run, torn: Path, accepted: str) -> None:
        before = facts(torn)

        refused = run("enable", "--mode", "2", "--accept", accepted, "--json")

        assert refused.code == 3
        told = [refused.error, *refused.json["warnings"]]
        hints = {one["code"]: one.get("hint") or "" for one in told}
        assert refused.error["code"] != accepted
        for code in self.CODES:
            assert (f"--accept {code}" in hints[code]) is (code != accepted)
        assert facts(torn) == before

    def test_to_accept_all_goes_on(self, run: Run, torn: Path) -> None:
        words = [word for code in self.CODES for word in ("--accept", code)]

        done = run("enable", "--mode", "2", *words, "--json")

        assert done.code == 0, done.err
        assert set(self.CODES) <= {one["code"] for one in done.json["warnings"]}

    def test_what_comes_after_it_is_told_with_it(self, run: Run, torn: Path) -> None:
        refused = run("enable", "--mode", "2", "--rest-port", "19530", "--json")

        told = [refused.error, *refused.json["warnings"]]
        assert refused.code == 3
        assert {"health-check-breaks", "conflicting-settings"} <= {one["code"] for one in told}


def test_a_directory_that_may_not_be_entered_is_named_with_what_helps(
    run: Run, ordinary: Path
) -> None:
    assert run("enable", "-C", ordinary).code == 0
    closed = ordinary / "cert"
    closed.chmod(0o600)
    for command in ("status", "enable", "disable"):
        error = run(command, "-C", ordinary, "--json").error
        assert (error["code"], error["path"]) == ("file-unreadable", "cert/state.json")
        assert error["hint"].startswith("give yourself access to cert (chmod u+x)")
    closed.chmod(0o700)
    assert run("disable", "--purge", "-C", ordinary).code == 0


@pytest.mark.parametrize("words", [("status",), ("enable",), ("status", "-C", "{}")])
def test_where_the_current_directory_is_gone_that_is_said(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    gone = project.parent / "gone"
    gone.mkdir()
    with monkeypatch.context() as patched:
        patched.chdir(gone)
        gone.rmdir()
        outcome = run(*(word.format(project) for word in words), "--json")
    assert (outcome.code, outcome.error["code"]) == (2, "wrong-usage")
    assert outcome.error["message"] == "the current directory has been removed"

"""What a newcomer meets: half a command, a name that is nearly right, the first switch to mode 2."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from compose_tls import ClientOf, ComposeTlsError, TlsMode, check, connect
from compose_tls.checks.check_target import Target
from compose_tls.checks.negative_probes import plain_text
from compose_tls.checks.wire import REST
from compose_tls.cli import app
from compose_tls.cli.topics import TOPICS
from tests.unit.cli.conftest import EnableAs, Run
from tests.unit.cli.terminal import on_terminal


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ("enable --modes 2", "there is no option --modes", "did you mean --mode? see"),
        ("disable --up", "there is no option --up", "see compose-tls disable --help"),
        ("enable --mode", "option '--mode' requires an argument", "see compose-tls enable --help"),
        ("completion", "an argument is missing: one of bash, zsh, fish", "completion bash"),
        ("export", "an argument is missing: one of helm, operator", "compose-tls export helm"),
        ("help mode", "there is no command or topic mode", "did you mean compose-tls help modes?"),
        (
            "help enalbe",
            "there is no command or topic enalbe",
            "did you mean compose-tls help enable?",
        ),
        ("enable -mode 2", "there is no option -mode", "did you mean --mode? see compose-tls"),
        (
            "status -verbose",
            "there is no option -verbose",
            "did you mean --verbose? see compose-tls",
        ),
        ("enable -mod=2", "there is no option -m", "see compose-tls enable --help"),
        ("help Exit-Codes", "no command or topic", "did you mean compose-tls help exit-codes?"),
        (
            "help nonsense",
            "no command or topic nonsense",
            "topics: modes, files, settings, exit-codes",
        ),
        ("--mode 2 enable", "--mode is an option of enable", "compose-tls enable --mode …"),
        ("--moed 2 enable", "there is no option --moed", "compose-tls enable --help"),
        ("enable --project-directory no", "there is no directory /", "--project-directory"),
        (
            "-C milvus.yaml status",
            "milvus.yaml is a file, not a directory",
            "with -f, its directory",
        ),
        ("completion tcsh", "SHELL must be 'bash', 'zsh' or 'fish'", "compose-tls completion"),
        ("start", "there is no command start", "see compose-tls --help"),
        ("version", "there is no command version", "compose-tls --version"),
        ("enalbe", "there is no command enalbe", "did you mean compose-tls enable?"),
        ("enable 2", "unexpected argument: 2", "see compose-tls enable --help"),
        ("enable mode 2", "unexpected argument: mode 2", "did you mean --mode 2? see compose-tls"),
        ("enable --mode 0", "--mode must be 1 or 2; you gave 0", "compose-tls disable"),
        ("enable --mode mutual", "--mode must be 1 or 2; you gave mutual", "2 is mutual TLS"),
        ("enable --scope al", "--scope must be 'proxy', 'internal' or 'all'", "--scope all?"),
        ("enable --days 0", "--days must be 1 or more; you gave 0", "correct --days"),
        ("enable --days 90d", "--days must be a whole number; you gave 90d", "enable --help"),
        ("enable --timeout 1m", "--timeout must be a number; you gave 1m", "enable --help"),
        ("enable --ca-key x", "--ca-key needs --ca-cert", "compose-tls enable --help"),
        ("enable --tls-dir cert", "--pki-dir must not be --tls-dir", "directory for one of them"),
        ("enable --subject me", "'me' is not TYPE=value", "without CN"),
        ("enable --subject CN=me", "has a CN", "leave CN out, as in O=Example,C=DE"),
        ("check --host db:1234", "db:1234 is more than a host name", "--host db --port 1234"),
        ("check --host https://db/x", "https://db/x is more than a host name", "--host db"),
        ("check --port 0", "--port must be 1 or more; you gave 0", "check --help"),
        ("check --port 65536", "--port must be 65535 or less; you gave 65536", "check --help"),
        ("check --watch --interval 0", "--interval must be more than 0; you gave 0", "--help"),
        (
            "check --mode 3",
            "--mode must be 1 or 2; you gave 3",
            "compose-tls help modes",
        ),
        ("export helmm", "you gave helmm", "did you mean compose-tls export helm?"),
        ("connect --lang pyton", "you gave pyton", "did you mean --lang python?"),
        ("renew --within 30", "--within: '30' is not a valid duration; use 2w", "renew --help"),
        ("enable --timeout 0", "must be more than 0; you gave 0", "timeout"),
        (
            "enable --ca-cert x",
            "--ca-cert needs --ca-key",
            "add --ca-key, or --server-cert, or leave",
        ),
        ("enable --client-key x", "go together", "give both, or neither"),
        (
            "enable --pki-dir tls",
            "--pki-dir must not be --tls-dir",
            "choose another directory for one of them",
        ),
        (
            "init x --days 0",
            "--days must be 1 or more",
            "correct --days; see compose-tls init --help",
        ),
        ("init x --ca-cert x", "--ca-cert needs --ca-key", "see compose-tls init --help"),
        ("export helm --days 0", "--days must be", "see compose-tls export --help"),
        ("client bob --days 0", "--days must be", "see compose-tls client --help"),
        ("renew --days 0", "--days must be", "see compose-tls renew --help"),
        ("-C . check --timeout 0", "--timeout must be", "see compose-tls check --help"),
        (
            "enable --accept client-cut-off",
            "is not a code",
            "did you mean --accept clients-cut-off",
        ),
        ("check --user root", "--user root is given without a password", "--password-file FILE"),
        ("enable --user root", "--user root is given without a password", "--password-file FILE"),
        ("client", "the name of the client is missing", "compose-tls client alice"),
    ],
)
def test_half_a_command_is_told_how_to_go_on(
    run: Run, project: Path, arguments: str, message: str, hint: str
) -> None:
    found = run(*arguments.split())

    assert found.code == (4 if "--subject" in arguments else 2)
    told, _, following = found.err.partition("\n  next: ")
    assert message in told
    assert hint in following
    assert "\t" not in found.err


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            'mode = "2"',
            'mode in compose-tls.toml must be 1 or 2; you gave "2", with quotes',
            "mode",
        ),
        ('san = "a"', "san in compose-tls.toml must be a list", 'write san = ["…", "…"]; see'),
    ],
)
def test_a_line_of_the_settings_is_told_how_it_is_written(
    run: Run, project: Path, text: str, message: str, hint: str
) -> None:
    (project / "compose-tls.toml").write_text(text)

    told, _, following = run("status").err.partition("\n  next: ")
    assert message in told
    assert hint in following


@pytest.mark.parametrize("command", ["check", "renew", "connect", "client alice", "export helm"])
def test_who_has_not_enabled_yet_is_told_a_command_that_works(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    files = tmp_path / "compose.yaml"
    milvus = "image: milvusdb/milvus:v2.5.4"
    files.write_text(f"services: {{a: {{{milvus}}}, b: {{{milvus}}}}}")

    told = run(*command.split()).err
    following = re.search(r"next: compose-tls (enable [^;]+);", told)
    assert following, told
    assert run(*following[1].split(), "--dry-run").code == 0

    files.write_text(f"services: {{a: {{{milvus}}}, b: {{{milvus}, command: [sleep, '9']}}}}")
    assert "next: compose-tls enable --mode 1;" in run(*command.split()).err
    assert run("status").out.endswith("next: compose-tls enable --mode 1\n")

    files.write_text("services: {web: {image: nginx}}")
    assert "next: no service of this project runs Milvus; for another" in run(*command.split()).err


def test_what_lies_in_the_way_may_be_of_another_pki_directory(run: Run, project: Path) -> None:
    run("enable", "--pki-dir", "../elsewhere")

    told = run("enable")
    assert "tls/ca.pem already exists, and no cert/state.json lists it" in told.err
    assert "if compose-tls created it, give the --pki-dir of that time" in told.err


def test_a_service_that_is_not_there_is_told_which_one_runs_milvus(run: Run, project: Path) -> None:
    found = run("enable", "--service", "milvus")

    assert "--service standalone runs Milvus; the services are etcd, minio, " in found.err


def test_a_name_is_told_what_is_wrong_with_it(run: Run, project: Path) -> None:
    assert "a!b is not a DNS name: a!b contains '!'\n" in run("enable", "--san", "a!b").err
    assert "x-.y is not a DNS name: x- begins or ends" in run("enable", "--san", "x-.y").err


def test_an_error_names_a_file_once(run: Run, project: Path, tmp_path: Path) -> None:
    run("enable", "-q")

    for arguments in (
        ("connect", "--client", "nobody"),
        ("-f", "nowhere.yml", "status"),
        ("-C", "nowhere", "status"),
        ("init",),
    ):
        told = run(*arguments).err
        assert told.count("\n") == 2, told  # what is wrong, and the next step


def test_a_ca_that_is_not_there_is_asked_for(run: Run, project: Path) -> None:
    found = run("check", "--host", "localhost", "--port", "1", "--ca-cert", "no.pem")

    assert found.code == 4
    assert "with --ca-cert" in found.err


def test_who_switches_to_mode_2_is_told_that_clients_need_a_certificate(
    run: Run, project: Path
) -> None:
    told = "every client needs a certificate now: compose-tls client NAME"
    assert told not in run("enable", "--mode", "1").out
    assert told in run("enable", "--mode", "2", "--dry-run").out
    assert told in run("enable", "--mode", "2").out
    assert told not in run("enable", "--san", "db.test").out


@pytest.mark.parametrize("command", ["enable --mode 2", "disable", "renew --force", "client bob"])
def test_a_dry_run_says_how_to_do_it(run: Run, project: Path, command: str) -> None:
    if not command.startswith("enable"):
        run("enable", "-q")

    found = run(*command.split(), "--dry-run")
    document = run(*command.split(), "--dry-run", "--json").json

    assert found.out.endswith(f"next: compose-tls {command}\n")
    assert document["next"] == [f"compose-tls {command} --json"]


def test_what_is_done_already_has_no_next_step_in_a_dry_run(run: Run, project: Path) -> None:
    run("enable", "-q")

    found = run("enable", "--dry-run")

    assert found.out == "nothing to change in the files: one-way TLS (mode 1), service standalone\n"


def test_a_dry_run_with_nothing_to_do_knows_no_days(run: Run, enable_as: EnableAs) -> None:
    enable_as("--mode", "1")

    found = run("renew", "--dry-run")

    assert found.out == "nothing to do: no certificate is due; --force renews\n"


def test_a_variable_is_explained_by_a_page_that_has_its_option(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPOSE_TLS_DAYS", "0")

    assert "correct COMPOSE_TLS_DAYS; see compose-tls enable --help" in run("status").err


def test_the_second_disable_says_that_nothing_is_left_to_undo(run: Run, project: Path) -> None:
    run("enable", "-q")
    run("disable", "-q")

    again = run("disable", "--json").error
    run("disable", "--purge", "-q")
    at_last = run("disable", "--json").error

    assert again["hint"].startswith("to remove the certificates that are left: compose-tls disable")
    assert at_last["hint"].startswith("there is nothing to undo; for another project")
    assert "--purge" not in at_last["hint"]


def test_a_project_without_milvus_is_told_what_to_name(run: Run, project: Path) -> None:
    (project / "docker-compose.yml").write_text("services:\n  web:\n    image: nginx\n")

    assert "\nnext: name the service with --service" in run("status").out


def test_output_that_cannot_be_written_is_no_bug(project: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "compose_tls", "help", "modes"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 3
    assert done.stderr.startswith(
        "error[write-failed]: the output cannot be written: No space left"
    )
    assert done.stderr.count("\n") == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda place: connect(place, lang="ruby"), "there is no language ruby"),
        (lambda place: check(place, port=0, wait=False), "there is no port 0"),
        (lambda place: check(place, rest_port=65536), "there is no port 65536"),
        (
            lambda place: check(
                place, port=1, client=ClientOf(Path("no.pem"), mode=TlsMode.ONE_WAY)
            ),
            "no.pem cannot be used",
        ),
    ],
)
def test_a_program_is_told_in_the_same_words(
    run: Run, project: Path, call: Callable[[Path], object], message: str
) -> None:
    run("enable", "-q")

    with pytest.raises(ComposeTlsError, match=re.escape(message)) as told:
        call(project)

    assert told.value.hint


@pytest.mark.parametrize("command", ["enable", "check", "renew", "init", "client", "status"])
def test_help_has_no_notation_of_a_library(run: Run, command: str) -> None:
    shown = run(command, "--help").out

    assert not re.search(r"<=|x>|RANGE|INTEGER|FLOAT|\[default", shown)


def test_keys_that_are_removed_with_the_rest_are_told(run: Run, project: Path) -> None:
    run("enable", "-q")

    assert "  removed  cert/, tls/ (certificates and private keys)" in run("disable", "--purge").out


def test_a_project_that_lies_above_is_named(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    told = f"the project is in {project}\n"

    assert run("enable").err.startswith(told)
    assert told not in run("enable", "-q").err
    assert run("status", "--json").err == ""
    monkeypatch.chdir(project)
    assert told not in run("status").err


def test_what_is_printed_next_knows_a_directory_outside_of_the_project(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = project.parent / "outside"

    found = run("enable", "--tls-dir", str(place))

    assert f" && COMPOSE_TLS_TLS_DIR={place} compose-tls check\n" in found.out
    monkeypatch.setenv("COMPOSE_TLS_TLS_DIR", str(place))
    purged = run("disable", "--purge").out
    assert f"  removed  cert/, {place}/ (certificates and private keys)\n" in purged
    assert f"  keys   cert/, {place}/ (" in run("init", "new", "--tls-dir", str(place)).out


@pytest.mark.parametrize("command", ["enable --tls-dir", "enable --pki-dir", "client bob --out"])
def test_a_place_elsewhere_whose_directory_is_missing_is_told_how_to_make_it(
    run: Run, project: Path, command: str
) -> None:
    place = project.parent / "one" / "two" / "three"
    if command.startswith("client"):
        assert run("enable", "-q").code == 0

    refused = run(*command.split(), str(place), "--json").error

    assert refused["message"].startswith(f"there is no directory {place.parent} yet")
    assert refused["hint"].endswith(f": mkdir -p {place.parent}")
    place.parent.mkdir(parents=True)
    assert run(*command.split(), str(place)).code == 0


def test_who_may_decide_otherwise_is_told_the_whole_command(run: Run, project: Path) -> None:
    file = project / "docker-compose.yml"
    app = "services:\n  app: {image: app, environment: {MILVUS_HOST: standalone}}\n"
    file.write_text(file.read_text().replace("services:\n", app))

    refused = run("-C", "../project", "enable", "--mode", "2")

    whole = "compose-tls enable --mode 2 --accept clients-cut-off"
    assert refused.err.endswith(f"; or continue anyway: {whole}\n")
    assert run(*whole.split()[1:]).code == 0


def test_who_has_no_project_yet_is_told_how_to_make_one(
    run: Run, project: Path, tmp_path: Path
) -> None:
    assert "compose-tls init DIR creates a new project" in run("-C", str(tmp_path), "enable").err


def test_a_new_project_is_told_in_a_few_lines(run: Run, tmp_path: Path) -> None:
    new = tmp_path / "new"

    found = run("init", str(new))

    assert "  files  .env, .gitignore, docker-compose.yml\n" in found.out
    assert "  keys   cert/, tls/ (private: keep them safe)\n" in found.out
    assert "created" not in found.out


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_has_help(run: Run, topic: str) -> None:
    found = run("help", topic)

    assert found.code == 0
    assert max(map(len, found.out.splitlines())) <= 80, "a terminal of 80 columns breaks a word"


def test_a_topic_is_broken_between_words_on_a_narrow_terminal() -> None:
    for topic, text in TOPICS.items():
        seen = on_terminal("help", topic, columns=60, NO_COLOR="1")

        too_long = [one for one in seen.splitlines() if len(one) > 60]
        assert all(one.startswith("  https://") for one in too_long), topic
        assert seen.split() == text.split()
        assert seen.partition("  Examples:")[2].strip() == text.partition("  Examples:")[2].strip()
    seen = on_terminal("help", "modes", columns=60, NO_COLOR="1")
    assert "connection is\n     encrypted, and clients verify the server with\n     cert/" in seen


@pytest.mark.parametrize("taken", ["", "services:\n  app: {image: app}\n"])
def test_a_file_of_milvus_that_compose_does_not_read_is_named(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, taken: str
) -> None:
    milvus = (project / "docker-compose.yml").rename(project / "docker-compose-milvus.yml")
    (project / "a.yml").write_text("services:\n  ui: {image: zilliz/attu:v2.6}\n")
    if taken:
        (project / "docker-compose.yml").write_text(taken)
    monkeypatch.chdir(project.parent)

    found = run("-C", project.name, "enable", "--mode", "2")

    command = f"compose-tls -C {project.name} enable --mode 2 -f docker-compose-milvus.yml"
    assert f"next: docker-compose-milvus.yml has an image of Milvus: {command}\n" in found.err
    assert run(*command.split()[1:], "--dry-run").code == 0
    if taken:
        other = run("-C", project.name, "enable", "-f", "docker-compose.yml")
        assert ": give -f docker-compose-milvus.yml instead\n" in other.err
    milvus.unlink()
    assert "has an image of Milvus" not in run("-C", project.name, "enable").err


def test_who_types_a_topic_as_a_command_is_led_to_it(run: Run, project: Path) -> None:
    assert "next: see compose-tls help undo\n" in run("undo").err


_EXAMPLE = re.compile(r"^ +(?:\w+=\S+ )?(compose-tls .+?)(?=  |$| [|>] )", re.MULTILINE)


@pytest.mark.parametrize("page", [*app._COMMANDS, *TOPICS])
def test_each_example_of_a_page_runs_as_printed(
    run: Run, enable_as: EnableAs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    project = enable_as("--mode", "2")
    (project / "team.txt").write_text("bob\n")
    (project / "ca.pem").symlink_to("cert/ca.pem")
    if page != "renew":
        assert run("client", "alice", "-q").code == 0
    # Without an engine and a server, what has to ask one gets that far.
    asks = {"--up": 5, "check": 6}
    for at, example in enumerate(
        _EXAMPLE.findall(run("help", page).out.partition("  Examples:")[2])
    ):
        words = [shlex.split(word)[0] for word in example.split()[1:]]
        if "init" in words:
            (tmp_path / str(at)).mkdir()
            monkeypatch.chdir(tmp_path / str(at))

        found = run(*words, *(["--no-restart"] if page == "renew" else []))

        expected = next((code for word, code in asks.items() if word in words), 0)
        assert found.code == expected, (example, found.err)


def test_examples_of_the_first_page_are_not_broken(project: Path) -> None:
    assert "\n    compose-tls enable --mode 1 --dry-run\n" in on_terminal("--help", columns=50)


class TestCheckOnATerminal:
    def test_one_failure_is_told_once(self, run: Run, project: Path) -> None:
        run("enable", "-q")

        seen = on_terminal("check", "--port", "1")

        assert seen.count("nothing listens there") == 1
        assert "error[check-failed]" in seen
        assert "expected: a verified TLS handshake" in on_terminal("check", "-v", "--port", "1")

    def test_probes_of_rest_do_not_read_like_those_of_grpc(self) -> None:
        target = Target("localhost", 1, "localhost", TlsMode.ONE_WAY, Path("ca.pem"), protocol=REST)
        assert plain_text(target, 1).expected == "plain text is refused by REST on port 1"

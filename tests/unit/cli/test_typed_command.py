from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from compose_tls.cli.output import live, show
from compose_tls.cli.typed_command import completed
from compose_tls.errors import DeployedDifferently
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import enable as workflow
from tests.unit.cli.conftest import Run

HINT = "it was created with more options: compose-tls -f a.yaml -f 'b c.yaml' enable …"


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        ("enable --up", "enable --up"),
        ("-f a.yaml -p x renew --ca", "renew --ca"),
        ("enable --mode 2 --file=a.yaml -fb.yaml -C .. --up", "enable --mode 2 --up"),
        ("enable --project-directory . --env-file .e --profile=p --accept x", "enable --accept x"),
    ],
)
def test_the_rest_of_the_command_is_what_was_typed(arguments: str, rest: str) -> None:
    assert completed(HINT, arguments.split()) == HINT.replace("enable …", rest)


def test_it_is_quoted_as_a_shell_needs_it() -> None:
    assert completed(HINT, ["enable", "--san", "a b"]).endswith("yaml' enable --san 'a b'")
    assert completed("docker compose up -d", ["enable"]) == "docker compose up -d"


def test_an_error_tells_the_whole_command(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise DeployedDifferently("created from elsewhere", hint=HINT)

    monkeypatch.setattr(workflow, "enable", refuse)

    whole = HINT.replace("…", "--mode 2 --up")
    assert whole in run("enable", "--mode", "2", "--up", "-f", "a.yaml").err
    document = run("enable", "--mode", "2", "--up", "--json")
    assert document.error["hint"] == f"{whole} --json"


def test_what_a_terminal_shows_before_the_start_does_too(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warning = TlsWarning("another-project", "is not changed", hint=HINT)
    result = workflow.enable(project, {"mode": 2}).model_copy(update={"warnings": (warning,)})
    monkeypatch.setattr(show, "is_terminal", lambda _: True)
    monkeypatch.setattr(live, "is_terminal", lambda _: True)
    with click.Context(click.Command("compose-tls"), obj=["enable", "--mode", "2", "--up"]):
        listener = show.Output(json=False, quiet=False, verbose=False).on_event
        assert isinstance(listener, live.Live)
        listener.written(result)
        listener.close()
    assert HINT.replace("…", "--mode 2 --up") in " ".join(capsys.readouterr().err.split())


def test_a_warning_does_too(run: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = workflow.enable

    def warn(*given: Any, **named: Any) -> Any:
        warning = TlsWarning("another-project", "is not changed", hint=HINT)
        return real(*given, **named).model_copy(update={"warnings": (warning,)})

    monkeypatch.setattr(workflow, "enable", warn)

    assert HINT.replace("…", "--mode 2") in run("enable", "--mode", "2").err
    (told,) = run("enable", "--mode", "2", "--json").json["warnings"]
    assert told["hint"] == HINT.replace("…", "--mode 2 --json")


@pytest.fixture
def two(project: Path) -> Path:
    """A project with two Milvus."""
    services = "".join(
        f"  {name}: {{image: 'milvusdb/milvus:v2.5.5', ports: ['{port}:19530']}}\n"
        for name, port in (("one", 19530), ("two", 19531))
    )
    (project / "docker-compose.yml").write_text(f"services:\n{services}")
    return project


def test_a_choice_can_be_typed_as_it_is_printed(
    run: Run, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    refused = run("enable", "-C", two, "--san", "db.test", "--json").error
    _, command = refused["hint"].split("compose-tls ", 1)

    assert refused["code"] == "service-ambiguous"
    assert command.endswith("--service one")
    assert run(*command.split()).json["services"] == ["one"]


def test_each_of_several_servers_has_its_address_and_its_clients_are_told_the_right_one(
    run: Run, two: Path
) -> None:
    path = two / "docker-compose.yml"
    path.write_text(
        path.read_text() + "  app: {image: app, environment: {DB: 'http://two:19530'}}\n"
    )
    assert run("enable", "--service", "one", "--service", "two").code == 0

    both = "https://localhost:19530 (one), https://localhost:19531 (two), verified as localhost"
    assert both in run("status").out
    assert "MILVUS_URI=https://two:19530\n" in run("connect", "--for", "app", "--lang", "env").out
    assert run("connect", "--for", "app", "--json").json["warnings"] == []
    first = run("connect", "--json").json
    [warning] = first["warnings"]
    assert (warning["code"], first["connect"]["uri"]) == (
        "one-of-several",
        "https://localhost:19530",
    )
    second = run(*warning["hint"].partition("compose-tls ")[2].split(), "--json").json
    assert (second["warnings"], second["connect"]["uri"]) == ([], "https://localhost:19531")


def test_the_way_to_keep_rest_can_be_typed_as_it_is_printed(run: Run, two: Path) -> None:
    shown = run("enable", "--dry-run", "--service", "one", "--san", "db.test")
    (hint,) = [one for one in shown.err.splitlines() if one.endswith("--rest-port 8080")]
    command = hint.partition("compose-tls ")[2].replace(" --dry-run", "")

    assert run(*command.split()).code == 0
    assert "db.test" in run("enable", "-v").out
    assert run("connect", "--service", "one", "--lang", "curl").out.count(":8080/") > 0

"""What belongs to a project, or seems to, and is not read is told (T2, T6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.compose_output import compose_failure
from tests.unit.cli.conftest import Run
from tests.unit.cli.projects import BARE, only

PLACES = ["oci://docker.io/acme/rag:1", "https://github.com/acme/rag.git", "git@host:rag.git"]
PLACES.append("github.com/acme/rag")
SWITCHES = ("COMPOSE_EXPERIMENTAL_GIT_REMOTE", "COMPOSE_EXPERIMENTAL_OCI_REMOTE")


@pytest.fixture
def plain(project: Path) -> Path:
    return only(project, BARE)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["- {}", "- path: {}", "- path: [{}]"])
def test_what_is_included_from_elsewhere_is_told(
    plain: Path, run: Run, place: str, form: str
) -> None:
    included = f"include:\n  {form.format(place)}\n"
    (plain / "docker-compose.yml").write_text(included + BARE, encoding="utf-8")

    for command in ("enable", "status"):
        found = [one for one in run(command, "--json").json["warnings"] if one["line"] == 2]
        assert [one["code"] for one in found] == ["not-fetched"]
        assert place in found[0]["message"]


def test_a_service_that_is_extended_from_elsewhere_is_told(plain: Path, run: Run) -> None:
    extended = f"  app:\n    extends: {{file: '{PLACES[0]}', service: app}}\n"
    (plain / "docker-compose.yml").write_text(BARE + extended, encoding="utf-8")

    codes = [one["code"] for one in run("enable", "--dry-run", "--json").json["warnings"]]
    assert "not-fetched" in codes


def test_a_milvus_that_may_lie_elsewhere_is_not_said_to_be_missing(plain: Path, run: Run) -> None:
    file = plain / "docker-compose.yml"
    file.write_text(f"include: ['{PLACES[0]}']\nservices: {{a: {{image: a}}}}\n", encoding="utf-8")

    error = run("enable", "--json").error
    assert error["code"] == "service-not-found"
    assert f"{PLACES[0]} is not fetched" in error["message"]
    assert "get a copy" in run("status", "--json").json["next"]
    file.write_text(f"include: ['{PLACES[0]}']\n", encoding="utf-8")
    assert PLACES[0] in run("enable", "--json").error["message"]
    assert "is not fetched" in run("enable", "--json", "-f", PLACES[0]).error["message"]


def test_who_may_fetch_it_is_not_told(plain: Path, run: Run) -> None:
    included = "include: ['https://me:geheim@host/rag.git']\n"
    (plain / "docker-compose.yml").write_text(included + BARE, encoding="utf-8")

    found = run("status")
    assert "https://host/rag.git is not fetched" in found.err
    assert "geheim" not in found.out + found.err


def test_compose_fetches_nothing_unless_the_users_environment_says_so() -> None:
    given = ComposeInvocation(Path("/p"), environment={SWITCHES[0]: "true"}).readable()

    assert [given[name] for name in SWITCHES] == ["true", "false"]
    assert [ComposeInvocation(Path("/p")).readable()[name] for name in SWITCHES] == ["false"] * 2


@pytest.mark.parametrize("name", SWITCHES)
def test_how_to_have_it_fetched_is_told(name: str) -> None:
    error = compose_failure("config", f'OCI remote resource is disabled by "{name}"\n', {})

    assert f"{name}=true" in error.hint


@pytest.mark.parametrize("command", ["enable", "status", "disable"])
@pytest.mark.parametrize("missing", [True, False])
def test_a_compose_file_that_is_not_read_is_told(
    plain: Path, run: Run, command: str, missing: bool
) -> None:
    text = "services: {app: {image: nginx}}\n" if missing else BARE
    (plain / "compose.yaml").write_text(text, encoding="utf-8")
    if not missing:
        run("enable", "-q")

    found = run(command)

    assert found.err.count("docker-compose.yml is not read: docker compose takes compose.yaml") == 1
    assert "is not read:" not in run(command, "-f", "docker-compose.yml").err


def test_an_override_file_that_is_not_read_is_told(plain: Path, run: Run) -> None:
    for name in ("compose.override.yaml", "docker-compose.override.yml"):
        (plain / name).write_text("services: {standalone: {}}\n", encoding="utf-8")

    found = run("status", "--json").json["warnings"]

    assert [one["path"] for one in found if one["code"] == "compose-file-not-read"] == [
        "docker-compose.override.yml"
    ]


def test_a_file_that_is_not_read_any_more_is_said_to_lose_tls(plain: Path, run: Run) -> None:
    """As when someone copies it to compose.yaml: TLS stands in the copy then."""
    run("enable", "--mode", "2")
    enabled = (plain / "docker-compose.yml").read_text(encoding="utf-8")
    (plain / "compose.yaml").write_text(enabled, encoding="utf-8")

    warnings = run("enable", "--json").json["warnings"]

    assert (plain / "docker-compose.yml").read_text(encoding="utf-8") == BARE
    [left] = [one for one in warnings if one["code"] == "file-left-out"]
    assert left["path"] == "docker-compose.yml"
    assert "-f docker-compose.yml" in left["hint"]
    again = run("enable", "--json").json["warnings"]
    assert "file-left-out" not in [one["code"] for one in again]

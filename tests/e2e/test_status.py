"""status beside a real engine: what is deployed is said as it is, and the command that it names helps."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.image_names import MILVUS
from tests.e2e.session import FIXTURES, NO_ENGINE, Done, Project, run
from tests.patience import LONG

pytestmark = pytest.mark.own_ports

SERVICE = "standalone"


@pytest.fixture
def project(images: None, tmp_path: Path) -> Iterator[Project]:
    """A Milvus image that sleeps: what status says comes from looking at its container alone."""
    name = f"compose-tls-status-{uuid.uuid4().hex[:8]}"
    (tmp_path / "docker-compose.yml").write_text(
        f"""\
name: {name}
services:
  {SERVICE}:
    image: {MILVUS}
    command: ["sh", "-c", "sleep 1000 # milvus run standalone"]
    stop_grace_period: 1s
    environment:
      ETCD_USE_EMBED: "true"
    ports:
      - "127.0.0.1::19530"
"""
    )
    yield Project(tmp_path)
    for made in (name, f"{name}-other"):
        down = ["docker", "compose", "-p", made, "down", "--volumes", "--timeout", "1"]
        subprocess.run(down, cwd=tmp_path, capture_output=True, check=False)


def look(project: Project, code: int) -> tuple[Any, dict[str, Any]]:
    done = project.compose_tls("status", "--json")
    assert done.code == code, done.out + done.err
    document = done.document
    [deployed] = document["deployed"]
    return document, deployed


def follow(project: Project, command: str) -> Done:
    """Run a printed command as it stands; ``compose-tls`` is the one of these tests."""
    return run(["sh", "-ec", command], project.directory)


def up(project: Project, *options: str) -> None:
    assert project.compose(*options, "up", "-d").code == 0


def test_what_was_never_started_and_what_has_stopped_does_not_run(project: Project) -> None:
    assert project.compose_tls("enable", "--mode", "2").code == 0

    document, deployed = look(project, 7)

    assert (deployed["state"], deployed["reasons"]) == ("absent", ["it has no container"])
    assert (document["mode"], document["next"]) == (2, "docker compose up -d")
    assert "not running" in project.compose_tls("status").out
    assert follow(project, document["next"]).code == 0
    assert look(project, 0)[1]["state"] == "current"
    assert project.compose("stop").code == 0
    document, deployed = look(project, 7)
    assert deployed["state"] == "absent"
    assert "has stopped (exit code" in deployed["reasons"][0]
    assert follow(project, document["next"]).code == 0
    assert look(project, 0)[1]["state"] == "current"
    assert project.compose("pause").code == 0
    document, deployed = look(project, 7)
    [reason] = deployed["reasons"]
    assert reason.endswith(" is paused")
    assert follow(project, document["next"]).code == 0
    assert look(project, 0)[1]["state"] == "current"


def test_after_renew_the_named_command_reads_the_files(project: Project) -> None:
    assert project.compose_tls("enable").code == 0
    for word in ("up", "restart"):
        renewed = project.compose_tls("renew", "--force", "--no-restart", "--json")
        command = renewed.document["next"][0]
        assert word in command
        assert follow(project, command).code == 0
        assert look(project, 0)[1]["state"] == "current"


def test_what_runs_under_another_name_is_named_in_the_next_step(project: Project) -> None:
    path = project.directory / "docker-compose.yml"
    name = project.compose("config", "--format", "json").document["name"]
    path.write_text(path.read_text() + f"    container_name: {name}-milvus\n")
    up(project, "-p", f"{name}-other")

    for command in ("enable", "disable"):
        done = project.compose_tls(command, "--json")
        assert "deployed-differently" in {one["code"] for one in done.document["warnings"]}
        assert done.document["next"][0] == f"docker compose -p {name}-other up -d"
        assert follow(project, done.document["next"][0]).code == 0
        code = 0 if command == "enable" else 7
        assert project.compose_tls("status", "-p", f"{name}-other").code == code

    assert project.compose_tls("enable").code == 0
    error = project.compose_tls("renew", "--force", "--json").document["error"]
    assert error["code"] == "not-deployed"
    assert error["hint"].startswith(f"name that project: -p {name}-other ")


def test_a_project_behind_a_link_has_the_name_of_the_link(project: Project) -> None:
    path = project.directory / "docker-compose.yml"
    name = project.compose("config", "--format", "json").document["name"]
    (project.directory / "real").mkdir()
    text = path.read_text().partition("\n")[2]
    (project.directory / "real" / path.name).write_text(text)
    (project.directory / name).symlink_to("real")
    linked = Project(project.directory / name)
    assert follow(linked, f"cd {linked.directory} && docker compose up -d").code == 0

    status = follow(project, f"cd {name} && {sys.executable} -m compose_tls status --json")

    [deployed] = status.document["deployed"]
    assert deployed["state"] == "current"
    shown = project.compose_tls("-C", name, "enable", "--json").document["next"]
    assert shown == [
        f"docker compose --project-directory {name} up -d",
        f"compose-tls check -C {name}",
    ]


def test_files_of_mode_2_beside_a_server_of_mode_1(project: Project) -> None:
    assert project.compose_tls("enable").code == 0
    up(project)
    assert look(project, 0)[1]["state"] == "current"
    assert project.compose_tls("enable", "--mode", "2").code == 0

    document, deployed = look(project, 7)

    assert deployed["state"] == "stale"
    assert (
        'environment COMMON_SECURITY_TLSMODE: "1" in the container, "2" in the files'
        in (deployed["reasons"])
    )
    assert document["next"] == f"docker compose up -d --no-deps --force-recreate {SERVICE}"
    assert follow(project, document["next"]).code == 0
    assert look(project, 0)[1]["state"] == "current"


@pytest.mark.parametrize("name", ["milvus.yaml", "tls/ca.pem"])
def test_a_mounted_file_that_was_changed_after_the_start(project: Project, name: str) -> None:
    shutil.copy(FIXTURES / "milvus.yaml", project.directory)
    assert project.compose_tls("enable", "--mode", "2").code == 0
    up(project)
    assert look(project, 0)[1]["state"] == "current"
    path = project.directory / name
    path.write_bytes(path.read_bytes())

    document, deployed = look(project, 7)

    assert deployed["state"] == "stale"
    assert deployed["reasons"][0].startswith(f"{name} was changed at ")
    assert project.compose("up", "-d").code == 0
    assert look(project, 7)[1]["state"] == "stale"
    assert follow(project, document["next"]).code == 0
    assert look(project, 0)[1]["state"] == "current"


def test_one_that_runs_under_another_name_is_found_by_the_command_that_is_named(
    project: Project,
) -> None:
    assert project.compose_tls("enable").code == 0
    name = project.compose("config", "--format", "json").document["name"]
    up(project, "-p", f"{name}-other")

    document, deployed = look(project, 7)

    assert deployed["state"] == "foreign"
    assert document["next"] == f"compose-tls status -p {name}-other"
    assert project.compose_tls("status", "-p", f"{name}-other").code == 0


def test_one_that_was_started_with_further_files_and_one_that_has_one_less(
    project: Project,
) -> None:
    assert project.compose_tls("enable").code == 0
    text = f"services: {{{SERVICE}: {{environment: {{COMMON_SECURITY_TLSMODE: '0'}}}}}}\n"
    (project.directory / "prod.yml").write_text(text)
    up(project, "-f", "docker-compose.yml", "-f", "prod.yml")

    document, deployed = look(project, 7)

    assert deployed["state"] == "foreign"
    assert document["next"] == "compose-tls status -f docker-compose.yml -f prod.yml"
    there = project.compose_tls("status", "-f", "docker-compose.yml", "-f", "prod.yml", "--json")
    assert (there.code, there.document.get("mode")) == (7, None)
    assert there.document["deployed"][0]["state"] == "current"
    (project.directory / "prod.yml").unlink()
    document, deployed = look(project, 7)
    assert deployed["state"] == "stale"
    assert follow(project, document["next"]).code == 0
    assert look(project, 0)[1]["state"] == "current"


def test_an_override_file_that_is_newer_than_the_server(project: Project) -> None:
    assert project.compose_tls("enable").code == 0
    up(project)
    path = project.directory / "docker-compose.override.yml"
    path.write_text(f"services: {{{SERVICE}: {{environment: {{OTHER: '1'}}}}}}\n")

    document, deployed = look(project, 7)

    assert deployed["state"] == "stale"
    assert follow(project, document["next"]).code == 0
    assert look(project, 0)[1]["state"] == "current"


def test_an_unhealthy_server_is_told_with_what_its_health_check_says(project: Project) -> None:
    assert project.compose_tls("enable").code == 0
    path = project.directory / "docker-compose.override.yml"
    path.write_text(
        f"""\
services:
  {SERVICE}:
    healthcheck: {{test: echo first; echo 404; exit 1, interval: 300ms, retries: 1}}
"""
    )
    up(project)

    deployed = wait_for(project, lambda found: found.get("health") == "unhealthy")

    assert (deployed["state"], deployed["reasons"]) == ("current", ["unhealthy: 404"])
    assert "runs these files, unhealthy: unhealthy: 404\n" in project.compose_tls("status").out


def wait_for(project: Project, ready: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + LONG
    while not ready(found := look(project, 0)[1]):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return found


def test_without_an_engine_or_compose_it_says_that_it_did_not_look(
    project: Project, tmp_path: Path
) -> None:
    assert project.compose_tls("enable", "--mode", "2").code == 0
    for environment in (NO_ENGINE, {"PATH": str(tmp_path)}):
        done = project.compose_tls("status", "--json", environment=environment)
        assert (done.code, done.document["mode"]) == (0, 2)
        assert "deployed" not in done.document
        assert done.document["not_looked_at"]


def test_files_that_compose_refuses_are_not_in_order(project: Project) -> None:
    up(project)
    compose_file = project.directory / "docker-compose.yml"
    own = "    stop_grace_period: 1s\n"
    compose_file.write_text(
        compose_file.read_text().replace(own, own + "    env_file: [missing.env]\n")
    )

    enabled = project.compose_tls("enable", "--mode", "2", "--json")
    status = project.compose_tls("status", "--json")

    assert (enabled.code, status.code) == (0, 7)
    for done in (enabled, status):
        [told] = [one for one in done.document["warnings"] if one["code"] == "compose-failed"]
        assert "missing.env" in told["message"]
    (project.directory / "missing.env").touch()
    document, deployed = look(project, 7)
    assert deployed["state"] == "stale"
    assert "compose-failed" not in {one["code"] for one in document["warnings"]}


@pytest.mark.parametrize(
    ("line", "missing"),
    [("env_file: [missing.env]", "missing.env"), ("user: ${USER_OF_MILVUS:?}", "USER_OF_MILVUS")],
)
def test_files_that_compose_refuses_are_told_before_the_first_start(
    project: Project, line: str, missing: str
) -> None:
    compose_file = project.directory / "docker-compose.yml"
    own = "    stop_grace_period: 1s\n"
    compose_file.write_text(compose_file.read_text().replace(own, f"{own}    {line}\n"))

    for dry in (["--dry-run"], []):
        enabled = project.compose_tls("enable", "--mode", "1", "--json", *dry)
        assert enabled.code == 0
        [told] = [one for one in enabled.document["warnings"] if one["code"] == "compose-failed"]
        assert missing in told["message"]


def test_looking_changes_nothing(project: Project) -> None:
    assert project.compose_tls("enable").code == 0
    up(project)
    before = project.container(SERVICE), project.tree()

    assert project.compose_tls("status").code == 0

    assert (project.container(SERVICE), project.tree()) == before

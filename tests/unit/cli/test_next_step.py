"""The printed next step works where the user stands (T5): it is split as a shell would, and asked for."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.corpus.compose_cli import require_compose
from tests.unit.cli.conftest import Run


def following(run: Run, *arguments: str) -> tuple[str, ...]:
    """The next steps that a command gives; text and JSON say the same."""
    return tuple(run(*arguments, "--json").json["next"])


def test_a_project_that_is_new_is_started(run: Run, project: Path) -> None:
    outcome = run("enable")
    assert outcome.out.endswith("next: docker compose up -d && compose-tls check\n")
    assert following(run, "enable", "--style", "override") == (
        "docker compose up -d",
        "compose-tls check",
    )
    assert following(run, "disable") == ("docker compose up -d",)


def test_nothing_is_said_where_nothing_is_to_be_done(run: Run, project: Path) -> None:
    run("enable")
    assert "next" not in run("enable", "--json").json
    assert "next" not in run("enable", "--dry-run", "--json").json


def test_a_dry_run_ends_in_the_command_that_does_it(run: Run, project: Path) -> None:
    run("enable")
    assert following(run, "enable", "--mode", "2", "--dry-run") == (
        "compose-tls enable --mode 2 --json",
    )
    assert following(run, "disable", "--dry-run") == ("compose-tls disable --json",)


@pytest.mark.parametrize("arguments", [("--mode", "2"), ("--san", "db.example.com")])
def test_where_mounted_files_alone_change_the_service_is_recreated(
    run: Run, project: Path, arguments: tuple[str, ...]
) -> None:
    run("enable")
    assert following(run, "enable", *arguments) == (
        "docker compose up -d --force-recreate standalone",
        "compose-tls check",
    )


def test_where_variables_change_compose_sees_it(run: Run, project: Path) -> None:
    run("enable", "--config", "env")
    assert following(run, "enable", "--mode", "2")[0] == "docker compose up -d"


def test_a_client_of_ours_is_nothing_to_milvus(run: Run, project: Path) -> None:
    run("enable")
    (project / "cert/client.pem").unlink()
    assert following(run, "enable") == ("compose-tls check",)


def test_after_renew_the_service_is_restarted(run: Run, project: Path) -> None:
    run("enable", "-p", "rag")
    assert following(run, "renew", "--force", "--no-restart", "-p", "rag") == (
        "docker compose -p rag restart standalone",
        "compose-tls check -p rag",
    )


def test_a_service_behind_a_profile_is_named(run: Run, project: Path) -> None:
    (project / "docker-compose.yml").write_text(
        "services:\n  milvus:\n    image: milvusdb/milvus:v2.5.5\n    profiles: [vectors]\n"
    )
    assert following(run, "enable")[0] == "docker compose up -d milvus"
    run("disable")
    assert following(run, "enable", "--profile", "vectors")[0] == (
        "docker compose --profile vectors up -d"
    )


def test_disable_names_who_runs_with_milvus_where_a_profile_does_not(
    run: Run, project: Path
) -> None:
    (project / "docker-compose.yml").write_text(
        "services:\n  etcd:\n    image: quay.io/coreos/etcd:v3.5.5\n    profiles: [data]\n"
        "    environment: {ETCD_ADVERTISE_CLIENT_URLS: 'http://etcd:2379'}\n"
        "  milvus:\n    image: milvusdb/milvus:v2.5.5\n"
        "    environment: {ETCD_ENDPOINTS: 'etcd:2379', COMMON_STORAGETYPE: local}\n"
    )
    assert run("enable", "--scope", "all").code == 0
    assert following(run, "disable") == (
        "docker compose stop milvus",
        "docker compose up -d milvus etcd",
    )


def test_who_is_in_the_network_of_milvus_is_started_anew_with_it(run: Run, project: Path) -> None:
    file = project / "docker-compose.yml"
    side = "services:\n  side:\n    image: vpn\n    network_mode: service:standalone\n"
    file.write_text(file.read_text().replace("services:\n", side, 1))
    run("enable")

    assert following(run, "enable", "--mode", "2")[0] == (
        "docker compose up -d --force-recreate standalone side"
    )
    assert following(run, "renew", "--force", "--no-restart")[0] == (
        "docker compose restart standalone side"
    )


OPTIONS = ("-p", "rag", "--env-file", "a b.env", "--profile", "x", "--profile", "y")


@pytest.mark.parametrize("place", [(), ("-C", "."), ("-C", "deploy dir")])
@pytest.mark.parametrize("file", [(), ("-f", "docker-compose.yml")])
@pytest.mark.parametrize("base", [(), ("--project-directory", ".")])
def test_the_command_is_about_this_project_wherever_the_user_stands(
    run: Run,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[str, ...],
    file: tuple[str, ...],
    base: tuple[str, ...],
) -> None:
    require_compose()
    deploy = project / "deploy dir"
    deploy.mkdir()
    for name in ("docker-compose.yml", "milvus.yaml"):
        shutil.move(project / name, deploy / name)
    (deploy / "a b.env").write_text("DOCKER_VOLUME_DIRECTORY=.\n")
    here = project if "deploy dir" in place else deploy
    monkeypatch.chdir(here)

    up, check = following(run, *place, "enable", *file, *base, *OPTIONS)

    words = shlex.split(up)
    assert words[:2] == ["docker", "compose"]
    assert words[-2:] == ["up", "-d"]
    there = subprocess.run(
        [*words[:-2], "config", "--format", "json"], cwd=here, capture_output=True, check=False
    )
    found = json.loads(there.stdout)
    assert found["name"] == "rag"
    mounts = {v["target"]: v["source"] for v in found["services"]["standalone"]["volumes"]}
    assert mounts["/milvus/tls"] == str(deploy / "tls")
    own = shlex.split(check)
    assert own[:2] == ["compose-tls", "check"]
    assert run("status", *own[2:], "--json").json["services"] == ["standalone"]
    assert run("disable", *own[2:]).code == 0


def test_what_settings_name_is_named_to_compose_and_not_to_compose_tls(
    run: Run, project: Path
) -> None:
    (project / "compose-tls.toml").write_text('project-name = "rag"\nprofile = ["x"]\n')
    assert following(run, "enable") == (
        "docker compose -p rag --profile x up -d",
        "compose-tls check",
    )


def test_no_check_is_named_where_nothing_reaches_milvus(run: Run, project: Path) -> None:
    path = project / "docker-compose.yml"
    lines = '    ports:\n      - "19530:19530"\n      - "9091:9091"\n'
    path.write_text(path.read_text().replace(lines, "    network_mode: none\n"))
    assert following(run, "enable") == ("docker compose up -d",)


@pytest.mark.parametrize("how", ["here", "-C", "-f", "--project-directory"])
def test_a_project_that_a_link_leads_to_has_the_name_of_the_link(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Compose names a project after the directory as it was reached."""
    require_compose()
    path = project / "docker-compose.yml"
    path.write_text(
        path.read_text().replace("milvus-standalone\n", "${COMPOSE_PROJECT_NAME}-milvus\n")
    )
    link = project.parent / "link"
    link.symlink_to(project.name)
    monkeypatch.chdir(link if how == "here" else project.parent)
    # As a shell says it.
    monkeypatch.setenv("PWD", str(link if how == "here" else project.parent))
    place = {"here": (), "-f": ("-f", "link/docker-compose.yml")}.get(how, (how, "link"))
    made = run("enable", *place, "--json").json["certificates"][0]
    command = ["docker", "compose", *(("-f", place[1]) if how == "-f" else ()), "config"]
    name = subprocess.run(
        [*command, "--format", "json"],
        cwd=project.parent if how == "-f" else link,
        env={**os.environ, "PWD": str(project.parent if how == "-f" else link)},
        check=True,
        capture_output=True,
    )
    assert json.loads(name.stdout)["name"] == "link"
    assert "link-milvus" in made["dns_names"]

from __future__ import annotations

from typing import Any

import pytest

from compose_tls.deploy.compose_output import ServiceState
from compose_tls.deploy.recreate import up_commands

STARTED = {"condition": "service_started", "required": True}
HEALTHY = {"condition": "service_healthy", "required": True}
COMPLETED = {"condition": "service_completed_successfully", "required": True}

PROJECT: dict[str, dict[str, Any]] = {
    "etcd": {"active": True},
    "minio": {"active": True},
    "standalone": {"active": True, "depends_on": {"etcd": STARTED, "minio": STARTED}},
    "attu": {"active": True, "depends_on": {"standalone": STARTED}},
}
RECREATE = ("--detach", "--no-deps", "--force-recreate", "--", "standalone")


def containers(**states: str) -> list[ServiceState]:
    return [ServiceState(name, f"p-{name}-1", "id", state) for name, state in states.items()]


@pytest.mark.parametrize(
    "states", [containers(), containers(etcd="exited", minio="created", standalone="dead")]
)
def test_a_project_of_which_nothing_runs_is_started_whole(states: list[ServiceState]) -> None:
    assert up_commands(PROJECT, states, ["standalone"]) == (("--detach",),)


def test_a_service_behind_a_profile_that_is_off_is_started_by_its_name() -> None:
    project = {**PROJECT, "standalone": {**PROJECT["standalone"], "active": False}}

    assert up_commands(project, [], ["standalone"]) == (("--detach", "--", "standalone"),)


def test_in_a_running_project_the_service_alone_is_replaced() -> None:
    states = containers(etcd="running", minio="running", standalone="running", attu="running")

    assert up_commands(PROJECT, states, ["standalone"]) == (RECREATE,)


@pytest.mark.parametrize("state", ["restarting", "paused", "running"])
def test_a_crashing_service_counts_as_a_running_project(state: str) -> None:
    states = containers(etcd="running", minio="running", standalone=state)

    assert up_commands(PROJECT, states, ["standalone"])[-1] == RECREATE


def test_dependencies_that_do_not_run_are_started_first_and_replace_nothing() -> None:
    states = containers(etcd="exited", minio="running", standalone="exited", attu="running")

    assert up_commands(PROJECT, states, ["standalone"]) == (
        ("--detach", "--no-recreate", "--", "etcd"),
        RECREATE,
    )


def test_a_dependency_that_has_to_be_healthy_is_waited_for() -> None:
    project = {
        **PROJECT,
        "standalone": {"active": True, "depends_on": {"etcd": HEALTHY, "minio": STARTED}},
    }

    assert up_commands(project, containers(standalone="running"), ["standalone"]) == (
        ("--detach", "--no-recreate", "--", "etcd", "minio"),
        ("--detach", "--no-recreate", "--no-deps", "--wait", "--", "etcd"),
        RECREATE,
    )


@pytest.mark.parametrize(
    ("exit_code", "commands"),
    [(0, (RECREATE,)), (1, (("--detach", "--no-recreate", "--", "init"), RECREATE))],
)
def test_a_dependency_that_has_done_its_work_is_not_started_again(
    exit_code: int, commands: tuple[tuple[str, ...], ...]
) -> None:
    project: dict[str, dict[str, Any]] = {
        "init": {"active": True},
        "standalone": {"active": True, "depends_on": {"init": COMPLETED}},
    }
    states = [
        *containers(standalone="running"),
        ServiceState("init", "p-init-1", "id", "exited", exit_code),
    ]

    assert up_commands(project, states, ["standalone"]) == commands


def test_dependencies_of_dependencies_come_first_and_once() -> None:
    project: dict[str, dict[str, Any]] = {
        "disk": {"active": True},
        "etcd": {"active": True, "depends_on": {"disk": STARTED}},
        "minio": {"active": True, "depends_on": {"disk": STARTED}},
        "proxy": {
            "active": True,
            "depends_on": {"etcd": STARTED, "minio": STARTED, "rootcoord": STARTED},
        },
        "rootcoord": {"active": True, "depends_on": {"proxy": STARTED}},
    }

    assert up_commands(project, containers(proxy="running"), ["proxy", "rootcoord"]) == (
        ("--detach", "--no-recreate", "--", "disk", "etcd", "minio"),
        ("--detach", "--no-deps", "--force-recreate", "--", "proxy", "rootcoord"),
    )


def test_an_optional_dependency_that_is_switched_off_is_left_alone() -> None:
    project = {
        "standalone": {"active": True, "depends_on": {"gpu": {**STARTED, "required": False}}}
    }

    assert up_commands(project, containers(standalone="running"), ["standalone"]) == (RECREATE,)

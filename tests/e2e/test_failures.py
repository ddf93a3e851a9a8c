"""What can go wrong with an engine: one exit code, one clear error, and nothing changed on disk."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import Any

import pytest

from tests.e2e.image_names import ETCD
from tests.e2e.session import PORT, Done, Project, is_answered
from tests.patience import LONG


def require_clear(done: Done, exit_code: int, code: str) -> dict[str, Any]:
    """One JSON error, the exit code of its kind, and no traceback anywhere."""
    assert done.code == exit_code, done.out + done.err
    assert "Traceback" not in done.out + done.err
    error: dict[str, Any] = done.document["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["hint"]
    return error


def test_a_taken_port_is_named_before_anything_is_written(official: Any) -> None:
    project: Project = official(milvus_yaml=True)
    before = project.tree()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("0.0.0.0", 19530))
        other.listen()

        error = require_clear(project.compose_tls("enable", "--up", "--json"), 5, "port-taken")

    assert "19530" in error["message"]
    assert project.tree() == before


def test_a_port_held_by_another_container_names_that_container(
    official: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project: Project = official(milvus_yaml=False)
    before = project.tree()
    other = Project(tmp_path_factory.mktemp("other"))
    (other.directory / "compose.yaml").write_text(
        "services:\n"
        "  holder:\n"
        f"    image: {ETCD}\n"
        '    ports: ["19530:2379"]\n'
        "    command: etcd --listen-client-urls=http://0.0.0.0:2379 "
        "--advertise-client-urls=http://holder:2379\n"
    )
    try:
        assert other.compose("up", "-d").code == 0

        error = require_clear(project.compose_tls("enable", "--up", "--json"), 5, "port-taken")

        assert "holder" in error["message"]
        assert project.tree() == before
    finally:
        other.down()


def test_without_an_engine_nothing_is_written(official: Any) -> None:
    project: Project = official(milvus_yaml=True)
    before = project.tree()

    done = project.compose_tls(
        "enable", "--up", "--json", environment={"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    )

    require_clear(done, 5, "engine-unreachable")
    assert project.tree() == before


def test_without_compose_nothing_is_written(official: Any) -> None:
    project: Project = official(milvus_yaml=True)
    before = project.tree()

    # An empty PATH and home: the engine is there, the command line and its plugins are not.
    done = project.compose_tls(
        "enable", "--up", "--json", environment={"PATH": "/nowhere", "HOME": "/nowhere"}
    )

    error = require_clear(done, 5, "compose-missing")
    assert "https://docs.docker.com/compose/install/" in error["hint"]
    assert project.tree() == before


def test_a_key_that_the_container_cannot_read_is_quoted_from_its_log(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    compose_file = project.directory / "docker-compose.yml"
    # A user known to the image alone, so that nobody can know beforehand whether it reads the key.
    content = compose_file.read_text().replace(
        "    security_opt:\n", "    user: nobody\n    security_opt:\n"
    )
    compose_file.write_text(content)
    before = project.tree()

    done = project.compose_tls("enable", "--up", "--json")

    error = require_clear(done, 5, "container-exited")
    assert "permission denied" in error["message"]
    assert "the previous files are back" in error["hint"]
    assert project.tree() == before


def test_a_container_that_dies_gives_its_reason_and_the_previous_service_runs_again(
    official: Any,
) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose("up", "-d").code == 0
    etcd = project.container("etcd")
    before = project.tree()
    override = project.directory / "docker-compose.override.yml"
    # A port that no process may bind keeps the proxy from starting.
    broken = override.read_text().replace(
        "COMMON_STORAGETYPE: local", 'COMMON_STORAGETYPE: local\n      PROXY_PORT: "99999"'
    )
    override.write_text(broken)
    before = project.tree()

    # The files say something else than what runs already, which has to be meant.
    accepted = ("--accept", "deployed-differently")
    done = project.compose_tls("enable", "--up", "--json", "--timeout", "60", *accepted)

    error = done.document["error"]
    assert done.code == 5, done.out
    assert error["code"] in {"container-exited", "not-ready"}
    assert project.tree() == before
    assert project.container("etcd") == etcd


def test_keep_on_failure_leaves_the_files(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    compose_file = project.directory / "docker-compose.yml"
    compose_file.write_text(
        compose_file.read_text().replace(
            "    security_opt:\n", "    user: nobody\n    security_opt:\n"
        )
    )

    done = project.compose_tls("enable", "--up", "--keep-on-failure", "--json")

    require_clear(done, 5, "container-exited")
    assert (project.directory / "tls" / "server.pem").exists()
    assert project.compose_tls("disable").code == 0


def wait_for_plain_text() -> None:
    """Until Milvus answers: before it listens, the engine closes connections by itself."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("localhost", PORT), 5) as connection,
        ):
            if is_answered(connection):
                return
        time.sleep(0.2)
    pytest.fail("Milvus does not answer")


def test_a_server_that_speaks_plain_text_fails_the_check(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose("up", "-d").code == 0
    assert project.compose_tls("enable", "--mode", "2").code == 0
    wait_for_plain_text()

    done = project.compose_tls("check", "--json")

    error = require_clear(done, 6, "check-failed")
    assert "plain text" in error["message"]
    failed = {check["name"] for check in done.document["checks"] if not check["ok"]}
    assert {"tls-handshake", "refuses-plain-text", "refuses-anonymous-client"} <= failed


def test_a_new_certificate_on_disk_that_is_not_served_yet_fails_the_check(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    up = project.compose_tls("enable", "--mode", "1", "--up", "--json")
    assert up.code == 0, up.out + up.err
    assert project.compose_tls("enable", "--mode", "1", "--san", "another.example").code == 0

    done = project.compose_tls("check", "--json")

    require_clear(done, 6, "check-failed")
    checks = {check["name"]: check for check in done.document["checks"]}
    assert "the server presents a different certificate" in checks["server-certificate"]["observed"]
    assert checks["tls-handshake"]["ok"]


WAITS = "waiting for standalone"


def never_gets_ready(project: Project) -> None:
    """Have Milvus ask for a name that nobody has for its etcd, so that there is time to interrupt."""
    override = project.directory / "docker-compose.override.yml"
    good = override.read_text()
    nowhere = "COMMON_STORAGETYPE: local\n      ETCD_ENDPOINTS: nowhere.invalid:2379"
    override.write_text(good.replace("COMMON_STORAGETYPE: local", nowhere))


def interrupted(
    project: Project, *arguments: str, after: tuple[str, ...] = (WAITS,)
) -> tuple[int, str, str]:
    """Ctrl-C, as a terminal sends it to all that runs in it, each time that the next line is told."""
    with subprocess.Popen(
        [sys.executable, "-m", "compose_tls", *arguments],
        cwd=project.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    ) as process:
        assert process.stderr
        told = []
        awaited = list(after)
        for line in process.stderr:
            told.append(line)
            if line.startswith(awaited[0]):
                os.killpg(process.pid, signal.SIGINT)
                awaited.pop(0)
                if not awaited:
                    break
        out, err = process.communicate(timeout=LONG)
    return process.returncode, out, "".join(told) + err


def test_ctrl_c_while_milvus_is_waited_for_puts_files_and_service_back(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose("up", "-d").code == 0
    etcd = project.container("etcd")
    never_gets_ready(project)
    before = project.tree()

    # The files say something else than what runs already, which has to be meant.
    accepted = ("--accept", "deployed-differently")
    code, out, err = interrupted(project, "enable", "--mode", "2", "--up", "--json", *accepted)

    error = json.loads(out)["error"]
    assert (code, error["code"]) == (130, "interrupted"), err
    assert "the previous files are back and the previous service runs again" in error["message"]
    assert "Traceback" not in err
    assert project.tree() == before
    assert project.container("etcd") == etcd
    assert '"State":"running"' in project.compose("ps", "standalone", "--format", "json").out

    code, out, err = interrupted(project, "enable", "--up", "--keep-on-failure", *accepted)

    assert code == 130
    assert "the new files are in place" in err
    assert (project.directory / "tls" / "server.pem").exists()
    assert project.compose_tls("disable", "--purge").code == 0
    assert project.tree() == before


def test_a_second_ctrl_c_says_how_things_stand(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    never_gets_ready(project)
    before = project.tree()

    code, _, err = interrupted(
        project, "enable", "--up", after=(WAITS, "putting the previous files back")
    )

    assert code == 130, err
    assert "Traceback" not in err
    assert "]: interrupted: " in err
    # What became of the files may stand before it, where the interruption met their being written.
    assert "the previous files and service were being put back" in err
    assert "compose-tls status" in err
    the_next_command_goes_on(project, before)


def test_ctrl_c_while_a_failure_is_taken_back_says_how_things_stand(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    never_gets_ready(project)
    before = project.tree()

    code, _, err = interrupted(
        project, "enable", "--up", "--timeout", "0.1", after=("putting the previous files back",)
    )

    assert code == 130, err
    assert "Traceback" not in err
    assert "]: interrupted: " in err
    # What became of the files may stand before it, where the interruption met their being written.
    assert "the previous files and service were being put back" in err
    the_next_command_goes_on(project, before)


def the_next_command_goes_on(project: Project, before: dict[str, bytes]) -> None:
    """It takes back what was being taken back, and leaves nothing of it."""
    project.compose_tls("disable", "--purge")
    assert project.tree() == before


def test_ctrl_c_where_no_file_had_to_change_takes_nothing_back(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    never_gets_ready(project)
    assert project.compose_tls("enable").code == 0
    before = project.tree()

    code, _, err = interrupted(project, "enable", "--up")

    assert code == 130, err
    assert "no file had to be changed; standalone may still be starting" in err
    assert "the previous files are back" not in err
    assert project.tree() == before

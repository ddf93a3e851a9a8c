"""The texts are what Docker Compose 5.6.1 and Docker Engine 20.10 wrote, unless a test says otherwise."""

from __future__ import annotations

import json

import pytest

from compose_tls.deploy.compose_output import compose_failure, major_version, service_states
from compose_tls.errors import ComposeFailed, EngineUnreachable, PortTaken

ENTRY = {
    "Service": "etcd",
    "Name": "milvus-etcd",
    "ID": "45a7b465f727",
    "State": "running",
    "ExitCode": 0,
    "Health": "",
    "Publishers": [],
}
STOPPED = {**ENTRY, "Service": "standalone", "State": "exited", "ExitCode": 134, "Health": None}


@pytest.mark.parametrize(
    "text",
    [
        f"{json.dumps(ENTRY)}\n{json.dumps(STOPPED)}\n",
        json.dumps([ENTRY, STOPPED]),
    ],
    ids=["one-a-line", "array-before-2.21"],
)
def test_states_are_read_in_both_formats(text: str) -> None:
    etcd, standalone = service_states(text)

    assert (etcd.service, etcd.name, etcd.id) == ("etcd", "milvus-etcd", "45a7b465f727")
    assert etcd.running
    assert etcd.alive
    assert standalone.exit_code == 134
    assert not standalone.running
    assert not standalone.alive


@pytest.mark.parametrize("text", ["", "\n", "[]", "[]\n"])
def test_no_containers_are_no_states(text: str) -> None:
    assert service_states(text) == ()


@pytest.mark.parametrize(
    ("version", "major"),
    [("5.6.1", 5), ("v2.40.3-desktop.1", 2), ("1.29.2", 1), ("2.0.0-rc.3", 2), ("dev", 2)],
)
def test_the_major_version_is_read(version: str, major: int) -> None:
    assert major_version(version) == major


PROGRAMMING = (
    "Error response from daemon: driver failed programming external connectivity on endpoint x"
)


@pytest.mark.parametrize(
    "line",
    [
        f"{PROGRAMMING} (c710a021): Bind for 127.0.0.1:19530 failed: port is already allocated",
        (
            f"{PROGRAMMING} (ddc9): Error starting userland proxy: listen tcp4 0.0.0.0:19530: bind:"
            " address already in use"
        ),
        (
            f"{PROGRAMMING} (ddc9): Error starting userland proxy: listen tcp6 [::]:19530: bind: address"
            " already in use"
        ),
        # Docker Engine 28, Docker Desktop and rootless Podman:
        (
            "Error response from daemon: failed to set up container networking: driver failed programming"
            " external connectivity on endpoint x (1f): failed to bind host port 0.0.0.0:19530/tcp:"
            " address already in use"
        ),
        (
            "Error response from daemon: failed to set up container networking: driver failed programming"
            " external connectivity on endpoint x (1f): failed to bind host port for"
            " 0.0.0.0:19530:172.18.0.2:19531/tcp: address already in use"
        ),
        (
            "Error response from daemon: ports are not available: exposing port TCP 0.0.0.0:19530 ->"
            " 127.0.0.1:0: listen tcp 0.0.0.0:19530: bind: address already in use"
        ),
        "Error: rootlessport listen tcp 0.0.0.0:19530: bind: address already in use",
    ],
)
def test_a_taken_port_is_named(line: str) -> None:
    error = compose_failure("up", f" Container x Starting \n{line}\n", {})

    assert isinstance(error, PortTaken)
    assert (
        error.message == "port 19530, which the project is to publish, is in use by another program"
    )
    assert "sport = :19530" in error.hint


def test_the_container_that_has_the_port_is_named() -> None:
    line = "Bind for 0.0.0.0:19530 failed: port is already allocated"
    owners = {19530: "container old-milvus of project old"}

    error = compose_failure("up", line, {}, owners.get)

    assert isinstance(error, PortTaken)
    assert error.message.endswith("is in use by container old-milvus of project old")
    assert error.hint.startswith("stop container old-milvus of project old")


def test_an_address_in_use_that_is_no_port_is_not_taken_for_one() -> None:
    error = compose_failure("up", "Error response from daemon: Address already in use\n", {})

    assert isinstance(error, ComposeFailed)
    assert error.message == "docker compose up failed: Address already in use"


def test_of_an_image_that_is_nowhere_the_next_step_shows_why() -> None:
    line = "no such image: quay.io/coreos/etcd:v3.5.5: No such image: quay.io/coreos/etcd:v3.5.5"
    assert compose_failure("up", line, {}).hint.endswith("docker compose pull shows why")


@pytest.mark.parametrize(
    "line",
    [
        "Cannot connect to the Docker daemon at tcp://127.0.0.1:9. Is the docker daemon running?",
        "failed to connect to the docker API at unix:///none.sock; check if the path is correct",
        "permission denied while trying to connect to the Docker daemon socket at unix:///x.sock",
    ],
)
def test_an_engine_that_compose_cannot_reach_is_told_apart(line: str) -> None:
    error = compose_failure("ps", line, {})

    assert isinstance(error, EngineUnreachable)
    assert line.rstrip(".") in error.message


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        (
            "validating /srv/compose.yaml: services.standalone.environment must be a mapping",
            "validating /srv/compose.yaml: services.standalone.environment must be a mapping",
            "run docker compose up in the project directory",
        ),
        ("no such service: nonesuch", "no such service: nonesuch", "COMPOSE_PROFILES"),
        (
            "dependency failed to start: container dr-cq-etcd-1 exited (1)",
            "dependency failed to start: container dr-cq-etcd-1 exited (1)",
            "docker logs NAME",
        ),
        (
            "env file /srv/.env not found: stat /srv/.env: no such file or directory",
            "env file /srv/.env not found",
            "create that file",
        ),
        ("couldn't find env file: /srv/x", "couldn't find env file: /srv/x", "create that file"),
    ],
)
def test_the_last_words_of_compose_are_the_message(line: str, message: str, hint: str) -> None:
    stderr = (
        f'time="2026" level=warning msg="x"\n Network a Creating \n Container b Error dep\n{line}\n'
    )

    error = compose_failure("up", stderr, {})

    assert isinstance(error, ComposeFailed)
    assert error.message.startswith(f"docker compose up failed: {message}")
    assert hint in error.hint


def test_what_the_engine_says_is_explained() -> None:
    line = (
        "Error response from daemon: failed to create shim task: OCI runtime create failed: error"
        ' mounting "/srv/milvus.yaml" to rootfs at "/milvus/configs/milvus.yaml": mount: not a directory'
    )

    error = compose_failure("up", line, {})

    assert isinstance(error, ComposeFailed)
    assert error.message.startswith(
        "docker compose up failed: /milvus/configs/milvus.yaml is a file in the image but"
        " /srv/milvus.yaml on this machine is a directory"
    )
    assert "; the engine says: failed to create shim task" in error.message
    assert "remove /srv/milvus.yaml, put the file there" in error.hint


@pytest.mark.parametrize("stderr", ["", ' Network a Created \ntime="2026" level=warning msg="x"\n'])
def test_a_failure_without_words_is_still_an_error(stderr: str) -> None:
    error = compose_failure("ps", stderr, {})

    assert error.message == "docker compose ps failed"
    assert "run docker compose ps" in error.hint


@pytest.mark.parametrize(
    ("stderr", "message"),
    [
        (
            (
                'time="2026" level=warning msg="The \\"hunter2\\" variable is not set."\n'
                "invalid interpolation format for services.standalone.environment.SECRET.\n"
                "You may need to escape any $ with another $.\nhunter2$er2${\n"
            ),
            (
                "invalid interpolation format for services.standalone.environment.SECRET:"
                " a literal $ has to be written $$"
            ),
        ),
        (
            'failed to read /srv/.env: line 2: unterminated quoted value "hunter2\n',
            "failed to read /srv/.env: line 2: unterminated quoted value",
        ),
        (
            'failed to read /srv/.env: line 1: unexpected character "!" in variable name "A!=hunter2"\n',
            'failed to read /srv/.env: line 1: unexpected character "!" in variable name',
        ),
        (
            (
                "error while interpolating services.standalone.cpus: failed to cast to expected type:"
                ' strconv.ParseFloat: parsing "hunter2": invalid syntax\n'
            ),
            (
                "error while interpolating services.standalone.cpus: failed to cast to expected type:"
                " strconv.ParseFloat: parsing the value: invalid syntax"
            ),
        ),
        ("invalid hostPort: hunter2\n", "invalid hostPort: ***"),
    ],
)
def test_the_text_of_a_value_never_reaches_a_message(stderr: str, message: str) -> None:
    error = compose_failure(
        "config", stderr, {"MINIO_SECRET_KEY": "hunter2", "PIN_TOKEN": "1", "HOME": "/srv"}
    )

    assert error.message == f"docker compose config failed: {message}"
    assert "hunter2" not in error.message + error.hint


def test_a_long_line_is_cut() -> None:
    assert len(compose_failure("up", "x" * 5000, {}).message) < 500

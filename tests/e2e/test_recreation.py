"""Nothing is lost when a container is recreated: on a real Milvus, with rows in it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.image_names import ETCD, MILVUS
from tests.e2e.kept_rows import REFUSALS, ROWS, SERVICE, Stack, kept, rows
from tests.e2e.session import run

pytestmark = pytest.mark.own_ports


MOUNT = ["./data:/var/lib/milvus"]


def bind_mount(stack: Stack) -> None:
    """Beside a service in its network, which that loses when Milvus alone starts anew."""
    stack.write({**SERVICE, "volumes": MOUNT})
    side = {"image": ETCD, "entrypoint": ["sleep", "infinity"], "init": True}
    services = {"side": {**side, "network_mode": "service:standalone"}}
    override = stack.project.directory / "compose.override.yaml"
    override.write_text(json.dumps({"services": services}), encoding="utf-8")
    stack.beside = "side"


def named_volume(stack: Stack) -> None:
    stack.write({**SERVICE, "volumes": ["data:/var/lib/milvus"]}, volumes={"data": {}})


def overlay(stack: Stack) -> None:
    stack.write(SERVICE)
    stack.write({"volumes": MOUNT}, "prod.yaml")
    stack.options = ("-f", "compose.yaml", "-f", "prod.yaml")


def env_file(stack: Stack) -> None:
    stack.write({**SERVICE, "volumes": ["${WHERE:-./nowhere}:/var/lib/milvus"]})
    (stack.project.directory / "prod.env").write_text("WHERE=./data\n")
    stack.options = ("--env-file", "prod.env")


def other_project_name(stack: Stack) -> None:
    named_volume(stack)
    stack.options = ("-p", f"{stack.name}-rag")


def embedded_etcd(stack: Stack) -> None:
    """Its metadata lay in the container alone: what the refusal says to do has been done."""
    service = {
        **SERVICE,
        "environment": {**SERVICE["environment"], "ETCD_DATA_DIR": "default.etcd"},
    }
    stack.write({**service, "volumes": MOUNT})
    stack.fill()
    assert stack.refused()["code"] == "data-without-mount"
    stack.compose("stop", "standalone")
    inside = f"{stack.container[0]}:/milvus/default.etcd"
    assert run(["docker", "cp", inside, "./default.etcd"], stack.project.directory).code == 0
    stack.write({**service, "volumes": [*MOUNT, "./default.etcd:/milvus/default.etcd"]})


LAYOUTS = (bind_mount, named_volume, overlay, env_file, other_project_name, embedded_etcd)


@pytest.fixture(scope="module", autouse=True)
def lives(
    images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """A life of each layout, beside the tests of this file: they wait for Milvus most of the time."""
    with ThreadPoolExecutor(len(LAYOUTS)) as pool:
        yield {
            layout.__name__: pool.submit(whole_life, layout, tmp_path_factory.mktemp("life"))
            for layout in LAYOUTS
        }


def whole_life(layout: Callable[[Stack], None], directory: Path) -> None:
    with kept(directory) as stack:
        layout(stack)
        stack.fill()

        stack.live("enable", "--mode", "2", "--up")
        container = stack.container
        again = stack.live("enable", "--mode", "2", "--up")
        assert again["deployed"] is True
        assert again["checks"]
        assert stack.container == container

        stack.live("renew", "--force")
        assert stack.container[0] == container[0]
        stack.live("renew", "--ca")
        stack.live("renew", "--finish")
        stack.live("enable", "--mode", "1", "--up")
        stack.live("enable", "--mode", "2", "--up")

        disabled = stack.tls("disable")
        assert disabled.code == 0, disabled.out + disabled.err
        assert not {w["code"] for w in disabled.document.get("warnings", [])} & REFUSALS
        stack.compose("up", "-d")
        stack.wait()
        assert rows(stack.plain, stack.project.directory) == ROWS


def test_a_forgotten_overlay_is_named(stack: Stack) -> None:
    overlay(stack)
    stack.compose("up", "-d")
    full, stack.options = stack.options, ()

    error = stack.refused()

    assert error["code"] == "deployed-differently"
    assert "mount /var/lib/milvus: bind" in error["message"]
    assert f"compose-tls {' '.join(full)} enable" in error["hint"]
    assert "COMPOSE_FILE=compose.yaml:prod.yaml" in error["hint"]
    # Without --up the same is a warning, and the files are written.
    told = stack.tls("enable")
    assert told.code == 0
    assert "deployed-differently" in {w["code"] for w in told.document["warnings"]}


def test_what_a_forgotten_overlay_alone_says_is_named(stack: Stack) -> None:
    stack.write({**SERVICE, "volumes": MOUNT})
    stack.write({"mem_limit": "4g", "restart": "always", "labels": {"team": "search"}}, "prod.yaml")
    stack.options = ("-f", "compose.yaml", "-f", "prod.yaml")
    stack.compose("up", "-d")
    full, stack.options = stack.options, ()

    error = stack.refused()

    assert error["code"] == "deployed-differently"
    assert "labels, mem_limit, restart: as prod.yaml sets it in the container" in error["message"]
    assert f"compose-tls {' '.join(full)} enable" in error["hint"]
    # A further file that says nothing of it loses nothing, and is no reason to stop.
    stack.write({"image": "busybox", "profiles": ["never"]}, "prod.yaml")
    (stack.project.directory / "prod.yaml").write_text('{"services": {}}', encoding="utf-8")
    stack.options = full
    stack.compose("up", "-d")
    stack.options = ()
    assert stack.tls("enable", "--up").code == 0


def test_a_forgotten_env_file_is_named(stack: Stack) -> None:
    env_file(stack)
    stack.compose("up", "-d")
    stack.options = ()

    error = stack.refused()

    assert error["code"] == "deployed-differently"
    assert "--env-file prod.env" in error["hint"]


def test_data_of_the_embedded_etcd_in_the_container_alone(stack: Stack) -> None:
    environment = {**SERVICE["environment"], "ETCD_DATA_DIR": "default.etcd"}
    stack.write({**SERVICE, "environment": environment, "volumes": MOUNT})
    stack.fill()

    error = stack.refused()

    assert error["code"] == "data-without-mount"
    assert "/milvus/default.etcd" in error["message"]
    assert "docker cp" in error["hint"]
    assert "./default.etcd:/milvus/default.etcd" in error["hint"]
    assert rows(stack.plain, stack.project.directory) == ROWS
    accepted = stack.tls("enable", "--up", "--accept", "data-without-mount")
    assert accepted.code == 0, accepted.out + accepted.err
    assert "data-without-mount" in {w["code"] for w in accepted.document["warnings"]}


def test_settings_that_were_changed_inside_are_named_and_can_be_kept(stack: Stack) -> None:
    stack.write({**SERVICE, "volumes": MOUNT})
    stack.compose("up", "-d")
    file = "/milvus/configs/milvus.yaml"
    change = f"s/authorizationEnabled: false/authorizationEnabled: true/ {file}"
    stack.compose("exec", "-T", "standalone", "sed", "-i", *change.rsplit(" ", 1))

    error = stack.refused()

    assert error["code"] == "changed-in-container"
    assert "common.security.authorizationEnabled (false, there true)" in error["message"]
    container = stack.container[0]
    assert f"docker cp {stack.name}-standalone-1:{file} ." in error["hint"]
    # What the hint says.
    run(["docker", "cp", f"{container}:{file}", "."], stack.project.directory)
    done = stack.tls("enable", "--up")
    assert done.code == 0, done.out + done.err
    assert b"authorizationEnabled: true" in stack.project.contents()["milvus.yaml"]


def test_a_milvus_yaml_that_nobody_uses_is_not_put_in_force(stack: Stack) -> None:
    stack.write({**SERVICE, "volumes": MOUNT})
    stack.compose("up", "-d")
    container = stack.container[0]
    file = f"{container}:/milvus/configs/milvus.yaml"
    run(["docker", "cp", file, "."], stack.project.directory)
    path = stack.project.directory / "milvus.yaml"
    text = path.read_text()
    assert "rootPath: by-dev" in text
    path.write_text(text.replace("rootPath: by-dev", "rootPath: another", 1))

    error = stack.refused()

    assert error["code"] == "config-differs"
    assert "etcd.rootPath (by-dev, there another)" in error["message"]
    assert "--config env" in error["hint"]
    assert stack.tls("enable", "--up", "--config", "env").code == 0


def test_a_commented_out_mount_is_a_decision(stack: Stack) -> None:
    service = {**SERVICE, "volumes": MOUNT}
    stack.write(service)
    path = stack.project.directory / "compose.yaml"
    mount = "./milvus.yaml:/milvus/configs/milvus.yaml"
    path.write_text(f"# - {mount}\n{path.read_text()}")
    ask = ["docker", "run", "--rm", "--entrypoint", "cat", MILVUS, "/milvus/configs/milvus.yaml"]
    (stack.project.directory / "milvus.yaml").write_text(run(ask, Path.cwd()).out)

    done = stack.tls("enable", "--up")

    assert done.code == 3, done.out
    assert done.document["error"]["code"] == "config-differs"
    assert "its mount is commented out" in done.document["error"]["message"]


def test_a_project_that_runs_under_another_name_is_named(stack: Stack) -> None:
    stack.write({**SERVICE, "container_name": f"{stack.name}-milvus", "volumes": MOUNT})
    stack.options = ("-p", f"{stack.name}-rag")
    stack.compose("up", "-d")
    before = stack.container
    tree = stack.own_files()

    done = stack.project.compose_tls("enable", "--up", "--json")

    error = done.document["error"]
    assert (done.code, error["code"]) == (3, "deployed-differently")
    assert f"this project runs as {stack.name}-rag" in error["message"]
    assert f"-p {stack.name}-rag" in error["hint"]
    assert f"COMPOSE_PROJECT_NAME={stack.name}-rag" in error["hint"]
    assert (stack.container, stack.own_files()) == (before, tree)


def test_a_second_project_of_the_same_files_is_none_of_the_first(stack: Stack) -> None:
    service = {**SERVICE, "volumes": ["data:/var/lib/milvus"], "ports": ["127.0.0.1::19530"]}
    stack.write(service, volumes={"data": {}})
    stack.options = ("-p", f"{stack.name}-dev")
    stack.compose("up", "-d")
    dev = stack.container
    stack.options = ("-p", f"{stack.name}-prod")

    done = stack.tls("enable", "--up")

    assert done.code == 0, done.out + done.err
    (told,) = [w for w in done.document["warnings"] if w["code"] == "another-project"]
    assert f"project {stack.name}-dev" in told["message"]
    stack.options = ("-p", f"{stack.name}-dev")
    assert stack.container == dev


def test_a_tag_that_moved_is_an_upgrade(stack: Stack) -> None:
    tag = f"{stack.name}/milvus:v2.3.5"

    def build(line: str) -> None:
        subprocess.run(
            ["docker", "build", "-q", "-t", tag, "-"],
            input=f"FROM {MILVUS}\n{line}\n".encode(),
            capture_output=True,
            check=True,
        )

    try:
        build("LABEL number=1")
        stack.write({**SERVICE, "image": tag, "volumes": MOUNT})
        stack.compose("up", "-d")
        build("LABEL number=2")

        error = stack.refused()

        assert error["code"] == "image-moved"
        assert tag in error["message"]
        assert "docker tag" in error["hint"]
        assert stack.tls("enable", "--up", "--accept", "image-moved").code == 0
        build("LABEL number=3")
        # Nothing has to be recreated, so that nothing is upgraded.
        container = stack.container
        assert stack.tls("enable", "--up").code == 0
        assert stack.container == container
    finally:
        stack.compose("down", "--timeout", "1")
        subprocess.run(["docker", "rmi", "-f", tag], capture_output=True, check=False)


def test_a_mounted_file_that_changed_is_read_anew(stack: Stack) -> None:
    bind_mount(stack)
    assert stack.tls("enable", "--up").code == 0
    container = stack.container

    (stack.project.directory / "tls" / "ca.pem").touch()

    assert stack.tls("enable", "--up").code == 0
    assert stack.container != container


def test_a_health_check_that_fails_under_tls_is_told_with_its_line(stack: Stack) -> None:
    check = {
        "test": ["CMD-SHELL", "echo REST is gone; exit 22"],
        "interval": "60s",
        "start_period": "90s",
    }
    stack.write({**SERVICE, "volumes": MOUNT, "healthcheck": check})

    done = stack.tls("enable", "--up")

    error = done.document["error"]
    assert (done.code, error["code"]) == (5, "unhealthy")
    assert "REST is gone" in error["message"]


def test_the_user_of_the_image_reads_the_key(stack: Stack) -> None:
    tag = f"{stack.name}/milvus:2.3.5"
    lines = "RUN mkdir -p /var/lib/milvus; chmod -R a+rwX /milvus /run /var/lib/milvus\nUSER 1001\n"
    try:
        subprocess.run(
            ["docker", "build", "-q", "-t", tag, "-"],
            input=f"FROM {MILVUS}\n{lines}".encode(),
            capture_output=True,
            check=True,
        )
        stack.write(
            {**SERVICE, "image": tag, "volumes": ["data:/var/lib/milvus"]}, volumes={"data": {}}
        )
        done = stack.tls("enable", "--up")
        assert done.code == 0, done.out + done.err
        assert (stack.project.directory / "tls" / "server.key").stat().st_uid == 1001
    finally:
        stack.project.compose("down", "--volumes", "--timeout", "1")
        subprocess.run(["docker", "rmi", "-f", tag], capture_output=True, check=False)


@pytest.mark.parametrize("layout", [layout.__name__ for layout in LAYOUTS])
def test_rows_stay_through_enable_renew_and_disable(
    lives: dict[str, Future[None]], layout: str
) -> None:
    lives[layout].result()

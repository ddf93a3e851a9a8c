"""What is deployed, on the real engine with real Compose: seen as it is, and nothing seen that is not."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.container_layer import changed_files, read_file, unmounted_data
from compose_tls.deploy.declared import Declared, MountPoint, declared
from compose_tls.deploy.deployed import Deployed, deployed
from compose_tls.deploy.differences import Difference, differences
from compose_tls.deploy.engine import Engine
from compose_tls.errors import FileUnreadable
from tests.e2e.image_names import MILVUS
from tests.e2e.test_deploy_room import SLEEP
from tests.patience import LONG

pytestmark = pytest.mark.own_ports

SERVICE = "standalone"


@dataclass(slots=True)
class Stack:
    """A Compose project with one service, driven by Compose and looked at by the room."""

    directory: Path
    engine: Engine
    cli: ComposeCli
    name: str = field(default_factory=lambda: f"compose-tls-seen-{uuid.uuid4().hex[:8]}")
    names: list[str] = field(default_factory=list)

    def write(self, service: Mapping[str, Any], file: str = "compose.yaml", **top: Any) -> Path:
        document = {"name": self.name, "services": {SERVICE: service}, **top}
        path = self.directory / file
        path.write_text(json.dumps(document), encoding="utf-8")
        return path

    def compose(self, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        subprocess.run(
            ["docker", "compose", *arguments],
            cwd=self.directory,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            check=True,
        )

    def up(self, *options: str) -> None:
        self.compose(*options, "up", "-d")

    def run(self, script: str) -> None:
        self.compose("exec", "-T", SERVICE, "sh", "-c", script)

    def declared(self, *files: str, **given: Any) -> Declared:
        paths = tuple(self.directory / file for file in files or ["compose.yaml"])
        project = ComposeInvocation(self.directory, paths, dict(os.environ), **given)
        return declared(
            self.cli.config(project),
            SERVICE,
            directory=self.directory,
            files=paths,
            env_files=project.env_files,
        )

    def look(self, wanted: Declared | None = None) -> Deployed:
        found = deployed(self.engine, wanted or self.declared())
        assert found is not None
        return found

    def compare(self, wanted: Declared | None = None) -> list[str]:
        wanted = wanted or self.declared()
        return [str(each) for each in differences(self.look(wanted), wanted)]


@pytest.fixture
def stack(images: None, tmp_path: Path) -> Iterator[Stack]:
    with Engine.connect(os.environ) as engine:
        stack = Stack(tmp_path, engine, ComposeCli.find(os.environ))
        yield stack
        for name in (stack.name, *stack.names):
            down = ["docker", "compose", "-p", name, "down", "--volumes", "--timeout", "1"]
            subprocess.run(down, cwd=tmp_path.parent, capture_output=True, check=False)


EVERYTHING: dict[str, Any] = {
    **SLEEP,
    "user": "0:0",
    "environment": {"MODE": "1", "PASSWORD": "pa$$$$w", "EMPTY": "", "UNSET_HERE_73": None},
    "env_file": ["service.env"],
    "ports": ["19530", "127.0.0.1:30411-30412:9091-9092", "30415-30425:53/udp", "[::1]:30413:80"],
    "volumes": [
        "./data/:/var/lib/milvus/",
        "named:/named",
        "/anonymous",
        "./link:/link:ro",
        {"type": "tmpfs", "target": "/tmpfs-1"},
    ],
    "tmpfs": ["/tmpfs-2:size=1m"],
    "configs": ["copied", {"source": "mounted", "target": "/milvus/configs/more.yaml"}],
    "secrets": ["key"],
    "networks": {"default": {"aliases": ["milvus"]}, "other": {}},
    "healthcheck": {"test": "echo first; echo not yet; exit 1", "interval": "300ms", "retries": 1},
}
TOP: dict[str, Any] = {
    "volumes": {"named": {}},
    "networks": {"other": {}},
    "configs": {"copied": {"content": "text"}, "mounted": {"file": "./more.yaml"}},
    "secrets": {"key": {"file": "./key"}},
}


def prepare(directory: Path) -> None:
    (directory / "service.env").write_text("FROM_FILE=a'b\nMODE=2\n")
    (directory / "more.yaml").write_text("a: 1\n")
    (directory / "key").write_text("key")
    (directory / "real").mkdir()
    (directory / "link").symlink_to("real")


def test_a_project_that_is_what_its_files_say_has_no_difference(stack: Stack) -> None:
    prepare(stack.directory)
    stack.write(EVERYTHING, **TOP)
    stack.up()

    assert stack.compare() == []
    stack.up("--env-file", "service.env")
    assert stack.compare(stack.declared(env_files=(stack.directory / "service.env",))) == []
    stack.compose("up", "-d", "--force-recreate")
    assert stack.compare() == []
    stack.compose("stop")
    assert stack.compare() == []


@pytest.mark.parametrize(
    "service",
    [
        {"network_mode": "host", "ports": ["19599:19599"]},
        {"network_mode": "bridge"},
        {"network_mode": "none"},
        {"image": f"docker.io/{MILVUS}"},
        {"build": "."},
        {"scale": 2},
    ],
    ids=str,
)
def test_nor_has_one_of_another_kind(stack: Stack, service: dict[str, Any]) -> None:
    built = {key: value for key, value in SLEEP.items() if key != "image" or "build" not in service}
    stack.write({**built, **service})
    dockerfile = f"FROM {MILVUS}\nVOLUME /kept\nENV A=1 B=2\nUSER 1001\n"
    (stack.directory / "Dockerfile").write_text(dockerfile)
    stack.up()

    try:
        assert stack.compare() == []
        assert stack.look().replicas == service.get("scale", 1)
    finally:
        if "build" in service:
            stack.compose("down", "--volumes", "--timeout", "1", "--rmi", "local")


def test_a_service_in_the_network_of_another_has_no_difference(stack: Stack) -> None:
    vpn = {**SLEEP, "volumes": ["shared:/shared"]}
    path = stack.write({**SLEEP, "network_mode": "service:vpn", "volumes_from": ["vpn"]})
    document = json.loads(path.read_text())
    document["services"]["vpn"] = vpn
    path.write_text(json.dumps({**document, "volumes": {"shared": {}}}))
    stack.up()

    assert stack.compare() == []


def test_a_container_is_seen_with_all_that_it_has(stack: Stack) -> None:
    prepare(stack.directory)
    stack.write({**EVERYTHING, "user": "999"}, **TOP)
    stack.up()
    deadline = time.monotonic() + LONG
    while stack.look().container.health != "unhealthy":
        assert time.monotonic() < deadline
        time.sleep(0.2)

    found = stack.look()

    assert found.container.running
    assert (found.container.health_output, found.container.restart_count) == ("not yet", 0)
    assert found.container.started_at is not None
    assert found.image is not None
    assert found.image_id == found.tag_id == found.image.id
    assert (found.container.user, found.image.user) == ("999", "")
    assert found.environment == {
        "MODE": "1",
        "PASSWORD": "pa$$w",
        "EMPTY": "",
        "UNSET_HERE_73": None,
        "FROM_FILE": "a'b",
    }
    data = MountPoint("bind", "/var/lib/milvus", str(stack.directory / "data"))
    assert data in found.mounts
    assert MountPoint("volume", "/named", f"{stack.name}_named") in found.mounts
    assert MountPoint("volume", "/anonymous") in found.mounts
    assert {"19530/tcp", "127.0.0.1:30411:9091/tcp", "[::1]:30413:80/tcp"} < found.ports
    assert found.networks == {f"{stack.name}_default", f"{stack.name}_other"}
    assert all(found.container.networks.values())
    assert (found.project, found.directory) == (stack.name, str(stack.directory))
    assert found.files == str(stack.directory / "compose.yaml")
    assert found.env_files == ""
    assert found.working_directory == "/milvus"


def difference(subject: Any, name: str, deployed: str | None, declared: str | None) -> Difference:
    return Difference(subject, name, deployed, declared)


def test_a_forgotten_overlay_and_env_file_are_named_with_what_they_bring(stack: Stack) -> None:
    base = {**SLEEP, "environment": {"MODE": "${MODE:-0}"}, "ports": ["127.0.0.1::19530"]}
    stack.write(base)
    (stack.directory / "prod.yml").write_text(
        json.dumps(
            {
                "services": {
                    SERVICE: {
                        "environment": {"AUTH": "on", "ROOT_PASSWORD": "hunter2"},
                        "volumes": ["./prod:/var/lib/milvus"],
                        "networks": ["default", "prod"],
                        "ports": ["127.0.0.1:30414:9091"],
                        "user": "0",
                    }
                },
                "networks": {"prod": {}},
            }
        )
    )
    (stack.directory / "prod.env").write_text("MODE=1\n")
    stack.up("-f", "compose.yaml", "-f", "prod.yml", "--env-file", "prod.env")

    wanted = stack.declared()
    found = differences(stack.look(wanted), wanted)

    directory = stack.directory
    assert found == (
        difference(
            "compose files",
            "",
            f"{directory}/compose.yaml,{directory}/prod.yml",
            f"{directory}/compose.yaml",
        ),
        difference("env files", "", f"{directory}/prod.env", None),
        difference("user", "", "0", "root"),
        difference("environment", "AUTH", '"on"', None),
        difference("environment", "MODE", '"1"', '"0"'),
        difference("environment", "ROOT_PASSWORD", "a value", None),
        difference("mount", "/var/lib/milvus", f"bind {directory}/prod", None),
        difference("port", "", "127.0.0.1:30414:9091/tcp", None),
        difference("network", "", f"{stack.name}_prod", None),
    )
    assert (
        stack.compare(
            stack.declared("compose.yaml", "prod.yml", env_files=(directory / "prod.env",))
        )
        == []
    )


def test_a_project_of_another_name_is_found(stack: Stack) -> None:
    stack.write(SLEEP)
    other = f"{stack.name}-rag"
    stack.names.append(other)
    stack.up("-p", other)

    wanted = stack.declared()
    found = differences(stack.look(wanted), wanted)

    assert difference("project name", "", other, stack.name) in found
    assert {each.subject for each in found} == {"project name", "network"}
    assert stack.compare(stack.declared(project_name=other)) == []
    # One that Compose would recreate goes before it, as soon as it has run.
    stack.up()
    assert stack.look().project == stack.name


def test_nothing_is_deployed_where_another_directory_has_such_a_service(
    stack: Stack, tmp_path: Path
) -> None:
    stack.write(SLEEP)
    stack.up()
    wanted = replace(
        stack.declared(), project="other", directory=tmp_path / "x", files=(tmp_path / "x.yml",)
    )

    assert deployed(stack.engine, wanted) is None


def test_a_tag_that_moved_and_an_image_of_another_name_are_named(stack: Stack) -> None:
    tag = f"{stack.name}/milvus:v1"

    def build(line: str) -> None:
        dockerfile = f"FROM {MILVUS}\n{line}\n"
        command = ["docker", "build", "-q", "-t", tag, "-"]
        subprocess.run(command, input=dockerfile.encode(), capture_output=True, check=True)

    stack.write({**SLEEP, "image": tag})
    try:
        build("ENV VERSION=1")
        stack.up()
        assert stack.compare() == []
        build("ENV VERSION=2")

        wanted = stack.declared()
        moved = differences(stack.look(wanted), wanted)
        stack.write(SLEEP)
        renamed = stack.compare()
    finally:
        stack.compose("down", "--timeout", "1")
        subprocess.run(["docker", "rmi", "-f", tag], capture_output=True, check=False)

    assert [(each.subject, each.name) for each in moved] == [("image", tag)]
    assert f"image: {tag} in the container, {MILVUS} in the files" in renamed


def test_data_in_the_layer_alone_is_found(stack: Stack) -> None:
    stack.write(
        {
            **SLEEP,
            "volumes": ["data:/var/lib/milvus", "./deep:/srv/deep/data"],
        },
        volumes={"data": {}},
    )
    stack.up()
    places = ["default.etcd", "/var/lib/milvus", "/srv", "/milvus/empty"]
    stack.run("mkdir -p empty/dir logs /srv/logs; echo 1 > /srv/milvus.pid; echo 1 > /srv/logs/a")
    assert unmounted_data(stack.engine, stack.look(), places) == ()

    stack.run("mkdir -p default.etcd/member/snap; echo 1 > default.etcd/member/snap/db")
    stack.run("echo 1 > default.etcd/member/0.wal; echo 1 > /var/lib/milvus/kept")
    (found,) = unmounted_data(stack.engine, stack.look(), places)

    assert (found.directory, found.files) == ("/milvus/default.etcd", 2)
    assert found.example == "/milvus/default.etcd/member/0.wal"


def test_a_configuration_that_was_changed_inside_is_found_and_read(stack: Stack) -> None:
    stack.write(
        {**SLEEP, "configs": [{"source": "given", "target": "/milvus/configs/given.yaml"}]},
        configs={"given": {"content": "a: 1"}},
    )
    stack.up()
    wanted = stack.declared()
    assert changed_files(stack.look(), copied=wanted.copied) == ()

    stack.run("echo 'mode: 1' > configs/milvus.yaml; ln -s milvus.yaml configs/link.yaml")
    found = stack.look()
    stack.compose("stop", "-t", "1")

    changes = changed_files(found, copied=wanted.copied)
    assert [(each.path, each.kind) for each in changes] == [
        ("/milvus/configs/link.yaml", "added"),
        ("/milvus/configs/milvus.yaml", "changed"),
    ]
    for change in changes:
        assert read_file(stack.engine, found.container.id, change.path) == b"mode: 1\n"


def test_a_file_in_a_container_is_read_within_limits(stack: Stack) -> None:
    stack.write(SLEEP)
    stack.up()
    stack.run("head -c 5000000 /dev/zero > /big; : > /none; ln -s big /link; mkfifo /fifo")
    container = stack.look().container.id

    def read(path: str) -> bytes | None:
        return read_file(stack.engine, container, path)

    assert read("/none") == b""
    assert read("/missing/file") is None
    assert read_file(stack.engine, container, "/big", limit=5_000_000) == bytes(5_000_000)
    for path in ("/big", "/link", "/fifo", "/milvus"):
        with pytest.raises(
            FileUnreadable, match=f"{path} in the container is not a file of at most"
        ):
            read(path)

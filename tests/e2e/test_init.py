"""init on a real engine: from nothing, and from what standalone_embed.sh left, to a proved Milvus."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.conftest import IMAGES
from tests.e2e.image_names import ETCD, KAFKA, MILVUS, S3
from tests.e2e.session import Done, Project, pymilvus, run
from tests.e2e.whole_stack import ROLES
from tests.patience import LONG
from tests.unit.checks.servers import closed_port

pytestmark = pytest.mark.own_ports

INIT = (sys.executable, "-m", "compose_tls", "init")
OFFICIAL = IMAGES.parent / "with-official-names.sh"
PATIENT = {"COMPOSE_TLS_TIMEOUT": str(LONG)}

# An S3 server in MinIO's place, with the credentials that init made up; init --up gives it a certificate.
IDENTITY = {
    "name": "milvus",
    "credentials": [{"accessKey": "$$MINIO_ROOT_USER", "secretKey": "$$MINIO_ROOT_PASSWORD"}],
    "actions": ["Admin", "Read", "Write", "List"],
}
SERVER = "-ip=minio -ip.bind=0.0.0.0 -volume.max=20 -s3 -s3.port=9000 -s3.config=/s3.json"
# An imitation of Kafka in Pulsar's place: it tells its clients to come to the address that it listens at.
BROKER = (
    "exec noida-db start --only kafka --host $$(hostname -i) --kafka-port 9092 --data-dir /data"
)
OF_BROKER = {"MQ_TYPE": "kafka", "KAFKA_BROKERLIST": "pulsar:9092"}

SCRIPT = """\
#!/usr/bin/env bash
case $1 in
    start)
        touch embedEtcd.yaml user.yaml
        docker run -d \\
            --name {name} \\
            --security-opt seccomp:unconfined \\
            -e ETCD_USE_EMBED=true \\
            -e ETCD_DATA_DIR=/var/lib/milvus/etcd \\
            -e COMMON_STORAGETYPE=local \\
            -e DEPLOY_MODE=STANDALONE \\
            -e COMMON_SESSION_TTL=5 \\
            -v $(pwd)/volumes/milvus:/var/lib/milvus \\
            -v $(pwd)/user.yaml:/milvus/configs/user.yaml \\
            -p 127.0.0.1:{port}:19530 \\
            --health-cmd="curl -f http://localhost:9091/healthz" \\
            --health-interval=1s \\
            --health-retries=3 \\
            {image} \\
            milvus run standalone 1> /dev/null
        ;;
    stop) docker stop -t 1 {name} ;;
esac
"""

ROWS = """
import json, sys, time
from pymilvus import MilvusClient
given = json.load(sys.stdin)
for attempt in range(60):
    try:
        client = MilvusClient(timeout=5, **given["connect"])
        client.list_collections()
        break
    except Exception:
        time.sleep(1)
if given["insert"]:
    client.create_collection("kept", dimension=4)
    client.insert("kept", [{"id": i, "vector": [i, 1, 2, 3]} for i in range(given["insert"])])
client.load_collection("kept")
found = client.query("kept", filter="id >= 0", output_fields=["id"], consistency_level="Strong")
print(len(found))
"""


@pytest.fixture
def place(images: None, tmp_path: Path) -> Iterator[Callable[[str], Project]]:
    """Names a directory that is not there yet, as no other test run does."""
    made: list[Project] = []

    def name(what: str) -> Project:
        made.append(Project(tmp_path / f"init-{what}-{os.getpid()}"))
        return made[-1]

    yield name
    for project in made:
        if project.directory.exists():
            project.down()


def init(*arguments: str, directory: Path) -> Done:
    """Run init while the images have their official names, which are in what it writes."""
    return run(["sh", str(OFFICIAL), *INIT, *arguments], directory, environment=PATIENT)


def connect(done: Done, password: str) -> dict[str, object]:
    return {**done.document["connect"], "token": f"root:{password}"}


def rows(directory: Path, arguments: dict[str, object], *, insert: int = 0) -> int:
    given = json.dumps({"connect": arguments, "insert": insert})
    done = run([sys.executable, "-c", ROWS], directory, stdin=given)
    assert done.code == 0, done.err
    return int(done.out.splitlines()[-1])


@pytest.mark.parametrize("scope", ["proxy", "all"])
def test_from_nothing_to_an_encrypted_milvus_that_asks_for_a_password(
    place: Callable[[str], Project], scope: str
) -> None:
    project = place(f"embedded-{scope}")
    above = project.directory.parent
    port = closed_port()
    wanted = ("--flavour", "embedded-etcd", "--milvus", "2.3.5", "--publish", f"127.0.0.1:{port}")
    every = ("--scope", "all") if scope == "all" else ()
    done = init(project.directory.name, *wanted, *every, "--up", "--json", directory=above)
    password = require_proved(done, project.directory)
    assert pymilvus({"uri": f"http://127.0.0.1:{port}", "timeout": 2}, above).code != 0
    container, _ = project.container("standalone")
    seen = run(["docker", "inspect", container], above).out
    seen += project.compose("logs").out + done.out + done.err
    assert password not in seen

    again = run([*INIT, "--up", "--json"], project.directory, environment=PATIENT)
    assert again.code == 0, again.err
    assert again.document["changed"] is False
    if scope == "proxy":
        require_renewed(project, done, password)


def require_renewed(project: Project, done: Done, password: str) -> None:
    """A new project is renewed like any other: the new certificate is served, the password stays."""
    before = (project.directory / "cert" / "server.pem").read_bytes()
    renewed = project.compose_tls("renew", "--force", "--json")
    assert renewed.code == 0, renewed.err
    names = {check["name"] for check in renewed.document["checks"] if check["ok"]}
    assert "refuses-plain-text" in names
    assert (project.directory / "cert" / "server.pem").read_bytes() != before
    assert pymilvus(connect(done, password), project.directory).code == 0

    # Started by Docker Compose, a new root would have its default password.
    assert project.compose("down").code == 0
    status = run([*INIT[:-1], "status", "--json"], project.directory)
    assert status.document["next"] == "compose-tls init --up"


def stand_ins(project: Project, *milvus: str) -> None:
    """An override that puts other images into a new project, with what those need."""
    identities = json.dumps({"identities": [IDENTITY]}).replace('"', '\\"')
    services: dict[str, Any] = {
        "etcd": {"image": ETCD},
        "minio": {
            "image": S3,
            "entrypoint": ["sh", "-c"],
            "command": [
                f'echo "{identities}" > /s3.json; exec weed server -dir=/minio_data {SERVER}'
            ],
            # The first question may get no answer.
            "healthcheck": {"test": ["CMD", "curl", "-sm3", "http://localhost:9000/"]},
        },
    }
    of_broker = OF_BROKER if len(milvus) > 1 else {}
    if of_broker:
        services["pulsar"] = {
            "image": KAFKA,
            "entrypoint": ["sh", "-c", BROKER],
            "command": [],
            "healthcheck": {"test": ["CMD-SHELL", "exit 0"]},
            "cpus": 0.2,
        }
    for name in milvus:
        services[name] = {"image": MILVUS, "environment": of_broker, "stop_grace_period": "1s"}
    text = yaml.safe_dump({"services": services})
    (project.directory / "docker-compose.override.yml").write_text(text)


def require_proved(done: Done, directory: Path) -> str:
    """The password of root, once it is the only one, and each of them was tried from outside."""
    assert done.code == 0, done.err
    names = {check["name"] for check in done.document["checks"] if check["ok"]}
    assert {"root-password", "default-password", "refuses-plain-text"} <= names
    password = (directory / "cert" / "root-password").read_text().strip()
    assert pymilvus(connect(done, password), directory).code == 0
    assert pymilvus({**connect(done, "Milvus"), "timeout": 2}, directory).code != 0
    return password


@pytest.mark.parametrize("scope", ["proxy", "all"])
def test_a_standalone_with_etcd_and_an_object_store_is_started_in_a_second_step(
    place: Callable[[str], Project], scope: str
) -> None:
    project = place(f"standalone-{scope}")
    project.directory.mkdir()
    wanted = ("--milvus", "2.3.5", "--mode", "2", "--publish", f"127.0.0.1:{closed_port()}")
    made = run([*INIT, *wanted, "--scope", scope, "--json"], project.directory)
    assert made.document["next"] == ["compose-tls init --up"]
    stand_ins(project, "standalone")
    done = run([*INIT, "--up", "--json"], project.directory, environment=PATIENT)
    password = require_proved(done, project.directory)
    assert rows(project.directory, connect(done, password), insert=10) == 10
    if scope == "all":
        links = project.compose_tls("status", "--json").document["links"]
        plain = {link["purpose"] for link in links if link["encryption"] != "encrypted"}
        assert plain == {"metrics and health"}


def test_a_cluster_is_a_service_for_each_role(place: Callable[[str], Project]) -> None:
    project = place("cluster")
    project.directory.mkdir()
    wanted = ("--milvus", "2.3.5", "--flavour", "cluster")
    port = closed_port()
    made = run([*INIT, *wanted, "--publish", f"127.0.0.1:{port}", "--json"], project.directory)
    assert made.code == 0, made.err
    stand_ins(project, *ROLES)
    done = run([*INIT, "--up", "--json"], project.directory, environment=PATIENT)
    password = require_proved(done, project.directory)
    assert rows(project.directory, connect(done, password), insert=10) == 10
    assert pymilvus({"uri": f"http://127.0.0.1:{port}", "timeout": 2}, project.directory).code != 0


def test_the_data_of_standalone_embed_are_taken_over(place: Callable[[str], Project]) -> None:
    project = place("taken")
    project.directory.mkdir()
    container, port = f"milvus-standalone-{os.getpid()}", closed_port()
    script = SCRIPT.format(name=container, image=MILVUS, port=port)
    (project.directory / "standalone_embed.sh").write_text(script)
    start = run(["bash", "standalone_embed.sh", "start"], project.directory)
    try:
        assert start.code == 0, start.err
        assert rows(project.directory, {"uri": f"http://127.0.0.1:{port}"}, insert=10) == 10
        refused = run([*INIT, "--auth", "--up", "--json"], project.directory)
        assert refused.document["error"]["code"] == "container-in-the-way"
        steps = refused.document["error"]["hint"].split(" (")[0].split(", then ")
        assert steps == ["bash standalone_embed.sh stop", f"docker rm {container}"]
        for step in steps:
            assert run(step.split(), project.directory).code == 0
    finally:
        run(["docker", "rm", "-f", container], project.directory)
    done = run([*INIT, "--auth", "--up", "--json"], project.directory, environment=PATIENT)
    assert done.code == 0, done.err
    password = (project.directory / "cert" / "root-password").read_text().strip()
    assert rows(project.directory, connect(done, password)) == 10


def test_ctrl_c_leaves_nothing(place: Callable[[str], Project]) -> None:
    project = place("interrupted")
    above = project.directory.parent
    wanted = ("--flavour", "embedded-etcd", "--publish", f"127.0.0.1:{closed_port()}", "--up")
    command = [*INIT, project.directory.name, "--milvus", "2.3.5", *wanted]
    said: list[str] = []
    # A group of its own, which Ctrl-C reaches as a terminal's does.
    with subprocess.Popen(
        ["sh", OFFICIAL, *command],
        cwd=above,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        for line in process.stderr or ():
            said.append(line)
            if line.startswith("waiting for"):
                os.killpg(process.pid, signal.SIGINT)
    assert process.returncode == 130, "".join(said)
    assert "nothing of the new project is left" in "".join(said)
    assert not project.directory.exists()
    name = project.directory.name
    left = run(["docker", "ps", "-aq", "--filter", f"name={name}"], above).out
    left += run(["docker", "volume", "ls", "-q", "--filter", f"name={name}"], above).out
    left += run(["docker", "network", "ls", "-q", "--filter", f"name={name}"], above).out
    assert left == ""


def test_data_of_an_earlier_project_of_that_name_are_not_worked_on(
    place: Callable[[str], Project],
) -> None:
    project = place("again")
    volume = f"{project.directory.name}_milvus"
    above = project.directory.parent
    run(["docker", "volume", "create", volume], above)
    try:
        wanted = ("--flavour", "embedded-etcd", "--up", "--json")
        done = run([*INIT, project.directory.name, *wanted], above)
        assert done.document["error"]["code"] == "data-exists"
        assert not project.directory.exists()
    finally:
        run(["docker", "volume", "rm", volume], above)

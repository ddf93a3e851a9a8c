"""A stack of ``export swarm`` on a real swarm: mutual TLS, and another key by a rolling update."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose_tls.errors import InvalidSetting
from compose_tls.targets.release import Release
from compose_tls.targets.swarm import LONGEST
from tests.e2e.image_names import ETCD, MILVUS, S3
from tests.e2e.session import Done, Project, run
from tests.e2e.swarm import Swarm, swarm_of_one
from tests.patience import LONG

STACK = "vec"
SERVICE = f"{STACK}_standalone"
# No port through the routing mesh and no virtual addresses: both need IPVS in the kernel.
COMPOSE = f"""\
version: '3.5'
services:
  etcd:
    image: {ETCD}
    command: etcd -advertise-client-urls=http://etcd:2379 -listen-client-urls http://0.0.0.0:2379
    deploy: {{endpoint_mode: dnsrr}}
  standalone:
    image: {MILVUS}
    command: ["milvus", "run", "standalone"]
    environment:
      ETCD_ENDPOINTS: etcd:2379
      COMMON_STORAGETYPE: local
      COMMON_SESSION_TTL: "10"  # the session of the task before expires in seconds, not in a minute
    deploy: {{endpoint_mode: dnsrr}}
    ports:
      - {{target: 19530, published: 19530, mode: host}}
    stop_grace_period: 1s
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:9091/healthz"]
      interval: 1s
      start_period: 90s
      timeout: 20s
      retries: 3
"""

# Rows go to an S3 server, as in whole_stack.py; a stack knows no configs with a content.
S3_USERS = json.dumps({"identities": [{"name": "milvus", "credentials": [
    {"accessKey": "minioadmin", "secretKey": "minioadmin"}
], "actions": ["Admin", "Read", "Write", "List"]}]})  # fmt: skip
WHOLE = (
    COMPOSE.replace("      COMMON_STORAGETYPE: local\n", "      MINIO_ADDRESS: minio:9000\n")
    + f"""\
  minio:
    image: {S3}
    entrypoint: ["sh", "-c"]
    command:
      - >-
        echo '{S3_USERS}' > /s3.json;
        exec weed server -dir=/data -ip=minio -ip.bind=0.0.0.0 -volume.max=20
        -s3 -s3.port=9000 -s3.config=/s3.json
    deploy: {{endpoint_mode: dnsrr}}
    volumes: ["store:/data"]
volumes: {{store: {{}}}}
"""
)

ROWS = """
import json, sys
from pymilvus import MilvusClient
client = MilvusClient(timeout=60, **json.load(sys.stdin))
client.create_collection("kept", dimension=4)
client.insert("kept", [{"id": i, "vector": [i, 1, 2, 3]} for i in range(10)])
client.flush("kept")
print(len(client.query("kept", filter="id >= 0", consistency_level="Strong")))
"""

# Goes on through a rolling update: each call is tried again on a fresh connection, never without TLS.
CLIENT = """
import json, sys, time, grpc
from pathlib import Path
cert = Path(sys.argv[1])
def channel():
    read = lambda name: (cert / name).read_bytes()
    held = grpc.ssl_channel_credentials(read("ca.pem"), read("client.key"), read("client.pem"))
    options = [("grpc.ssl_target_name_override", sys.argv[2])]
    return grpc.secure_channel("127.0.0.1:19530", held, options)
while not Path(sys.argv[3]).exists():
    with channel() as there:
        try:
            ask = there.unary_unary("/milvus.proto.milvus.MilvusService/GetVersion")
            ask(b"", timeout=2)
            print("answered", flush=True)
        except grpc.RpcError as error:
            print(error.code().name, error.details().replace("\\n", " "), flush=True)
    time.sleep(0.2)
"""


@pytest.fixture(scope="module")
def swarm(images: None) -> Iterator[Swarm]:
    with swarm_of_one([MILVUS, ETCD, S3]) as found:
        yield found


@pytest.fixture
def project(tmp_path: Path, swarm: Swarm) -> Iterator[Project]:
    (tmp_path / "docker-compose.yml").write_text(COMPOSE)
    project = Project(tmp_path)
    yield project
    swarm.docker("stack", "rm", STACK, directory=tmp_path)
    # It returns before its network is gone, which the next stack of the name would still find.
    ends = time.monotonic() + LONG
    left = ["network", "ls", "--quiet", "--filter", f"label=com.docker.stack.namespace={STACK}"]
    while swarm.docker(*left, directory=tmp_path).out.strip() and time.monotonic() < ends:
        time.sleep(0.5)


def deploy(project: Project, swarm: Swarm) -> None:
    """Export and deploy, by the printed command."""
    found = project.compose_tls("export", "swarm", "--name", STACK, "-o", "stack.yml", "--json")
    assert found.code == 0, found.err
    [command] = found.document["next"]
    # This swarm reaches no registry.
    words = [*command.removeprefix("docker ").split(), "--resolve-image", "never"]
    done = swarm.docker(*words, directory=project.directory)
    assert done.code == 0, done.err


def check(project: Project, swarm: Swarm) -> Done:
    ca, client, key = (f"cert/{name}" for name in ("ca.pem", "client.pem", "client.key"))
    trusted = ["--ca-cert", ca, "--client-cert", client, "--client-key", key]
    where = ["--host", "127.0.0.1", "--server-name", SERVICE, "--json"]
    command = [sys.executable, "-m", "compose_tls", "check", *trusted, *where]
    return swarm.inside(command, project.directory)


def proved(project: Project, swarm: Swarm, sha256: str) -> dict[str, Any]:
    """The document of a check that passes, once the service shows a certificate."""
    ends = time.monotonic() + LONG
    while served(project, swarm) != sha256:
        assert time.monotonic() < ends, tasks(project, swarm)
        time.sleep(0.5)
    while (done := check(project, swarm)).code and time.monotonic() < ends:
        time.sleep(0.5)
    assert done.code == 0, done.out + done.err
    return done.document


def served(project: Project, swarm: Swarm) -> str:
    """The fingerprint of the certificate that a connection meets; empty for none."""
    ask = ["openssl", "s_client", "-connect", "127.0.0.1:19530", "-alpn", "h2"]
    shown = swarm.inside(ask, project.directory).out
    text = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    found = run(text, project.directory, stdin=shown).out
    return found.strip().rpartition("=")[2].replace(":", "").lower()


def tasks(project: Project, swarm: Swarm) -> str:
    return swarm.docker("stack", "ps", "--no-trunc", STACK, directory=project.directory).out


def exported(project: Project) -> str:
    found = project.compose_tls("export", "swarm", "--name", STACK, "-o", "stack.yml", "--json")
    fingerprint: str = found.document["certificates"][0]["sha256"]
    return fingerprint


def held(project: Project, swarm: Swarm) -> dict[str, str]:
    """Mode, owner and digest of each file that the container of the service sees."""
    listed = swarm.docker(
        "ps", "-q", "--filter", f"name={SERVICE}", directory=project.directory
    ).out.split()  # fmt: skip
    look = "cd /milvus/tls && stat -c '%n %a %u' * && sha256sum *"
    done = swarm.docker("exec", listed[0], "sh", "-c", look, directory=project.directory)
    return {line.split()[-1] if len(line.split()[0]) == 64 else line: line.split()[0]
            for line in done.out.splitlines()}  # fmt: skip


def test_a_stack_speaks_mutual_tls_and_changes_its_key_while_a_client_goes_on(
    project: Project, swarm: Swarm, tmp_path: Path
) -> None:
    assert project.compose_tls("enable", "--mode", "2").code == 0
    deploy(project, swarm)
    first = exported(project)
    checks = {one["name"]: one["ok"] for one in proved(project, swarm, first)["checks"]}
    assert checks["refuses-plain-text"]
    assert checks["refuses-anonymous-client"]
    assert checks["refuses-foreign-client"]
    seen = held(project, swarm)
    assert {"server.pem 444 0", "ca.pem 444 0", "server.key 400 0"} <= set(seen)
    files = {"server.pem": f"exports/swarm.{STACK}.pem", "ca.pem": "ca.pem"}
    for there, file in files.items():
        digest = run(["sha256sum", str(tmp_path / "cert" / file)], tmp_path).out.split()[0]
        assert seen[there] == digest
    mounts = swarm.docker(
        *(
            "service",
            "inspect",
            SERVICE,
            "--format",
            "{{json .Spec.TaskTemplate.ContainerSpec.Mounts}}",
        ),
        directory=tmp_path,
    ).out
    assert [one["Type"] for one in json.loads(mounts) if one["Target"] == "/milvus/tls"] == [
        "tmpfs"
    ]

    stop, log = tmp_path / "stop", tmp_path / "client.log"
    command = [sys.executable, "-c", CLIENT, str(tmp_path / "cert"), SERVICE, str(stop)]
    with log.open("w") as out:
        client = subprocess.Popen(swarm.entered(command), stdout=out, stderr=subprocess.STDOUT)
    try:
        for own in (tmp_path / "cert" / "exports").iterdir():
            own.unlink()
        deploy(project, swarm)
        second = exported(project)
        assert second != first
        proved(project, swarm, second)
        answered = log.read_text().count("answered")
        ends = time.monotonic() + LONG
        while log.read_text().count("answered") <= answered and time.monotonic() < ends:
            time.sleep(0.2)
    finally:
        stop.touch()
        client.wait(LONG)
    answers = log.read_text().splitlines()
    assert answers[0] == answers[-1] == "answered"
    # A server that is not there, or not ready, for a moment; never one whose certificate is not trusted.
    assert "certificate" not in log.read_text().lower(), set(answers)
    secrets = swarm.docker("secret", "ls", "--format", "{{.Name}}", directory=tmp_path).out.split()
    assert len([name for name in secrets if name.startswith(f"{STACK}_server_key_")]) == 2


def test_a_stack_has_tls_on_every_link_that_the_project_has(
    project: Project, swarm: Swarm, tmp_path: Path
) -> None:
    (tmp_path / "docker-compose.yml").write_text(WHOLE)
    enabled = project.compose_tls("enable", "--mode", "2", "--scope", "all", "--json")
    assert enabled.code == 0, enabled.err
    deploy(project, swarm)
    proved(project, swarm, exported(project))

    arguments = {
        **enabled.document["connect"],
        "uri": "https://127.0.0.1:19530",
        "server_name": SERVICE,
    }
    done = run(swarm.entered([sys.executable, "-c", ROWS]), tmp_path, stdin=json.dumps(arguments))
    assert (done.code, done.out.split()[-1:]) == (0, ["10"]), done.err

    # What asks without TLS, or without a certificate, is refused inside of the stack as well.
    inside = {name: container(project, swarm, name) for name in ("etcd", "minio")}
    plain = "etcdctl --endpoints=http://127.0.0.1:2379 --command-timeout=3s get --prefix by-dev"
    assert swarm.docker("exec", inside["etcd"], *plain.split(), directory=tmp_path).code != 0
    foreign = plain.replace("http:", "https:") + " --cacert=/tls/ca.pem"
    unset = "env -u ETCDCTL_CERT -u ETCDCTL_KEY -u ETCDCTL_CACERT"
    done = swarm.docker("exec", inside["etcd"], *f"{unset} {foreign}".split(), directory=tmp_path)
    assert done.code != 0
    ask = ("curl", "-sm5", "-o", "/dev/null", "-w", "%{http_code}", "http://minio:9000/")
    assert swarm.docker("exec", inside["minio"], *ask, directory=tmp_path).out in {"000", "400"}


def container(project: Project, swarm: Swarm, service: str) -> str:
    """The container of a service."""
    listed = swarm.docker(
        "ps", "-q", "--filter", f"name={STACK}_{service}", directory=project.directory
    )  # fmt: skip
    return listed.out.split()[0]


@pytest.mark.parametrize(
    "service", ["x" * 56, "x" * 57, "-", "m.dot", "_m", "m_x", "m--x", "m-_x", "9m", "M"]
)
def test_a_service_name_is_refused_where_swarm_refuses_it(
    swarm: Swarm, tmp_path: Path, service: str
) -> None:
    name = f"limits_{service}"
    create = ("service", "create", "--detach", "--replicas", "0", "--name", name, MILVUS)
    taken = swarm.docker(*create, directory=tmp_path).code == 0

    try:
        ours = Release("swarm", "limits").swarm_service(service)
    except InvalidSetting:
        ours = None

    assert ours == (name if taken else None)


@pytest.mark.parametrize("kind", ["config", "secret"])
def test_a_config_or_secret_has_64_characters_at_most(
    swarm: Swarm, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "content").write_text("x")
    taken = [
        swarm.docker(kind, "create", "x" * length, "content", directory=tmp_path).code == 0
        for length in (LONGEST, LONGEST + 1)
    ]
    assert taken == [True, False]

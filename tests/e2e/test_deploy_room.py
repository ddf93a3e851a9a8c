"""compose_tls.deploy on a real engine, with real Compose and, where Milvus matters, a real Milvus."""

from __future__ import annotations

import json
import os
import select
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.container import ContainerFacts
from compose_tls.deploy.engine import Engine
from compose_tls.deploy.wait import wait_until_ready
from compose_tls.errors import (
    ComposeFailed,
    ContainerExited,
    EngineRemote,
    EngineUnreachable,
    NotReady,
    PortTaken,
)
from tests.e2e.image_names import ETCD, MILVUS
from tests.patience import LONG

pytestmark = pytest.mark.own_ports

SLEEP = {"image": MILVUS, "entrypoint": ["sleep", "600"], "init": True, "stop_grace_period": "1s"}
STANDALONE: dict[str, Any] = {
    "image": MILVUS,
    "command": ["milvus", "run", "standalone"],
    "stop_grace_period": "1s",
    "environment": {
        "ETCD_USE_EMBED": "true",
        "ETCD_DATA_DIR": "/var/lib/milvus/etcd",
        "COMMON_STORAGETYPE": "local",
        "COMMON_SECURITY_TLSMODE": "2",
        "PROXY_HTTP_ENABLED": "false",
        "TLS_SERVERPEMPATH": "/milvus/tls/server.pem",
        "TLS_SERVERKEYPATH": "/milvus/tls/server.key",
        "TLS_CAPEMPATH": "/milvus/tls/ca.pem",
    },
    "volumes": ["./tls:/milvus/tls:ro"],
}


@dataclass(slots=True)
class Room:
    """A Compose project in a directory of its own, and the room's view of it."""

    directory: Path
    engine: Engine
    cli: ComposeCli
    environment: dict[str, str]
    name: str = field(default_factory=lambda: f"compose-tls-room-{uuid.uuid4().hex[:8]}")

    @property
    def project(self) -> ComposeInvocation:
        return ComposeInvocation(self.directory, (), self.environment)

    def write(self, services: Mapping[str, Any]) -> None:
        """Write the compose file. JSON is YAML, too."""
        document = {"name": self.name, "services": services}
        (self.directory / "compose.yaml").write_text(json.dumps(document), encoding="utf-8")

    def up(self, *services: str) -> None:
        self.cli.up(self.project, services, port_owner=self.engine.port_owner)

    def facts(self, service: str) -> ContainerFacts:
        facts = self.engine.container(self.name, service)
        assert facts is not None
        return facts

    def identity(self, service: str) -> tuple[str, datetime | None]:
        facts = self.facts(service)
        return facts.id, facts.started_at

    def compose(self, *arguments: str) -> str:
        return subprocess.run(
            ["docker", "compose", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def wait(self, probe: Callable[[], Answer], timeout: float, events: list[str]) -> Answer:
        """Wait for the service `standalone`, of whose log everything since now counts."""
        since = datetime.now(UTC)

        def log() -> list[str]:
            found = self.engine.container(self.name, "standalone")
            return self.engine.log_tail(found.id, since=since) if found else []

        self.up("standalone")
        return wait_until_ready(
            probe,
            lambda: self.engine.container(self.name, "standalone"),
            log,
            service="standalone",
            timeout=timeout,
            on_event=events.append,
        )


@dataclass(frozen=True)
class Answer:
    ready: bool
    detail: str


def never() -> Answer:
    return Answer(ready=False, detail="nobody asks it")


@pytest.fixture
def room(images: None, tmp_path: Path) -> Iterator[Room]:
    with Engine.connect(os.environ) as engine:
        room = Room(tmp_path, engine, ComposeCli.find(os.environ), dict(os.environ))
        yield room
        if (tmp_path / "compose.yaml").exists():
            room.environment = dict(os.environ)
            room.compose(
                "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "1"
            )


def test_a_stopped_project_is_started_as_docker_compose_up_would(room: Room) -> None:
    room.write({"etcd": SLEEP, "standalone": SLEEP, "debug": {**SLEEP, "profiles": ["debug"]}})

    room.up("standalone")

    assert {state.service for state in room.cli.ps(room.project)} == {"etcd", "standalone"}
    assert room.cli.config(room.project)["name"] == room.name


def test_profiles_of_the_environment_are_honoured(room: Room) -> None:
    room.write({"standalone": SLEEP, "debug": {**SLEEP, "profiles": ["debug"]}})
    room.environment["COMPOSE_PROFILES"] = "debug"

    room.up("standalone")

    assert {state.service for state in room.cli.ps(room.project)} == {"debug", "standalone"}


def test_a_milvus_behind_a_profile_that_is_off_is_started_with_what_it_needs(room: Room) -> None:
    room.write(
        {
            "api": SLEEP,
            "etcd": SLEEP,
            "standalone": {**SLEEP, "profiles": ["milvus"], "depends_on": ["etcd"]},
        }
    )

    room.up("standalone")

    running = {state.service for state in room.cli.ps(room.project) if state.running}
    assert running == {"etcd", "standalone"}


def test_an_env_file_does_not_have_other_containers_removed(room: Room) -> None:
    room.write({"precious": SLEEP})
    room.compose("up", "-d")
    precious = room.identity("precious")
    # What a stranger's project says, which calls itself like one of the user's.
    room.write({"standalone": SLEEP})
    (room.directory / ".env").write_text("COMPOSE_REMOVE_ORPHANS=true\n", encoding="utf-8")

    room.up("standalone")

    assert room.identity("precious") == precious
    assert room.facts("standalone").running


def test_a_service_whose_name_begins_with_a_hyphen_is_no_option(room: Room) -> None:
    # `--always-recreate-deps` as an option would replace etcd.
    name = "--always-recreate-deps"
    room.write({"etcd": SLEEP, name: {**SLEEP, "container_name": f"{room.name}-odd"}})
    room.compose("up", "-d")
    etcd, odd = room.identity("etcd"), room.facts(name)

    room.up(name)
    replaced = room.facts(name)
    room.cli.restart(room.project, [name])
    restarted = room.facts(name)
    room.cli.stop(room.project, [name])

    assert room.identity("etcd") == etcd
    assert odd.id != replaced.id == restarted.id
    assert restarted.started_at != replaced.started_at
    assert not room.facts(name).running


def test_what_names_the_project_reaches_compose(room: Room) -> None:
    room.write({"standalone": {**SLEEP, "profiles": ["db"], "environment": ["FROM"]}})
    (room.directory / "compose.yaml").rename(room.directory / "base.yml")
    (room.directory / "prod.env").write_text(f"COMPOSE_PROJECT_NAME=ignored\nFROM={room.name}\n")
    elsewhere = room.directory / "elsewhere"
    elsewhere.mkdir()
    project = ComposeInvocation(
        room.directory,
        (Path("base.yml"),),
        room.environment,
        project_name=f"{room.name}-x",
        project_directory=elsewhere,
        env_files=(Path("prod.env"),),
        profiles=("db",),
    )

    config = room.cli.config(project)

    assert config["name"] == f"{room.name}-x"
    assert config["services"]["standalone"]["environment"] == {"FROM": room.name}


def test_files_given_with_f_are_used(room: Room) -> None:
    room.write({"standalone": SLEEP})
    (room.directory / "compose.yaml").rename(room.directory / "base.yml")
    (room.directory / "more.yml").write_text(json.dumps({"services": {"etcd": SLEEP}}))
    project = ComposeInvocation(
        room.directory, (Path("base.yml"), Path("more.yml")), room.environment
    )

    assert set(room.cli.config(project)["services"]) == {"standalone", "etcd"}
    with pytest.raises(ComposeFailed, match="no configuration file provided"):
        room.cli.config(room.project)


def test_only_the_milvus_service_is_replaced_in_a_running_project(room: Room) -> None:
    tls = room.directory / "tls"
    tls.mkdir()
    (tls / "server.pem").write_text("old")
    standalone = {
        **SLEEP,
        "depends_on": ["etcd", "minio"],
        "volumes": ["./tls/server.pem:/server.pem"],
    }
    room.write(
        {
            "etcd": SLEEP,
            "minio": SLEEP,
            "standalone": standalone,
            "attu": {**SLEEP, "depends_on": {"standalone": {"condition": "service_started"}}},
        }
    )
    room.compose("up", "-d")
    others = {service: room.identity(service) for service in ("etcd", "minio", "attu")}
    milvus = room.identity("standalone")
    # A replaced file stays the old one in a container that has it mounted by itself.
    (tls / "new.pem").write_text("new")
    (tls / "new.pem").replace(tls / "server.pem")
    room.compose("up", "-d")
    assert room.identity("standalone") == milvus, "up -d does nothing after such an edit"
    events: list[str] = []

    room.cli.up(room.project, ["standalone"], on_event=events.append)

    assert {service: room.identity(service) for service in others} == others
    assert room.facts("standalone").id != milvus[0]
    assert room.compose("exec", "-T", "standalone", "cat", "/server.pem") == "new"
    assert f"container {room.name}-standalone-1: recreated" in events


def test_dependencies_that_stopped_are_started_again_and_none_is_replaced(room: Room) -> None:
    services = {
        "etcd": SLEEP,
        "minio": SLEEP,
        "standalone": {**SLEEP, "depends_on": ["etcd", "minio"]},
    }
    room.write(services)
    room.compose("up", "-d")
    etcd, minio = room.facts("etcd"), room.identity("minio")
    room.compose("stop", "etcd")
    # A definition that was edited since would make a plain `up --force-recreate` replace them.
    changed = {**SLEEP, "environment": {"EDITED": "1"}}
    room.write({**services, "etcd": changed, "minio": changed})

    room.up("standalone")

    assert room.facts("etcd").id == etcd.id
    assert room.facts("etcd").running
    assert room.identity("minio") == minio
    assert room.facts("standalone").running


def test_a_dependency_that_has_to_be_healthy_is_waited_for(room: Room) -> None:
    healthy = {"test": "test -e /tmp/healthy", "interval": "200ms", "retries": 50}
    slow = ["sh", "-c", "sleep 2; touch /tmp/healthy; sleep 600"]
    room.write(
        {
            "etcd": {**SLEEP, "entrypoint": slow, "healthcheck": healthy},
            "standalone": {**SLEEP, "depends_on": {"etcd": {"condition": "service_healthy"}}},
        }
    )
    room.compose("up", "-d")
    room.compose("stop", "etcd")
    room.compose("rm", "-f", "etcd")

    room.up("standalone")

    assert room.facts("etcd").health == "healthy"


@pytest.mark.parametrize(
    ("test", "timeout", "said"),
    [
        ("true", "90s", None),
        ("echo on its way; sleep 1; echo nope >&2; exit 3", "90s", "nope"),
        ("exit 3", "90s", "exit code 3"),
        ("echo slow; sleep 600", "1s", "no answer within 1 s"),
    ],
)
def test_a_health_check_is_run_as_the_engine_does(
    room: Room, test: str, timeout: str, said: str | None
) -> None:
    check = {"test": ["CMD-SHELL", test], "interval": "600s", "timeout": timeout}
    room.write({"standalone": {**SLEEP, "healthcheck": check}})
    room.compose("up", "-d")
    began = time.monotonic()

    assert room.engine.health_check(room.facts("standalone").id) == said

    assert time.monotonic() - began < LONG


def test_a_port_that_another_container_has_is_named_with_it(room: Room) -> None:
    room.write({"old": {**SLEEP, "ports": ["127.0.0.1::19530"]}})
    room.compose("up", "-d")
    place = room.facts("old").published_port(19530)
    assert place is not None
    old = f"container {room.name}-old-1 of project {room.name}"
    assert room.engine.port_owner(place[1]) == old
    room.write({"old": SLEEP, "standalone": {**SLEEP, "ports": [f"127.0.0.1:{place[1]}:19530"]}})

    with pytest.raises(PortTaken) as caught:
        room.up("standalone")

    assert f"port {place[1]}" in caught.value.message
    assert old in caught.value.message


def test_a_port_that_another_program_has_is_named(room: Room) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        room.write({"standalone": {**SLEEP, "ports": [f"127.0.0.1:{port}:19530"]}})

        with pytest.raises(PortTaken, match=f"port {port}.* is in use by another program"):
            room.up("standalone")

    assert room.engine.port_owner(port) is None


def test_a_file_that_docker_made_a_directory_is_explained(room: Room) -> None:
    # Docker makes the directory when ./milvus.yaml is missing, and then cannot mount it.
    volume = "./milvus.yaml:/milvus/configs/milvus.yaml"
    room.write({"standalone": {**SLEEP, "volumes": [volume]}})

    with pytest.raises(ComposeFailed) as caught:
        room.up("standalone")

    assert "/milvus/configs/milvus.yaml is a file in the image but" in caught.value.message
    assert "the engine says: …" in caught.value.message
    assert "Docker makes a directory of a file that is missing" in caught.value.hint
    facts = room.facts("standalone")
    assert (facts.status, facts.started_at) == ("created", None)
    with pytest.raises(
        ContainerExited, match=r"could not be started: /milvus/configs/milvus\.yaml is"
    ):
        wait_until_ready(never, lambda: facts, list, service="standalone", timeout=5)


@pytest.mark.parametrize(
    ("services", "words"),
    [
        (
            {"standalone": {**SLEEP, "environment": {"KEY": "hunter2${"}}},
            "environment.KEY: a literal",
        ),
        ({"standalone": {**SLEEP, "environment": 7}}, "environment must be a mapping"),
        ({"standalone": {**SLEEP, "networks": ["none"]}}, "undefined network none"),
    ],
)
def test_what_compose_refuses_is_told_in_its_words(
    room: Room, services: dict[str, Any], words: str
) -> None:
    room.write(services)

    with pytest.raises(ComposeFailed, match="docker compose config failed:") as caught:
        room.up("standalone")

    assert words in caught.value.message
    assert "hunter2" not in caught.value.message
    room.write({"standalone": SLEEP})


def test_an_engine_that_compose_cannot_reach_is_unreachable(room: Room) -> None:
    room.write({"standalone": SLEEP})
    room.environment["DOCKER_HOST"] = f"unix://{room.directory}/none.sock"

    with pytest.raises(EngineUnreachable, match="Docker Compose cannot reach"):
        room.cli.ps(room.project)


def test_an_engine_that_dotenv_names_is_neither_ours_nor_that_of_compose(room: Room) -> None:
    # Compose 2 takes the engine from its own environment alone (docker/compose#9871), and so do we.
    room.write({"standalone": SLEEP})
    (room.directory / ".env").write_text("DOCKER_HOST=tcp://192.0.2.1:2375\nDOCKER_CONTEXT=far\n")

    room.up("standalone")

    assert room.facts("standalone").running


def test_a_container_is_seen_as_it_is(room: Room) -> None:
    room.write(
        {
            "standalone": {
                **SLEEP,
                "user": "999:999",
                "ports": ["127.0.0.1::19530", "9091"],
                "container_name": f"{room.name}-named",
            },
            "host": {**SLEEP, "network_mode": "host"},
        }
    )

    room.up("standalone")

    facts = room.facts("standalone")
    assert facts.name == f"{room.name}-named"
    assert (facts.user, facts.image, facts.running) == ("999:999", MILVUS, True)
    assert facts.started_at is not None
    assert abs((datetime.now(UTC) - facts.started_at).total_seconds()) < LONG
    for port in (19530, 9091):
        place = facts.published_port(port)
        assert place is not None
        with socket.create_connection(place, timeout=5):
            pass
    assert room.facts("host").published_port(19530) == ("127.0.0.1", 19530)
    room.cli.stop(room.project, ["standalone"])
    assert room.facts("standalone").status == "exited"


def test_a_container_in_the_network_of_another_has_its_ports(room: Room) -> None:
    room.write(
        {
            "vpn": {**SLEEP, "ports": ["127.0.0.1::19530"]},
            "standalone": {**SLEEP, "network_mode": "service:vpn"},
        }
    )

    room.up("standalone")

    milvus, vpn = room.facts("standalone"), room.facts("vpn")
    assert milvus.published_port(19530) == vpn.published_port(19530) is not None
    assert milvus.networks == vpn.networks
    assert milvus.id != vpn.id == milvus.network_owner


def test_what_is_not_there_is_none_or_nothing(room: Room) -> None:
    assert room.engine.container(room.name, "standalone") is None
    assert room.engine.log_tail("0123456789abcdef") == []
    assert room.engine.image("compose-tls-e2e/no-such-image:0") is None
    image = room.engine.image(MILVUS)
    assert image is not None
    assert image.user == ""


def test_the_log_is_read_from_its_end_and_from_a_time_on(room: Room) -> None:
    waits = "until [ -e /go ]; do sleep 0.1; done"
    script = f"echo one; echo two >&2; {waits}; printf 'dr\\303\\266lf\\377\\n'; sleep 600"
    room.write({"standalone": {**SLEEP, "entrypoint": ["bash", "-c", script]}})

    def logged(lines: int) -> None:
        deadline = time.monotonic() + LONG
        while len(room.engine.log_tail(container)) < lines:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    room.up("standalone")
    container = room.facts("standalone").id
    logged(2)
    later = datetime.now(UTC)
    room.compose("exec", "-T", "standalone", "touch", "/go")
    logged(3)

    assert sorted(room.engine.log_tail(container)) == ["drölf\ufffd", "one", "two"]
    assert room.engine.log_tail(container, lines=1) == ["drölf\ufffd"]
    assert room.engine.log_tail(container, since=later) == ["drölf\ufffd"]


class Relay(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Passes everything on to the engine, so that an engine can go away and the real one stay."""

    daemon_threads = True

    def __init__(self, path: Path, address: str) -> None:
        super().__init__(str(path), RelayConnection)
        self.address = address
        self.gone = False


class RelayConnection(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Relay)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
            engine.connect(self.server.address)
            ends = {self.request: engine, engine: self.request}
            while True:
                for end in select.select(list(ends), [], [])[0]:
                    if not (data := end.recv(65536)) or self.server.gone:
                        return
                    ends[end].sendall(data)


def test_an_engine_that_goes_away_is_unreachable(images: None, tmp_path: Path) -> None:
    with Engine.connect(os.environ) as engine:
        address = engine.endpoint.address
    assert isinstance(address, str), "the engine of these tests is expected on a Unix socket"
    path = tmp_path / "docker.sock"
    with Relay(path, address) as relay:
        threading.Thread(target=relay.serve_forever, daemon=True).start()
        with Engine.connect({**os.environ, "DOCKER_HOST": f"unix://{path}"}) as relayed:
            assert relayed.container("none", "none") is None
            relay.gone = True

            with pytest.raises(EngineUnreachable, match="gives an invalid answer"):
                relayed.container("none", "none")
        relay.shutdown()


def test_the_current_docker_context_is_followed(images: None, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")},
        "DOCKER_CONFIG": str(tmp_path),
    }
    with Engine.connect(os.environ) as engine:
        url = engine.endpoint.url
    for name, host in (("here", url), ("there", "ssh://nobody@docker.invalid")):
        create = ["docker", "context", "create", name, "--docker", f"host={host}"]
        subprocess.run(create, env=environment, capture_output=True, check=True)

    for name in ("here", "there"):
        use = ["docker", "context", "use", name]
        subprocess.run(use, env=environment, capture_output=True, check=True)
        if name == "here":
            with Engine.connect(environment) as engine:
                assert engine.endpoint.source == "the context here"
                assert engine.container("none", "none") is None
        else:
            with pytest.raises(EngineRemote, match="the context there"):
                Engine.connect(environment)


def issue(directory: Path) -> trustme.CA:
    """Put a working server.pem, server.key and ca.pem into ./tls."""
    tls = directory / "tls"
    tls.mkdir()
    ca = trustme.CA()
    server = ca.issue_cert("localhost")
    server.cert_chain_pems[0].write_to_path(tls / "server.pem")
    server.private_key_pem.write_to_path(tls / "server.key")
    ca.cert_pem.write_to_path(tls / "ca.pem")
    return ca


def nothing(tls: Path) -> None:
    """No change to the files."""


def remove(name: str) -> Callable[[Path], None]:
    return lambda tls: (tls / name).unlink()


def replace(name: str, content: str) -> Callable[[Path], None]:
    def write(tls: Path) -> None:
        (tls / name).write_text(content)

    return write


def foreign_key(tls: Path) -> None:
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(tls / "server.key")


def encrypt(tls: Path) -> None:
    encrypting = [
        "openssl",
        "pkcs8",
        "-topk8",
        "-in",
        str(tls / "server.key"),
        "-passout",
        "pass:x",
    ]
    encrypted = subprocess.run(encrypting, capture_output=True, check=True).stdout
    (tls / "server.key").write_bytes(encrypted)


def owner_only(tls: Path) -> None:
    (tls / "server.key").chmod(0o600)


CONFIG = "./tls/milvus.yaml:/milvus/configs/milvus.yaml"
MILVUS_YAML = {"volumes": [*STANDALONE["volumes"], CONFIG]}
NOBODY = {"user": "999:999", "tmpfs": ["/var/lib/milvus:mode=777"]}


@pytest.mark.parametrize(
    ("change", "service", "meaning", "quoted"),
    [
        (
            remove("server.pem"),
            {},
            "Milvus is configured to read /milvus/tls/server.pem, which is not in the container",
            # Said twice: with "panic: " before it a little later.
            "open /milvus/tls/server.pem: no such file or directory",
        ),
        (
            foreign_key,
            {},
            "server.key is not the key of server.pem",
            "tls: private key does not match public key",
        ),
        (encrypt, {}, "server.key is encrypted", "tls: failed to parse private key"),
        (
            replace("server.pem", "none"),
            {},
            "the certificate file of the server contains no PEM text",
            "tls: failed to find any PEM data in certificate input",
        ),
        (
            remove("ca.pem"),
            {},
            "mode 2 needs the CA certificate of tls.caPemPath",
            "failed read ca pem",
        ),
        (
            replace("ca.pem", "none"),
            {},
            "the file of tls.caPemPath contains no PEM certificate",
            "fail to append ca to cert",
        ),
        (
            owner_only,
            NOBODY,
            "the user that Milvus runs as may not read /milvus/tls/server.key",
            "open /milvus/tls/server.key: permission denied",
        ),
        (
            replace("milvus.yaml", "tls:\n  serverPemPath: /milvus/tls/server.pem\n"),
            MILVUS_YAML,
            "a milvus.yaml that is not complete is mounted",
            "listen tcp :19530: bind: address already in use",
        ),
        (
            replace("milvus.yaml", "tls:\n\tserverPemPath: /milvus/tls/server.pem\n"),
            MILVUS_YAML,
            "/milvus/configs/milvus.yaml is not valid YAML",
            "yaml: line 2: found character that cannot start any token",
        ),
        (
            nothing,
            {"command": ["milvus-of-old"]},
            "the command of the service is not in the image: milvus-of-old",
            "exec milvus-of-old failed",
        ),
        # Because its memory ran out, where the engine gets to know that: unit/deploy/test_wait.py.
        (nothing, {"mem_limit": "20m"}, "was killed", "exit code 137"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_milvus_that_cannot_start_says_why_at_once(
    room: Room, change: Callable[[Path], None], service: dict[str, Any], meaning: str, quoted: str
) -> None:
    issue(room.directory)
    change(room.directory / "tls")
    room.write({"standalone": {**STANDALONE, **service}})
    started = time.monotonic()

    with pytest.raises(ContainerExited) as caught:
        room.wait(never, 900, [])

    assert caught.value.message.startswith("standalone ")
    assert meaning in caught.value.message
    assert quoted in caught.value.message
    assert caught.value.hint
    assert time.monotonic() - started < 450


def test_a_milvus_that_is_restarted_over_and_over_says_why_at_once(room: Room) -> None:
    issue(room.directory)
    remove("server.pem")(room.directory / "tls")
    room.write({"standalone": {**STANDALONE, "restart": "always"}})

    with pytest.raises(ContainerExited, match=r"not in the container; its log says: .*server.pem"):
        room.wait(never, 60, [])


def test_milvus_is_waited_for_until_it_speaks_tls(room: Room) -> None:
    ca = issue(room.directory)
    environment = {**STANDALONE["environment"], "COMMON_SECURITY_TLSMODE": "1"}
    room.write(
        {"standalone": {**STANDALONE, "environment": environment, "ports": ["127.0.0.1::19530"]}}
    )
    context = ssl.create_default_context()
    ca.configure_trust(context)
    events: list[str] = []
    asked: list[bool] = []

    def handshake() -> Answer:
        if not asked:
            # Milvus may be faster than the first question, and then nothing has to be told.
            asked.append(True)
            return Answer(ready=False, detail="nobody has asked before")
        place = room.facts("standalone").published_port(19530)
        if place is None:
            return Answer(ready=False, detail="port 19530 is not published yet")
        try:
            with (
                socket.create_connection(place, timeout=2) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as wrapped,
            ):
                return Answer(ready=True, detail=str(wrapped.version()))
        except OSError:
            return Answer(ready=False, detail="port 19530 is not open yet")

    answer = room.wait(handshake, LONG, events)

    assert answer == Answer(ready=True, detail="TLSv1.3")
    assert events[0] == "waiting for standalone: nobody has asked before"


def test_a_milvus_that_misses_etcd_says_so_when_the_time_is_up(room: Room) -> None:
    environment = {"ETCD_USE_EMBED": "false", "ETCD_ENDPOINTS": "etcd:2379"}
    issue(room.directory)
    room.write(
        {"standalone": {**STANDALONE, "environment": {**STANDALONE["environment"], **environment}}}
    )
    events: list[str] = []

    with pytest.raises(NotReady, match="Milvus cannot reach etcd at etcd:2379") as caught:
        room.wait(never, 15, events)

    assert "no such host" in caught.value.message
    assert "whether the etcd service runs" in caught.value.hint
    assert any("(Milvus cannot reach etcd at etcd:2379)" in event for event in events)


def test_a_milvus_that_waits_for_an_old_session_says_so(room: Room) -> None:
    environment = {"ETCD_USE_EMBED": "false", "ETCD_ENDPOINTS": "etcd:2379"}
    issue(room.directory)
    listen = "http://0.0.0.0:2379"
    etcd = [
        "etcd",
        f"--listen-client-urls={listen}",
        "--advertise-client-urls=http://127.0.0.1:2379",
    ]
    room.write(
        {
            "etcd": {"image": ETCD, "command": etcd, "stop_grace_period": "1s"},
            "standalone": {
                **STANDALONE,
                "environment": {**STANDALONE["environment"], **environment},
                "volumes": [*STANDALONE["volumes"], "data:/var/lib/milvus"],
            },
        }
    )
    document = json.loads((room.directory / "compose.yaml").read_text())
    (room.directory / "compose.yaml").write_text(json.dumps({**document, "volumes": {"data": {}}}))
    room.compose("up", "-d")
    deadline = time.monotonic() + LONG
    while "register session success" not in room.compose("logs", "standalone"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    time.sleep(5)
    room.compose("kill", "standalone")

    with pytest.raises(NotReady, match="until the session of the previous container expires"):
        room.wait(never, 15, [])

"""What can be seen of the engine's client without an engine; the rest is in tests/e2e."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from compose_tls.deploy.engine import Engine
from compose_tls.errors import EngineRemote, EngineUnreachable


@contextlib.contextmanager
def web_server(answers: Mapping[str, object]) -> Iterator[str]:
    """A web server with these answers as JSON, by the last part of a path, and no others."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].rpartition("/")[2]
            if name not in answers:
                self.send_error(404)
                return
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answers[name]).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"tcp://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def not_an_engine() -> Iterator[str]:
    """A web server that knows nothing of Docker."""
    with web_server({}) as address:
        yield address


@pytest.fixture
def with_a_stranger() -> Iterator[str]:
    """An engine with one container, whose project has a line of ours in its name."""
    ports = [{"PublicPort": 19530, "Type": "tcp"}]
    labels = {"com.docker.compose.project": "a\nerror[x]: y"}
    there = [{"Names": ["/x"], "Ports": ports, "Labels": labels}]
    with web_server({"version": {"ApiVersion": "1.44"}, "json": there}) as address:
        yield address


def test_who_has_a_port_is_told_in_one_line(with_a_stranger: str) -> None:
    with Engine.connect({"DOCKER_HOST": with_a_stranger}) as engine:
        told = engine.port_owner(19530)
    assert told == "container x of project a\\nerror[x]: y"


def test_what_is_not_an_engine_is_said_not_to_answer_as_one(not_an_engine: str) -> None:
    with pytest.raises(EngineUnreachable, match="gives an invalid answer") as caught:
        Engine.connect({"DOCKER_HOST": not_an_engine})

    assert "docker info" in caught.value.hint


def test_what_takes_a_connection_and_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {"DOCKER_HOST": f"tcp://127.0.0.1:{silent.getsockname()[1]}"}
        with pytest.raises(EngineUnreachable, match="Read timed out"):
            Engine.connect(environment, patience=1)


def test_tls_without_certificates_is_said_not_to_answer(not_an_engine: str, tmp_path: Path) -> None:
    environment = {
        "DOCKER_HOST": not_an_engine,
        "DOCKER_TLS_VERIFY": "1",
        "DOCKER_CERT_PATH": str(tmp_path),
    }

    with pytest.raises(EngineUnreachable, match="gives an invalid answer"):
        Engine.connect(environment)


def test_an_engine_elsewhere_is_refused_without_a_connection() -> None:
    with pytest.raises(EngineRemote):
        Engine.connect({"DOCKER_HOST": "tcp://192.0.2.1:2375"})


def test_a_missing_engine_without_docker_on_the_path_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(EngineUnreachable) as caught:
        Engine.connect({"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "PATH": str(tmp_path)})

    assert "https://docs.docker.com/engine/install/" in caught.value.hint


def test_the_module_is_imported_without_docker() -> None:
    code = "import sys, compose_tls.deploy.engine as _; sys.exit('docker' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""What a test server is asked for and gives, before any is started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import compose_tls.testing
from compose_tls.config import TlsConfig
from compose_tls.errors import ContainerExited, InvalidSetting, NotReady, PortTaken
from compose_tls.testing import EmbeddedServer, MilvusServer, embedded, embedded_server, milvus_tls
from compose_tls.testing.server import DEFAULT_IMAGE, compose_file
from compose_tls.workflows.enable import enable


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"backend": "podman"}, "there is no backend 'podman'"),
        ({"backend": "embedded", "image": "milvusdb/milvus:v2.6.0"}, "does not use an image"),
        ({"backend": "lite", "image": "milvusdb/milvus:v2.6.0"}, "does not use an image"),
    ],
)
def test_what_no_backend_can_do_is_refused(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSetting, match=said), milvus_tls(**arguments):
        pytest.fail("it started")


@pytest.mark.parametrize("arguments", [{"mode": 0}, {"key_type": "dsa"}, {"timeout": 0}])
def test_a_value_of_the_wrong_kind_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting), milvus_tls(**arguments):
        pytest.fail("it started")


@pytest.mark.parametrize("image", [DEFAULT_IMAGE, "registry:5000/a/milvus@sha256:0a", "a: #b"])
def test_the_compose_file_is_one_service_on_a_free_port_of_this_machine(image: str) -> None:
    document = yaml.safe_load(compose_file("one", image))
    assert document["name"] == "one"
    (service,) = document["services"].values()
    assert service["image"] == image
    assert service["ports"] == ["127.0.0.1::19530"]
    assert "container_name" not in service
    assert "volumes" not in service


def test_a_dollar_in_an_image_begins_no_variable() -> None:
    assert '"$${IMAGE}"' in compose_file("one", "${IMAGE}")


def server(read_log: Any) -> MilvusServer:
    return MilvusServer(
        mode=1,
        backend="docker",
        host="127.0.0.1",
        port=5,
        server_name="localhost",
        project=Path("/p"),
        ca_pem=Path("/p/cert/ca.pem"),
        client_pem=Path("/p/cert/client.pem"),
        client_key=Path("/p/cert/client.key"),
        _connect={"uri": "https://127.0.0.1:5"},
        _read_log=read_log,
    )


def test_a_caller_may_change_the_arguments_it_is_given() -> None:
    one = server(lambda: "a line")
    one.connect_args()["token"] = "root:Milvus"
    assert one.connect_args() == {"uri": one.uri}
    assert one.logs() == "a line"


def test_a_server_that_is_gone_has_no_log() -> None:
    assert server(Path("/nowhere/log").read_text).logs() == ""


def test_every_public_name_is_there() -> None:
    for name in compose_tls.testing.__all__:
        assert getattr(compose_tls.testing, name) is not None
    assert set(compose_tls.testing.__all__) <= set(dir(compose_tls.testing))
    with pytest.raises(AttributeError, match="milvus_tsl"):
        compose_tls.testing.milvus_tsl  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An enabled project."""
    (tmp_path / "docker-compose.yml").write_text(compose_file("one", DEFAULT_IMAGE))
    enable(tmp_path)
    return tmp_path


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """In the place of Milvus: a program that a test writes."""
    binaries = tmp_path / "bin"
    binaries.mkdir()
    monkeypatch.setattr(embedded, "unpacked_binaries", lambda _: binaries)
    file = binaries / "milvus"
    file.touch(0o755)
    return file


def test_a_server_that_dies_gives_its_reason(project: Path, program: Path) -> None:
    program.write_text("#!/bin/sh\necho 'panic: something new'; exit 3\n")
    with (
        pytest.raises(ContainerExited, match="ended with code 3: panic: something new"),
        embedded_server(project),
    ):
        pytest.fail("it became ready")


@pytest.mark.parametrize(
    "does",
    [
        "echo 'panic: listen tcp :7: bind: address already in use'; exit 1",
        "echo '[WARN] [\"Proxy get available port when init\"] [Port=7]'; exec sleep 60",
    ],
)
def test_ports_that_others_take_again_and_again_are_given_up(
    project: Path, program: Path, does: str
) -> None:
    attempts = project / "attempts"
    program.write_text(f"#!/bin/sh\necho $PROXY_PORT >> {attempts}\n{does}\n")
    with pytest.raises(PortTaken, match="another process"), embedded_server(project):
        pytest.fail("it became ready")
    ports = attempts.read_text().split()
    assert len(ports) == 3
    assert len(set(ports)) == 3


def test_a_server_that_never_gets_ready_is_stopped(project: Path, program: Path) -> None:
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    with (
        pytest.raises(NotReady, match="not ready after"),
        embedded_server(project, TlsConfig(timeout=0.2)),
    ):
        pytest.fail("it became ready")


def test_an_embedded_server_says_where_it_is_and_nothing_of_its_guard() -> None:
    assert set(EmbeddedServer.__dataclass_fields__) == {"host", "port", "log", "pid", "_guard"}
    assert not EmbeddedServer.__dataclass_fields__["_guard"].repr

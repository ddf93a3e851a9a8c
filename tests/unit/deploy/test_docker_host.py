from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compose_tls.deploy.docker_host import (
    DEFAULT_URL,
    DockerHost,
    docker_host_of,
    probe,
    require_local,
)
from compose_tls.errors import EngineRemote, EngineUnreachable


def write_context(home: Path, name: str, endpoint: dict[str, Any], *, tls: bool = False) -> Path:
    """A context as `docker context create` writes it."""
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker" / "contexts" / "meta" / key
    meta.mkdir(parents=True)
    document = {"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}
    (meta / "meta.json").write_text(json.dumps(document), encoding="utf-8")
    folder = home / ".docker" / "contexts" / "tls" / key / "docker"
    if tls:
        folder.mkdir(parents=True)
    return folder


def use_context(home: Path, text: str) -> None:
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker" / "config.json").write_text(text, encoding="utf-8")


def test_without_any_setting_it_is_the_default_socket(tmp_path: Path) -> None:
    endpoint = docker_host_of({"HOME": str(tmp_path)})

    assert endpoint.url == DEFAULT_URL
    assert endpoint.address == "/var/run/docker.sock"
    assert endpoint.tls_directory is None
    assert endpoint.local


def test_without_a_home_it_is_the_default_socket() -> None:
    assert docker_host_of({}).url == DEFAULT_URL


@pytest.mark.parametrize(
    "text", ["{}", "[]", "not json", '{"currentContext": "default"}', '{"currentContext": 1}']
)
def test_a_configuration_that_names_no_context_leaves_the_default(
    tmp_path: Path, text: str
) -> None:
    use_context(tmp_path, text)

    assert docker_host_of({"HOME": str(tmp_path)}).url == DEFAULT_URL


def test_the_current_context_is_followed(tmp_path: Path) -> None:
    write_context(tmp_path, "rootless", {"Host": "unix:///run/user/1000/docker.sock"})
    use_context(tmp_path, '{"currentContext": "rootless"}')

    endpoint = docker_host_of({"HOME": str(tmp_path), "DOCKER_HOST": ""})

    assert endpoint.url == "unix:///run/user/1000/docker.sock"
    assert endpoint.source == "the context rootless"
    assert endpoint.tls_directory is None
    assert endpoint.verify


def test_docker_context_goes_before_the_current_one(tmp_path: Path) -> None:
    write_context(tmp_path, "one", {"Host": "unix:///one.sock"})
    write_context(tmp_path, "two", {"Host": "unix:///two.sock"})
    use_context(tmp_path, '{"currentContext": "one"}')

    assert (
        docker_host_of({"HOME": str(tmp_path), "DOCKER_CONTEXT": "two"}).url == "unix:///two.sock"
    )


def test_docker_host_goes_before_any_context(tmp_path: Path) -> None:
    endpoint = docker_host_of(
        {"HOME": str(tmp_path), "DOCKER_CONTEXT": "two", "DOCKER_HOST": "unix:///host.sock"}
    )

    assert endpoint.url == "unix:///host.sock"
    assert endpoint.source == "DOCKER_HOST"


def test_docker_config_names_another_store(tmp_path: Path) -> None:
    write_context(tmp_path, "one", {"Host": "unix:///one.sock"})

    endpoint = docker_host_of({"DOCKER_CONFIG": str(tmp_path / ".docker"), "DOCKER_CONTEXT": "one"})

    assert endpoint.url == "unix:///one.sock"


def test_a_context_with_key_material_brings_it_along(tmp_path: Path) -> None:
    folder = write_context(
        tmp_path, "box", {"Host": "tcp://127.0.0.1:2376", "SkipTLSVerify": True}, tls=True
    )

    endpoint = docker_host_of({"HOME": str(tmp_path), "DOCKER_CONTEXT": "box"})

    assert endpoint.tls_directory == folder
    assert not endpoint.verify


@pytest.mark.parametrize(
    ("variables", "folder", "verify", "address"),
    [
        ({}, None, False, ("127.0.0.1", 2375)),
        (
            {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"},
            "/certs",
            True,
            ("127.0.0.1", 2376),
        ),
        ({"DOCKER_TLS": "1", "DOCKER_CONFIG": "/config"}, "/config", False, ("127.0.0.1", 2376)),
    ],
)
def test_docker_host_takes_its_tls_from_the_environment(
    variables: dict[str, str], folder: str | None, verify: bool, address: tuple[str, int]
) -> None:
    endpoint = docker_host_of({"DOCKER_HOST": "tcp://127.0.0.1", **variables})

    assert endpoint.tls_directory == (Path(folder) if folder else None)
    assert endpoint.verify is verify
    assert endpoint.address == address


def test_a_host_without_a_scheme_is_tcp() -> None:
    assert docker_host_of({"DOCKER_HOST": "127.0.0.1:2375"}).url == "tcp://127.0.0.1:2375"


@pytest.mark.parametrize("home", [True, False])
def test_a_context_that_does_not_exist_is_named(tmp_path: Path, home: bool) -> None:
    environment = {"DOCKER_CONTEXT": "nowhere", **({"HOME": str(tmp_path)} if home else {})}

    with pytest.raises(EngineUnreachable, match="there is no Docker context nowhere") as caught:
        docker_host_of(environment)

    assert "docker context ls" in caught.value.hint


def test_a_context_that_is_broken_is_named(tmp_path: Path) -> None:
    write_context(tmp_path, "broken", {})

    with pytest.raises(EngineUnreachable, match="the Docker context broken cannot be read"):
        docker_host_of({"HOME": str(tmp_path), "DOCKER_CONTEXT": "broken"})


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("unix:///var/run/docker.sock", True),
        ("npipe:////./pipe/docker_engine", True),
        ("tcp://localhost:2375", True),
        ("tcp://127.0.0.1:2375", True),
        ("tcp://127.8.8.8:2375", True),
        ("tcp://[::1]:2375", True),
        ("http://0.0.0.0:2375", True),
        ("tcp://192.0.2.7:2375", False),
        ("tcp://docker.example:2376", False),
        ("ssh://me@docker.example", False),
        ("ssh://localhost", False),
    ],
)
def test_an_engine_elsewhere_is_refused(url: str, local: bool) -> None:
    endpoint = DockerHost(url, "DOCKER_HOST")

    assert endpoint.local is local
    if local:
        require_local(endpoint)
        return
    with pytest.raises(EngineRemote, match="is not on this machine") as caught:
        require_local(endpoint)
    assert url in caught.value.message
    assert "docker context use default" in caught.value.hint


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(EngineRemote) as caught:
        require_local(DockerHost("tcp://me:hunter2@docker.example:2375", "DOCKER_HOST"))

    assert "hunter2" not in caught.value.message
    assert "tcp://docker.example:2375" in caught.value.message


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        yield path


def test_a_socket_on_which_somebody_listens_is_fine(listening: Path) -> None:
    probe(DockerHost(f"unix://{listening}", "DOCKER_HOST"), docker_installed=True)


@pytest.mark.parametrize(("installed", "hint"), [(True, "start Docker"), (False, "install Docker")])
def test_a_missing_socket_means_no_engine(tmp_path: Path, installed: bool, hint: str) -> None:
    endpoint = DockerHost(f"unix://{tmp_path}/none.sock", "DOCKER_HOST")

    with pytest.raises(EngineUnreachable, match="there is no Docker engine at unix:") as caught:
        probe(endpoint, docker_installed=installed)

    assert caught.value.hint.startswith(hint)
    assert caught.value.hint.endswith(
        "or use the local engine: unset DOCKER_HOST && docker context use default"
    )


def test_a_socket_on_which_nobody_listens_means_it_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))

    with pytest.raises(EngineUnreachable, match="does not answer: Connection refused"):
        probe(DockerHost(f"unix://{path}", "DOCKER_HOST"), docker_installed=True)


def test_a_socket_without_permission_says_so(listening: Path) -> None:
    listening.chmod(0)
    root = os.geteuid() == 0
    if root:
        # Permissions do not hold root back; nobody (65534 everywhere) has to ask.
        for folder in listening.parents[:3]:
            folder.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(EngineUnreachable, match="no permission to use") as caught:
            probe(DockerHost(f"unix://{listening}", "DOCKER_HOST"), docker_installed=True)
    finally:
        if root:
            os.seteuid(0)

    assert "group docker" in caught.value.hint


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:{}", "tcp://localhost:{}"])
def test_a_tcp_port_is_asked_likewise(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        probe(DockerHost(url.format(port), "DOCKER_HOST"), docker_installed=True)

    with pytest.raises(EngineUnreachable, match="does not answer: Connection refused"):
        probe(DockerHost(url.format(port), "DOCKER_HOST"), docker_installed=True)


def test_a_port_that_is_no_number_falls_back_to_the_usual_one() -> None:
    assert DockerHost("tcp://localhost:docker", "DOCKER_HOST").address == ("localhost", 2375)

"""What a caller of the library gives by mistake is an error with a code and a next step."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import compose_tls
from compose_tls import ClientOf, ComposeTlsError, TlsConfig, enable, renew
from compose_tls.errors import WrongUsage
from compose_tls.workflows.argument_types import _KINDS, require_types

COMPOSE = """services:
  milvus:
    image: milvusdb/milvus:v2.5.4
    command: milvus run standalone
    ports: ['19530:19530']
"""
COMMANDS: dict[str, Callable[..., object]] = {
    name: getattr(compose_tls, name)
    for name in compose_tls.__all__
    if inspect.isfunction(getattr(compose_tls, name))
}
PARAMETERS = [
    (name, one) for name in COMMANDS for one in inspect.signature(COMMANDS[name]).parameters
]
WRONG: list[Any] = [5, 1.5, b"x", "\ud800", "\0", [1], {1: 2}, object(), timedelta(-1)]
# That has a rule of its own, with the words that are taken.
JUDGED_THERE = {"Target"}


@pytest.fixture(scope="module")
def enabled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("enabled")
    (directory / "docker-compose.yml").write_text(COMPOSE)
    enable(directory, TlsConfig(mode=2), environment={})
    return directory


@pytest.mark.parametrize(("command", "parameter"), PARAMETERS)
def test_a_wrong_type_is_an_error_of_ours(
    enabled: Path, tmp_path: Path, command: str, parameter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", "unix:///no-engine/docker.sock")
    refused = 0
    for at, value in enumerate(WRONG):
        given: dict[str, Any] = {"directory": tmp_path / str(at)}
        if command != "init":
            shutil.copytree(enabled, tmp_path / str(at))
        if command == "client":
            given["names"] = ["alice"]
        if command == "check":
            given |= {"wait": False, "port": 1}
        given[parameter] = value
        try:
            COMMANDS[command](**given)
        except ComposeTlsError as error:
            refused += error.code == "wrong-usage" and bool(error.hint)

    assert refused >= len(WRONG) - 4


def test_each_parameter_has_a_rule() -> None:
    for name, command in COMMANDS.items():
        for parameter, annotation in command.__annotations__.items():
            kind = annotation.removesuffix(" | None")
            if parameter != "return" and kind not in JUDGED_THERE:
                assert kind in _KINDS, f"{name}: {parameter}"
    for annotation in ClientOf.__annotations__.values():
        assert annotation.removesuffix(" | None") in _KINDS


def test_a_text_is_not_true() -> None:
    with pytest.raises(WrongUsage, match="restart must be True or False; you gave str"):
        renew(restart="no")  # type: ignore[arg-type]


def test_the_certificates_of_a_client_have_types_too() -> None:
    with pytest.raises(WrongUsage, match="mode must be 0, 1 or 2"):
        require_types(COMMANDS["check"], (), {"client": ClientOf(Path("ca.pem"), mode=3)})  # type: ignore[arg-type]


def test_within_is_what_the_command_line_takes(enabled: Path) -> None:
    due = renew(enabled, within="3w", restart=False, dry_run=True, environment={})
    assert not due.changed
    due = renew(enabled, within="900d", restart=False, dry_run=True, environment={})
    assert due.changed
    with pytest.raises(WrongUsage, match="'30' is not a valid duration; use 2w") as found:
        renew(enabled, within="30", environment={})
    assert found.value.hint == 'for example: within="30d"'

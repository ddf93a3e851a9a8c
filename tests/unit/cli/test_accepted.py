"""What was accepted once is remembered, or stands in every next command (T4, T5)."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_tls import TlsConfig
from compose_tls.errors import OutsideProject
from compose_tls.workflows.client import client
from tests.unit.cli.conftest import Run
from tests.unit.cli.projects import BARE

ACCEPT = ("--accept", "outside-project")


@pytest.fixture
def linked(project: Path) -> Path:
    """A project whose compose file lies elsewhere, as with a dotfile manager."""
    (project / "milvus.yaml").unlink()
    (project / "docker-compose.yml").unlink()
    outside = project.parent / "stacks"
    outside.mkdir()
    (outside / "milvus.yml").write_text(BARE, encoding="utf-8")
    (project / "docker-compose.yml").symlink_to(outside / "milvus.yml")
    return project


def printed(text: str) -> Iterator[list[str]]:
    """Our commands in a text, each as words."""
    for line in text.splitlines():
        start = line.find("compose-tls ")
        if start >= 0 and "enable --accept" not in line[start:]:
            yield shlex.split(line[start:].split(" && ")[0].split(" removes")[0])[1:]


def test_no_next_step_meets_what_was_accepted_again(linked: Path, run: Run) -> None:
    said = [
        run("enable", "--mode", "2", *ACCEPT).out,
        run("client", "bob", *ACCEPT).out,
        run("renew", "--ca", "--no-restart", *ACCEPT).err,
        run("enable", "--mode", "2", "--server-name", "m.example", *ACCEPT).out,
        run("disable", *ACCEPT).out,
    ]

    commands = [words for text in said for words in printed(text)]
    names = {words[0] for words in commands}
    assert names >= {"check", "client", "connect", "renew", "disable"}
    for words in commands:
        assert " ".join(ACCEPT) in " ".join(words)
    for words in commands:
        run("enable", *ACCEPT, "-q")
        found = run(*words)
        assert "error[outside-project]" not in found.err, words


def test_the_next_step_of_a_refusal_has_its_names(linked: Path, run: Run) -> None:
    run("enable", *ACCEPT)

    assert (
        run("client", "bob", "eve")
        .err.strip()
        .endswith("compose-tls client bob eve --accept outside-project")
    )
    with pytest.raises(OutsideProject) as error:
        client(".", ["bob", "eve"], TlsConfig())
    assert error.value.hint.endswith("compose-tls client bob eve --accept outside-project")


def test_what_is_outside_is_not_said_to_be_still_to_come(linked: Path, run: Run) -> None:
    warnings = run("enable", *ACCEPT, "--json").json["warnings"]

    told = next(one["message"] for one in warnings if one["code"] == "outside-project")
    assert told.startswith("an edit goes to ")

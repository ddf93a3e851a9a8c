"""The commands that people read in the guides do what is written there.

Every ``console`` block of a page runs, in the order of the page, in a copy of the sample project, with
the compose-tls of this checkout and without a Docker engine. A command ends with exit code 0, and prints
what is shown; ``…`` stands for any text in a line, and alone on a line for any number of lines.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from compose_tls.cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: str) -> list[tuple[str, str]]:
    """The commands of a page, each with what it is said to print."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown))
    return found


def sessions(page: str) -> list[tuple[str, str]]:
    """The same; none needs an engine (``--up``): tests/transcripts has what that prints."""
    without = [(command.replace(" --up", ""), command, shown) for command, shown in blocks(page)]
    return [(found, shown if found == command else "…") for found, command, shown in without]


def says(shown: str, printed: str) -> bool:
    """Whether output is what a page shows."""
    any_lines = r"(?:.*\n)*?"
    lines = (
        any_lines if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in shown.splitlines()
    )
    return re.fullmatch("".join(lines), printed) is not None


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "compose-tls"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m compose_tls "$@"\n')
    program.chmod(0o755)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("COMPOSE_", "DOCKER_"))}
    return kept | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "DOCKER_HOST": f"unix://{tmp_path}/no-engine.sock",
        "LC_ALL": "C",
    }


@pytest.mark.parametrize(
    "page", [p for p in PAGES if sessions(p.read_text(encoding="utf-8"))], ids=lambda p: p.name
)
def test_the_commands_of_a_page_do_what_it_shows(
    page: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "fixtures", project)
    for command, shown in sessions(page.read_text(encoding="utf-8")):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"$ {command}\n{done.stdout}"
        assert says(shown, done.stdout), f"$ {command}\n{done.stdout}"


def test_the_getting_started_page_is_run() -> None:
    commands = [c for c, _ in sessions((ROOT / "docs" / "getting-started.md").read_text("utf-8"))]
    for name in ("enable", "connect", "client", "status", "disable"):
        assert any(c.startswith(f"compose-tls {name}") for c in commands), name


def unrun(page: str) -> list[list[str]]:
    """The commands in blocks that are not run: they need a server, systemd or certificates."""
    found = []
    for block in re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = [word for word in lexer if word != "exec"]
            # What a pipe of a placeholder would start is no program.
            assert "|" not in words, line
            if words[:1] == ["compose-tls"]:
                found.append(
                    list(itertools.takewhile(lambda word: word not in {">", "&&"}, words[1:]))
                )
    return found


UNRUN = [(page.name, words) for page in PAGES for words in unrun(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "words"), UNRUN, ids=str)
def test_a_command_that_is_not_run_is_one_that_can_be(page: str, words: list[str]) -> None:
    name, *rest = words[2:] if words[0] == "-C" else words
    group = click.Context(app, obj=words, **app.context_settings)
    command = app.get_command(group, name)
    assert command is not None
    command.make_context(name, rest, parent=group)


def test_some_are_found() -> None:
    assert {words[0] for _, words in UNRUN} >= {"enable", "check", "connect", "-C"}


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
        ("", "a\n", False),
        ("…\n", "a\nb\n", True),
        ("…\n", "", True),
        ("…\nb\n", "a\nb\n", True),
        ("…\nc\n", "a\nb\n", False),
        ("a … c\n", "a b c\n", True),
        ("a … c\n", "a b d\n", False),
    ],
)
def test_output_is_compared(shown: str, printed: str, same: bool) -> None:
    assert says(shown, printed) is same

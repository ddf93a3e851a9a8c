"""The process of a command: it ends at once, and with all that it had to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
OURS = [sys.executable, "-m", "compose_tls"]

# What is still alive at the end tells whether Python took anything apart.
AT_THE_END = """
import atexit, sys
atexit.register(lambda: print("taken apart", file=sys.stderr))
from compose_tls.__main__ import run
sys.argv = ["compose-tls", {argument!r}]
run()
"""


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_a_command_ends_without_taking_apart_what_it_loaded(argument: str) -> None:
    code = AT_THE_END.format(argument=argument)
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(("compose-tls, version", "Usage: compose-tls"))


def test_what_was_said_arrives_in_a_pipe(project: Path) -> None:
    enabled = [*OURS, "enable", "--dry-run", "--json", "-C", str(project)]
    first = subprocess.run(enabled, capture_output=True, text=True, check=True)
    assert first.stdout.endswith("}\n")


def test_no_library_of_a_stranger_is_loaded_from_the_current_directory(project: Path) -> None:
    for name in ("click", "pydantic", "yaml", "signal", "json", "cryptography"):
        (project / f"{name}.py").write_text("open('pwned', 'w')\n")
    done = subprocess.run([*OURS, "enable", "--dry-run"], cwd=project, check=False)
    assert (done.returncode, (project / "pwned").exists()) == (0, False)


@pytest.mark.parametrize(("arguments", "code"), [(["--help"], 0), (["status", "-C", "/dev"], 3)])
def test_the_exit_code_is_that_of_the_command(arguments: list[str], code: int) -> None:
    assert subprocess.run([*OURS, *arguments], capture_output=True, check=False).returncode == code


@pytest.mark.parametrize(
    ("closed", "code"), [("<&-", 0), (">&-", 3), ("2>&-", 0), ("<&- >&- 2>&-", 3)]
)
def test_a_process_without_a_stream_does_the_same_and_writes_into_no_file(
    project: Path, closed: str, code: int
) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh"]
    done = subprocess.run(
        [*shell, *OURS, "enable", "-C", project], capture_output=True, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False)
    status = [*OURS, "status", "-C", str(project), "--json"]
    told = json.loads(subprocess.run(status, capture_output=True, text=True, check=False).stdout)
    assert told["mode"] == 1


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
@pytest.mark.parametrize(
    "words",
    [
        "--version",
        "--help",
        "help modes",
        "completion bash",
        "enable --dry-run",
        "enable -q --json",
    ],
)
def test_output_that_cannot_be_written_is_no_success(project: Path, words: str) -> None:
    command = [*OURS, *words.split()]
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *command]
    with FULL.open("w") as full:
        for called, why in ((command, "No space left on device"), (closed, "Bad file descriptor")):
            done = subprocess.run(
                called, cwd=project, stdout=full, stderr=subprocess.PIPE, text=True, check=False
            )
            error, step = done.stderr.splitlines()[-2:]
            assert done.returncode == 3
            assert error == f"error[write-failed]: the output cannot be written: {why}"
            assert step.startswith("  next: ")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
def test_an_error_that_cannot_be_written_as_json_is_told_beside() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*OURS, "no-such", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error[wrong-usage]: there is no command no-such\n")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
def test_what_is_said_beside_may_go_nowhere(project: Path) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [*OURS, "enable", "--json", "-C", project],
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
        )
    assert done.returncode == 0
    assert json.loads(done.stdout)["warnings"]


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")
def test_a_command_whose_words_go_nowhere_has_done_what_it_does(project: Path) -> None:
    with FULL.open("w") as full:
        command = [*OURS, "enable", "-C", str(project)]
        outcome = subprocess.run(command, stdout=full, stderr=full, check=False)
    assert outcome.returncode != 0
    assert "/milvus/tls" in (project / "docker-compose.yml").read_text()

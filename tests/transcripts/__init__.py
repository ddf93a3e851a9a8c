"""What the commands of the main job print, word for word, so that a change of words is seen in review.

``offline.txt`` is a session on the sample project without an engine, ``up.txt`` one on a real engine.
Dates, fingerprints and the directory are replaced. README.md and docs/getting-started.md show the same.

``python -m tests.transcripts`` writes ``offline.txt`` again; the end-to-end test writes ``up.txt`` with
``UPDATE_TRANSCRIPTS=1``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

OFFLINE: Final = Path(__file__).with_name("offline.txt")
UP: Final = Path(__file__).with_name("up.txt")

OFFLINE_COMMANDS: Final = (
    "compose-tls enable --mode 2 --dry-run",
    "compose-tls enable --mode 2",
    "compose-tls enable --mode 2",
    "compose-tls status",
    # Not the published port: another Milvus of this machine may have it.
    "compose-tls check --port 1",
    "compose-tls connect",
    "compose-tls client alice",
    "compose-tls connect --client alice",
    "compose-tls renew",
    "compose-tls enable --mode 1",
    "compose-tls connect",
    "compose-tls disable",
    "compose-tls status",
    "compose-tls disable --purge",
)
UP_COMMANDS: Final = (
    "compose-tls enable --mode 2 --up",
    "compose-tls check",
    "compose-tls connect",
)
DIRECTORY: Final = "/srv/milvus"

_CHANGING: Final = (
    (r"\d{4}-\d\d-\d\d", "2029-02-28"),
    (r"\b[0-9a-f]{64}\b", "0123…"),
    (r"compose-tls CA [0-9a-f]{8}\b", "compose-tls CA 0a1b2c3d"),
    (r"unix://\S*no-engine\S*\.sock", "unix:///no-engine.sock"),
)


def session(
    directory: Path, commands: Iterable[str], run: Callable[[list[str]], tuple[str, str]]
) -> str:
    """The text of a session.

    Args:
        directory: The project.
        commands: What is typed.
        run: Runs the arguments of compose-tls, and gives standard output and standard error.
    """
    text = ""
    for command in commands:
        out, err = run(command.split()[1:])
        told = [line for line in err.splitlines(keepends=True) if _is_told(line)]
        text += f"$ {command}\n{''.join(told)}{out}"
    return normalised(text, directory)


def normalised(text: str, directory: Path) -> str:
    """A text without what differs from run to run."""
    text = text.replace(str(directory), DIRECTORY)
    for pattern, instead in _CHANGING:
        text = re.sub(pattern, instead, text)
    return text


def parts(transcript: Path) -> list[tuple[str, str]]:
    """The commands of a transcript, each with what it printed."""
    found = re.split(r"^\$ ", transcript.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [(command, printed) for command, _, printed in (one.partition("\n") for one in found)]


def same(transcript: Path, text: str) -> bool:
    """Whether a session went as it is written, or is to be written so from now on."""
    if os.environ.get("UPDATE_TRANSCRIPTS"):
        transcript.write_text(text, encoding="utf-8")
    return transcript.read_text(encoding="utf-8") == text


def _is_told(line: str) -> bool:
    """Whether a line of standard error is a warning or an error: progress differs from run to run."""
    return line.startswith(("warning[", "error[", "  in: ", "  next:"))

"""Records docs/recording.svg, the picture of the README, from a real run: ``python -m docs.recording``.

It needs a Docker engine, Compose, and the images of the end-to-end tests. The text is what the commands
print on a terminal, when they print it. Two things differ: a pause is two seconds long at most, and three
before the next command, to read; and the directory has a name of its own.

The picture is SVG and CSS alone: it plays where no script may run, and stands still for readers who want
no motion.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from tests.e2e.session import Project

PICTURE: Final = Path(__file__).with_name("recording.svg")
COMMANDS: Final = (
    "compose-tls enable --mode 2 --up",
    "compose-tls status",
    "compose-tls connect",
    "compose-tls disable",
)
NAME: Final = "/srv/milvus"

_COLUMNS: Final = 96
_ROWS: Final = 30
_PAUSE: Final = 2.0
_READ: Final = 3.0
_HOLD: Final = 6.0
# In pixels: the advance and height of a line of a monospaced font of 13.
_ADVANCE, _LINE, _MARGIN, _BAR = 7.83, 18, 14, 30

_FONTS: Final = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace'

_ERASED: Final = "\r\x1b[2K"
_SGR: Final = re.compile(r"\x1b\[([\d;]*)m")
_OTHER: Final = re.compile(r"\x1b\[[\d;?]*[A-Za-ln-z]|\r")
# The palette of Tango, dark enough or light enough on #1b1f24.
_COLOURS: Final = {
    "30": "#8b949e",
    "31": "#ff7b72",
    "32": "#7ee787",
    "33": "#e3b341",
    "34": "#79c0ff",
    "35": "#d2a8ff",
    "36": "#76e3ea",
    "37": "#e6edf3",
}


@dataclass(frozen=True, slots=True)
class Event:
    """A line of the screen, and when it appeared, in seconds."""

    seconds: float
    text: str


def apart(compose_file: Path) -> None:
    """Give a project names and ports that no other Milvus of this machine has."""
    text = compose_file.read_text(encoding="utf-8")
    text = text.replace("container_name: milvus-", "container_name: recorded-milvus-")
    text = text.replace("    name: milvus\n", "    name: recorded-milvus\n")
    for port in (9091, 19530):
        text = text.replace(f'"{port}:{port}"', f'"{10000 + port}:{port}"')
    compose_file.write_text(text, encoding="utf-8")


def recorded(project: Project) -> Iterator[Event]:
    """Run the commands, and tell what they print."""
    began = time.monotonic()
    environment = {
        **os.environ,
        "TERM": "xterm",
        "PYTHONUNBUFFERED": "1",
    }
    for command in COMMANDS:
        yield Event(time.monotonic() - began, f"\x1b[1m$ {command}\x1b[0m")
        text = ""
        leader, follower = pty.openpty()
        termios.tcsetwinsize(follower, (_ROWS, _COLUMNS))
        with subprocess.Popen(
            [sys.executable, "-m", "compose_tls", *command.split()[1:]],
            cwd=project.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=follower,
            stderr=follower,
        ) as process:
            os.close(follower)
            for line in _lines(leader):
                text += f"{line}\n"
                yield Event(time.monotonic() - began, line.replace(str(project.directory), NAME))
        os.close(leader)
        if process.returncode:
            sys.exit(f"{text}\n{command} ended with {process.returncode}")
        yield Event(time.monotonic() - began, "")


def _lines(leader: int) -> Iterator[str]:
    """The lines that stay on a terminal, as they end: what was erased before is not of them."""
    with os.fdopen(os.dup(leader), "rb", buffering=0) as terminal:
        pending = b""
        while True:
            try:
                got = terminal.read(4096)
            except OSError:  # so Linux says that the other end is closed
                return
            *ended, pending = (pending + (got or b"")).split(b"\r\n")
            for line in ended:
                yield line.decode().rpartition(_ERASED)[2]
            if not got:
                return


def paced(events: Sequence[Event]) -> list[Event]:
    """The same with pauses that somebody watches, and lines that are as wide as the screen."""
    found: list[Event] = []
    now, last = 0.5, 0.0
    for event in events:
        begins = event.text.startswith("\x1b[1m$ ")
        now += _READ if begins and found else min(_PAUSE, max(event.seconds - last, 0.02))
        last = event.seconds
        found += [Event(now, part) for part in _wrapped(event.text)]
        now += 0.7 if begins else 0.0
    return found


def _wrapped(text: str) -> Iterator[str]:
    """A line as a terminal breaks it; what is too long has no colours here."""
    plain = _SGR.sub("", text)
    if len(plain) <= _COLUMNS:
        yield text
        return
    for start in range(0, len(plain), _COLUMNS):
        yield plain[start : start + _COLUMNS]


def drawn(events: Sequence[Event]) -> str:
    """The picture.

    Args:
        events: The lines, in order.

    Returns:
        An SVG document that plays for ever.
    """
    total = events[-1].seconds + _HOLD
    width, height = round(_COLUMNS * _ADVANCE + 2 * _MARGIN), _ROWS * _LINE + _BAR + 2 * _MARGIN
    rules, rows, scroll = [], [], ["0%{transform:translateY(0)}"]
    for number, event in enumerate(events):
        share = f"{100 * event.seconds / total:.3f}%"
        rules.append(f"@keyframes l{number}{{0%{{opacity:0}}{share}{{opacity:1}}}}")
        rules.append(f"#l{number}{{animation-name:l{number}}}")
        text = "".join(_spans(event.text))
        rows.append(f'<text id="l{number}" class="l" y="{number * _LINE}">{text}</text>')
        if number >= _ROWS:
            move = (number - _ROWS + 1) * _LINE
            scroll.append(f"{share}{{transform:translateY(-{move}px)}}")
    rules.append(f"@keyframes scroll{{{''.join(scroll)}}}")
    spoken = "; ".join(COMMANDS)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" \
role="img">
<title>A terminal: {escape(spoken)}</title>
<desc>Recorded from a real run; pauses are two seconds long at most.</desc>
<style>
text{{font:13px {_FONTS};fill:#e6edf3;white-space:pre}}
.l,#screen{{animation:{total:.1f}s step-end infinite}}
#screen{{animation-name:scroll}}
{"".join(rules)}
@media (prefers-reduced-motion:reduce){{.l,#screen{{animation:none}}}}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#1b1f24"/>
<text x="{_MARGIN}" y="20" style="fill:#8b949e">{NAME}</text>
<svg x="{_MARGIN}" y="{_BAR}" width="{width - _MARGIN}" height="{_ROWS * _LINE + _MARGIN}">
<g transform="translate(0 {_LINE - 4})"><g id="screen">
{chr(10).join(rows)}
</g></g>
</svg>
</svg>
"""


def _spans(text: str) -> Iterator[str]:
    """The parts of a line, each in its colour."""
    style: dict[str, str] = {}
    codes, *rest = _SGR.split(_OTHER.sub("", text))
    parts = [("", codes), *zip(rest[::2], rest[1::2], strict=True)]
    for sequence, part in parts:
        for code in sequence.split(";") if sequence else ["0"]:
            if code in {"", "0"}:
                style = {}
            elif code == "1":
                style["font-weight"] = "700"
            elif code == "2":
                style["fill"] = _COLOURS["30"]
            elif code[:1] in {"3", "9"} and f"3{code[-1]}" in _COLOURS:
                style["fill"] = _COLOURS[f"3{code[-1]}"]
        if part:
            said = ";".join(f"{name}:{value}" for name, value in style.items())
            yield f'<tspan style="{said}">{escape(part)}</tspan>' if said else escape(part)


def main() -> None:
    """Record, and draw; or draw again what was recorded."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=Path, help="keep the events there, or draw them again")
    given = parser.parse_args().events
    if given and given.exists():
        events = [Event(**one) for one in json.loads(given.read_text(encoding="utf-8"))]
    else:
        with tempfile.TemporaryDirectory() as directory:
            project = Project.official(Path(directory).resolve(), milvus_yaml=True)
            apart(project.directory / "docker-compose.yml")
            try:
                events = list(recorded(project))
            finally:
                project.down()
    if given:
        given.write_text(json.dumps([asdict(one) for one in events]), encoding="utf-8")
    PICTURE.write_text(drawn(paced(events)), encoding="utf-8")


if __name__ == "__main__":
    main()

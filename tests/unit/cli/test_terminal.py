"""What people see on a terminal: colours, signs, widths, seconds; elsewhere it is plain text."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.text import Text

from compose_tls.cli.drawing import broken
from compose_tls.cli.output.live import Live
from compose_tls.results import Probe
from tests.patience import SOON
from tests.unit.checks.servers import closed_port
from tests.unit.cli.conftest import Run
from tests.unit.cli.terminal import environment, on_terminal

ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MODULES = """
import sys
from compose_tls.cli.app import main
code = main({arguments!r})
print("rich" in sys.modules, file=sys.stderr)
"""


def piped(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compose_tls", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment(**variables), check=False
    )


class TestColour:
    def test_a_terminal_has_it_and_says_the_same_as_a_pipe(self, enabled: Path) -> None:
        seen = on_terminal("status", "-v", columns=400)
        assert COLOUR.search(seen)
        told = piped("status", "-v")
        assert ESCAPE.sub("", seen) == told.stderr + told.stdout

    def test_no_color_takes_it_away(self, enabled: Path) -> None:
        assert "\x1b" not in on_terminal("status", NO_COLOR="1")

    def test_a_dumb_terminal_gets_what_a_pipe_gets(self, enabled: Path) -> None:
        told = piped("status")
        assert on_terminal("status", TERM="dumb", columns=40) == told.stderr + told.stdout

    def test_force_color_puts_it_into_a_pipe_and_changes_no_word(self, enabled: Path) -> None:
        plain, forced = piped("status", "-v").stdout, piped("status", "-v", FORCE_COLOR="1").stdout
        assert "\x1b" not in plain
        assert COLOUR.search(forced)
        assert COLOUR.sub("", forced) == plain

    def test_no_color_wins_over_force_color(self, enabled: Path) -> None:
        assert "\x1b" not in piped("status", FORCE_COLOR="1", NO_COLOR="1").stdout

    def test_a_diff_has_it(self, project: Path) -> None:
        seen = on_terminal("enable", "--dry-run", columns=200)
        added = "+      - ./tls:/milvus/tls:ro"
        assert re.search(r"\x1b\[32m\+ +- \./tls:", seen), added
        assert re.search(r"\x1b\[36m@@", seen)
        assert re.search(r"\x1b\[31m- +tlsMode: 0", seen)

    def test_what_is_not_utf_8_gets_signs_of_ascii(self, enabled: Path) -> None:
        port = str(closed_port())
        seen = on_terminal(
            "check", "-v", "--port", port, PYTHONUTF8="0", LC_ALL="C", PYTHONIOENCODING="ascii"
        )
        assert seen.isascii()
        assert "FAILED tls-handshake" in ESCAPE.sub("", seen)
        assert "✗ tls-handshake" in ESCAPE.sub("", on_terminal("check", "-v", "--port", port))

    def test_json_is_json_on_a_terminal_too(self, enabled: Path) -> None:
        seen = on_terminal("status", "--json", columns=40)
        document = json.loads(seen[seen.index("{\n") :])
        assert document == json.loads(piped("status", "--json").stdout)


class TestWidth:
    @pytest.mark.parametrize("columns", [40, 60, 80, 120])
    def test_no_line_is_longer_and_no_word_is_broken(self, enabled: Path, columns: int) -> None:
        (enabled / "cert" / "ca.key").chmod(0o644)
        told = piped("status")
        words = (told.stderr + told.stdout).split()
        seen = ESCAPE.sub("", on_terminal("status", columns=columns))
        assert seen.split() == words
        for line in seen.splitlines():
            assert len(line) <= columns or len(line.split()) == 1 or line.startswith("next: "), line

    def test_a_line_goes_on_below_its_text(self, enabled: Path) -> None:
        seen = ESCAPE.sub("", on_terminal("status", columns=60)).splitlines()
        first = next(i for i, line in enumerate(seen) if line.startswith("  deployed"))
        column = seen[first].index("unknown")
        assert seen[first + 1].startswith(" " * column)
        assert seen[first + 1][column] != " "

    def test_the_last_column_goes_on_below_itself_while_it_has_room(self, enabled: Path) -> None:
        def column(wanted: int) -> int:
            """Where the line below that of the object store begins."""
            lines = ESCAPE.sub("", on_terminal("status", columns=wanted)).splitlines()
            at = next(i for i, one in enumerate(lines) if "minio:9000" in one)
            assert lines[at + 1].strip().endswith("everyone")
            return len(lines[at + 1]) - len(lines[at + 1].lstrip())

        assert column(60) == 33
        assert column(50) == 16

    def test_a_command_can_be_copied_whole(self, project: Path) -> None:
        seen = ESCAPE.sub("", on_terminal("enable", columns=30))
        assert "\nnext: docker compose up -d && compose-tls check\n" in seen

    def test_so_can_one_at_the_end_of_a_hint(self, project: Path) -> None:
        seen = ESCAPE.sub("", on_terminal("enable", columns=70)).splitlines()
        assert "        compose-tls enable --rest-port 8080" in seen

    @pytest.mark.parametrize(
        ("hint", "rows"),
        [
            ("  next: run: docker compose up -d", ["  next: run:", "  docker compose up -d"]),
            ("do: compose-tls status, or more", ["do:", "  compose-tls status,", "  or more"]),
            ("do: compose-tls a; docker b", ["do: compose-tls a;", "  docker b"]),
            ("a key; compose-tls a goes", ["a key;", "  compose-tls a goes"]),
            ("in compose-tls no name stays", ["in compose-tls no name", "  stays"]),
        ],
    )
    def test_a_command_behind_a_colon_is_one_word(self, hint: str, rows: list[str]) -> None:
        assert [row.plain for row in broken(Text(hint), 22, 2)] == rows

    def test_wide_characters_take_two_columns(self) -> None:
        rows = list(broken(Text("证书 证书 证书 证书"), 10, 2))
        assert [row.plain for row in rows] == ["证书 证书", "  证书", "  证书"]
        assert all(cell_len(row.plain) <= 10 for row in rows)


class TestStrangers:
    def test_nothing_in_a_file_steers_the_terminal_or_is_markup(self, project: Path) -> None:
        compose = project / "docker-compose.yml"
        text = compose.read_text()
        name = '"evil\\e]0;owned\\a [bold red]x[/] :smile:"'
        compose.write_text(
            text.replace(
                "services:\n", f"services:\n  {name}: {{image: milvusdb/milvus:v2.5.5}}\n", 1
            )
        )
        seen = on_terminal("status", columns=400)
        assert "\x1b]" not in seen
        assert "\x07" not in seen
        assert "evil\\x1b]0;owned\\x07 [bold red]x[/] :smile:" in ESCAPE.sub("", seen)


class TestQuiet:
    @pytest.mark.parametrize("command", [("enable", "-q"), ("-q", "enable"), ("enable", "--quiet")])
    def test_nothing_is_said_of_what_went_well(
        self, run: Run, project: Path, command: tuple[str, ...]
    ) -> None:
        outcome = run(*command)
        assert (outcome.code, outcome.out, outcome.err) == (0, "", "")

    def test_renew_from_a_timer_sends_no_mail(self, run: Run, enabled: Path) -> None:
        for more in ((), ("--force",)):
            outcome = run("renew", "--no-restart", "-q", *more)
            assert (outcome.code, outcome.out, outcome.err) == (0, "", "")

    def test_status_tells_by_its_exit_code(self, run: Run, project: Path) -> None:
        outcome = run("status", "-q")
        assert (outcome.code, outcome.out, outcome.err) == (7, "", "")

    def test_an_error_is_said_all_the_same(self, run: Run, project: Path) -> None:
        outcome = run("check", "-q")
        assert (outcome.code, outcome.out) == (3, "")
        assert outcome.err.startswith("error[not-enabled]: ")

    def test_what_was_asked_for_is_printed(self, run: Run, enabled: Path) -> None:
        assert "MilvusClient(" in run("connect", "-q").out
        assert run("status", "-q", "--json").json["mode"] == 2
        assert run("status", "-q", "--format", "svg").out.startswith("<svg ")

    def test_a_round_that_passes_is_not_told_and_one_that_fails_is(
        self, run: Run, enabled: Path
    ) -> None:
        port = str(closed_port())
        outcome = run("check", "-q", "--port", port, "--watch", "--count", "1")
        assert (outcome.code, "FAILED" in outcome.out, outcome.err) == (6, True, "")


class Screen:
    """A terminal of 60 columns that this process writes to."""

    def __init__(self) -> None:
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        self.stream = os.fdopen(follower, "w", encoding="utf-8")
        self.seen = ""

    def shows(self, text: str) -> bool:
        """Whether this is what comes next; the terminal hands it on a moment later."""
        until = time.monotonic() + SOON
        while len(self.seen) < len(text) and time.monotonic() < until:
            if select.select([self.leader], [], [], 0.1)[0]:
                self.seen += os.read(self.leader, 65536).decode().replace("\r\n", "\n")
        found, self.seen = self.seen.startswith(text), self.seen[len(text) :]
        return found

    def shows_somewhere(self, text: str) -> bool:
        """Whether it comes at all."""
        until = time.monotonic() + SOON
        while text not in self.seen and time.monotonic() < until:
            if select.select([self.leader], [], [], 0.1)[0]:
                self.seen += os.read(self.leader, 65536).decode()
        return text in self.seen


@contextmanager
def screen() -> Iterator[Screen]:
    """Standard error, for as long as the test says: pytest puts its own in place before each test."""
    found = Screen()
    with pytest.MonkeyPatch.context() as patched, found.stream:
        patched.setenv("TERM", "xterm")
        patched.setenv("NO_COLOR", "1")
        patched.delenv("COLUMNS", raising=False)
        patched.setattr(sys, "stderr", found.stream)
        yield found
    os.close(found.leader)


CLEARED = "\r\x1b[2K"


class TestLive:
    """What is on the screen, and at which second."""

    def test_a_wait_counts_its_seconds_and_leaves_them(self) -> None:
        now = [0.0]
        with screen() as seen:
            live = Live(lambda _: (), clock=lambda: now[0])
            live("waiting for standalone: container is created")
            assert seen.shows(f"{CLEARED}waiting for standalone: container is created")
            now[0] = 8.0
            live("waiting for standalone: Milvus is starting")
            assert seen.shows_somewhere(f"{CLEARED}waiting for standalone: Milvus is starting 8 s")
            now[0] = 12.0
            live("checking localhost:19530")
            live.close()
            assert seen.shows_somewhere(
                f"{CLEARED}waiting for standalone: Milvus is starting  12 s\r\n"
                f"{CLEARED}checking localhost:19530"
            )

    def test_it_counts_while_nothing_is_told(self) -> None:
        with screen() as seen:
            live = Live(lambda _: ())
            live("pulling: 12 MB, 3 of 9 layers complete")
            assert seen.shows_somewhere("layers complete 1 s")
            live.close()

    def test_each_probe_stands_as_it_ends_and_the_line_goes_on(self) -> None:
        probe = Probe(name="tls", ok=True, expected="a handshake", observed="TLSv1.3", seconds=0)
        with screen() as seen:
            live = Live(lambda _: (), clock=lambda: 0)
            live("checking localhost:19530")
            live.probed(probe)
            live.close()
            line = f"{CLEARED}checking localhost:19530"
            assert seen.shows(f"{line}{line}\n  ✓ a handshake\n{line}{CLEARED}")

    def test_what_takes_a_moment_leaves_nothing(self) -> None:
        with screen() as seen:
            live = Live(lambda _: ())
            live.busy("issuing certificates")
            live.close()
            assert seen.shows(f"{CLEARED}issuing certificates{CLEARED}")

    def test_it_is_cut_to_the_width(self) -> None:
        with screen() as seen:
            live = Live(lambda _: (), clock=lambda: 0)
            live(f"waiting for {'证' * 100}")
            assert seen.shows(f"{CLEARED}waiting for {'证' * 22}...")
            live.close()


@pytest.mark.parametrize(
    ("variables", "loaded"),
    [({}, "False"), ({"FORCE_COLOR": "1"}, "True"), ({"TERM": "dumb"}, "False")],
)
@pytest.mark.parametrize("arguments", [["enable"], ["status"], ["check"]])
def test_a_pipe_loads_no_rich(
    project: Path, arguments: list[str], variables: dict[str, str], loaded: str
) -> None:
    code = MODULES.format(arguments=arguments)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=environment(**variables),
        check=True,
    )
    assert done.stderr.splitlines()[-1] == loaded

"""The picture of the README is one of a real run, and asks nobody for anything."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from docs.recording import COMMANDS, PICTURE, Event, drawn, paced

SVG = "{http://www.w3.org/2000/svg}"


def lines(picture: str) -> list[str]:
    root = ElementTree.fromstring(picture)  # noqa: S314 - our own file
    return ["".join(node.itertext()) for node in root.iter(f"{SVG}text") if node.get("id")]


def test_it_shows_the_commands_and_the_proof() -> None:
    shown = lines(PICTURE.read_text(encoding="utf-8"))
    assert [line.removeprefix("$ ") for line in shown if line.startswith("$ ")] == list(COMMANDS)
    text = "\n".join(shown)
    assert "mutual TLS" in text
    assert "plain" in text
    assert "error[" not in text
    # Not of the machine where it was recorded.
    assert not re.search(r"/tmp|/home|/root|/work", text)


def test_it_shows_the_probes_of_today() -> None:
    transcript = PICTURE.parent.parent / "tests/transcripts/up.txt"
    run = transcript.read_text(encoding="utf-8").partition("\nproved: ")[0]
    shown = {line.strip().removeprefix("✓ ") for line in lines(PICTURE.read_text(encoding="utf-8"))}
    probes = set(re.findall(r"^  ok     (.+?)(?: CN=.*)?$", run, re.MULTILINE))
    missing = {probe for probe in probes if not any(line.startswith(probe) for line in shown)}
    assert probes
    assert not missing, "make recording"


def test_it_loads_and_runs_nothing() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    assert not re.search(r"<script|href|url\(|@import|\son\w+=", text)
    assert "prefers-reduced-motion" in text
    assert len(text) < 100_000


def test_colours_and_what_would_be_markup_are_kept() -> None:
    events = [Event(0, "\x1b[1m$ compose-tls\x1b[0m"), Event(1, "\x1b[32m<ok>\x1b[0m & \x1b[2Kso")]
    picture = drawn(paced(events))
    assert lines(picture) == ["$ compose-tls", "<ok> & so"]
    assert 'style="fill:#7ee787">&lt;ok&gt;</tspan>' in picture


def test_pauses_are_short_and_wide_lines_are_broken() -> None:
    events = paced([Event(0, "$ a"), Event(100, "x" * 200), Event(101, "\x1b[1m$ b\x1b[0m")])
    seconds = [event.seconds for event in events]
    assert seconds == sorted(seconds)
    assert seconds[-1] < 10
    assert max(len(event.text) for event in events) <= 96


def test_the_readme_shows_it() -> None:
    readme = (PICTURE.parent.parent / "README.md").read_text(encoding="utf-8")
    assert "/main/docs/recording.svg)" in readme

"""What the commands of the main job print is what is checked in, and what people read shows the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.test_getting_started import ROOT, blocks, says
from tests.transcripts import OFFLINE, UP, parts, same
from tests.transcripts.offline import offline

PAGES = (ROOT / "README.md", ROOT / "docs" / "getting-started.md")


def test_the_main_job_without_an_engine_prints_what_is_checked_in(tmp_path: Path) -> None:
    text = offline(tmp_path.resolve())

    assert same(OFFLINE, text), f"python -m tests.transcripts writes it again:\n{text}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_show_what_was_printed(page: Path) -> None:
    printed: dict[str, list[str]] = {}
    for command, text in (*parts(OFFLINE), *parts(UP)):
        printed.setdefault(command, []).append(text)
    compared = 0
    for command, shown in blocks(page.read_text(encoding="utf-8")):
        if command in printed:
            compared += shown.strip() != "…"
            assert any(says(shown, text) for text in printed[command]), f"$ {command}\n{shown}"
    assert compared >= 3


def test_a_session_on_an_engine_is_shown() -> None:
    assert any("--up" in command for command, _ in blocks(PAGES[0].read_text(encoding="utf-8")))
    assert "proved: https://localhost:19530" in UP.read_text(encoding="utf-8")

"""What the main job prints on a real engine is what is checked in, and what the README shows."""

from __future__ import annotations

from typing import Any

from tests.e2e.session import Project
from tests.transcripts import UP, UP_COMMANDS, same, session


def test_the_main_job_on_an_engine_prints_what_is_checked_in(official: Any) -> None:
    project: Project = official(milvus_yaml=True)

    def run(arguments: list[str]) -> tuple[str, str]:
        done = project.compose_tls(*arguments)
        assert done.code == 0, done.err + done.out
        return done.out, done.err

    text = session(project.directory, UP_COMMANDS, run)

    assert same(UP, text), f"UPDATE_TRANSCRIPTS=1 writes it again:\n{text}"

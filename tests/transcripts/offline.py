"""The session without an engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.transcripts import OFFLINE_COMMANDS, session

ROOT = Path(__file__).resolve().parents[2]


def offline(directory: Path) -> str:
    """Run it on a copy of the sample project.

    Args:
        directory: An empty directory.
    """
    project = directory / "milvus"
    shutil.copytree(ROOT / "fixtures", project)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("COMPOSE_", "DOCKER_"))}
    environment = kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "DOCKER_HOST": f"unix://{directory}/no-engine.sock",
    }

    def run(arguments: list[str]) -> tuple[str, str]:
        command = [sys.executable, "-m", "compose_tls", *arguments]
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout, done.stderr

    return session(project, OFFLINE_COMMANDS, run)

"""Prints the Pythons on this machine that compose-tls supports, but for the one that runs this."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def main() -> None:
    """One path a line, one for each version."""
    declared = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', PYPROJECT.read_text())
    own = f"3.{sys.version_info.minor}"
    for version in declared:
        path = find(version)
        if version != own and path is not None:
            print(path)


def find(version: str) -> str | None:
    """A Python of this version that starts: on the PATH, or installed by pyenv."""
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for candidate in (f"python{version}", *map(str, reversed(installed))):
        try:
            done = subprocess.run(
                [candidate, "-c", "import sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return done.stdout.strip()
    return None


if __name__ == "__main__":
    main()

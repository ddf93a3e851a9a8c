"""What a package index gets: both archives, their metadata, and a changelog that knows the version."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

from compose_tls import __version__

ROOT = Path(__file__).resolve().parents[2]


def test_the_index_takes_wheel_and_sdist(tmp_path: Path) -> None:
    for command in (
        ["hatchling", "build", "-d", str(tmp_path)],
        ["twine", "check", "--strict", *(str(tmp_path / name) for name in archives())],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name for path in tmp_path.iterdir()} == set(archives())


def archives() -> tuple[str, str]:
    return f"compose_tls-{__version__}-py3-none-any.whl", f"compose_tls-{__version__}.tar.gz"


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    first, _, day = headings[0].partition(" - ")
    assert first == __version__
    date.fromisoformat(day)


def test_links_and_examples_name_this_version() -> None:
    named = re.findall(
        r"compose-tls@v([\d.]+)|rev: v([\d.]+)",
        "".join((ROOT / name).read_text(encoding="utf-8") for name in ("action.yml", "docs/ci.md")),
    )
    assert len(named) >= 3
    assert {one or other for one, other in named} == {__version__}


def test_the_metadata_has_what_an_index_shows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    # The names that the index gives icons to: https://docs.pypi.org/project_metadata/
    assert set(project["urls"]) >= {"Homepage", "Documentation", "Changelog", "Issues", "Source"}
    assert all(url.startswith("https://") for url in project["urls"].values())
    for minor in (11, 12, 13, 14):
        assert f"Programming Language :: Python :: 3.{minor}" in project["classifiers"]
    assert not [c for c in project["classifiers"] if c.startswith("License ::")]  # PEP 639

"""docs/ as a site: every page is in the navigation, and no link is dead."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def build(directory: Path) -> subprocess.CompletedProcess[str]:
    """Build a copy of the site, as ``make site`` does."""
    shutil.copy(ROOT / "mkdocs.yml", directory)
    shutil.copytree(DOCS, directory / "docs", dirs_exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(page: str) -> list[str]:
    """What a browser fetches from elsewhere: files, and, by a script of the theme, stars on GitHub."""
    found = re.findall(r"<(?:script|img|iframe|source)[^>]+src=\"(?:https?:)?//[^>]+>", page)
    links = re.findall(r"<link [^>]*href=\"(?:https?:)?//[^>]+>", page)
    # A canonical address is not fetched.
    found += [link for link in links if 'rel="canonical"' not in link]
    return found + re.findall(r'data-md-component="source"', page)


def test_every_page_is_in_the_navigation_once() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    listed = re.findall(r": ([\w-]+\.md)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_site_is_built_without_a_dead_link(tmp_path: Path) -> None:
    done = build(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    site = tmp_path / "build" / "site"
    for page in DOCS.glob("*.md"):
        name = "index" if page.name == "README.md" else page.stem
        assert (site / f"{name}.html").is_file(), name
    assert (site / "schema.json").read_bytes() == (DOCS / "schema.json").read_bytes()
    assert not list(site.glob("*.py"))
    for page in site.glob("*.html"):
        assert loaded(page.read_text(encoding="utf-8")) == [], page.name


def test_a_dead_link_ends_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "extra.md").write_text("[there](nowhere.md) and [here](cli.md#nothing)\n")
    done = build(tmp_path)
    assert done.returncode != 0
    assert "2 issues found" in done.stderr


def test_no_page_has_others_load_something() -> None:
    for page in DOCS.glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"!\[[^\]]*\]\(https?://|<script|<img[^>]+https?://", text), page.name
        # The theme fetches the script that draws such a block from elsewhere.
        assert "```mermaid" not in text, page.name

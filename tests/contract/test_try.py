"""``make try`` disturbs nobody's Milvus, and never ends in a traceback."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from compose_tls import enable

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("try_", ROOT / "examples" / "try.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "PROJECT", tmp_path / "try")
    monkeypatch.setattr(module, "relative", str)
    return module


def test_its_project_has_names_and_ports_of_its_own(program: ModuleType) -> None:
    files = program.scratch_project()

    text = files["docker-compose.yml"].decode()
    names = [line for line in text.splitlines() if "container_name:" in line]
    assert len(names) == 3
    assert all(program.NAME in line for line in names)
    published = [line for line in text.splitlines() if line.strip().startswith('- "127.0.0.1:')]
    assert len(published) == 4
    for taken in ('"19530:', '"9091:', '"9000:', '"9001:', "name: milvus\n", "volumes/"):
        assert taken not in text


def test_tls_goes_into_its_project(program: ModuleType) -> None:
    program.scratch_project()

    result = enable(program.PROJECT, dry_run=True, environment={})

    assert result.changed
    assert {file.path for file in result.files} >= set(program.FILES)


def test_a_venv_that_cannot_be_made_is_one_line_and_a_next_step(tmp_path: Path) -> None:
    for name in ("examples", "fixtures"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").write_text("not a directory")

    done = subprocess.run(
        [sys.executable, tmp_path / "examples" / "try.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "make try: .venv could not be made" in done.stdout
    assert "  next: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr

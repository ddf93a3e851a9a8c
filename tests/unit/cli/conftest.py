from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from compose_tls.cli.app import main
from compose_tls.workflows import preamble
from tests.schema import check_document

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: its exit code and both streams."""

    code: int
    out: str
    err: str

    @cached_property
    def json(self) -> Any:
        """Standard output, which must be one document that keeps to the schema."""
        document = json.loads(self.out)
        check_document(document)
        return document

    @property
    def error(self) -> Any:
        """The error in the document."""
        assert self.json["ok"] is False
        return self.json["error"]


Run = Callable[..., Outcome]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command line in this process, as on a machine without an engine."""

    def run_command(*arguments: str | Path) -> Outcome:
        with pytest.MonkeyPatch.context() as environment:
            if "status" in arguments or "DOCKER_HOST" not in os.environ:
                # What is deployed is looked at in tests/e2e: nothing is started here.
                environment.setenv("DOCKER_HOST", "unix:///no-engine/docker.sock")
            code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Outcome(code, out, err)

    return run_command


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project of the guide, in the current directory."""
    directory = tmp_path / "project"
    directory.mkdir()
    for name in ("docker-compose.yml", "milvus.yaml"):
        shutil.copyfile(ROOT / "fixtures" / name, directory / name)
    monkeypatch.chdir(directory)
    monkeypatch.setattr(os, "fsync", lambda _: None)  # power cuts are tested with apply
    for name in list(os.environ):
        if name.startswith(("COMPOSE_", "DOCKER_")):
            monkeypatch.delenv(name)
    return directory


EnableAs = Callable[..., Path]


@pytest.fixture(scope="session")
def _enabled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[object], Path]:
    directory = tmp_path_factory.mktemp("enabled")
    places: dict[object, Path] = {}
    return lambda key: places.setdefault(key, directory / str(len(places)))


@pytest.fixture
def enable_as(run: Run, project: Path, _enabled: Callable[[object], Path]) -> EnableAs:
    """Enables the project: such files with such options once in a session, and then as a copy of that."""

    def enable(*options: str) -> Path:
        files = tuple(sorted((path.name, path.read_bytes()) for path in project.iterdir()))
        made = _enabled((files, options))
        if made.exists():
            shutil.copytree(made, project, symlinks=True, dirs_exist_ok=True)
        else:
            assert run("enable", *options).code == 0
            shutil.copytree(project, made, symlinks=True)
        return project

    return enable


@pytest.fixture
def enabled(enable_as: EnableAs) -> Path:
    """The project with TLS in mode 2."""
    return enable_as("--mode", "2")


def contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def codes(outcome: Outcome) -> set[str]:
    return {warning["code"] for warning in outcome.json["warnings"]}


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def verifies(directory: Path, trusted: str, certificate: str, purpose: str) -> bool:
    """Whether OpenSSL accepts a certificate under the CA certificates in a file."""
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", trusted]
    done = subprocess.run([*command, certificate], cwd=directory, capture_output=True, check=False)
    return done.returncode == 0


def later(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """As if the command were run that many days from now."""
    then = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)
    monkeypatch.setattr(preamble, "now", lambda: then)


def facts(directory: Path) -> dict[str, tuple[int, int, int, int]]:
    """Inode, mode, size and time of change of everything in a directory, itself included."""
    return {
        str(path.relative_to(directory)): (s.st_ino, s.st_mode, s.st_size, s.st_mtime_ns)
        for path in [directory, *directory.rglob("*")]
        for s in [path.lstat()]
    }

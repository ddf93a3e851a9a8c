"""The certificates and settings of the tests of the checks."""

from __future__ import annotations

import importlib.util

import pytest

from tests.unit.checks.conftest import another_pki, expired_pki, issue, loopback_is_quick, pki

__all__ = ["another_pki", "expired_pki", "issue", "loopback_is_quick", "pki"]


@pytest.fixture(autouse=True)
def without_pymilvus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

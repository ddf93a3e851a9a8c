"""The certificates and settings of the tests of the checks."""

from __future__ import annotations

import pytest

from tests.unit.checks.conftest import another_pki, expired_pki, issue, loopback_is_quick, pki

__all__ = ["another_pki", "expired_pki", "issue", "loopback_is_quick", "pki"]


@pytest.fixture(autouse=True)
def _without_pymilvus(without_pymilvus: None) -> None:
    """Of dishonest servers pymilvus could tell nothing that the other probes do not."""

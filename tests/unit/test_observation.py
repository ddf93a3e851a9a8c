from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compose_tls.observation import CertificateFacts, FileFacts, Observation, PkiFacts

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("left", [timedelta(days=1), timedelta(0), timedelta(seconds=-1)])
def test_a_certificate_tells_the_time_that_is_left(left: timedelta) -> None:
    facts = CertificateFacts(
        "CN=a", "CN=b", "1", NOON, NOON + left, "rsa-2048", "ab", (), (), False, ()
    )
    assert facts.remaining(NOON) == left


def observation() -> Observation:
    there = FileFacts(Path("/p/a"), b"SECRET", "ab", 0o600, 0, 0)
    key = FileFacts(Path("/p/k"), None, "cd", 0o600, 0, 0)
    files = {Path("/p/a"): there, Path("/p/k"): key, Path("/p/gone"): None}
    variables = {"PASSWORD": "SECRET"}
    pki, none = PkiFacts({}, frozenset()), frozenset[Any]()
    return Observation(Path("/p"), (), files, variables, pki, 0, frozenset({0}), none, none, {})


@pytest.mark.parametrize(
    ("name", "content"), [("a", b"SECRET"), ("k", None), ("gone", None), ("never", None)]
)
def test_an_observation_gives_the_bytes_of_what_was_read(name: str, content: bytes | None) -> None:
    assert observation().content(Path("/p") / name) == content


def test_neither_bytes_nor_variables_show_in_a_repr() -> None:
    seen = observation()
    assert "SECRET" not in f"{seen!r} {seen.files[Path('/p/a')]!r}"

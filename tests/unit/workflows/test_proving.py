"""Which of several failed checks is told first. Real servers: tests/dishonest."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose_tls.checks.check_target import Target
from compose_tls.config import TlsConfig
from compose_tls.errors import CheckFailed
from compose_tls.results import Probe
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows import proving


def probe(name: str, *, ok: bool) -> Probe:
    return Probe(name=name, ok=ok, expected="", observed=f"{name} seen", seconds=0, hint="do so")


@pytest.mark.parametrize(
    ("failed", "told"),
    [
        (["tls-versions", "refuses-anonymous-client"], "refuses-anonymous-client"),
        (["refuses-plain-text", "tls-versions"], "refuses-plain-text"),
        (["tls-versions"], "tls-versions"),
    ],
)
def test_what_follows_from_another_mode_is_not_taken_for_the_cause(
    monkeypatch: pytest.MonkeyPatch, failed: list[str], told: str
) -> None:
    names = ["grpc-ready", "refuses-plain-text", "tls-versions", "refuses-anonymous-client"]
    checks = tuple(probe(name, ok=name not in failed) for name in names)
    monkeypatch.setattr(proving, "run", lambda *_, **__: checks)
    target = Target("localhost", 19530, "localhost", TlsMode.MUTUAL, Path("ca.pem"))

    with pytest.raises(CheckFailed, match=f"check {told} failed: {told} seen") as caught:
        proving.prove(target, TlsConfig(), lambda _: None)

    assert caught.value.checks == checks

"""Which of several failed checks is told first. Real servers: tests/dishonest."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import Readiness
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


class Started:
    """Stands in for pymilvus in a process of its own."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("fails", [False, True])
def test_pymilvus_loads_once_from_the_first_look_on_and_is_handed_to_the_checks(
    monkeypatch: pytest.MonkeyPatch, *, fails: bool
) -> None:
    begun: list[Started] = []
    handed: list[Started | None] = []

    def start(target: Target) -> Started:
        begun.append(Started(target))
        return begun[-1]

    def checked(*_: object, started: Started | None, **__: object) -> tuple[Probe, ...]:
        assert started is None or not started.closed
        handed.append(started)
        return (probe("grpc-ready", ok=not fails),)

    monkeypatch.setattr(proving, "PymilvusProbe", start)
    monkeypatch.setattr(proving, "readiness", lambda *_: Readiness("not-ready", "starting"))
    monkeypatch.setattr(proving, "run", checked)
    target = Target("localhost", 19530, "localhost", TlsMode.MUTUAL, Path("ca.pem"))
    prover = proving.Prover(TlsConfig())

    assert not prover.look(target).ready
    assert not prover.look(target).ready
    with pytest.raises(CheckFailed) if fails else contextlib.nullcontext():
        prover.prove(target, lambda _: None)

    assert handed == begun
    assert [one.closed for one in begun] == [True]
    prover.close()
    prover.look(target)
    prover.close()
    assert [one.closed for one in begun] == [True, True]

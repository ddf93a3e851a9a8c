"""Rounds: when they begin, what ends them, and what they come to."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from compose_tls.errors import CheckFailed, ComposeTlsError, NotEnabled, ProjectLocked
from compose_tls.results import CheckResult, Endpoint, Probe
from compose_tls.workflows.watch import Round, watch

PROBE = Probe(name="tls-handshake", ok=True, expected="", observed="", seconds=0)
PROVED = CheckResult(
    project="/project",
    mode=1,
    endpoint=Endpoint(uri="https://localhost:19530", server_name="localhost"),
    connect={},
    checks=(PROBE,),
)
FAILED = CheckFailed("check failed", hint="mend it", checks=(PROBE,))
LOCKED = ProjectLocked("at work", hint="wait")


def in_turn(*outcomes: CheckResult | ComposeTlsError) -> Callable[[], CheckResult]:
    left = list(outcomes)

    def check() -> CheckResult:
        outcome = left.pop(0)
        if isinstance(outcome, ComposeTlsError):
            raise outcome
        return outcome

    return check


def rounds(*outcomes: CheckResult | ComposeTlsError) -> list[Round]:
    return list(watch(in_turn(*outcomes), interval=0.001, count=len(outcomes)))


def test_every_round_is_told_and_none_after_the_last() -> None:
    found = rounds(PROVED, FAILED, PROVED)
    assert [round_.outcome for round_ in found] == [PROVED, FAILED, PROVED]
    assert [round_.exit_code for round_ in found] == [0, 6, 0]
    assert [len(round_.checks) for round_ in found] == [1, 1, 1]
    assert all(round_.began.tzinfo is not None for round_ in found)


def test_a_project_that_is_locked_for_a_moment_ends_nothing() -> None:
    found = rounds(PROVED, LOCKED, PROVED)
    assert [round_.exit_code for round_ in found] == [0, 3, 0]
    assert found[1].checks == ()


def test_what_could_not_begin_is_an_error_and_no_round() -> None:
    with pytest.raises(NotEnabled):
        rounds(NotEnabled("not here", hint="enable"), PROVED)
    with pytest.raises(ProjectLocked):
        rounds(LOCKED, PROVED)


def test_a_server_that_is_down_at_first_is_a_round() -> None:
    assert [round_.exit_code for round_ in rounds(FAILED, PROVED)] == [6, 0]


@pytest.mark.parametrize(("took", "waits"), [(0.0, [30, 30]), (12.0, [18, 18]), (31.0, [0, 0])])
def test_the_interval_is_from_beginning_to_beginning(
    monkeypatch: pytest.MonkeyPatch, took: float, waits: list[float]
) -> None:
    clock = [1000.0]
    slept: list[float] = []

    def check() -> CheckResult:
        clock[0] += took
        return PROVED

    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", slept.append)
    list(watch(check, interval=30, count=3))
    assert slept == pytest.approx(waits)

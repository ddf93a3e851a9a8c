"""What a probe found."""

from __future__ import annotations

from dataclasses import replace

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import CLOSED, NO_GRPC, NO_REST, Explanation, explain
from compose_tls.checks.wire import REST, Protocol
from compose_tls.values import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Expected and observed, and what to do where they differ.

    Attributes:
        ok: Whether what was observed is what has to be, or the probe was skipped.
        hint: What the user can do next; told where ``ok`` is false.
        skipped: Whether the probe was not tried because it need not be.
        unreachable: Whether nothing listens there at all, so that nothing else can be asked.
        untried: Why it could not be tried, if it failed for that reason.
    """

    ok: bool
    expected: str
    observed: str
    hint: str | None = None
    skipped: bool = False
    unreachable: bool = False
    untried: str | None = None


def failed(expected: str, error: OSError | Explanation) -> Outcome:
    """What had to work did not."""
    found = error if isinstance(error, Explanation) else explain(error)
    nobody = found.cause == "nobody"
    return Outcome(False, expected, found.meaning, found.next_step, unreachable=nobody)


def not_tried(expected: str, error: OSError | Explanation) -> Outcome:
    """A refusal could not be provoked: that proves nothing, so the check has failed."""
    found = error if isinstance(error, Explanation) else explain(error)
    return untried(expected, found.meaning, found.next_step)


def untried(expected: str, why: str, hint: str | None) -> Outcome:
    """What could not be tried is not proved, so the check has failed."""
    return Outcome(False, expected, f"could not be tried: {why}", hint, untried=why)


def at(place: Target, target: Target, outcome: Outcome) -> Outcome:
    """The same, with the address where it was seen, if there are several.

    That nothing listens at one of them does not keep anyone from asking at the others.
    """
    if outcome.ok or place == target:
        return outcome
    where = f"at {place.authority}: "
    why = where + outcome.untried if outcome.untried else None
    return replace(outcome, observed=where + outcome.observed, unreachable=False, untried=why)


def no_answer(protocol: Protocol, heard: bytes) -> Explanation:
    """What it means that a server said this, or nothing, where it had to answer."""
    if not heard:
        return CLOSED
    return NO_REST if protocol is REST else NO_GRPC

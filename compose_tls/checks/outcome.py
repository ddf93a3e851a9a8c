"""What a probe found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Expected and observed, and what to do where they differ."""

    ok: bool
    expected: str
    observed: str
    hint: str | None = None
    skipped: bool = False

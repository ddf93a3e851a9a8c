"""check --watch: check, again and again."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import datetime

from compose_tls.errors import CheckFailed, ComposeTlsError
from compose_tls.results import CheckResult, Probe
from compose_tls.values import dataclass
from compose_tls.workflows import preamble


@dataclass(frozen=True, slots=True)
class Round:
    """One round, and when it began (UTC).

    Attributes:
        outcome: What was proved, or what failed.
    """

    began: datetime
    outcome: CheckResult | ComposeTlsError

    @property
    def checks(self) -> tuple[Probe, ...]:
        """The probes of the round; none where the project could not be checked at all."""
        if isinstance(self.outcome, CheckResult | CheckFailed):
            return self.outcome.checks
        return ()

    @property
    def exit_code(self) -> int:
        """What a single check would have exited with."""
        return self.outcome.exit_code


def watch(
    check: Callable[[], CheckResult],
    *,
    interval: float,
    count: int | None = None,
) -> Iterator[Round]:
    """Check again and again; a round that fails ends nothing.

    Each round reads the project again, so that it knows of a certificate that was renewed meanwhile.

    Args:
        check: Checks once.
        interval: Seconds from the beginning of a round to that of the next; a round that takes longer
            is followed at once.
        count: How many rounds; ``None`` for no end.

    Raises:
        ComposeTlsError: The very first round could not check anything: that will not fix itself.
    """
    for number in itertools.count(1):
        began = time.monotonic()
        yield _round(check, first=number == 1)
        if number == count:
            return
        time.sleep(max(0.0, began + interval - time.monotonic()))


def _round(check: Callable[[], CheckResult], *, first: bool) -> Round:
    now = preamble.now()
    try:
        return Round(now, check())
    except ComposeTlsError as error:
        if first and not isinstance(error, CheckFailed):
            raise
        return Round(now, error)

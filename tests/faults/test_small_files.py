"""Small files that once took long, much memory, or ended in a crash."""

from __future__ import annotations

import pytest

from benchmarks.small_files import MEGABYTES, SECONDS, SMALL, measure

# Processor time says little of how busy the machine is, but not nothing.
BUSY = 3


@pytest.mark.parametrize("name", SMALL)
def test_none_takes_long_or_much_memory(name: str) -> None:
    taken = measure(name)

    assert taken.seconds < SECONDS * BUSY, taken
    assert taken.megabytes < MEGABYTES, taken

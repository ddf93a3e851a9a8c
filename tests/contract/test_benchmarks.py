"""What the benchmarks measure is there."""

from __future__ import annotations

import importlib

import pytest

from benchmarks.report import STEPS


@pytest.mark.parametrize("place", STEPS.values(), ids=STEPS)
def test_a_step_that_is_timed_is_a_function_of_its_module(place: str) -> None:
    module, name = place.split(":")
    assert callable(getattr(importlib.import_module(module), name))

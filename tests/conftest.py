"""What holds for all tests: which of them run when nobody says, and how hypothesis draws.

``pytest`` runs the fast tests. Those of tests/e2e need an engine or a real Milvus, those of tests/judges
other people's tools, those of tests/faults run a command once for every system call it makes, and those
of tests/fuzz read inputs that are nearly right: each runs where it is asked for, by marker (``-m e2e``,
``-m judges``, ``-m faults``, ``-m fuzz``) or by path. ``make test`` runs them all.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
SLOW = ("e2e", "judges", "faults", "fuzz")
"""Directories whose tests are not run unless they are asked for; each is a marker too."""

# No example is too slow, and no drawing of one: how fast they are says how busy the machine is.
settings.register_profile(
    "compose-tls", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("compose-tls")

# A shell has what it puts into the background ignore Ctrl-C, nohup has it ignore a lost terminal, and so
# would every process of a test.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave a directory alone that nobody has asked for: not even its modules are loaded."""
    if collection_path.parent != TESTS or collection_path.name not in SLOW:
        return None
    if config.option.markexpr:
        return None
    named = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    if any(path.is_relative_to(collection_path) for path in named):
        return None
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of such a directory."""
    for item in items:
        for name in SLOW:
            if item.path.is_relative_to(TESTS / name):
                item.add_marker(name)

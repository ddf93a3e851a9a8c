"""What holds for all tests: which of them run when nobody says, and how hypothesis draws.

``pytest`` runs the fast tests. Those of tests/e2e need an engine or a real Milvus, those of tests/judges
other people's tools, those of tests/faults run a command once for every system call it makes, those
of tests/fuzz read inputs that are nearly right, and those of ``SLOW`` are judges of very many cases:
each runs where it is asked for, by marker (``-m e2e``, ``-m judges``, ``-m faults``, ``-m fuzz``,
``-m slow``) or by path. ``make test`` runs them all.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import signal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).resolve().parent
SUITES = ("e2e", "judges", "faults", "fuzz")
"""Directories whose tests are not run unless they are asked for; each is a marker too."""
SLOW = (
    # Every shape of file in every mutation, every command of every guide, and two type checkers.
    "contract/test_getting_started.py",
    "contract/test_transcripts.py",
    "contract/test_typing.py",
    "corpus/test_variations.py",
    # Docker Compose is asked about each of very many files.
    "corpus/test_compose_files.py",
    "corpus/test_exports.py",
    "corpus/test_neighbours.py",
    "corpus/test_scope.py",
    "corpus/test_scope_in_compose.py",
    "corpus/test_stack_shapes.py",
    "corpus/test_understanding.py",
    # A server for each way to be dishonest.
    "dishonest/test_verdicts.py",
    # A kill at each system call, or a project drawn anew for each example.
    "unit/apply/test_interruption.py",
    "unit/yamlpatch/test_properties.py",
    # Every regular expression with texts that are long, and lines without end.
    "unit/test_hiding.py",
    "unit/test_patterns.py",
    # Servers that say nothing until the time is up.
    "unit/checks/test_connection.py",
    "unit/checks/test_negative_probes.py",
    # Several commands for each test: what is missing or damaged, what is given and what was.
    "unit/cli/test_bring.py",
    "unit/cli/test_check.py",
    "unit/cli/test_cloned.py",
    "unit/cli/test_endless.py",
    "unit/cli/test_export.py",
    "unit/cli/test_files_of_ours.py",
    "unit/cli/test_init.py",
    "unit/cli/test_many_services.py",
    "unit/cli/test_newcomer.py",
    "unit/cli/test_next_step.py",
    "unit/cli/test_renew.py",
    "unit/cli/test_scope.py",
    "unit/cli/test_settings_stay.py",
    "unit/cli/test_two_forms.py",
    "unit/test_format_1.py",
    # A process for each case.
    "contract/test_copied_files.py",
    "contract/test_imports.py",
    "contract/test_package.py",
    "contract/test_site.py",
    "unit/cli/test_completion.py",
    "unit/cli/test_process.py",
    "unit/cli/test_terminal.py",
    "unit/testing/test_watchdog.py",
)
"""Modules of the same kind beside fast ones; their marker is ``slow``."""

MEMORY: Final = Path("/dev/shm")
ENOUGH: Final = 4 << 30
"""Bytes. A run of the fast tests leaves 100,000 small files, of which pytest keeps three runs."""

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


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """How many workers ``-n auto`` is, where the environment does not say.

    Of its time a worker waits a third, for servers and processes: two cores have work for three.
    """
    given = "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ
    return None if given else (os.cpu_count() or 1) * 3 // 2


def pytest_configure(config: pytest.Config) -> None:
    """Put the projects of tests into memory: on a disk, taking away those of earlier runs takes minutes.

    Those of end-to-end tests hold the data of real servers.
    """
    if "e2e" in f"{config.option.markexpr} {config.args}" or not MEMORY.is_dir():
        return
    memory = os.statvfs(MEMORY)
    if memory.f_bavail * memory.f_frsize >= ENOUGH:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave alone what nobody has asked for: not even the modules are loaded."""
    if collection_path not in {TESTS / name for name in (*SUITES, *SLOW)}:
        return None
    if config.option.markexpr:
        return None
    named = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    if any(path.is_relative_to(collection_path) for path in named):
        return None
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test of them."""
    marks: dict[Path, list[str]] = {}
    for item in items:
        if (path := item.path) not in marks:
            suites = [name for name in SUITES if path.is_relative_to(TESTS / name)]
            slow = path in {TESTS / name for name in SLOW}
            marks[path] = [*suites, "slow"] if slow else suites
        for name in marks[path]:
            item.add_marker(name)


def pytest_collection_finish() -> None:
    """Look for garbage seldom: what was collected lives as long as the process.

    Not ``gc.freeze``, which hides what it holds from hypothesis: it warns that its own random numbers
    are garbage (Python 3.14.8).
    """
    gc.set_threshold(100_000, 50, 100)


@pytest.fixture
def without_pymilvus(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where pymilvus is not installed: its probe is skipped."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

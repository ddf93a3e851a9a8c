"""Three signals, handled alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from compose_tls.signals import SIGNALS, as_interrupt, deferred


@pytest.mark.parametrize("number", SIGNALS)
def test_each_signal_ends_a_command_as_ctrl_c_does(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt, match=number.name), as_interrupt():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_what_must_not_be_left_half_way(number: signal.Signals) -> None:
    done: list[object] = []

    def work() -> None:
        with deferred() as came:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), signal.SIGINT)
            done.append(list(came))
        done.append("not reached")

    with pytest.raises(KeyboardInterrupt), as_interrupt():
        work()
    assert done == [[number, signal.SIGINT]]


def test_one_that_waits_is_delivered_after_an_error_as_well() -> None:
    def fail() -> None:
        with deferred():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ValueError

    with pytest.raises(KeyboardInterrupt) as caught, as_interrupt():
        fail()
    assert isinstance(caught.value.__context__, ValueError)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with as_interrupt(), deferred() as came:
            os.kill(os.getpid(), signal.SIGHUP)
        assert came == []
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_is_set() -> None:
    seen: list[object] = []

    def run() -> None:
        with as_interrupt(), deferred():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_a_process_that_does_not_handle_a_signal_still_dies_of_it() -> None:
    code = """
import os, signal
from compose_tls.signals import deferred
with deferred():
    os.kill(os.getpid(), signal.SIGTERM)
    print("done", flush=True)
print("not reached")
"""
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (outcome.returncode, outcome.stdout) == (-signal.SIGTERM, "done\n")

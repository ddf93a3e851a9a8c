"""Reads inputs that are nearly right for as long as it is told: ``make fuzz``.

Guided by coverage where atheris is installed, else by mutation alone. What ends in anything but a
``ComposeTlsError``, takes two seconds of the processor or more than 100 MB is kept in tests/data/fuzz:
tests/fuzz/test_fuzz.py reads it again from then on.

    python tests/fuzz/run.py [--seconds 60] [--json FILE] [--plain] [TARGET …]
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

if "--atheris" in sys.argv:
    import atheris  # not on every machine

    # What is loaded now tells which of its branches an input takes.
    with atheris.instrument_imports(include=["compose_tls"]):
        import tests.fuzz.targets  # noqa: F401 - for that alone

from compose_tls.errors import ComposeTlsError  # noqa: E402 - of this checkout
from tests.fuzz.mutate import LONGEST, inputs  # noqa: E402 - as above
from tests.fuzz.targets import TARGETS, Target  # noqa: E402 - as above

FOUND = ROOT / "tests" / "data" / "fuzz"
SECONDS = 2
WAIT = 20
MEGABYTES = 100


@dataclass(frozen=True)
class Result:
    """What came of one reader.

    Attributes:
        slowest: Seconds of the slowest input.
        megabytes: By how much memory grew; with atheris, what all of it took.
        findings: Which inputs were kept, and why.
    """

    target: str
    executions: int
    seconds: float
    slowest: float
    megabytes: int
    findings: list[str]


class TooLong(BaseException):
    """An input that takes too long."""


@contextmanager
def limited() -> Iterator[None]:
    """Ends with ``TooLong`` what keeps the processor busy for too long, or waits for something."""

    def ring(*_: object) -> None:
        raise TooLong

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, SECONDS),
        (signal.ITIMER_REAL, signal.SIGALRM, WAIT),
    )
    before = [signal.signal(number, ring) for _, number, _ in timers]
    for timer, _, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def execute(target: Target, data: bytes) -> None:
    """Read one input.

    Raises:
        BaseException: What a user must never see, or ``TooLong``.
    """
    with suppress(ComposeTlsError), limited():
        target.read(data)


def keep(name: str, data: bytes, error: BaseException) -> str:
    """Keep an input that was not refused as it should be."""
    place = FOUND / name
    place.mkdir(parents=True, exist_ok=True)
    path = place / hashlib.sha256(data).hexdigest()[:16]
    path.write_bytes(data)
    return f"{path.relative_to(ROOT)}: {type(error).__name__}: {error}"


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mutated(name: str, seconds: float, most: int | None, seed: int) -> Result:
    """Executions by mutation alone; figures of them."""
    target = TARGETS[name]
    seeds = target.seeds()
    execute(target, seeds[0])
    before, began, slowest = peak(), time.monotonic(), 0.0
    executions, kinds, found = 0, set(), []
    for data in inputs(seeds, target.words, seed):
        start = time.monotonic()
        if start - began > seconds or executions == most:
            break
        executions += 1
        try:
            execute(target, data)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            frame = error.__traceback__
            while frame and frame.tb_next:
                frame = frame.tb_next
            kind = (type(error).__name__, frame and frame.tb_lineno)
            if kind not in kinds:
                kinds.add(kind)
                found.append(keep(name, data, error))
        slowest = max(slowest, time.monotonic() - start)
    grown = peak() - before
    if grown > MEGABYTES:
        found.append(f"{name}: {grown:.0f} MB more than at the beginning")
    took = round(time.monotonic() - began, 1)
    return Result(name, executions, took, round(slowest, 3), round(grown), found)


def guided(name: str, seconds: float) -> Result:
    """Executions guided by coverage, in a process of their own: libFuzzer ends it."""
    began = time.monotonic()
    words = [sys.executable, __file__, "--atheris", name, f"--seconds={seconds:.0f}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    lines = done.stderr.splitlines()
    counted = [line.split() for line in lines if "number_of_executed_units" in line]
    largest = [line.split() for line in lines if "peak_rss_mb" in line]
    slowest = [line.split() for line in lines if "slowest_unit_time_sec" in line]
    found = [line.removeprefix("FOUND ") for line in lines if line.startswith("FOUND ")]
    if done.returncode and not found:
        found = [f"{name}: {' / '.join(lines[-3:])}"]
    executions, slow, megabytes = (
        int(lines[-1][-1]) if lines else 0 for lines in (counted, slowest, largest)
    )
    took = round(time.monotonic() - began, 1)
    return Result(name, executions, took, slow, megabytes, found)


def under_atheris(name: str, seconds: float) -> None:
    """Let libFuzzer choose the inputs."""
    target = TARGETS[name]
    corpus = ROOT / "build" / "fuzz" / name
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    words = corpus.parent / f"{name}.dict"
    spelled = ("".join(f"\\x{byte:02x}" for byte in word) for word in target.words if word)
    words.write_text("".join(f'"{word}"\n' for word in spelled))

    def one(data: bytes) -> None:
        try:
            execute(target, data)
        except BaseException as error:
            print("FOUND", keep(name, data, error), file=sys.stderr, flush=True)
            raise

    options = [f"-max_total_time={seconds:.0f}", f"-max_len={LONGEST}", "-print_final_stats=1"]
    atheris.Setup(
        [sys.argv[0], str(corpus), f"-dict={words}", "-rss_limit_mb=600", "-verbosity=0", *options],
        one,
    )
    atheris.Fuzz()


def main() -> int:
    """Run the targets one after the other; print and keep the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=60, help="for each target")
    parser.add_argument("--executions", type=int, help="at most, for each target")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--json", type=Path, help="where the figures go")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--atheris", metavar="TARGET", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.atheris:
        under_atheris(options.atheris, options.seconds)
        return 0
    plain = options.plain or importlib.util.find_spec("atheris") is None
    results = []
    for name in options.targets or TARGETS:
        result = (
            mutated(name, options.seconds, options.executions, options.seed)
            if plain
            else guided(name, options.seconds)
        )
        results.append(result)
        figures = f"{result.executions:>9} executions in {result.seconds:>6} s"
        limits = f"slowest {result.slowest} s, {result.megabytes} MB"
        print(f"{name:10} {figures}, {limits}", flush=True)
        for finding in result.findings:
            print(f"  found: {finding}", flush=True)
    total = sum(result.executions for result in results)
    findings = sum(len(result.findings) for result in results)
    how = "mutation" if plain else "coverage (atheris)"
    print(f"{total} executions by {how}, seed {options.seed}: {findings} findings")
    if options.json:
        kept = {"by": how, "seed": options.seed, "targets": [asdict(one) for one in results]}
        options.json.write_text(json.dumps(kept, indent=2) + "\n")
    return int(findings > 0)


if __name__ == "__main__":
    sys.exit(main())

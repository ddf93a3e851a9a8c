"""Every speed that we promise something about, measured side by side, as docs/benchmarks.md.

    python -m benchmarks.report            # half a minute; without what needs an engine
    python -m benchmarks.report --engine   # the time to proof as well: some minutes, and e2e images

All sides run by turns, so that whatever else the machine does falls on all. Counted is the processor time
of each process and of those it starts, which another load disturbs least; ratios are of medians of the
same run. ``--check`` ends with 1 where a target is missed, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from compose_tls.version import __version__

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"

BARE = "from cryptography import x509; import click, yaml; from pydantic import BaseModel"
"""What compose-tls is built on. ``import cryptography, pydantic`` would load next to nothing of them."""

_ENDS_AT_ONCE = "; import os; os._exit(0)"
"""As a command ends: Python does not take apart what it loaded, which takes a fifth of the time."""

_FIRST_MODEL = """
import os
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"
class One(BaseModel):
    number: int = 1
One()
os._exit(0)
"""
"""The smallest model, as a command makes it."""

# The steps of ``enable``, each a function; what one step takes within another is taken off that.
STEPS = {
    "settings": "compose_tls.workflows.preamble:open_project",
    "reading the project": "compose_tls.workflows.preamble:observe",
    "planning": "compose_tls.workflows.planning:plan_enable",
    "issuing": "compose_tls.credentials.issuing:issue",
    "rehearsing handshakes": "compose_tls.credentials.issuing:_rehearse",
    "writing": "compose_tls.workflows.enable:apply",
}
_TIMED = """
import importlib, json, os, sys, time
import compose_tls.workflows.enable, yaml
spent, inner = {{}}, [0.0]
def timed(name, place):
    module, attribute = place.split(":")
    home = importlib.import_module(module)
    step = getattr(home, attribute)
    def run(*arguments, **named):
        began = time.process_time()
        inner.append(0.0)
        outcome = step(*arguments, **named)
        took = time.process_time() - began
        spent[name] = took - inner.pop()
        inner[-1] += took
        return outcome
    setattr(home, attribute, run)
for name, place in {steps!r}.items():
    timed(name, place)
from compose_tls.cli.app import main
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
main(["enable", "--mode", "2"])
print(json.dumps(spent), file=sys.stderr)
"""

_LIBRARIES = {
    "click": ("click",),
    "cryptography": ("cryptography",),
    "pydantic": ("pydantic", "pydantic_core", "annotated_types", "typing_inspection"),
    "PyYAML": ("yaml",),
    "compose-tls": ("compose_tls",),
}
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)")

_SUBJECT = "/C=CN/O=milvus/CN=localhost"
_EXTENSIONS = "-days 3650 -config openssl.cnf -extensions v3_req"
_ISSUER = "-CA ca.pem -CAkey ca.key -CAcreateserial"
_EXTFILE = "-extfile openssl.cnf -extensions v3_req"
# What the guide of Milvus 2.4 has its readers run, step by step: three RSA keys of 2048 bits, a CA, and
# two requests with the certificates made from them. https://milvus.io/docs/v2.4.x/tls.md
_GUIDE = [
    "genrsa -out ca.key 2048",
    f"req -new -x509 -key ca.key -out ca.pem -days 3650 -subj {_SUBJECT}",
    *(
        step.format(name=name)
        for name in ("server", "client")
        for step in (
            "genpkey -algorithm RSA -out {name}.key",
            f"req -new -nodes -key {{name}}.key -out {{name}}.csr -subj {_SUBJECT} {_EXTENSIONS}",
            f"x509 -req -days 3650 -in {{name}}.csr -out {{name}}.pem {_ISSUER} {_EXTFILE}",
        )
    ),
]
_OPENSSL_CNF = """\
[req]
distinguished_name = name
[name]
[v3_req]
basicConstraints = CA:FALSE
keyUsage = nonRepudiation, digitalSignature, keyEncipherment
"""


@dataclass(frozen=True)
class Sample:
    """One run.

    Attributes:
        seconds: Processor time, of user and system, of the process and its children.
        megabytes: The most memory that the process had at one time.
    """

    seconds: float
    megabytes: float


@dataclass
class Side:
    """One of the things that are compared.

    Attributes:
        name: Its name.
        command: What is run.
        project: Whether it needs a project.
        enabled: Whether that has TLS already.
        runs: How often it runs in a round.
    """

    name: str
    command: Sequence[str]
    project: bool = False
    enabled: bool = False
    runs: int = 1
    samples: list[Sample] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The median processor time."""
        return statistics.median(one.seconds for one in self.samples)

    @property
    def megabytes(self) -> float:
        """The most memory of all runs."""
        return max(one.megabytes for one in self.samples)


@dataclass(frozen=True)
class Row:
    """A target, and what was measured."""

    what: str
    measured: str
    base: str
    ratio: float
    target: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is."""
        return self.ratio <= self.target

    def line(self) -> str:
        """The row of the table."""
        verdict = "met" if self.met else "**missed**"
        ratio, target = (
            f"{n:.2f}" if not self.unit else f"{n:.0f} {self.unit}"
            for n in (self.ratio, self.target)
        )
        return f"| {self.what} | {self.measured} | {self.base} | {ratio} | {target} | {verdict} |"


def environment() -> dict[str, str]:
    """That of the runs: modules are compiled once, as an installation has them; no engine answers."""
    inherited = {name: value for name, value in os.environ.items() if "BYTECODE" not in name}
    return {**inherited, "PYTHONPATH": str(ROOT), "DOCKER_HOST": "unix:///nobody/listens.sock"}


def run(command: Sequence[str], directory: Path) -> Sample:
    """Run a command to its end."""
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 7}:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Sample(used.ru_utime + used.ru_stime, kilobytes / 1024)


def fresh(side: Side, scratch: Path) -> Path:
    """A directory as a side needs it."""
    directory = scratch / "run"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    (directory / "openssl.cnf").write_text(_OPENSSL_CNF)
    (directory / "gen.sh").write_text("set -e\n" + "".join(f"openssl {s}\n" for s in _GUIDE))
    if side.project:
        for name in ("docker-compose.yml", "milvus.yaml"):
            shutil.copyfile(ROOT / "fixtures" / name, directory / name)
    if side.enabled:
        run(ours("enable", "--mode", "2"), directory)
    return directory


def ours(*arguments: str) -> list[str]:
    """The command line of ours."""
    return [sys.executable, "-m", "compose_tls", *arguments]


def sides() -> dict[str, Side]:
    """What is compared."""
    enable = ("enable", "--mode", "2")
    found = [
        Side("pass", [sys.executable, "-c", "pass"]),
        Side("click", [sys.executable, "-c", "import click"]),
        Side("bare", [sys.executable, "-c", BARE]),
        Side("floor", [sys.executable, "-c", BARE + _ENDS_AT_ONCE]),
        Side(
            "others", [sys.executable, "-c", BARE.partition("; from pydantic")[0] + _ENDS_AT_ONCE]
        ),
        Side("model", [sys.executable, "-c", BARE + _FIRST_MODEL]),
        # How long it takes to find primes is luck: three runs weigh as much as one of all else.
        Side("guide", ["sh", "gen.sh"], runs=3),
        Side("version", ours("--version")),
        Side("help", ours("--help")),
        Side("enable", ours(*enable), project=True),
        Side("enable rsa", ours(*enable, "--key-type", "rsa-2048"), project=True),
        Side("status", ours("status"), project=True, enabled=True),
    ]
    return {side.name: side for side in found}


def measured(rounds: int) -> dict[str, Side]:
    """Every side, by turns; the first round, which compiles modules, does not count."""
    found = sides()
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(rounds + 1):
            for side in found.values():
                for _ in range(side.runs):
                    sample = run(side.command, fresh(side, Path(scratch)))
                    if number:
                        side.samples.append(sample)
    return found


def command_rows(found: Mapping[str, Side]) -> Iterator[Row]:
    """The commands against what they are compared with."""
    for what, side, base, name, target in (
        ("`enable --mode 2`", "enable", "guide", "gen.sh of the guide", 0.30),
        ("the same with RSA 2048", "enable rsa", "guide", "gen.sh of the guide", 0.60),
        ("`--version`", "version", "pass", "`python -c pass`", 2.0),
        ("`--help`", "help", "pass", "`python -c pass`", 4.0),
        ("`status`", "status", "bare", "the bare imports", 1.5),
    ):
        one, other = found[side].seconds, found[base].seconds
        yield Row(what, _ms(one), f"{name}, {_ms(other)}", one / other, target)
    memory = max(found[name].megabytes for name in ("enable", "enable rsa", "status"))
    yield Row("memory of `enable` and `status`", f"{memory:.0f} MiB", "", memory, 64, "MiB")


def yaml_row(rounds: int) -> Row:
    """A compose file of 1 MB against ruamel.yaml."""
    from benchmarks import yamlpatch_speed  # noqa: PLC0415 - the library, only after the processes

    size, medians = yamlpatch_speed.measured(rounds)
    one, other = medians[yamlpatch_speed.ONE_SERVICE], medians[yamlpatch_speed.RUAMEL]
    base = f"load and dump with ruamel.yaml, {other:.2f} s"
    return Row(
        f"a patch of a {size / 1e6:.1f} MB compose file", f"{one:.2f} s", base, one / other, 0.1
    )


def proof_row(rounds: int) -> Row:
    """The time to a proof against Compose's own waiting; wall-clock time, on a real engine."""
    from benchmarks import time_to_proof  # noqa: PLC0415 - needs an engine

    waits, proofs, _ = time_to_proof.measured(rounds)
    wait, proof = statistics.median(waits), statistics.median(proofs)
    base = f"`docker compose up -d --wait`, {wait:.1f} s"
    return Row("`enable --mode 2 --up`, to the proof", f"{proof:.1f} s", base, proof / wait, 0.3)


def imports(side: Side, rounds: int = 5) -> Counter[str]:
    """Milliseconds that a command spends in the modules of each library, the least of some runs."""
    least: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(rounds):
            command = [side.command[0], "-X", "importtime", *side.command[1:]]
            said = subprocess.run(
                command,
                cwd=fresh(side, Path(scratch)),
                env=environment(),
                capture_output=True,
                text=True,
                check=False,
            ).stderr
            for microseconds, name in _IMPORT.findall(said):
                least[name] = min(int(microseconds), least.get(name, int(microseconds)))
    found: Counter[str] = Counter()
    for name, microseconds in least.items():
        found[_library(name)] += microseconds
    return found


def profile(found: Mapping[str, Side]) -> Iterator[str]:
    """What remains, as a table: where processor time goes."""
    names = ("enable", "status", "help", "version")
    counts = {name: imports(found[name]) for name in names}
    yield "| milliseconds of | " + " | ".join(f"`{n}`" for n in names) + " |"
    yield "| --- |" + " --: |" * len(names)
    for library in ("Python's own modules", *_LIBRARIES, "others"):
        values = (counts[name][library] / 1000 for name in names)
        yield f"| importing {library} | " + " | ".join(f"{v:.0f}" for v in values) + " |"
    rest = (max(0.0, found[n].seconds * 1000 - counts[n].total() / 1000) for n in names)
    yield "| everything else | " + " | ".join(f"{v:.0f}" for v in rest) + " |"


def steps(rounds: int = 5) -> dict[str, float]:
    """Milliseconds of each step of ``enable``, the least of some runs, with all modules loaded."""
    least: dict[str, float] = {}
    side = Side("steps", [sys.executable, "-c", _TIMED.format(steps=STEPS)], project=True)
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(rounds):
            said = subprocess.run(
                side.command,
                cwd=fresh(side, Path(scratch)),
                env=environment(),
                capture_output=True,
                text=True,
                check=True,
            ).stderr
            for name, seconds in json.loads(said.splitlines()[-1]).items():
                least[name] = min(seconds * 1000, least.get(name, seconds * 1000))
    return least


def page(found: Mapping[str, Side], rows: Sequence[Row], *, rounds: int, engine: bool) -> str:
    """The page."""
    libraries = ("click", "cryptography", "pydantic", "PyYAML")
    openssl = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True)
    guide, bare = found["guide"].seconds, found["bare"].seconds
    floor, others = found["floor"].seconds, found["others"].seconds
    model = found["model"].seconds
    return _PAGE.format(
        ours=__version__,
        python=platform.python_version(),
        libraries=", ".join(f"{name} {version(name)}" for name in libraries),
        openssl=" ".join(openssl.stdout.split()[:2]),
        machine=f"{platform.system()} {platform.machine()}",
        rounds=rounds,
        rows="\n".join(row.line() for row in rows),
        imports=f"`{BARE}`: {_ms(bare)}",
        engine="" if engine else "\nThe time to a proof was not measured in this run.",
        profile="\n".join(profile(found)),
        steps="\n".join(f"| {name} | {ms:.0f} |" for name, ms in steps().items()),
        click=f"{found['click'].seconds / found['pass'].seconds:.1f}",
        guide=_ms(guide),
        bare=f"{bare / guide:.2f}",
        floor=f"{floor / guide:.2f}",
        pydantic=_ms(floor - others),
        model=_ms(model),
        first=_ms(model - floor),
        least=f"{model / guide:.2f}",
    )


_PAGE = """\
# Benchmarks

Written by `make benchmarks`, which measures everything in one run; do not edit.

This run: compose-tls {ours}, Python {python}, {libraries}, {openssl}, {machine}, the median of {rounds}
rounds. All sides run in turn. The table shows the processor time of each process and of those that it
starts; for the proof, which mostly waits, the elapsed time. Compare the ratios: the times are those of
one machine, which was also doing other work.

| what | measured | against | ratio | target | |
| --- | --: | --- | --: | --: | --- |
{rows}

The bare imports are {imports}. Commands run without `--up` and without a Docker engine. With an engine,
`enable` and `status` also load docker-py, run `docker compose config`, and inspect the
containers.{engine}

## The lower bound

The script of the guide makes three RSA keys of 2048 bits in seven processes of openssl: {guide}. The time
to find a key is random: the script runs three times in each round, and the medians of two runs of this
page still differ.

The bare imports take {bare} of that; {floor} if the process ends like a command, without unloading its
modules. pydantic takes {pydantic} of it, without a model. The first model adds {first}: the rest of
pydantic, and `importlib.metadata`, which it loads before it checks whether plug-ins are off. So {model},
or {least} of the script, is the lower bound of `enable` and `status` with these libraries. `import click`
takes {click} times `python -c pass`.

## What remains

The time of each command: the modules of each library as measured with `-X importtime` (which itself takes
a little time), and the rest.

{profile}

The steps of `enable` with all modules loaded, except those that pydantic loads for its first model:

| step of `enable` | milliseconds |
| --- | --: |
{steps}

Most of the settings step is the schema that pydantic builds, with the modules that it loads for it. A
fifth of the import of compose-tls is pydantic's creation of the model classes. A rehearsal consists of
ten handshakes in memory, five of which end once the client is content. Measured and kept: a certificate
is rehearsed with each of its names, `status` reads keys and compares them with their certificates, and
every file is written so that a crash loses none.

tests/contract/test_imports.py checks which modules each command may load.
"""


def _library(module: str) -> str:
    top = module.partition(".")[0]
    if top.lstrip("_") in sys.stdlib_module_names or top in sys.stdlib_module_names:
        return "Python's own modules"
    return next((name for name, tops in _LIBRARIES.items() if top in tops), "others")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15, help="how often each side runs")
    parser.add_argument("--engine", action="store_true", help="measure the time to a proof, too")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; 1 if a target is missed"
    )
    arguments = parser.parse_args()
    found = measured(arguments.rounds)
    rows = [*command_rows(found), yaml_row(min(arguments.rounds, 3))]
    if arguments.engine:
        rows.append(proof_row(3))
    for row in rows:
        print(row.line())
    if arguments.check:
        return int(not all(row.met for row in rows))
    PAGE.write_text(page(found, rows, rounds=arguments.rounds, engine=arguments.engine))
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

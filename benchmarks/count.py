"""What the package weighs, and how often one ``enable`` reads the same thing.

Weight: lines of code are the physical lines that hold a token which is neither a comment nor part of a
docstring; blank lines have none. A docstring is any string that stands alone as a statement. Modules are
the ``.py`` files of the package. Names that occur twice are those of modules in different packages, with
``__init__`` left out.

With ``--enable`` two runs of ``enable --mode 2`` are traced on a copy of fixtures/, each in a process of
its own:

- files read: every opening for reading of a file below the project, as Python's audit event "open"
  reports it (``open``, ``io.open``, ``Path.read_*`` and ``os.open`` alike), also where the file turns out
  not to be there; directories do not count
- YAML parses: the loaders that PyYAML makes, one a parse, by the file. A file that is edited is parsed
  a second time as it will be, which is the proof of the edit
- project loads and state reads: calls of the functions that do these

Calls are counted by ``sys.setprofile``, however the caller has come by the function.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import os
import shutil
import sys
import tempfile
import tokenize
from collections import Counter, defaultdict
from pathlib import Path
from types import FrameType
from typing import Any

from compose_tls.cli.app import main as compose_tls

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "compose_tls"
ENABLE = ("enable", "--mode", "2")
COUNTED = {"load_project": "project loads", "read_state": "state reads"}
"""The functions of the package that are counted, by name, and as what."""

# Where PyYAML makes a loader, once a parse; so does nobody else.
_LOADERS = ("yaml.cyaml", "yaml.loader")

_NO_CODE = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
    *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
}


def lines_of_code(text: str) -> int:
    """The lines of a module that are neither docstring, comment nor blank."""
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in _NO_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=int(last)):
                code.difference_update(range(first, last + 1))
            case _:
                pass
    return len(code)


def weigh() -> None:
    """Print the package's lines of code, its modules, and names that occur twice."""
    modules = sorted(PACKAGE.rglob("*.py"))
    places: defaultdict[str, list[str]] = defaultdict(list)
    for module in modules:
        places[module.stem].append(module.parent.relative_to(ROOT).as_posix())
    twice = {name: where for name, where in places.items() if len(where) > 1 and name != "__init__"}
    print(f"lines of code: {sum(lines_of_code(m.read_text('utf-8')) for m in modules):,}")
    print(f"modules: {len(modules)}")
    print(f"module names that occur twice: {len(twice)}")
    for name, where in sorted(twice.items()):
        print(f"  {name}: {', '.join(where)}")


class Trace:
    """What one command reads below a directory.

    Args:
        project: That directory.
    """

    def __init__(self, project: Path) -> None:
        self.project = project
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def run(self) -> int:
        """Enable TLS there; the exit code. The hook stays: the process has to end afterwards."""
        sys.addaudithook(self._audit)
        sys.setprofile(self._profile)
        try:
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                return compose_tls(ENABLE)
        finally:
            sys.setprofile(None)

    def report(self) -> None:
        """Print the counts, and what they are of."""
        for what in ("files read", "YAML parses", *COUNTED.values()):
            counter = self.counts[what]
            detail = ", ".join(f"{name} {n}" for name, n in sorted(counter.items()))
            print(f"  {what}: {counter.total()}{f' ({detail})' if detail else ''}")

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], str | bytes):
            return
        path, _, flags = arguments
        if flags & os.O_ACCMODE == os.O_WRONLY or flags & os.O_CREAT:
            return
        place = Path(os.path.abspath(os.fsdecode(path)))  # noqa: PTH100 - links are not followed
        if place.is_relative_to(self.project) and not place.is_dir():
            self.counts["files read"][place.relative_to(self.project).as_posix()] += 1

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        name, module = frame.f_code.co_name, str(frame.f_globals.get("__name__"))
        if name in COUNTED and module.startswith("compose_tls."):
            self.counts[COUNTED[name]][f"{module}.{name}"] += 1
        if name == "__init__" and module in _LOADERS:
            self.counts["YAML parses"][_file(frame)] += 1


def _file(frame: FrameType | None) -> str:
    """The file that is parsed: our reader has its name in its argument ``name``."""
    while frame and not (
        str(frame.f_globals.get("__name__")).startswith("compose_tls.") and "name" in frame.f_locals
    ):
        frame = frame.f_back
    return Path(str(frame.f_locals["name"])).name if frame else "?"


def trace() -> None:
    """Print what a first and a second enable read."""
    with tempfile.TemporaryDirectory() as scratch:
        project = Path(scratch).resolve() / "project"
        project.mkdir()
        for name in ("docker-compose.yml", "milvus.yaml"):
            shutil.copyfile(ROOT / "fixtures" / name, project / name)
        for which in ("first", "second"):
            sys.stdout.flush()
            child = os.fork()  # nothing is cached from one run to the next
            if child == 0:
                os.chdir(project)
                tracer = Trace(project)
                print(f"{which} {' '.join(ENABLE)}: exit code {tracer.run()}")
                tracer.report()
                sys.stdout.flush()
                os._exit(0)
            os.waitpid(child, 0)


def main() -> None:
    """Weigh the package; trace enable where it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--enable", action="store_true", help="trace two runs of enable as well")
    arguments = parser.parse_args()
    weigh()
    if arguments.enable:
        trace()


if __name__ == "__main__":
    main()

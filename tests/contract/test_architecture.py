"""The layers: which module may import which, and which package may import which library."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[2]

# Each one has a contract in pyproject.toml, except pydantic, which layer 0 is built on.
LIBRARIES = {
    "click",
    "cryptography",
    "docker",
    "grpc",
    "idna",
    "milvus",
    "milvus_lite",
    "pydantic",
    "pymilvus",
    "pytest",
    "requests",
    "rich",
    "ruamel",
    "yaml",
}


def lint_imports(directory: Path) -> subprocess.CompletedProcess[str]:
    run = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    command = [sys.executable, "-c", run]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def test_every_import_goes_down_a_layer_and_each_library_has_one_package() -> None:
    outcome = lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout


# Module, statement, and the contract that it breaks.
FORBIDDEN = (
    ("plan/enable.py", "import compose_tls.apply.lock", "layers"),
    ("observation.py", "import compose_tls.pki.names", "layers"),
    ("pki/names.py", "import compose_tls.yamlpatch.patch", "layers"),
    ("plan/identities.py", "import compose_tls.plan.enable", "no cycles"),
    ("workflows/preamble.py", "import click", "click and rich only in cli"),
    ("plan/enable.py", "import cryptography.x509", "cryptography and idna only in pki"),
    ("compose/compose_project.py", "import yaml", "yaml and ruamel only in yamlpatch"),
    ("plan/enable.py", "import ruamel.yaml", "yaml and ruamel only in yamlpatch"),
    ("checks/readiness.py", "import docker", "docker and requests only in deploy"),
    ("sdk/__init__.py", "import pymilvus", "grpc and pymilvus only in checks"),
    ("workflows/preamble.py", "import pytest", "pytest, milvus and milvus_lite only in testing"),
)


def told_of(module: str, statement: str, contract: str) -> str:
    """What is said of such an import."""
    if contract == "no cycles":
        return f"No cycles are allowed in compose_tls.{module.partition('/')[0]}."
    importer = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    imported = statement.removeprefix("import ")
    if not imported.startswith("compose_tls"):
        imported = imported.partition(".")[0]
    return f"- compose_tls.{importer} -> {imported} "


def test_an_import_that_goes_up_or_elsewhere_is_found(tmp_path: Path) -> None:
    for file in (*ROOT.glob("compose_tls/**/*.py"), ROOT / "pyproject.toml"):
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    for module, statement, _ in FORBIDDEN:
        with (tmp_path / "compose_tls" / module).open("a") as changed:
            changed.write(f"\n{statement}\n")
    outcome = lint_imports(tmp_path)
    assert outcome.returncode == 1
    # Each contract's name, underlined, and what broke it.
    _, *told = re.split(r"(?m)^(.+)\n-+$", outcome.stdout.partition("Broken contracts")[2])
    broken = dict(zip(told[::2], told[1::2], strict=True))
    missed = [one for one in FORBIDDEN if told_of(*one) not in broken.get(one[2], "")]
    assert not missed, outcome.stdout


def test_no_library_is_imported_without_a_contract() -> None:
    graph = grimp.build_graph("compose_tls", include_external_packages=True, cache_dir=None)
    foreign = {name for name in graph.modules if graph.is_module_squashed(name)}
    assert foreign - set(sys.stdlib_module_names) == LIBRARIES


def test_modules_are_small() -> None:
    long = {
        str(file.relative_to(ROOT)): lines
        for file in ROOT.glob("compose_tls/**/*.py")
        if (lines := len(file.read_text().splitlines())) > 400
    }
    assert not long


def test_a_module_name_occurs_once_but_for_the_way_of_a_command_through_the_layers() -> None:
    names = Counter(file.stem for file in ROOT.glob("compose_tls/**/*.py"))
    commands = {file.stem for file in ROOT.glob("compose_tls/cli/commands/*.py")}
    assert not {name for name, times in names.items() if times > 1} - commands


# What asks a disk; ``Path.resolve`` is the one without arguments.
_ASKS = frozenset(
    {
        *(
            "exists",
            "glob",
            "is_dir",
            "is_file",
            "is_symlink",
            "iterdir",
            "lexists",
            "lstat",
            "open",
        ),
        *(
            "read_bytes",
            "read_text",
            "readlink",
            "realpath",
            "rglob",
            "samefile",
            "scandir",
            "stat",
        ),
    }
)


def test_plans_and_what_they_are_made_from_ask_no_file_system() -> None:
    pure = ("config", "plan", "project", "sdk", "stack", "state", "targets", "yamlpatch")
    nodes = [
        (f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}", node)
        for package in pure
        for file in ROOT.glob(f"compose_tls/{package}/**/*.py")
        for node in ast.walk(ast.parse(file.read_text()))
    ]
    asks = [(at, n.attr) for at, n in nodes if isinstance(n, ast.Attribute) and n.attr in _ASKS]
    opens = [
        (at, name.name)
        for at, node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "compose_tls.files"
        for name in node.names
        if not name.name.endswith("_LIMIT")
    ]
    assert {at.split("/")[1] for at, _ in nodes} == set(pure)
    assert not asks + opens

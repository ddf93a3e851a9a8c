"""What a command does not need, it does not load: in a fresh interpreter each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from functools import cache
from pathlib import Path

import pytest

import compose_tls
from compose_tls.cli.app import main

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

HEAVY = {
    "cryptography",
    "docker",
    "grpc",
    "idna",
    "pydantic",
    "pymilvus",
    "requests",
    "rich",
    "ruamel",
    "ssl",
    "yaml",
}

REPORT = """
import json, sys
try:
    {code}
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


def loaded_by(code: str, directory: Path | None = None) -> set[str]:
    command = [sys.executable, "-c", REPORT.format(code=code)]
    # What measures coverage loads modules of its own.
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("COVERAGE_")}
    environment = {**inherited, "DOCKER_HOST": "unix:///nobody/listens/here.sock"}
    outcome = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(outcome.stderr.splitlines()[-1]))


@cache
def loaded_in_a_project(*commands: str) -> set[str]:
    """What the last of some commands loads in an interpreter of its own; those before it run here."""
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        for name in ("docker-compose.yml", "milvus.yaml"):
            shutil.copyfile(FIXTURES / name, directory / name)
        *before, last = commands
        for command in before:
            with pytest.MonkeyPatch.context() as patched:
                patched.setenv("DOCKER_HOST", "unix:///nobody/listens/here.sock")
                assert main([*command.split(), "-C", place]) == 0, command
        run = f"from compose_tls.__main__ import main; assert main() in {{0, 7}}, {last!r}"
        return loaded_by(f"sys.argv = {['compose-tls', *last.split()]!r}; {run}", directory)


def test_the_package_loads_nothing_but_itself() -> None:
    loaded = loaded_by("import compose_tls")
    assert {name for name in loaded if name.startswith("compose_tls")} == {"compose_tls"}
    assert not loaded & (HEAVY | {"click"})


@pytest.mark.parametrize(
    ("name", "needed"),
    [("__version__", set()), ("ComposeTlsError", set()), ("TlsConfig", {"pydantic"})],
)
def test_a_name_of_the_package_loads_only_what_it_needs(name: str, needed: set[str]) -> None:
    loaded = loaded_by(f"import compose_tls; compose_tls.{name}")
    assert loaded & (HEAVY | {"click"}) == needed


@pytest.mark.parametrize(
    "code",
    [
        "import compose_tls.cli.app",
        "from compose_tls.cli.app import main; main(['--version'])",
        "from compose_tls.cli.app import main; main(['--help'])",
        "from compose_tls.cli.app import main; main(['enable', '--help'])",
        "from compose_tls.cli.app import main; main(['disable', '--help'])",
        "from compose_tls.cli.app import main; main(['status', '--help'])",
        "from compose_tls.cli.app import main; main(['check', '--help'])",
        "from compose_tls.cli.app import main; main(['connect', '--help'])",
    ],
)
def test_version_and_help_pay_for_no_library_but_click(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_version_loads_nothing_but_the_number() -> None:
    code = "sys.argv = ['compose-tls', '--version']; from compose_tls.__main__ import main; main()"
    mine = loaded_by(code) - loaded_by("import __future__")
    assert mine == {"compose_tls", "compose_tls.__main__", "compose_tls.version"}


def test_help_loads_what_prints_it_and_click() -> None:
    loaded = loaded_by("from compose_tls.cli.app import main; main(['--help'])")
    rooms = {".".join(name.split(".")[:3]) for name in loaded if name.startswith("compose_tls.")}
    assert "compose_tls.cli.app" in rooms
    assert not {name for name in loaded if name.startswith("compose_tls.cli.output.")}
    assert not {room for room in rooms if not room.startswith("compose_tls.cli")} - {
        *(
            "compose_tls.errors",
            "compose_tls.hiding",
            "compose_tls.patterns",
            "compose_tls.signals",
        ),
        *("compose_tls.values", "compose_tls.version"),
    }
    # What measures the coverage of a test loads some of them as well, and click 8.2 loads shutil.
    by_click = loaded_by(
        "import click; c = click.Command('x'); c.get_help(click.Context(c, terminal_width=80))"
    )
    assert not (loaded - by_click) & {
        "difflib",
        "pathlib",
        "rich",
        "shutil",
        "traceback",
    }


# Without --up, and where no engine answers.
@pytest.mark.parametrize(
    "commands",
    [
        ("enable --mode 2",),
        ("enable --mode 2 --dry-run",),
        ("enable --mode 2", "enable --mode 2"),
        ("enable --mode 2", "status"),
        ("enable --mode 2", "disable"),
    ],
    ids=" then ".join,
)
def test_a_command_that_only_looks_at_files_loads_neither_engine_nor_checks(
    commands: tuple[str, ...],
) -> None:
    loaded = loaded_in_a_project(*commands)
    assert not loaded & {"docker", "grpc", "pymilvus", "requests", "ruamel", "subprocess"}
    assert not {name for name in loaded if name.startswith("compose_tls.checks")}
    # What a deployment keeps on disk: only whether there is any is asked.
    assert "compose_tls.apply.deploying" not in loaded
    # Where the engine would listen, and how Compose would be told of the project.
    assert {name for name in loaded if name.startswith("compose_tls.deploy.")} == {
        "compose_tls.deploy.compose_invocation",
        "compose_tls.deploy.docker_host",
    }


def test_status_loads_nothing_that_writes_issues_or_shakes_hands() -> None:
    loaded = loaded_in_a_project("enable --mode 2", "status")
    assert not loaded & {"fcntl", "ssl", "tomllib"}
    rooms = ("apply.transaction", "compose.edits", "credentials", "pki.issue", "pki.rehearse")
    more = ("targets", "testing", "sdk", "yamlpatch.edit")
    unwanted = tuple(f"compose_tls.{room}" for room in (*rooms, *more))
    assert not {name for name in loaded if name.startswith(unwanted)}


@pytest.mark.parametrize(
    ("commands", "own"),
    [(("enable --mode 2", "status"), "status_result"), (("enable --mode 2",), "issue_results")],
)
def test_a_command_makes_the_classes_of_its_own_result_alone(
    commands: tuple[str, ...], own: str
) -> None:
    loaded = {name for name in loaded_in_a_project(*commands) if ".results." in name}
    assert loaded == {f"compose_tls.results.{name}" for name in ("commands", own, "parts")}


def test_a_command_loads_what_prints_its_own_result_alone() -> None:
    printing = {"change_text", "check_text", "json_documents", "status_text"}
    for commands, own in (
        (("enable --mode 2", "status"), "status_text"),
        (("enable --mode 2",), "change_text"),
    ):
        loaded = {name.rpartition(".")[2] for name in loaded_in_a_project(*commands)}
        assert loaded & printing == {own}


def test_enable_loads_what_judges_or_switches_others_where_there_are_some() -> None:
    judging = {f"compose_tls.pki.{name}" for name in ("verify", "certificate_rules")}
    switching = {"compose_tls.plan.switching_neighbours", "compose_tls.stack.attu"}
    assert not loaded_in_a_project("enable --mode 2") & (judging | switching)
    # A CA that stays is looked at.
    assert loaded_in_a_project("enable --mode 2", "renew -q") >= judging


def test_enable_loads_nothing_of_new_projects_nor_of_a_file_of_settings() -> None:
    loaded = loaded_in_a_project("enable --mode 2")
    # The names of handshakes are ASCII: stringprep is for others.
    assert not loaded & {"stringprep", "tomllib"}
    assert not {name for name in loaded if name.startswith("compose_tls.targets")}


EAGER = """
import dataclasses, importlib, pkgutil, re, sys
import compose_tls.testing  # what it needs may be missing
compiled, compile_ = [], re.compile
def told(*arguments):
    caller = sys._getframe(1)
    if caller.f_code.co_name == "<module>":
        compiled.append(caller.f_globals["__name__"])
    return compile_(*arguments)
re.compile = told
from compose_tls import values
made = []
for module in pkgutil.walk_packages(compose_tls.__path__, "compose_tls."):
    if not module.name.startswith("compose_tls.testing") and not module.name.endswith("__main__"):
        found = vars(importlib.import_module(module.name)).values()
        kinds = [one for one in found if isinstance(one, type) and one.__module__ == module.name]
        made += [one for one in kinds if dataclasses.is_dataclass(one)]
    re.compile = told
eager = [f"{one.__module__}.{one.__name__}" for one in made if one.__init__ is not values._init]
sys.modules |= {name: None for name in eager}
sys.modules |= {f"regex of {name}": None for name in compiled if name.startswith("compose_tls")}
"""


def test_loading_a_module_compiles_neither_methods_nor_regular_expressions() -> None:
    loaded = loaded_by(textwrap.indent(EAGER, "    ").strip())
    assert {name for name in loaded if name.startswith("regex of ")} == set()
    # Nodes are made by the thousand.
    nodes = {f"compose_tls.yamlpatch.nodes.{n}" for n in ("Alias", "Mapping", "Scalar", "Sequence")}
    kinds = {name for name in loaded if name.rpartition(".")[2][:1].isupper()}
    assert {name for name in kinds if name.startswith("compose_tls.")} == nodes


@pytest.mark.parametrize("command", ["enable", "disable", "status", "connect"])
def test_a_command_that_needs_no_engine_loads_no_client_of_one(command: str) -> None:
    loaded = loaded_by(f"import compose_tls; compose_tls.{command}")
    assert not loaded & {"docker", "grpc", "pymilvus", "requests", "click"}


def test_the_command_line_does_not_look_for_plugins_of_pydantic() -> None:
    found = "import importlib.metadata as m; m.distributions = None; "  # a search would fail here
    loaded = loaded_by(
        f"{found}from compose_tls.cli.app import main; assert main(['status', '-C', '/dev']) == 3"
    )
    assert "pydantic.plugin._loader" in loaded


def test_every_public_name_is_there() -> None:
    for name in compose_tls.__all__:
        assert getattr(compose_tls, name) is not None
    assert set(compose_tls.__all__) <= set(dir(compose_tls))


def test_a_name_that_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="enabel"):
        compose_tls.enabel  # type: ignore[attr-defined]  # noqa: B018 - the access is the test


def test_what_only_a_larger_scope_needs_is_loaded_by_a_larger_scope_alone() -> None:
    alone = {f"compose_tls.plan.stack{end}" for end in ("", "_work", "_etcd", "_store", "_brokers")}
    alone |= {"compose_tls.plan.stack_health"}

    assert not loaded_in_a_project("enable -q") & alone
    assert loaded_in_a_project("enable -q --scope all") >= alone

"""What a command does not need, it does not load: in a fresh interpreter each."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import compose_tls

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


def loaded_by(code: str) -> set[str]:
    command = [sys.executable, "-c", REPORT.format(code=code)]
    outcome = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(outcome.stderr.splitlines()[-1]))


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

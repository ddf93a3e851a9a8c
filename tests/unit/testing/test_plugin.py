"""The pytest plugin, without a server: what it loads, asks for, skips and stops."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from compose_tls.errors import (
    ComposeMissing,
    ComposeTlsError,
    EngineRemote,
    EngineUnreachable,
    NotReady,
)
from compose_tls.testing import plugin, server

pytest_plugins = ["pytester"]

PAGE = Path(__file__).resolve().parents[3] / "docs" / "testing.md"

USES_BOTH = """
    def test_shared(milvus_tls):
        assert milvus_tls["number"] == 1

    def test_shared_again(milvus_tls):
        assert milvus_tls["number"] == 1

    def test_own(milvus_tls_factory):
        first, second = milvus_tls_factory(mode=2), milvus_tls_factory(backend="embedded")
        assert [first["number"], second["number"]] == [2, 3]
"""


def in_a_fresh_process(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def test_the_plugin_loads_nothing_but_itself_and_pytest() -> None:
    code = (
        "import json, sys, pytest; before = set(sys.modules)\n"
        "import compose_tls.testing.plugin; print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    assert in_a_fresh_process(code) == [
        "compose_tls",
        "compose_tls.testing",
        "compose_tls.testing.plugin",
    ]


def test_the_library_does_without_pytest() -> None:
    code = (
        "import json, sys; sys.modules['pytest'] = None\n"
        "import compose_tls.testing as t; [getattr(t, name) for name in t.__all__]\n"
        "print(json.dumps(t.__all__))"
    )
    assert "milvus_tls" in in_a_fresh_process(code)


class Servers:
    """In the place of servers: which were asked for, and which run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[dict[str, Any]] = []
        self.running: set[int] = set()
        self.most = 0
        self.error: ComposeTlsError | None = None
        monkeypatch.setattr(server, "milvus_tls", self._run)

    @contextmanager
    def _run(self, **arguments: Any) -> Iterator[dict[str, int]]:
        if self.error:
            raise self.error
        inspect.signature(SERVE).bind(**arguments)
        self.asked.append(arguments)
        number = len(self.asked)
        self.running.add(number)
        self.most = max(self.most, len(self.running))
        yield {"number": number}
        self.running.remove(number)


SERVE = server.milvus_tls


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    return Servers(monkeypatch)


def test_one_server_is_shared_and_those_of_a_test_are_its_own(
    pytester: pytest.Pytester, servers: Servers
) -> None:
    pytester.makepyfile(USES_BOTH)
    pytester.runpytest_inprocess().assert_outcomes(passed=3)
    assert servers.asked == [
        {"mode": 1, "backend": "docker", "image": None},
        {"mode": 2, "backend": "docker", "image": None},
        {"mode": 1, "backend": "embedded"},
    ]
    assert servers.most == 3
    assert not servers.running


def test_the_servers_of_a_test_end_with_it(pytester: pytest.Pytester, servers: Servers) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("n", range(3))
        def test_own(milvus_tls_factory, n):
            milvus_tls_factory()
            assert n != 1
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=2, failed=1)
    assert len(servers.asked) == 3
    assert servers.most == 1


def test_options_are_the_defaults_of_every_server(
    pytester: pytest.Pytester, servers: Servers
) -> None:
    pytester.makepyfile(USES_BOTH)
    options = ["--milvus-tls-mode=2", "--milvus-tls-image=milvusdb/milvus:v2.6.0"]
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=3)
    image = "milvusdb/milvus:v2.6.0"
    assert servers.asked == [
        {"mode": 2, "backend": "docker", "image": image},
        {"mode": 2, "backend": "docker", "image": image},
        {"mode": 2, "backend": "embedded"},
    ]


def test_the_backend_is_an_option(pytester: pytest.Pytester, servers: Servers) -> None:
    pytester.makepyfile("def test_shared(milvus_tls): pass")
    pytester.runpytest_inprocess("--milvus-tls-backend=embedded").assert_outcomes(passed=1)
    assert servers.asked == [{"mode": 1, "backend": "embedded"}]


def test_a_run_on_milvus_lite_says_what_it_proves(
    pytester: pytest.Pytester, servers: Servers
) -> None:
    pytester.makepyfile("def test_shared(milvus_tls): pass")
    said = "milvus-tls: milvus-lite with TLS: proves clients, not a server's settings"
    result = pytester.runpytest_inprocess("--milvus-tls-backend=lite")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([said])
    assert servers.asked == [{"mode": 1, "backend": "lite"}]
    assert said not in pytester.runpytest_inprocess().outlines


@pytest.mark.parametrize("option", ["--milvus-tls-mode=3", "--milvus-tls-backend=podman"])
def test_a_value_that_there_is_not_is_wrong_usage(pytester: pytest.Pytester, option: str) -> None:
    assert pytester.runpytest_inprocess(option).ret == pytest.ExitCode.USAGE_ERROR


MISSING = [EngineUnreachable, EngineRemote, ComposeMissing]


@pytest.mark.parametrize("error", MISSING)
def test_a_test_is_skipped_with_the_reason_where_nothing_can_run(
    pytester: pytest.Pytester, servers: Servers, error: type[ComposeTlsError]
) -> None:
    servers.error = error("there is no engine", hint="start Docker")
    pytester.makepyfile(USES_BOTH)
    result = pytester.runpytest_inprocess("-rs")
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*there is no engine; start Docker*"])


def test_it_fails_with_the_reason_where_a_server_is_required(
    pytester: pytest.Pytester, servers: Servers
) -> None:
    servers.error = EngineUnreachable("there is no engine", hint="start Docker")
    pytester.makepyfile(USES_BOTH)
    result = pytester.runpytest_inprocess("--milvus-tls-required")
    result.assert_outcomes(errors=2, failed=1)
    result.stdout.fnmatch_lines(["*there is no engine; start Docker*"])


def test_a_server_that_does_not_come_up_is_an_error_with_its_next_step(
    pytester: pytest.Pytester, servers: Servers
) -> None:
    servers.error = NotReady("not ready after 120 s", hint="raise the timeout")
    pytester.makepyfile(USES_BOTH)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=2, failed=1)
    result.stdout.fnmatch_lines(["*not ready after 120 s*", "*raise the timeout*"])


def test_every_option_and_argument_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    parser = pytest.Parser(_ispytest=True)
    plugin.pytest_addoption(parser)
    names = [option.names()[0] for option in parser.getgroup("milvus-tls").options]
    assert len(names) == 4
    for name in [*names, *(f"`{name}`" for name in inspect.signature(SERVE).parameters)]:
        assert name in page, name


def test_every_attribute_of_a_server_is_documented() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in [*server.MilvusServer.__dataclass_fields__, "connect_args()", "uri", "logs()"]:
        assert name.startswith("_") or f"`{name}`" in page, name

"""The pytest plugin: a Milvus that speaks TLS, as a fixture.

pytest loads it in every run where compose-tls is installed, so it imports pytest only; all else is
imported by the first test that asks for a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from compose_tls.testing.server import MilvusServer


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the plugin."""
    group = parser.getgroup("milvus-tls", "Milvus with TLS (compose-tls)")
    group.addoption(
        "--milvus-tls-mode",
        type=int,
        choices=(1, 2),
        default=1,
        help="1 for one-way TLS, 2 for mutual TLS. Default: 1.",
    )
    group.addoption(
        "--milvus-tls-backend",
        choices=("docker", "embedded", "lite"),
        default="docker",
        help="What runs Milvus: Docker Compose, the server of the PyPI wheel, or milvus-lite, which "
        "proves only clients. Default: docker.",
    )
    group.addoption(
        "--milvus-tls-image",
        metavar="IMAGE",
        help="The image of Milvus, for the backend docker.",
    )
    group.addoption(
        "--milvus-tls-required",
        action="store_true",
        help="Fail instead of skipping if the backend is not available.",
    )


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say what a run proves where that is less than with a server of Milvus."""
    if config.getoption("--milvus-tls-backend") != "lite":
        return None
    return "milvus-tls: milvus-lite with TLS: proves clients, not a server's settings"


@pytest.fixture(scope="session")
def milvus_tls(pytestconfig: pytest.Config) -> Iterator[MilvusServer]:
    """A Milvus that speaks TLS, shared by all tests of a process."""
    with ExitStack() as servers:
        yield _started(pytestconfig, servers, {})


@pytest.fixture
def milvus_tls_factory(pytestconfig: pytest.Config) -> Iterator[Callable[..., MilvusServer]]:
    """Starts servers of a test's own; takes the arguments of ``compose_tls.testing.milvus_tls``."""
    with ExitStack() as servers:

        def start(**arguments: Any) -> MilvusServer:
            return _started(pytestconfig, servers, arguments)

        yield start


def _started(config: pytest.Config, servers: ExitStack, arguments: dict[str, Any]) -> MilvusServer:
    from compose_tls.errors import (  # noqa: PLC0415 - see above
        ComposeMissing,
        ComposeTlsError,
        EngineRemote,
        EngineUnreachable,
    )
    from compose_tls.testing import server  # noqa: PLC0415 - see above

    try:
        return servers.enter_context(server.milvus_tls(**_defaults(config, arguments)))
    except (EngineUnreachable, EngineRemote, ComposeMissing) as error:
        reason = f"{error.message}; {error.hint}"
        if config.getoption("--milvus-tls-required"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    except ComposeTlsError as error:
        error.add_note(error.hint)
        raise


def _defaults(config: pytest.Config, arguments: dict[str, Any]) -> dict[str, Any]:
    """The options, and over them what a test asks for; the image belongs to one backend."""
    options = {name: config.getoption(f"--milvus-tls-{name}") for name in ("mode", "backend")}
    merged = {**options, **arguments}
    if merged["backend"] == "docker":
        merged.setdefault("image", config.getoption("--milvus-tls-image"))
    return merged

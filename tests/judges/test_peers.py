"""Mutual TLS with peers of other makers, for every key type: the right one gets in, a foreign one not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pytest

from compose_tls.vocabulary import KeyType
from tests.judges.certificates import (
    KEY_TYPES,
    Files,
    Presented,
    foreign,
    issued,
    write_store,
    written,
)
from tests.judges.grpc_peer import call, grpc_server
from tests.judges.peers import CLIENTS, SERVERS, Client, Server, ask, listening
from tests.judges.programs import package, require
from tests.judges.tonic_peer import connect


@dataclass(frozen=True, slots=True)
class Cast:
    """Server and client of one CA, and the same from another CA; all trust the first alone."""

    server: Files
    client: Files
    foreign_server: Files
    foreign_client: Files


SHOWN: Final[tuple[tuple[str, KeyType], ...]] = (
    *(("as enable has it", key_type) for key_type in KEY_TYPES),
    ("under an intermediate CA", "ecdsa-p256"),
    ("name-constrained CA, name with an underscore", "ecdsa-p256"),
)


@pytest.fixture(scope="session", params=SHOWN, ids=", ".join)
def cast(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cast:
    option: str
    key_type: KeyType
    option, key_type = request.param
    place = tmp_path_factory.mktemp(key_type)
    ours, theirs = issued(option, key_type), foreign(key_type)

    def files(shown: Presented, name: str) -> Files:
        directory = place / name
        directory.mkdir()
        made = written(replace(shown, ca_pem=ours.server.ca_pem), directory)
        write_store(shown, made.store)
        return made

    return Cast(
        files(ours.server, "server"),
        files(ours.client, "client"),
        files(theirs.server, "foreign server"),
        files(theirs.client, "foreign client"),
    )


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    peer: Client = request.param
    require(peer.missing())
    return peer


@pytest.fixture(params=SERVERS, ids=lambda server: server.name)
def server(request: pytest.FixtureRequest) -> Server:
    peer: Server = request.param
    require(peer.missing())
    return peer


def test_a_client_gets_in_and_refuses_a_foreign_server(client: Client, cast: Cast) -> None:
    with listening(cast.server) as listener:
        assert client.ask(listener.port, cast.client) is None
    assert listener.refusals == []

    with listening(cast.foreign_server) as listener:
        said = client.ask(listener.port, cast.client)
    assert said is not None
    assert client.refuses in said


def test_a_client_with_a_foreign_certificate_stays_outside(client: Client, cast: Cast) -> None:
    with listening(cast.server) as listener:
        assert client.ask(listener.port, cast.foreign_client) is not None
    (refusal,) = listener.refusals
    assert "unable to get local issuer certificate" in refusal


def test_a_server_lets_its_client_in_and_no_other(server: Server, cast: Cast) -> None:
    with server.running(cast.server) as port:
        assert ask(port, cast.client) is None
        refused, undocumented = ask(port, cast.foreign_client), ask(port, cast.client, shown=False)
        assert ask(port, cast.client) is None
    assert server.refuses in str(refused)
    assert server.demands in str(undocumented)


def test_a_client_refuses_a_foreign_server_of_each_maker(server: Server, cast: Cast) -> None:
    with server.running(cast.foreign_server) as port:
        said = ask(port, cast.client)
    assert "unable to get local issuer certificate" in str(said)


def test_grpc_lets_its_client_in_and_no_other(cast: Cast) -> None:
    with grpc_server(cast.server) as port:
        assert call(port, cast.client) is None
        refused, undocumented = (
            call(port, cast.foreign_client),
            call(port, cast.client, shown=False),
        )
        assert call(port, cast.client) is None
    for said in (refused, undocumented):
        assert said is not None
        assert said.startswith("UNAVAILABLE")


def test_grpc_refuses_a_foreign_server(cast: Cast) -> None:
    with grpc_server(cast.foreign_server) as port:
        said = call(port, cast.client)
    assert said is not None
    assert "CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate" in said


def test_tonic_gets_in_and_refuses_a_foreign_server(cast: Cast) -> None:
    require(package("temporalio")())
    with grpc_server(cast.server) as port:
        assert connect(port, cast.client) is None
        assert connect(port, cast.foreign_client) is not None
        assert connect(port, cast.client, shown=False) is not None
    with grpc_server(cast.foreign_server) as port:
        assert "UnknownIssuer" in str(connect(port, cast.client))

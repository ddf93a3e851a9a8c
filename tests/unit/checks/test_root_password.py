from __future__ import annotations

import base64
from dataclasses import dataclass, field

import grpc
import pytest

from compose_tls.checks.root_password import settle
from compose_tls.checks.wire import fields
from compose_tls.errors import CheckFailed
from tests.patience import SOON
from tests.unit.checks.conftest import Pki
from tests.unit.checks.servers import ANSWERS, OK_STATUS, GrpcServer, grpc_server

NEW = "a-new-password-of-32-characters-"
REFUSED = (grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check api key is correct")


@dataclass
class Milvus:
    """Answers as Milvus with authentication does: who may call depends on the metadata."""

    password: str = "Milvus"
    asks: bool = True
    obeys: bool = True
    says: bytes = b""
    server: GrpcServer | None = None
    requests: list[dict[int, int | bytes]] = field(default_factory=list)

    def allowed(self) -> bool:
        assert self.server is not None
        given = self.server.seen[-1][1].get("authorization", "")
        return not self.asks or base64.b64decode(given).decode() == f"root:{self.password}"

    def collections(self, _: bytes) -> object:
        return OK_STATUS if self.allowed() else REFUSED

    def update(self, request: bytes) -> object:
        if not self.allowed():
            return REFUSED
        found = dict(fields(request))
        self.requests.append(found)
        if self.says:
            return self.says
        if self.obeys:
            new = found[4]
            assert isinstance(new, bytes)
            self.password = base64.b64decode(new).decode()
        return b""

    def settled(self, pki: Pki) -> list[tuple[str, bool]]:
        answers = {
            **ANSWERS,
            "ShowCollections": self.collections,
            "UpdateCredential": self.update,
        }
        with grpc_server(pki.server, 1, answers) as server:
            self.server = server
            return [(probe.name, probe.ok) for probe in settle(pki.target(server.port), NEW, SOON)]


@pytest.fixture(autouse=True)
def spreads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compose_tls.checks.root_password._SPREAD_SECONDS", 0.1)


PROVED = [("root-password", True), ("default-password", True)]


def test_the_default_password_is_changed_and_refused_from_then_on(pki: Pki) -> None:
    milvus = Milvus()
    assert milvus.settled(pki) == PROVED
    assert milvus.password == NEW
    [request] = milvus.requests
    assert request[2] == b"root"
    assert request[3] == base64.b64encode(b"Milvus")


def test_a_password_that_is_set_already_is_only_proved(pki: Pki) -> None:
    milvus = Milvus(password=NEW)
    assert milvus.settled(pki) == PROVED
    assert milvus.requests == []


def test_a_password_of_somebody_elses_is_left_alone(pki: Pki) -> None:
    milvus = Milvus(password="somebody's")
    with pytest.raises(CheckFailed, match="neither the password of this project") as caught:
        milvus.settled(pki)
    assert milvus.requests == []
    assert "--password-file" in caught.value.hint


def test_milvus_that_asks_for_no_password_is_found_out(pki: Pki) -> None:
    milvus = Milvus(asks=False)
    with pytest.raises(CheckFailed, match="does not require a password"):
        milvus.settled(pki)
    assert milvus.requests == []


def test_milvus_that_says_yes_and_changes_nothing_is_found_out(pki: Pki) -> None:
    with pytest.raises(CheckFailed, match="check root-password failed") as caught:
        Milvus(obeys=False).settled(pki)
    assert [(probe.name, probe.ok) for probe in caught.value.checks] == [
        ("root-password", False),
        ("default-password", False),
    ]


def test_what_milvus_says_against_it_is_told_without_the_password(pki: Pki) -> None:
    encoded = base64.b64encode(NEW.encode()).decode()
    text = f"bad {encoded} or {NEW}".encode()
    said = b"\x08\x01\x12" + bytes((len(text),)) + text
    with pytest.raises(CheckFailed, match="does not change the password of root: bad") as caught:
        Milvus(says=said).settled(pki)
    assert NEW not in caught.value.message
    assert encoded not in caught.value.message

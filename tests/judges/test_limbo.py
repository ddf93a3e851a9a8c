"""The server cases of x509-limbo: taken is what the stacks of all SDKs take, and nothing else."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.judges.certificates import Files
from tests.judges.limbo import Case, cases, refusal, warned_of
from tests.judges.programs import require
from tests.judges.stacks import STACKS, refuses, sound_client


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return sound_client(tmp_path_factory.mktemp("client"))


def test_there_are_cases() -> None:
    assert len(cases()) > 150


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.id)
def test_the_verdict_is_that_of_the_stacks(case: Case, tmp_path: Path, client: Files) -> None:
    # tonic can be asked for no IPv6 address, whatever the certificate.
    asked = [one for one in STACKS.values() if one.name != "rustls" or ":" not in case.name]
    for one in asked:
        require(one.missing())
    said = refusal(case)
    try:
        who = {one.name for one in asked if refuses(one, case.brought, tmp_path, client, case.name)}
    except ssl.SSLError:
        who = {"the server itself"}
    if said is None:
        assert who == warned_of(case)
    else:
        assert who, said

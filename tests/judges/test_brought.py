"""Each stack of a Milvus SDK judges brought certificates, as ``pki`` says that it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judges.brought import ACCEPTED, REFUSED, RUSTLS_REFUSES
from tests.judges.certificates import Files
from tests.judges.programs import require
from tests.judges.stacks import STACKS, Stack, refuses, sound_client


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return sound_client(tmp_path_factory.mktemp("client"))


@pytest.fixture(params=STACKS)
def stack(request: pytest.FixtureRequest) -> Stack:
    found = STACKS[request.param]
    require(found.missing())
    return found


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_stack_accepts_what_is_taken(
    stack: Stack, name: str, tmp_path: Path, client: Files
) -> None:
    refused = stack.name == "rustls" and name in RUSTLS_REFUSES
    assert refuses(stack, ACCEPTED[name][0](), tmp_path, client) is refused


@pytest.mark.parametrize("name", REFUSED)
def test_the_named_stacks_and_no_others_refuse_what_is_refused(
    stack: Stack, name: str, tmp_path: Path, client: Files
) -> None:
    make, stacks, _ = REFUSED[name]
    assert refuses(stack, make(), tmp_path, client) is (stack.name in stacks)

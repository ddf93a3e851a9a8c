import pytest

from compose_tls.config import TlsConfig
from compose_tls.errors import StateUnreadable
from compose_tls.state.recorded import (
    EditRecord,
    FileRecord,
    IdentityRecord,
    SpliceRecord,
    State,
    read_state,
)

STATE = State(
    settings=TlsConfig(mode=2),
    services=("milvus",),
    files=(
        FileRecord(
            path="docker-compose.yml",
            before="aa",
            after="bb",
            splices=(SpliceRecord(start=3, old="", new="x\n"),),
            edits=(
                EditRecord(kind="added-item", route=("a", "b"), new={"target": "/t"}),
                EditRecord(kind="set", route=("c",), new="1", old=""),
            ),
        ),
        FileRecord(path="compose.override.yaml", after="cc", splices=(), edits=()),
    ),
    identities=(IdentityRecord(name="ca", profile="ca", certificates={"tls/ca.pem": "dd"}),),
)


def test_a_state_is_what_was_written() -> None:
    assert read_state(STATE.render(), "cert/state.json") == STATE


def test_the_same_state_gives_the_same_bytes() -> None:
    again = read_state(STATE.render(), "cert/state.json")

    assert again is not None
    assert again.render() == STATE.render()
    assert STATE.render().endswith(b"}\n")


def test_without_a_file_there_is_no_state() -> None:
    assert read_state(None, "cert/state.json") is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        STATE.render()[:-10],
        STATE.render().replace(b'"version": 2', b'"version": 3'),
        STATE.render().replace(b'"mode": 2', b'"mode": 0'),
        STATE.render().replace(b'"mode": 2', b'"mode": 2, "surplus": 1'),
        STATE.render().replace(b'"added-item"', b'"other"'),
    ],
)
def test_a_damaged_or_newer_state_is_told_with_its_place(content: bytes) -> None:
    with pytest.raises(StateUnreadable) as caught:
        read_state(content, "cert/state.json")

    assert caught.value.path == "cert/state.json"
    assert "cert/state.json" in caught.value.hint

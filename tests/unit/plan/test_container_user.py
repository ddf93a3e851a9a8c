import pytest

from compose_tls.plan.container_user import KeyAccess, key_access
from tests.unit.builders import milvus, observation

OLD, NEW = "v2.6.9", "v3.0.0"


def access(
    user: str, tag: str = OLD, *, user_id: int = 1000, groups: tuple[int, ...] = ()
) -> KeyAccess:
    text = f"services: {{milvus: {{image: 'milvusdb/milvus:{tag}', {user}}}}}"
    seen = observation(text, user_id=user_id, group_ids=frozenset(groups))
    return key_access(milvus(text), seen, "tls/server.key")


@pytest.mark.parametrize(
    ("user", "tag"),
    [
        ("", OLD),
        ("user: root", NEW),
        ("user: '0'", NEW),
        ("user: '0:0'", OLD),
        ("user: 'root:root'", NEW),
        ("user: '1000'", OLD),
        ("user: '1000:1000'", NEW),
        ("user: '${UID_UNSET}'", OLD),
        ("user: '${UID_UNSET}:${GID_UNSET}'", OLD),
    ],
)
def test_root_and_the_owner_read_a_private_key(user: str, tag: str) -> None:
    assert access(user, tag) == KeyAccess(0o600)


@pytest.mark.parametrize(
    ("user", "tag", "uid", "gid"),
    [
        ("", NEW, 999, 999),
        ("", "latest", 999, 999),
        ("user: '5'", OLD, 5, None),
        ("user: '5:6'", OLD, 5, 6),
        ("user: '5:staff'", OLD, 5, None),
    ],
)
def test_root_gives_the_key_to_the_user_of_the_container(
    user: str, tag: str, uid: int, gid: int | None
) -> None:
    assert access(user, tag, user_id=0) == KeyAccess(0o600, uid, gid)


def test_a_group_in_common_gets_to_read_the_key() -> None:
    assert access("user: '5:6'", groups=(6,)) == KeyAccess(0o640, gid=6)
    assert access("", NEW, groups=(999,)) == KeyAccess(0o640, gid=999)


@pytest.mark.parametrize(("user", "tag", "uid"), [("user: '5:6'", OLD, 5), ("", NEW, 999)])
def test_else_the_one_command_is_told_that_does_it(user: str, tag: str, uid: int) -> None:
    found = access(user, tag, groups=(7,))

    assert (found.mode, found.uid, found.gid) == (0o600, None, None)
    assert [warning.code for warning in found.warnings] == ["server-key-unreadable"]
    assert f"sudo chown {uid} tls/server.key" in found.warnings[0].message


@pytest.mark.parametrize("user_id", [0, 1000])
def test_a_name_from_the_image_cannot_be_looked_up(user_id: int) -> None:
    found = access("user: milvus", user_id=user_id)

    assert (found.mode, found.uid) == (0o600, None)
    assert [warning.code for warning in found.warnings] == ["container-user-unknown"]
    assert "user milvus" in found.warnings[0].message

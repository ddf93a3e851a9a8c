from dataclasses import replace

import pytest

from compose_tls.observation import FileFacts
from compose_tls.plan.container_user import ContainerUser, KeyAccess, key_access
from tests.unit.builders import DIRECTORY, milvus, observation

OLD, NEW = "v2.6.9", "v3.0.0"


def access(
    user: str, tag: str = OLD, *, user_id: int = 1000, groups: tuple[int, ...] = ()
) -> KeyAccess:
    text = f"services: {{milvus: {{image: 'milvusdb/milvus:{tag}', {user}}}}}"
    seen = observation(text, user_id=user_id, group_ids=frozenset(groups))
    return key_access([milvus(text)], seen, "tls/server.key")


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
    assert found.warnings[0].hint == f"sudo chown {uid} tls/server.key"
    assert found.warnings[0].path == "tls/server.key"


@pytest.mark.parametrize("user_id", [0, 1000])
def test_a_name_from_the_image_cannot_be_looked_up(user_id: int) -> None:
    found = access("user: milvus", user_id=user_id)

    assert (found.mode, found.uid) == (0o600, None)
    assert [warning.code for warning in found.warnings] == ["container-user-unknown"]
    assert "user milvus" in found.warnings[0].message
    image = f"milvusdb/milvus:{OLD}"
    sudo = "" if user_id == 0 else "sudo "
    ask = f'"$(docker run --rm --user milvus --entrypoint id {image} -u)"'
    assert found.warnings[0].hint == f"{sudo}chown {ask} tls/server.key"


def test_a_further_group_in_common_will_do() -> None:
    assert access("user: '5:6', group_add: ['7', staff]", groups=(7,)) == KeyAccess(0o640, gid=7)


def key(mode: int, uid: int, gid: int) -> FileFacts:
    return FileFacts(DIRECTORY / "tls/server.key", None, None, mode, uid, gid)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize(
    ("user", "there", "mode"),
    [
        ("5:6", key(0o600, 5, 1000), 0o600),
        ("5:6", key(0o400, 5, 1000), 0o400),
        ("5:6", key(0o640, 1000, 6), 0o640),
        ("5", key(0o640, 5, 1000), 0o640),
        ("milvus", key(0o600, 77, 1000), 0o600),
    ],
)
def test_access_that_somebody_gave_stays_with_a_key_that_stays(
    user: str, there: FileFacts, mode: int, kept: bool
) -> None:
    text = f"services: {{milvus: {{image: 'milvusdb/milvus:{OLD}', user: '{user}'}}}}"
    seen = observation(text, group_ids=frozenset({1000}))
    seen = replace(seen, files={**seen.files, there.path: there})
    found = key_access([milvus(text)], seen, "tls/server.key", kept=kept)

    assert (found == KeyAccess(mode)) == kept
    assert bool(found.warnings) != kept


@pytest.mark.parametrize(
    ("user", "there"),
    [
        ("5:6", key(0o604, 5, 1000)),
        ("5:6", key(0o644, 1000, 1000)),
        ("5:6", key(0o640, 5, 1000)),
        ("5:6", key(0o600, 1000, 6)),
        ("milvus", key(0o600, 1000, 1000)),
        ("milvus", key(0o600, 0, 0)),
        ("milvus", key(0o640, 77, 77)),
    ],
)
def test_access_that_is_too_wide_or_too_narrow_is_not_kept(user: str, there: FileFacts) -> None:
    text = f"services: {{milvus: {{image: 'milvusdb/milvus:{OLD}', user: '{user}'}}}}"
    seen = observation(text, group_ids=frozenset({1000}))
    seen = replace(seen, files={**seen.files, there.path: there})

    assert key_access([milvus(text)], seen, "tls/server.key", kept=True).warnings


@pytest.mark.parametrize(
    ("user", "there", "reads"),
    [
        (ContainerUser(0, 0), key(0o000, 1, 1), True),
        (ContainerUser(5, 6), key(0o400, 5, 1), True),
        (ContainerUser(5, 6), key(0o044, 5, 6), False),
        (ContainerUser(5, 6), key(0o640, 1, 6), True),
        (ContainerUser(5, 6), key(0o604, 1, 6), False),
        (ContainerUser(5, 6), key(0o604, 1, 7), True),
        (ContainerUser(5, 6), key(0o640, 1, 7), False),
        (ContainerUser(5, 6, frozenset({7})), key(0o640, 1, 7), True),
        (ContainerUser(5, None), key(0o600, 1, 7), False),
        (ContainerUser(5, None), key(0o644, 1, 7), True),
        (ContainerUser(5, None), key(0o640, 1, 7), None),
        (ContainerUser(None, None), key(0o600, 1, 7), None),
        (ContainerUser(None, 6), key(0o640, 1, 6), None),
    ],
)
def test_a_user_reads_a_file_as_the_system_lets_them(
    user: ContainerUser, there: FileFacts, reads: bool | None
) -> None:
    assert user.reads(there) is reads


def of_image(user: str, field: str = "", *, user_id: int = 1000) -> KeyAccess:
    text = f"services: {{milvus: {{image: 'company/milvus:2.3.5', {field}}}}}"
    seen = observation(text, user_id=user_id, group_ids=frozenset())
    return key_access([milvus(text)], seen, "tls/server.key", users_of_images={"milvus": user})


@pytest.mark.parametrize("user", ["", "root", "0", "0:0"])
def test_an_image_of_root_needs_nothing(user: str) -> None:
    assert of_image(user) == KeyAccess()


def test_the_user_of_the_image_gets_the_key_where_that_can_be_done() -> None:
    assert of_image("1001", user_id=0) == KeyAccess(uid=1001)
    assert of_image("1001:1002", user_id=0) == KeyAccess(uid=1001, gid=1002)
    assert of_image("1000") == KeyAccess()


def test_elsewhere_the_command_is_named() -> None:
    problem = of_image("1001").problem

    assert problem is not None
    assert problem.hint == "sudo chown 1001 tls/server.key"


@pytest.mark.parametrize(
    ("user", "field", "access"),
    [
        ("1001:1002", "user: milvus", KeyAccess(uid=1001, gid=1002)),  # what the image calls so
        ("1001:1002", "user: '5:6'", KeyAccess(uid=5, gid=6)),
        ("0:0", "user: admin", KeyAccess()),
    ],
)
def test_the_number_of_a_name_in_the_compose_file_is_that_of_the_image(
    user: str, field: str, access: KeyAccess
) -> None:
    assert of_image(user, field, user_id=0) == access


def test_a_name_is_looked_up_in_the_image() -> None:
    [warning] = of_image("milvus").warnings

    assert warning.code == "container-user-unknown"
    assert "--user milvus --entrypoint id company/milvus:2.3.5 -u" in (warning.hint or "")


def test_the_compose_file_goes_before_the_image() -> None:
    assert of_image("1001", "user: '1000'") == KeyAccess()

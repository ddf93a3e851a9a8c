"""Who may read the server key on disk, by the user of the container and the user who runs the command."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compose_tls import TlsConfig, enable, status
from compose_tls.errors import ComposeTlsError
from compose_tls.results import Result

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")

ME, GROUP = 1000, 1001
COMPOSE = """\
services:
  milvus: {image: 'milvusdb/milvus:v2.5.5', environment: {PROXY_HTTP_ENABLED: 'false'}, user: '%s'}
"""


@pytest.fixture
def project() -> Iterator[Path]:
    """A directory that everybody can get to, and that belongs to an ordinary user."""
    directory = Path(tempfile.mkdtemp(prefix="container-user-"))
    directory.chmod(0o755)
    shutil.chown(directory, ME, ME)
    yield directory
    shutil.rmtree(directory)


def codes(result: Result) -> list[str]:
    return [warning.code for warning in result.warnings]


def as_ordinary_user(work: Callable[[], None]) -> None:
    """Do something as a user with one further group, in a process that ends with it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([GROUP])
            os.setgid(ME)
            os.setuid(ME)
            work()
            code = 0
        except (AssertionError, ComposeTlsError, OSError) as error:
            os.write(2, f"{error!r}\n".encode())
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def written(directory: Path, user: str) -> Path:
    compose = directory / "docker-compose.yml"
    compose.write_text(COMPOSE % user, encoding="utf-8")
    shutil.chown(compose, ME, ME)
    return directory / "tls" / "server.key"


def access(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("999:998", (0o600, 999, 998)),
        ("999", (0o600, 999, 0)),
        ("999:staff", (0o600, 999, 0)),
        ("root", (0o600, 0, 0)),
        ("0:0", (0o600, 0, 0)),
    ],
)
def test_root_gives_the_key_away(project: Path, user: str, expected: tuple[int, int, int]) -> None:
    key = written(project, user)
    assert "server-key-unreadable" not in codes(enable(project, environment={}))
    assert access(key) == expected
    assert status(project, environment={}).exit_code == 0


@pytest.mark.parametrize(
    ("user", "expected", "warned"),
    [
        (str(ME), (0o600, ME, ME), []),
        (f"999:{GROUP}", (0o640, ME, GROUP), []),
        (f"999:{ME}", (0o640, ME, ME), []),
        ("999:998", (0o600, ME, ME), ["server-key-unreadable"]),
        ("somebody", (0o600, ME, ME), ["container-user-unknown"]),
    ],
)
def test_an_ordinary_user_shares_it_with_a_group_or_is_told_what_to_run(
    project: Path, user: str, expected: tuple[int, int, int], warned: list[str]
) -> None:
    key = written(project, user)
    # What is imported on the way has to be there: an ordinary user may not read the interpreter.
    assert enable(project, TlsConfig(), environment={}).dry_run is None
    assert status(project, environment={}).links
    for name in ("cert", "tls"):
        shutil.rmtree(project / name)
    written(project, user)

    def work() -> None:
        assert codes(enable(project, environment={})) == warned
        assert access(key) == expected
        found = status(project, environment={})
        assert codes(found) == warned, found.warnings
        assert found.exit_code == (4 if "server-key-unreadable" in warned else 0)

    as_ordinary_user(work)


def test_what_sudo_gave_away_stays_so_and_is_not_asked_for_again(project: Path) -> None:
    key = written(project, "999:998")
    enable(project, environment={})
    status(project, environment={})
    for name in ("cert", "tls"):
        shutil.rmtree(project / name)
    written(project, "999:998")
    as_ordinary_user(lambda: assert_codes(enable(project, environment={}), "server-key-unreadable"))
    os.chown(key, 999, -1)

    def again() -> None:
        assert_codes(enable(project, environment={}))
        assert status(project, environment={}).exit_code == 0

    as_ordinary_user(again)
    assert access(key) == (0o600, 999, ME)


def assert_codes(result: Result, *expected: str) -> None:
    assert codes(result) == list(expected)

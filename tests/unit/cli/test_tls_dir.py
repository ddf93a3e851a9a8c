"""The directory that the container of Milvus mounts holds what that container may see, and no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose_tls.layout import CA_KEY, CLIENT_KEY, PROXY, REQUESTS, SERIAL_FILE, STACK_FILES
from tests.unit.apply.trees import tree, write
from tests.unit.cli.conftest import Run, codes


@pytest.fixture
def secrets(project: Path) -> Path:
    write(project / "secrets" / "db-password", b"hush", 0o600)
    write(project / "secrets" / "signing.key", b"hush", 0o600)
    (project / "secrets" / "more").mkdir()
    return project / "secrets"


@pytest.mark.parametrize("by_settings", [False, True])
def test_one_with_other_content_is_mounted_where_that_is_accepted(
    project: Path, secrets: Path, run: Run, by_settings: bool
) -> None:
    words = ["enable", "--tls-dir", "secrets"]
    if by_settings:
        write(project / "compose-tls.toml", b'tls-dir = "secrets"\n')
        words = ["enable"]
    before = tree(project)
    for asked in (words, [*words, "--dry-run"]):
        refused = run(*asked, "--json").error
        assert (refused["code"], refused["path"]) == ("directory-shared", "secrets")
        assert "would see db-password, more, signing.key" in refused["message"]
        assert tree(project) == before
    accepted = run(*words, "--accept", "directory-shared", "--json")
    assert "directory-shared" in codes(accepted)
    # What was accepted once is mounted already.
    assert run("enable", "--mode", "2", "--json").code == 0
    assert secrets.joinpath("db-password").read_bytes() == b"hush"


def test_a_directory_elsewhere_with_other_content_is_none_either(
    project: Path, tmp_path: Path, run: Run
) -> None:
    for number in range(12):
        write(tmp_path / "etc" / f"shadow{number}", b"hush")
    refused = run("enable", "--tls-dir", tmp_path / "etc", "--json").error
    assert refused["code"] == "directory-shared"
    assert refused["message"].endswith("would see shadow0, shadow1, shadow10 and 9 more")
    assert not (tmp_path / "etc" / "server.key").exists()


def test_what_the_guide_and_an_earlier_enable_leave_there_is_known(project: Path, run: Run) -> None:
    for name in (CA_KEY, CLIENT_KEY, SERIAL_FILE, *REQUESTS):
        write(project / "tls" / name, b"x", 0o600)
    for name in (PROXY, *STACK_FILES):
        (project / "tls" / name).mkdir()
    assert run("enable", "-q").code == 0
    assert run("disable", "-q").code == 0
    assert run("enable", "-q").code == 0


@pytest.mark.parametrize("folder", ["tls/etcd", "tls/object-store", "tls/milvus"])
def test_the_directories_of_parts_are_looked_at(project: Path, run: Run, folder: str) -> None:
    write(project / folder / "db-password", b"hush", 0o600)
    refused = run("enable", "--scope", "all", "--json").error
    assert (refused["code"], refused["path"]) == ("directory-shared", folder)
    assert refused["message"].endswith("mounted into a container, which would see db-password")
    # Nothing mounts it into another container than that of Milvus, where no part has TLS.
    assert run("enable", "--json").code == 0


def test_what_enable_left_in_them_is_known(project: Path, run: Run) -> None:
    assert run("enable", "--scope", "all", "--json").code == 0
    assert run("disable", "-q").code == 0
    assert "directory-shared" not in codes(run("enable", "--scope", "all", "--json"))
    write(project / "tls/etcd/later", b"x", 0o600)
    assert run("enable", "--mode", "2", "--json").code == 0


def test_so_is_that_of_a_service_that_talks_to_milvus(project: Path, run: Run) -> None:
    attu = "  attu:\n    image: zilliz/attu:v2.4\n    environment: {MILVUS_URL: standalone:19530}\n"
    file = project / "docker-compose.yml"
    file.write_text(file.read_text().replace("services:\n", f"services:\n{attu}"))
    write(project / "tls-clients/attu/db-password", b"hush", 0o600)
    refused = run("enable", "--json").error
    assert (refused["code"], refused["path"]) == ("directory-shared", "tls-clients/attu")
    assert run("enable", "--accept", "directory-shared", "--json").code == 0
    assert run("enable", "--mode", "2", "--json").code == 0

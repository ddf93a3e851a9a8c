"""What someone has changed since is what is spoken of (T2, T3, T5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_not_read import PLAIN

SECOND = PLAIN.partition("services:\n")[2].replace("standalone:", "second:", 1)


@pytest.fixture
def plain(project: Path) -> Path:
    (project / "milvus.yaml").unlink()
    (project / "docker-compose.yml").write_text(PLAIN, encoding="utf-8")
    return project


def set_mode(project: Path, old: int, new: int) -> None:
    file = project / "docker-compose.yml"
    text = file.read_text(encoding="utf-8")
    assert text.count(f'TLSMODE: "{old}"') == 1
    file.write_text(text.replace(f'TLSMODE: "{old}"', f'TLSMODE: "{new}"'), encoding="utf-8")


@pytest.mark.parametrize("old", [1, 2])
def test_connect_says_that_the_files_have_plain_text(plain: Path, run: Run, old: int) -> None:
    run("enable", "--mode", str(old))
    assert run("connect").err == ""
    set_mode(plain, old, 0)

    [warning] = run("connect", "--json").json["warnings"]
    assert warning["code"] == "mode-differs"
    assert "plain text" in warning["message"]
    assert (warning["path"], warning["line"]) == ("docker-compose.yml", 12)
    assert warning["hint"].startswith(f"compose-tls enable --mode {old} ")


def test_connect_prints_a_client_for_the_stricter_mode(plain: Path, run: Run) -> None:
    """As set by hand, or by another program: without a certificate it would be refused."""
    run("enable", "--mode", "1")
    set_mode(plain, 1, 2)

    document = run("connect", "--json").json
    assert document["connect"]["client_pem_path"].endswith("cert/client.pem")
    assert [one["code"] for one in document["warnings"]] == ["mode-differs"]
    assert document["warnings"][0]["hint"].startswith("compose-tls enable --mode 2 ")


def test_disable_does_not_take_the_others_along(plain: Path, run: Run) -> None:
    (plain / "docker-compose.yml").write_text(PLAIN + SECOND, encoding="utf-8")
    both = ("--service", "standalone", "--service", "second")
    assert run("enable", *both).code == 0

    error = run("disable", "--service", "second", "--json").error
    assert error["code"] == "conflicting-settings"
    assert error["hint"].endswith("compose-tls enable --service standalone")
    assert run("enable", "--service", "standalone").code == 0
    assert "TLSMODE" not in (plain / "docker-compose.yml").read_text().partition("second")[2]
    assert run("disable", "--service", "standalone").code == 0


def test_disable_does_not_say_that_nothing_is_left_of_what_stays(plain: Path, run: Run) -> None:
    run("enable", "--mode", "2")
    set_mode(plain, 2, 0)

    found = run("disable")
    assert "files are without what enable added, except what was changed since" in found.out

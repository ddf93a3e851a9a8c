"""A repository of somebody else, cloned: no command in it changes, reads out or sends what is outside."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compose_tls.apply import transaction
from compose_tls.apply.journal import JOURNAL, Journal, Step
from compose_tls.changes import sha256
from compose_tls.workflows import preamble
from tests.unit.apply.trees import Killed, StoppingOps, tree, write
from tests.unit.cli.conftest import ROOT, EnableAs, Run

SUFFIX = ".compose-tls-0123abcd"
SECRET = b"the token of somebody\n"
COMMANDS = (
    "enable",
    "enable --mode 2",
    "renew --no-restart --force",
    "client x",
    "connect",
    "status",
    "disable",
    "disable --purge",
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What lies beside every project: settings, keys and secrets of the user."""
    place = tmp_path / "home"
    shutil.copytree(ROOT / "fixtures", place / "other", ignore=lambda *_: [])
    write(place / "settings.yaml", b"tls: {}\ncommon: x\n")
    write(place / "token", SECRET, 0o600)
    for name in ("ca.pem", "ca.key", "server.pem", "server.key", ".gitignore"):
        write(place / "tls" / name, b"*\n", 0o600)
    return place


def git(*words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *words],
        check=True,
        capture_output=True,
    )


def state(origin: Path, change: Callable[[Any], object]) -> None:
    path = origin / "cert" / "state.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def compose(origin: Path, change: Callable[[str], str]) -> None:
    path = origin / "docker-compose.yml"
    path.write_text(change(path.read_text()))


def link(path: Path, target: str) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def journal(origin: Path, target: str, action: Any) -> None:
    steps = (Step(target, action, sha256(SECRET), sha256(b"evil")),)
    found = Journal(origin, SUFFIX, steps, (), complete=True)
    write(origin / JOURNAL, found.render(), 0o600)
    write(origin / f".{Path(target).name}{SUFFIX}", b"evil")


def journal_overwrites(origin: Path) -> None:
    (origin / "token").symlink_to("../home/token")
    journal(origin, "token", "overwrite")


def journal_removes(origin: Path) -> None:
    journal(origin, "../home/token", "remove")


def linked_journal(origin: Path) -> None:
    (origin / JOURNAL).symlink_to("../home/token")


def state_edits(origin: Path) -> None:
    file = {
        "path": "../home/settings.yaml",
        "before": sha256(b"tls: {}\n"),
        "after": sha256(b"tls: {}\ncommon: x\n"),
        "splices": [],
        "edits": [{"kind": "added-key", "route": ["common"], "new": "x"}],
    }
    state(origin, lambda content: content["files"].append(file))


def state_removes(origin: Path) -> None:
    after = sha256(b"tls: {}\ncommon: x\n")
    file = {"path": "../home/settings.yaml", "after": after, "splices": [], "edits": []}
    state(origin, lambda content: content["files"].append(file))


def state_moves_keys(origin: Path) -> None:
    state(origin, lambda content: content["settings"].update(tls_dir="../home/tls"))


def state_accepts(origin: Path) -> None:
    state_edits(origin)
    state(origin, lambda content: content["settings"].update(accept=["outside-project"]))


def settings_name_directories(origin: Path) -> None:
    write(origin / "compose-tls.toml", b'pki-dir = "../home/tls"\n')


def settings_name_certificates(origin: Path) -> None:
    write(
        origin / "compose-tls.toml",
        b'ca-cert = "../home/tls/ca.pem"\nca-key = "../home/tls/ca.key"\n',
    )


def settings_name_a_compose_file(origin: Path) -> None:
    write(
        origin / "compose-tls.toml",
        b'file = ["docker-compose.yml", "../home/other/docker-compose.yml"]\n',
    )


def environment_names_a_project(origin: Path) -> None:
    write(origin / ".env", b"COMPOSE_FILE=../home/other/docker-compose.yml\n")


def linked_compose_file(origin: Path) -> None:
    link(origin / "docker-compose.yml", "../home/other/docker-compose.yml")


def linked_milvus_yaml(origin: Path) -> None:
    (origin / "cert" / "state.json").unlink()
    link(origin / "milvus.yaml", "../home/other/milvus.yaml")


def linked_keys(origin: Path) -> None:
    link(origin / "cert", "../home/tls")


def linked_tls_directory(origin: Path) -> None:
    link(origin / "tls", "../home/tls")


def linked_state(origin: Path) -> None:
    link(origin / "cert" / "state.json", "../../home/token")


def linked_clients(origin: Path) -> None:
    link(origin / "cert" / "clients", "../../home/tls")


EVIL = (
    journal_overwrites,
    journal_removes,
    linked_journal,
    state_edits,
    state_removes,
    state_moves_keys,
    state_accepts,
    settings_name_directories,
    settings_name_certificates,
    settings_name_a_compose_file,
    environment_names_a_project,
    linked_compose_file,
    linked_milvus_yaml,
    linked_keys,
    linked_tls_directory,
    linked_state,
    linked_clients,
)


@pytest.fixture
def clone(
    tmp_path: Path, home: Path, run: Run, enable_as: EnableAs, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Path], None] | None], Path]:
    """Publishes the project after its author has been at it, and clones it beside ``home``."""
    assert home.is_dir()
    project = enable_as()
    assert run("client", "known").code == 0

    def make(author: Callable[[Path], None] | None) -> Path:
        if author is not None:
            author(project)
        git("init", "-q", str(project))
        git("-C", str(project), "add", "-A", "-f")
        git("-C", str(project), "commit", "-q", "-m", "x")
        place = tmp_path / "clone"
        git("clone", "-q", str(project), str(place))
        monkeypatch.chdir(place)
        return place

    return make


@pytest.mark.parametrize("author", EVIL)
def test_no_command_leaves_the_clone(
    clone: Callable[..., Path],
    run: Run,
    home: Path,
    listener: socket.socket,
    author: Callable[[Path], None],
) -> None:
    clone(author)
    before = tree(home)
    port = str(listener.getsockname()[1])
    check = f"check --host 127.0.0.1 --port {port} --timeout 0.2"
    codes = set()
    for command in (*COMMANDS[:2], check, *COMMANDS[2:]):
        outcome = run(*command.split(), "--json")
        assert tree(home) == before, command
        assert SECRET.decode().strip() not in outcome.out + outcome.err, command
        codes.add(outcome.json.get("error", {}).get("code"))
    assert codes & {"outside-project", "foreign-journal"}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.parametrize("name", ["token-file", "password-file"])
@pytest.mark.parametrize("value", ["../home/token", "token"])
def test_what_is_sent_is_the_user_s_own_word(
    clone: Callable[..., Path], run: Run, listener: socket.socket, name: str, value: str
) -> None:
    def author(origin: Path) -> None:
        (origin / "token").symlink_to("../home/token")
        write(origin / "compose-tls.toml", f'{name} = "{value}"\n'.encode())

    clone(author)
    port = str(listener.getsockname()[1])
    outcome = run("check", "--host", "127.0.0.1", "--port", port, "--json")
    assert outcome.error["code"] == "invalid-setting"
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_link_in_the_clone_is_not_sent_either(
    clone: Callable[..., Path], run: Run, listener: socket.socket
) -> None:
    clone(lambda origin: (origin / "token").symlink_to("../home/token"))
    port = str(listener.getsockname()[1])
    words = ("check", "--host", "127.0.0.1", "--port", port, "--token-file", "token", "--json")
    assert run(*words).error["code"] == "outside-project"
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_record_neither_accepts_nor_sends(clone: Callable[..., Path]) -> None:
    sent = {"accept": ["outside-project"], "token_file": "../home/token", "user": "root"}
    place = clone(lambda origin: state(origin, lambda content: content["settings"].update(sent)))
    config = preamble.open_project(place, {}, {}).config
    assert (config.accept, config.token_file, config.user) == ((), None, None)


def mounted_outside(project: Path) -> None:
    shutil.move(project / "milvus.yaml", project.parent / "home" / "milvus.yaml")
    mount = "    volumes:\n      - ../home/milvus.yaml:/milvus/configs/milvus.yaml\n"
    head, tail = (project / "docker-compose.yml").read_text().rsplit("    volumes:\n", 1)
    (project / "docker-compose.yml").write_text(head + mount + tail)


def linked_outside(project: Path) -> None:
    shutil.move(project / "docker-compose.yml", project.parent / "home" / "compose.yml")
    (project / "docker-compose.yml").symlink_to("../home/compose.yml")


def included_outside(project: Path) -> None:
    shutil.move(project / "docker-compose.yml", project.parent / "home" / "compose.yml")
    write(project / "docker-compose.yml", b"include:\n  - ../home/compose.yml\n")


@pytest.mark.parametrize("prepare", [mounted_outside, linked_outside, included_outside])
def test_what_the_project_leads_to_is_edited_where_that_is_accepted(
    project: Path, home: Path, run: Run, prepare: Callable[[Path], None]
) -> None:
    prepare(project)
    before, around = tree(home), tree(project)
    accept = ("--accept", "outside-project")
    for words in (("enable",), ("enable", "--dry-run")):
        refused = run(*words, "--json").error
        assert refused["code"] == "outside-project"
        assert str(home) in refused["message"]
        assert "--accept outside-project" in refused["hint"]
        assert (tree(home), tree(project)) == (before, around)
    done = run("enable", *accept, "--json").json
    assert "outside-project" in [warning["code"] for warning in done["warnings"]]
    enabled = tree(home)
    assert enabled.keys() == before.keys()
    assert enabled != before
    assert run("status", *accept, "--json").json["mode"] == 1
    assert run("disable", "--json").error["code"] == "outside-project"
    assert tree(home) == enabled
    assert run("disable", "--purge", *accept).code == 0
    assert (tree(home), tree(project)) == (before, around)


@pytest.mark.parametrize("name", ["docker-compose.yml", "milvus.yaml"])
def test_a_file_that_is_elsewhere_as_well_is_edited_where_that_is_accepted(
    project: Path, home: Path, run: Run, name: str
) -> None:
    os.link(project / name, home / name)
    before, around = tree(home), tree(project)
    refused = run("enable", "--json").error
    assert run("enable", "--dry-run", "--json").error["message"] == refused["message"]
    assert (refused["code"], refused["path"]) == ("outside-project", name)
    assert "--accept outside-project" in refused["hint"]
    assert (tree(home), tree(project)) == (before, around)
    accept = ("--accept", "outside-project")
    done = run("enable", *accept, "--json").json
    assert "outside-project" in [warning["code"] for warning in done["warnings"]]
    assert tree(home) != before
    assert run("disable", "--json").error["code"] == "outside-project"
    assert run("disable", "--purge", *accept).code == 0
    assert (tree(home), tree(project)) == (before, around)
    # As the hint has it.
    command = refused["hint"].removeprefix("give the project a copy of its own: ")
    subprocess.run(["sh", "-c", command.partition(";")[0]], check=True, cwd=project)
    assert run("enable").code == 0
    assert tree(home) == before


def test_a_second_name_beside_the_file_is_no_way_out(project: Path, run: Run) -> None:
    os.link(project / "docker-compose.yml", project / "docker-compose.yml.bak")
    assert run("enable").code == 0
    assert (project / "docker-compose.yml").samefile(project / "docker-compose.yml.bak")


@pytest.mark.parametrize("prepare", [mounted_outside, linked_outside, included_outside])
@pytest.mark.parametrize("part", [0.4, 0.8])
def test_a_kill_during_an_accepted_edit_is_recovered_where_that_is_accepted_again(
    project: Path,
    home: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    prepare: Callable[[Path], None],
    part: float,
) -> None:
    prepare(project)
    before, around = tree(home), tree(project)
    accept = ("--accept", "outside-project")
    counting = StoppingOps(-1, forever=False)
    with monkeypatch.context() as patched:
        patched.setattr(transaction, "PosixFileOps", lambda: counting)
        assert run("enable", *accept).code == 0
    assert run("disable", "--purge", *accept).code == 0
    with monkeypatch.context() as patched:
        at = int(counting.calls * part)
        patched.setattr(transaction, "PosixFileOps", lambda: StoppingOps(at))
        with pytest.raises(Killed):
            run("enable", *accept)
    half, half_around = tree(home), tree(project)

    refused = run("disable", "--purge", "--json").error
    assert refused["code"] == "foreign-journal"
    assert "run that command again with --accept outside-project" in refused["hint"]
    assert (tree(home), tree(project)) == (half, half_around)
    done = run("disable", "--purge", *accept, "--json")

    assert "recovered" in [warning["code"] for warning in done.json["warnings"]]
    assert (tree(home), tree(project)) == (before, around)


def server_of_the_clone(clone: Callable[..., Path], name: str, link: str) -> None:
    def lead_out(origin: Path) -> None:
        path = origin / "cert" / name
        path.unlink(missing_ok=True)
        path.symlink_to(link)

    clone(lead_out)


@pytest.mark.parametrize("name", ["ca.pem", "client.pem", "client.key"])
def test_no_certificate_or_key_outside_is_shown_to_a_server(
    clone: Callable[..., Path], run: Run, listener: socket.socket, name: str
) -> None:
    server_of_the_clone(clone, name, "../../home/tls/ca.key")
    port = str(listener.getsockname()[1])

    error = run("check", "--host", "127.0.0.1", "--port", port, "--json").error

    assert error["code"] == "outside-project"
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_no_pipe_in_the_place_of_a_certificate_is_waited_for(
    clone: Callable[..., Path], run: Run, listener: socket.socket
) -> None:
    server_of_the_clone(clone, "ca.pem", "/dev/zero")
    place = Path.cwd() / "cert" / "ca.pem"
    place.unlink()
    os.mkfifo(place)
    port = str(listener.getsockname()[1])

    error = run("check", "--host", "127.0.0.1", "--port", port, "--json").error

    assert error["code"] in {"certificate-unreadable", "file-unreadable"}


@pytest.mark.parametrize("command", ["enable", "disable", "renew --no-restart", "client y"])
def test_every_command_that_writes_says_that_it_finished_an_earlier_one(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    assert run("enable").code == 0
    with monkeypatch.context() as patched:
        patched.setattr(transaction, "PosixFileOps", lambda: StoppingOps(4))
        with pytest.raises(Killed):
            run("client", "x")
    warnings = run(*command.split(), "--json").json["warnings"]
    assert "recovered" in [warning["code"] for warning in warnings]


def test_a_command_that_fails_says_so_too(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(transaction, "PosixFileOps", lambda: StoppingOps(10))
        with pytest.raises(Killed):
            run("enable")
    outcome = run("disable", "--json")
    assert outcome.error["code"] == "not-enabled"
    assert [warning["code"] for warning in outcome.json["warnings"]] == ["recovered"]


@pytest.mark.parametrize(
    "character", ["\\u202e", "\\u2028", "\\u200b", "\\u2066", "\\u3164", "\\u180e", "\\ufff9"]
)
def test_no_line_is_made_to_look_like_another_one(run: Run, project: Path, character: str) -> None:
    text = (project / "docker-compose.yml").read_text()
    name = f'"st{character}and"'
    (project / "docker-compose.yml").write_text(text.replace("  standalone:", f"  {name}:"))
    shown = json.loads(f'"{character}"')
    for command in (*COMMANDS, "status --format prometheus", "status --format svg"):
        outcome = run(*command.split())
        assert shown not in outcome.out + outcome.err
        assert shown not in outcome.out + run(*command.split(), "--json").err


@pytest.mark.parametrize("end", ["\\n", "\\r\\n", "\\n\\n", "\\r"])
def test_no_name_makes_a_line_of_its_own(run: Run, project: Path, end: str) -> None:
    """It would be read as one of ours: a next step, or that all is proved."""
    text = (project / "docker-compose.yml").read_text()
    name = f'"chat{end}next: compose-tls forged{end}proved: forged"'
    entry = (
        f"  {name}:\n    image: app{end}forged\n    container_name: {name}\n    environment:\n"
        f"      MILVUS_URI: http://standalone:19530\n    volumes:\n      - {name}\n"
    ).replace(f"app{end}forged", name)
    changed = text.replace("networks:\n", f"{entry}networks:\n", 1)
    (project / "docker-compose.yml").write_text(changed)
    commands = ("enable --mode 2", *COMMANDS, "status -v", "status --format mermaid")
    for command in (*commands, "status --format svg", "status --format prometheus"):
        outcome = run(*command.split())
        for line in (outcome.out + outcome.err).splitlines():
            assert not line.lstrip().startswith(("next: compose-tls forged", "proved:"))


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.mark.parametrize("command", [*COMMANDS[:6], "enable --service nobody", *COMMANDS[6:]])
def test_no_control_character_reaches_a_terminal(run: Run, project: Path, command: str) -> None:
    name = '"\\e]0;owned\\a\\u009b31mmilvus"'
    text = (project / "docker-compose.yml").read_text()
    (project / "docker-compose.yml").write_text(text.replace("  standalone:", f"  {name}:"))
    for words in ((), ("--json",)):
        outcome = run(*command.split(), *words, *(() if words else ("-v",)))
        assert not CONTROL.search(outcome.out + outcome.err)
    assert "\\u001b" in run("enable", "--json").out
    for form in ("mermaid", "svg"):
        drawn = run("status", "--format", form).out
        assert "owned" in drawn
        assert not CONTROL.search(drawn)
        assert not re.search(r"(#|&#)(27|7|155);", drawn)


@pytest.mark.parametrize("name", ["ca.pem", "client.pem", "client.key"])
def test_no_link_of_the_project_is_followed_where_the_command_line_names_it(
    clone: Callable[..., Path], run: Run, listener: socket.socket, name: str
) -> None:
    server_of_the_clone(clone, name, "../../home/tls/ca.key")
    port = str(listener.getsockname()[1])
    shown = ("--client-cert", "cert/client.pem", "--client-key", "cert/client.key")
    where = ("--host", "127.0.0.1", "--port", port, "--ca-cert", "cert/ca.pem", *shown)

    error = run("check", *where, "--mode", "2", "--json").error

    assert error["code"] == "outside-project"
    with pytest.raises(BlockingIOError):
        listener.accept()

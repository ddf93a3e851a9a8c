"""Text and JSON of a command say the same, in projects that are well and in those that are not."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.projects import BY_HAND, GUIDE, PLAIN

CLUSTER: Final = "services:\n" + "".join(
    f"  {role}:\n    image: milvusdb/milvus:v2.5.4\n    command: [milvus, run, {role}]\n"
    f"    environment: {{ETCD_ENDPOINTS: 'etcd:2379'}}\n{ports}"
    for role, ports in (("rootcoord", ""), ("proxy", "    ports: ['19530:19530']\n"))
)


def rewritten(old: str, new: str) -> Callable[[Path], object]:
    def change(directory: Path) -> None:
        path = directory / "docker-compose.yml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def gone(*names: str) -> Callable[[Path], object]:
    def remove(directory: Path) -> None:
        for name in names:
            (directory / name).unlink()

    return remove


PROJECTS: Final[dict[str, tuple[str, tuple[str, ...], Callable[[Path], object]]]] = {
    "plain": (PLAIN, (), gone()),
    "one-way": (PLAIN, ("enable",), gone()),
    "mutual, with a client": (PLAIN, ("enable --mode 2", "client alice"), gone()),
    "drifted": (
        PLAIN,
        ("enable --mode 2",),
        lambda directory: shutil.copy(directory / "cert/client.pem", directory / "tls/ca.pem"),
    ),
    "switched off": (PLAIN, ("enable --mode 2",), rewritten('TLSMODE: "2"', 'TLSMODE: "0"')),
    "missing files": (PLAIN, ("enable",), gone("tls/server.key", "cert/server.pem")),
    "no record": (PLAIN, ("enable --mode 2",), gone("cert/state.json")),
    "a short life": (PLAIN, ("enable --days 10 --ca-days 20",), gone()),
    "a new CA": (PLAIN, ("enable --mode 2", "renew --ca --no-restart"), gone()),
    "renamed": (PLAIN, ("enable",), rewritten("standalone:", "vectors:")),
    "by hand": (BY_HAND, (), gone()),
    "a cluster": (CLUSTER, ("enable --scope internal",), gone()),
    "all parts": (GUIDE, ("enable --mode 2 --scope all",), gone()),
    "no Milvus": ("services: {app: {image: busybox}}\n", (), gone()),
}
COMMANDS: Final = (
    "status",
    "enable --dry-run",
    "renew --no-restart --dry-run",
    "connect",
    "check",
    "client bob --dry-run",
    "disable --dry-run",
    "client bob",
    "enable",
    "disable",
)


def said(document: Any) -> Iterator[str]:
    """What a person has to know of a result."""
    for one in [*document.get("warnings", ()), document.get("error", {})]:
        yield from (one[key] for key in ("message", "hint") if key in one)
    following = document.get("next", ())
    yield from [following] if isinstance(following, str) else following
    for files in (one["files"] for one in document.get("give", ())):
        yield from (name.rpartition("/")[2] for name in files[:-1])
        yield f"and {files[-1]}"
    if document.get("purge"):
        yield f"{', '.join(f'{one}/' for one in document['key_directories'])} (private keys); "
        yield f"{document['purge']} removes them"
    for one in document.get("declared", ()):
        yield from one["differs"]
    for one in document.get("file_states", ()):
        if one["state"] != "as-written":
            yield f"{one['path']} {one['state']}"
    if document["command"] == "status":
        ends = [one["not_after"][:10] for one in document.get("certificates", ())]
        yield from sorted(ends)[:1]
        yield from (one["targets"][0] for one in document["links"] if one["encryption"] == "plain")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port on which nobody answers, whatever Milvus this machine runs."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize("name", PROJECTS)
def test_text_and_json_say_the_same(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, silent_port: int, name: str
) -> None:
    directory = tmp_path / "project"
    text, commands, damage = PROJECTS[name]
    directory.mkdir()
    monkeypatch.chdir(directory)
    (directory / "docker-compose.yml").write_text(
        text.replace("19530:19530", f"{silent_port}:19530")
    )
    for command in commands:
        assert run(*command.split()).code == 0
    damage(directory)

    for command in COMMANDS:
        before = tmp_path / command.replace(" ", "")
        shutil.copytree(directory, before, symlinks=True)
        as_json = run(*command.split(), "--json")
        shutil.rmtree(directory)
        shutil.copytree(before, directory, symlinks=True)
        monkeypatch.chdir(directory)
        as_text = run(*command.split())

        assert as_text.code == as_json.code, command
        words = " ".join(f"{as_text.out} {as_text.err}".split())
        for sentence in said(as_json.json):
            typed = sentence.replace(" --json", "")
            assert " ".join(typed.split()) in words, command
        steps = [one for one in as_text.out.splitlines() if one.startswith("next: ")]
        if steps and not command.startswith("client"):
            # Who has to be given a client's files is told to people.
            last = as_json.json["next"]
            last = last if isinstance(last, str) else " && ".join(last)
            assert steps[-1].removeprefix("next: ") == last.replace(" --json", "")

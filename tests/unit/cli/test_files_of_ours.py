"""Each file in cert/ and tls/, gone, damaged or another's: status tells it, with what mends it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.unit.cli.conftest import Run
from tests.unit.cli.projects import GUIDE, PLAIN
from tests.unit.pki.minting import mint

PAIR: Final = "--{0}-cert my/{0}.pem --{0}-key my/{0}.key"
STATES: Final = {
    "one-way": ("enable --mode 1",),
    "mutual": ("enable --mode 2",),
    "joined": ("enable --mode 2", "renew --ca --no-restart"),
    "brought": (
        f"enable --mode 2 --ca-cert my/ca.pem {PAIR.format('server')} {PAIR.format('client')}",
    ),
    "parts": ("enable --mode 2 --scope all", "client alice"),
    "finished": (
        "enable --mode 2",
        "renew --ca --no-restart",
        "renew --ca --finish --no-restart",
    ),
}
PAIRS: Final = ("ca", "server", "client")
FILES: Final = (
    *(f"cert/{name}{end}" for name in PAIRS for end in (".pem", ".key")),
    *(f"tls/{name}" for name in ("server.pem", "server.key", "ca.pem")),
)
DAMAGES: Final = ("missing", "empty", "damaged", "directory", "another's")
# The key of a CA may be.
KEPT_ELSEWHERE: Final = {
    (state, "cert/ca.key", damage) for state in STATES for damage in ("missing", "directory")
}
TYPED: Final = re.compile(
    r"(?:compose-tls|cp|mv|chmod) [^,;:]*?(?= writes| keeps| records|[,;:]|$)"
)


GONE: Final = ("missing", "another's")
PARTS: Final = [f"cert/{name}" for name in ("stack-ca.pem", "stack-ca.key", "etcd.pem", "etcd.key")]
SHOWN: Final = (
    "cert/clients/attu.key",
    *(f"tls-clients/attu/{name}" for name in ("ca.pem", "client.pem", "client.key")),
    *("tls/etcd/server.key", "tls/object-store/private.key"),
    *("tls/milvus/etcd-client.key", "tls/milvus/ca-bundle.pem"),
)
CASES: Final = {
    *product(["mutual"], FILES, DAMAGES),
    *product(
        ["mutual"],
        ("cert/state.json", "cert/.gitignore", "tls/.gitignore"),
        ("missing", "empty", "directory"),
    ),
    *product(["one-way"], set(FILES) - {"cert/client.key"}, GONE),
    *product(["joined"], (*FILES, "cert/next-ca.pem", "cert/next-ca.key"), GONE),
    *product(["finished"], ("cert/ca.pem", "cert/ca.key", "tls/ca.pem"), ["another's"]),
    *product(["brought"], (*FILES, "cert/state.json"), ["missing"]),
    *product(["parts"], PARTS, GONE),
    *product(["parts"], SHOWN, GONE),
    *product(["parts"], ("cert/clients/alice.key", "cert/clients/alice.pem"), ["another's"]),
    ("parts", "cert/clients/alice.pem", "missing"),
    ("parts", "tls/object-store/private.key", "damaged"),
}
# What Milvus is to be able to start with is there, and nothing that would issue it.
TOGETHER: Final = {
    ("mutual", "tls/server.key cert/ca.key"): "compose-tls enable --mode 2",
    ("mutual", "cert/server.key cert/ca.key"): "cp tls/server.key cert/server.key",
    ("mutual", "tls/server.key cert/server.key cert/ca.key"): "compose-tls renew --ca",
    ("one-way", "tls/server.pem cert/server.pem cert/ca.key"): "compose-tls renew --ca",
    ("mutual", "cert/client.pem cert/ca.key"): "compose-tls renew --ca",
    ("one-way", "cert/client.pem cert/ca.key"): "compose-tls renew --ca",
    ("mutual", "cert/ca.pem cert/ca.key tls/ca.pem"): "compose-tls renew --ca",
    ("parts", "tls/proxy/server.key cert/server.key cert/ca.key"): "compose-tls renew --ca",
}


def bring(place: Path) -> None:
    """Certificates of a CA of the user's."""
    place.mkdir()
    ca = mint("Corp", ca=True)
    client = mint("app", issuer=ca, purposes=[ExtendedKeyUsageOID.CLIENT_AUTH])
    for name, pair in (("ca", ca), ("server", mint(issuer=ca)), ("client", client)):
        (place / f"{name}.pem").write_bytes(pair.certificate_pem)
        (place / f"{name}.key").write_bytes(pair.private_key_pem)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("states")


@pytest.fixture
def made(run: Run, prepared: Path, project: Path) -> Callable[[str], Path]:
    """Makes a project in a state, once in a session for all tests."""

    def make(name: str, state: str) -> Path:
        directory = prepared / f"{name} {state}"
        if not directory.exists():
            directory.mkdir()
            text = GUIDE if state == "parts" else PLAIN
            (directory / "docker-compose.yml").write_text(text)
            if state == "brought":
                bring(directory / "my")
            for command in STATES[state]:
                assert run(*command.split(), "-C", directory).code == 0
        return directory

    def copied(state: str) -> Path:
        (project / "milvus.yaml").unlink()
        shutil.copytree(make("own", state), project, dirs_exist_ok=True)
        return make("other", state)

    return copied


def do(damage: str, path: Path, other: Path) -> None:
    """Damages a file; ``other`` is that of another project."""
    content = path.read_bytes()
    path.unlink()
    match damage:
        case "directory":
            path.mkdir()
        case "empty":
            path.touch()
        case "damaged":
            path.write_bytes(content.replace(b"\n", b"\n!", 3))
        case "another's":
            shutil.copyfile(other, path)
        case _:
            assert damage == "missing"


def follow(run: Run, told: Any) -> None:
    """Types what was printed: the next step, or the command in the first hint."""
    hints = [one["hint"] for one in told["warnings"] if one["code"] != "ca-rollover"]
    if hints and hints[0].startswith("move its files away"):
        for path in Path("cert/clients").glob("alice.*"):
            path.unlink()
    command = TYPED.findall(told.get("next") or hints[0])[0]
    for words in map(shlex.split, command.split(" && ")):
        if words[0] != "compose-tls":
            subprocess.run(words, check=True)
        else:
            alone = ["--no-restart"] if words[1] == "renew" else []
            assert run(*words[1:], *alone).code == 0, command


@pytest.mark.parametrize(("state", "file", "damage"), sorted(CASES - KEPT_ELSEWHERE))
def test_what_is_wrong_is_told_and_what_is_printed_mends_it(
    run: Run, project: Path, made: Callable[[str], Path], state: str, file: str, damage: str
) -> None:
    other = made(state)
    do(damage, project / file, other / file)

    told = run("status", "--json").json
    if "error" in told:
        assert told["error"]["path"] == file
        follow(run, {"next": told["error"]["hint"].rpartition(": ")[2], "warnings": []})
        told = run("status", "--json").json
    else:
        drifted = [
            one["path"] for one in told.get("file_states", []) if one["state"] != "as-written"
        ]
        named = [*drifted, *(one.get("path") for one in told["warnings"])]
        assert file in named or str(Path(file).parent) in named
    mend(run, told)
    assert run("renew", "--force", "--no-restart").code == run("status").code == 0


@pytest.mark.parametrize(("state", "files"), sorted(TOGETHER))
def test_what_nothing_can_issue_any_more_has_a_way_out(
    run: Run, project: Path, made: Callable[[str], Path], state: str, files: str
) -> None:
    made(state)
    for file in files.split():
        (project / file).unlink()

    told = run("status", "--json").json

    assert told["next"] == TOGETHER[state, files]
    mend(run, told)


def mend(run: Run, told: Any) -> None:
    """Types what is printed, one after the other, until all is well."""
    for _ in range(4):
        if told["ok"] and {one["code"] for one in told["warnings"]} <= {"ca-rollover"}:
            break
        follow(run, told)
        told = run("status", "--json").json
    assert told["ok"]
    assert {one["code"] for one in told["warnings"]} <= {"ca-rollover"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can put on another user")
def test_a_key_that_this_user_may_not_read_is_not_said_to_be_damaged(
    run: Run, project: Path, made: Callable[[str], Path]
) -> None:
    made("parts")
    for path in (project, *project.rglob("*")):
        os.chown(path, 65534, 65534)
    os.chown(project / "cert/etcd.key", 0, 0)
    for place in project.parents[:-2]:
        place.chmod(place.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        told = run("status", "--json").json
    finally:
        os.seteuid(0)
    assert [(one["message"], one["hint"]) for one in told["warnings"]] == [
        (
            "cert/etcd.key cannot be read: Permission denied",
            "make cert/etcd.key readable for you, or run the command as its owner",
        )
    ]
    assert "next" not in told


def test_without_its_key_and_that_of_the_ca_no_command_names_itself(
    run: Run, project: Path
) -> None:
    run("enable")
    (project / "cert" / "server.key").unlink()
    assert run("status", "--json").json["next"] == "compose-tls enable"

    (project / "cert" / "ca.key").unlink()
    (project / "tls" / "server.key").unlink()
    error = run("enable", "--json").json["error"]
    assert error["path"] == "cert/server.key"
    assert "--ca-key" in error["hint"]
    assert "compose-tls enable" not in error["hint"]

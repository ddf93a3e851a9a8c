"""Small files that once took long, much memory, or ended in a crash: what each takes now.

python benchmarks/small_files.py          all of them, a line each
python benchmarks/small_files.py NAME     one of them, in this process, as JSON
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from compose_tls import enable, status  # noqa: E402 - of this checkout
from compose_tls.errors import ComposeTlsError  # noqa: E402 - as above

SECONDS = 1.0
MEGABYTES = 100

_MIB = 1024 * 1024
_SHORT = 127  # X.690 section 8.1.3.4
COMPOSE = b"services:\n  m:\n    image: milvusdb/milvus:v2.5.5\n    ports: ['19530:19530']\n"
QUIET: Mapping[str, str] = {"PATH": "/nowhere"}


@dataclass(frozen=True)
class Small:
    """A file of a project, and the command that meets it.

    Attributes:
        what: What it is, in words.
        name: Its name.
        content: Its bytes, or what makes it.
        run: The command.
    """

    what: str
    name: str
    content: Callable[[Path], object]
    run: Callable[[Path], object]


def _bytes(content: Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content())


def _merges(lines: int) -> bytes:
    aliases = "".join(f"x{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, lines))
    return f"x0: &a0 {{k: v}}\n{aliases}".encode() + COMPOSE


def _proxy(text: str) -> Callable[[Path], object]:
    """A proxy with this as its configuration."""
    service = b"  n:\n    image: nginx\n    configs: [c]\nconfigs:\n  c:\n    content: "
    return _bytes(lambda: COMPOSE + service + json.dumps(text).encode() + b"\n")


def _plan(project: Path) -> None:
    enable(project, {}, dry_run=True, environment=QUIET)


def _look(project: Path) -> None:
    status(project, environment=QUIET)


def _bring(project: Path) -> None:
    brought = dict.fromkeys(("server_cert", "server_key", "ca_cert"), "ca.pem")
    enable(project, brought, environment=QUIET)


def _many_rounds() -> bytes:
    """A PKCS #12 whose MAC takes 20 million rounds: RFC 7292 section 4."""

    def der(tag: int, *parts: bytes) -> bytes:
        content = b"".join(parts)
        size = len(content)
        width = (size.bit_length() + 7) // 8
        head = (
            bytes((size,))
            if size <= _SHORT
            else bytes((0x80 | width,)) + size.to_bytes(width, "big")
        )
        return bytes((tag,)) + head + content

    data = der(0x06, bytes.fromhex("2a864886f70d010701"))
    sha256 = der(0x30, der(0x06, bytes.fromhex("608648016503040201")), b"\x05\x00")
    safe = der(0x30, data, der(0xA0, der(0x04, b"\x30\x00")))
    mac = der(0x30, der(0x30, sha256, der(0x04, bytes(32))), der(0x04, bytes(8)))
    rounds = der(0x02, (20_000_000).to_bytes(4, "big"))
    return der(
        0x30,
        b"\x02\x01\x03",
        safe,
        mac[:1] + bytes((len(mac) - 2 + len(rounds),)) + mac[2:] + rounds,
    )


SMALL: dict[str, Small] = {
    "merges": Small(
        "19 lines of merge keys, each naming the one before twice",
        "docker-compose.yml",
        _bytes(lambda: _merges(19)),
        _plan,
    ),
    "lines": Small(
        "60,000 empty lines in the configuration of a proxy",
        "docker-compose.yml",
        _proxy("\n" * 60_000),
        _plan,
    ),
    "letters": Small(
        "60,000 letters in a row there",
        "docker-compose.yml",
        _proxy("a" * 60_000),
        _plan,
    ),
    "blocks": Small(
        "4,000 `stream {` there, without an end",
        "docker-compose.yml",
        _proxy("stream {\n" * 4_000),
        _plan,
    ),
    "substitutions": Small(
        "`${A` 6,000 times in a value",
        "docker-compose.yml",
        _bytes(lambda: COMPOSE.replace(b"v2.5.5", b"${A" * 6_000)),
        _plan,
    ),
    "defaults": Small(
        "`${A:-` nested 6,000 deep",
        "docker-compose.yml",
        _bytes(lambda: COMPOSE.replace(b"v2.5.5", b"${A:-" * 6_000 + b"}" * 6_000)),
        _plan,
    ),
    "begins": Small(
        "8,000 `-----BEGIN A-----` without an end",
        "ca.pem",
        _bytes(lambda: b"-----BEGIN A-----\n" * 8_000),
        _bring,
    ),
    "broken": Small(
        "broken YAML of 1 MB",
        "docker-compose.yml",
        _bytes(lambda: COMPOSE + b"x: [\n" * (_MIB // 5)),
        _plan,
    ),
    "items": Small(
        "a list of 1,000,000 items",
        "docker-compose.yml",
        _bytes(lambda: COMPOSE + b"x-a:\n" + b"- 1\n" * 1_000_000),
        _plan,
    ),
    "line": Small(
        "a line of 50 MB",
        "docker-compose.yml",
        _bytes(lambda: COMPOSE + b"x-a: " + b"a" * (50 * _MIB)),
        _plan,
    ),
    "brackets": Small(
        "20 MB of `[1,1,…`",
        "docker-compose.yml",
        _bytes(lambda: COMPOSE + b"x-a: [" + b"1," * (10 * _MIB)),
        _plan,
    ),
    "rounds": Small("a PKCS #12 with 20,000,000 rounds", "ca.pem", _bytes(_many_rounds), _bring),
    "zero": Small(
        "a link to /dev/zero in place of compose-tls.toml",
        "compose-tls.toml",
        lambda path: path.symlink_to("/dev/zero"),
        _plan,
    ),
    "pipe": Small("a pipe in place of state.json", "cert/state.json", os.mkfifo, _look),
    "journal": Small(
        "a link to /dev/zero in place of the journal",
        ".compose-tls.journal",
        lambda path: path.symlink_to("/dev/zero"),
        _look,
    ),
    "toml": Small(
        "compose-tls.toml of `[[[…`",
        "compose-tls.toml",
        _bytes(lambda: b"a = " + b"[" * 60_000),
        _plan,
    ),
    "state": Small(
        "state.json of `[[[…`", "cert/state.json", _bytes(lambda: b"[" * 4 * _MIB), _look
    ),
    "services": Small(
        "state.json without services",
        "cert/state.json",
        _bytes(lambda: b'{"version": 1, "services": [], "files": [], "settings": {}}'),
        _look,
    ),
    "name": Small(
        "a path with a NUL",
        "docker-compose.yml",
        _bytes(lambda: COMPOSE + b'    volumes: ["./a\\0b:/milvus/configs/milvus.yaml"]\n'),
        _plan,
    ),
}


@dataclass(frozen=True)
class Taken:
    """What one of them took: seconds of the processor, and by how much memory grew."""

    what: str
    outcome: str
    seconds: float
    megabytes: float


def one(name: str) -> Taken:
    """Let the command meet one of them, in this process."""
    small = SMALL[name]
    with tempfile.TemporaryDirectory() as place:
        project = Path(place).resolve() / "project"
        (project / "cert").mkdir(parents=True)
        (project / "docker-compose.yml").write_bytes(COMPOSE)
        _plan(project)  # so that everything is loaded
        path = project / small.name
        path.unlink(missing_ok=True)
        small.content(path)
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        outcome = "read"
        try:
            small.run(project)
        except ComposeTlsError as error:
            outcome = error.code
        took = time.process_time() - began
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        shutil.rmtree(project)
    return Taken(small.what, outcome, took, grown)


def measure(name: str) -> Taken:
    """One of them, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, name], check=True, capture_output=True)
    return Taken(**json.loads(done.stdout))


def measured() -> list[Taken]:
    """All of them."""
    return list(map(measure, SMALL))


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(asdict(one(sys.argv[1]))))
    else:
        for taken in measured():
            limits = f"{taken.seconds:.2f} s, {taken.megabytes:.0f} MB"
            print(f"{taken.what}: {taken.outcome}, {limits}")

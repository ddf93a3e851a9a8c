"""What reads a stranger's bytes: functions of bytes, out of which only a ``ComposeTlsError`` comes."""

from __future__ import annotations

import base64
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import grpc

from compose_tls import TlsConfig, client, disable, enable, status
from compose_tls.apply import deploying
from compose_tls.apply.deploying import Deploying, OldFile
from compose_tls.apply.journal import Journal, Step
from compose_tls.checks import readiness, wire
from compose_tls.compose import dotenv
from compose_tls.compose.compose_project import load_project
from compose_tls.compose.interpolate import interpolate
from compose_tls.errors import ComposeTlsError
from compose_tls.observe.settings_file import given_settings
from compose_tls.pki import load as pki
from compose_tls.state.recorded import read_state
from compose_tls.yamlpatch.document import parse, require_editable
from compose_tls.yamlpatch.intent import Put, Text
from compose_tls.yamlpatch.patch import patch
from compose_tls.yamlpatch.query import roots
from tests.faults.commands import COMPOSE

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = b"passphrase"
QUIET: dict[str, Any] = {"environment": {"PATH": "/nowhere"}}


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        read: Reads bytes. What it may raise besides ``ComposeTlsError`` it keeps to itself.
        seeds: Bytes of its kind to begin with.
        words: What means something in them.
    """

    read: Callable[[bytes], object]
    seeds: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()


def _words(text: str) -> tuple[bytes, ...]:
    """Words with a bar between; what cannot be typed is escaped as in Python."""
    return tuple(
        word.encode("latin-1").decode("unicode_escape").encode("latin-1")
        for word in text.split("|")
    )


YAML_WORDS = _words(
    r"*a|&a |<<: |<<: [*a, *a]|: |- |{|}|[|]|!!map|!!str|? |\n|\n  |\n    |#|'|\"|---|...|%YAML|\t"
    r"|\xef\xbb\xbf|\r\n|~|${A:-|${|}|$$|services:|services|image: |milvusdb/milvus:v2.5.5"
    r"|command:|environment:|volumes:|ports:|extends:|include:|env_file:|depends_on:|profiles:"
    r"|name: |!reset|!override"
    r"|19530:19530|./milvus.yaml:/milvus/configs/milvus.yaml|configs:|source:|target:|type: bind"
    r"|null|0x|1e9|common:\n  security:\n    tlsMode: 1\n"
    r"|tls:\n  serverPemPath: x\n|\x00|\xff|\xc2\x85"
)
JSON_WORDS = _words(
    r'[|]|{|}|,|:|"|null|true|1e999|-1|"steps"|"files"|"..|"/|\\u0000|\\ud800|"replace"'
    r'|"overwrite"|"remove"|"version"|"services"|"settings"|"path"|[[[[[[[['
)
TOML_WORDS = _words(
    r"[|]|[[|=|\"|'''|\n|mode|tls-dir|pki_dir|san|days|accept|token_file|file|2|-1|1e99|inf|nan|true"
    r"|1979-05-27|..|/|\\u0000|\\|{a=|,"
)
ENV_WORDS = _words(
    r"=|\n|${A:-|${|}|$|$$|\\|'|\"|#| #|export |A|COMPOSE_FILE|:|\r|\xef\xbb\xbf|\x00"
)
PEM_WORDS = _words(
    r"-----BEGIN CERTIFICATE-----\n|-----END CERTIFICATE-----\n|-----BEGIN |-----|PRIVATE KEY"
    r"|RSA PRIVATE KEY|EC PRIVATE KEY|ENCRYPTED PRIVATE KEY|PUBLIC KEY|TRUSTED CERTIFICATE|X509 CRL|MII|="
    r"|\n|\r\n|\x00|Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"
)
DER_WORDS = (
    b"\x30\x82",
    b"\x30\x80",
    b"\x02\x01",
    b"\x02\x04\x7f\xff\xff\xff",
    b"\x05\x00",
    b"\x06\x03\x55\x1d\x1e",
    b"\x06\x03\x55\x1d\x11",
    b"\x87\x04",
    b"\xff" * 4,
    b"\x00" * 4,
    b"\x24\x80",
    b"\xa0",
    b"\x04\x82",
)
WIRE_WORDS = (
    b"HTTP/1.1 ",
    b"HTTP/2.0 200",
    b"400 ",
    b"\r\n",
    b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    b"\x15\x03\x01\x00\x02\x02",
    b"\x16\x03\x01",
    b"\x08\x01",
    b"\x12\x0a",
    b"\x0a\x7f",
    b"\xff" * 10,
    b"\x80" * 20,
    b"\x00\x2f",
)


@cache
def _made() -> dict[str, bytes]:
    """What commands make: certificates, keys, state.json and patched files."""
    with tempfile.TemporaryDirectory() as place:
        project = Path(place).resolve()
        (project / "docker-compose.yml").write_text(COMPOSE)
        shutil.copy(ROOT / "fixtures" / "milvus.yaml", project)
        secret = project / "secret"
        secret.write_bytes(PASSPHRASE)
        enable(project, TlsConfig(mode=2, csr=True), **QUIET)
        client(project, ["alice"], p12=True, **QUIET)
        return {
            path.relative_to(project).as_posix(): path.read_bytes()
            for path in project.rglob("*")
            if path.is_file()
        }


def _ending(*ends: str) -> list[bytes]:
    return [content for name, content in _made().items() if name.endswith(ends)]


def _yaml_seeds() -> list[bytes]:
    official = (ROOT / "fixtures" / "docker-compose.yml").read_bytes()
    return [*_ending("docker-compose.yml"), COMPOSE.encode(), official, *_small_yaml()]


def _small_yaml() -> list[bytes]:
    texts = (
        "x: &a {b: c}\nservices:\n  m:\n    <<: *a\n    image: milvusdb/milvus:v2.5.5\n",
        "services: {m: {image: 'milvusdb/milvus:${V:-v2.5.5}', ports: ['19530:19530']}}\n",
        "common:\n  security:\n    tlsMode: 0  # off\ntls:\n  serverPemPath: configs/cert/server.pem\n",
        """\
include:
- a.yml
services:
  m:
    extends: {service: m}
    env_file: .env
    volumes:
    - {type: bind, source: ./milvus.yaml, target: /milvus/configs/milvus.yaml}
""",
    )
    return [text.encode() for text in texts]


def _yaml(data: bytes) -> None:
    document = parse(data, "compose.yaml")
    for root in roots(document):
        root.texts("services")
        for one in root.entries("services").values():
            one.text("image"), one.pairs("environment"), one.texts("volumes")
    require_editable(document)
    wanted = (
        Put(("common", "security", "tlsMode"), Text("2")),
        Put(("tls", "serverPemPath"), Text("/milvus/tls/server.pem")),
    )
    patch(data, "milvus.yaml", wanted)


def _compose(data: bytes) -> None:
    here = Path("/project")
    texts = {here / "compose.yaml": data, here / "a.yml": data}
    project = load_project(here, [here / "compose.yaml"], texts.get, {"V": "v2.5.5"})
    for service in project.services.values():
        assert service.name is not None


def _dotenv(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    interpolate(text, dotenv.parse(text, {"A": "${A}", "HOME": "/root"}))


@cache
def _scratch() -> Path:
    shared = Path("/dev/shm")  # memory, where there is such a place
    place = tempfile.mkdtemp(prefix="compose-tls-fuzz-", dir=shared if shared.is_dir() else None)
    return Path(place).resolve()


def _toml(data: bytes) -> None:
    (_scratch() / "compose-tls.toml").write_bytes(data)
    given_settings(_scratch(), {}, {})


def _project(data: bytes) -> None:
    """A whole project with these bytes as compose file, milvus.yaml, .env, settings and state.json."""
    project = _scratch() / "project"
    shutil.rmtree(project, ignore_errors=True)
    (project / "cert").mkdir(parents=True)
    # The first byte says which file it is.
    names = ("docker-compose.yml", "milvus.yaml", ".env", "compose-tls.toml", "cert/state.json")
    (project / "docker-compose.yml").write_text(COMPOSE)
    (project / names[data[0] % len(names) if data else 0]).write_bytes(data[1:])
    for command in (status, enable, disable):
        more = {"dry_run": True} if command is not status else {}
        with contextlib.suppress(ComposeTlsError):
            command(project, **QUIET, **more)  # type: ignore[arg-type] # each takes these


def _journal(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        Journal.parse(data, Path("/project"))


def _deploying(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        deploying.parse(data, Path("/project"))


def _state(data: bytes) -> None:
    state = read_state(data, "cert/state.json")
    if state is not None:
        state.render()


def _pem(data: bytes) -> None:
    readers: tuple[Callable[[], object], ...] = (
        lambda: pki.bundle_facts(data, path="ca.pem"),
        lambda: pki.subjects(data, path="ca.pem"),
        lambda: pki.load_certificates(data, path="ca.pem", passphrase=PASSPHRASE),
        lambda: pki.survey(
            {"ca": (data, data), "server": (data, data)}, (data, data), {"ca": data}
        ),
        lambda: pki.load_key_pair(
            data, data, certificate_path="a.pem", key_path="a.key", passphrase=PASSPHRASE
        ),
        lambda: pki.load_key_pair(
            _made()["cert/server.pem"], data, certificate_path="a.pem", key_path="a.key"
        ),
    )
    for read in readers:
        with contextlib.suppress(ComposeTlsError):
            read()


def _http(data: bytes) -> None:
    wire.http1_status(data)
    wire.is_http2_answer(data)
    wire.is_tls_refusal(data)
    wire.is_old_server_hello(data)
    pki.name_text(data)
    for tls_1_3 in (False, True):
        with contextlib.suppress(ValueError):
            wire.authorities(data, tls_1_3=tls_1_3)


class _Unimplemented(grpc.RpcError):  # type: ignore[misc] # grpcio has no types
    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNIMPLEMENTED


def _grpc(data: bytes) -> None:
    def call(method: str, request: bytes = b"") -> bytes:
        if method.startswith("No"):
            raise _Unimplemented
        return data

    readiness._is_milvus(call)
    readiness._version(call)
    with contextlib.suppress(ValueError):
        readiness._status(data)


def _journal_seeds() -> list[bytes]:
    here, hashed = Path("/project"), "0" * 64
    steps = (
        Step("docker-compose.yml", "replace", hashed, hashed),
        Step("milvus.yaml", "overwrite", hashed, hashed),
        Step("cert/ca.key", "remove", hashed),
        Step("cert", "remove-directory"),
    )
    journal = Journal(here, ".compose-tls-0123abcd", steps, ("cert", "tls"), complete=True)
    return [journal.render()]


def _deploying_seeds() -> list[bytes]:
    files = (OldFile("a", b"b", "0" * 64, 0o600, 0, 0), OldFile("c", None, "0" * 64))
    value = Deploying(
        Path("/project"),
        "p",
        ("-f", "a"),
        {"m": ("1 2",)},
        ("n",),
        ("s",),
        True,
        files,
        ("d",),
        {"e": 493},
    )
    return [deploying.render(value, 1)]


def _toml_seeds() -> list[bytes]:
    return [b'mode = 2\nsan = ["db.test"]\ntls-dir = "tls"\ndays = 30\n', b"[a]\nb = 'c'\n"]


def _project_seeds() -> list[bytes]:
    kinds = (_yaml_seeds(), _small_yaml(), [b"A=b\n"], _toml_seeds(), _ending("state.json"))
    return [bytes((at,)) + seed for at, seeds in enumerate(kinds) for seed in seeds]


TARGETS: dict[str, Target] = {
    "yaml": Target(_yaml, _yaml_seeds, YAML_WORDS),
    "compose": Target(_compose, _yaml_seeds, YAML_WORDS),
    "dotenv": Target(
        _dotenv, lambda: [b"A=b\nexport B='c ${A}'\nC=\"${A:-x}\\n\"\n# d\nE\n"], ENV_WORDS
    ),
    "toml": Target(_toml, _toml_seeds, TOML_WORDS),
    "project": Target(_project, _project_seeds, YAML_WORDS + JSON_WORDS + TOML_WORDS),
    "journal": Target(_journal, _journal_seeds, JSON_WORDS),
    "deploying": Target(_deploying, _deploying_seeds, JSON_WORDS),
    "state": Target(_state, lambda: _ending("state.json"), JSON_WORDS),
    "pem": Target(_pem, lambda: _ending(".pem", ".key", ".csr"), PEM_WORDS),
    "der": Target(
        _pem,
        lambda: [pki_der(content) for content in _ending(".pem", ".key")],
        DER_WORDS,
    ),
    "pkcs12": Target(_pem, lambda: _ending(".p12"), DER_WORDS),
    "http": Target(_http, lambda: [b"HTTP/1.1 200 OK\r\n\r\n", *_hellos()], WIRE_WORDS),
    "grpc": Target(_grpc, lambda: [b"\x0a\x06\x12\x04name\x12\x06v2.5.5", b"\x08\x01"], WIRE_WORDS),
}


def _hellos() -> list[bytes]:
    names = b"\x00\x04\x00\x02\x30\x00"
    return [
        bytes.fromhex("0d00000b00") + b"\x00\x08\x00\x2f" + b"\x00\x06" + names[:6],
        bytes.fromhex("0d000010") + b"\x01\x01\x00\x02\x04\x03" + names,
        wire.old_client_hello(bytes(32), "localhost"),
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ]


def pki_der(pem: bytes) -> bytes:
    """The first block of a PEM file, decoded."""
    lines = pem.splitlines()
    begin = next(at for at, line in enumerate(lines) if line.startswith(b"-----BEGIN"))
    end = next(at for at, line in enumerate(lines) if line.startswith(b"-----END"))
    return base64.b64decode(b"".join(lines[begin + 1 : end]))

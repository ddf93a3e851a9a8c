"""Scope ``all`` in every mode, with every style of the settings and kind of key, on real servers.

Fifteen stacks cover each pair of mode, style and kind of key. They mostly wait for their servers, so
three live at a time; in each, compose-tls proves every link, and so do raw connections of the test.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import whole_stack
from tests.e2e.image_names import MILVUS
from tests.e2e.kept_rows import ROWS, Stack, kept, rows
from tests.e2e.session import run
from tests.e2e.test_matrix import KEY_TYPES, STYLES, Caller, is_served
from tests.e2e.test_whole_stack import links, write
from tests.unit.pki.minting import CLIENT, mint

pytestmark = pytest.mark.own_ports

AT_A_TIME = 3
CELLS = [
    (style, key_type, (of_style + of_key) % 2 + 1)
    for of_key, key_type in enumerate(KEY_TYPES)
    for of_style, style in enumerate(STYLES)
]
"""Every style with every kind of key, and either of them in both modes."""

CALLERS = {
    "right client": Caller(),
    "no certificate": Caller(shows=None),
    "certificate of a foreign CA": Caller(shows="foreign"),
    "certificate of the other CA of the project": Caller(shows="other"),
    "trusts a foreign CA": Caller(trusts="foreign-ca"),
    "plain text": Caller(plain=True),
}
WHOEVER_VERIFIES = set(CALLERS) - {"trusts a foreign CA", "plain text"}
"""The clients of a server that asks nobody for a certificate."""


@pytest.fixture(scope="module")
def cells(
    images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str, int], Future[None]]]:
    """The life of each stack."""
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        yield {cell: pool.submit(life, *cell, tmp_path_factory.mktemp("cell")) for cell in CELLS}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("style", "key_type", "mode"), CELLS)
def test_every_link_takes_the_right_client_alone(
    cells: dict[tuple[str, str, int], Future[None]], style: str, key_type: str, mode: int
) -> None:
    cells[style, key_type, mode].result()


def life(style: str, key_type: str, mode: int, directory: Path) -> None:
    with kept(directory) as stack:
        volumes = ["milvus:/var/lib/milvus"]
        if style == "file":
            shown = ["docker", "run", "--rm", MILVUS, "cat", "/milvus/configs/milvus.yaml"]
            text = run(shown, directory).out
            (stack.project.directory / "milvus.yaml").write_text(text, encoding="utf-8")
            volumes.append("./milvus.yaml:/milvus/configs/milvus.yaml")
        write(stack, whole_stack.standalone(stack.port, volumes=volumes))
        before = stack.project.contents()
        options = ("--scope", "all", "--mode", str(mode), "--key-type", key_type, *STYLES[style])

        enabled = stack.tls("enable", *options, "--up")

        assert enabled.code == 0, enabled.out + enabled.err
        checks = enabled.document["checks"]
        assert {check["ok"] for check in checks} == {True}, checks
        assert {check.get("service") for check in checks} == {None, "etcd", "minio"}
        assert {c["key_type"] for c in enabled.document["certificates"]} == {key_type}
        judge_from_outside(stack, mode, directory)
        arguments = {**enabled.document["connect"], "timeout": 60}
        assert rows(arguments, stack.project.directory, "fill") == ROWS
        told = links(stack)
        # Milvus has no TLS on the port of its metrics.
        assert told.pop(("monitoring", "standalone")) == "plain"
        assert set(told.values()) == {"encrypted"}
        assert stack.tls("disable").code == 0
        assert stack.project.contents() == before


def judge_from_outside(stack: Stack, mode: int, clients: Path) -> None:
    """Each server answers whom it has to answer, and nobody else."""
    right_alone = {"right client"}
    etcd = equip(stack, clients / "etcd", ca="stack-ca", client="etcd-client", other="client")
    place = (address(stack, "etcd"), 2379)
    assert served(etcd, place, "etcd") == right_alone
    # It knows its clients by their keys for S3, and asks none for a certificate.
    assert served(etcd, (address(stack, "minio"), 9000), "minio") == WHOEVER_VERIFIES
    milvus = equip(stack, clients / "milvus", ca="ca", client="client", other="etcd-client")
    expected = right_alone if mode == 2 else WHOEVER_VERIFIES
    assert served(milvus, ("127.0.0.1", stack.port), "localhost") == expected


def served(clients: Path, place: tuple[str, int], name: str) -> set[str]:
    """Who is answered there."""
    callers = {what: replace(caller, wants=name) for what, caller in CALLERS.items()}
    return {what for what, caller in callers.items() if is_served(caller, clients, place)}


def equip(stack: Stack, directory: Path, *, ca: str, client: str, other: str) -> Path:
    """The files of all clients: those of the project, and others of a foreign CA."""
    directory.mkdir()
    pki = stack.project.directory / "cert"
    for name, source in (("ca", ca), ("client", client), ("other", other)):
        for suffix in (".pem", ".key"):
            (directory / f"{name}{suffix}").write_bytes((pki / f"{source}{suffix}").read_bytes())
    foreign_ca = mint("another CA", ca=True, dns=(), ips=(), purposes=())
    foreign = mint("client", issuer=foreign_ca, purposes=(CLIENT,))
    for name, pair in (("foreign-ca", foreign_ca), ("foreign", foreign)):
        (directory / f"{name}.pem").write_bytes(pair.full_chain_pem)
        (directory / f"{name}.key").write_bytes(pair.private_key_pem)
    return directory


def address(stack: Stack, service: str) -> str:
    """That of a container, which is not published."""
    found = stack.compose("ps", "--quiet", service).out.strip()
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return run(["docker", "inspect", "--format", form, found], Path.cwd()).out.strip()

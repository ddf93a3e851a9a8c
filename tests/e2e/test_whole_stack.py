"""``--scope all`` on real parts: etcd, an S3 server, Milvus in one process and in seven, rows kept."""

from __future__ import annotations

import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import whole_stack
from tests.e2e.conftest import missing
from tests.e2e.kept_rows import ROWS, Stack, rows
from tests.e2e.session import run
from tests.patience import LONG

pytestmark = pytest.mark.own_ports

TLS_HANDSHAKE = "1603"
"""How each side of a TLS connection begins: RFC 8446 section 5.1."""
PORTS = {2379: "etcd", 9000: "S3", 19530: "Milvus"}


def write(stack: Stack, document: dict[str, Any]) -> bytes:
    path = stack.project.directory / "compose.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path.read_bytes()


def links(stack: Stack) -> dict[tuple[str, str], str]:
    """How each connection is, as status says."""
    status = stack.tls("status")
    assert status.code == 0, status.out + status.err
    return {
        (source, target): link["encryption"]
        for link in status.document["links"]
        for source in link["sources"]
        for target in link["targets"]
    }


def test_a_cluster_of_seven_roles_lives_with_every_link_it_can_encrypt(stack: Stack) -> None:
    before = write(stack, whole_stack.cluster(stack.port))
    stack.service = "proxy"
    stack.fill()

    enabled = stack.live("enable", "--scope", "all", "--mode", "2", "--up")
    assert {check["ok"] for check in enabled["checks"]} == {True}, enabled["checks"]
    # This Milvus cannot encrypt what its parts say to each other, nor this broker anything.
    plain = {w["message"] for w in enabled["warnings"] if w["code"] == "stays-plain"}
    assert len(plain) == 2, plain
    told = links(stack)
    for role in whole_stack.ROLES:
        assert told[role, "etcd"] == told[role, "minio"] == "encrypted"

    renewed = stack.live("renew", "--force")

    # Without compose-tls, whose check tries what has to be refused, plain text too.
    with captured(stack) as packets:
        stack.compose("restart", *whole_stack.ROLES)
        wait_for_rows(stack, renewed["connect"])
    assert spoken(packets) == {port: {TLS_HANDSHAKE} for port in PORTS}

    disabled = stack.tls("disable")
    assert disabled.code == 0, disabled.out + disabled.err
    assert (stack.project.directory / "compose.yaml").read_bytes() == before
    stack.compose("up", "-d")
    stack.wait()
    assert rows(stack.plain, stack.project.directory) == ROWS


def test_a_smaller_scope_a_larger_one_and_another_name_keep_the_rows(stack: Stack) -> None:
    before = write(stack, whole_stack.standalone(stack.port))
    stack.fill()

    stack.live("enable", "--scope", "all", "--mode", "2", "--up")
    stack.live("enable", "--scope", "proxy", "--up")
    told = links(stack)
    assert told["standalone", "etcd"] == told["standalone", "minio"] == "plain"
    stack.live("enable", "--scope", "all", "--up")
    etcd = started(stack, "etcd")
    named = stack.live("enable", "--san", "milvus.example", "--up")
    assert any("milvus.example" in c.get("dns_names", ()) for c in named["certificates"])
    # What clients verify concerns nobody but Milvus.
    assert started(stack, "etcd") == etcd
    told = links(stack)
    assert told["standalone", "etcd"] == told["standalone", "minio"] == "encrypted"
    with captured(stack) as packets:
        stack.compose("restart", "standalone")
        wait_for_rows(stack, named["connect"])
    assert spoken(packets) == {port: {TLS_HANDSHAKE} for port in PORTS}

    assert stack.tls("disable").code == 0
    assert (stack.project.directory / "compose.yaml").read_bytes() == before
    stack.compose("up", "-d")
    stack.wait()
    assert rows(stack.plain, stack.project.directory) == ROWS


def test_an_etcd_that_does_not_start_with_tls_puts_every_service_back(stack: Stack) -> None:
    document = whole_stack.standalone(stack.port)
    etcd = document["services"]["etcd"]
    start = f'[ -z "$$ETCD_CERT_FILE" ] && exec {etcd.pop("command")}'
    document["services"]["etcd"] = {**etcd, "entrypoint": ["sh", "-c", start]}
    before = write(stack, document)
    stack.fill()

    failed = stack.tls("enable", "--scope", "all", "--mode", "1", "--up")

    assert failed.code == 5, failed.out + failed.err
    assert "etcd" in failed.document["error"]["message"]
    assert (stack.project.directory / "compose.yaml").read_bytes() == before
    stack.wait()
    assert rows(stack.plain, stack.project.directory) == ROWS
    status = stack.tls("status")
    assert status.code == 7
    assert {link["encryption"] for link in status.document["links"]} == {"plain"}


def started(stack: Stack, service: str) -> str:
    """When the container of a service was started."""
    found = stack.compose("ps", "--quiet", service).out.strip()
    ask = ["docker", "inspect", "--format", "{{.State.StartedAt}}", found]
    return run(ask, stack.project.directory).out.strip()


def wait_for_rows(stack: Stack, connect: dict[str, Any]) -> None:
    """Wait until Milvus, which has just been started, gives the rows back."""
    deadline = time.monotonic() + LONG
    while True:
        try:
            assert rows({**connect, "timeout": 30}, stack.project.directory) == ROWS
        except AssertionError:
            assert time.monotonic() < deadline
            time.sleep(1)
        else:
            return


@contextmanager
def captured(stack: Stack) -> Iterator[Path]:
    """How each connection to a server begins on the network of a project, from now on."""
    if subprocess.run(
        ["sh", "-c", "command -v tshark"], capture_output=True, check=False
    ).returncode:
        missing("there is no tshark here")
    ask = ["docker", "network", "inspect", "--format", "{{.Id}}", f"{stack.name}_default"]
    bridge = f"br-{run(ask, Path.cwd()).out[:12]}"
    # Not in a directory of pytest's: tshark lowers its rights, and has to open it all the same.
    packets = stack.project.directory / "packets.pcapng"
    # What is caught on a busy machine is what fits into the buffer.
    wanted = " or ".join(f"tcp port {port}" for port in PORTS)
    command = ["tshark", "-q", "-i", bridge, "-w", "-", "-B", "64", "-s", "256", "-f", wanted]
    with (
        packets.open("wb") as file,
        subprocess.Popen(command, stdout=file, stderr=subprocess.PIPE) as tshark,
    ):
        assert tshark.stderr is not None
        while b"Capturing on" not in (line := tshark.stderr.readline()):
            assert line, "tshark ended"
        try:
            yield packets
            time.sleep(1)
        finally:
            tshark.terminate()
            tshark.stderr.read()


def spoken(packets: Path) -> dict[int, set[str]]:
    """How each side begins, by port, in every connection that was opened while packets were caught."""
    fields = ("tcp.stream", "tcp.srcport", "tcp.dstport", "tcp.flags.syn", "tcp.payload")
    command = ["tshark", "-r", str(packets), "-T", "fields", "-E", "separator=|", "-Y", "tcp"]
    for name in fields:
        command += ["-e", name]
    lines = run(command, Path.cwd()).out.splitlines()
    opened: set[str] = set()
    begun: set[tuple[str, str]] = set()
    found: dict[int, set[str]] = defaultdict(set)
    for stream, source, target, syn, payload in (line.split("|") for line in lines):
        if syn in {"1", "True"}:
            opened.add(stream)
        port = next((int(one) for one in (source, target) if int(one) in PORTS), None)
        if port and payload and stream in opened and (stream, source) not in begun:
            begun.add((stream, source))
            found[port].add(payload.replace(":", "")[:4])
    return dict(found)

"""The main job and ``--scope all`` on Milvus 2.2, with the last server that was made before 2.3.

The server of its wheel has no working client of an object store (it ends while it makes one, with plain
text as well), so it keeps its segments on disk here; 2.3.5 is run with one in test_whole_stack.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import whole_stack
from tests.e2e.image_names import OLDER_MILVUS
from tests.e2e.kept_rows import ROWS, Stack, kept, rows
from tests.e2e.session import openssl, pymilvus, run

pytestmark = pytest.mark.own_ports

CLIENT = ("-cert", "cert/client.pem", "-key", "cert/client.key")


@pytest.fixture(scope="module")
def lives(
    images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[None]]]:
    """A life with each place of the settings, side by side: they mostly wait for Milvus."""
    with ThreadPoolExecutor() as pool:
        yield {
            config: pool.submit(life, config, tmp_path_factory.mktemp("older"))
            for config in ("file", "env")
        }


@pytest.mark.parametrize("config", ["file", "env"])
def test_milvus_2_2_goes_through_both_modes_and_every_scope_and_back(
    lives: dict[str, Future[None]], config: str
) -> None:
    lives[config].result()


def life(config: str, directory: Path) -> None:
    with kept(directory) as stack:
        both_modes_and_back(stack, config)


def both_modes_and_back(stack: Stack, config: str) -> None:
    before = write(stack, milvus_yaml=config == "file")

    one_way = enabled(stack, "--mode", "1", "--config", config)

    # REST has no port of its own before 2.3.
    assert "rest-switched-off" in {warning["code"] for warning in one_way["warnings"]}
    patched = {file["path"] for file in one_way["files"]}
    assert ("milvus.yaml" in patched) == (config == "file")
    judge_from_outside(stack, one_way["connect"], ())
    arguments = {**one_way["connect"], "timeout": 60}
    assert rows(arguments, stack.project.directory, "fill") == ROWS

    mutual = enabled(stack, "--mode", "2", "--scope", "all")

    judge_from_outside(stack, mutual["connect"], CLIENT)
    anonymous = openssl(stack.project.directory, "-ign_eof", host=f"localhost:{stack.port}")
    assert "alert bad certificate" in anonymous.err
    proved = {check["name"] for check in mutual["checks"] if check.get("service") == "etcd"}
    assert {"tls-handshake", "refuses-plain-text", "refuses-anonymous-client"} <= proved
    arguments = {**mutual["connect"], "timeout": 60}
    assert rows(arguments, stack.project.directory) == ROWS

    disabled = stack.tls("disable")
    assert disabled.code == 0, disabled.out + disabled.err
    assert stack.project.contents() == before
    stack.compose("up", "-d")
    stack.wait()
    assert rows(stack.plain, stack.project.directory) == ROWS


def write(stack: Stack, *, milvus_yaml: bool) -> dict[str, bytes]:
    """Milvus 2.2 with an etcd of its own, and its segments on disk."""
    directory = stack.project.directory
    # A Milvus 2.2 that meets no etcd when it starts may never get ready.
    healthy = {"etcd": {"condition": "service_healthy"}}
    document = whole_stack.standalone(stack.port, image=OLDER_MILVUS, depends_on=healthy)
    del document["services"]["minio"]
    document["services"]["standalone"]["environment"] = {
        "ETCD_ENDPOINTS": "etcd:2379",
        "COMMON_STORAGETYPE": "local",
        "COMMON_SESSION_TTL": "5",
    }
    text = yaml.safe_dump(document, sort_keys=False)
    (directory / "compose.yaml").write_text(text, encoding="utf-8")
    if milvus_yaml:
        shown = ["docker", "run", "--rm", "--entrypoint", "cat", OLDER_MILVUS]
        text = run([*shown, "/milvus/configs/milvus.yaml"], directory).out
        (directory / "milvus.yaml").write_text(text, encoding="utf-8")
    return stack.project.contents()


def enabled(stack: Stack, *options: str) -> dict[str, Any]:
    """What ``enable --up`` did, and that it proved all of it on a Milvus 2.2."""
    done = stack.tls("enable", *options, "--up")
    assert done.code == 0, done.out + done.err
    document = done.document
    assert {check["ok"] for check in document["checks"]} == {True}, document["checks"]
    assert not any(check.get("skipped") for check in document["checks"]), document["checks"]
    [ready] = [c["observed"] for c in document["checks"] if c["name"] == "grpc-ready"]
    assert ready.startswith("Milvus v2.2."), ready
    return document


def judge_from_outside(stack: Stack, connect: dict[str, Any], shown: tuple[str, ...]) -> None:
    """Peers that share no code with compose-tls agree."""
    directory = stack.project.directory
    assert pymilvus({**connect, "timeout": 60}, directory).code == 0
    assert pymilvus({**stack.plain, "timeout": 10}, directory).code != 0
    named = openssl(directory, *shown, host=f"localhost:{stack.port}")
    assert named.code == 0, named.err
    assert "Verification: OK" in named.err

"""The main job, from a plain project to a proved one and back, on a real engine and a real Milvus."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.e2e.session import PORT, Done, Project, openssl, pymilvus
from tests.patience import LONG

pytestmark = pytest.mark.own_ports

PLAIN = {"uri": f"http://localhost:{PORT}"}
CLIENT = ("-cert", "cert/client.pem", "-key", "cert/client.key")


@pytest.mark.parametrize("key_type", ["ecdsa-p256", "rsa-2048"])
@pytest.mark.parametrize("style", ["file", "env"])
@pytest.mark.parametrize("mode", [1, 2])
def test_enable_up_proves_tls_and_disable_gives_plain_text_back(
    official: Any, mode: int, style: str, key_type: str
) -> None:
    project: Project = official(milvus_yaml=style == "file")
    before = project.contents()

    enabled = project.compose_tls(
        "enable", "--mode", str(mode), "--key-type", key_type, "--up", "--json"
    )

    assert enabled.code == 0, enabled.err + enabled.out
    result = enabled.document
    assert result["mode"] == mode
    assert {check["ok"] for check in result["checks"]} == {True}, result["checks"]
    assert not any(check.get("skipped") for check in result["checks"])
    assert ("milvus.yaml" in {file["path"] for file in result["files"]}) == (style == "file")
    assert {c["key_type"] for c in result["certificates"]} == {key_type}
    judge_from_outside(project, mode, result["connect"])
    assert project.compose_tls("check").code == 0
    assert project.compose_tls("status").code == 0

    again = project.compose_tls("enable", "--mode", str(mode), "--key-type", key_type, "--json")
    assert (again.code, again.document["changed"]) == (0, False)

    assert project.compose_tls("disable").code == 0
    assert project.contents() == before
    # TLS is off in the files, and what runs still has it.
    following = project.compose_tls("status", "--json").document["next"]
    assert following.startswith("docker compose")
    assert " up -d" in following
    assert project.compose("up", "-d").code == 0
    assert plain_text_answers(project).code == 0


def judge_from_outside(project: Project, mode: int, connect: dict[str, Any]) -> None:
    """Peers that share no code with compose-tls agree."""
    assert pymilvus(connect, project.directory).code == 0
    assert pymilvus(PLAIN, project.directory).code != 0
    named = openssl(project.directory, *(CLIENT if mode == 2 else ()))
    assert named.code == 0, named.err
    assert "Verification: OK" in named.err
    if mode == 2:
        # TLS 1.3 refuses a client after its handshake: wait for what the server says then.
        anonymous = openssl(project.directory, "-ign_eof")
        assert "alert bad certificate" in anonymous.err


def plain_text_answers(project: Project) -> Done:
    """The answer in plain text, once Milvus has started again."""
    deadline = time.monotonic() + LONG
    while (done := pymilvus(PLAIN, project.directory)).code and time.monotonic() < deadline:
        time.sleep(1)
    return done


def test_only_milvus_is_recreated_where_the_rest_already_runs(official: Any) -> None:
    project: Project = official(milvus_yaml=False)
    assert project.compose("up", "-d").code == 0
    etcd, milvus = project.container("etcd"), project.container("standalone")

    enabled = project.compose_tls("enable", "--mode", "2", "--up", "--json")

    assert enabled.code == 0, enabled.err + enabled.out
    assert project.container("etcd") == etcd
    assert project.container("standalone") != milvus
    assert "waiting for standalone" in enabled.err


def test_mode_1_to_2_gives_the_same_files_as_a_fresh_mode_2(official: Any) -> None:
    project: Project = official(milvus_yaml=True)
    before = project.contents()
    assert project.compose_tls("enable", "--mode", "1").code == 0
    ca = (project.directory / "cert" / "ca.pem").read_bytes()

    enabled = project.compose_tls("enable", "--mode", "2", "--up", "--json")

    assert enabled.code == 0, enabled.err + enabled.out
    assert (project.directory / "cert" / "ca.pem").read_bytes() == ca
    assert b"tlsMode: 2" in (project.directory / "milvus.yaml").read_bytes()
    assert project.compose_tls("disable").code == 0
    assert project.contents() == before

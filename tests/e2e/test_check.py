"""check on the real Milvus: one project, started three times, and looked at from many sides.

In plain text; then in mode 1 with REST; then in mode 2 with REST and authentication.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.session import Done, Project, local_storage, pymilvus, run
from tests.patience import LONG, SOON

REST = "18080"
MAPPING = '"19530:19530"'
MAPPINGS = ("29530:19530", "127.0.0.1:29531:19530", "[::1]:29532:19530")
# The session of a killed server then expires sooner than after the usual minute, in seconds; and yet
# later than that of one that is only paused: Milvus ends itself when it finds its session expired.
SETTINGS = {"COMMON_SESSION_TTL": "10"}
ANONYMOUS = {
    *("refuses-anonymous-client", "refuses-foreign-client", "refuses-expired-client"),
    "rest-refuses-anonymous-client",
}


@pytest.fixture(scope="module")
def plain(images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A project whose server speaks plain text, published in several ways."""
    project = Project.official(tmp_path_factory.mktemp("check"), milvus_yaml=False)
    override(project, SETTINGS, MAPPINGS)
    try:
        up = project.compose("up", "-d")
        assert up.code == 0, up.err
        yield project
    finally:
        project.down()


@pytest.fixture(scope="module")
def one_way(plain: Project) -> Project:
    """The same in mode 1, with REST."""
    return deployed(plain, "1")


@pytest.fixture(scope="module")
def mutual(one_way: Project) -> Project:
    """The same in mode 2, with REST and authentication."""
    override(one_way, {**SETTINGS, "COMMON_SECURITY_AUTHORIZATIONENABLED": "true"})
    (one_way.directory / "password").write_text("Milvus\n")
    (one_way.directory / "token").write_text("root:Milvus\n")
    (one_way.directory / "wrong").write_text("wrong")
    # Neither authentication nor the ports are what runs already, which has to be meant.
    return deployed(one_way, "2", "--accept", "deployed-differently")


def override(project: Project, settings: dict[str, str], mappings: tuple[str, ...] = ()) -> None:
    lines = [f'      {name}: "{value}"\n' for name, value in settings.items()]
    ports = ["    ports:\n", *(f'      - "{mapping}"\n' for mapping in mappings)]
    storage = "      COMMON_STORAGETYPE: local\n"
    text = local_storage().replace(storage, storage + "".join(lines))
    if mappings:
        text = text.replace("    depends_on:", "".join(ports) + "    depends_on:")
    (project.directory / "docker-compose.override.yml").write_text(text)


def deployed(project: Project, mode: str, *more: str) -> Project:
    rest = ("--rest-port", REST)
    done = project.compose_tls("enable", "--mode", mode, *rest, "--up", "--json", *more)
    assert done.code == 0, done.out + done.err
    checks, _ = judged(done)
    assert "rest-answers" in checks
    return project


def deep(project: Project, *credentials: str) -> Done:
    """A deep check that passes; Milvus 2.3.5 may need a while after an unclean stop."""
    deadline = time.monotonic() + LONG
    while True:
        done = project.compose_tls("check", "--deep", "--json", *credentials)
        failed = judged(done)[1]
        if failed != {"deep"} or time.monotonic() > deadline:
            assert done.code == 0, done.out
            return done


def judged(done: Done) -> tuple[dict[str, Any], set[str]]:
    """The probes by name, and the names of those that failed."""
    assert "Traceback" not in done.err
    checks = {check["name"]: check for check in done.document["checks"]}
    for check in checks.values():
        assert check["expected"]
        assert check["observed"]
        assert check["ok"] or check["hint"], check
    return checks, {name for name, check in checks.items() if not check["ok"]}


def test_a_server_in_plain_text_passes_nothing(plain: Project) -> None:
    assert plain.compose_tls("enable", "--mode", "2").code == 0
    try:
        deadline = time.monotonic() + LONG
        while True:
            done = plain.compose_tls("check", "--json", "--timeout", "5")
            checks, failed = judged(done)
            if "plain text" in checks["tls-handshake"]["observed"] or time.monotonic() > deadline:
                break
        assert done.code == 6
        assert failed == set(checks)
        assert checks["tls-handshake"]["observed"] == "the server answers in plain text"
        assert "plain text" in done.document["error"]["message"]
        assert "--force-recreate" in done.document["error"]["hint"]
    finally:
        assert plain.compose_tls("disable").code == 0


@pytest.mark.parametrize(
    ("published", "uri"),
    [
        ("29530:19530", "https://localhost:29530"),
        ("127.0.0.1:29531:19530", "https://localhost:29531"),
        ("[::1]:29532:19530", "https://localhost:29532"),
    ],
)
def test_the_server_is_found_where_it_is_published(
    one_way: Project, published: str, uri: str
) -> None:
    path = one_way.directory / "docker-compose.yml"
    before = path.read_text()
    # The container has every mapping; the project is made to know of one.
    path.write_text(before.replace(MAPPING, f'"{published}"'))
    override(one_way, SETTINGS)
    try:
        done = one_way.compose_tls("check", "--json")
    finally:
        path.write_text(before)

    assert done.code == 0, done.out
    assert done.document["endpoint"]["uri"] == uri
    checks, _ = judged(done)
    assert not any(check.get("skipped") for check in checks.values())


def test_host_and_port_lead_elsewhere(one_way: Project) -> None:
    elsewhere = ("--host", "127.0.0.1", "--port", "29530")
    done = one_way.compose_tls("check", *elsewhere, "--json")
    assert (done.code, done.document["endpoint"]["uri"]) == (0, "https://127.0.0.1:29530")
    assert "rest-answers" not in judged(done)[0]
    done = one_way.compose_tls("check", *elsewhere, "--rest-port", REST, "--json")
    assert done.code == 0
    assert judged(done)[0]["rest-answers"]["ok"]


def test_a_server_in_mode_1_fails_the_refusals_of_mode_2_and_nothing_else(one_way: Project) -> None:
    assert one_way.compose_tls("enable", "--mode", "2", "--rest-port", REST).code == 0
    try:
        done = one_way.compose_tls("check", "--json")
    finally:
        assert one_way.compose_tls("enable", "--mode", "1", "--rest-port", REST).code == 0

    assert done.code == 6
    checks, failed = judged(done)
    # In mode 1 this Milvus also takes TLS 1.0, as Go did then: in mode 2 that would be a failure.
    assert failed == {*ANONYMOUS, "tls-versions"}
    assert all(checks[name]["observed"].endswith("the server accepted it") for name in ANONYMOUS)


def test_watching_gives_a_document_a_round_and_the_last_exit_code(one_way: Project) -> None:
    done = one_way.compose_tls("check", "--watch", "--count", "2", "--interval", "2", "--json")
    documents = [json.loads(line) for line in done.out.splitlines()]
    failed = [
        [check for check in each.get("checks", [each]) if not check["ok"]] for each in documents
    ]
    assert failed == [[], []]
    assert (done.code, done.err) == (0, "")
    assert [each["ok"] for each in documents] == [True, True]
    assert documents[0]["time"] < documents[1]["time"]


def test_every_probe_passes_and_rest_is_among_them(one_way: Project) -> None:
    done = deep(one_way)

    checks, _ = judged(done)
    assert not any(check.get("skipped") for check in checks.values())
    assert list(checks)[-4:] == ["rest-answers", "rest-refuses-plain-text", "pymilvus", "deep"]
    assert checks["rest-answers"]["observed"] == "TLSv1.3, HTTP status 200"
    assert checks["deep"]["observed"].startswith("created, filled with 3 vectors")
    assert pymilvus(done.document["connect"], one_way.directory).out.rstrip().endswith("[]]")


def test_after_a_kill_clients_work_as_soon_as_the_check_says_ready(one_way: Project) -> None:
    identity, _ = one_way.container("standalone")
    assert run(["docker", "kill", identity], one_way.directory).code == 0
    command = [sys.executable, "-m", "compose_tls", "check", "--json", "--timeout", "10"]
    seen: list[str] = []
    checks: dict[str, Any] = {}
    with subprocess.Popen(
        # As often as it takes: a busy machine starts Milvus slowly.
        [*command, "--watch", "--interval", "0.2", "--count", "2000"],
        cwd=one_way.directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as watching:
        try:
            assert watching.stdout is not None
            # It looks already when Milvus starts.
            assert "tls-handshake" in watching.stdout.readline()
            assert run(["docker", "start", identity], one_way.directory).code == 0
            for line in watching.stdout:
                checks = {check["name"]: check for check in json.loads(line)["checks"]}
                ready = checks.get("grpc-ready")
                seen.append(ready["observed"] if ready else checks["tls-handshake"]["observed"])
                if ready and ready["ok"]:
                    break
        finally:
            watching.kill()

    # How often it was seen to start depends on when the session of the killed server expires in etcd, and
    # on how fast the machine is; that readiness is not said before clients work does not.
    assert checks["pymilvus"]["ok"], (checks["pymilvus"], seen)
    deep(one_way)


def test_a_certificate_that_was_replaced_is_not_served_before_a_restart(one_way: Project) -> None:
    again = ("enable", "--mode", "1", "--rest-port", REST, "--san", "another.example")
    assert one_way.compose_tls(*again).code == 0

    done = one_way.compose_tls("check", "--json")

    assert done.code == 6
    checks, failed = judged(done)
    assert failed == {"server-certificate"}
    assert "the server presents a different certificate" in checks["server-certificate"]["observed"]
    assert "--force-recreate" in checks["server-certificate"]["hint"]


def test_a_paused_server_is_given_up_in_time(one_way: Project) -> None:
    # The last of this server: it may end itself after the pause.
    identity, _ = one_way.container("standalone")
    port = str(urlsplit(one_way.compose_tls("connect", "--json").document["endpoint"]["uri"]).port)
    assert run(["docker", "pause", identity], one_way.directory).code == 0
    try:
        told = one_way.compose_tls("check", "--json")
        began = time.monotonic()
        done = one_way.compose_tls("check", "--port", port, "--deep", "--timeout", "0.5", "--json")
        took = time.monotonic() - began
    finally:
        run(["docker", "unpause", identity], one_way.directory)

    assert told.document["error"]["message"].endswith(" is paused")
    assert "unpause standalone" in told.document["error"]["hint"]
    # Half a second for each probe, and Python itself.
    assert took < SOON
    assert done.code == 6
    checks, failed = judged(done)
    assert failed == set(checks)
    assert checks["tls-handshake"]["observed"] == "the server did not answer in time"


def test_mode_2_with_authentication_is_proved_without_credentials(mutual: Project) -> None:
    done = mutual.compose_tls("check", "--deep", "--json")

    assert done.code == 0, done.out
    checks, _ = judged(done)
    skipped = {name for name, check in checks.items() if check.get("skipped")}
    assert skipped == {"pymilvus", "deep"}
    assert "Milvus asks for credentials" in checks["pymilvus"]["observed"]
    assert checks["rest-answers"]["observed"] == "TLSv1.3, HTTP status 401"
    assert set(checks) >= ANONYMOUS


def test_wrong_credentials_fail_what_needs_them(mutual: Project) -> None:
    done = mutual.compose_tls("check", "--user", "root", "--password-file", "wrong", "--json")

    assert done.code == 6
    checks, failed = judged(done)
    assert failed == {"grpc-ready", "pymilvus"}
    assert "does not accept the given credentials" in checks["grpc-ready"]["observed"]
    assert "--password-file" in checks["grpc-ready"]["hint"]


@pytest.mark.parametrize(
    "credentials", [("--user", "root", "--password-file", "password"), ("--token-file", "token")]
)
def test_right_credentials_prove_everything(mutual: Project, credentials: tuple[str, ...]) -> None:
    done = deep(mutual, *credentials)

    checks, _ = judged(done)
    assert not any(check.get("skipped") for check in checks.values())
    assert "root:Milvus" not in done.out + done.err

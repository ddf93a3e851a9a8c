"""check against servers of the tests' own, with the certificates of an enabled project."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from compose_tls.checks.check_target import Target
from compose_tls.errors import CheckFailed
from compose_tls.results import Probe
from compose_tls.workflows import check as module
from tests.patience import SOON
from tests.schema import check_document
from tests.unit.checks.servers import (
    ANSWERS,
    GrpcServer,
    ServerFiles,
    closed_port,
    grpc_server,
    listening,
    over_tls_alone,
    says_and_hangs_up,
)
from tests.unit.cli.conftest import EnableAs, Run

pytestmark = pytest.mark.usefixtures("without_pymilvus")


def files(project: Path) -> ServerFiles:
    tls = project / "tls"
    return ServerFiles(tls / "server.pem", tls / "server.key", tls / "ca.pem")


@pytest.fixture
def server(enabled: Path) -> Iterator[GrpcServer]:
    with grpc_server(files(enabled), 2) as running:
        yield running


def said(text: str) -> list[str]:
    """The lines of standard error, without those of the tests' own gRPC server."""
    own = ("ssl_transport_security", "absl::InitializeLog")
    return [line for line in text.splitlines() if not any(word in line for word in own)]


def documents(text: str) -> list[Any]:
    """The documents of a stream, one per line, each of which keeps to the schema."""
    found = [json.loads(line) for line in text.splitlines()]
    for document in found:
        check_document(document)
    return found


class TestOnce:
    def test_a_good_server_is_proved(self, run: Run, server: GrpcServer) -> None:
        outcome = run("check", "--port", str(server.port), "--json")
        assert outcome.code == 0
        assert all(check["ok"] for check in outcome.json["checks"])
        assert "time" not in outcome.json
        assert said(outcome.err) == [f"checking localhost:{server.port}"]

    @pytest.mark.parametrize("there", [True, False])
    def test_an_expired_client_is_tried_where_the_key_of_the_ca_is_there(
        self, run: Run, enabled: Path, server: GrpcServer, there: bool
    ) -> None:
        if not there:
            (enabled / "cert/ca.key").rename(enabled.parent / "ca.key")
        checks = run("check", "--port", str(server.port), "--json").json["checks"]
        (found,) = [check for check in checks if check["name"] == "refuses-expired-client"]
        assert found["ok"]
        assert found.get("skipped", False) is not there
        assert ("does not have the key of the client CA" in found["observed"]) is not there

    def test_people_see_every_probe_and_the_verdict(self, run: Run, server: GrpcServer) -> None:
        outcome = run("check", "--port", str(server.port))
        assert "  ok     a client without a certificate is refused\n" in outcome.out
        assert "  -      pymilvus: pymilvus is not installed" in outcome.out
        proved = f"proved: https://localhost:{server.port} speaks TLS"
        assert outcome.out.splitlines()[-1].startswith(proved)
        assert said(outcome.err) == [f"checking localhost:{server.port}"]

    def test_in_detail_they_see_what_was_seen_and_how_long_it_took(
        self, run: Run, server: GrpcServer
    ) -> None:
        told = run("check", "--port", str(server.port), "-v").out
        seen = r"  ok     refuses-anonymous-client: refused: .+ \(\d+\.\d\d s\)\n"
        assert re.search(seen, told)

    def test_where_nothing_listens_one_error_says_it_and_what_to_do(
        self, run: Run, enabled: Path
    ) -> None:
        port = closed_port()
        told = run("check", "--port", str(port))
        assert (told.code, told.out) == (6, "")
        assert said(told.err) == [
            f"checking localhost:{port}",
            f"error[check-failed]: localhost:{port}: nothing listens there",
            "  next: start the server: docker compose up -d",
        ]

    def test_a_failure_is_6_with_all_probes_expected_observed_and_what_to_do(
        self, run: Run, enabled: Path
    ) -> None:
        with grpc_server(files(enabled), 1) as server:
            outcome = run("check", "--port", str(server.port), "--json")
            told = run("check", "--port", str(server.port))
        assert outcome.code == told.code == 6
        failed = [check for check in outcome.json["checks"] if not check["ok"]]
        assert {check["name"] for check in failed} == {
            "refuses-anonymous-client",
            "refuses-foreign-client",
            "refuses-expired-client",
        }
        assert all(check["hint"] and check["expected"] for check in failed)
        assert outcome.error["message"].endswith("the server accepted it (3 of 11 checks failed)")
        assert "         expected: a client without a certificate is refused\n" in told.err
        assert "         next: the server does not run in mode 2" in told.err

    def test_one_cause_is_told_once(self, run: Run, enabled: Path, tmp_path: Path) -> None:
        shutil.copytree(enabled / "tls", tmp_path / "other" / "tls")
        run("disable", "--purge", "-q")
        run("enable", "--mode", "2", "-q")
        with grpc_server(files(tmp_path / "other"), 2) as server:
            told = run("check", "--port", str(server.port)).err
            detailed = run("check", "--port", str(server.port), "-v").err
        lines = said(told)
        assert "  FAILED refuses-plain-text: could not be tried for the same reason" in lines
        assert sum("it is for localhost" in line for line in lines) == 1
        error = next(line for line in lines if line.startswith("error["))
        assert re.fullmatch(
            r"error\[check-failed\]: check tls-handshake failed \(\d+ of 11 checks failed\)", error
        )
        assert "could not be tried: the server presents a certificate from another CA" in detailed

    def test_credentials_come_from_files(self, run: Run, enabled: Path, server: GrpcServer) -> None:
        (enabled / "token").write_text("root:Milvus\n")
        assert run("check", "--port", str(server.port), "--token-file", "token").code == 0
        assert {metadata.get("authorization") for _, metadata in server.seen} == {
            "cm9vdDpNaWx2dXM="
        }
        missing = run("check", "--port", str(server.port), "--token-file", "none", "--json")
        assert (missing.code, missing.error["code"]) == (2, "invalid-setting")

    def test_wrong_credentials_fail_also_without_pymilvus(self, run: Run, enabled: Path) -> None:
        (enabled / "password").write_text("wrong")
        refused = (grpc.StatusCode.UNAUTHENTICATED, "auth check failure")
        with grpc_server(files(enabled), 2, {**ANSWERS, "ShowCollections": refused}) as server:
            port = ("--port", str(server.port))
            assert run("check", *port).code == 0
            wrong = run("check", *port, "--user", "root", "--password-file", "password", "--json")
            lost = run("check", *port, "--user", "root", "--password-file", "no", "--json").error
        assert lost["hint"].endswith(f"--password-file, as seen from {enabled}")
        assert wrong.code == 6
        assert "does not accept the given credentials" in wrong.error["message"]

    @pytest.mark.parametrize("content", [None, b"", b"no certificate"])
    def test_a_server_certificate_that_is_gone_or_damaged_is_4(
        self, run: Run, enabled: Path, content: bytes | None
    ) -> None:
        path = enabled / "tls" / "server.pem"
        path.unlink() if content is None else path.write_bytes(content)
        outcome = run("check", "--json")
        assert (outcome.code, outcome.error["code"]) == (4, "certificate-unreadable")
        assert outcome.error["path"] == "tls/server.pem"

    @pytest.mark.parametrize("flag", ["--interval", "--count"])
    def test_options_of_watch_are_for_watch(self, run: Run, enabled: Path, flag: str) -> None:
        outcome = run("check", flag, "1", "--json")
        assert (outcome.code, outcome.error["code"]) == (2, "wrong-usage")


class TestWhere:
    """The addresses that are checked, without a server there."""

    @pytest.fixture
    def targets(self, monkeypatch: pytest.MonkeyPatch) -> list[Target]:
        seen: list[Target] = []

        def prove(target: Target, *_: object, **__: object) -> tuple[()]:
            seen.append(target)
            return ()

        monkeypatch.setattr(module, "prove", prove)
        return seen

    @pytest.mark.parametrize(
        ("published", "authority"),
        [
            ("19530:19530", "localhost:19530"),
            ("29530:19530", "localhost:29530"),
            ("127.0.0.1:29530:19530", "localhost:29530"),
            ("[::1]:29530:19530", "localhost:29530"),
            ("192.0.2.7:19530:19530", "192.0.2.7:19530"),
            ("[2001:db8::7]:29530:19530", "[2001:db8::7]:29530"),
        ],
    )
    def test_a_server_is_looked_for_where_it_is_published(
        self, run: Run, project: Path, targets: list[Target], published: str, authority: str
    ) -> None:
        path = project / "docker-compose.yml"
        path.write_text(path.read_text().replace("19530:19530", published))
        run("enable")
        outcome = run("check", "--json")
        assert [target.authority for target in targets] == [authority]
        assert outcome.json["endpoint"]["uri"] == f"https://{authority}"
        assert targets[0].rest_address is None

    @pytest.mark.parametrize(
        ("arguments", "rest"),
        [
            ((), ("localhost", 8080)),
            (("--host", "milvus.example"), ("milvus.example", 8080)),
            (("--rest-port", "9"), ("localhost", 9)),
            # Elsewhere, nobody knows where REST is.
            (("--port", "1"), None),
            (
                ("--host", "milvus.example", "--port", "1", "--rest-port", "2"),
                ("milvus.example", 2),
            ),
        ],
    )
    def test_rest_is_looked_for_where_it_is_published_or_said_to_be(
        self,
        run: Run,
        project: Path,
        targets: list[Target],
        arguments: tuple[str, ...],
        rest: tuple[str, int] | None,
    ) -> None:
        run("enable", "--rest-port", "8080")
        assert run("check", *arguments).code == 0
        assert targets[0].rest_address == rest

    def test_rest_that_is_published_elsewhere_is_looked_for_there(
        self, run: Run, project: Path, targets: list[Target]
    ) -> None:
        path = project / "docker-compose.yml"
        mapping = '      - "19530:19530"\n'
        path.write_text(
            path.read_text().replace(mapping, f'{mapping}      - "192.0.2.7:28080:8080"\n')
        )
        run("enable", "--rest-port", "8080")
        run("check")
        assert targets[0].rest_address == ("192.0.2.7", 28080)
        path.write_text(path.read_text().replace("192.0.2.7:28080:8080", "8081:8081"))
        run("check")
        assert targets[1].rest_address is None

    def test_a_server_that_is_not_published_has_to_be_named(self, run: Run, project: Path) -> None:
        path = project / "docker-compose.yml"
        path.write_text(path.read_text().replace('"19530:19530"', '"19530"'))
        run("enable")
        outcome = run("check", "--host", "milvus.example", "--json")
        assert (outcome.code, outcome.error["code"]) == (5, "not-ready")
        assert "--port" in outcome.error["hint"]


class TestAnyServer:
    """Servers that enable has nothing to do with."""

    @pytest.fixture
    def elsewhere(self, enabled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A directory that is no project, with what a client got from somebody."""
        place = enabled.parent / "elsewhere"
        place.mkdir()
        for name in ("ca.pem", "client.pem", "client.key"):
            shutil.copy(enabled / "cert" / name, place)
        monkeypatch.chdir(place)
        return place

    def test_no_project_and_no_state_is_needed(
        self, run: Run, elsewhere: Path, server: GrpcServer
    ) -> None:
        outcome = run(
            *("check", "--host", "127.0.0.1", "--port", str(server.port), "--ca-cert", "ca.pem"),
            *("--server-name", "localhost", "--client-cert", "client.pem"),
            *("--client-key", "client.key", "--json"),
        )

        assert outcome.code == 0, outcome.out
        assert outcome.json["mode"] == 2
        assert outcome.json["endpoint"]["server_name"] == "localhost"
        assert outcome.json["connect"]["client_pem_path"] == str(elsewhere / "client.pem")
        assert "refuses-anonymous-client" in {check["name"] for check in outcome.json["checks"]}

    def test_what_it_is_meant_to_do_can_be_said(
        self, run: Run, elsewhere: Path, enabled: Path
    ) -> None:
        given = ("--ca-cert", "ca.pem", "--server-name", "localhost", "--json")
        shown = ("--client-cert", "client.pem", "--client-key", "client.key")
        with grpc_server(files(enabled), 1) as server:
            where = ("check", "--host", "127.0.0.1", "--port", str(server.port))
            assert run(*where, *given).json["mode"] == 1
            failed = run(*where, *given, *shown)
            assert (failed.code, failed.error["code"]) == (6, "check-failed")
            assert run(*where, *given, *shown, "--mode", "1").code == 0
            refused = run(*where, *given, "--mode", "2")
        assert (refused.code, refused.error["code"]) == (2, "conflicting-settings")

    def test_another_name_than_in_the_certificate_is_found(
        self, run: Run, elsewhere: Path, server: GrpcServer
    ) -> None:
        where = ("check", "--host", "127.0.0.1", "--port", str(server.port), "--ca-cert", "ca.pem")
        failed = run(*where, "--server-name", "other.example", "--json")
        assert failed.code == 6
        assert "another name" in failed.error["message"]

    def test_a_project_without_state_tells_where_the_server_is_and_its_mode(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (enabled / "cert/state.json").unlink()
        seen: list[Target] = []

        def prove(target: Target, *_: object, **__: object) -> tuple[()]:
            seen.append(target)
            return ()

        monkeypatch.setattr(module, "prove", prove)
        shown = ("--client-cert", "cert/client.pem", "--client-key", "cert/client.key")
        found = run("check", "--ca-cert", "tls/ca.pem", *shown, "--json").json

        assert (found["services"], found["mode"]) == (["standalone"], 2)
        [target] = seen
        assert (target.authority, target.service) == ("localhost:19530", "standalone")
        assert target.ca_path == enabled / "tls/ca.pem"
        assert target.client_key_path == enabled / "cert/client.key"

    def test_what_is_said_of_it_is_true_without_a_project(
        self, run: Run, elsewhere: Path, enabled: Path
    ) -> None:
        where = ("check", "--host", "127.0.0.1", "--ca-cert", "ca.pem", "--timeout", "3")
        nobody = run(*where, "--port", str(closed_port()), "--json")
        with grpc_server(files(enabled), 1) as server:
            at = (*where, "--port", str(server.port))
            good = run(*at, "--server-name", "localhost")
            named = run(*at, "--server-name", "milvus.example", "--json")
        assert "a certificate, for localhost, valid now" in good.out
        assert "on disk" not in good.out
        assert nobody.error["hint"] == "start it where it runs, or correct --host and --port"
        assert named.error["hint"] == "give a name from the certificate with --server-name"

    def test_tls_by_hand_is_checked_with_what_lies_there(self, run: Run, enabled: Path) -> None:
        (enabled / "cert/state.json").unlink()
        shown = "--client-cert cert/client.pem --client-key cert/client.key"
        command = f"compose-tls check --ca-cert cert/ca.pem {shown}"
        refused = run("check", "--json")
        assert refused.error["code"] == "not-enabled"
        assert refused.error["hint"].endswith(f"or check the server as it is: {command}")
        with grpc_server(files(enabled), 2) as server:
            typed = (*command.split()[1:], "--port", str(server.port))
            assert run(*typed).code == 0

    def test_the_name_in_a_certificate_by_hand_is_verified(
        self, run: Run, enable_as: EnableAs
    ) -> None:
        project = enable_as("--config", "env")
        (project / "cert/state.json").unlink()
        compose = project / "docker-compose.yml"
        hint = run("check", "--json").error["hint"]
        assert hint.endswith("check the server as it is: compose-tls check --ca-cert cert/ca.pem")
        compose.write_text(compose.read_text().replace('"19530:19530"', '"192.0.2.9:19530:19530"'))
        hint = run("check", "--json").error["hint"]
        assert hint.endswith("--ca-cert cert/ca.pem --server-name localhost")
        hint = run("check", "--host", "192.0.2.8", "--json").error["hint"]
        assert "--host 192.0.2.8 --ca-cert cert/ca.pem --server-name localhost" in hint

    def test_without_state_the_way_is_named(self, run: Run, project: Path) -> None:
        refused = run("check", "--json")
        assert refused.error["code"] == "not-enabled"
        assert (
            "give --ca-cert with the file of its CA: compose-tls check --help"
            in refused.error["hint"]
        )

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--server-name", "localhost"),
            ("--mode", "1"),
            ("--ca-cert", "ca.pem", "--client-cert", "client.pem"),
        ],
    )
    def test_half_of_it_is_refused(
        self, run: Run, project: Path, arguments: tuple[str, ...]
    ) -> None:
        refused = run("check", *arguments, "--json")
        assert (refused.code, refused.error["code"]) == (2, "wrong-usage")


class TestSeveralPlaces:
    """One service that is met at several places: each has to refuse what must be refused."""

    def publish(self, project: Path, *ports: int) -> None:
        path = project / "docker-compose.yml"
        listed = ", ".join(f'"127.0.0.1:{port}:19530"' for port in ports)
        path.write_text(
            "services:\n  standalone:\n    image: milvusdb/milvus:v2.3.5\n"
            f'    command: ["milvus", "run", "standalone"]\n    ports: [{listed}]\n'
        )
        (project / "milvus.yaml").unlink(missing_ok=True)

    def test_another_published_port_is_looked_at_too(self, run: Run, project: Path) -> None:
        self.publish(project, 19530)
        assert run("enable", "--mode", "2").code == 0
        with (
            grpc_server(files(project), 2) as good,
            grpc_server(files(project), 2) as second,
            grpc_server(files(project), 1) as open_to_all,
        ):
            self.publish(project, good.port, second.port)
            assert run("enable").code == 0
            proved = run("check", "--json")
            assert proved.code == 0, proved.out
            self.publish(project, good.port, second.port, open_to_all.port)
            assert run("enable").code == 0
            failed = run("check", "--json").json["checks"]

        wrong = {one["name"]: one["observed"] for one in failed if not one["ok"]}
        assert "refuses-anonymous-client" in wrong
        assert {t.startswith(f"at localhost:{open_to_all.port}: ") for t in wrong.values()} == {
            True
        }, wrong

    def test_a_place_that_is_named_is_the_only_one(self, run: Run, project: Path) -> None:
        self.publish(project, 19530)
        assert run("enable", "--mode", "2").code == 0
        with grpc_server(files(project), 2) as good:
            self.publish(project, good.port, closed_port())
            assert run("enable").code == 0
            assert run("check", "--host", "127.0.0.1", "--port", str(good.port)).code == 0


class TestSeveralProxies:
    @pytest.fixture
    def cluster(self, run: Run, project: Path) -> Path:
        (project / "docker-compose.yml").write_text(
            "services:\n"
            + "".join(
                f"  {name}:\n    image: milvusdb/milvus:v2.5.5\n"
                f'    command: ["milvus", "run", "proxy"]\n    ports: ["{port}:19530"]\n'
                for name, port in (("proxy-a", 19531), ("proxy-b", 19532))
            )
        )
        (project / "milvus.yaml").unlink()
        assert run("enable", "-q").code == 0
        return project

    def test_each_is_checked_also_after_a_failure_and_named(
        self, run: Run, cluster: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[str | None] = []

        def prove(target: Target, *_: object, **__: object) -> tuple[Probe, ...]:
            asked.append(target.service)
            ok = target.service != "proxy-a"
            probe = Probe(name="tls-handshake", ok=ok, expected="TLS", observed="it", seconds=0)
            if not ok:
                raise CheckFailed("check tls-handshake failed", hint="up", checks=(probe,))
            return (probe,)

        monkeypatch.setattr(module, "prove", prove)
        failed = run("check", "--json")
        told = run("check")

        assert asked == ["proxy-a", "proxy-b"] * 2
        found = {check["service"]: check["ok"] for check in failed.json["checks"]}
        assert found == {"proxy-a": False, "proxy-b": True}
        assert failed.error["message"].startswith("proxy-a: check tls-handshake")
        assert "FAILED proxy-a tls-handshake" in told.err
        assert "ok     proxy-b TLS" in told.err

    def test_one_that_is_not_published_is_not_passed_over_in_silence(
        self, run: Run, cluster: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = cluster / "docker-compose.yml"
        path.write_text(path.read_text().replace('    ports: ["19532:19530"]\n', ""))
        monkeypatch.setattr(module, "prove", lambda *_, **__: ())
        [warning] = run("check", "--json").json["warnings"]
        assert warning["code"] == "not-checked"
        assert "proxy-b" in warning["message"]


class TestWaiting:
    def test_a_server_that_starts_is_waited_for_with_a_word_and_seconds(
        self, run: Run, enabled: Path
    ) -> None:
        waiting = (grpc.StatusCode.UNAVAILABLE, "service not ready[Standalone]")
        answers = dict(ANSWERS)
        with grpc_server(files(enabled), 2, answers) as server:
            ready, answers["ShowCollections"] = answers["ShowCollections"], waiting
            threading.Timer(1.5, lambda: answers.update(ShowCollections=ready)).start()
            outcome = run("check", "--port", str(server.port), "--timeout", "60")

        assert outcome.code == 0, outcome.err
        assert "waiting for standalone: Milvus is starting (0 of at most 60 s)" in outcome.err

    def test_it_ends_with_the_timeout(self, run: Run, enabled: Path) -> None:
        waiting = (grpc.StatusCode.UNAVAILABLE, "service not ready[Standalone]")
        with grpc_server(files(enabled), 2, {**ANSWERS, "ShowCollections": waiting}) as server:
            failed = run("check", "--port", str(server.port), "--timeout", "1", "--json")
        assert failed.code == 6
        assert "waiting for standalone" in failed.err

    def test_plain_text_is_told_at_once(self, run: Run, enabled: Path) -> None:
        with listening(says_and_hangs_up(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
            began = time.monotonic()
            failed = run("check", "--port", str(port), "--timeout", "120", "--json")
        assert (failed.code, time.monotonic() - began < 90) == (6, True)
        assert "plain text" in failed.error["message"]
        assert "--force-recreate standalone" in failed.error["hint"]
        assert "waiting" not in failed.err

    def test_where_nothing_listens_there_is_nothing_to_wait_for(
        self, run: Run, enabled: Path
    ) -> None:
        failed = run("check", "--port", str(closed_port()), "--timeout", "120", "--json")
        assert failed.code == 6
        assert "waiting" not in failed.err


class TestRest:
    def test_rest_has_its_own_probes(self, run: Run, project: Path) -> None:
        run("enable", "--mode", "2", "--rest-port", "8080")
        answer = says_and_hangs_up(b"HTTP/1.1 200 OK\r\n\r\n")
        script = over_tls_alone(files(project).context(2), answer)
        with grpc_server(files(project), 2) as server, listening(script) as port:
            outcome = run(
                *("check", "--host", "127.0.0.1", "--port", str(server.port)),
                *("--rest-port", str(port), "--json"),
            )
        checks = {check["name"]: check["ok"] for check in outcome.json["checks"]}
        assert checks["rest-answers"]
        assert checks["rest-refuses-plain-text"]
        assert checks["rest-refuses-anonymous-client"]


class TestWatch:
    def test_each_round_is_a_line_and_only_changes_are_told_in_detail(
        self, run: Run, server: GrpcServer
    ) -> None:
        outcome = run(
            *("check", "--port", str(server.port)),
            *("--watch", "--count", "3", "--interval", "0.01"),
        )
        assert (outcome.code, said(outcome.err)) == (0, [])
        lines = outcome.out.splitlines()
        rounds = [line for line in lines if not line.startswith(" ")]
        assert len(rounds) == 3
        assert all(
            line.endswith(f" UTC  ok      https://localhost:{server.port}: 11 checks")
            for line in rounds
        )
        # All of them are news at first.
        assert len(lines) == 3 + 11
        assert lines[-2:] == rounds[-2:]

    def test_with_json_each_round_is_a_document_on_one_line(
        self, run: Run, server: GrpcServer
    ) -> None:
        outcome = run(
            *("check", "--port", str(server.port), "--json"),
            *("--watch", "--count", "2", "--interval", "0.01"),
        )
        found = documents(outcome.out)
        assert [document["ok"] for document in found] == [True, True]
        assert all(document["time"].endswith("Z") for document in found)
        assert all(len(document["checks"]) == 11 for document in found)
        assert said(outcome.err) == []

    def test_a_failing_round_is_a_document_too_and_the_last_one_counts(
        self, run: Run, enabled: Path
    ) -> None:
        arguments = ("--watch", "--count", "2", "--interval", "0.01")
        outcome = run("check", "--port", str(closed_port()), "--json", *arguments)
        assert outcome.code == 6
        found = documents(outcome.out)
        assert {document["error"]["code"] for document in found} == {"check-failed"}
        assert all(document["time"] and document["checks"] for document in found)
        told = run("check", "--port", str(closed_port()), *arguments)
        assert (told.code, said(told.err)) == (6, [])
        verdicts = [line for line in told.out.splitlines() if not line.startswith(" ")]
        refused = re.compile(r"UTC  FAILED  localhost:\d+: nothing listens there$")
        assert len(verdicts) == 2
        assert all(refused.search(line) for line in verdicts)

    def test_a_change_between_rounds_is_told(
        self, run: Run, enabled: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[float] = []

        def replace_certificate(seconds: float) -> None:
            waits.append(seconds)
            shutil.copyfile(enabled / "cert" / "client.pem", enabled / "tls" / "server.pem")

        monkeypatch.setattr(time, "sleep", replace_certificate)
        with grpc_server(files(enabled), 2) as server:
            outcome = run("check", "--port", str(server.port), "--watch", "--count", "2")
        assert outcome.code == 6
        assert 20 < waits[0] <= 30
        second = outcome.out.splitlines()[1 + 11 :]
        assert (
            "FAILED  check server-certificate failed: the server presents a different certificate"
            in second[0]
        )
        assert [line.split(":")[0].strip() for line in second[1:]] == [
            "FAILED server-certificate",
            "expected",
            "next",
        ]

    def test_a_project_without_tls_ends_it_at_once(self, run: Run, project: Path) -> None:
        outcome = run("check", "--watch", "--json")
        assert (outcome.code, outcome.error["code"]) == (3, "not-enabled")

    def test_ctrl_c_ends_it_with_130_and_whole_lines(self, server: GrpcServer) -> None:
        command = [sys.executable, "-m", "compose_tls", "check", "--port", str(server.port)]
        process = subprocess.Popen(
            [*command, "--watch", "--interval", "60", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            assert process.stdout is not None
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            rest, err = process.communicate(timeout=SOON)
        assert (process.returncode, rest, err.strip()) == (130, "", "interrupted")
        assert len(documents(first)) == 1

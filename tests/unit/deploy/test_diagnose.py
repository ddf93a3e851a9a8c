"""The logs in milvus-2.3.5/ are excerpts of what the real server wrote when it was given each fault."""

from pathlib import Path

import pytest

from compose_tls.deploy.diagnose import reason
from compose_tls.deploy.failures import FAILURES

LOGS = Path(__file__).parent / "milvus-2.3.5"


def log(name: str) -> list[str]:
    return (LOGS / f"{name}.log").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("name", "quoted", "meaning"),
    [
        (
            "missing-certificate",
            "panic: open /milvus/tls/none.pem: no such file or directory",
            "Milvus is configured to read /milvus/tls/none.pem, which is not in the container",
        ),
        (
            "missing-key",
            "panic: open /milvus/tls/none.key: no such file or directory",
            "Milvus is configured to read /milvus/tls/none.key, which is not in the container",
        ),
        (
            "key-mismatch",
            "panic: tls: private key does not match public key",
            "server.key is not the key of server.pem",
        ),
        (
            "encrypted-key",
            "panic: tls: failed to parse private key",
            "server.key is encrypted or of a kind that Milvus cannot read; it takes no passphrase",
        ),
        (
            "missing-ca",
            '["failed read ca pem"] [error="open /milvus/tls/none-ca.pem: no such file',
            (
                "mode 2 needs the CA certificate of tls.caPemPath, which cannot be read: "
                "open /milvus/tls/none-ca.pem: no such file or directory"
            ),
        ),
        (
            "ca-without-pem",
            "panic: fail to append ca to cert",
            "the file of tls.caPemPath contains no PEM certificate",
        ),
        (
            "certificate-without-pem",
            "panic: tls: failed to find any PEM data in certificate input",
            "the certificate file of the server contains no PEM text",
        ),
        (
            "swapped",
            "PEM inputs may have been switched",
            "the files of tls.serverPemPath and tls.serverKeyPath are the wrong way round or the same",
        ),
        (
            "directory",
            "panic: read /milvus/tls/dir.pem: is a directory",
            "/milvus/tls/dir.pem is a directory in the container, where Milvus expects a file",
        ),
        (
            "key-not-readable",
            "panic: open /milvus/tls/locked.key: permission denied",
            "the user that Milvus runs as may not read /milvus/tls/locked.key",
        ),
        (
            "partial-yaml",
            "panic: listen tcp :19530: bind: address already in use",
            "port 19530 is wanted twice inside the container: a milvus.yaml that is not complete",
        ),
        (
            "yaml-with-tab",
            "yaml: line 2: found character that cannot start any token",
            "/milvus/configs/milvus.yaml is not valid YAML",
        ),
        (
            "yaml-not-readable",
            "open /milvus/configs/milvus.yaml: permission denied",
            "the user that Milvus runs as may not read /milvus/configs/milvus.yaml",
        ),
        (
            "data-not-writable",
            "cannot access data directory: mkdir /var/lib/milvus/etcd: permission denied",
            "the user that Milvus runs as may not write /var/lib/milvus/etcd",
        ),
        (
            "etcd-ssl-placeholders",
            "load etcd cert key pair error",
            (
                "etcd.ssl is on and its certificate /path/to/etcd-client.pem cannot be read:"
                " no such file or directory"
            ),
        ),
        (
            "no-such-command",
            "[FATAL tini (7)] exec milvus2 failed: No such file or directory",
            "the command of the service is not in the image: milvus2",
        ),
    ],
)
def test_a_fault_of_the_real_server_is_named_and_its_line_quoted(
    name: str, quoted: str, meaning: str
) -> None:
    diagnosis = reason(log(name))

    assert diagnosis is not None
    assert quoted in diagnosis.line
    assert diagnosis.meaning.startswith(meaning)
    assert diagnosis.next_step
    assert diagnosis.known
    assert not diagnosis.transient


@pytest.mark.parametrize(
    ("name", "quoted", "meaning"),
    [
        (
            "no-etcd",
            "dial tcp: lookup etcd on 127.0.0.11:53: no such host",
            "Milvus cannot reach etcd at etcd:2379",
        ),
        (
            "etcd-handshake",
            "authentication handshake failed: EOF",
            "etcd at etcd:2379 does not speak TLS as Milvus expects it to",
        ),
        (
            "no-minio",
            "dial tcp: lookup minio",
            "Milvus cannot use the object store at http://minio:9000",
        ),
        (
            "old-session",
            "node not match[expectedNodeID=",
            "Milvus waits until the session of the previous container expires in etcd",
        ),
    ],
)
def test_what_can_pass_by_itself_is_named_as_such(name: str, quoted: str, meaning: str) -> None:
    diagnosis = reason(log(name))

    assert diagnosis is not None
    assert quoted in diagnosis.line
    assert diagnosis.meaning == meaning
    assert diagnosis.transient


# From Milvus 2.6.7, as quoted in https://github.com/milvus-io/milvus/issues/46312
SHARED_PORT = (
    "[2025/12/12 03:39:14.069 +00:00] [WARN] [proxy/listener_manager.go:94]"
    ' ["can not initialize http listener"] [error="proxy server(http) and external grpc server share'
    ' the same port, tls mode must be 0"] [errorVerbose="proxy server(http) and external grpc server'
    ' share the same port, tls mode must be 0\\n(1) attached stack trace"]'
)


def test_a_shared_port_of_newer_servers_is_named() -> None:
    diagnosis = reason([SHARED_PORT])

    assert diagnosis is not None
    assert "REST and gRPC cannot share one port" in diagnosis.meaning
    assert "proxy.http.enabled" in diagnosis.next_step
    assert "errorVerbose" not in diagnosis.line


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        (
            (
                "tls mode must be 0: no authentication, 1: one way authentication or 2: two way"
                " authentication"
            ),
            "common.security.tlsMode is none of 0, 1 and 2",
        ),
        ("exec /tini: exec format error", "another processor architecture"),
        ("write /var/lib/milvus/x: no space left on device", "the disk is full"),
        ("SIGILL: illegal instruction", "the processor lacks instructions"),
        ("listen tcp 0.0.0.0:9091: bind: address already in use", "port 9091 is wanted twice"),
        ("x509: malformed certificate", "the server certificate is damaged"),
        ("Failed to wait for all components ready", "one of its components did not become ready"),
        (
            "invalid mount config: bind source path does not exist: /srv/tls",
            "/srv/tls, which is to be mounted, does not exist",
        ),
        (
            'runc create failed: unable to start container process: exec: "/none": stat /none: no such',
            "the command of the service is not in the image: /none",
        ),
        (
            'runc create failed: unable to start container process: exec: "/opt/etcd": permission denied',
            "the command of the service is not a program that can be run: /opt/etcd",
        ),
        (
            (
                'error mounting "/srv/milvus.yaml" to rootfs at "/milvus/configs/milvus.yaml": mount'
                " /srv/milvus.yaml: not a directory: unknown: Are you trying to mount a directory onto a"
                " file (or vice-versa)?"
            ),
            "/milvus/configs/milvus.yaml is a file in the image but /srv/milvus.yaml",
        ),
    ],
)
def test_other_known_words_are_explained(text: str, meaning: str) -> None:
    diagnosis = reason([text])

    assert diagnosis is not None
    assert meaning in diagnosis.meaning
    assert diagnosis.line == text


def test_the_cause_goes_before_what_it_brings_about() -> None:
    lines = log("yaml-with-tab")
    assert any("panic: listen tcp :19530: bind: address already in use" in line for line in lines)

    diagnosis = reason(lines)

    assert diagnosis is not None
    assert "is not valid YAML" in diagnosis.meaning


def test_a_passing_reason_counts_only_while_it_is_among_the_last_lines() -> None:
    later = [f'[2026/11/23 23:40:00.000 +00:00] [INFO] [a.go:1] ["{n}"]' for n in range(60)]

    diagnosis = reason(log("no-etcd") + later)

    assert diagnosis is not None
    assert not diagnosis.transient
    assert not diagnosis.known


def test_a_panic_that_no_table_knows_is_quoted_before_an_error() -> None:
    diagnosis = reason(["panic: the sky fell", "goroutine 1 [running]:", "main()", "[ERROR] later"])

    assert diagnosis is not None
    assert diagnosis.line == "panic: the sky fell"
    assert diagnosis.meaning == "the last error in its log"
    assert not diagnosis.known


def test_the_last_error_is_quoted_when_there_is_no_panic() -> None:
    diagnosis = reason(log("healthy"))

    assert diagnosis is not None
    assert diagnosis.line.startswith("[ERROR] [grpcclient/client.go:")
    assert "stack=" not in diagnosis.line
    assert not diagnosis.known


@pytest.mark.parametrize("lines", [[], ["", "  "], ["[INFO] all is well"]])
def test_a_log_without_an_error_gives_no_reason(lines: list[str]) -> None:
    assert reason(lines) is None


def test_stacks_of_goroutines_are_not_searched() -> None:
    lines = ["panic: x", "goroutine 7 [running]:", "fail to append ca to cert()"]

    diagnosis = reason(lines)

    assert diagnosis is not None
    assert diagnosis.line == "panic: x"


def test_a_log_that_goes_on_after_stacks_is_searched() -> None:
    lines = ["goroutine 7 [running]:", "main()", "panic: fail to append ca to cert"]

    diagnosis = reason(lines)

    assert diagnosis is not None
    assert diagnosis.line == "panic: fail to append ca to cert"


def test_colours_are_not_quoted() -> None:
    diagnosis = reason(["\x1b[31mpanic: tls: failed to parse private key\x1b[0m"])

    assert diagnosis is not None
    assert diagnosis.line == "panic: tls: failed to parse private key"


def test_a_long_line_is_cut_around_what_matters() -> None:
    line = f"[2026/11/23 23:40:00.000 +00:00] {'a' * 500} no space left on device {'b' * 500}"

    diagnosis = reason([line])

    assert diagnosis is not None
    assert "no space left on device" in diagnosis.line
    assert diagnosis.line.startswith("…")
    assert diagnosis.line.endswith("…")
    assert len(diagnosis.line) == 302


def test_no_text_of_the_table_ends_in_a_full_stop() -> None:
    assert not [f for f in FAILURES if f.meaning.endswith(".") or f.next_step.endswith(".")]

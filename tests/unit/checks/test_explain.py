"""The texts are those that OpenSSL 3, BoringSSL in grpcio, Linux and Milvus 2.3.5 were seen to give."""

from __future__ import annotations

import pytest

from compose_tls.checks import explain as module
from compose_tls.checks.explain import Explanation, explain

GRPC = "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:19530: "
VERIFY = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "

TEXTS = [
    ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "plain text"),
    (
        GRPC + "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:100000f7:SSL "
        "routines:OPENSSL_internal:WRONG_VERSION_NUMBER: Invalid certificate verification context",
        "plain text",
    ),
    (VERIFY + "certificate has expired (_ssl.c:1006)", "has expired"),
    (VERIFY + "certificate is not yet valid (_ssl.c:1006)", "not valid yet"),
    (VERIFY + "Hostname mismatch, certificate is not valid for 'x'.", "another name"),
    (VERIFY + "IP address mismatch, certificate is not valid for '::1'.", "another name"),
    (VERIFY + "unable to get local issuer certificate (_ssl.c:1006)", "another CA"),
    (VERIFY + "self-signed certificate in certificate chain (_ssl.c:1006)", "another CA"),
    (
        GRPC + "Tls handshake failed (TSI_PROTOCOL_FAILURE): SSL_ERROR_SSL: error:1000007d:SSL "
        "routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: unable to get local issuer "
        "certificate",
        "another CA",
    ),
    (
        VERIFY + "Missing Authority Key Identifier (_ssl.c:1006)",
        "not accepted: Missing Authority Key Identifier",
    ),
    (GRPC + "Unwrap failed (TSI_DATA_CORRUPTED)", "refused the client certificate"),
    (
        "[SSL: SSLV3_ALERT_BAD_CERTIFICATE] sslv3 alert bad certificate (_ssl.c:2580)",
        "refused the client certificate",
    ),
    (
        "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate required",
        "refused the client certificate",
    ),
    (
        "[SSL: SSLV3_ALERT_CERTIFICATE_EXPIRED] sslv3 alert certificate expired (_ssl.c:2580)",
        "refused the client certificate",
    ),
    ("[Errno 111] Connection refused", "nothing listens"),
    (GRPC + "Failed to connect to remote host: Connection refused", "nothing listens"),
    ("timed out", "in time"),
    ("Deadline Exceeded", "in time"),
    ("[Errno -2] Name or service not known", "host name is unknown"),
    ("encoding with 'idna' codec failed (UnicodeError: label empty)", "host name is unknown"),
    ("[Errno 101] Network is unreachable", "there is no network route to it"),
    (
        "service unavailable: internal: Milvus Proxy is not ready yet. please wait",
        "Milvus is starting",
    ),
    ("missing authorization in header", "asks for credentials"),
    # A closed connection: https://github.com/grpc/grpc/issues/7804, and what else it may wrap as grpc's
    # own test/cpp/end2end/xds/xds_end2end_test_lib.cc lists it.
    (GRPC + "Secure read failed", "closed without an answer"),
    (GRPC + "Secure read failed (recvmsg: Connection reset by peer (104))", "closed without"),
    (
        GRPC + "Delayed close due to in-progress write (Socket closed) (sendmsg: Broken pipe (32))",
        "closed without",
    ),
    ("auth check failure, please check api key is correct", "does not accept"),
    ("[Errno 104] Connection reset by peer", "without an answer"),
    (
        "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)",
        "without an answer",
    ),
]


@pytest.mark.parametrize(("text", "meaning"), TEXTS)
def test_an_error_is_put_in_plain_words_with_a_next_step(text: str, meaning: str) -> None:
    found = explain(OSError(text))
    assert meaning in found.meaning
    assert text not in found.meaning
    assert found.next_step
    assert found.cause != "unknown"


def test_an_unknown_error_is_its_own_meaning_in_one_line_of_bounded_length() -> None:
    found = explain("something\n  new " + "x" * 1000)
    assert found.meaning.startswith("something new xxx")
    assert len(found.meaning) == 300
    assert found.cause == "unknown"


def test_the_number_of_an_error_is_not_told() -> None:
    assert explain(OSError(22, "Invalid argument")).meaning == "Invalid argument"


def test_an_error_without_words_is_called_that() -> None:
    assert explain("").meaning == "unspecified error"


def test_no_next_step_for_a_server_elsewhere_names_a_command_of_a_project() -> None:
    found = [value for value in vars(module).values() if isinstance(value, Explanation)]
    found += [explanation for _, explanation in module._TABLE]
    found.append(explain("something else"))
    for step in {one.next_step for one in found}:
        told = getattr(step, "elsewhere", step)
        assert not any(
            word in told
            for word in ("docker compose", "compose-tls", "SERVICE", "NAME", "this project")
        ), told
        assert told

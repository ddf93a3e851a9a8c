"""What the errors of sockets, TLS libraries, gRPC and Milvus mean, and what to do about them."""

from __future__ import annotations

import re
from typing import Final, Literal, Self

from compose_tls.values import dataclass

Cause = Literal[
    "plain-text",
    "certificate",
    "client-certificate",
    "nobody",
    "unreachable",
    "not-ready",
    "not-milvus",
    "credentials",
    "unknown",
]


class NextStep(str):
    """What to do next, as it is said of a server of a project here.

    A text before or after it belongs to both of its readings.

    Attributes:
        elsewhere: The same of a server that no project here is known to run: no command here is about it.
    """

    __slots__ = ("elsewhere",)

    elsewhere: str

    def __new__(cls, here: str, elsewhere: str) -> Self:
        """Both readings."""
        step = super().__new__(cls, here)
        step.elsewhere = elsewhere
        return step

    def __add__(self, after: str) -> NextStep:
        return NextStep(f"{self}{after}", f"{self.elsewhere}{after}")

    def __radd__(self, before: str) -> NextStep:
        return NextStep(f"{before}{self}", f"{before}{self.elsewhere}")


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error in plain words, and the next step.

    Attributes:
        cause: Its kind, for programs.
    """

    meaning: str
    next_step: str
    cause: Cause = "unknown"


_RECREATE: Final = NextStep(
    "recreate the Milvus service: docker compose up -d --force-recreate SERVICE",
    "restart it where it runs",
)
_RECONFIGURE: Final = NextStep(
    f"see compose-tls status, and {_RECREATE}",
    "look at its settings where it runs, and restart it there",
)
_LOG: Final = NextStep(
    "see what the server says: docker compose logs", "read its log where it runs"
)
_LONGEST: Final = 300

ACCEPTS_PLAIN_TEXT: Final = Explanation(
    "the server answers in plain text",
    "the TLS settings did not reach the server; " + _RECONFIGURE,
    "plain-text",
)
ACCEPTS_ANY_CLIENT: Final = Explanation(
    "the server accepted it",
    "the server does not run in mode 2; " + _RECONFIGURE,
    "client-certificate",
)
ACCEPTS_EXPIRED_CLIENTS: Final = (
    "configure what terminates TLS in front of Milvus to check the dates of client certificates"
)
OTHER_CLIENT_CAS: Final = Explanation(
    "the server accepts clients of other CAs than it should",
    "the server's ca.pem contains other CAs than the project's; " + _RECREATE,
    "client-certificate",
)
OLD_TLS: Final = Explanation(
    "the server also accepts TLS 1.1 or older",
    NextStep(
        "Milvus does so in mode 1: see in compose-tls status whether it runs in mode 2; or upgrade it",
        "Milvus does so in mode 1: see where it runs in which mode it is; or upgrade it",
    )
    + ", or what stands in front of it (RFC 8996)",
    "unknown",
)
OTHER_CERTIFICATE: Final = Explanation(
    "the server presents a different certificate than the one on disk",
    "Milvus reads its certificate only at start; " + _RECREATE,
    "certificate",
)
EXPIRED: Final = Explanation(
    "the server's certificate has expired",
    NextStep(
        f"renew it: compose-tls renew; then {_RECREATE}",
        "renew the certificate where the server runs, and restart it there",
    ),
    "certificate",
)
NOT_YET_VALID: Final = Explanation(
    "the server's certificate is not valid yet",
    "correct the clocks of this machine and of the server",
    "certificate",
)
SILENT: Final = Explanation(
    "the server did not answer in time", _LOG + "; or raise --timeout", "unreachable"
)
NOT_SETTLED: Final = Explanation(
    "Milvus did not finish in time",
    "within a minute of its start, try again (it may still wait for old sessions); otherwise "
    + _LOG,
    "not-ready",
)
CLOSED: Final = Explanation(
    "the port is open, but the connection was closed without an answer", _LOG, "unreachable"
)
NO_GRPC: Final = Explanation(
    "the server there does not speak gRPC", "give the port of the Milvus proxy", "not-milvus"
)
NO_REST: Final = Explanation(
    "the server there does not speak HTTP", "give the REST port of Milvus", "not-milvus"
)
REST_FAILS: Final = Explanation("REST answers over TLS", _LOG, "not-ready")
NO_MILVUS: Final = Explanation(
    "the server there speaks TLS, but does not answer like Milvus",
    "give the port of the Milvus proxy",
    "not-milvus",
)
NO_CREDENTIALS: Final = Explanation(
    "Milvus asks for credentials",
    "give --user and --password-file, or --token-file",
    "credentials",
)
WRONG_CREDENTIALS: Final = Explanation(
    "Milvus does not accept the given credentials",
    "correct --user and --password-file, or --token-file",
    "credentials",
)

# The first row with a needle in the text (case aside) counts, so what is special comes first. Needles
# are words of OpenSSL and BoringSSL (X509_verify_cert_error_string, SSL_R_...), of the operating
# system, of gRPC's core and of Milvus' proxy, each seen in a test or on a real server.
_TABLE: Final[tuple[tuple[tuple[str, ...], Explanation], ...]] = (
    (
        ("wrong version number", "wrong_version_number", "record layer failure", "http_request"),
        ACCEPTS_PLAIN_TEXT,
    ),
    (
        (
            "alert bad certificate",
            "alert certificate",
            "alert unsupported certificate",
            "alert unknown ca",
            "alert access denied",
            # All that gRPC says when a TLS 1.3 server refuses a client after its handshake.
            "tsi_data_corrupted",
        ),
        Explanation(
            "the server refused the client certificate, or requires one",
            NextStep(
                "see in compose-tls status whether the container runs these files, and"
                " use the client certificate of this project",
                "give a client certificate with --client-cert and --client-key",
            )
            + ", unexpired, issued by the CA in the server's ca.pem",
            "client-certificate",
        ),
    ),
    (("certificate has expired",), EXPIRED),
    (("certificate is not yet valid",), NOT_YET_VALID),
    (
        ("hostname mismatch", "ip address mismatch", "hostname verification", "is not in peer"),
        Explanation(
            "the server's certificate is for another name",
            NextStep(
                "connect with a name in the certificate, or add this one: compose-tls enable --san NAME",
                "give a name from the certificate with --server-name",
            ),
            "certificate",
        ),
    ),
    (
        (
            "unable to get local issuer",
            "unable to get issuer",
            "unable to verify the first certificate",
            "self-signed",
            "self signed",
            "certificate signature failure",
        ),
        Explanation(
            "the server presents a certificate from another CA",
            NextStep(
                f"it may still use an older certificate; {_RECREATE}",
                "give the CA that issued it with --ca-cert, or restart the server where it runs",
            ),
            "certificate",
        ),
    ),
    (
        ("connection refused",),
        Explanation(
            "nothing listens there",
            NextStep(
                "start the server: docker compose up -d",
                "start it where it runs, or correct --host and --port",
            ),
            "nobody",
        ),
    ),
    (("timed out", "deadline exceeded", "timeout"), SILENT),
    (
        ("name or service not known", "nodename nor servname", "name resolution", "idna"),
        Explanation(
            "the host name is unknown",
            "correct the host name, or give it with --host",
            "nobody",
        ),
    ),
    (
        ("no route to host", "network is unreachable", "host is unreachable"),
        Explanation(
            "there is no network route to it", "check the host name and the network route", "nobody"
        ),
    ),
    (
        ("proxy is not ready", "proxy not healthy", "service not ready", "service unavailable"),
        Explanation(
            "Milvus is starting",
            "wait up to a minute (after an unclean stop an old session has to expire in etcd), then "
            + NextStep("run compose-tls check", "check again"),
            "not-ready",
        ),
    ),
    (
        ("larger than max",),
        Explanation("the answer is larger than any that Milvus sends", _LOG, "not-milvus"),
    ),
    (("missing authorization",), NO_CREDENTIALS),
    (("auth check failure",), WRONG_CREDENTIALS),
    (
        (
            *("connection reset", "broken pipe", "eof occurred", "socket closed"),
            # gRPC's wrappers of these, the second without what it wraps in some versions.
            *("endpoint closing", "secure read failed"),
        ),
        CLOSED,
    ),
)


def explain(error: OSError | str) -> Explanation:
    """What an error means.

    Args:
        error: The error or its text. A text that is not known is its own meaning.
    """
    text = " ".join(str(error).split())
    low = text.lower()
    for needles, explanation in _TABLE:
        if any(needle in low for needle in needles):
            return explanation
    if "certificate_verify_failed" in low:
        return Explanation(
            f"the server's certificate was not accepted: {text.partition('failed: ')[2] or text}",
            "use a certificate that strict verifiers accept",
            "certificate",
        )
    # As Python has it: "[Errno 22] Invalid argument".
    text = re.sub(r"^\[Errno \d+\] ", "", text)
    return Explanation(text[:_LONGEST] or "unspecified error", _LOG)

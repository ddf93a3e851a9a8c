"""What the errors of TLS libraries mean, and what to do about them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """An error in plain words, and the next step."""

    meaning: str
    next_step: str


_RESTART = "docker compose up -d --force-recreate the Milvus service, then compose-tls check"
_RENEW = "compose-tls enable issues a new one; then recreate the Milvus service"

_EXPLANATIONS: tuple[tuple[tuple[str, ...], Explanation], ...] = (
    (
        ("WRONG_VERSION_NUMBER", "wrong version number", "record layer failure"),
        Explanation(
            "the server speaks plain text: the TLS settings did not reach it",
            f"see compose-tls status; {_RESTART}",
        ),
    ),
    (
        ("certificate has expired", "CERTIFICATE_EXPIRED", "certificate expired"),
        Explanation("the certificate has expired", _RENEW),
    ),
    (
        ("certificate is not yet valid",),
        Explanation("the certificate is not valid yet", "set the clocks of both machines right"),
    ),
    (
        ("Hostname mismatch", "IP address mismatch", "Hostname Verification", "is not in peer"),
        Explanation(
            "the certificate is for another name",
            "connect under a name it holds, or add this one: compose-tls enable --san NAME",
        ),
    ),
    (
        ("CERTIFICATE_VERIFY_FAILED", "unable to get local issuer", "self-signed", "self signed"),
        Explanation("the server shows a certificate of another CA", _RESTART),
    ),
    (
        ("TSI_DATA_CORRUPTED", "CERTIFICATE_REQUIRED", "certificate required", "bad certificate"),
        Explanation(
            "the server refused the client certificate after the handshake",
            "use cert/client.pem and cert/client.key of this project",
        ),
    ),
    (
        ("Connection refused", "ECONNREFUSED", "connection refused"),
        Explanation("nothing listens there", "start the server: docker compose up -d"),
    ),
    (
        ("timed out", "Deadline Exceeded", "DEADLINE_EXCEEDED"),
        Explanation(
            "the server did not answer in time", "see docker compose logs, or raise --timeout"
        ),
    ),
    (
        ("Proxy is not ready", "proxy not healthy", "service not ready", "not ready"),
        Explanation(
            "its proxy is not ready yet (after an unclean stop an old etcd session has to expire)",
            "wait up to a minute, then run compose-tls check",
        ),
    ),
    (
        ("Connection reset", "closed", "EOF"),
        Explanation("the server closed the connection", "see docker compose logs"),
    ),
)


def explain(text: str) -> Explanation:
    """The meaning of an error's text; the text itself where it is not a known one."""
    for needles, explanation in _EXPLANATIONS:
        if any(needle in text for needle in needles):
            return explanation
    return Explanation(text.strip() or "unknown error", "see docker compose logs")

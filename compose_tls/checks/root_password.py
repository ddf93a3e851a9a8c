"""The password of root: signing in with one, and changing it, over TLS only."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from typing import Final

from compose_tls.checks.check_target import Target
from compose_tls.checks.readiness import readiness
from compose_tls.checks.tls_client import grpc_channel
from compose_tls.checks.wire import Status, text_field
from compose_tls.errors import CheckFailed
from compose_tls.results import Probe

ROOT: Final = "root"
DEFAULT: Final = "Milvus"
"""The password of root in a new Milvus: https://milvus.io/docs/authenticate.md."""

_UPDATE: Final = "/milvus.proto.milvus.MilvusService/UpdateCredential"
# milvus.proto: UpdateCredentialRequest; passwords are in base64.
_USERNAME, _OLD, _NEW = 2, 3, 4
# Every proxy hears of the change by itself; 2.3.5 takes a few milliseconds (measured).
_SPREAD_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.2


def settle(target: Target, password: str, timeout: float) -> tuple[Probe, ...]:
    """Give root a password where it has the default one, and prove that it is the only one.

    Args:
        target: The server, ready over TLS.
        password: The password that root is to have, or has.
        timeout: Seconds that an answer may take.

    Returns:
        What was proved: the new password is accepted, the default one refused.

    Raises:
        CheckFailed: root has neither, or Milvus refuses the change or asks for no password.
    """
    began = time.monotonic()
    if _accepts(target, DEFAULT, timeout):
        if _accepts(target, "", timeout):
            raise CheckFailed(
                "Milvus does not require a password: common.security.authorizationEnabled is not "
                "true there",
                hint="set it where Milvus reads it, in its environment or in milvus.yaml",
            )
        _update(target, DEFAULT, password, timeout)
    elif not _accepts(target, password, timeout):
        raise CheckFailed(
            "root has neither the password of this project nor the default one",
            hint="the data comes from a Milvus with authentication: sign in with its password, as in"
            " compose-tls check --user root --password-file FILE",
        )
    until = time.monotonic() + _SPREAD_SECONDS
    while True:
        accepted = _accepts(target, password, timeout)
        refused = not _accepts(target, DEFAULT, timeout)
        if (accepted and refused) or time.monotonic() >= until:
            break
        time.sleep(_POLL_SECONDS)
    seconds = round(time.monotonic() - began, 3)
    probes = (
        _probe("root-password", "the password of root is accepted", seconds, ok=accepted),
        _probe("default-password", "the default password of root is refused", seconds, ok=refused),
    )
    failed = next((probe for probe in probes if not probe.ok), None)
    if failed is not None:
        raise CheckFailed(
            f"check {failed.name} failed: {failed.observed}",
            hint="see the log of Milvus; compose-tls init --up tries again",
            checks=probes,
        )
    return probes


def _probe(name: str, expected: str, seconds: float, *, ok: bool) -> Probe:
    observed = f"{expected}, over TLS" if ok else "it is not"
    return Probe(name=name, ok=ok, expected=expected, observed=observed, seconds=seconds)


def _accepts(target: Target, password: str, timeout: float) -> bool:
    """Whether root is accepted with a password."""
    found = readiness(replace(target, user=ROOT, password=password, token=None), timeout)
    return found.state == "ready"


def _update(target: Target, old: str, new: str, timeout: float) -> None:
    import grpc

    signed_in = replace(target, user=ROOT, password=old, token=None)
    token = base64.b64encode(f"{ROOT}:{old}".encode()).decode()
    request = (
        text_field(_USERNAME, ROOT)
        + text_field(_OLD, base64.b64encode(old.encode()).decode())
        + text_field(_NEW, base64.b64encode(new.encode()).decode())
    )
    with grpc_channel(signed_in) as channel:
        try:
            answer = channel.unary_unary(_UPDATE)(request, timeout, [("authorization", token)])
            status = Status.parse(answer)
            said = status.reason if not status.ok else None
        except grpc.RpcError as error:
            said = str(error.details())
        except ValueError:
            said = "its answer is not that of Milvus"
    if said is not None:
        hidden = replace(target, user=ROOT, password=new, token=None).redacted(said)
        raise CheckFailed(
            f"Milvus does not change the password of root: {signed_in.redacted(hidden)}",
            hint="see the log of Milvus; compose-tls init --up tries again",
        )

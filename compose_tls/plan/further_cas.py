"""Unexpected CAs in the files of compose-tls: they are refused, not passed on silently."""

from __future__ import annotations

from collections.abc import Iterator

from compose_tls.changes import relative, sha256
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError, FurtherCa, settle
from compose_tls.layout import CA, CERTIFICATE, CLIENT_CA
from compose_tls.observation import Observation
from compose_tls.pki.load import bundle_facts
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsWarning


def further_cas(
    observation: Observation, config: TlsConfig, state: State | None
) -> tuple[TlsWarning, ...]:
    """The CAs that are in ``ca.pem`` or ``client-ca.pem`` next to ours, and have not been recorded.

    What a command copies to where Milvus reads it lets clients in. A CA of the project, the one that
    takes over, and what is above them belong there.

    Args:
        observation: The project as it is.
        config: The settings; they say where the files are, and what the user accepts.
        state: What enable recorded.

    Raises:
        FurtherCa: There is one, and the user has not accepted it.
    """
    return tuple(settle(each, config.accept) for each in _found(observation, config, state))


def _found(observation: Observation, config: TlsConfig, state: State | None) -> Iterator[FurtherCa]:
    pki = observation.pki
    own = {one.sha256 for one in pki.all_certificates.values() if one.is_ca}
    for name in (CA, CLIENT_CA):
        path = observation.directory / config.pki_dir / f"{name}{CERTIFICATE}"
        content, shown = observation.content(path), relative(path, observation.directory)
        if content is None or name not in pki.certificates or name in pki.provided:
            continue
        if state is not None and state.digests.get(shown) == sha256(content):
            continue
        try:
            found = bundle_facts(content, path=shown)
        except CertificateError:
            continue
        above = {one.issuer for one in found if one.sha256 in own}
        for one in found:  # a chain is written upwards
            above |= {one.issuer} if one.subject in above else set()
        strangers = [o.subject for o in found if o.sha256 not in own and o.subject not in above]
        if strangers:
            yield FurtherCa(
                f"{shown} contains another CA, {', '.join(strangers)}: anyone with a certificate "
                "from it would be trusted",
                hint=f"remove it from {shown}; clients of another CA are accepted with --client-ca-cert",
                path=shown,
            )

"""Rehearsing handshakes, with OpenSSL on both ends."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from compose_tls.errors import CertificateUnreadable, RehearsalFailed
from compose_tls.pki import handshake
from compose_tls.pki import rehearse as rehearsal
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.handshake import (
    End,
    Handshake,
    client_context,
    readable,
    server_context,
    shake_hands,
)
from compose_tls.pki.rehearse import rehearse
from compose_tls.vocabulary import TlsMode
from tests.moment import NOW
from tests.unit.pki.minting import CLIENT, DAY, SERVER, mint

_NAMES = ("localhost", "milvus_standalone", "*.milvus.example", "127.0.0.1", "::1")


def _rehearse(
    server: CertificateWithKey,
    ca: CertificateWithKey,
    client: CertificateWithKey | None = None,
    *,
    names: Sequence[str] = ("localhost",),
    mode: TlsMode = TlsMode.MUTUAL,
) -> list[tuple[str, str]]:
    """Rehearse; every handshake, by the name that was asked for, and how it ended."""
    tried: list[tuple[str, str]] = []
    original = vars(rehearsal)["shake_hands"]

    def recorded(
        client: ssl.SSLContext, server: ssl.SSLContext, name: str, *, until: End | None
    ) -> Handshake:
        outcome: Handshake = original(client, server, name, until=until)
        tried.append((name, f"{outcome.refused_by or 'nobody'}: {outcome.reason}"))
        return outcome

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehearsal, "shake_hands", recorded)
        rehearse(server, ca.certificate_pem, client, server_names=names, mode=mode)
    return tried


def test_what_we_issue_passes_in_mode_2(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    tried = _rehearse(issued["server"], issued["ca"], issued["client"], names=_NAMES)
    good, (wrong_name, foreign_ca, bare, foreign) = tried[: len(_NAMES)], tried[len(_NAMES) :]
    assert good == [(name.replace("*", "any"), "nobody: TLSv1.3") for name in _NAMES]
    assert wrong_name[1].startswith("client: Hostname mismatch")
    assert foreign_ca[0] == "localhost"
    assert foreign_ca[1].startswith("client: ")
    assert "certificate" in foreign_ca[1]
    assert bare == ("localhost", "server: peer did not return a certificate")
    assert foreign == ("localhost", "server: unable to get local issuer certificate")


@pytest.mark.parametrize("with_client", [True, False])
def test_mode_1_asks_no_client_for_a_certificate(
    issued: Mapping[str, CertificateWithKey], *, with_client: bool
) -> None:
    client = issued["client"] if with_client else None
    tried = _rehearse(issued["server"], issued["ca"], client, names=_NAMES, mode=TlsMode.ONE_WAY)
    assert [who.partition(":")[0] for _, who in tried] == [
        *["nobody"] * len(_NAMES),
        *["client"] * 2,
    ]


def test_in_mode_2_without_a_client_certificate_the_refusals_are_still_rehearsed(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    tried = _rehearse(issued["server"], issued["ca"], None)
    assert len(tried) == 5
    assert tried[-2][1] == "server: peer did not return a certificate"


def test_a_chain_through_intermediates_passes(ca: CertificateWithKey) -> None:
    lower = mint("lower", ca=True, issuer=mint("upper", ca=True, issuer=ca))
    tried = _rehearse(mint(issuer=lower), ca, mint("jane", issuer=lower, purposes=(CLIENT,)))
    assert len(tried) == 5


def test_rsa_passes(rsa_key: rsa.RSAPrivateKey) -> None:
    ca = mint("RSA CA", ca=True, key=rsa_key)
    tried = _rehearse(mint(issuer=ca, key=rsa_key), ca, mode=TlsMode.ONE_WAY)
    assert len(tried) == 3


def test_a_trusted_bundle_may_hold_several_cas(ca: CertificateWithKey) -> None:
    other = mint("other", ca=True)
    bundle = other.certificate_pem + ca.certificate_pem
    client = mint("jane", issuer=other, purposes=(CLIENT,))
    rehearse(mint(issuer=ca), bundle, client, server_names=["localhost"], mode=TlsMode.MUTUAL)


def _good_client(ca: CertificateWithKey) -> CertificateWithKey:
    return mint("jane", issuer=ca, purposes=(CLIENT,))


def _mismatched(ca: CertificateWithKey) -> CertificateWithKey:
    return CertificateWithKey(mint(issuer=ca).certificate_pem, mint(issuer=ca).private_key_pem)


def _unchained(ca: CertificateWithKey) -> CertificateWithKey:
    server = mint(issuer=mint("lower", ca=True, issuer=ca))
    return CertificateWithKey(server.certificate_pem, server.private_key_pem)


def _unchained_client(ca: CertificateWithKey) -> CertificateWithKey:
    client = mint("jane", issuer=mint("lower", ca=True, issuer=ca), purposes=(CLIENT,))
    return CertificateWithKey(client.certificate_pem, client.private_key_pem)


@pytest.mark.parametrize(
    ("make", "message", "hint"),
    [
        (lambda ca: mint(issuer=ca, dns=["milvus"]), "Hostname mismatch", "for that name"),
        (lambda ca: mint(issuer=ca, dns=()), "Hostname mismatch", "for that name"),
        (
            lambda ca: mint(issuer=ca, purposes=(CLIENT,)),
            "certificate purpose",
            "serverAuth",
        ),
        (
            lambda ca: mint(issuer=ca, start=NOW - 9 * DAY, end=NOW - DAY),
            "certificate has expired",
            "renew",
        ),
        (
            lambda ca: mint(issuer=ca, start=NOW + DAY),
            "certificate is not yet valid",
            "clock",
        ),
        (
            lambda _: mint(issuer=mint("foreign", ca=True)),
            "unable to get local issuer certificate",
            "the CA that issued",
        ),
        (
            lambda _: mint(issuer=mint("brought CA", ca=True)),
            "unable to get local issuer certificate",
            "the CA that issued",
        ),
        (_unchained, "unable to get local issuer certificate", "append intermediate"),
        (_mismatched, "key values mismatch", "the key that belongs"),
    ],
)
@pytest.mark.parametrize("mode", [TlsMode.ONE_WAY, TlsMode.MUTUAL])
def test_a_bad_server_certificate_fails_with_the_reason(
    make: Callable[[CertificateWithKey], CertificateWithKey],
    message: str,
    hint: str,
    mode: TlsMode,
    ca: CertificateWithKey,
) -> None:
    with pytest.raises(RehearsalFailed) as caught:
        _rehearse(make(ca), ca, _good_client(ca), mode=mode)
    assert message in caught.value.message
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda ca: mint("jane", issuer=ca, purposes=(SERVER,)),
            r"refused by the server: un\w+ certificate purpose",
        ),
        (
            lambda ca: mint(issuer=ca, purposes=(CLIENT,), start=NOW - 9 * DAY, end=NOW - DAY),
            "refused by the server: certificate has expired",
        ),
        (
            lambda ca: mint(issuer=ca, purposes=(CLIENT,), start=NOW + DAY),
            "refused by the server: certificate is not yet valid",
        ),
        (
            lambda _: mint(issuer=mint("foreign", ca=True), purposes=(CLIENT,)),
            "refused by the server: unable to get local issuer certificate",
        ),
        (_unchained_client, "refused by the server: unable to get local issuer certificate"),
        (_mismatched, "key values mismatch"),
    ],
)
def test_a_bad_client_certificate_fails_in_mode_2_and_is_not_used_in_mode_1(
    make: Callable[[CertificateWithKey], CertificateWithKey], message: str, ca: CertificateWithKey
) -> None:
    server, client = mint(issuer=ca), make(ca)
    with pytest.raises(RehearsalFailed, match=message):
        _rehearse(server, ca, client)
    assert _rehearse(server, ca, client, mode=TlsMode.ONE_WAY)


def test_the_failure_names_the_handshake_and_the_name_that_fails(ca: CertificateWithKey) -> None:
    with pytest.raises(RehearsalFailed) as caught:
        _rehearse(mint(issuer=ca), ca, names=["localhost", "milvus"], mode=TlsMode.ONE_WAY)
    assert caught.value.message == (
        "a client of this CA, by milvus: must be accepted, but was refused by the client: "
        "Hostname mismatch, certificate is not valid for 'milvus'"
    )


def test_a_further_name_is_looked_at_in_mode_2_as_well(ca: CertificateWithKey) -> None:
    with pytest.raises(RehearsalFailed, match=r"by milvus: must be accepted.*Hostname mismatch"):
        _rehearse(mint(issuer=ca), ca, _good_client(ca), names=["localhost", "milvus"])


def test_a_client_is_content_before_the_server_judges_it(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    ca = issued["ca"].certificate_pem
    server = server_context(issued["server"], ca, minimum=ssl.TLSVersion.TLSv1_3)
    bare = client_context(ca, None)
    assert shake_hands(bare, server, "localhost", until="client") == Handshake(None, "TLSv1.3")
    assert shake_hands(bare, server, "localhost").refused_by == "server"
    assert shake_hands(bare, server, "elsewhere", until="client").refused_by == "client"


def test_a_rehearsal_reads_each_key_once(
    issued: Mapping[str, CertificateWithKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[bytes] = []

    def counted(content: bytes) -> AbstractContextManager[str]:
        read.append(content)
        return readable(content)

    monkeypatch.setattr(handshake, "readable", counted)
    _rehearse(issued["server"], issued["ca"], issued["client"], names=_NAMES)
    assert len(read) == len(set(read)) == 2 * len(("server", "client", "foreign client"))


def test_an_address_that_is_not_covered_fails(ca: CertificateWithKey) -> None:
    with pytest.raises(RehearsalFailed, match=r"by ::1: must be accepted.*IP address mismatch"):
        _rehearse(mint(issuer=ca), ca, names=["127.0.0.1", "::1"], mode=TlsMode.ONE_WAY)


def test_a_ca_that_may_not_sign_fails() -> None:
    ca = mint("lax CA", ca=True, key_cert_sign=False)
    with pytest.raises(RehearsalFailed, match="invalid CA certificate"):
        _rehearse(mint(issuer=ca), ca, mode=TlsMode.ONE_WAY)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mint("lax CA", ca=True, without=[x509.KeyUsage]),
        lambda: mint("lax CA", ca=True, without=[x509.SubjectKeyIdentifier]),
        lambda: mint("lax CA", ca=True, critical_constraints=False),
    ],
)
def test_a_ca_that_only_strict_clients_refuse_passes(
    make: Callable[[], CertificateWithKey],
) -> None:
    ca = make()
    server = mint(issuer=ca, without=[x509.AuthorityKeyIdentifier])
    assert len(_rehearse(server, ca, _good_client(ca))) == 5


def test_an_expired_ca_fails() -> None:
    ca = mint("old CA", ca=True, start=NOW - 9 * DAY, end=NOW - DAY)
    with pytest.raises(RehearsalFailed, match="certificate has expired"):
        _rehearse(mint(issuer=ca), ca, mode=TlsMode.ONE_WAY)


def test_a_server_that_takes_any_client_fails_in_mode_2(
    issued: Mapping[str, CertificateWithKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(
        pair: CertificateWithKey, _: bytes | None, *, minimum: ssl.TLSVersion
    ) -> ssl.SSLContext:
        return server_context(pair, None, minimum=minimum)

    monkeypatch.setattr(rehearsal, "server_context", careless)
    with pytest.raises(
        RehearsalFailed,
        match="a client without certificate: must be refused by the server, because a "
        "certificate is missing"
        ", but was accepted",
    ):
        _rehearse(issued["server"], issued["ca"], issued["client"])


def test_a_client_that_checks_no_name_fails(
    issued: Mapping[str, CertificateWithKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(ca_pem: bytes, pair: CertificateWithKey | None) -> ssl.SSLContext:
        context = client_context(ca_pem, pair)
        context.check_hostname = False
        return context

    monkeypatch.setattr(rehearsal, "client_context", careless)
    with pytest.raises(
        RehearsalFailed, match="a client that asks for another name: must be refused by the client"
    ):
        _rehearse(issued["server"], issued["ca"], issued["client"])


def test_a_refusal_for_another_reason_does_not_count(
    issued: Mapping[str, CertificateWithKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(
        client: ssl.SSLContext, server: ssl.SSLContext, name: str, *, until: End | None
    ) -> Handshake:
        outcome = shake_hands(client, server, name, until=until)
        return Handshake("client", "no shared cipher") if outcome.refused_by else outcome

    monkeypatch.setattr(rehearsal, "shake_hands", refuses)
    with pytest.raises(RehearsalFailed, match=r"for its name, but was refused .* no shared cipher"):
        _rehearse(issued["server"], issued["ca"], issued["client"])


def test_names_are_asked_for_as_the_certificate_spells_them(ca: CertificateWithKey) -> None:
    server = mint(issuer=ca, dns=["xn--bcher-kva.example"], ips=["::1"])
    names = ["Bücher.example", "0:0::1"]
    assert len(_rehearse(server, ca, names=names, mode=TlsMode.ONE_WAY)) == 4


def test_a_rehearsal_without_a_name_is_none(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    with pytest.raises(ValueError, match="needs a server name"):
        _rehearse(issued["server"], issued["ca"], names=[])


def test_garbage_for_a_ca_is_refused(issued: Mapping[str, CertificateWithKey]) -> None:
    with pytest.raises(CertificateUnreadable):
        rehearse(issued["server"], b"garbage", None, server_names=["a"], mode=TlsMode.ONE_WAY)


def test_the_strangers_are_valid_now_even_when_now_is_given(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    rehearse(
        issued["server"],
        issued["ca"].certificate_pem,
        issued["client"],
        server_names=["localhost"],
        mode=TlsMode.MUTUAL,
        now=datetime.now(UTC) + timedelta(minutes=1),
    )


def test_mode_2_speaks_nothing_older_than_tls_1_3(
    issued: Mapping[str, CertificateWithKey],
) -> None:
    server = server_context(
        issued["server"], issued["ca"].certificate_pem, minimum=ssl.TLSVersion.TLSv1_3
    )
    client = client_context(issued["ca"].certificate_pem, issued["client"])
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    outcome = shake_hands(client, server, "localhost")
    assert outcome == Handshake("server", "unsupported protocol")


def test_a_handshake_without_end_is_given_up(
    issued: Mapping[str, CertificateWithKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "_MOST_ROUNDS", 1)
    server = server_context(issued["server"], None, minimum=ssl.TLSVersion.TLSv1_2)
    client = client_context(issued["ca"].certificate_pem, None)
    assert shake_hands(client, server, "localhost").reason == ("the handshake does not finish")


def _descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.fixture(params=["memory", "pipe"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How a key gets to OpenSSL: as on Linux, and as elsewhere."""
    chosen: str = request.param
    if chosen == "pipe":
        monkeypatch.delattr(os, "memfd_create")
    elif not hasattr(os, "memfd_create"):
        pytest.skip("this system has no files in memory")
    return chosen


def test_a_key_gets_to_openssl_without_a_file(
    way: str,
    issued: Mapping[str, CertificateWithKey],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    seen: list[str] = []
    load = ssl.SSLContext.load_cert_chain

    def watch(context: ssl.SSLContext, certfile: str, keyfile: str) -> None:
        seen.extend([certfile, keyfile])
        load(context, certfile, keyfile)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = _descriptors()
    assert _rehearse(issued["server"], issued["ca"], issued["client"])
    assert all(path.startswith("/dev/fd/") for path in seen)
    assert seen
    assert list(tmp_path.iterdir()) == []
    assert _descriptors() == before


def test_a_mismatched_key_fails_in_either_way(way: str, ca: CertificateWithKey) -> None:
    before = _descriptors()
    with pytest.raises(RehearsalFailed, match="OpenSSL does not accept certificate and key"):
        _rehearse(_mismatched(ca), ca)
    assert _descriptors() == before


def test_what_no_pipe_can_hold_fails_at_once(
    issued: Mapping[str, CertificateWithKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)
    server = issued["server"]
    long = CertificateWithKey(
        server.certificate_pem, server.private_key_pem, server.certificate_pem * 200
    )
    before = _descriptors()
    with pytest.raises(ValueError, match="more than a pipe holds"):
        server_context(long, None, minimum=ssl.TLSVersion.TLSv1_2)
    assert _descriptors() == before

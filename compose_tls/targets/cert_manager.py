"""Objects for cert-manager: it issues what the set-up wants, and renews it, in the cluster.

Sources: https://cert-manager.io/docs/usage/certificate/ and the resource definitions certificates and
issuers of cert-manager.io/v1. Its Secrets hold tls.crt, tls.key and ca.crt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from compose_tls.changes import CertificateOrder
from compose_tls.errors import InvalidSetting
from compose_tls.layout import CA
from compose_tls.patterns import regex
from compose_tls.pki.subject import attributes
from compose_tls.setup import TlsSetup
from compose_tls.targets import kubernetes
from compose_tls.targets.release import Release
from compose_tls.vocabulary import KeyType, Profile, TlsMode
from compose_tls.yamlpatch.build import Commented, New

_API: Final = "cert-manager.io/v1"
_GROUP: Final = "cert-manager.io"
_KINDS: Final = ("Issuer", "ClusterIssuer")
# RFC 1123 subdomain: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
_NAME = regex(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_LONGEST: Final = 253
_HOURS: Final = 24
_RENEW_DAYS: Final = 30

_USAGES: Final[Mapping[Profile, tuple[str, ...]]] = {
    "ca": ("cert sign", "crl sign"),
    "server": ("digital signature", "server auth"),
    "client": ("digital signature", "client auth"),
    "peer": ("digital signature", "server auth", "client auth"),
}
_FIELDS: Final = {
    "C": "countries",
    "ST": "provinces",
    "L": "localities",
    "STREET": "streetAddresses",
    "O": "organizations",
    "OU": "organizationalUnits",
}
"""There is none for DC and UID: those stay out."""


def issuer_reference(text: str) -> tuple[str, str]:
    """Kind and name of an issuer that already exists: ``NAME`` or ``ClusterIssuer/NAME``.

    Raises:
        InvalidSetting: It names no kind of issuer, or Kubernetes has no object of that name.
    """
    kind, slash, name = text.rpartition("/")
    kind = kind if slash else _KINDS[0]
    if kind not in _KINDS or not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise InvalidSetting(
            f"{text!r} names no issuer of cert-manager",
            hint="write --issuer NAME for an Issuer, --issuer ClusterIssuer/NAME for a ClusterIssuer",
        )
    return kind, name


def objects(
    setup: TlsSetup,
    orders: Sequence[tuple[CertificateOrder, str | None]],
    release: Release,
    issuer: tuple[str, str] | None,
) -> Iterator[tuple[New, str]]:
    """The issuers, unless there is one, and a Certificate for each identity, with a heading each.

    Args:
        setup: What is wanted.
        orders: What the certificates are to be, CAs included, each with the name of its issuer.
        release: Where they belong.
        issuer: Kind and name of an issuer that is there.
    """
    outside = {one.name for one in setup.identities if one.profile == "client" and not one.members}
    shown = outside if setup.mode is TlsMode.MUTUAL else set[str]()
    held = {one.identity: one for one in kubernetes.held_secrets(setup, release)}
    wanted = [
        (order, issued_by)
        for order, issued_by in orders
        if issued_by is not None and order.name in held.keys() | shown
    ]
    if issuer is None:
        used = {issued_by for _, issued_by in wanted}
        yield from _own_cas([order for order, _ in orders if order.name in used], release)
    for order, issued_by in wanted:
        secret = kubernetes.secret_name(release, order.name)
        where = held[order.name].place if order.name in held else "for a client of Milvus"
        reference = issuer or (_KINDS[0], _ca_name(release, issued_by or CA))
        yield _certificate(secret, order, release, reference), f"Secret {secret}: {where}."


def _own_cas(cas: Sequence[CertificateOrder], release: Release) -> Iterator[tuple[New, str]]:
    bootstrap = f"{release.name}-selfsigned"
    yield (
        _object("Issuer", bootstrap, release, {"selfSigned": {}}),
        "Only signs the CA below.",
    )
    for order in cas:
        name = _ca_name(release, order.name)
        ca = _certificate(name, order, release, (_KINDS[0], bootstrap))
        yield ca, f"The CA: its key is created in the cluster, and stays in the Secret {name}."
        issues = _object("Issuer", name, release, {"ca": {"secretName": name}})
        yield issues, "Issues under that CA."


def _certificate(
    secret: str, order: CertificateOrder, release: Release, issuer: tuple[str, str]
) -> New:
    spec: dict[str, New] = {"secretName": secret}
    subject = attributes(order.subject)
    spec["commonName"] = subject.pop("CN")[0]
    named: dict[str, New] = {
        _FIELDS[kind]: list(values) for kind, values in subject.items() if kind in _FIELDS
    }
    if named:
        spec["subject"] = named
    if order.profile == "ca":
        spec["isCA"] = True
    for field, names in (("dnsNames", order.dns_names), ("ipAddresses", order.ip_addresses)):
        if names:
            spec[field] = list(names)
    renew = min(_RENEW_DAYS * _HOURS, order.days * _HOURS // 3)
    spec |= {
        "duration": Commented(f"{order.days * _HOURS}h", f"{order.days} days."),
        "renewBefore": f"{renew}h",
        "usages": list(_USAGES[order.profile]),
        "privateKey": _private_key(order),
        "issuerRef": {"group": _GROUP, "kind": issuer[0], "name": issuer[1]},
    }
    return _object("Certificate", secret, release, spec)


def _private_key(order: CertificateOrder) -> New:
    # A new key for the CA would cut every client off that trusts the one before.
    policy = "Never" if order.profile == "ca" else "Always"
    kind, size = _algorithm(order.key_type)
    return {"algorithm": kind, "size": size, "encoding": "PKCS8", "rotationPolicy": policy}


def _algorithm(key_type: KeyType) -> tuple[str, int]:
    kind, size = key_type.split("-")
    return ("RSA", int(size)) if kind == "rsa" else ("ECDSA", int(size.removeprefix("p")))


def _object(kind: str, name: str, release: Release, spec: New) -> New:
    return {
        "apiVersion": _API,
        "kind": kind,
        "metadata": kubernetes.metadata(name, release),
        "spec": spec,
    }


def _ca_name(release: Release, ca: str) -> str:
    return f"{release.name}-{ca}"

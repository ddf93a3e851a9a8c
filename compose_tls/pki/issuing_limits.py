"""Whether the CAs of a chain may issue what is below them, as the stacks of the SDKs judge it.

Those look at every certificate below a CA that has name constraints, its intermediates included, and
give up where there is too much to compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import CertificatePoliciesOID, NameOID

from compose_tls.errors import ProfileViolation
from compose_tls.pki.constraints import DNS_ALONE, is_below, is_excluded, is_mail_below
from compose_tls.pki.inspection import (
    extension,
    is_issued_by,
    is_self_signed,
    names_another_issuer,
    names_of,
    parts_of,
    subtrees_of,
)
from compose_tls.pki.keys import public_key_der
from compose_tls.pki.name_forms import is_dns_name_of_go

# BoringSSL and OpenSSL compare no more names with constraints (crypto/x509/v3_ncons.c, NAME_CHECK_MAX).
_MOST_COMPARISONS: Final = 1 << 20

# Java takes no longer message in a handshake (jdk.tls.maxHandshakeMessageSize).
_MOST_SENT: Final = 32 * 1024

# Nor more certificates than these (jdk.tls.maxCertificateChainLength).
_MOST_CERTIFICATES: Final = 10

# Under constraints on these, rustls refuses any certificate with such a name (rustls-webpki,
# subject_name/mod.rs); gRPC does so too for the last two.
_UNREAD: Final[Mapping[type[x509.GeneralName], str]] = {
    x509.RFC822Name: "e-mail addresses",
    x509.UniformResourceIdentifier: "URIs",
    x509.DirectoryName: "directory names",
    x509.RegisteredID: "registered identifiers",
    x509.OtherName: "names of other kinds",
}

_MAPPINGS: Final = x509.ObjectIdentifier("2.5.29.33")
_ANY_POLICY: Final = bytes.fromhex("0604551d2000")


def require_sendable(sent: Sequence[x509.Certificate], *, path: str) -> None:
    """Make sure that clients take the certificates that a server sends.

    Raises:
        ProfileViolation: They are too large, or too many.
    """
    count = len(sent)
    if count > _MOST_CERTIFICATES:
        raise ProfileViolation(
            f"{path} has {count} certificates: Java accepts {_MOST_CERTIFICATES} at most",
            hint=f"leave those out of {path} that do not lead to its CA",
            path=path,
        )
    # RFC 8446 section 4.4.2: lengths and empty extensions with each.
    size = sum(len(one.public_bytes(Encoding.DER)) + 5 for one in sent)
    if size > _MOST_SENT:
        raise ProfileViolation(
            f"{path} and its intermediates have {size} bytes: Java accepts {_MOST_SENT} at most",
            hint="use a certificate with fewer names, or a shorter chain",
            path=path,
        )


def require_read_as_sent(
    sent: Sequence[x509.Certificate], trusted: Sequence[x509.Certificate], *, path: str
) -> None:
    """Make sure that what a server sends is a chain where Java takes it for one.

    Where each certificate names the next one, and the last a CA that is trusted, Java looks for no other
    way up (sun.security.validator, PKIXValidator.engineValidate).

    Raises:
        ProfileViolation: One did not issue the one before it, but has the name of who did.
    """
    anchors = {(_canonical(one.subject), public_key_der(one.public_key())) for one in trusted}
    chain = [*sent[:1]]
    for one in sent[1:]:
        name = _canonical(one.subject)
        if name != _canonical(chain[-1].issuer):
            return
        if (name, public_key_der(one.public_key())) in anchors:
            break
        chain.append(one)
    if _canonical(chain[-1].issuer) not in {name for name, _ in anchors}:
        return
    for below, above in pairwise(chain):
        if not is_issued_by(below, above):
            raise ProfileViolation(
                f"{path} holds another CA {above.subject.rfc4514_string()} than the one that issued what"
                " stands before it: Java takes it for that one, and refuses the chain",
                hint=f"leave that certificate out of {path}",
                path=path,
            )


def _canonical(name: x509.Name) -> str:
    """A name as Java compares it: X500Principal.equals."""
    return " ".join(name.rfc4514_string().lower().split())


def require_links(chain: Sequence[x509.Certificate], path: str) -> None:
    """Make sure that each certificate names the one above it, and the root itself, as its issuer.

    Args:
        chain: From the end entity up to what is trusted.
        path: The file that errors name.

    Raises:
        ProfileViolation: One names another serial number or issuer, in addition to the key.
    """
    last = chain[-1]
    above = [*chain[1:], *([last] if is_self_signed(last) else [])]
    for certificate, issuer in zip(chain, above, strict=False):
        if names_another_issuer(certificate, issuer):
            name = certificate.subject.rfc4514_string() or path
            raise ProfileViolation(
                f"the authority key identifier of {name} has serial number and issuer of another"
                f" certificate than its CA {issuer.subject.rfc4514_string()}: Node refuses it",
                hint="use a certificate whose authority key identifier has only the key of its CA",
                path=path,
            )


def require_permitted_below(chain: Sequence[x509.Certificate], *, path: str) -> None:
    """Make sure that each CA may issue for the names below it (RFC 5280 section 4.2.1.10).

    Args:
        chain: From the end entity up to what is trusted.
        path: The file that errors name.

    Raises:
        ProfileViolation: One may not.
    """
    for place, ca in enumerate(chain):
        limits = extension(ca, x509.NameConstraints)
        for below in chain[:place] if limits else ():
            _require_permitted(below, ca, path)
        _require_few(limits, chain[:place], ca, path)


def require_policies(chain: Sequence[x509.Certificate], *, path: str) -> None:
    """Make sure that one policy holds all the way where a CA demands that (RFC 5280 section 6.1).

    Raises:
        ProfileViolation: A CA below the root demands one, and there is none, or maps them wrongly.
    """
    below = [one for one in chain if not is_self_signed(one)]
    for one in below[1:]:
        if not all(map(_is_mapped, (held for held in one.extensions if held.oid == _MAPPINGS))):
            raise ProfileViolation(
                f"the intermediate {one.subject.rfc4514_string()} of {path} has an empty"
                " policyMappings extension, or one with anyPolicy, and gRPC refuses it",
                hint="use a CA made to RFC 5280",
                path=path,
            )
    limits = [extension(one, x509.PolicyConstraints) for one in below]
    skipped = [one.value.require_explicit_policy if one else None for one in limits]
    if not any(skip is not None and skip <= place for place, skip in enumerate(skipped)):
        return
    shared: set[x509.ObjectIdentifier] | None = None
    for one in below:
        policies = extension(one, x509.CertificatePolicies)
        told = {policy.policy_identifier for policy in policies.value} if policies else set()
        if CertificatePoliciesOID.ANY_POLICY not in told:
            shared = told if shared is None else shared & told
    if shared is not None and not shared:
        raise ProfileViolation(
            f"{path} has no certificate policy that its CAs share, and one of them demands one: gRPC, Go"
            " and Java refuse it",
            hint="use a certificate with the policy of its CA",
            path=path,
        )


def _is_mapped(mappings: x509.Extension[x509.ExtensionType]) -> bool:
    """Whether there are policies, and all of them are mapped to others (RFC 5280 section 4.2.1.5)."""
    pairs = parts_of(mappings.value.public_bytes())
    return bool(pairs) and not any(_ANY_POLICY in parts_of(pair) for pair in pairs)


def require_no_address_constraints(
    chain: Iterable[x509.Certificate], ip_addresses: Iterable[str], *, path: str | None = None
) -> None:
    """Make sure that no CA has name constraints on IP addresses, where one is to be certified.

    BoringSSL does not know that kind (crypto/x509/v3_ncons.cc: X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE),
    and looks at it only when the certificate holds an address.

    Raises:
        ProfileViolation: A CA has.
    """
    for ca in chain if tuple(ip_addresses) else ():
        for subtrees in subtrees_of(ca):
            if any(isinstance(name, x509.IPAddress) for name in subtrees):
                raise ProfileViolation(
                    f"the CA {ca.subject.rfc4514_string()} has name constraints on IP addresses, "
                    "with which gRPC refuses every certificate that contains one",
                    hint=f"use {DNS_ALONE}",
                    path=path,
                )


def _trees(
    ca: x509.Certificate, kind: type[x509.RFC822Name | x509.DNSName]
) -> tuple[list[str], list[str]]:
    """The names of one kind that a CA may issue for, and those that it may not."""
    permitted, excluded = (
        [name.value for name in subtrees if isinstance(name, kind)] for subtrees in subtrees_of(ca)
    )
    return permitted, excluded


def _require_permitted(below: x509.Certificate, ca: x509.Certificate, path: str) -> None:
    dns_names, ip_addresses = names_of(below)
    require_no_address_constraints([ca], ip_addresses, path=path)
    title = ca.subject.rfc4514_string()
    held = extension(below, x509.SubjectAlternativeName)
    for kind, names in _UNREAD.items():
        constrained = any(isinstance(one, kind) for trees in subtrees_of(ca) for one in trees)
        if held and constrained and any(isinstance(one, kind) for one in held.value):
            raise ProfileViolation(
                f"the CA {title} has name constraints on {names}, with which rustls and others "
                "refuse every certificate that contains one",
                hint=f"use {DNS_ALONE}",
                path=path,
            )
    mails = [str(one.value) for one in below.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)]
    allowed, forbidden = _trees(ca, x509.RFC822Name)
    outside = [
        mail
        for mail in mails
        if (allowed and not is_mail_below(mail, allowed)) or is_mail_below(mail, forbidden)
    ]
    if outside:
        raise ProfileViolation(
            f"{path} has {', '.join(outside)} in a subject, for which its CA {title} may not issue: gRPC"
            " and Node refuse it",
            hint=f"use {DNS_ALONE}",
            path=path,
        )
    permitted, excluded = _trees(ca, x509.DNSName)
    wrong = [
        name
        for name in dns_names
        if (permitted and not is_below(name, permitted))
        or is_excluded(name, excluded)
        or not is_dns_name_of_go(name.removeprefix("*."))
    ]
    subject = below.subject.rfc4514_string()
    inner = extension(below, x509.BasicConstraints)
    what = f"the intermediate {subject} of {path}" if inner and inner.value.ca else path
    if wrong:
        raise ProfileViolation(
            f"{what} is for {', '.join(wrong)}, for which its CA {title} may not issue",
            hint="use a certificate whose names its CA may issue for",
            path=path,
        )
    permitted_names, excluded_names = (
        [name.value for name in subtrees if isinstance(name, x509.DirectoryName)]
        for subtrees in subtrees_of(ca)
    )
    if below.subject.rdns and (
        any(_is_under(below.subject, one) for one in excluded_names)
        or (permitted_names and not any(_is_under(below.subject, one) for one in permitted_names))
    ):
        raise ProfileViolation(
            f"{what} has the subject {subject}, for which its CA {title} may not issue",
            hint=f"use {DNS_ALONE}",
            path=path,
        )


def _require_few(
    limits: x509.Extension[x509.NameConstraints] | None,
    below: Sequence[x509.Certificate],
    ca: x509.Certificate,
    path: str,
) -> None:
    constraints = sum(map(len, subtrees_of(ca))) if limits else 0
    for certificate in below if constraints else ():
        names = extension(certificate, x509.SubjectAlternativeName)
        held = len(list(certificate.subject)) + len(list(names.value) if names else ())
        if held * constraints > _MOST_COMPARISONS:
            raise ProfileViolation(
                f"{path} has {held} names under {constraints} name constraints of"
                f" {ca.subject.rfc4514_string()}: gRPC and Node compare no more than"
                f" {_MOST_COMPARISONS} pairs",
                hint=f"use {DNS_ALONE}",
                path=path,
            )


def _is_under(name: x509.Name, tree: x509.Name) -> bool:
    """Whether a distinguished name is in a subtree (RFC 5280 section 4.2.1.10)."""
    return name.rdns[: len(tree.rdns)] == tree.rdns

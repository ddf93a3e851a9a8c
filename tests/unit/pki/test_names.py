"""Which names a certificate may carry."""

from __future__ import annotations

import ipaddress
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compose_tls.errors import NameInvalid
from compose_tls.pki.names import covers, split_names

_EDGE = st.sampled_from(string.ascii_letters + string.digits + "_")
_INNER = st.text(string.ascii_letters + string.digits + "_-", max_size=20)
_LABELS = st.builds(lambda first, inner, last: first + inner + last, _EDGE, _INNER, _EDGE)
_DNS_NAMES = st.lists(_LABELS, min_size=1, max_size=4).map(".".join).filter(
    lambda name: (
        not name.rpartition(".")[2].isdecimal()
        and not any(label.lower().startswith("xn--") for label in name.split("."))
    )
)  # fmt: skip
_ADDRESSES = st.ip_addresses().map(str)


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("localhost", "localhost"),
        ("Milvus.Example.COM", "milvus.example.com"),
        ("milvus_standalone", "milvus_standalone"),
        ("_milvus", "_milvus"),
        ("host.docker.internal", "host.docker.internal"),
        ("*.example.com", "*.example.com"),
        ("3com.example", "3com.example"),
        ("1.2.3.4.example", "1.2.3.4.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER。example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("my_host.bücher.example", "my_host.xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("日本語.jp", "xn--wgv71a119e.jp"),
        # Not of IDNA 2008, and clients compare the characters.
        ("XN--N3H.com", "xn--n3h.com"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        (".".join(["a" * 49] * 5) + ".abc", ".".join(["a" * 49] * 5) + ".abc"),
    ],
)
def test_a_dns_name_comes_out_as_a_certificate_spells_it(given_name: str, expected: str) -> None:
    assert split_names([given_name]) == ((expected,), ())


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:DB8::00A0", "2001:db8::a0"),
    ],
)
def test_an_address_comes_out_in_its_shortest_form(given_name: str, expected: str) -> None:
    assert split_names([given_name]) == ((), (expected,))


def test_order_is_kept_and_repetitions_are_dropped() -> None:
    names = ["b", "::1", "a", "B", "10.0.0.1", "0::1", "a"]
    assert split_names(names) == (("b", "a"), ("::1", "10.0.0.1"))


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("", "a name is empty", "milvus.example.com"),
        ("a b", "'a b' contains a space or a control character", ""),
        ("a\x00b", "'a\\x00b' contains a space or a control character", ""),
        ("a\u202eb", "contains a space or a control character", ""),
        ("a..b", "'a..b' has an empty part between its dots", ""),
        (".example.com", "empty part", ""),
        ("localhost.", "localhost. ends in a dot", "write localhost"),
        ("https://localhost:19530", "is a URL", "give the host without"),
        ("tcp://host", "is a URL", "give the host without"),
        ("localhost:19530", "neither a name nor an address", "without port"),
        ("[::1]", "neither a name nor an address", "brackets"),
        ("10.0.0.0/8", "neither a name nor an address", ""),
        ("me@example.com", "e-mail address", ""),
        ("fe80::1%eth0", "fe80::1%eth0 has a zone", "fe80::1"),
        ("*", "too broad a wildcard", "*.example.com"),
        ("*.local", "too broad a wildcard", "*.example.com"),
        ("a.*.example.com", "not the whole first part", "*.example.com"),
        ("a*.example.com", "not the whole first part", "*.example.com"),
        ("*.*.example.com", "not the whole first part", "*.example.com"),
        ("-a", "is not a DNS name: -a", "letters"),
        ("a-", "is not a DNS name: a-", "letters"),
        ("a!b", "is not a DNS name: a!b", "letters"),
        ("127.0.0.256", "is not a valid IPv4 address", ""),
        ("127.0.0.01", "is not a valid IPv4 address", ""),
        ("1", "is not a valid IPv4 address", ""),
        ("a" * 64, "longer than the 63 characters", "shorter"),
        (".".join(["a" * 49] * 5) + ".abcd", "longer than 253 characters", "shorter"),
        ("xn--a.example", "not a valid international name", "ASCII form"),
        ("☃.example", "not a valid international name", "ASCII form"),
        ("xn--test--wg5h0h.com", "not a valid international name", "ASCII form"),
        ("bü_cher.example", "not a valid international name", "ASCII form"),
        ("ü" * 70 + ".example", "not a valid international name", "ASCII form"),
    ],
)
def test_what_is_no_name_is_refused_with_a_reason_and_a_way_out(
    name: str, message: str, hint: str
) -> None:
    with pytest.raises(NameInvalid) as caught:
        split_names(["fine.example", name])
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


@settings(max_examples=50)
@given(st.lists(_DNS_NAMES | _ADDRESSES, max_size=8))
def test_splitting_is_idempotent_and_loses_no_name(names: list[str]) -> None:
    dns, ips = split_names(names)
    assert split_names([*dns, *ips]) == (dns, ips)
    assert {*dns, *ips} == {
        split for name in names for half in split_names([name]) for split in half
    }
    assert all(covers(name, dns, ips) for name in names)


@given(st.text(max_size=40))
def test_any_text_is_either_refused_or_becomes_an_ascii_name(text: str) -> None:
    try:
        dns, ips = split_names([text])
    except NameInvalid:
        return
    for name in dns:
        assert name.isascii()
        assert name == name.lower()
        assert len(name) <= 253
        assert all(0 < len(label) <= 63 for label in name.split("."))
    for address in ips:
        assert str(ipaddress.ip_address(address)) == address
    assert len(dns) + len(ips) == 1


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        ("milvus.example.com", True),
        ("MILVUS.example.com", True),
        ("a.internal.example", True),
        ("*.internal.example", True),
        ("a.b.internal.example", False),
        ("internal.example", False),
        ("example.com", False),
        ("10.0.0.1", True),
        ("10.0.0.2", False),
        ("0:0::1", True),
    ],
)
def test_a_name_is_covered_by_itself_or_by_a_wildcard_one_label_up(
    name: str, *, covered: bool
) -> None:
    held = ("Milvus.Example.com", "*.internal.example")
    assert covers(name, held, ("10.0.0.1", "::1")) is covered

"""Subjects from text."""

from __future__ import annotations

import unicodedata

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from compose_tls.errors import NameInvalid
from compose_tls.pki.subject import extend_common_name, parse_subject

_GUIDE = "C=CN,ST=Shanghai,L=Shanghai,O=milvus,OU=milvus"


@pytest.mark.parametrize(
    "text",
    [
        f"CN=localhost,{_GUIDE}",
        f"{_GUIDE},CN=localhost",
        "CN=localhost,OU=milvus,O=milvus,L=Shanghai,ST=Shanghai,C=CN",
        " cn = localhost , ou=milvus,o=milvus , l=Shanghai,st=Shanghai,c=cn ".replace("= ", "="),
    ],
)
def test_the_certificate_lists_the_broadest_attribute_first_whatever_the_text_does(
    text: str,
) -> None:
    assert [(attribute.rfc4514_attribute_name, attribute.value) for attribute in parse_subject(text)] == [
        ("C", "CN"),
        ("ST", "Shanghai"),
        ("L", "Shanghai"),
        ("O", "milvus"),
        ("OU", "milvus"),
        ("CN", "localhost"),
    ]  # fmt: skip


def test_repeated_attributes_keep_the_order_of_rfc_4514() -> None:
    name = parse_subject("CN=x,OU=inner,OU=outer,DC=example,DC=com")
    assert name.rfc4514_string() == "CN=x,OU=inner,OU=outer,DC=example,DC=com"
    assert [attribute.value for attribute in name] == ["com", "example", "outer", "inner", "x"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"CN=Doe\, Jane", "Doe, Jane"),
        (r"CN=a\+b", "a+b"),
        (r"CN=\#1", "#1"),
        (r"CN=a=b", "a=b"),
        (r"CN=\E4\BD\A0\E5\A5\BD", "你好"),
        ("CN=你好", "你好"),
        (r"CN=a\\", "a\\"),
        (r"CN=a\\,C=DE", "a\\"),
    ],
)
def test_values_are_unescaped(text: str, value: str) -> None:
    (attribute,) = parse_subject(text).get_attributes_for_oid(NameOID.COMMON_NAME)
    assert attribute.value == value


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "is not TYPE=value", "CN=localhost"),
        ("CN=a,", "'' is not TYPE=value", "CN=localhost"),
        ("localhost", "'localhost' is not TYPE=value", "CN=localhost"),
        ("/C=CN/CN=x", "unknown attribute type '/C'", "C"),
        ("COUNTRY=CN,CN=x", "unknown attribute type 'COUNTRY'", "use DC, C,"),
        ("CNN=x", "unknown attribute type 'CNN'", "did you mean CN?"),
        ("=x", "unknown attribute type ''", "use DC, C,"),
        ("CN=x,C=CHN", "C=CHN is not a country code of two letters", "correct"),
        ("CN=x,C=C1", "C=C1 is not a country code of two letters", "correct"),
        ("CN=x,C=ÄÖ", "C=ÄÖ is not a country code of two letters", "correct"),
        ("CN=", "CN= is empty", "correct"),
        ("CN=x,O=", "O= is empty", "correct"),
        (r"CN=x\ ", "begins or ends with a space", "correct"),
        ("CN=a\x07b", "contains a control character", "correct"),
        (r"CN=a\00b", "contains a control character", "correct"),
        ("CN=a\u202eb", "contains a control character", "correct"),
        ("CN=x,DC=bücher", "DC=bücher is not ASCII", "correct"),
        ("CN=" + "a" * 65, "longer than 64", "correct"),
        ("CN=x,O=" + "a" * 65, "longer than 64", "correct"),
        ("CN=x,L=" + "a" * 129, "longer than 128", "correct"),
        ("CN=a+OU=b", "value of CN cannot be read", "backslash"),
        ("CN=#0c0161", "value of CN cannot be read", "backslash"),
        ('CN="a"', "value of CN cannot be read", "backslash"),
        (r"CN=a\zz", "value of CN cannot be read", "backslash"),
        ("CN=a\udc80", "value of CN cannot be read", "backslash"),
        (r"CN=a\FF", "value of CN cannot be read", "backslash"),
        ("CN=a\\", "ends in a backslash", "CN=localhost"),
        ("CN=a,CN=b", "more than one CN", "keep one CN"),
        ("CN=a,C=CN,C=DE", "more than one C", "keep one C"),
        ("O=milvus", "has no common name", "begin it with CN="),
    ],
)
def test_a_bad_subject_is_refused_with_what_is_wrong_and_what_helps(
    text: str, message: str, hint: str
) -> None:
    with pytest.raises(NameInvalid) as caught:
        parse_subject(text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_suffix_goes_to_the_common_name_alone() -> None:
    name = extend_common_name(parse_subject("CN=my CA,O=my,C=DE"), " 1f")
    assert name.rfc4514_string() == "CN=my CA 1f,O=my,C=DE"


def test_a_common_name_that_the_suffix_makes_too_long_is_refused() -> None:
    with pytest.raises(NameInvalid, match="longer than 64"):
        extend_common_name(parse_subject("CN=" + "a" * 60), " 12345678")


def _usable(text: str) -> bool:
    return text == text.strip() and not any(
        unicodedata.category(character).startswith("C") for character in text
    )


_VALUES = st.text(min_size=1, max_size=16).filter(_usable)


@settings(max_examples=50)
@given(cn=_VALUES, ou=st.lists(_VALUES, max_size=2), o=st.none() | _VALUES)
def test_a_name_survives_the_way_through_text(cn: str, ou: list[str], o: str | None) -> None:
    wanted = x509.Name(
        [
            *([x509.NameAttribute(NameOID.ORGANIZATION_NAME, o)] if o else []),
            *(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, value) for value in ou),
            x509.NameAttribute(NameOID.COMMON_NAME, cn),
        ]
    )
    found = parse_subject(wanted.rfc4514_string())
    assert found == wanted
    assert found.public_bytes() == wanted.public_bytes()


@given(st.text(max_size=40))
def test_any_text_is_either_refused_or_survives_being_written(text: str) -> None:
    try:
        name = parse_subject(text)
    except NameInvalid:
        return
    assert name.public_bytes()
    assert parse_subject(name.rfc4514_string()) == name

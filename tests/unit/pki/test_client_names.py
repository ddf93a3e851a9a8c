"""Names of clients."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose_tls.errors import NameInvalid
from compose_tls.pki.client_names import client_dns_name, client_name
from compose_tls.pki.names import split_names


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("alice", "alice"),
        ("etl-7", "etl-7"),
        ("a.b", "a.b"),
        ("müller", "xn--mller-kva"),
        ("x" * 63, "x" * 63),
    ],
)
def test_a_name_that_can_be_a_label_is_one(name: str, label: str) -> None:
    assert client_dns_name(client_name(name)) == f"{label}.client.milvus.internal"


@pytest.mark.parametrize(
    "name", ["Alice", "bob smith", "alice@example.com", "-", "x" * 64, "xn--a"]
)
def test_any_other_keeps_its_letters_and_gets_a_hash(name: str) -> None:
    try:
        spelled = client_name(name)
    except NameInvalid:
        assert name == "-"
        return
    label = client_dns_name(spelled).removesuffix(".client.milvus.internal")
    assert re.fullmatch(r"[a-z0-9-]*[0-9a-f]{8}", label)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        (" alice", "begins or ends with a space"),
        ("a\nb", "control character"),
        ("a/b", "slash"),
        ("a\\b", "slash"),
        ("../x", "slash"),
        (".hidden", "begins with ."),
        ("-rf", "begins with -"),
        ("con", "device of Windows"),
        ("NUL.bak", "device of Windows"),
        ("Com1", "device of Windows"),
        ("x" * 65, "longer than 64 bytes"),
        ("ü" * 33, "longer than 64 bytes"),
    ],
)
def test_what_cannot_be_the_name_of_a_file_or_a_subject_is_refused(name: str, reason: str) -> None:
    with pytest.raises(NameInvalid, match=re.escape(reason)):
        client_name(name)


def test_one_name_has_one_spelling() -> None:
    assert client_name("mu\u0308ller") == client_name("m\u00fcller")


def _spelled(name: str) -> str | None:
    try:
        return client_name(name)
    except NameInvalid:
        return None


# Mostly names that are taken, so that little has to be thrown away.
_CHARACTERS = st.characters(exclude_categories=["C"], exclude_characters="/\\ ")
_NAMES = (
    st.text(_CHARACTERS, min_size=1, max_size=12)
    .map(_spelled)
    .filter(lambda name: name is not None)
)


@given(_NAMES)
def test_every_name_becomes_a_dns_name(name: str) -> None:
    dns_name = client_dns_name(name)
    assert split_names([dns_name]) == ((dns_name,), ())


@given(_NAMES, _NAMES)
def test_two_names_never_become_one(one: str, other: str) -> None:
    same = unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    assert (client_dns_name(one) == client_dns_name(other)) == same

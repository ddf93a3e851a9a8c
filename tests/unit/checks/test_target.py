from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from compose_tls.checks.check_target import Target
from compose_tls.vocabulary import TlsMode

TARGET = Target("localhost", 19530, "localhost", TlsMode.ONE_WAY, Path("ca.pem"))


@pytest.mark.parametrize(
    ("host", "uri"),
    [
        ("localhost", "https://localhost:19530"),
        ("10.0.0.1", "https://10.0.0.1:19530"),
        ("::1", "https://[::1]:19530"),
    ],
)
def test_the_uri_holds_the_host_and_ipv6_in_brackets(host: str, uri: str) -> None:
    assert replace(TARGET, host=host).uri == uri


@pytest.mark.parametrize(
    ("user", "password", "token", "credential"),
    [
        (None, None, None, None),
        ("root", "Milvus", None, "root:Milvus"),
        ("root", None, None, "root:"),
        (None, None, "abc", "abc"),
        ("root", "Milvus", "abc", "abc"),
    ],
)
def test_a_credential_is_a_token_or_user_and_password(
    user: str | None, password: str | None, token: str | None, credential: str | None
) -> None:
    target = replace(TARGET, user=user, password=password, token=token)
    assert target.credential == credential


def test_no_secret_shows_when_a_target_is_printed() -> None:
    shown = repr(
        replace(TARGET, user="root", password="pass-word", token="to-ken", pem={Path("a"): b"ke-y"})
    )
    assert "pass-word" not in shown
    assert "to-ken" not in shown
    assert "ke-y" not in shown

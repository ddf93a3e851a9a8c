from __future__ import annotations

from typing import Any

import pytest

from compose_tls.connection import ContainerRoute
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows.snippets import LANGUAGES
from tests.unit.sdk.connections import of

MODES = pytest.mark.parametrize("mode", [TlsMode.ONE_WAY, TlsMode.MUTUAL])
ROUTES = [None, ContainerRoute("standalone", 19530)]


@MODES
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("rest_uri", [None, "https://localhost:8080"])
def test_client_files_are_named_in_mode_2_alone(
    mode: TlsMode, lang: str, rest_uri: str | None
) -> None:
    text = of(lang, mode, rest_uri=rest_uri)

    assert ("client.key" in text) is (mode is TlsMode.MUTUAL)
    assert "ca.pem" in text


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("release", [(2, 3), (3, 0), None])
def test_a_token_comes_from_the_environment_where_authentication_is_on_alone(
    lang: str, release: tuple[int, int] | None
) -> None:
    def text(*, authentication: bool) -> str:
        return of(lang, TlsMode.MUTUAL, release=release, authentication=authentication)

    assert "MILVUS_TOKEN" not in text(authentication=False)
    # Attu before 3 asks for user and password on its page.
    asks_itself = lang == "attu" and release != (3, 0)
    assert ("MILVUS_TOKEN" in text(authentication=True)) is not asks_itself


@MODES
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("authentication", [False, True])
def test_no_snippet_has_lines_that_a_terminal_folds_or_trailing_blanks(
    mode: TlsMode, lang: str, authentication: bool, route: ContainerRoute | None
) -> None:
    short: dict[str, Any] = {
        "ca_pem": "/milvus/cert/ca.pem",
        "client_pem": "/milvus/cert/client.pem",
        "client_key": "/milvus/cert/client.key",
        "authentication": authentication,
        "container_route": route,
    }

    lines = of(lang, mode, server_name="db.test", **short).splitlines()

    assert max(map(len, lines)) <= 100
    assert [line for line in lines if line != line.rstrip()] == []

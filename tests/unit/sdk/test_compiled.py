"""JavaScript, Java, Go and C#: read by the grammars of these languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from compose_tls.vocabulary import TlsMode
from tests.unit.sdk.connections import FILES, GRAMMARS, PATHS, literals, of, used

MODES = pytest.mark.parametrize("mode", [TlsMode.ONE_WAY, TlsMode.MUTUAL])
LANGS = pytest.mark.parametrize("lang", GRAMMARS)
FEW = settings(max_examples=40)


@LANGS
@MODES
@FEW
@given(files=PATHS)
def test_any_path_comes_back_as_it_was(mode: TlsMode, lang: str, files: dict[str, str]) -> None:
    assert used(mode, files) <= set(literals(lang, of(lang, mode, **files)))


@LANGS
@MODES
@pytest.mark.parametrize("authentication", [False, True])
def test_code_is_whole_and_names_server_files_and_token(
    mode: TlsMode, lang: str, authentication: bool
) -> None:
    text = of(lang, mode, authentication=authentication, uri="https://10.0.0.5:19531")

    found = literals(lang, text)
    assert used(mode) <= set(found)
    assert set(found).isdisjoint(set(FILES.values()) - used(mode))
    assert ("MILVUS_TOKEN" in text) is authentication
    named = "https://localhost:19531" if lang == "csharp" else "localhost"
    assert named in found
    assert ("10.0.0.5" if lang == "csharp" else "https://10.0.0.5:19531") in found


def test_a_line_separator_is_escaped_for_every_language() -> None:
    # C# ends a line at each of these, and so an ordinary string.
    path = "/\u2028\u2029\u0085\r\n\t\x7f\ufeff/ca.pem"
    for lang in GRAMMARS:
        text = of(lang, TlsMode.ONE_WAY, ca_pem=path)
        assert "\u2028" not in text
        assert path in literals(lang, text)


def test_readable_paths_stay_readable_but_in_java() -> None:
    path = "/home/jürgen/milvus 🦅/ca.pem"
    for lang in GRAMMARS:
        text = of(lang, TlsMode.ONE_WAY, ca_pem=path)
        assert (path in text) is (lang != "java")
        # javac before 18 reads a file in the encoding of the machine.
        assert text.isascii() is (lang == "java")
        assert path in literals(lang, text)


def test_go_gets_the_bytes_of_a_path_that_is_not_utf_8() -> None:
    path = b"/caf\xe9/ca.pem".decode("utf-8", "surrogateescape")

    assert r'"/caf\xe9/ca.pem"' in of("go", TlsMode.ONE_WAY, ca_pem=path)


@pytest.mark.parametrize("lang", ["node", "java"])
def test_sdk_options_are_those_of_the_mode(lang: str) -> None:
    options = {
        "node": ("rootCertPath", "certChainPath", "privateKeyPath", "rootCertPath"),
        "java": (".caPemPath", ".clientPemPath", ".clientKeyPath", ".serverPemPath"),
    }[lang]
    one_way, mutual = (of(lang, mode) for mode in (TlsMode.ONE_WAY, TlsMode.MUTUAL))

    assert all(option in mutual for option in options[:3])
    assert options[3] in one_way
    # In Java it wins over the client certificate.
    assert ".serverPemPath" not in mutual
    assert not any(option in one_way for option in options[1:3])


def test_csharp_goes_to_the_address_under_the_name_where_these_differ() -> None:
    same = of("csharp", TlsMode.ONE_WAY)
    other = of("csharp", TlsMode.ONE_WAY, uri="https://[fd00::5]:19531", server_name="db.test")

    assert "ConnectCallback" not in same
    assert 'ForAddress("https://localhost:19530",' in same
    assert 'socket.ConnectAsync("fd00::5", 19531, cancellation)' in other
    assert 'ForAddress("https://db.test:19531",' in other

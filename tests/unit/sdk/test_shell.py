from __future__ import annotations

import base64
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings

from compose_tls.vocabulary import TlsMode
from tests.unit.sdk.connections import FILES, PATHS, curl_words, of, used, variables, with_curl

MODES = pytest.mark.parametrize("mode", [TlsMode.ONE_WAY, TlsMode.MUTUAL])
REST = "https://localhost:8080"
CLIENT = ["--cert", FILES["client_pem"], "--key", FILES["client_key"]]
# Each example starts a shell.
FEW = settings(max_examples=25)


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (TlsMode.ONE_WAY, {"GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": FILES["ca_pem"]}),
        (
            TlsMode.MUTUAL,
            {
                "MILVUS_CLIENT_PEM": FILES["client_pem"],
                "MILVUS_CLIENT_KEY": FILES["client_key"],
            },
        ),
    ],
)
def test_settings_survive_the_shell(mode: TlsMode, names: dict[str, str]) -> None:
    assert variables(of("env", mode, authentication=True)) == {
        "MILVUS_URI": "https://localhost:19530",
        "MILVUS_SERVER_NAME": "localhost",
        "MILVUS_CA_PEM": FILES["ca_pem"],
        **names,
    }


@MODES
@FEW
@given(files=PATHS)
def test_any_path_survives_the_shell(mode: TlsMode, files: dict[str, str]) -> None:
    assert used(mode, files) <= set(variables(of("env", mode, **files)).values())
    for rest_uri in (None, REST):
        assert used(mode, files) <= set(curl_words(of("curl", mode, rest_uri=rest_uri, **files)))


@MODES
@pytest.mark.parametrize("release", [(2, 4), (2, 6), (3, 0), None])
def test_curl_lists_collections_where_rest_is_on(
    mode: TlsMode, release: tuple[int, int] | None
) -> None:
    text = of("curl", mode, rest_uri=REST, release=release)

    command = curl_words(text)
    assert command[:2] == ["--cacert", FILES["ca_pem"]]
    assert command[2:6] == CLIENT or mode is TlsMode.ONE_WAY
    assert ("--cert" in command) is (mode is TlsMode.MUTUAL)
    assert command[-1] == "https://localhost:8080/v2/vectordb/collections/list"
    assert "--connect-to" not in command
    # Where the version is known, nobody has to choose.
    assert ("/v1/" in text) is (release is None)


@MODES
def test_curl_asks_milvus_2_3_as_that_answers(mode: TlsMode) -> None:
    text = of("curl", mode, rest_uri=REST, release=(2, 3))

    command = curl_words(text)
    assert command[-1] == "https://localhost:8080/v1/vector/collections"
    assert "-d" not in command
    assert "v2" not in text


@MODES
def test_curl_says_how_to_get_rest_and_asks_over_grpc_where_it_is_off(mode: TlsMode) -> None:
    text = of("curl", mode)
    assert text.startswith("# REST is off.")
    assert "--rest-port 8080" in text
    # The message around the version is not text: a terminal must not get it.
    answer = r"\000\000\000\000\017\n\000\022\vv2.3.5-lite"
    assert printed(f"curl() {{ printf '{answer}'; }}\n{text}") == "v2.3.5-lite\n"
    command = curl_words(text)
    assert command[-1] == ("https://localhost:19530/milvus.proto.milvus.MilvusService/GetVersion")
    assert ("--cert" in command) is (mode is TlsMode.MUTUAL)


@pytest.mark.parametrize(
    ("uri", "name", "route", "url"),
    [
        ("https://10.0.0.5:8080", "db.test", "db.test:8080:10.0.0.5:8080", "https://db.test:8080/"),
        (
            "https://[fd00::5]:8080",
            "db.test",
            "db.test:8080:[fd00::5]:8080",
            "https://db.test:8080/",
        ),
        ("https://localhost:8080", "::1", "[::1]:8080:localhost:8080", "https://[::1]:8080/"),
        ("https://10.0.0.5", "db.test", "db.test:443:10.0.0.5:443", "https://db.test:443/"),
    ],
)
def test_curl_verifies_the_server_name_at_another_address(
    uri: str, name: str, route: str, url: str
) -> None:
    command = curl_words(of("curl", TlsMode.ONE_WAY, rest_uri=uri, server_name=name))
    assert command[command.index("--connect-to") + 1] == route
    assert command[-1].startswith(url)


def test_an_address_in_brackets_is_no_pattern_to_a_shell() -> None:
    assert "'https://[::1]:8080/" in of(
        "curl", TlsMode.ONE_WAY, rest_uri="https://[::1]:8080", server_name="::1"
    )


@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ({"rest_uri": REST}, "Authorization: Bearer root:pass word"),
        ({"rest_uri": REST, "release": (2, 3)}, "Authorization: Bearer root:pass word"),
        ({}, f"Authorization: {base64.b64encode(b'root:pass word').decode()}"),
    ],
)
def test_the_token_reaches_curl_by_a_file_and_never_by_its_command_line(
    changes: dict[str, Any], header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MILVUS_TOKEN", "root:pass word")
    text = of("curl", TlsMode.MUTUAL, authentication=True, **changes)

    command = curl_words(text)
    assert command[command.index("@/dev/fd/3") - 1] == "-H"
    assert not [word for word in command if "pass" in word]
    assert _third_file(text) == f"{header}\n"


def printed(script: str) -> str:
    return subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True).stdout


def _third_file(text: str) -> str:
    return with_curl('{ cat <&3; printf "\\0"; }', text)[0]

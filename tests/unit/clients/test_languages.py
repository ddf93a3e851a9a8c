from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest

from compose_tls.clients.languages import LANGUAGES, snippet
from compose_tls.clients.pymilvus import connect_arguments
from compose_tls.facts import TlsMode

FILES = {
    "ca_pem": "/home/o'hara/my project/cert/ca.pem",
    "client_pem": "/home/o'hara/my project/cert/client.pem",
    "client_key": "/home/o'hara/my project/cert/client.key",
}
MODES = pytest.mark.parametrize("mode", [TlsMode.ONE_WAY, TlsMode.MUTUAL])


def of(lang: str, mode: TlsMode, **changes: Any) -> str:
    values: dict[str, Any] = {
        "uri": "https://localhost:19530",
        "server_name": "localhost",
        "rest_uri": None,
        **FILES,
        **changes,
    }
    return snippet(lang, mode=mode, **values)


def arguments(mode: TlsMode) -> dict[str, Any]:
    return connect_arguments(
        mode=mode, uri="https://localhost:19530", server_name="localhost", **FILES
    )


def test_one_way_tls_gives_pymilvus_the_ca_as_server_pem_path() -> None:
    # ca_pem_path alone is ignored by every pymilvus.
    assert arguments(TlsMode.ONE_WAY) == {
        "uri": "https://localhost:19530",
        "secure": True,
        "server_name": "localhost",
        "server_pem_path": FILES["ca_pem"],
    }


def test_mutual_tls_gives_pymilvus_three_files_and_never_server_pem_path() -> None:
    # With server_pem_path beside them, pymilvus from 2.4 on sends no client certificate.
    assert arguments(TlsMode.MUTUAL) == {
        "uri": "https://localhost:19530",
        "secure": True,
        "server_name": "localhost",
        "ca_pem_path": FILES["ca_pem"],
        "client_pem_path": FILES["client_pem"],
        "client_key_path": FILES["client_key"],
    }


@MODES
def test_python_code_calls_the_client_with_these_very_arguments(mode: TlsMode) -> None:
    code = of("python", mode)
    assert code.startswith("from pymilvus import MilvusClient\n")
    calls: list[dict[str, Any]] = []
    body = code.partition("\n")[2]
    exec(body, {"MilvusClient": lambda **given: calls.append(given)})  # noqa: S102 - it is to run
    assert calls == [arguments(mode)]


def variables(text: str) -> dict[str, str]:
    """What a shell makes of the lines."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    names = [line.partition("=")[0] for line in lines]
    script = text + "\n" + "\n".join(f'printf "%s\\0" "${name}"' for name in names)
    out = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout
    return dict(zip(names, out.split("\0"), strict=False))


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
    assert variables(of("env", mode)) == {
        "MILVUS_URI": "https://localhost:19530",
        "MILVUS_SERVER_NAME": "localhost",
        "MILVUS_CA_PEM": FILES["ca_pem"],
        **names,
    }


def words(text: str) -> list[str]:
    """The words of the command, as a shell splits them."""
    return shlex.split(text.replace("\\\n", ""), comments=True)


CLIENT = ["--cert", FILES["client_pem"], "--key", FILES["client_key"]]


@MODES
def test_curl_lists_collections_where_rest_is_on(mode: TlsMode) -> None:
    command = words(of("curl", mode, rest_uri="https://localhost:8080"))
    assert command[:3] == ["curl", "--cacert", FILES["ca_pem"]]
    assert command[3:7] == CLIENT or mode is TlsMode.ONE_WAY
    assert ("--cert" in command) is (mode is TlsMode.MUTUAL)
    assert command[-1] == "https://localhost:8080/v2/vectordb/collections/list"
    assert "--connect-to" not in command


@MODES
def test_curl_says_how_to_get_rest_and_asks_over_grpc_where_it_is_off(mode: TlsMode) -> None:
    text = of("curl", mode)
    assert text.startswith("# REST is off.")
    assert "--rest-port 8080" in text
    command = words(text)
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
    command = words(of("curl", TlsMode.ONE_WAY, rest_uri=uri, server_name=name))
    assert command[command.index("--connect-to") + 1] == route
    assert command[-1].startswith(url)


@MODES
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("rest_uri", [None, "https://localhost:8080"])
def test_client_files_are_named_in_mode_2_alone(
    mode: TlsMode, lang: str, rest_uri: str | None
) -> None:
    text = of(lang, mode, rest_uri=rest_uri)
    assert ("client.key" in text) is (mode is TlsMode.MUTUAL)
    assert "ca.pem" in text

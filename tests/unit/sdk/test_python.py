from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given

from compose_tls.sdk.pymilvus import connect_arguments
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows.snippets import LANGUAGES
from tests.unit.sdk.connections import FILES, PATHS, of

MODES = pytest.mark.parametrize("mode", [TlsMode.ONE_WAY, TlsMode.MUTUAL])
LANGS = pytest.mark.parametrize(
    ("lang", "name"),
    [
        ("python", "MilvusClient"),
        ("python-async", "AsyncMilvusClient"),
        ("llamaindex", "MilvusVectorStore"),
        ("langchain", "Milvus"),
    ],
)


def arguments(mode: TlsMode, files: dict[str, str] = FILES) -> dict[str, Any]:
    return connect_arguments(
        mode=mode, uri="https://localhost:19530", server_name="localhost", **files
    )


def call(code: str, name: str) -> dict[str, str]:
    """The arguments of a call, as source."""
    tree = ast.parse(code)
    found = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    )
    given = {keyword.arg or "": keyword.value for keyword in found.keywords}
    pairs = given.pop("connection_args", None)
    if isinstance(pairs, ast.Dict):
        keys = [ast.literal_eval(key) for key in pairs.keys if key is not None]
        given |= dict(zip(keys, pairs.values, strict=True))
    return {argument: ast.unparse(value) for argument, value in given.items()}


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
def test_python_code_calls_the_client_with_these_very_arguments(
    mode: TlsMode, capsys: pytest.CaptureFixture[str]
) -> None:
    code = of("python", mode)
    assert code.startswith("from pymilvus import MilvusClient\n")
    calls: list[dict[str, Any]] = []
    body = code.partition("\n")[2]

    class Client:
        def __init__(self, **given: Any) -> None:
            calls.append(given)

        def get_server_version(self) -> str:
            return "2.3.5"

    exec(body, {"MilvusClient": Client})  # noqa: S102 - it is to run
    assert calls == [arguments(mode)]
    assert capsys.readouterr().out == "Milvus 2.3.5\n"


@pytest.mark.parametrize("lang", sorted({*LANGUAGES} - {"attu"}))
def test_code_for_mode_1_says_that_clients_need_no_certificate(lang: str) -> None:
    one_way, mutual = (of(lang, mode) for mode in (TlsMode.ONE_WAY, TlsMode.MUTUAL))

    assert "Clients need no certificate" in one_way
    assert "Clients need no certificate" not in mutual


@LANGS
@MODES
@given(files=PATHS)
def test_any_path_comes_back_as_it_was(
    mode: TlsMode, lang: str, name: str, files: dict[str, str]
) -> None:
    found = call(of(lang, mode, **files), name)

    wanted = arguments(mode, files)
    assert {argument: ast.literal_eval(found[argument]) for argument in wanted} == wanted


@LANGS
@MODES
def test_nothing_but_the_token_and_what_a_framework_needs_is_added(
    mode: TlsMode, lang: str, name: str
) -> None:
    found = call(of(lang, mode, authentication=True), name)

    extra = {"llamaindex": {"dim"}, "langchain": {"embedding_function"}}
    assert found.keys() == {*arguments(mode), "token", *extra.get(lang, ())}
    assert found["token"] == "os.environ['MILVUS_TOKEN']"


@LANGS
@pytest.mark.parametrize("authentication", [False, True])
def test_what_code_uses_is_imported(lang: str, name: str, authentication: bool) -> None:
    tree = ast.parse(of(lang, TlsMode.MUTUAL, authentication=authentication))

    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert name in imported
    assert ("os" in imported) is authentication
    assert ("asyncio" in imported) is (lang == "python-async")

"""Connections for the tests of snippets, and what other programs read out of these."""

from __future__ import annotations

import json
import subprocess
from types import ModuleType
from typing import Any

import tree_sitter_c_sharp
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

from compose_tls.connection import Connection
from compose_tls.vocabulary import TlsMode
from compose_tls.workflows.snippets import snippet

DIRECTORY = '/home/o\'hara/my "project" ü\\n$HOME'
FILES = {
    "ca_pem": f"{DIRECTORY}/cert/ca.pem",
    "client_pem": f"{DIRECTORY}/cert/client.pem",
    "client_key": f"{DIRECTORY}/cert/client.key",
}
# What a POSIX path may hold: everything but NUL.
PATHS = st.fixed_dictionaries(
    dict.fromkeys(
        FILES,
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1),
    )
)
GRAMMARS: dict[str, tuple[ModuleType, str]] = {
    "node": (tree_sitter_javascript, "string"),
    "java": (tree_sitter_java, "string_literal"),
    "go": (tree_sitter_go, "interpreted_string_literal"),
    "csharp": (tree_sitter_c_sharp, "string_literal"),
}


def of(lang: str, mode: TlsMode, **changes: Any) -> str:
    """A snippet for a server on this machine."""
    values: dict[str, Any] = {
        "uri": "https://localhost:19530",
        "server_name": "localhost",
        "rest_uri": None,
        **FILES,
        **changes,
    }
    return snippet(lang, Connection(mode=mode, **values))


def used(mode: TlsMode, files: dict[str, str] = FILES) -> set[str]:
    """The files that a client needs in a mode."""
    return set(files.values()) if mode is TlsMode.MUTUAL else {files["ca_pem"]}


def literals(lang: str, text: str) -> list[str]:
    """The values of the string literals, by the grammar of the language; it must hold throughout."""
    module, kind = GRAMMARS[lang]
    tree = Parser(Language(module.language())).parse(text.encode())
    assert not tree.root_node.has_error, text
    return [_value(lang, node) for node in _nodes(tree.root_node) if node.type == kind]


def _nodes(node: Node) -> list[Node]:
    return [node, *(below for child in node.children for below in _nodes(child))]


def _value(lang: str, node: Node) -> str:
    assert node.text is not None
    if lang == "go":
        return _go(node.text)
    value: str = json.loads(node.text)
    return value


def _go(literal: bytes) -> str:
    """Go's strings are bytes: what is not escaped stands for its UTF-8."""
    value = bytearray()
    rest = literal[1:-1]
    while rest:
        if rest.startswith(b"\\x"):
            value.append(int(rest[2:4], 16))
            rest = rest[4:]
        elif rest.startswith(b"\\"):
            value += rest[1:2]
            rest = rest[2:]
        else:
            value += rest[:1]
            rest = rest[1:]
    return value.decode()


def curl_words(text: str) -> list[str]:
    """The words that a shell gives to curl."""
    return with_curl('printf "%s\\0" "$@"', text)


def with_curl(body: str, text: str) -> list[str]:
    """What commands instead of curl print, whatever reads the output of curl."""
    return _shell(f"exec 9>&1; curl() {{ {body} >&9; echo answer; }}\n{text}")


def variables(text: str) -> dict[str, str]:
    """What a shell makes of assignments."""
    names = ["MILVUS_URI", "MILVUS_SERVER_NAME", "MILVUS_CA_PEM", "MILVUS_CLIENT_PEM"]
    names += ["MILVUS_CLIENT_KEY", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]
    script = f"unset {' '.join(names)}\n{text}\n"
    script += "\n".join(f'printf "%s\\0" "${{{name}-unset}}"' for name in names)
    found = dict(zip(names, _shell(script), strict=True))
    return {name: value for name, value in found.items() if value != "unset"}


def _shell(script: str) -> list[str]:
    # Not sh: dash does not know the spelling of compose_tls/shell.py for what a terminal does not show.
    done = subprocess.run(["bash"], input=script.encode(), capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]

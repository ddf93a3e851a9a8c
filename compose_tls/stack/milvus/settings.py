"""The settings that make Milvus speak TLS, by file and by environment variable.

Sources: https://milvus.io/docs/tls.md for the keys; Milvus' own reading of them (pkg/config) for
what counts as the same key.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadMapping

from compose_tls.errors import EditRefused
from compose_tls.layout import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.setup import Setting
from compose_tls.stack.milvus.release import FIRST_WITH_PREFIX, MilvusVersion
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import Document, Mapping, Scalar, require_editable, resolve
from compose_tls.yamlpatch.intent import Intent, Put, Route, Text

CONFIG_DIRECTORY = "/milvus/configs"
CONFIG_FILE = "milvus.yaml"
LATER_FILES = ("default.yaml", "user.yaml")
"""Read after milvus.yaml, so that they win over it."""
CONFIG_DIRECTORY_VARIABLE = "MILVUSCONF"
PROXY_PORT = 19530
PROXY_PORT_ROUTE: Route = ("proxy", "port")
_PREFIX = "MILVUS_CONF_"

# Milvus falls back to port 19530 for every role that its file does not name, and then cannot bind
# the proxy: a file without these is one that was meant to be merged, not mounted over the full one.
_REQUIRED_PORTS = ("proxy", "rootCoord", "queryCoord", "queryNode", "dataCoord", "dataNode")


def tls_settings(mode: TlsMode, directory: str, rest_port: int | None) -> tuple[Setting, ...]:
    """The settings for a mode.

    Args:
        mode: One-way or mutual.
        directory: Where server.pem, server.key and ca.pem are in the container.
        rest_port: The port for REST over TLS; ``None`` switches REST off. On one port with gRPC it
            keeps Milvus from starting (2.4.13, 2.5.0 and later: milvus PR 36442) or vanishes.
    """
    rest = (
        (Setting(("proxy", "http", "enabled"), "false"),)
        if rest_port is None
        else (
            Setting(("proxy", "http", "enabled"), "true"),
            Setting(("proxy", "http", "port"), str(rest_port)),
        )
    )
    return (
        Setting(("tls", "serverPemPath"), posixpath.join(directory, SERVER_CERTIFICATE)),
        Setting(("tls", "serverKeyPath"), posixpath.join(directory, SERVER_KEY)),
        Setting(("tls", "caPemPath"), posixpath.join(directory, CA_CERTIFICATE)),
        Setting(("common", "security", "tlsMode"), str(int(mode))),
        *rest,
    )


def canonical(key: str) -> str:
    """A key as Milvus compares it: lower case, without ``/``, ``_`` and ``.``."""
    return re.sub(r"[/_.]", "", key.lower())


def sets(variable: str, setting: str, version: MilvusVersion) -> bool:
    """Whether an environment variable sets a setting, however it is spelled.

    Args:
        variable: The name of the variable.
        setting: The setting as people write it, ``tls.caPemPath``.
        version: Of Milvus.
    """
    wanted = canonical(setting)
    name = canonical(variable)
    return name == wanted or (version >= FIRST_WITH_PREFIX and name == canonical(_PREFIX) + wanted)


def in_variables(
    variables: ReadMapping[str, str | None], route: Route, version: MilvusVersion
) -> str | None:
    """The value that environment variables give to a setting."""
    found = {canonical(name): value for name, value in variables.items() if value is not None}
    wanted = canonical(".".join(route))
    prefixed = found.get(canonical(_PREFIX) + wanted) if version >= FIRST_WITH_PREFIX else None
    return prefixed or found.get(wanted)


def is_complete(document: Document) -> bool:
    """Whether a milvus.yaml is a full one, with which Milvus starts when it is mounted."""
    root = document.root
    if not isinstance(root, Mapping):
        return False
    return all(_scalar(root, (role, "port")) for role in _REQUIRED_PORTS)


def read_setting(document: Document, route: Route) -> str | None:
    """The value of a setting in a milvus.yaml."""
    root = document.root
    found = _scalar(root, route) if isinstance(root, Mapping) else None
    return found.value if found else None


def put_settings(document: Document, settings: Iterable[Setting]) -> list[Intent]:
    """The intents that put settings into a milvus.yaml, under the keys it already spells.

    Raises:
        EditRefused: The file spells one of the settings twice, so that Milvus takes either.
    """
    root = require_editable(document)
    intents: list[Intent] = []
    for setting in settings:
        route = _spelled(root, setting.route, document)
        found = _at(root, route)
        if found is None or found.value != setting.value:
            intents.append(Put(route, Text(setting.value)))
    return intents


def _spelled(root: Mapping, route: Route, document: Document) -> Route:
    """The route of a setting as the file spells it; as Milvus does where it is missing."""
    found = list(_spellings(root, canonical(".".join(route))))
    if len(found) > 1:
        name = ".".join(route)
        line = document.line(_line_of(root, found[1]))
        raise EditRefused(
            f"{document.name} sets {name} more than once, and Milvus takes either",
            hint="keep one of them",
            path=document.name,
            line=line,
        )
    if found:
        return found[0]
    spelled: list[str] = []
    node: Mapping | None = root
    for key in route:
        names = [k.value for k, _ in node.entries if isinstance(k, Scalar)] if node else []
        same = [name for name in names if canonical(name) == canonical(key)]
        spelled.append(same[0] if same else key)
        child = node.get(spelled[-1]) if node else None
        value = resolve(child) if child else None
        node = value if isinstance(value, Mapping) else None
    return tuple(spelled)


def _spellings(node: Mapping, wanted: str) -> Iterator[Route]:
    """Every route below a node that Milvus reads as one key."""
    for key, value in node.entries:
        if not isinstance(key, Scalar):
            continue
        name, below = canonical(key.value), resolve(value)
        if name == wanted and not isinstance(below, Mapping):
            yield (key.value,)
        elif name and wanted.startswith(name) and isinstance(below, Mapping):
            for rest in _spellings(below, wanted[len(name) :]):
                yield (key.value, *rest)


def _scalar(root: Mapping, route: Route) -> Scalar | None:
    for spelled in _spellings(root, canonical(".".join(route))):
        found = _at(root, spelled)
        if found and not found.is_null:
            return found
    return None


def _at(root: Mapping, route: Route) -> Scalar | None:
    node: object = root
    for key in route:
        child = node.get(key) if isinstance(node, Mapping) else None
        node = resolve(child) if child else None
    return node if isinstance(node, Scalar) else None


def _line_of(root: Mapping, route: Route) -> int:
    found = _at(root, route)
    return found.start if found else root.start

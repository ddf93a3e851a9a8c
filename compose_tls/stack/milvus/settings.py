"""The settings that make Milvus speak TLS, by file and by environment variable.

Sources: https://milvus.io/docs/tls.md for the keys; Milvus' own reading of them (pkg/config) for
what counts as the same key.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as ReadMapping
from typing import Final

from compose_tls.errors import EditRefused
from compose_tls.layout import CA_CERTIFICATE, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.patterns import regex
from compose_tls.setup import Setting
from compose_tls.stack.milvus.milvus_version import (
    FIRST_WITH_PREFIX,
    FIRST_WITH_STREAMING_NODE,
    NEWEST,
    MilvusVersion,
)
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import Document, require_editable
from compose_tls.yamlpatch.intent import Intent, Put, Route, Text
from compose_tls.yamlpatch.query import Found, roots

CONFIG_DIRECTORY = "/milvus/configs"
CONFIG_FILE = "milvus.yaml"
LATER_FILES = ("default.yaml", "user.yaml")
"""Read after milvus.yaml, so that they win over it."""
CONFIG_DIRECTORY_VARIABLE = "MILVUSCONF"
PROXY_PORT_ROUTE: Route = ("proxy", "port")
_PREFIX = "MILVUS_CONF_"

_QUEUES: tuple[Route, ...] = (
    ("rocksmq", "path"),
    ("pulsar", "address"),
    ("kafka", "brokerList"),
    ("mq", "type"),
)
_IGNORED: Final = str.maketrans("", "", "/_.")
_WEB_PAGE = regex(
    r"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html)", re.IGNORECASE | re.DOTALL
)
# What raw.githubusercontent.com and the like answer.
_NOT_FOUND = regex(r"(?:404|403|400|500)\b[^\n]{0,60}|Not Found", re.IGNORECASE)

# Milvus falls back to port 19530 for every role that its file does not name, and then cannot bind
# the proxy: a file without these is one that was meant to be merged, not mounted over the full one.
_REQUIRED_PORTS = ("proxy", "rootCoord", "queryCoord", "queryNode", "dataCoord", "dataNode")


def stack_directory(directory: str) -> str:
    """Where Milvus sees what it shows to the other parts of a project.

    Args:
        directory: Where it sees what it shows to clients.
    """
    return f"{directory}-stack"


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
    return key.lower().translate(_IGNORED)


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
    return all(read_setting(document, (role, "port")) is not None for role in _REQUIRED_PORTS)


def lacks(
    document: Document, variables: ReadMapping[str, str | None], version: MilvusVersion
) -> str:
    """What a complete milvus.yaml lacks for this Milvus to start with it; empty for nothing.

    Args:
        document: The file.
        variables: The environment of the container, which may make up for it.
        version: Of Milvus.
    """

    def told(route: Route) -> bool:
        return bool(read_setting(document, route) or in_variables(variables, route, version))

    if FIRST_WITH_STREAMING_NODE <= version < NEWEST and not told(("streamingNode", "port")):
        return "streamingNode.port: it is of an older Milvus"
    # Measured with 2.3.5: "no available mq config found".
    return "" if any(map(told, _QUEUES)) else "a message queue, such as rocksmq.path"


def not_settings(content: bytes) -> str | None:
    """What a file that was meant to be a milvus.yaml is instead; ``None`` where it may be one.

    Saving the page of a file instead of the file is a common mistake: milvus-docs issue 2513.
    """
    text = content.decode("utf-8-sig", "replace").strip()
    if not text:
        return "is empty"
    if _WEB_PAGE.match(text):
        return "is a web page, not a milvus.yaml"
    if _NOT_FOUND.fullmatch(text):
        return f'says "{text}", and is not a milvus.yaml'
    return None


def read_setting(document: Document, route: Route) -> str | None:
    """The value of a setting in a milvus.yaml; that of a list as Milvus joins it.

    Source: pkg/config/file_source.go of Milvus.
    """
    found = (found for _, found in _places(document, route))
    texts = (",".join(each.texts()) if each.is_list else each.text() for each in found)
    return next((text for text in texts if text is not None), None)


def find_setting(document: Document, route: Route) -> Found | None:
    """The place of a setting in a milvus.yaml, where it has a value."""
    found = (found for _, found in _places(document, route))
    return next((each for each in found if each.text() is not None), None)


def put_settings(document: Document, settings: Iterable[Setting]) -> list[Intent]:
    """The intents that put settings into a milvus.yaml, under the keys it already spells.

    Raises:
        EditRefused: The file spells one of the settings twice, so that Milvus takes either.
    """
    require_editable(document)
    intents: list[Intent] = []
    for setting in settings:
        places = list(_places(document, setting.route))
        if len(places) > 1:
            raise EditRefused(
                f"{document.name} sets {setting.name} more than once, and Milvus may use either",
                hint="keep one of them",
                path=document.name,
                line=places[1][1].line,
            )
        route, found = places[0] if places else (_spelled(document, setting.route), None)
        if found is None or found.written != setting.value:
            intents.append(Put(route, Text(setting.value)))
    return intents


def _places(document: Document, route: Route) -> Iterator[tuple[Route, Found]]:
    """Every place of a file that Milvus reads as one setting, under the keys that the file spells."""
    for root in roots(document)[:1]:
        yield from _spellings(root, canonical(".".join(route)))


def _spellings(mapping: Found, wanted: str) -> Iterator[tuple[Route, Found]]:
    def begins(key: str) -> bool:
        name = canonical(key)
        return name != "" and wanted.startswith(name)

    for key, value in mapping.own_entries(begins):
        rest = wanted[len(canonical(key)) :]
        if value.is_mapping:
            for route, found in _spellings(value, rest):
                yield (key, *route), found
        elif not rest:
            yield (key,), value


def _spelled(document: Document, route: Route) -> Route:
    """The route of a setting that is missing, through the mappings that the file has already."""
    spelled: list[str] = []
    there: Found | None = roots(document)[0]
    for key in route:
        names = there.entries(merged=False) if there else {}
        spelled.append(next((n for n in names if canonical(n) == canonical(key)), key))
        there = names.get(spelled[-1])
    return tuple(spelled)

"""How a client service is switched to TLS: the settings of each known application.

Sources: see ``attu`` and ``milvus_backup`` for those. pymilvus and the Node SDK take the scheme from the
URI, and gRPC its CAs from GRPC_DEFAULT_SSL_ROOTS_FILE_PATH, in Python and Node alike:
https://grpc.github.io/grpc/core/md_doc_environment_variables.html. Dify: its api/configs (pull 36265).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Final

from compose_tls.layout import CA_CERTIFICATE, NEIGHBOUR_ROOTS
from compose_tls.stack import attu, milvus_backup
from compose_tls.stack.applications import ClientConnection, application_of, switches_off
from compose_tls.stack.client_tls import ClientTls
from compose_tls.values import dataclass
from compose_tls.yamlpatch.intent import Route
from compose_tls.yamlpatch.query import Found

_ROOTS_VARIABLE: Final = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
PLAIN_SCHEME: Final = "http://"
ENCRYPTED_SCHEME: Final = "https://"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What one service is told.

    Attributes:
        files: What it has to see of ``NEIGHBOUR_FILES``.
        variables: Its environment variables.
        scheme: What ``http://`` becomes in the variables that name Milvus; ``None`` where they stay.
        settings: The settings in its configuration file.
        note: What the user has to know besides.
    """

    files: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    scheme: str | None = None
    settings: Mapping[Route, str] = field(default_factory=dict)
    note: str | None = None


def recipe(
    image: str | None,
    variables: Mapping[str, str | None],
    found: ClientConnection,
    tls: ClientTls,
    document: Found | None,
) -> Recipe | None:
    """The new settings of a service; ``None`` where it cannot be switched, or no one knows how.

    Args:
        image: Its image.
        variables: Its environment.
        found: How it names Milvus.
        tls: What is wanted of it.
        document: The configuration file that names Milvus; ``None`` where a variable does.
    """
    application = application_of(image)
    name = application.name if application else ""
    if name == "Attu":
        told = attu.told(image or "", found.variable, tls)
        if told is None:
            return None
        note = attu.MEMORY if attu.is_third(image or "", found.variable) else None
        return Recipe(tls.files, told, scheme="", note=note)
    if name == "milvus-backup" or milvus_backup.is_configuration(document):
        if name == "milvus-backup" and not milvus_backup.takes_certificates(image):
            return None
        if document is None or milvus_backup.decides(variables):
            known = document is not None or found.variable == milvus_backup.ADDRESS
            return Recipe(tls.files, milvus_backup.variables(tls)) if known else None
        return Recipe(tls.files, settings=milvus_backup.settings(document, tls))
    takes_roots = application is None or application.takes_roots
    by_uri = document is None and found.scheme == PLAIN_SCHEME.removesuffix("://")
    if tls.mutual or not takes_roots or not by_uri or not tls.covered:
        return None
    if variables.get(_ROOTS_VARIABLE) is not None:
        # It trusts other CAs there, which our file does not contain.
        return None
    own = {}
    if name == "Dify":
        own = {
            "MILVUS_SECURE": "true",
            "MILVUS_SERVER_PEM_PATH": tls.ca,
            "MILVUS_SERVER_NAME": tls.server_name,
        }
    off = dict.fromkeys(switches_off(variables), "true")
    return Recipe(
        (CA_CERTIFICATE, NEIGHBOUR_ROOTS),
        {**off, **own, _ROOTS_VARIABLE: tls.roots},
        scheme=ENCRYPTED_SCHEME,
        note=None
        if application
        else "if it is not a Python or Node program, it needs settings of its own",
    )

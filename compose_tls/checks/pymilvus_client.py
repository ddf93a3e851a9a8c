"""A separate process: pymilvus pools connections, and a check needs a new one.

Reads the keyword arguments of ``MilvusClient`` as JSON on standard input, so that no secret is an
argument; prints one line of JSON: ``version`` and ``collections``, or ``error``, or ``missing``.
Imports nothing of compose_tls: it is run by path, wherever that lies.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

# Variables with which gRPC finds a proxy: https://grpc.github.io/grpc/core/md_doc_environment_variables.html
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")


def answer(arguments: dict[str, Any]) -> dict[str, Any]:
    """Connect and ask; without the proxy of the environment where that fails with it."""
    from pymilvus import MilvusClient

    try:
        return _ask(MilvusClient, arguments)
    except Exception:
        proxy = next((name for name in _PROXIES if os.environ.get(name)), None)
        if proxy is None:
            raise
        for name in _PROXIES:
            os.environ.pop(name, None)
        return {**_ask(MilvusClient, arguments), "proxy": proxy}


def _ask(client_class: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    client = client_class(**arguments)
    return {"version": client.get_server_version(), "collections": len(client.list_collections())}


def main() -> int:
    """Connect, ask, print."""
    # pymilvus refuses to be imported where this holds what another program takes for a URI.
    os.environ.pop("MILVUS_URI", None)
    try:
        # Slow, so it comes before the arguments do.
        importlib.import_module("pymilvus")
        found = answer(json.load(sys.stdin))
    except ImportError as error:
        found = {"missing": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever it is, the check tells it
        found = {"error": str(error) or type(error).__name__}
    sys.stdout.write(f"\n{json.dumps(found)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A separate process: creates a collection, uses it, and drops it.

Reads a request as JSON on standard input, so that no secret is an argument: the ``arguments`` of
``MilvusClient``, the name of the ``collection``, the ``seconds`` that using it may take, and those that
are in ``reserve`` for dropping it. Prints one line of JSON: ``inserted``; or ``step`` and ``error``, and
what is ``left``; or ``missing``.
Imports nothing of compose_tls: it is run by path, wherever that lies.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any

# Whether a proxy of the environment keeps clients away is what the other script finds out.
_PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")
_VECTORS = ([1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0])
_WANTED = 1


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Use a throw-away collection, and drop it whatever happens."""
    from pymilvus import DataType, MilvusClient

    ends = time.monotonic() + request["seconds"]
    name = request["collection"]
    step = "connect"
    try:
        client = MilvusClient(**request["arguments"], timeout=_left(ends))
    except Exception as error:  # noqa: BLE001 - whatever it is, the check tells it
        return _failure(step, error)
    found: dict[str, Any] = {}
    try:
        step = "create"
        # One call at a time: given all at once, pymilvus counts the time of each again.
        schema = client.create_schema()
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=len(_VECTORS[0]))
        client.create_collection(name, schema=schema, timeout=_left(ends))
        step = "index"
        index = client.prepare_index_params()
        index.add_index("vector", index_type="FLAT", metric_type="L2")
        client.create_index(name, index, timeout=_left(ends))
        step = "load"
        client.load_collection(name, timeout=_left(ends))
        step = "insert"
        rows = [{"id": number, "vector": vector} for number, vector in enumerate(_VECTORS)]
        client.insert(name, rows, timeout=_left(ends))
        step = "search"
        hits = client.search(
            name, [_VECTORS[_WANTED]], limit=1, timeout=_left(ends), consistency_level="Strong"
        )
        ids = [hit["id"] for hit in hits[0]]
        found = {"inserted": len(rows)}
        if ids != [_WANTED]:
            found = {"step": step, "error": f"the nearest vector is {ids}, not [{_WANTED}]"}
    except Exception as error:  # noqa: BLE001 - as above
        found = _failure(step, error)
    finally:
        # Also if creating it failed, which is known only here, or if this is interrupted.
        try:
            client.drop_collection(name, timeout=request["reserve"])
        except Exception as error:  # noqa: BLE001 - as above
            found = {**_failure("drop", error), **found, "left": name}
            found.pop("inserted", None)
    return found


def _left(ends: float) -> float:
    return max(ends - time.monotonic(), 0.1)


def _failure(step: str, error: Exception) -> dict[str, Any]:
    return {"step": step, "error": str(error) or type(error).__name__}


def main() -> int:
    """Read, do, print."""
    for name in (*_PROXIES, "MILVUS_URI"):
        # pymilvus refuses to be imported where the last holds what another program takes for a URI.
        os.environ.pop(name, None)
    try:
        # Slow, so it comes before the request does.
        importlib.import_module("pymilvus")
        found = answer(json.load(sys.stdin))
    except ImportError as error:
        found = {"missing": str(error)}
    except KeyboardInterrupt:
        # So the process is told to end early.
        return 130
    sys.stdout.write(f"\n{json.dumps(found)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

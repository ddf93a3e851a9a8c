"""Run as a process of its own: pymilvus pools connections, and a check has to make its own.

Reads the keyword arguments of ``MilvusClient`` as JSON on standard input, so that no secret is an
argument; prints the server's version and its number of collections as JSON.
"""

from __future__ import annotations

import json
import sys


def main() -> int:
    """Connect, ask, print."""
    from pymilvus import MilvusClient  # noqa: PLC0415 - this is what the process is for

    client = MilvusClient(**json.load(sys.stdin))
    sys.stdout.write(json.dumps([client.get_server_version(), len(client.list_collections())]))
    return 0


if __name__ == "__main__":
    sys.exit(main())

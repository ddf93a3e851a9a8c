"""The Compose project of a test server: one container, which holds its data, metadata included."""

from __future__ import annotations

import json

DEFAULT_IMAGE = "milvusdb/milvus:v2.3.5"
SERVICE = "standalone"
PORT = 19530

# Milvus with etcd and object storage inside, as its own standalone_embed.sh sets it up:
# https://github.com/milvus-io/milvus/blob/master/scripts/standalone_embed.sh
_TEXT = """\
name: {name}
services:
  {service}:
    image: {image}
    command: ["milvus", "run", "standalone"]
    security_opt: ["seccomp:unconfined"]
    environment:
      DEPLOY_MODE: STANDALONE
      ETCD_USE_EMBED: "true"
      ETCD_DATA_DIR: /var/lib/milvus/etcd
      COMMON_STORAGETYPE: local
    ports:
      - "127.0.0.1::{port}"  # Docker picks a free port of this machine
"""


def compose_file(name: str, image: str) -> str:
    """The text of its Compose file.

    Args:
        name: The project's name.
        image: The image of Milvus.
    """
    # A JSON string is a YAML string; a dollar would begin a variable.
    quoted = json.dumps(image).replace("$", "$$")
    return _TEXT.format(name=name, service=SERVICE, image=quoted, port=PORT)

"""The Milvus that standalone_embed.sh starts, as a Compose project.

Source: scripts/standalone_embed.sh of https://github.com/milvus-io/milvus, v2.3 to v2.6
"""

from __future__ import annotations

import re
from typing import Final

from compose_tls.yamlpatch.build import New, build

SCRIPT: Final = "standalone_embed.sh"
USER_SETTINGS: Final = "user.yaml"
CONTAINER: Final = "milvus-standalone"
DATA: Final = "volumes/milvus"

_IMAGE: Final = re.compile(r"\bmilvusdb/milvus(?:-gpu)?:[\w.-]+")
_NEWEST_IMAGE: Final = "milvusdb/milvus:v2.6.9"


def compose_file(script: bytes, *, user_settings: bool) -> str:
    """The compose file that starts the same container on the same data.

    Args:
        script: The script, which names the image.
        user_settings: Whether there is a user.yaml, which newer scripts mount.
    """
    named = _IMAGE.search(script.decode("utf-8", "replace"))
    mounts = [f"./{DATA}:/var/lib/milvus", "./embedEtcd.yaml:/milvus/configs/embedEtcd.yaml"]
    if user_settings:
        mounts.append(f"./{USER_SETTINGS}:/milvus/configs/{USER_SETTINGS}")
    service: dict[str, New] = {
        "container_name": CONTAINER,
        "image": named[0] if named else _NEWEST_IMAGE,
        "command": ["milvus", "run", "standalone"],
        "security_opt": ["seccomp:unconfined"],
        "environment": {
            "ETCD_USE_EMBED": "true",
            "ETCD_DATA_DIR": "/var/lib/milvus/etcd",
            "ETCD_CONFIG_PATH": "/milvus/configs/embedEtcd.yaml",
            "COMMON_STORAGETYPE": "local",
            "DEPLOY_MODE": "STANDALONE",
        },
        "volumes": mounts,
        "ports": ["19530:19530", "9091:9091", "2379:2379"],
        "healthcheck": {
            "test": ["CMD", "curl", "-f", "http://localhost:9091/healthz"],
            "interval": "30s",
            "start_period": "90s",
            "timeout": "20s",
            "retries": 3,
        },
    }
    return build({"services": {"standalone": service}}).decode()

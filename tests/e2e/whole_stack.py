"""Projects with every part of the stack: etcd, an S3 server, and Milvus in one process or in seven."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.e2e.image_names import ETCD, KAFKA, MILVUS, S3

ROLES = ("rootcoord", "datacoord", "querycoord", "indexnode", "datanode", "querynode", "proxy")
"""What Milvus 2.3 consists of."""

_KEYS = {"accessKey": "minioadmin", "secretKey": "minioadmin"}
_ACTIONS = ["Admin", "Read", "Write", "List", "Tagging"]
_S3_USERS = {"identities": [{"name": "milvus", "credentials": [_KEYS], "actions": _ACTIONS}]}

# In the form of the official file: strings for commands, URLs on the command line.
_ETCD = {
    "image": ETCD,
    "environment": {"ETCD_AUTO_COMPACTION_MODE": "revision"},
    "volumes": ["etcd:/etcd"],
    "command": "etcd -advertise-client-urls=http://etcd:2379 "
    "-listen-client-urls http://0.0.0.0:2379 --data-dir /etcd",
    "healthcheck": {
        "test": ["CMD", "etcdctl", "endpoint", "health"],
        "interval": "2s",
        "timeout": "10s",
        "retries": 30,
    },
    "stop_grace_period": "5s",
}
_S3 = {
    "image": S3,
    "command": "server -dir=/data -ip=minio -ip.bind=0.0.0.0 -volume.max=20 "
    "-s3 -s3.port=9000 -s3.config=/etc/s3.json",
    "configs": [{"source": "s3", "target": "/etc/s3.json"}],
    "volumes": ["store:/data"],
    "stop_grace_period": "5s",
}
_KAFKA = {
    "image": KAFKA,
    # It tells its clients to come to the address that it listens at.
    "entrypoint": [
        "sh",
        "-c",
        "exec noida-db start --only kafka --host $$(hostname -i) --kafka-port 9092 --data-dir /data",
    ],
    "volumes": ["kafka:/data"],
    # It answers at once whoever asks for more, and they ask again at once.
    "cpus": 0.1,
}
_ENVIRONMENT = {
    "ETCD_ENDPOINTS": "etcd:2379",
    "MINIO_ADDRESS": "minio:9000",
    "MINIO_ACCESS_KEY_ID": "minioadmin",
    "MINIO_SECRET_ACCESS_KEY": "minioadmin",
    "COMMON_SESSION_TTL": "10",
}
_CLUSTER = {
    "MQ_TYPE": "kafka",
    "KAFKA_BROKERLIST": "kafka:9092",
    "ROOTCOORD_ADDRESS": "rootcoord",
    "DATACOORD_ADDRESS": "datacoord",
    "QUERYCOORD_ADDRESS": "querycoord",
}


def standalone(port: int, **more: Any) -> dict[str, Any]:
    """A Compose document: etcd, an S3 server with MinIO's name, and Milvus in one process."""
    milvus = _milvus("standalone", _ENVIRONMENT, ["etcd", "minio"])
    milvus |= {"ports": [f"127.0.0.1:{port}:19530"], "volumes": ["milvus:/var/lib/milvus"], **more}
    return _document({"standalone": milvus}, "milvus")


def cluster(port: int) -> dict[str, Any]:
    """A Compose document: the same with a broker, and Milvus in a process for each of its roles."""
    needed = ["etcd", "minio", "kafka"]
    roles = {role: _milvus(role, _ENVIRONMENT | _CLUSTER, needed) for role in ROLES}
    roles["proxy"]["ports"] = [f"127.0.0.1:{port}:19530"]
    return _document({"kafka": _KAFKA, **roles}, "kafka")


def _milvus(role: str, environment: Mapping[str, str], needed: list[str]) -> dict[str, Any]:
    return {
        "image": MILVUS,
        "command": ["milvus", "run", role],
        "environment": dict(environment),
        "depends_on": needed,
        "stop_grace_period": "1s",
    }


def _document(services: Mapping[str, Any], volume: str) -> dict[str, Any]:
    return {
        "services": {"etcd": _ETCD, "minio": _S3, **services},
        "configs": {"s3": {"content": json.dumps(_S3_USERS)}},
        "volumes": {"etcd": {}, "store": {}, volume: {}},
    }

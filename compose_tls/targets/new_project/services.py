"""The services of a new project, as documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from compose_tls.vocabulary import DATA_DIRECTORY, METRICS_PORT
from compose_tls.yamlpatch.build import Commented, New, Words

ETCD: Final = "etcd"
OBJECT_STORE: Final = "minio"
BROKER: Final = "pulsar"

ACCESS_KEY: Final = "MINIO_ACCESS_KEY_ID"
SECRET_KEY: Final = "MINIO_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
"""The variables of ``.env`` with the credentials of the object store, by the names that Milvus has."""

ATTU_PORT: Final = 8000
"""Where Attu is reached on this machine."""
EMBEDDED_ETCD_FILE: Final = "embedEtcd.yaml"
EMBEDDED_ETCD_TARGET: Final = f"/milvus/configs/{EMBEDDED_ETCD_FILE}"

Service = dict[str, New]

_AUTHORIZATION: Final = "COMMON_SECURITY_AUTHORIZATIONENABLED"
_RESTART: Final = "unless-stopped"


def health(test: Sequence[str], start: str) -> Service:
    """A health check that is asked often at first: who waits for it is not kept waiting."""
    return {
        "test": Words(tuple(test)),
        "interval": "5s",
        "timeout": "20s",
        "retries": 6,
        "start_period": start,
    }


def etcd(tag: str) -> Service:
    """etcd, whose data are in a volume."""
    return {
        "image": f"quay.io/coreos/etcd:{tag}",
        "command": [
            "etcd",
            "--advertise-client-urls=http://etcd:2379",
            "--listen-client-urls=http://0.0.0.0:2379",
            "--data-dir=/etcd",
        ],
        "environment": {
            "ETCD_AUTO_COMPACTION_MODE": "revision",
            "ETCD_AUTO_COMPACTION_RETENTION": "1000",
            "ETCD_QUOTA_BACKEND_BYTES": "4294967296",
            "ETCD_SNAPSHOT_COUNT": "50000",
        },
        "volumes": [f"{ETCD}:/etcd"],
        "healthcheck": health(["CMD", "etcdctl", "endpoint", "health"], "10s"),
        "restart": _RESTART,
    }


def object_store(image: str) -> Service:
    """MinIO, with credentials of this project's own.

    Its health check is that of the vendor's compose file of 3.0: curl, in those before, is missing from
    images of MinIO (https://github.com/milvus-io/milvus/pull/49858), and Milvus waits for this check.
    """
    return {
        "image": image,
        "command": Words(("minio", "server", "/minio_data")),
        "environment": {
            "MINIO_ROOT_USER": _required(ACCESS_KEY),
            "MINIO_ROOT_PASSWORD": _required(SECRET_KEY),
        },
        "volumes": [f"{OBJECT_STORE}:/minio_data"],
        "healthcheck": health(["CMD", "mc", "ready", "local"], "10s"),
        "restart": _RESTART,
    }


def broker(image: str) -> Service:
    """Pulsar, for a cluster of Milvus to 2.5.

    Source: deployments/docker/cluster/docker-compose.yml of milvus v2.2: maxMessageSize is missing from
    standalone.conf, so it takes a prefix, and the frame has to be 10240 bytes larger.
    """
    run = "bin/apply-config-from-env.py conf/standalone.conf && exec bin/pulsar standalone"
    return {
        "image": image,
        "command": Words(("/bin/bash", "-c", f"{run} --no-functions-worker --no-stream-storage")),
        "environment": {
            "nettyMaxFrameSizeBytes": "104867840",
            "defaultRetentionTimeInMinutes": "10080",
            "defaultRetentionSizeInMB": "8192",
            "PULSAR_PREFIX_maxMessageSize": "104857600",
            "PULSAR_GC": "-XX:+UseG1GC",
        },
        "volumes": [f"{BROKER}:/pulsar/data"],
        "healthcheck": health(["CMD", "bin/pulsar-admin", "brokers", "healthcheck"], "60s"),
        "restart": _RESTART,
    }


def milvus(
    role: str,
    image: str,
    settings: Mapping[str, New],
    *,
    volume: str | None,
    needs: Sequence[str],
    published: str | None,
) -> Service:
    """A service that runs Milvus.

    Args:
        role: What ``milvus run`` is given.
        image: The image.
        settings: Its environment.
        volume: The volume with its data; ``None`` where it has none.
        needs: The services that have to be healthy first.
        published: Its port of gRPC as it is published; ``None`` where it is not.
    """
    more: Service = {}
    if volume is not None:
        more["volumes"] = [f"{volume}:{DATA_DIRECTORY}"]
    if published is not None:
        more["ports"] = [_explained(published)]
    if needs:
        more["depends_on"] = {name: {"condition": "service_healthy"} for name in needs}
    return {
        "image": image,
        "command": Words(("milvus", "run", role)),
        "security_opt": ["seccomp:unconfined"],
        "environment": dict(settings),
        **more,
        "healthcheck": health(
            ["CMD", "curl", "-f", f"http://localhost:{METRICS_PORT}/healthz"], "90s"
        ),
        "restart": _RESTART,
    }


def shared_settings(log: str | None, *, auth: bool) -> Service:
    """The settings of every Milvus that keeps its things in etcd and MinIO.

    Args:
        log: What it keeps its log in, by Milvus' name; ``None`` for what it takes by itself.
        auth: Whether it asks for a user and a password.
    """
    broker: Service = {"MQ_TYPE": log} if log else {}
    if log == BROKER:
        broker["PULSAR_ADDRESS"] = f"pulsar://{BROKER}:6650"
    return {
        "ETCD_ENDPOINTS": f"{ETCD}:2379",
        "MINIO_ADDRESS": f"{OBJECT_STORE}:9000",
        ACCESS_KEY: _required(ACCESS_KEY),
        SECRET_KEY: _required(SECRET_KEY),
        **broker,
        **authorization(auth=auth),
    }


def embedded_settings(*, auth: bool) -> Service:
    """Settings of a Milvus that stores everything itself: scripts/standalone_embed.sh of milvus v2.6."""
    return {
        "ETCD_USE_EMBED": "true",
        "ETCD_DATA_DIR": f"{DATA_DIRECTORY}/etcd",
        "ETCD_CONFIG_PATH": EMBEDDED_ETCD_TARGET,
        "COMMON_STORAGETYPE": "local",
        "DEPLOY_MODE": "STANDALONE",
        **authorization(auth=auth),
    }


def authorization(*, auth: bool) -> Service:
    """The setting that makes Milvus ask for a user and a password."""
    text = "Milvus requires a user and a password; without TLS they would be sent in plain text."
    return {_AUTHORIZATION: Commented("true", text)} if auth else {}


def gpu() -> Service:
    """What reserves a GPU: deployments/docker/gpu/standalone/docker-compose.yml of milvus v2.6."""
    device: Service = {"driver": "nvidia", "capabilities": ["gpu"], "device_ids": ["0"]}
    return {"deploy": {"resources": {"reservations": {"devices": [device]}}}}


def attu(
    image: str, variables: Mapping[str, str], mounts: Mapping[str, str], milvus: str
) -> Service:
    """Attu, the web interface, on this machine only: it asks no one for a certificate."""
    volumes = [f"{source}:{target}:ro" for source, target in mounts.items()]
    return {
        "image": image,
        "environment": dict(variables),
        **({"volumes": volumes} if volumes else {}),
        "ports": [
            Commented(f"127.0.0.1:{ATTU_PORT}:3000", "Plain HTTP: published on this machine only.")
        ],
        "depends_on": {milvus: {"condition": "service_healthy"}},
        "restart": _RESTART,
    }


def _explained(published: str) -> New:
    """A published port, and who reaches it."""
    loopback = published.startswith(("127.", "[::1]"))
    text = (
        "Published on this machine only. If you change the address, run compose-tls enable "
        "--san NAME for its clients."
    )
    return Commented(published, text) if loopback else published


def _required(variable: str) -> str:
    return f"${{{variable}:?set it in .env}}"

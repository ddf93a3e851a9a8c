"""Projects with etcd and an object store in the shapes that people write them in."""

from __future__ import annotations

from textwrap import indent

_MILVUS = """\
image: milvusdb/milvus:v2.5.5
command: ["milvus", "run", "standalone"]
environment:
  ETCD_ENDPOINTS: etcd:2379
  MINIO_ADDRESS: minio:9000
ports: ["19530:19530"]
"""
_ETCD = """\
image: quay.io/coreos/etcd:v3.5.18
command: etcd -advertise-client-urls=http://etcd:2379 -listen-client-urls http://0.0.0.0:2379
"""
_MINIO = """\
image: minio/minio:RELEASE.2024-12-18T13-15-44Z
command: minio server /minio_data --console-address ":9001"
"""
_URLS = "advertise-client-urls=http://etcd:2379", "listen-client-urls=http://0.0.0.0:2379"
_IMAGE = "image: quay.io/coreos/etcd:v3.5.18\n"
_STORE = "image: minio/minio\n"

ETCD: dict[str, str] = {
    "string": _ETCD,
    "list": f'{_IMAGE}command: [etcd, "--{_URLS[0]}", --listen-client-urls, "http://0.0.0.0:2379"]\n',
    "items": f"{_IMAGE}command:\n  - etcd\n  - --name=etcd0\n  - --{_URLS[0]}\n  - --{_URLS[1]}\n"
    "  - --initial-cluster=etcd0=http://etcd:2380\n",
    "entrypoint": f"{_IMAGE}entrypoint: /usr/local/bin/etcd\ncommand: --{_URLS[0]} --{_URLS[1]}\n",
    "entrypoint-list": f'{_IMAGE}entrypoint: ["/usr/local/bin/etcd", "--{_URLS[0]}", "--{_URLS[1]}"]\n',
    "folded": f"{_IMAGE}command: >\n  etcd\n  -{_URLS[0]}\n  -{_URLS[1]}\n  --data-dir /etcd\n",
    "literal": f"{_IMAGE}command: |-\n  etcd  -{_URLS[0]}\n    -{_URLS[1]}\n",
    "shell": f'{_IMAGE}command: ["sh", "-c", "etcd --{_URLS[0]} --{_URLS[1]}"]\n',
    "shell-string": f"{_IMAGE}command: sh -c 'etcd --{_URLS[0]} --{_URLS[1]}'\n",
    "interpolated": f"{_IMAGE}command: etcd --advertise-client-urls=http://${{E:-e}}:2379 --{_URLS[1]}\n",
    "several-urls": f"{_IMAGE}command: etcd --{_URLS[0]} --{_URLS[1]},http://0.0.0.0:4001\n",
    "variables": f"{_IMAGE}environment:\n  - ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379\n"
    "  - ETCD_ADVERTISE_CLIENT_URLS=http://etcd:2379\n",
    "variables-map": f"{_IMAGE}environment:\n  ETCD_LISTEN_CLIENT_URLS: http://0.0.0.0:2379\n"
    "  ETCD_ADVERTISE_CLIENT_URLS: http://etcd:2379\n  ETCDCTL_ENDPOINTS: http://127.0.0.1:2379\n",
    "defaults": f"{_IMAGE}restart: always\n",
    "old": _ETCD.replace("v3.5.18", "v3.3.27"),
    "mirror": _ETCD.replace("quay.io/", "registry.example.com/mirror/quay.io/"),
    "bitnami": "image: bitnami/etcd:3.5\nenvironment:\n  ALLOW_NONE_AUTHENTICATION: 'yes'\n"
    "  ETCD_ADVERTISE_CLIENT_URLS: http://etcd:2379\nports: ['2379:2379']\n",
    "curl": f'{_ETCD}healthcheck:\n  test: ["CMD", "curl", "-f", "http://localhost:2379/health"]\n',
    "bitnami-checked": "image: bitnamilegacy/etcd:3.5\nenvironment:\n  - ALLOW_NONE_AUTHENTICATION=yes\n"
    "healthcheck:\n  test: etcdctl endpoint health || exit 1\n",
    "etcdctl": f'{_ETCD}healthcheck:\n  test: ["CMD", "etcdctl", "endpoint", "health"]\n',
    "etcdctl-shell": f"{_ETCD}healthcheck:\n  test: etcdctl --endpoints=http://localhost:2379 endpoint "
    "health || exit 1\n",
}
STORES: dict[str, str] = {
    "string": _MINIO,
    "without-program": f"{_STORE}command: server /data\n",
    "list": f'{_STORE}command: ["server", "/data", "--console-address", ":9001"]\nports: ["9001:9001"]\n',
    "certs-dir": f"{_STORE}command: minio server /minio_data --certs-dir /certs\n",
    "user": f'{_STORE}command: minio server /minio_data\nuser: "1000:1000"\n',
    "user-entrypoint": f'{_STORE}entrypoint: [minio, server, /data]\nuser: "1000"\n',
    "shell": f"{_STORE}entrypoint: sh\ncommand: -c 'mkdir -p /data/m && minio server /data'\n",
    "bitnami": "image: bitnamilegacy/minio:2024\nvolumes: [data:/bitnami/minio/data]\n"
    'healthcheck:\n  test: ["CMD", "curl", "-f", "http://localhost:9000/minio/health/live"]\n',
    "urls": f"{_MINIO}environment:\n  MINIO_SERVER_URL: http://minio:9000\n"
    "  MINIO_BROWSER_REDIRECT_URL: http://localhost:9001\n",
    "curl": f'{_MINIO}healthcheck:\n  test: ["CMD", "curl", "-f", '
    '"http://localhost:9000/minio/health/live"]\n',
    "curl-shell": f"{_MINIO}healthcheck:\n  test: curl -fs http://127.0.0.1:9000/minio || exit 1\n",
    "curl-folded": f"{_MINIO}healthcheck:\n  test: >-\n    curl -fs\n    "
    "http://minio:9000/minio/health/live\n"
    "    || exit 1\n",
    "console": f'{_MINIO}healthcheck:\n  test: ["CMD", "curl", "-f", "http://localhost:9001"]\n',
    "mc": f'{_MINIO}healthcheck:\n  test: ["CMD", "mc", "ready", "local"]\n',
    "mc-shell": f'{_MINIO}healthcheck:\n  test: ["CMD-SHELL", "mc admin info local || exit 1"]\n',
    "mc-alias": f'{_MINIO}healthcheck:\n  test:\n    [\n      "CMD-SHELL",\n      "mc alias set h '
    'http://localhost:9000 a b && mc ready h",\n    ]\n',
    "mc-local": f"{_MINIO}healthcheck:\n  test: mc alias set local http://localhost:9000 a b && "
    "mc admin info local\n",
    # As in coze-studio's: it makes its bucket itself.
    "mc-inside": f"{_STORE}user: root\nentrypoint:\n  - /bin/sh\n  - -c\n  - |\n    # behind it\n"
    "    (\n      until (/usr/bin/mc alias set l http://localhost:9000 a b) do\n        sleep 1\n"
    "      done\n"
    "      /usr/bin/mc mb --ignore-existing l/b\n    ) &\n\n    exec minio server /data\n",
    "curl-inside": f"{_STORE}entrypoint: sh\ncommand: -c '(until curl -s http://localhost:9000/minio; "
    "do sleep 1; done; touch /ready) & exec minio server /data'\n",
    "wget": f'{_MINIO}healthcheck:\n  test: ["CMD", "wget", "-q", "--spider", '
    '"http://localhost:9000/minio"]\n',
    "port": f"{_MINIO}healthcheck:\n  test: timeout 5s bash -c ':> /dev/tcp/127.0.0.1/9000' || exit 1\n",
    "rustfs": "image: rustfs/rustfs\ncommand: rustfs server /data\nhealthcheck:\n"
    '  test: ["CMD", "sh", "-c", "curl -f http://localhost:9000/health && curl -f '
    'http://localhost:9001/rustfs/console/health"]\n',
    "seaweedfs": "image: chrislusf/seaweedfs\ncommand: server -s3 -s3.port=9000 -dir=/data\n",
}
MILVUS: dict[str, str] = {
    "string": _MILVUS,
    "https-endpoints": _MILVUS.replace("etcd:2379", "http://etcd:2379"),
    "address-and-port": _MILVUS.replace("minio:9000", "minio\n  MINIO_PORT: 9000"),
    "use-ssl": _MILVUS.replace("minio:9000", "minio:9000\n  MINIO_USE_SSL: false"),
    "prefix": _MILVUS.replace("2.5.5", "2.6.2").replace("ETCD_END", "MILVUS_CONF_ETCD_END"),
    "old": _MILVUS.replace("2.5.5", "2.3.5"),
    "list": _MILVUS.replace("  ETCD_ENDPOINTS: ", "  - ETCD_ENDPOINTS=").replace(
        "  MINIO_ADDRESS: ", "  - MINIO_ADDRESS="
    ),
    "profile": f"{_MILVUS}profiles: [vectors]\n",
}
_MC = "image: minio/mc\ndepends_on: [minio]\n"
_ALIAS = "mc alias set m http://minio:9000 minioadmin minioadmin"
CLIENTS: dict[str, str] = {
    "mc-folded": f'{_MC}entrypoint: >\n  /bin/sh -c "\n  /usr/bin/{_ALIAS};\n'
    '  /usr/bin/mc mb m/a-bucket;\n  exit 0;\n  "\n',
    "mc-script": f'{_MC}entrypoint: ["/bin/sh", "-c"]\ncommand:\n  - |\n'
    f"    until ({_ALIAS}) do sleep 1; done;\n"
    "    mc mb --ignore-existing m/a-bucket\n",
    "mc-list": f'{_MC}entrypoint: ["sh", "-c", "{_ALIAS} && mc mb m/a-bucket"]\n',
    "mc-waits": f"{_MC}entrypoint: sh\ncommand: -c 'until curl -sf http://minio:9000/minio/health/live; "
    f"do sleep 1; done; {_ALIAS}'\n",
    "mc-host": f"{_MC}environment:\n  MC_HOST_m: http://minioadmin:minioadmin@minio:9000\n"
    "command: mb --ignore-existing m/a-bucket\n",
    "mc-host-list": f"{_MC}environment:\n  - MC_HOST_m=http://minioadmin:minioadmin@minio:9000\n"
    "command: [mb, m/a-bucket]\n",
    "mc-shell-names": f"{_MC}environment:\n  S3: minio:9000\n"
    "entrypoint: sh -c 'mc alias set m http://$$S3 a b; mc mb m/a-bucket'\n",
    "mc-interpolated": f"{_MC}entrypoint: sh -c 'mc alias set m http://${{S3_HOST:-minio}}:9000 a b'\n",
    "mc-of-minio": f"image: minio/minio\nentrypoint: sh -c '{_ALIAS}; mc mb m/a-bucket'\n",
    "mc-config-dir": f'{_MC}user: "1000"\nenvironment: {{MC_CONFIG_DIR: /tmp/mc}}\n'
    f"entrypoint: sh -c '{_ALIAS}'\n",
    "backup": "image: milvusdb/milvus-backup:v0.5.5\nenvironment:\n  MILVUS_ADDRESS: standalone\n"
    "  MILVUS_PORT: 19530\n  MINIO_ADDRESS: minio\n  MINIO_PORT: 9000\n  MINIO_BACKUP_ADDRESS: minio\n",
}
# Variables as the images take them: Bitnami's have a prefix of their own.
_LISTENERS = {
    "LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093,OUTSIDE://:9094",
    "ADVERTISED_LISTENERS": "PLAINTEXT://kafka:9092,OUTSIDE://localhost:9094",
    "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,OUTSIDE:PLAINTEXT",
    "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
}
_MAP = "LISTENER_SECURITY_PROTOCOL_MAP"
_ASKED = (
    'healthcheck:\n  test: ["CMD", "kafka-topics", "--bootstrap-server", "kafka:9092", "--list"]\n'
)


def _kafka(image: str, prefix: str, *names: str) -> str:
    lines = "".join(f"  - {prefix}{name}={_LISTENERS[name]}\n" for name in names or _LISTENERS)
    return f"image: {image}\nenvironment:\n{lines}"


KAFKA: dict[str, str] = {
    "bitnami": _kafka("bitnami/kafka:3.6", "KAFKA_CFG_"),
    "apache": _kafka("apache/kafka:3.8.0", "KAFKA_")
    + "healthcheck:\n  test: bin/kafka-topics.sh --bootstrap-server localhost:9092 --list || exit 1\n",
    "confluent": _kafka("confluentinc/cp-kafka:7.5.0", "KAFKA_", "ADVERTISED_LISTENERS", _MAP)
    + _ASKED,
}
_ROLES = ("mixcoord", "proxy", "querynode", "datanode")
_SHARED = "image: milvusdb/milvus:v2.5.5\nenvironment: &env\n" + "".join(
    f"  {line}\n"
    for line in ("ETCD_ENDPOINTS: etcd:2379", "MINIO_ADDRESS: minio:9000", "MQ_TYPE: woodpecker")
)


def standalone(etcd: str = _ETCD, store: str = _MINIO, milvus: str = _MILVUS) -> str:
    """A compose file with one of each."""
    return _file("", {"etcd": etcd, "minio": store, "standalone": milvus})


def _file(top: str, services: dict[str, str]) -> str:
    written = (f"  {name}:\n{indent(text, '    ')}" for name, text in services.items())
    return f"{top}services:\n{''.join(written)}volumes:\n  data:\n"


def _cluster(shared: str, own: str) -> str:
    parts = {role: f'{own}command: ["milvus", "run", "{role}"]\n' for role in _ROLES}
    parts["proxy"] += 'ports: ["19530:19530"]\n'
    top = f"x-milvus: &common\n{indent(shared, '  ')}"
    return _file(top, {"etcd": _ETCD, "minio": _MINIO, **parts})


def shapes() -> dict[str, str]:
    """Compose files, by the name of their shape."""
    found = {f"etcd-{name}": standalone(etcd=text) for name, text in ETCD.items()}
    found |= {f"store-{name}": standalone(store=text) for name, text in STORES.items()}
    found |= {f"milvus-{name}": standalone(milvus=text) for name, text in MILVUS.items()}
    base = {"etcd": _ETCD, "minio": _MINIO, "standalone": _MILVUS}
    found |= {
        f"client-{name}": _file("", {**base, "client": text}) for name, text in CLIENTS.items()
    }
    messages = _MILVUS.replace(
        "minio:9000", "minio:9000\n  MQ_TYPE: kafka\n  KAFKA_BROKERLIST: kafka:9092"
    )
    for name, text in KAFKA.items():
        parts = {"etcd": _ETCD, "minio": _MINIO, "kafka": text, "standalone": messages}
        found[f"kafka-{name}"] = _file("", parts)
    found["cluster-merged"] = _cluster(_SHARED, "<<: *common\n")
    image = "image: milvusdb/milvus:v2.5.5\n"
    found["cluster-aliased"] = _cluster(_SHARED, f"{image}environment: *env\n")
    found["cluster-merged-variables"] = _cluster(
        _SHARED, f"{image}environment:\n  <<: *env\n  LOG_LEVEL: info\n"
    )
    pair = {
        f"etcd{n}": "image: quay.io/coreos/etcd:v3.5.18\ncommand: etcd --name etcd1 "
        f"--advertise-client-urls http://etcd{n}:2379 --listen-client-urls http://0.0.0.0:2379 "
        f"--initial-cluster etcd1=http://etcd1:2380,etcd2=http://etcd2:2380\n"
        for n in (1, 2)
    }
    two = _MILVUS.replace("etcd:2379", "etcd1:2379,etcd2:2379")
    found["two-etcds"] = _file("", {**pair, "minio": _MINIO, "standalone": two})
    pool = "image: minio/minio\ncommand: server http://minio{1...2}/data{1...2}\n"
    several = {"minio1": pool, "minio2": pool}
    one = _MILVUS.replace("minio:9000", "minio1:9000")
    found["distributed-minio"] = _file("", {"etcd": _ETCD, **several, "standalone": one})
    return found

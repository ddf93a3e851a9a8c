"""``export helm`` with ``--scope all``: the pods that helm renders, run as containers under their names.

No Kubernetes is needed for what the values say: variables, Secrets, paths and names are those of the
rendered objects; networks, images and the scripts of Bitnami's image are not.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import whole_stack
from tests.e2e.image_names import ETCD, MILVUS, S3
from tests.e2e.kept_rows import ROWS, Stack, rows
from tests.e2e.session import run
from tests.judges.kubernetes import CHART_VARIABLE, rendered
from tests.judges.test_kubernetes import export
from tests.judges.test_whole_release import NAMESPACE, pods, secrets_of, seen_by, whole

pytestmark = [
    pytest.mark.own_ports,
    # What fetches it is at work in tests/judges at the same time.
    pytest.mark.skipif(CHART_VARIABLE not in os.environ, reason=f"{CHART_VARIABLE} names no chart"),
]

RELEASE = "db"
HEADLESS = f"{RELEASE}-etcd-headless.{NAMESPACE}.svc.cluster.local"
MINIO = f"{RELEASE}-minio"
MINIO_CERTIFICATES = "/etc/minio/certs"
# The scripts of Bitnami's image make settings of these, and etcd refuses to know them.
OF_SCRIPTS = ("ON_K8S", "START_FROM_SNAPSHOT", "DISASTER_RECOVERY", "CLUSTER_DOMAIN", "DATA_DIR")


@pytest.fixture
def objects(tmp_path: Path) -> list[Any]:
    """What helm renders of a project."""
    project = tmp_path / "exported"
    project.mkdir()
    values = tmp_path / "values.yaml"
    values.write_text(export(whole(project), "helm", name=RELEASE, namespace=NAMESPACE))
    # What this Milvus knows, and one MinIO.
    chosen = "cluster.enabled=false,standalone.messageQueue=rocksmq,minio.mode=standalone"
    return rendered(RELEASE, NAMESPACE, values, "--set", chosen)


def mounts(directory: Path, seen: dict[str, bytes]) -> list[str]:
    """The files that a pod sees, for a container: each from a file of its own."""
    found = []
    for path, content in seen.items():
        file = directory / path.strip("/").replace("/", "_")
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o444)
        found.append(f"{file}:{path}:ro")
    return found


def etcd(pod: Any, number: int, files: list[str]) -> dict[str, Any]:
    """One member, told what its pod is told."""
    name = f"{RELEASE}-etcd-{number}"
    [container] = pod["spec"]["containers"]
    told = {one["name"]: one.get("value", "") for one in container["env"]}
    return {
        "image": ETCD,
        "command": ["etcd"],
        "environment": {
            variable: value.replace("$(MY_POD_NAME)", name)
            for variable, value in told.items()
            if variable.startswith("ETCD_") and variable.removeprefix("ETCD_") not in OF_SCRIPTS
        },
        "volumes": files,
        "networks": {"default": {"aliases": [f"{name}.{HEADLESS}", HEADLESS]}},
        "stop_grace_period": "1s",
    }


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = {key: (below[key], above[key]) for key in below.keys() & above.keys()}
    deep = {
        key: merged(*pair) if all(isinstance(one, dict) for one in pair) else pair[1]
        for key, pair in both.items()
    }
    return {**below, **above, **deep}


def configuration(objects: list[Any], directory: Path) -> bytes:
    """milvus.yaml of the image, with that of the chart and then ours over it."""
    command = [
        "docker",
        "run",
        "--rm",
        "--entrypoint",
        "cat",
        MILVUS,
        "/milvus/configs/milvus.yaml",
    ]
    done = run(command, directory)
    assert done.code == 0, done.err
    [data] = [
        one["data"] for one in objects if one["kind"] == "ConfigMap" and "user.yaml" in one["data"]
    ]
    default = yaml.safe_load(data["default.yaml"])
    # A newer Milvus takes a list, too.
    default["etcd"]["endpoints"] = ",".join(default["etcd"]["endpoints"])
    whole_file = merged(yaml.safe_load(done.out), default)
    return yaml.safe_dump(merged(whole_file, yaml.safe_load(data["user.yaml"]))).encode()


def test_what_helm_renders_speaks_tls_and_nothing_else(
    stack: Stack, objects: list[Any], tmp_path: Path
) -> None:
    exported = tmp_path / "exported"
    secrets = secrets_of(exported, "helm", RELEASE)
    pod = pods(objects, "StatefulSet", f"{RELEASE}-etcd")
    files = mounts(tmp_path / "of-etcd", seen_by(pod["spec"], secrets))
    services = {f"{RELEASE}-etcd-{number}": etcd(pod, number, files) for number in range(3)}

    shown = seen_by(pods(objects, "Deployment", MINIO)["spec"], secrets, MINIO)
    store = whole_stack.standalone(stack.port)["services"]["minio"]
    told = " ".join(
        f"-s3.{flag}.file={MINIO_CERTIFICATES}/{file}"
        for flag, file in (("cert", "public.crt"), ("key", "private.key"))
    )
    services[MINIO] = {
        **store,
        "image": S3,
        "command": f"{store['command']} {told}",
        "volumes": ["store:/data", *mounts(tmp_path / "of-minio", shown)],
        "networks": {"default": {"aliases": ["minio"]}},
    }
    pod = pods(objects, "Deployment", f"{RELEASE}-milvus-standalone")
    seen = seen_by(pod["spec"], secrets)
    seen["/milvus/configs/milvus.yaml"] = configuration(objects, tmp_path)
    services["standalone"] = {
        "image": MILVUS,
        "command": pod["spec"]["containers"][0]["args"],
        "volumes": mounts(tmp_path / "of-milvus", seen),
        "ports": [f"127.0.0.1:{stack.port}:19530"],
        "healthcheck": {
            "test": ["CMD", "curl", "-fsS", "http://localhost:9091/healthz"],
            "interval": "1s",
            "start_period": "120s",
        },
        "stop_grace_period": "1s",
    }
    users = whole_stack.standalone(stack.port)["configs"]
    document = {"services": services, "configs": users, "volumes": {"store": {}}}
    (stack.project.directory / "compose.yaml").write_text(json.dumps(document))
    stack.compose("up", "--detach", "--wait")

    certificates = exported / "cert"
    connect = {
        "uri": f"https://localhost:{stack.port}",
        "ca_pem_path": str(certificates / "ca.pem"),
        "client_pem_path": str(certificates / "client.pem"),
        "client_key_path": str(certificates / "client.key"),
        "timeout": 60,
    }
    assert rows(connect, tmp_path, "fill") == ROWS
    # Whoever shows nothing is turned away by each member of etcd, and so is plain text.
    member = f"{RELEASE}-etcd-0"
    asked = ("exec", "-T", member, "sh", "-c")
    healthy = "etcdctl --command-timeout=2s --endpoints=%s://127.0.0.1:2379 %s endpoint health"
    ca = "--cacert $ETCD_TRUSTED_CA_FILE"
    pair = "--cert $ETCD_CERT_FILE --key $ETCD_KEY_FILE"
    for scheme, options, code in (("https", f"{ca} {pair}", 0), ("https", ca, 1), ("http", "", 1)):
        done = stack.project.compose(*asked, healthy % (scheme, options))
        assert done.code == code, (scheme, options, done.out + done.err)

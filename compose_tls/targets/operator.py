"""A Milvus resource for the Milvus Operator.

Source: the resource definition milvuses.milvus.io of https://github.com/zilliztech/milvus-operator. Its
``spec.config`` is free-form: a misplaced key is taken, and does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from compose_tls.layout import OBJECT_STORE
from compose_tls.setup import TlsSetup
from compose_tls.targets import dependencies, kubernetes
from compose_tls.targets.release import Release
from compose_tls.yamlpatch.build import Commented, New


def resource(setup: TlsSetup, release: Release, fingerprints: Mapping[str, str]) -> New:
    """The Milvus resource; images, sizes and which dependencies are left to who runs the cluster.

    Args:
        setup: What is wanted.
        release: The resource.
        fingerprints: SHA-256 of each certificate, by its identity; none where someone else issues them.
    """
    secrets = kubernetes.mounted_secrets(setup, release)
    names = ", ".join(dict.fromkeys(one.name for one in secrets))
    components: dict[str, New] = {
        "volumes": Commented(
            kubernetes.volumes(secrets),
            f"The Secret {names} with the file names that the settings use.",
        ),
        "volumeMounts": kubernetes.volume_mounts(setup, secrets),
    }
    if annotations := kubernetes.pod_annotations(secrets, fingerprints):
        components["podAnnotations"] = Commented(
            annotations,
            "Milvus reads certificates only at start: a new one replaces the pods.",
        )
    rest = kubernetes.rest_port(setup)
    if rest is not None:
        serving = "proxy" if release.cluster else "standalone"
        components[serving] = Commented({"serviceRestfulPort": rest}, "REST, over TLS.")
    metadata: dict[str, New] = {
        "name": release.name,
        "namespace": release.namespace,
        "labels": {"app": "milvus"},
    }
    spec: dict[str, New] = {
        "mode": "cluster" if release.cluster else "standalone",
        "config": Commented(
            kubernetes.settings_tree(setup), "As in a milvus.yaml: tls stands next to common."
        ),
        "components": components,
    }
    if of_charts := dependencies.values(setup, release, fingerprints):
        spec["dependencies"] = Commented(
            _dependencies(of_charts, release),
            "For a new resource only: etcd members with and without TLS cannot connect to each other.",
        )
    return {
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": metadata,
        "spec": spec,
    }


def _dependencies(of_charts: Mapping[str, New], release: Release) -> dict[str, New]:
    found: dict[str, New] = {}
    if "etcd" in of_charts:
        found["etcd"] = {"inCluster": {"values": of_charts["etcd"]}}
    if "minio" in of_charts:
        # The Operator itself asks it whether it is ready: GetMinioCondition in controllers/conditions.go.
        ssl: New = {
            "enabled": True,
            "caCertificateRef": kubernetes.secret_name(release, OBJECT_STORE),
        }
        found["storage"] = {"inCluster": {"values": of_charts["minio"]}, "ssl": ssl}
    return found

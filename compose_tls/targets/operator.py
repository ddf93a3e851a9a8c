"""A Milvus resource for the Milvus Operator.

Source: the resource definition milvuses.milvus.io of https://github.com/zilliztech/milvus-operator. Its
``spec.config`` is free-form: a misplaced key is taken, and does nothing.
"""

from __future__ import annotations

from compose_tls.setup import TlsSetup
from compose_tls.targets import kubernetes
from compose_tls.targets.release import Release
from compose_tls.yamlpatch.build import Commented, New


def resource(setup: TlsSetup, release: Release, fingerprint: str | None) -> New:
    """The Milvus resource; images, dependencies and sizes are left to who runs the cluster.

    Args:
        setup: What is wanted.
        release: The resource.
        fingerprint: SHA-256 of the server certificate; ``None`` where someone else issues it.
    """
    secrets = kubernetes.mounted_secrets(setup, release)
    names = ", ".join(one.name for one in secrets)
    components: dict[str, New] = {
        "volumes": Commented(
            kubernetes.volumes(secrets),
            f"The Secret {names} under the names that the settings say.",
        ),
        "volumeMounts": kubernetes.volume_mounts(secrets),
    }
    if fingerprint is not None:
        components["podAnnotations"] = Commented(
            {kubernetes.FINGERPRINT: fingerprint},
            "Milvus reads certificates at its start: with another one, other pods.",
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
    return {
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": metadata,
        "spec": {
            "mode": "cluster" if release.cluster else "standalone",
            "config": Commented(
                kubernetes.settings_tree(setup), "As in a milvus.yaml: tls stands next to common."
            ),
            "components": components,
        },
    }

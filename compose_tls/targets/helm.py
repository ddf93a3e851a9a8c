"""Values for the official Helm chart of Milvus.

Source: charts/milvus of https://github.com/zilliztech/milvus-helm, version 5.0.19: ``extraConfigFiles``
is merged over milvus.yaml; ``volumes``, ``volumeMounts`` and ``annotations`` reach every component.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compose_tls.setup import TlsSetup
from compose_tls.targets import dependencies, kubernetes
from compose_tls.targets.release import Release
from compose_tls.yamlpatch.build import Block, Commented, New, build

_HEADING = """\
TLS for Milvus with the Helm chart milvus/milvus, in addition to your own values:
  helm upgrade --install {name} milvus/milvus -n {namespace} -f your-values.yaml -f THIS-FILE
Helm merges maps and replaces lists and texts: if your own values have volumes, volumeMounts or
extraConfigFiles.user.yaml, repeat their content here."""
_OF_ITS_OWN: Final = {
    "etcd": "For a new release only: etcd members with and without TLS cannot connect to each other.",
    "minio": "MinIO; its console and all other clients then also use TLS.",
}


def values(setup: TlsSetup, release: Release, fingerprints: Mapping[str, str]) -> bytes:
    """The values that add TLS to a release; there is no key in them.

    Args:
        setup: What is wanted.
        release: The release.
        fingerprints: SHA-256 of each certificate, by its identity; none where someone else issues them.
    """
    secrets = kubernetes.mounted_secrets(setup, release)
    names = ", ".join(dict.fromkeys(one.name for one in secrets))
    settings = build(kubernetes.settings_tree(setup)).decode()
    found: dict[str, New] = {
        "extraConfigFiles": Commented(
            {"user.yaml": Block(settings)}, "Merged over milvus.yaml; these values win."
        ),
        "volumes": Commented(
            kubernetes.volumes(secrets),
            f"The Secret {names} with the file names that the settings use.",
            apart=True,
        ),
        "volumeMounts": Commented(kubernetes.volume_mounts(setup, secrets), apart=True),
    }
    if annotations := kubernetes.pod_annotations(secrets, fingerprints):
        found["annotations"] = Commented(
            annotations,
            "Milvus reads certificates only at start: a new one replaces the pods.",
            apart=True,
        )
    for chart, one in dependencies.values(setup, release, fingerprints).items():
        found[chart] = Commented(one, _OF_ITS_OWN[chart], apart=True)
    return build(found, _HEADING.format(name=release.name, namespace=release.namespace))

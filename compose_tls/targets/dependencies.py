"""Values with which the charts of etcd and MinIO, as parts of a release, speak TLS.

Sources: the charts etcd 8.12.0 and minio 8.0.17 in charts/milvus/charts of
https://github.com/zilliztech/milvus-helm, which the Operator deploys as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from compose_tls.layout import ETCD, OBJECT_STORE
from compose_tls.setup import TlsSetup
from compose_tls.targets import kubernetes
from compose_tls.targets.release import Release
from compose_tls.yamlpatch.build import Commented, New


def values(setup: TlsSetup, release: Release, fingerprints: Mapping[str, str]) -> dict[str, New]:
    """The values of each chart, by the name of the chart; none for what stays plain.

    Args:
        setup: What is wanted.
        release: Where it belongs.
        fingerprints: SHA-256 of each certificate, by its identity; none where someone else issues them.
    """
    found: dict[str, New] = {}
    for name in kubernetes.dependencies(setup):
        secret = kubernetes.secret_name(release, name)
        chart, values = _OF[name](secret)
        if name in fingerprints:
            values["podAnnotations"] = {kubernetes.FINGERPRINT: fingerprints[name]}
        found[chart] = values
    return found


def _etcd(secret: str) -> tuple[str, dict[str, New]]:
    """Its health checks take certificate and key from the same variables: libetcd.sh of its image."""
    switched: dict[str, New] = {
        "secureTransport": True,
        "enableAuthentication": True,
        "existingSecret": secret,
        "certFilename": kubernetes.CERTIFICATE_KEY,
        "certKeyFilename": kubernetes.KEY_KEY,
        "caFilename": kubernetes.CA_KEY,
    }
    return "etcd", {
        "auth": {
            "client": Commented(switched, "Clients have to present a certificate of the same CA."),
            "peer": Commented(dict(switched), "Connections between the members."),
        }
    }


def _minio(secret: str) -> tuple[str, dict[str, New]]:
    return "minio", {
        "tls": {
            "enabled": True,
            "certSecret": secret,
            "publicCrt": kubernetes.CERTIFICATE_KEY,
            "privateKey": kubernetes.KEY_KEY,
        }
    }


_OF = {ETCD: _etcd, OBJECT_STORE: _minio}

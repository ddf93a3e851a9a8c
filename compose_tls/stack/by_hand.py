"""What a client of etcd or of the object store needs that is not switched: the lines to write.

Sources: https://etcd.io/docs/v3.5/dev-guide/interacting_v3/ and ``etcdctl --help`` for its variables;
``connect --help`` of birdwatcher 1.1;
https://prometheus.io/docs/prometheus/latest/configuration/configuration/#tls_config; ``mc`` and
``aws_cli`` for those. An etcd shows its metrics where clients connect, so that Prometheus needs a
certificate too: https://etcd.io/docs/v3.5/op-guide/monitoring/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from compose_tls.layout import CA_BUNDLE, KEY, MILVUS, OBJECT_STORE, STORE_CAS
from compose_tls.patterns import regex
from compose_tls.stack import aws_cli, mc
from compose_tls.stack.images import repository_and_tag

_CTL: Final = regex(r"(?<![\w-])etcdctl\b")
_BIRDWATCHER: Final = regex(r"(?<![\w-])birdwatcher\b")
_SCRAPES: Final = frozenset({"prometheus", "vmagent", "victoria-metrics"})


def lines(
    image: str | None,
    text: str,
    variables: Mapping[str, str | None],
    user: str | None,
    *,
    ca: str,
    client: str | None,
    tls_dir: str,
) -> str:
    """What to write, in one line.

    Args:
        image: Its image.
        text: What it runs, and the file that names the server, where one does.
        variables: Its environment.
        user: The user that it names.
        ca: The CA certificate.
        client: The client certificate, where the server demands one.
        tls_dir: The TLS directory.
    """
    key = client and f"{client.rpartition('.')[0]}{KEY}"
    words = [text]
    if repository_and_tag(image or "")[0] in _SCRAPES:
        shown = ", cert_file and key_file" if client else ""
        files = f"{ca}, {client} and {key}" if client else ca
        return f"in its scrape job: scheme: https, and tls_config with ca_file{shown} ({files}, mounted)"
    if client is not None and _CTL.search(text):
        return (
            f"write https:// in its endpoints, mount {ca}, {client} and {key}, and name them by "
            "ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY in its environment"
        )
    if client is not None and _BIRDWATCHER.search(f"{image} {text}"):
        return (
            f"mount {ca}, {client} and {key}, and connect with --enableTLS, --rootCAPem, --etcdCert and "
            "--etcdKey"
        )
    if client is None and mc.runs(image, words):
        place = mc.certificates_directory(image, words, variables, user) or "DIRECTORY/certs/CAs"
        mounted = f"./{tls_dir}/{OBJECT_STORE}/{STORE_CAS}:{place}:ro"
        return f"write https:// for http:// there, and {mounted} in its volumes"
    if client is None and aws_cli.runs(image, words):
        return (
            f"write https:// for http:// there, ./{tls_dir}/{MILVUS}/{CA_BUNDLE}:/{CA_BUNDLE}:ro in its "
            f"volumes, and {aws_cli.CA_VARIABLE}: /{CA_BUNDLE} in its environment"
        )
    return f"give it https, {ca} as its CA{f' and {client}' if client else ''}"

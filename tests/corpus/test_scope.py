"""Every compose file of the corpus with ``--scope all``: intended keys alone change, and go again.

PyYAML is the oracle: what a file means before and after, without the code that edits it.
"""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_tls import disable
from compose_tls.results import EnableResult
from tests.corpus.enabling import ENVIRONMENT, enabled
from tests.corpus.files import Sample
from tests.corpus.test_compose_files import SAMPLES, project, texts

__all__ = ["project"]

_TLS = re.compile(
    r"(?:ETCD_(?:SSL_|CERT_FILE|KEY_FILE|TRUSTED_CA|CLIENT_CERT|LISTEN_CLIENT|ADVERTISE_CLIENT)"
    r"|ETCDCTL_|MINIO_(?:USESSL|SSL_)|INTERNALTLS_|COMMON_SECURITY_(?:TLSMODE|INTERNALTLS)"
    r"|TLS_|PROXY_HTTP_)",
    re.IGNORECASE,
)
_PLACES = ("/milvus/tls", "/milvus/tls-stack", "/tls", "/root/.minio/certs", "/etc/ssl/certs/")


def scoped(directory: Path, scope: str = "all") -> EnableResult:
    return enabled(directory, mode=2, scope=scope)


def without_tls(document: Any) -> Any:
    """A compose file as it reads when all that has to do with TLS is taken out of its services."""
    found = copy.deepcopy(document)
    for service in found["services"].values():
        service["environment"] = {
            name: value for name, value in variables(service).items() if not _TLS.match(name)
        }
        service["volumes"] = [
            volume
            for volume in service.get("volumes") or ()
            if not target(volume).startswith(_PLACES)
        ]
        for name in ("command", "entrypoint"):
            if name in service:
                service[name] = plain(service[name])
        test = (service.get("healthcheck") or {}).get("test")
        if test is not None:
            service["healthcheck"]["test"] = plain(test)
    return found


def variables(service: Any) -> dict[str, Any]:
    given = service.get("environment") or {}
    if isinstance(given, dict):
        return dict(given)
    return dict(text.partition("=")[::2] for text in given)


def target(volume: Any) -> str:
    return volume["target"] if isinstance(volume, dict) else re.split(r":(?!-)", volume)[1]


def plain(words: Any) -> str:
    text = " ".join(words) if isinstance(words, list) else str(words)
    text = text.replace("https://", "http://")
    return re.sub(r" --(?:cacert|cert|key|certs-dir) \S+", "", text).strip()


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_file_means_the_same_but_for_tls_and_gets_its_bytes_back(
    project: Path, sample: Sample
) -> None:
    before = texts(sample.write(project))
    result = scoped(project)
    after = texts(project)

    # It may be that a file is left alone, and the edits are in one of our own.
    for name, content in before.items():
        if name != "milvus.yaml":
            old, new = (yaml.safe_load(text) for text in (content, after[name]))
            assert without_tls(new) == without_tls(old)
    assert not scoped(project).changed
    assert texts(project) == after
    scoped(project, "proxy")
    scoped(project)
    assert texts(project) == after
    disable(project, environment=ENVIRONMENT)
    assert texts(project) == before
    assert result.changed


@pytest.mark.parametrize("sample", SAMPLES)
def test_etcd_and_object_store_of_the_file_are_switched_on_both_sides(
    project: Path, sample: Sample
) -> None:
    old = yaml.safe_load(texts(sample.write(project))["docker-compose.yml"])["services"]
    images = {name: str(one.get("image", "")) for name, one in old.items()}
    result = scoped(project)
    files = texts(project)
    new = {
        name: service
        for file, content in files.items()
        if file != "milvus.yaml"
        for name, service in yaml.safe_load(content)["services"].items()
    }
    told = {warning.code for warning in result.warnings}

    etcd = [name for name, image in images.items() if "coreos/etcd" in image]
    minio = [name for name, image in images.items() if "minio/minio" in image]
    if not etcd and not minio:
        pytest.skip("the file has neither")
    if "stays-plain" in told and not any("SSL" in k for n in new for k in variables(new[n])):
        pytest.skip("what this Milvus connects to is not in the file")
    milvus = [name for name, image in images.items() if "milvusdb/milvus" in image]
    for name in milvus:
        said = {**variables(new[name])}
        if "milvus.yaml" in files:
            continue
        if etcd:
            assert said["ETCD_SSL_ENABLED"] == "true"
        if minio:
            assert said["MINIO_USESSL"] == "true"
    for name in etcd:
        assert "http://0.0.0.0" not in str(new[name].get("command"))
        assert variables(new[name])["ETCD_CLIENT_CERT_AUTH"] == "true"
    for name in minio:
        assert "http://" not in str(new[name].get("healthcheck"))

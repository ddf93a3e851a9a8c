"""``--scope all`` for Kubernetes: etcd and MinIO of the chart as helm renders them, read as pods do."""

from __future__ import annotations

import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

import compose_tls
from compose_tls.pki.names import covers
from compose_tls.targets.release import Target
from tests.judges.kubernetes import definition, rendered, strict_faults
from tests.judges.test_kubernetes import ROOT, export

NAMESPACE = "vec"
STACK = "/milvus/tls-stack"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
MINIO = "/etc/minio/certs"


def whole(directory: Path, tag: str = "v2.3.5", **settings: Any) -> Path:
    """A project with etcd and its object store in TLS, too."""
    compose = (ROOT / "fixtures" / "docker-compose.yml").read_text()
    (directory / "docker-compose.yml").write_text(compose.replace("milvus:v2.3.5", f"milvus:{tag}"))
    compose_tls.enable(directory, {"mode": 2, "scope": "all", **settings}, environment={})
    return directory


def secrets_of(project: Path, target: Target, release: str) -> dict[str, dict[str, bytes]]:
    """The Secrets that export makes, every one of them as the API server wants it."""
    text = export(project, target, secret=True, name=release, namespace=NAMESPACE)
    found: dict[str, dict[str, bytes]] = {}
    for one in yaml.safe_load_all(text):
        assert strict_faults(one) == ""
        assert one["type"] == "kubernetes.io/tls"
        assert one["metadata"]["namespace"] == NAMESPACE
        found[one["metadata"]["name"]] = {
            key: b64decode(value) for key, value in one["data"].items()
        }
    return found


def seen_by(
    spec: Any, secrets: dict[str, dict[str, bytes]], of_chart: str = ""
) -> dict[str, bytes]:
    """The files that the one container of a pod sees of Secrets; each Secret and key has to be there.

    The Secret ``of_chart`` holds credentials, and the chart makes it.
    """
    held: dict[str, dict[str, bytes]] = {}
    for volume in spec["volumes"]:
        sources = volume["projected"]["sources"] if "projected" in volume else [volume]
        for source in (each["secret"] for each in sources if "secret" in each):
            name = source.get("secretName", source.get("name"))
            if name == of_chart:
                continue
            items = source.get("items", [{"key": k, "path": k} for k in secrets[name]])
            there = held.setdefault(volume["name"], {})
            there |= {item["path"]: secrets[name][item["key"]] for item in items}
    [container] = spec["containers"]
    found: dict[str, bytes] = {}
    for mount in container["volumeMounts"]:
        files = held.get(mount["name"], {})
        place = mount["mountPath"].rstrip("/")
        if "subPath" in mount and files:
            found[place] = files[mount["subPath"]]
        else:
            found |= {f"{place}/{path}": content for path, content in files.items()}
    return found


def require_pair(certificate: bytes, key: bytes, ca: bytes) -> x509.Certificate:
    shown = x509.load_pem_x509_certificate(certificate)
    shown.verify_directly_issued_by(x509.load_pem_x509_certificate(ca))
    assert load_pem_private_key(key, None).public_key() == shown.public_key()
    return shown


def require_names(certificate: x509.Certificate, hosts: list[str]) -> None:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert hosts
    for host in hosts:
        assert covers(host, names.get_values_for_type(x509.DNSName), ()), host


def pods(objects: list[Any], kind: str, name: str) -> Any:
    """The pod template of a workload."""
    [found] = [
        one for one in objects if one["kind"] == kind and one["metadata"]["name"] == name
    ]  # fmt: skip
    return found["spec"]["template"]


def require_etcd(spec: Any, name: str, seen: dict[str, bytes]) -> x509.Certificate:
    """Its variables name files that are there, for the names by which all reach it."""
    [container] = spec["containers"]
    told = {one["name"]: one.get("value") or "" for one in container["env"]}
    assert "http://" not in " ".join(told.values())
    assert told["ETCD_CLIENT_CERT_AUTH"] == told["ETCD_PEER_CLIENT_CERT_AUTH"] == "true"
    shown, of_members = (
        require_pair(
            *(seen[told[f"{prefix}_{file}_FILE"]] for file in ("CERT", "KEY", "TRUSTED_CA"))
        )
        for prefix in ("ETCD", "ETCD_PEER")
    )
    assert shown == of_members
    urls = f"{told['ETCD_INITIAL_CLUSTER']} {told['ETCD_ADVERTISE_CLIENT_URLS']}"
    require_names(
        shown, re.findall(r"https://([^:]+):", urls.replace("$(MY_POD_NAME)", f"{name}-0"))
    )
    return shown


def require_minio(spec: Any, seen: dict[str, bytes], ca: bytes) -> x509.Certificate:
    """It finds its files, and its probe asks over TLS."""
    shown = require_pair(seen[f"{MINIO}/public.crt"], seen[f"{MINIO}/private.key"], ca)
    assert seen[f"{MINIO}/CAs/public.crt"] == seen[f"{MINIO}/public.crt"]
    [container] = spec["containers"]
    assert container["livenessProbe"]["httpGet"]["scheme"] == "HTTPS"
    [pattern] = re.findall(r"https://([^/ ]+)", container["command"][-1])
    require_names(shown, [pattern.replace("{0...3}", str(number)) for number in range(4)])
    return shown


def require_milvus(settings: Any, seen: dict[str, bytes], ca: bytes, *, inside: bool) -> None:
    """What its settings name is there, and no key besides."""
    tls = settings["etcd"]["ssl"]
    client = require_pair(seen[tls["tlsCert"]], seen[tls["tlsKey"]], seen[tls["tlsCACert"]])
    usage = client.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert ExtendedKeyUsageOID.CLIENT_AUTH in usage
    assert seen[settings["minio"]["ssl"]["tlsCACert"]] == seen[BUNDLE] == ca
    assert seen[tls["tlsCACert"]] == ca
    keys = {"/milvus/tls/server.key", f"{STACK}/etcd-client.key"}
    assert ("internaltls" in settings) is inside
    if inside:
        own = settings["internaltls"]
        names = ("serverPemPath", "serverKeyPath", "caPemPath")
        require_names(require_pair(*(seen[own[name]] for name in names)), [own["sni"]])
        keys.add(own["serverKeyPath"])
    assert {path for path, content in seen.items() if b"PRIVATE KEY" in content} == keys


@pytest.mark.parametrize(
    ("release", "cluster", "tag"),
    [
        ("db", False, "v2.3.5"),
        ("db", True, "v2.6.15"),
        ("my-milvus", False, "v2.6.15"),
        ("my-etcd", True, "v2.3.5"),
        ("minio-vec", False, "v2.3.5"),
        ("m" * 49, False, "v2.3.5"),
    ],
)
def test_the_chart_has_all_of_it_in_tls(
    tmp_path: Path, release: str, cluster: bool, tag: str
) -> None:
    project = whole(tmp_path, tag)
    values = tmp_path / "values.yaml"
    values.write_text(export(project, "helm", name=release, namespace=NAMESPACE))
    secrets = secrets_of(project, "helm", release)
    more = ("--set", f"cluster.enabled={str(cluster).lower()}")
    objects = rendered(release, NAMESPACE, values, *more)
    for one in objects:
        assert strict_faults(one) == ""
    ca = (project / "cert" / "stack-ca.pem").read_bytes()
    etcd, minio = (
        release if name in release else f"{release}-{name}" for name in ("etcd", "minio")
    )
    spec = pods(objects, "StatefulSet", etcd)["spec"]
    of_etcd = require_etcd(spec, etcd, seen_by(spec, secrets))
    spec = pods(objects, "StatefulSet", minio)["spec"]
    of_minio = require_minio(spec, seen_by(spec, secrets, minio), ca)

    # Milvus: where its settings lead, the certificates are for.
    [configuration] = [
        one for one in objects if one["kind"] == "ConfigMap" and "user.yaml" in one["data"]
    ]
    default = yaml.safe_load(configuration["data"]["default.yaml"])
    require_names(of_etcd, [each.rpartition(":")[0] for each in default["etcd"]["endpoints"]])
    require_names(of_minio, [default["minio"]["address"]])
    settings = yaml.safe_load(configuration["data"]["user.yaml"])
    assert default["minio"]["useSSL"] is settings["minio"]["useSSL"] is True
    components = [
        one["spec"]["template"]["spec"]
        for one in objects
        if one["kind"] == "Deployment"
        and "component" in one["spec"]["template"]["metadata"]["labels"]
    ]
    assert len(components) == (5 if cluster else 1)
    for spec in components:
        require_milvus(settings, seen_by(spec, secrets), ca, inside=tag == "v2.6.15")


@pytest.mark.parametrize("tag", ["v2.3.5", "v2.6.15"])
def test_the_operator_gets_the_same(tmp_path: Path, tag: str) -> None:
    project = whole(tmp_path, tag)
    text = export(project, "operator", name="db", namespace=NAMESPACE)
    documents = list(yaml.safe_load_all(text))
    [milvus] = [one for one in documents if one["kind"] == "Milvus"]
    secrets = secrets_of(project, "operator", "db")
    assert [one["metadata"]["name"] for one in documents if one["kind"] == "Secret"] == [*secrets]
    definition("milvus.io_milvuses.yaml")(milvus)
    spec = milvus["spec"]
    pod = {
        "containers": [
            {"name": "x", "image": "x", "volumeMounts": spec["components"]["volumeMounts"]}
        ],
        "volumes": spec["components"]["volumes"],
    }
    whole_pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}
    assert strict_faults(whole_pod) == ""
    seen = seen_by(pod, secrets)
    tls, stored = spec["config"]["etcd"]["ssl"], spec["config"]["minio"]
    require_pair(seen[tls["tlsCert"]], seen[tls["tlsKey"]], seen[tls["tlsCACert"]])
    assert seen[stored["ssl"]["tlsCACert"]] == seen[BUNDLE]
    # The charts are those of the chart of Milvus, under the names of releases of their own.
    helm = yaml.safe_load(export(project, "helm", name="db", namespace=NAMESPACE))
    inside = spec["dependencies"]
    assert inside["etcd"]["inCluster"]["values"] == helm["etcd"]
    assert inside["storage"]["inCluster"]["values"] == helm["minio"]
    asked = inside["storage"]["ssl"]
    assert asked["enabled"] is True
    assert secrets[asked["caCertificateRef"]]["ca.crt"] == seen[BUNDLE]
    # Where it lets Milvus, and itself, connect to: milvus_webhook.go.
    etcd, minio = (
        x509.load_pem_x509_certificate(secrets[f"db-{name}-tls"]["tls.crt"])
        for name in ("etcd", "object-store")
    )
    require_names(etcd, [f"db-etcd-0.db-etcd-headless.{NAMESPACE}"])
    require_names(minio, [f"db-minio.{NAMESPACE}"])


@pytest.mark.parametrize("issuer", [None, "ClusterIssuer/company"])
def test_cert_manager_makes_every_secret_that_pods_mount(
    tmp_path: Path, issuer: str | None
) -> None:
    project = whole(tmp_path, "v2.6.15")
    secrets = secrets_of(project, "helm", "db")
    options = {"name": "db", "namespace": NAMESPACE}
    files = {"Issuer": "issuers", "Certificate": "certificates"}
    made: dict[str, Any] = {}
    for one in yaml.safe_load_all(export(project, "cert-manager", issuer=issuer, **options)):
        definition(f"cert-manager.io_{files[one['kind']]}.yaml")(one)
        if one["kind"] == "Certificate":
            made[one["spec"]["secretName"]] = one["spec"]
    cas = {"db-ca", "db-stack-ca"} if issuer is None else set[str]()
    assert set(made) == {*secrets, *cas, "db-client-tls"}
    for name, data in secrets.items():
        ours = x509.load_pem_x509_certificate(data["tls.crt"])
        names = ours.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted = set(names.get_values_for_type(x509.DNSName))
        assert wanted <= set(made[name]["dnsNames"]), name
        usages = ours.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        assert len(made[name]["usages"]) == 1 + len(list(usages)), name
    values = yaml.safe_load(export(project, "helm", secret=False, **options))
    assert values["minio"]["tls"]["certSecret"] in made
    assert values["etcd"]["auth"]["client"]["existingSecret"] in made


class TestTheJudges:
    def test_a_secret_that_is_not_there_is_found(self, tmp_path: Path) -> None:
        project = whole(tmp_path)
        values = yaml.safe_load(export(project, "helm", name="db", namespace=NAMESPACE))
        secrets = secrets_of(project, "helm", "db")
        values["etcd"]["auth"]["client"]["existingSecret"] = "db-etcd"
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        objects = rendered("db", NAMESPACE, file, "--set", "cluster.enabled=false")
        with pytest.raises(KeyError, match="db-etcd"):
            seen_by(pods(objects, "StatefulSet", "db-etcd")["spec"], secrets)

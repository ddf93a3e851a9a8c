"""What Kubernetes' own tools say of what export makes: helm, kubectl, and the schemas of every object."""

from __future__ import annotations

import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import compose_tls
from compose_tls.stack.milvus.settings import canonical, read_setting, tls_settings
from compose_tls.targets.release import Target
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import parse
from tests.exported import leaves
from tests.judges.kubernetes import definition, rendered, strict_faults, tool

ROOT = Path(__file__).resolve().parents[2]
MODES = pytest.mark.parametrize("mode", [1, 2])
CLUSTER = pytest.mark.parametrize("cluster", [False, True], ids=["standalone", "cluster"])
REST = pytest.mark.parametrize("rest_port", [None, 8080], ids=["no REST", "REST"])
DIRECTORY = "/milvus/tls"


def project(directory: Path, mode: int, rest_port: int | None = None) -> Path:
    """An enabled project."""
    for name in ("docker-compose.yml", "milvus.yaml"):
        (directory / name).write_bytes((ROOT / "fixtures" / name).read_bytes())
    rest = {} if rest_port is None else {"rest_port": rest_port}
    compose_tls.enable(directory, {"mode": mode, **rest}, environment={})
    return directory


def export(directory: Path, target: Target, **options: Any) -> str:
    result = compose_tls.export(directory, target, environment={}, **options)
    return result.text or result.private_text


def require_known(config: Any, mode: int, rest_port: int | None) -> None:
    """Each key is one of Milvus: the Operator takes any, and Milvus passes over what it does not know."""
    wanted = {one.route: one.value for one in tls_settings(TlsMode(mode), DIRECTORY, rest_port)}
    found = {route: str(value).lower() if isinstance(value, bool) else str(value)
             for route, value in leaves(config)}  # fmt: skip
    assert found == wanted
    complete = parse((ROOT / "fixtures" / "milvus.yaml").read_bytes(), "milvus.yaml")
    for route in found:
        # REST has no port of its own in the file of 2.3: proxy.http.port is empty or left out there.
        if canonical(".".join(route)) != canonical("proxy.http.port"):
            assert read_setting(complete, route) is not None, route


@MODES
@CLUSTER
@REST
def test_helm_renders_the_chart_with_the_values(
    tmp_path: Path, mode: int, cluster: bool, rest_port: int | None
) -> None:
    place = project(tmp_path, mode, rest_port)
    values = tmp_path / "values.yaml"
    values.write_text(export(place, "helm", namespace="vec"))
    more = ("--set", f"cluster.enabled={str(cluster).lower()}")
    found = rendered("milvus", "vec", values, *more)
    for one in found:
        assert strict_faults(one) == ""
    [secret] = yaml.safe_load_all(export(place, "helm", secret=True, namespace="vec"))
    assert strict_faults(secret) == ""
    pods = [
        one["spec"]["template"]
        for one in found
        if one["kind"] == "Deployment"
        and "component" in one["spec"]["template"]["metadata"]["labels"]
    ]
    assert len(pods) == (5 if cluster else 1), [p["metadata"]["labels"] for p in pods]
    [fingerprint] = {p["metadata"]["annotations"]["compose-tls/certificate-sha256"] for p in pods}
    shown = compose_tls.export(place, "helm", namespace="vec", environment={}).certificates
    assert fingerprint == shown[0].sha256
    for pod in pods:
        spec = pod["spec"]
        [container] = spec["containers"]
        [mount] = [one for one in container["volumeMounts"] if one["mountPath"] == DIRECTORY]
        [volume] = [one for one in spec["volumes"] if one["name"] == mount["name"]]
        assert volume["secret"]["secretName"] == secret["metadata"]["name"]
        assert {one["key"] for one in volume["secret"]["items"]} == set(secret["data"])
    [configuration] = [
        one for one in found if one["kind"] == "ConfigMap" and "user.yaml" in one["data"]
    ]
    require_known(yaml.safe_load(configuration["data"]["user.yaml"]), mode, rest_port)
    [service] = [
        one for one in found
        if one["kind"] == "Service" and 19530 in [p["port"] for p in one["spec"]["ports"]]
    ]  # fmt: skip
    assert f"{service['metadata']['name']}.vec.svc" in shown[0].dns_names


@pytest.mark.parametrize("release", ["milvus", "db", "my-milvus"])
def test_the_certificate_is_for_the_service_of_the_chart(tmp_path: Path, release: str) -> None:
    place = project(tmp_path, 2)
    values = tmp_path / "values.yaml"
    values.write_text(export(place, "helm", name=release, namespace="vec"))
    found = rendered(release, "vec", values, "--set", "cluster.enabled=false")
    [service] = [
        one["metadata"]["name"] for one in found
        if one["kind"] == "Service" and 19530 in [p["port"] for p in one["spec"]["ports"]]
    ]  # fmt: skip
    names = compose_tls.export(
        place, "helm", name=release, namespace="vec", environment={}
    ).certificates[0].dns_names  # fmt: skip
    ends = ("", ".vec", ".vec.svc", ".vec.svc.cluster.local")
    assert {f"{service}{end}" for end in ends} <= set(names)


def test_the_chart_without_minio_needs_one_more_value(tmp_path: Path) -> None:
    """As docs/kubernetes.md says: a nil pointer of the chart, with and without these values."""
    values = tmp_path / "values.yaml"
    values.write_text(export(project(tmp_path, 1), "helm"))
    without = ("--set", "cluster.enabled=false", "--set", "minio.enabled=false")
    with pytest.raises(AssertionError, match="nil pointer"):
        rendered("milvus", "default", values, *without)
    assert rendered("milvus", "default", values, *without, "--set", "minio.tls.enabled=false")


@pytest.mark.parametrize("target", ["helm", "operator"])
def test_kubectl_makes_the_same_secret(tmp_path: Path, target: Target) -> None:
    place = project(tmp_path, 2)
    [ours] = yaml.safe_load_all(export(place, target, secret=True, name="db", namespace="vec"))
    files = {
        "tls.crt": "exports/vec.db.pem",
        "tls.key": "exports/vec.db.key",
        "ca.crt": "ca.pem",
    }
    options = [f"--from-file={key}={place / 'cert' / file}" for key, file in files.items()]
    done = subprocess.run(
        [
            *(tool("kubectl"), "create", "secret", "generic", "db-tls", "-n", "vec"),
            *("--type=kubernetes.io/tls", *options, "--dry-run=client", "-o", "yaml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = yaml.safe_load(done.stdout)
    theirs["metadata"].pop("creationTimestamp", None)  # null, in versions before 1.34
    assert ours == theirs
    assert strict_faults(ours) == ""


@MODES
@REST
@pytest.mark.parametrize("secret", [None, False])
def test_the_operator_knows_every_field_of_the_resource(
    tmp_path: Path, mode: int, rest_port: int | None, secret: bool | None
) -> None:
    place = project(tmp_path, mode, rest_port)
    found = list(yaml.safe_load_all(export(place, "operator", secret=secret)))
    [milvus] = [one for one in found if one["kind"] == "Milvus"]
    definition("milvus.io_milvuses.yaml")(milvus)
    require_known(milvus["spec"]["config"], mode, rest_port)
    # Volumes are free-form there too: what they become in a pod is not.
    components = milvus["spec"]["components"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x"},
        "spec": {
            "containers": [{"name": "x", "image": "x", "volumeMounts": components["volumeMounts"]}],
            "volumes": components["volumes"],
        },
    }
    assert strict_faults(pod) == ""


@MODES
@pytest.mark.parametrize("issuer", [None, "company", "ClusterIssuer/company"])
def test_cert_manager_knows_every_field_of_its_objects(
    tmp_path: Path, mode: int, issuer: str | None
) -> None:
    place = project(tmp_path, mode)
    files = {"Issuer": "issuers", "Certificate": "certificates"}
    kinds = []
    for one in yaml.safe_load_all(export(place, "cert-manager", issuer=issuer)):
        definition(f"cert-manager.io_{files[one['kind']]}.yaml")(one)
        kinds.append(one["kind"])
    assert kinds.count("Certificate") == mode + (issuer is None)
    assert kinds.count("Issuer") == (2 if issuer is None else 0)


class TestTheJudges:
    """A judge that finds no fault anywhere would prove nothing."""

    def test_helm_values_with_an_unknown_field_are_found(self, tmp_path: Path) -> None:
        values = yaml.safe_load(export(project(tmp_path, 1), "helm"))
        values["volumes"][0]["secret"]["secretname"] = "x"
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        found = rendered("milvus", "default", file, "--set", "cluster.enabled=false")
        assert "secretname" in " ".join(strict_faults(one) for one in found)

    def test_a_resource_with_an_unknown_field_is_found(self, tmp_path: Path) -> None:
        found = yaml.safe_load_all(export(project(tmp_path, 1), "operator"))
        [milvus] = [one for one in found if one["kind"] == "Milvus"]
        milvus["spec"]["components"]["volumeMount"] = []
        with pytest.raises(jsonschema.ValidationError, match="volumeMount"):
            definition("milvus.io_milvuses.yaml")(milvus)

    def test_a_certificate_with_an_unknown_usage_is_found(self, tmp_path: Path) -> None:
        found = yaml.safe_load_all(export(project(tmp_path, 1), "cert-manager", issuer="x"))
        [certificate] = found
        certificate["spec"]["usages"] = ["server authentication"]
        with pytest.raises(jsonschema.ValidationError):
            definition("cert-manager.io_certificates.yaml")(certificate)

    def test_tls_under_common_is_found(self, tmp_path: Path) -> None:
        """As in the samples of the Operator: Milvus would show the demo certificates."""
        found = yaml.safe_load_all(export(project(tmp_path, 1), "operator", secret=False))
        [milvus] = found
        config = milvus["spec"]["config"]
        config["common"]["tls"] = config.pop("tls")
        with pytest.raises(AssertionError):
            require_known(config, 1, None)


def test_the_secret_holds_what_lies_in_the_project(tmp_path: Path) -> None:
    place = project(tmp_path, 2)
    [secret] = yaml.safe_load_all(export(place, "operator", secret=True))
    data = {key: b64decode(value) for key, value in secret["data"].items()}
    assert data == {
        "tls.crt": (place / "cert/exports/default.milvus.pem").read_bytes(),
        "tls.key": (place / "cert/exports/default.milvus.key").read_bytes(),
        "ca.crt": (place / "tls/ca.pem").read_bytes(),
    }

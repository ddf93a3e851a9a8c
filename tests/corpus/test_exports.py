"""Every compose file of the corpus, exported to every target and read back as that target reads it.

What is seen there is the set-up of the project: the files that its settings name, its certificates as
``status`` lists them, or those that ``export`` has issued for the names of the target.
"""

from __future__ import annotations

import re
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

import compose_tls
from compose_tls.results import ExportResult, StatusResult
from compose_tls.targets.release import Target
from tests.corpus.enabling import ENVIRONMENT
from tests.corpus.files import Sample, compose_samples, or_skipped
from tests.corpus.stack_shapes import shapes
from tests.corpus.test_scope_in_compose import everything, widened
from tests.exported import leaves, mounted, placed
from tests.judges.kubernetes import definition

KEYS = {"tls.crt", "tls.key", "ca.crt"}
ENDS = ("", ".vec", ".vec.svc", ".vec.svc.cluster.local")
NAMES = {
    f"{name}{part}{end}"
    for name in ("db", "db-milvus")
    for part in ("", "-headless")
    for end in ENDS
}
DEFINITIONS = {
    "Milvus": "milvus.io_milvuses.yaml",
    "Issuer": "cert-manager.io_issuers.yaml",
    "Certificate": "cert-manager.io_certificates.yaml",
}
WHOLE = {"mode": 2, "scope": "all"}
_CORPUS = [(sample.name, sample, WHOLE) for sample in compose_samples()]
# What no file of the corpus has: other servers, older ones, clusters; and the other modes and scopes.
_SHAPES = [
    (f"{shape}-{number}", Sample(shape, shapes()[shape].encode()), settings)
    for number, settings in enumerate((WHOLE, {"mode": 1, "scope": "internal"}, {"mode": 2}))
    for shape in ("milvus-old", "store-rustfs", "kafka-bitnami", "cluster-merged", "two-etcds")
    if (shape, number)
    != ("milvus-old", 1)  # whose parts cannot encrypt what they say to each other
]
CASES = [
    *or_skipped([case[1:] for case in _CORPUS], [name for name, *_ in _CORPUS]),
    *(pytest.param(case, id=name) for name, *case in _SHAPES),
]


@dataclass(frozen=True)
class Enabled:
    """A project with TLS, and what it looked like before anything was exported."""

    directory: Path
    mode: int
    status: StatusResult
    before: dict[str, bytes]

    def export(self, target: Target, **options: Any) -> ExportResult:
        """Export; nothing but certificates for it, and the file that is named, comes into the project."""
        given = {"name": "db", "namespace": "vec", "hosts": ("milvus.example.com",), **options}
        result = compose_tls.export(self.directory, target, environment=ENVIRONMENT, **given)
        after = everything(self.directory)
        assert {path: after.get(path) for path in self.before} == self.before
        new = after.keys() - self.before.keys() - {given.get("output")}
        assert all(path.startswith("cert/exports/") for path in new)
        return result

    def secrets(self, target: Target) -> dict[str, Any]:
        """The Secrets, each with a pair under its CA that the project or the export tells of."""
        result = self.export(target, secret=True)
        known = {one.sha256 for one in (*self.status.certificates, *result.certificates)}
        found = {one["metadata"]["name"]: one for one in yaml.safe_load_all(result.private_text)}
        for one in found.values():
            assert one["metadata"]["namespace"] == "vec"
            assert one["type"] == "kubernetes.io/tls"
            data = {key: b64decode(value, validate=True) for key, value in one["data"].items()}
            assert data.keys() == KEYS
            shown = x509.load_pem_x509_certificate(data["tls.crt"])
            shown.verify_directly_issued_by(x509.load_pem_x509_certificate(data["ca.crt"]))
            key = load_pem_private_key(data["tls.key"], None)
            assert key.public_key() == shown.public_key()
            assert fingerprint(shown) in known
        return found


@pytest.fixture(scope="module", params=CASES)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Enabled:
    sample, settings = request.param
    directory = sample.write(tmp_path_factory.mktemp("corpus"))
    widened(directory, settings)
    status = compose_tls.status(directory, environment=ENVIRONMENT)
    return Enabled(directory, settings["mode"], status, everything(directory))


def fingerprint(certificate: x509.Certificate) -> str:
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def names_in(pem: bytes) -> set[str]:
    found = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    return {*found.value.get_values_for_type(x509.DNSName),
            *map(str, found.value.get_values_for_type(x509.IPAddress))}  # fmt: skip


@pytest.mark.parametrize("target", ["helm", "operator"])
def test_the_pods_of_milvus_see_every_file_that_their_settings_name(
    project: Enabled, target: Target
) -> None:
    secrets = project.secrets(target)
    text = project.export(target, secret=False).text
    [found] = yaml.safe_load_all(text)
    if target == "operator":
        valid(found)
        part, config = found["spec"]["components"], found["spec"]["config"]
    else:
        part, config = found, yaml.safe_load(found["extraConfigFiles"]["user.yaml"])
    seen = mounted(part["volumes"], part["volumeMounts"], list(secrets.values()))
    named = {value for _, value in leaves(config) if isinstance(value, str) and value[:1] == "/"}
    assert named <= seen.keys()
    assert config["common"]["security"]["tlsMode"] == project.mode == project.status.mode
    shown = {
        name: seen[config["tls"][f"{name}Path"]] for name in ("serverPem", "serverKey", "caPem")
    }
    assert {*NAMES, "milvus.example.com", "localhost"} <= names_in(shown["serverPem"])
    assert shown["serverKey"] == project.directory.joinpath("cert/exports/vec.db.key").read_bytes()
    assert shown["caPem"] == project.before["cert/ca.pem"]
    assert project.export(target, secret=False).text == text


def test_cert_manager_fills_every_secret_of_helm_with_the_same_names(project: Enabled) -> None:
    documents = list(yaml.safe_load_all(project.export("cert-manager").text))
    for one in documents:
        valid(one)
    made = {
        one["spec"]["secretName"]: one["spec"] for one in documents if one["kind"] == "Certificate"
    }
    issuers = {one["metadata"]["name"] for one in documents if one["kind"] == "Issuer"}
    assert {one["issuerRef"]["name"] for one in made.values()} <= issuers
    for name, secret in project.secrets("helm").items():
        wanted = {*made[name].get("dnsNames", ()), *made[name].get("ipAddresses", ())}
        assert wanted == names_in(b64decode(secret["data"]["tls.crt"])), name


def test_each_service_of_a_stack_sees_what_it_mounts_in_the_project(project: Enabled) -> None:
    """Or is named with the mount that no stack file can take out."""
    result = project.export("swarm", output="stack.yml")
    stack = yaml.safe_load((project.directory / "stack.yml").read_text())
    for section in ("configs", "secrets"):
        for one in stack[section].values():
            assert re.fullmatch(r"[a-zA-Z0-9][-\w.]{0,62}[a-zA-Z0-9]", one["name"])
            key = b"PRIVATE KEY" in (project.directory / one["file"]).read_bytes()
            assert key is (section == "secrets"), one
    told = " ".join(one.message for one in result.warnings if one.code == "mount-stays")
    found = list(mounts(project.directory))
    assert {name for name, _, _ in found} >= stack["services"].keys() != set()
    for name, source, target in found:
        if f"service {name} still mounts " in told and source in re.split(r",? ", told):
            continue
        assert {"type": "tmpfs", "target": target} in stack["services"][name]["volumes"]
        seen = placed(stack, name, project.directory)
        for path in (project.directory / source).rglob("*"):
            if path.is_file() and path.name != ".gitignore":
                there = seen[f"{target}/{path.relative_to(project.directory / source)}"]
                # That of the server is for the names of the stack.
                assert there == path.read_bytes() or path.stem == "server"
    (project.directory / "stack.yml").unlink()


def test_the_script_issues_every_key_of_the_project(project: Enabled) -> None:
    script = project.export("openssl").text
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    keys = {Path(path).stem for path in project.before if re.fullmatch(r"cert/[^/]+\.key", path)}
    assert set(re.findall(r"(?m)^issue (\S+)", script)) == keys


def valid(one: Any) -> None:
    definition(DEFINITIONS[one["kind"]])(one)


def mounts(directory: Path) -> Iterator[tuple[str, str, str]]:
    """The services, sources and targets of what is mounted out of our directories."""
    for file in directory.glob("*compose*.y*ml"):
        for name, service in yaml.safe_load(file.read_bytes())["services"].items():
            for one in service.get("volumes") or ():
                pair = one if isinstance(one, dict) else dict(
                    zip(("source", "target"), re.split(r":(?!-)", one), strict=False)
                )  # fmt: skip
                source = re.sub(r"^(\$\{\w+:-\.\}|\.)/", "", pair.get("source") or "")
                if re.match(r"tls(-clients)?/", f"{source}/"):
                    yield name, source, pair["target"]

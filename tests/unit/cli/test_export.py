"""compose-tls export: the set-up elsewhere, read back as the place reads it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import compose_tls
from tests.exported import placed
from tests.unit.cli.conftest import ROOT, Run, facts, later

PRIVATE_KEY = "PRIVATE KEY"
IN_CLUSTER = ("", ".default", ".default.svc", ".default.svc.cluster.local")


def documents(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


def of_kind(text: str, kind: str) -> Any:
    [found] = [one for one in documents(text) if one["kind"] == kind]
    return found


def certificate(content: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(content)


def names_in(content: bytes) -> set[str]:
    names = certificate(content).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    found = names.value.get_values_for_type(x509.DNSName)
    return {*found, *map(str, names.value.get_values_for_type(x509.IPAddress))}


def seen_in_container(volume: Any, mount: Any, secret: Any) -> dict[str, bytes]:
    """What a container sees of a Secret, by path."""
    assert volume["name"] == mount["name"]
    assert volume["secret"]["secretName"] == secret["metadata"]["name"]
    assert mount["readOnly"] is True
    return {
        f"{mount['mountPath']}/{item['path']}": b64decode(secret["data"][item["key"]])
        for item in volume["secret"]["items"]
    }


def require_served(settings: Any, seen: dict[str, bytes], *, mode: int, names: set[str]) -> None:
    """What the settings name is there, belongs together, and is for these names."""
    assert settings["common"]["security"]["tlsMode"] == mode
    tls = settings["tls"]
    server, ca = certificate(seen[tls["serverPemPath"]]), certificate(seen[tls["caPemPath"]])
    key = load_pem_private_key(seen[tls["serverKeyPath"]], None)
    server.verify_directly_issued_by(ca)
    assert server.public_key() == key.public_key()
    assert names <= names_in(seen[tls["serverPemPath"]])


class TestOperator:
    def test_milvus_sees_its_certificate_under_the_names_that_its_settings_say(
        self, run: Run, enabled: Path
    ) -> None:
        out = run(
            "export", "operator", "--name", "db", "--ingress-host", "milvus.example.com"
        ).out  # fmt: skip
        milvus, secret = of_kind(out, "Milvus"), of_kind(out, "Secret")
        components = milvus["spec"]["components"]
        [volume], [mount] = components["volumes"], components["volumeMounts"]
        service = {f"db-milvus{end}" for end in IN_CLUSTER}
        require_served(
            milvus["spec"]["config"],
            seen_in_container(volume, mount, secret),
            mode=2,
            names={*service, "db-milvus-headless", "localhost", "milvus.example.com"},
        )
        ca = b64decode(secret["data"]["ca.crt"])
        assert ca == (enabled / "cert" / "ca.pem").read_bytes()
        assert milvus["spec"]["mode"] == "standalone"

    def test_a_cluster_stays_one_and_rest_keeps_its_port(self, run: Run, project: Path) -> None:
        compose = project / "docker-compose.yml"
        text = compose.read_text().replace('"standalone"]', '"proxy"]')
        assert '"proxy"]' in text
        compose.write_text(text)
        assert run("enable", "--mode", "1", "--rest-port", "8080").code == 0
        spec = of_kind(run("export", "operator").out, "Milvus")["spec"]
        assert spec["mode"] == "cluster"
        assert spec["config"]["proxy"]["http"] == {"enabled": True, "port": 8080}
        assert spec["components"]["proxy"] == {"serviceRestfulPort": 8080}

    def test_without_the_secret_there_is_no_key_and_nothing_is_issued(
        self, run: Run, enabled: Path
    ) -> None:
        before = facts(enabled)
        found = run("export", "operator", "--no-secret", "--json").json
        assert [one["kind"] for one in documents(found["text"])] == ["Milvus"]
        assert not found["changed"]
        assert facts(enabled).keys() == before.keys()


class TestHelm:
    def test_values_and_secret_belong_together(self, run: Run, enabled: Path) -> None:
        values = yaml.safe_load(run("export", "helm").out)
        secret = of_kind(run("export", "helm", "--secret").out, "Secret")
        [volume], [mount] = values["volumes"], values["volumeMounts"]
        settings = yaml.safe_load(values["extraConfigFiles"]["user.yaml"])
        seen = seen_in_container(volume, mount, secret)
        require_served(settings, seen, mode=2, names={f"milvus{end}" for end in IN_CLUSTER})
        shown = certificate(seen["/milvus/tls/server.pem"])
        [issued] = run("export", "helm", "--json").json["certificates"]
        assert values["annotations"] == {"compose-tls/certificate-sha256": issued["sha256"]}
        assert f"{shown.serial_number:x}".zfill(len(issued["serial"])) == issued["serial"]

    def test_its_certificate_serves_the_operator_as_well(self, run: Run, enabled: Path) -> None:
        [first] = run("export", "helm", "--name", "vectors", "--json").json["certificates"]
        options = ("--name", "vectors", "-o", "all.yaml", "--json")
        [second] = run("export", "operator", *options).json["certificates"]
        assert first["sha256"] == second["sha256"]
        assert {"vectors", "vectors-milvus.default.svc"} <= set(first["dns_names"])

    def test_values_hold_no_key(self, run: Run, enabled: Path) -> None:
        for arguments in (("export", "helm"), ("export", "helm", "--json")):
            found = run(*arguments)
            assert found.code == 0
            assert PRIVATE_KEY not in found.out + found.err

    def test_rest_that_the_service_does_not_publish_is_told(self, run: Run, project: Path) -> None:
        assert run("enable", "--rest-port", "8080").code == 0
        found = run("export", "helm", "--json").json
        assert [one["code"] for one in found["warnings"]] == ["rest-not-published"]

    def test_what_to_do_next_is_the_whole_command(self, run: Run, enabled: Path) -> None:
        found = run("export", "helm", "--namespace", "vec", "-o", "values.yaml", "--json").json
        assert found["next"] == [
            "compose-tls export helm --secret --namespace vec | kubectl apply -f -",
            "helm upgrade --install milvus milvus/milvus -n vec --reuse-values -f values.yaml",
        ]

    def test_of_many_names_the_first_are_printed_and_all_with_v(
        self, run: Run, enabled: Path
    ) -> None:
        names = "  for milvus, milvus.default, milvus.default.svc"
        short, every = (run("export", "helm", "-o", at, *v).out for at, *v in (["a"], ["b", "-v"]))
        assert re.search(rf"^{names}; and \d+ more, with -v$", short, re.MULTILINE)
        assert re.search(rf"^{names}, .*, localhost, 127\.0\.0\.1, ::1$", every, re.MULTILINE)

    def test_the_next_step_needs_no_file_that_is_not_there(self, run: Run, enabled: Path) -> None:
        assert run("export", "swarm", "--json").json["next"] == [
            "compose-tls export swarm > stack.yml",
            "docker stack deploy -c docker-compose.yml -c stack.yml milvus",
        ]


class TestCertManager:
    def test_the_secret_is_the_one_that_milvus_mounts(self, run: Run, enabled: Path) -> None:
        values = yaml.safe_load(run("export", "helm", "--no-secret").out)
        assert "annotations" not in values
        certificates = {
            one["spec"]["secretName"]: one["spec"]
            for one in documents(run("export", "cert-manager").out)
            if one["kind"] == "Certificate"
        }
        server = certificates[values["volumes"][0]["secret"]["secretName"]]
        assert server["usages"] == ["digital signature", "server auth"]
        assert {f"milvus{end}" for end in IN_CLUSTER} <= set(server["dnsNames"])
        assert server["privateKey"] == {
            "algorithm": "ECDSA", "size": 256, "encoding": "PKCS8", "rotationPolicy": "Always"
        }  # fmt: skip
        assert (server["duration"], server["renewBefore"]) == ("19800h", "720h")
        assert certificates["milvus-client-tls"]["usages"] == ["digital signature", "client auth"]
        ca = certificates["milvus-ca"]
        assert (ca["isCA"], ca["privateKey"]["rotationPolicy"]) == (True, "Never")
        assert server["issuerRef"] == {
            "group": "cert-manager.io", "kind": "Issuer", "name": "milvus-ca"
        }  # fmt: skip

    def test_an_issuer_that_is_there_takes_the_place_of_ours(self, run: Run, enabled: Path) -> None:
        out = run("export", "cert-manager", "--issuer", "ClusterIssuer/company").out
        assert {one["kind"] for one in documents(out)} == {"Certificate"}
        assert {one["spec"]["issuerRef"]["name"] for one in documents(out)} == {"company"}
        assert {one["spec"]["issuerRef"]["kind"] for one in documents(out)} == {"ClusterIssuer"}

    def test_in_mode_1_no_client_gets_a_certificate(self, run: Run, project: Path) -> None:
        assert run("enable", "--mode", "1").code == 0
        names = [one["metadata"]["name"] for one in documents(run("export", "cert-manager").out)]
        assert names == ["milvus-selfsigned", "milvus-ca", "milvus-ca", "milvus-tls"]

    def test_no_key_and_no_file(self, run: Run, enabled: Path) -> None:
        before = facts(enabled)
        out = run("export", "cert-manager").out
        assert "Secret" not in [one["kind"] for one in documents(out)]
        assert facts(enabled).keys() == before.keys()

    @pytest.mark.parametrize("issuer", ["Secret/x", "ClusterIssuer/", "", "a b", "a_b", "-x"])
    def test_what_is_no_issuer_is_refused(self, run: Run, enabled: Path, issuer: str) -> None:
        error = run("export", "cert-manager", f"--issuer={issuer}", "--json").error
        assert error["code"] == "invalid-setting"

    def test_that_the_ca_of_a_cluster_is_not_constrained_is_told(
        self, run: Run, project: Path
    ) -> None:
        assert run("enable", "--constrain").code == 0
        [warning] = run("export", "cert-manager", "--json").json["warnings"]
        assert warning["code"] == "settings-left"
        assert run("export", "cert-manager", "--issuer", "company", "--json").json["warnings"] == []


class TestSwarm:
    def test_the_stack_file_names_files_and_holds_none(self, run: Run, enabled: Path) -> None:
        found = run("export", "swarm", "--name", "vec", "-o", "stack.yml", "--json").json
        text = (enabled / "stack.yml").read_text()
        assert "BEGIN" not in text
        stack = yaml.safe_load(text)
        service = stack["services"]["standalone"]
        assert service["volumes"] == [{"type": "tmpfs", "target": "/milvus/tls"}]
        seen = placed(stack, "standalone", enabled)
        settings = yaml.safe_load((enabled / "milvus.yaml").read_text())
        names = {"vec_standalone", "tasks.standalone", "standalone", "localhost"}
        require_served(settings, seen, mode=2, names=names)
        modes = {one["target"]: one["mode"] for one in service["configs"] + service["secrets"]}
        assert modes == {
            "/milvus/tls/server.pem": 0o444,
            "/milvus/tls/ca.pem": 0o444,
            "/milvus/tls/server.key": 0o400,
        }
        assert [one["target"] for one in service["secrets"]] == ["/milvus/tls/server.key"]
        assert (
            stack["version"]
            == yaml.safe_load((enabled / "docker-compose.yml").read_text())["version"]
        )
        command = "docker stack deploy -c docker-compose.yml -c stack.yml vec"
        assert found["next"] == [command]
        assert command in text

    def test_a_path_with_a_dollar_is_no_variable(self, run: Run, project: Path) -> None:
        assert run("enable", "--pki-dir", "k$HOME").code == 0
        assert run("export", "swarm", "--pki-dir", "k$HOME", "-o", "stack.yml").code == 0
        stack = yaml.safe_load((project / "stack.yml").read_text())
        assert stack["secrets"]["server_key"]["file"] == "./k$$HOME/exports/swarm.milvus.key"

    def test_no_secret_of_the_project_is_replaced(self, run: Run, project: Path) -> None:
        """A stack takes the last one of a name: another service would have got the key of Milvus."""
        compose = project / "docker-compose.yml"
        compose.write_text(
            f"{compose.read_text()}\nsecrets:\n  server_key: {{file: ./own.key}}\n"
            "configs:\n  ca_pem: {file: ./own.pem}\n  ca_pem_tls: {file: ./own.pem}\n"
        )
        assert run("enable", "--mode", "2").code == 0
        assert run("export", "swarm", "-o", "stack.yml").code == 0
        stack = yaml.safe_load((project / "stack.yml").read_text())
        assert stack["secrets"].keys() == {"server_key_tls"}
        assert stack["configs"].keys() == {"server_pem", "ca_pem_tls_tls"}
        seen = placed(stack, "standalone", project)
        assert seen.keys() == {
            f"/milvus/tls/{name}" for name in ("server.pem", "server.key", "ca.pem")
        }

    def test_another_certificate_is_another_name_and_nothing_else(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as earlier:
            later(earlier, -810)
            assert run("enable", "--mode", "2").code == 0
            assert run("export", "swarm", "-o", "stack.yml").code == 0
        before = yaml.safe_load((project / "stack.yml").read_text())
        assert run("export", "swarm", "-o", "stack.yml").code == 0
        after = yaml.safe_load((project / "stack.yml").read_text())
        names = [
            {one["name"] for section in ("configs", "secrets") for one in stack[section].values()}
            for stack in (before, after)
        ]
        assert {name.rpartition("_")[0] for name in names[0] ^ names[1]} == {
            "milvus_server_pem",
            "milvus_server_key",
        }
        assert before["services"] == after["services"]


class TestCertificates:
    def test_the_one_at_hand_serves_where_it_has_every_name(self, run: Run, project: Path) -> None:
        names = sorted(_in_cluster("milvus"))
        options = [word for name in names for word in ("--san", name)]
        assert run("enable", "--mode", "2", *options).code == 0
        found = run("export", "helm", "--json").json
        assert [one["path"] for one in found["certificates"]] == ["cert/server.pem"]
        assert not (project / "cert" / "exports").exists()

    def test_else_it_gets_its_own_which_stays(self, run: Run, enabled: Path) -> None:
        first = run("export", "helm", "--json").json
        assert first["changed"]
        place = enabled / "cert" / "exports"
        assert {p.name: p.stat().st_mode & 0o777 for p in place.iterdir()} == {
            "default.milvus.pem": 0o644, "default.milvus.key": 0o600
        }  # fmt: skip
        assert place.stat().st_mode & 0o777 == 0o700
        before = facts(enabled)
        again = run("export", "helm", "--json").json
        assert not again["changed"]
        assert again["certificates"] == first["certificates"]
        assert again["text"] == first["text"]
        assert facts(enabled / "cert" / "exports") == {
            k.removeprefix("cert/exports/"): v for k, v in before.items()
            if k.startswith("cert/exports/")
        } | {".": before["cert/exports"]}  # fmt: skip

    def test_a_further_host_is_another_certificate(self, run: Run, enabled: Path) -> None:
        [first] = run("export", "helm", "--json").json["certificates"]
        [other] = run("export", "helm", "--ingress-host", "192.0.2.7", "--json").json[
            "certificates"
        ]
        assert first["sha256"] != other["sha256"]
        assert "192.0.2.7" in other["ip_addresses"]

    def test_one_that_ends_soon_is_issued_anew(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as earlier:
            later(earlier, -810)
            assert run("enable", "--mode", "2").code == 0
            [first] = run("export", "helm", "--json").json["certificates"]
        [second] = run("export", "helm", "--json").json["certificates"]
        assert first["sha256"] != second["sha256"]
        assert second["days_left"] == 824

    def test_one_of_another_ca_is_issued_anew(self, run: Run, enabled: Path) -> None:
        [first] = run("export", "helm", "--json").json["certificates"]
        assert run("renew", "--ca", "--no-restart").code == 0
        assert run("renew", "--ca", "--finish", "--no-restart").code == 0
        [second] = run("export", "helm", "--json").json["certificates"]
        assert first["issuer"] != second["issuer"]

    def test_without_the_key_of_the_ca_nothing_is_issued(self, run: Run, enabled: Path) -> None:
        (enabled / "cert" / "ca.key").unlink()
        before = facts(enabled)
        assert run("export", "helm", "--json").error["code"] == "certificate-unreadable"
        assert facts(enabled).keys() == before.keys()

    def test_a_brought_one_that_lacks_the_names_is_refused(self, run: Run, project: Path) -> None:
        assert run("enable").code == 0
        brought = project.parent / "brought"
        brought.mkdir()
        for name in ("ca.pem", "server.pem", "server.key"):
            (brought / name).write_bytes((project / "cert" / name).read_bytes())
        assert run("disable", "--purge").code == 0
        options = [f"--{n.replace('.', '-')}" for n in ("server.cert", "server.key", "ca.cert")]
        files = [brought / name for name in ("server.pem", "server.key", "ca.pem")]
        pairs = [word for pair in zip(options, files, strict=True) for word in pair]
        assert run("enable", *pairs).code == 0
        error = run("export", "operator", "--json", "-o", "milvus.yaml").error
        assert error["code"] == "name-not-covered"
        assert "milvus.default.svc" in error["message"]
        assert "cert-manager" in error["hint"]
        assert "cert-manager" not in run("export", "swarm", "--json").error["hint"]
        assert not (project / "cert" / "exports").exists()

    def test_clients_with_a_ca_of_their_own_are_let_in(self, run: Run, project: Path) -> None:
        place = project.parent / "of-clients"
        place.mkdir()
        assert run("enable", "--mode", "2").code == 0
        for name in ("ca.pem", "ca.key"):
            (place / name).write_bytes((project / "cert" / name).read_bytes())
        assert run("disable", "--purge").code == 0
        options = ("--client-ca-cert", place / "ca.pem", "--client-ca-key", place / "ca.key")
        assert run("enable", "--mode", "2", *options).code == 0
        for words in (("operator",), ("swarm", "-o", "stack.yml")):
            done = run("export", *words)
            assert done.code == 0, done.err
        secret = of_kind(run("export", "operator").out, "Secret")
        assert b64decode(secret["data"]["ca.crt"]) == (place / "ca.pem").read_bytes()

    def test_status_tells_that_one_ends_soon(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as earlier:
            later(earlier, -810)
            assert run("enable", "--mode", "2").code == 0
            assert run("export", "helm").code == 0
        assert run("renew", "--no-restart").code == 0
        warnings = run("status", "--json").json["warnings"]
        path = "cert/exports/default.milvus.pem"
        assert [one["path"] for one in warnings if one["code"] == "export-expires-soon"] == [path]
        assert run("export", "helm").code == 0
        codes = [one["code"] for one in run("status", "--json").json["warnings"]]
        assert "export-expires-soon" not in codes

    def test_status_and_disable_know_them(self, run: Run, enabled: Path) -> None:
        assert run("export", "helm").code == 0
        key = enabled / "cert" / "exports" / "default.milvus.key"
        key.chmod(0o644)
        warnings = run("status", "--json").json["warnings"]
        assert "cert/exports/default.milvus.key" in [one.get("path") for one in warnings]
        assert run("disable", "--purge").code == 0
        assert not (enabled / "cert").exists()


class TestScope:
    @pytest.fixture
    def whole(self, run: Run, project: Path) -> Path:
        """The project with etcd and the object store in TLS as well."""
        done = run("enable", "--mode", "2", "--scope", "all")
        assert done.code == 0, done.err
        return project

    def test_each_service_of_a_stack_sees_what_it_sees_in_the_project(
        self, run: Run, whole: Path
    ) -> None:
        assert run("export", "swarm", "-o", "stack.yml").code == 0
        stack = yaml.safe_load((whole / "stack.yml").read_text())
        compose = yaml.safe_load((whole / "docker-compose.yml").read_text())["services"]
        for name, service in stack["services"].items():
            seen = placed(stack, name, whole)
            places = {one["target"] for one in service["volumes"]}
            mounts = [
                text.replace("${DOCKER_VOLUME_DIRECTORY:-.}", ".").split(":")[:2]
                for text in compose[name]["volumes"]
            ]
            wanted = {
                f"{target}/{path.relative_to(whole / source)}": path.read_bytes()
                for source, target in mounts
                if target in places
                for path in (whole / source).rglob("*")
                if path.is_file() and path.name != ".gitignore"
            }
            own = {
                path
                for path in wanted
                if name == "standalone" and path.startswith("/milvus/tls/server")
            }
            assert seen.keys() == wanted.keys()
            assert {path: seen[path] for path in seen.keys() - own} == {
                path: wanted[path] for path in wanted.keys() - own
            }
        assert stack["services"].keys() == {"etcd", "minio", "standalone"}

    def test_applications_see_in_a_stack_what_they_see_in_the_project(
        self, run: Run, project: Path
    ) -> None:
        compose = project / "docker-compose.yml"
        added = (
            "services:\n  attu:\n    image: zilliz/attu:v2.5.6\n"
            "    environment: {MILVUS_URL: 'standalone:19530'}\n"
            "  buckets:\n    image: minio/mc\n"
            "    entrypoint: sh -c 'mc alias set m http://minio:9000 a b'\n"
        )
        compose.write_text(compose.read_text().replace("services:\n", added, 1))
        assert run("enable", "--mode", "2", "--scope", "all").code == 0
        found = run("export", "swarm", "-o", "stack.yml", "--json").json
        stack = yaml.safe_load((project / "stack.yml").read_text())

        services = yaml.safe_load(compose.read_text())["services"]
        for name, source in (("attu", "tls-clients/attu"), ("buckets", "tls/object-store/CAs")):
            [target] = (
                mount.split(":")[1]
                for mount in services[name]["volumes"]
                if mount.startswith(f"./{source}:")
            )
            files = (path for path in (project / source).iterdir() if path.name[0] != ".")
            wanted = {f"{target}/{path.name}": path.read_bytes() for path in files}
            assert placed(stack, name, project) == wanted
            assert "deploy" not in stack["services"][name]
        assert {one["source"] for one in stack["services"]["attu"]["secrets"]} == {
            "clients_attu_key"
        }
        assert "attu" not in str(found["warnings"])

    def test_a_mount_of_a_single_file_is_told_since_it_stays(self, run: Run, whole: Path) -> None:
        """The CA bundle of a Milvus before 2.3.12, at the place of its system's."""
        [warning] = run("export", "swarm", "--json").json["warnings"]
        assert warning["code"] == "mount-stays"
        assert "standalone still mounts tls/milvus/ca-bundle.pem, which" in warning["message"]
        assert (warning["path"], bool(warning["line"])) == ("docker-compose.yml", True)

    def test_etcd_and_the_object_store_of_a_release_are_served_for_their_names(
        self, run: Run, whole: Path
    ) -> None:
        """By a CA of their own, with certificates of their own: those of the project have other names."""
        found = run("export", "helm", "--name", "db", "--namespace", "vec", "--json").json
        values = yaml.safe_load(found["text"])
        text = run("export", "helm", "--secret", "--name", "db", "--namespace", "vec").out
        secrets = {one["metadata"]["name"]: one["data"] for one in documents(text)}
        tls = values["minio"]["tls"]
        switched = values["etcd"]["auth"]["client"]
        etcd = b64decode(secrets[switched["existingSecret"]][switched["certFilename"]])
        minio = b64decode(secrets[tls["certSecret"]][tls["publicCrt"]])
        stack_ca = (whole / "cert" / "stack-ca.pem").read_bytes()
        ends = ("", ".vec", ".vec.svc", ".vec.svc.cluster.local")
        for shown, service, headless in (
            (etcd, "db-etcd", "db-etcd-headless"),
            (minio, "db-minio", "db-minio-svc"),
        ):
            certificate(shown).verify_directly_issued_by(certificate(stack_ca))
            wanted = {f"{name}{end}" for name in (service, headless) for end in ends}
            # Each pod: the chart names it in full, the Operator with the namespace alone.
            wanted |= {f"*.{headless}{end}" for end in ends[1:]}
            assert wanted | {"localhost", "127.0.0.1"} <= names_in(shown)
        assert {b64decode(secrets[f"db-{name}-tls"]["ca.crt"]) for name in
                ("etcd", "etcd-client", "object-store")} == {stack_ca}  # fmt: skip
        prints = {one["path"]: one["sha256"] for one in found["certificates"]}
        for chart, name in (("etcd", "etcd"), ("minio", "object-store")):
            [shown_print] = values[chart]["podAnnotations"].values()
            assert shown_print == prints[f"cert/exports/vec.db.{name}.pem"]
        assert [one["code"] for one in found["warnings"]] == ["new-release-only"]

    def test_they_stay_until_they_are_due(
        self, run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as earlier:
            later(earlier, -810)
            assert run("enable", "--scope", "all").code == 0
            first = run("export", "helm", "--json").json["certificates"]
            assert run("export", "helm", "--json").json["certificates"] == first
        second = run("export", "helm", "--json").json["certificates"]
        assert len(first) == len(second) == 3
        assert not {one["sha256"] for one in first} & {one["sha256"] for one in second}

    def test_without_the_key_of_their_ca_nothing_is_issued(self, run: Run, whole: Path) -> None:
        (whole / "cert" / "stack-ca.key").unlink()
        error = run("export", "helm", "--json").error
        assert (error["code"], error["path"]) == ("certificate-unreadable", "cert/stack-ca.pem")
        assert not (whole / "cert" / "exports").exists()
        assert run("enable", "--mode", "2", "--scope", "all").code == 0
        assert run("export", "helm").code == 0

    def test_what_a_release_has_and_the_project_has_not_is_named(
        self, run: Run, project: Path
    ) -> None:
        compose = project / "docker-compose.yml"
        text = compose.read_text().replace('"standalone"]', '"proxy"]')
        assert '"proxy"]' in text
        compose.write_text(text.replace("ETCD_ENDPOINTS: etcd:2379", "ETCD_USE_EMBED: 'true'"))
        assert run("enable", "--scope", "all").code == 0
        found = run("export", "operator", "--no-secret", "--json").json
        spec = of_kind(found["text"], "Milvus")["spec"]
        assert spec["dependencies"].keys() == {"storage"}
        [warning] = found["warnings"]
        assert warning["code"] == "stays-plain"
        assert "to etcd and to the message queue" in warning["message"]

    def test_the_script_issues_under_both_cas(self, run: Run, whole: Path) -> None:
        script = run("export", "openssl").out
        issued = {
            line.split()[1]: line for line in script.splitlines() if line.startswith("issue ")
        }
        there = {path.stem for path in (whole / "cert").glob("*.key")}
        assert issued.keys() == there
        assert "-cert stack-ca.pem" in issued["etcd"]
        assert "-cert ca.pem" in issued["client"]


class TestKeys:
    def test_a_file_is_born_with_mode_0600(self, run: Run, enabled: Path) -> None:
        there = enabled / "milvus-resource.yaml"
        there.write_text("as before")
        there.chmod(0o666)
        before = os.umask(0)
        try:
            found = run("export", "operator", "-o", there.name, "--json")
        finally:
            os.umask(before)
        assert there.stat().st_mode & 0o777 == 0o600
        assert PRIVATE_KEY not in found.out + found.err
        assert "tls.key" not in found.out
        assert of_kind(there.read_text(), "Secret")
        assert found.json["next"] == ["kubectl apply -f milvus-resource.yaml"]

    def test_a_file_elsewhere_is_written_where_the_user_names_it(
        self, run: Run, enabled: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "elsewhere").mkdir()
        there = tmp_path / "elsewhere" / "all.yaml"
        assert run("export", "operator", "-o", there).code == 0
        assert there.stat().st_mode & 0o777 == 0o600
        assert list(there.parent.iterdir()) == [there]

    def test_a_link_in_the_project_leads_nowhere_else(
        self, run: Run, enabled: Path, tmp_path: Path
    ) -> None:
        (enabled / "all.yaml").symlink_to(tmp_path / "stolen.yaml")
        assert (
            run("export", "operator", "-o", "all.yaml", "--json").error["code"] == "outside-project"
        )
        assert not (tmp_path / "stolen.yaml").exists()

    def test_never_in_a_json_document(self, run: Run, enabled: Path) -> None:
        for words in (("operator",), ("helm", "--secret")):
            found = run("export", *words, "--json")
            assert found.error["code"] == "key-exposed"
            assert found.code == 4
        assert not (enabled / "cert" / "exports").exists()

    @pytest.mark.parametrize(("mode", "code"), [(0o644, 4), (0o640, 4), (0o600, 0)])
    def test_never_into_a_file_that_others_read(
        self, enabled: Path, tmp_path: Path, mode: int, code: int
    ) -> None:
        file = tmp_path / "all.yaml"
        with file.open("wb") as out:
            file.chmod(mode)
            done = _command(enabled, "export", "operator", stdout=out)
        assert done.returncode == code
        assert (b"tls.key" in file.read_bytes()) is (code == 0)
        assert (b"key-exposed" in done.stderr) is (code == 4)

    def test_on_a_terminal_only_when_asked(self, enabled: Path) -> None:
        for words, code in (((), 4), (("-o", "-"), 0)):
            ours, theirs = pty.openpty()
            try:
                done = _command(enabled, "export", "helm", "--secret", *words, stdout=theirs)
                assert done.returncode == code, done.stderr
            finally:
                os.close(theirs)
                os.close(ours)

    def test_neither_repr_nor_json_of_a_result_shows_one(self, enabled: Path) -> None:
        result = compose_tls.export(enabled, "operator")
        assert "tls.key" in result.private_text
        assert "tls.key" not in repr(result) + result.model_dump_json()
        assert result.text == ""

    def test_nor_goes_one_where_a_container_sees_it(self, run: Run, enabled: Path) -> None:
        error = run("export", "operator", "-o", "tls/all.yaml", "--json").error
        assert error["code"] == "value-in-the-way"
        assert "--output" in error["hint"]


class TestRefusals:
    def test_without_enable_there_is_nothing_to_export(self, run: Run, project: Path) -> None:
        assert run("export", "helm", "--json").error["code"] == "not-enabled"

    @pytest.mark.parametrize(
        ("option", "value"),
        [("--name", "Milvus"), ("--name", "m" * 54), ("--namespace", "a.b"), ("--name", "-m")],
    )
    def test_a_name_that_kubernetes_refuses(
        self, run: Run, enabled: Path, option: str, value: str
    ) -> None:
        assert (
            run("export", "helm", f"{option}={value}", "--json").error["code"] == "invalid-setting"
        )

    @pytest.mark.parametrize(
        "words", [("swarm", "--secret"), ("openssl", "--no-secret"), ("helm", "--issuer", "x")]
    )
    def test_an_option_of_another_target(
        self, run: Run, enabled: Path, words: tuple[str, ...]
    ) -> None:
        assert run("export", *words, "--json").error["code"] == "wrong-usage"

    def test_a_host_that_is_no_name(self, run: Run, enabled: Path) -> None:
        found = run("export", "helm", "--ingress-host", "https://x", "--json")
        assert found.error["code"] == "name-invalid"

    def test_a_file_where_there_is_no_directory(self, run: Run, enabled: Path) -> None:
        assert (
            run("export", "helm", "-o", "no/values.yaml", "--json").error["code"] == "wrong-usage"
        )
        assert run("export", "helm", "-o", "tls", "--json").error["code"] == "wrong-usage"

    def test_what_is_not_a_file_is_not_said_to_have_changed(self, run: Run, enabled: Path) -> None:
        """To run the command again, as was printed, would never have helped."""
        (enabled / "dangling").symlink_to("nowhere")
        os.mkfifo(enabled / "pipe")
        for name in ("dangling", "pipe", "/dev/null"):
            assert run("export", "helm", "-o", name, "--json").error["code"] == "wrong-usage", name
        assert not (enabled / "nowhere").exists()

    def test_a_target_that_there_is_not(self, enabled: Path) -> None:
        with pytest.raises(compose_tls.ComposeTlsError, match="there is no target nomad"):
            compose_tls.export(enabled, "nomad")  # type: ignore[arg-type] # that it is refused is what is tested

    def test_a_dry_run_writes_nothing(self, run: Run, enabled: Path) -> None:
        before = facts(enabled)
        found = run("export", "operator", "-o", "all.yaml", "--dry-run", "--json").json
        assert facts(enabled) == before
        assert {one["path"]: one["action"] for one in found["files"]} == {
            "cert/exports/default.milvus.pem": "created",
            "cert/exports/default.milvus.key": "created",
            "all.yaml": "created",
        }


def test_a_second_export_into_the_same_file_changes_nothing(run: Run, enabled: Path) -> None:
    assert run("export", "operator", "-o", "all.yaml", "--json").json["changed"]
    before = facts(enabled)
    found = run("export", "operator", "-o", "all.yaml")
    assert "nothing to do" in found.out
    assert facts(enabled) == before


def _in_cluster(service: str) -> Iterator[str]:
    for name in (service, f"{service}-milvus"):
        yield from (f"{name}{end}" for end in IN_CLUSTER)
        yield from (f"{name}-headless{end}" for end in IN_CLUSTER)
        yield f"*.{name}-headless.default.svc.cluster.local"


def _command(directory: Path, *arguments: str, stdout: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "compose_tls", "-C", str(directory), *arguments],
        stdout=stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        check=False,
    )

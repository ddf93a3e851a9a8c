"""A set-up of the whole stack, spelled for each target: what a target has comes along, the rest stays."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
import yaml

from compose_tls.changes import CertificateOrder
from compose_tls.errors import InvalidSetting
from compose_tls.setup import Directory, Identity, Member, Setting, TlsSetup
from compose_tls.stack.milvus.settings import tls_settings
from compose_tls.targets import cert_manager, helm, kubernetes, openssl, operator, swarm
from compose_tls.targets.release import Release
from compose_tls.vocabulary import TlsMode
from tests.exported import mounted

SEEN = "/milvus/tls"
STACK = "/milvus/tls-stack"
INTERNAL = (
    Setting(("common", "security", "internaltlsEnabled"), "true"),
    Setting(("internaltls", "serverPemPath"), f"{STACK}/internal.pem"),
    Setting(("internaltls", "serverKeyPath"), f"{STACK}/internal.key"),
    Setting(("internaltls", "caPemPath"), f"{STACK}/ca.pem"),
    Setting(("internaltls", "sni"), "milvus.internal"),
)
OF_ETCD = (
    Setting(("etcd", "ssl", "enabled"), "true"),
    Setting(("etcd", "ssl", "tlsCert"), f"{STACK}/etcd-client.pem"),
    Setting(("etcd", "ssl", "tlsKey"), f"{STACK}/etcd-client.key"),
    Setting(("etcd", "ssl", "tlsCACert"), f"{STACK}/ca.pem"),
    Setting(("etcd", "ssl", "tlsMinVersion"), "1.3"),
    Setting(("etcd", "endpoints"), "https://etcd:2379"),
)
OF_STORE = (
    Setting(("minio", "useSSL"), "true"),
    Setting(("minio", "ssl", "tlsCACert"), f"{STACK}/ca-bundle.pem"),
)
OF_BROKER = (Setting(("kafka", "ssl", "enabled"), "true"),)
SHOWN = ("server.pem", "server.key", "ca.pem")
INSIDE = ("internal.pem", "internal.key", "etcd-client.pem", "etcd-client.key")
OF_CA = ("ca.pem", "stack-ca.pem")
OF_THE_SERVER = (("server.pem", "etcd.pem"), ("server.key", "etcd.key"), OF_CA)
OF_SERVERS = ("etcd.pem", "etcd.key", "object-store.pem", "object-store.key")
FILES = (*SHOWN, *INSIDE, "stack-ca.pem", *OF_SERVERS, "ca-bundle.pem")
CONTENTS = {name: f"the {name}".encode() for name in FILES}
SETUP = TlsSetup(
    TlsMode.MUTUAL,
    (
        Identity("ca", "ca"),
        Identity("server", "server", ("standalone",), ("standalone",)),
        Identity("internal", "server", ("standalone",), ("milvus.internal",)),
        Identity("stack-ca", "ca"),
        Identity("etcd-client", "client", ("standalone",), ("etcd-client.milvus.internal",)),
        Identity("etcd", "peer", ("etcd",), ("etcd",)),
        Identity("object-store", "server", ("minio",), ("minio",)),
        Identity("client", "client", (), ("client.milvus.internal",)),
    ),
    (
        Member(
            "standalone",
            "milvus",
            tls_settings(TlsMode.MUTUAL, SEEN, None),
            Directory("tls/proxy", SEEN, tuple((name, name) for name in SHOWN)),
            19530,
        ),
        Member(
            "etcd",
            "etcd",
            (),
            Directory("tls/etcd", "/tls", OF_THE_SERVER),
            2379,
        ),
        # The same service, as all parts of Milvus among each other.
        Member(
            "standalone",
            "milvus",
            (*INTERNAL, *OF_ETCD, *OF_STORE, *OF_BROKER),
            Directory(
                "tls/milvus",
                STACK,
                (OF_CA, *((name, name) for name in (*INSIDE, "ca-bundle.pem"))),
            ),
            19530,
        ),
    ),
)  # fmt: skip
FINGERPRINTS = {one.name: f"of {one.name}" for one in SETUP.identities}
ORDERS = tuple(
    CertificateOrder(
        one.profile,
        f"CN={one.name},O=Acme\\, Inc.,DC=example",
        "rsa-3072" if one.profile == "ca" else "ecdsa-p384",
        90,
        one.dns_names,
        identity=one.name,
    )
    for one in SETUP.identities
)


def secrets_of(release: Release, setup: TlsSetup = SETUP) -> list[Any]:
    return [
        kubernetes.secret(one, release, CONTENTS) for one in kubernetes.held_secrets(setup, release)
    ]


def spelled(target: Any, release: Release, setup: TlsSetup = SETUP) -> tuple[Any, Any, Any, Any]:
    """Settings, volumes, mounts, and the values for the charts of etcd and MinIO."""
    if target == "helm":
        values = yaml.safe_load(helm.values(setup, release, FINGERPRINTS))
        settings = yaml.safe_load(values["extraConfigFiles"]["user.yaml"])
        charts = {name: values[name] for name in ("etcd", "minio") if name in values}
        return settings, values["volumes"], values["volumeMounts"], charts
    text = kubernetes.stream([(operator.resource(setup, release, FINGERPRINTS), "Milvus")])
    spec = yaml.safe_load(text)["spec"]
    components, inside = spec["components"], spec.get("dependencies", {})
    names = {"etcd": "etcd", "storage": "minio"}
    charts = {names[name]: one["inCluster"]["values"] for name, one in inside.items()}
    return spec["config"], components["volumes"], components["volumeMounts"], charts


@pytest.mark.parametrize("target", ["helm", "operator"])
def test_milvus_sees_each_identity_that_its_settings_name_and_no_other(target: Any) -> None:
    release = Release(target, "db", "vec")
    settings, volumes, mounts, _ = spelled(target, release)
    assert mounted(volumes, mounts, secrets_of(release)) == {
        **{f"{SEEN}/{name}": CONTENTS[name] for name in SHOWN},
        f"{STACK}/internal.pem": CONTENTS["internal.pem"],
        f"{STACK}/internal.key": CONTENTS["internal.key"],
        f"{STACK}/etcd-client.pem": CONTENTS["etcd-client.pem"],
        f"{STACK}/etcd-client.key": CONTENTS["etcd-client.key"],
        f"{STACK}/ca.pem": CONTENTS["stack-ca.pem"],
        # Where the C++ part of Milvus looks for the CA of the object store.
        "/etc/ssl/certs/ca-certificates.crt": CONTENTS["stack-ca.pem"],
    }
    assert settings["internaltls"]["sni"] == "milvus.internal"
    assert settings["common"]["security"] == {"tlsMode": 2, "internaltlsEnabled": True}
    assert settings["minio"] == {"useSSL": True, "ssl": {"tlsCACert": f"{STACK}/ca.pem"}}
    # Where etcd is, chart and Operator say; which image of it, too.
    assert settings["etcd"] == {
        "ssl": {
            "enabled": True,
            "tlsCert": f"{STACK}/etcd-client.pem",
            "tlsKey": f"{STACK}/etcd-client.key",
            "tlsCACert": f"{STACK}/ca.pem",
            "tlsMinVersion": 1.2,
        }
    }


@pytest.mark.parametrize("target", ["helm", "operator"])
def test_etcd_and_minio_show_what_their_secrets_hold(target: Any) -> None:
    release = Release(target, "db", "vec")
    _, _, _, charts = spelled(target, release)
    secrets = {one["metadata"]["name"]: one["data"] for one in secrets_of(release)}
    for part in ("client", "peer"):
        switched = charts["etcd"]["auth"][part]
        assert switched["secureTransport"] is switched["enableAuthentication"] is True
        held = secrets[switched["existingSecret"]]
        names = ("certFilename", "certKeyFilename", "caFilename")
        assert [b64decode(held[switched[name]]).decode() for name in names] == [
            "the etcd.pem", "the etcd.key", "the stack-ca.pem"
        ]  # fmt: skip
    tls = charts["minio"]["tls"]
    held = secrets[tls["certSecret"]]
    assert tls["enabled"] is True
    assert b64decode(held[tls["publicCrt"]]) == b"the object-store.pem"
    assert b64decode(held[tls["privateKey"]]) == b"the object-store.key"
    assert [one["podAnnotations"] for one in charts.values()] == [
        {"compose-tls/certificate-sha256": f"of {name}"} for name in ("etcd", "object-store")
    ]


@pytest.mark.parametrize("target", ["helm", "operator"])
def test_milvus_that_shows_nothing_gets_the_ca_of_the_object_store(target: Any) -> None:
    """A Milvus with embedded etcd, of a version without TLS inside."""
    first, *_, last = SETUP.members
    alone = replace(
        SETUP,
        identities=tuple(one for one in SETUP.identities if one.name in
                         {"ca", "server", "stack-ca", "object-store"}),
        members=(first, replace(last, settings=OF_STORE[:1], directory=Directory(
            "tls/milvus", STACK, (OF_CA, ("ca-bundle.pem", "ca-bundle.pem"))))),
    )  # fmt: skip
    release = Release(target, "db")
    settings, volumes, mounts, charts = spelled(target, release, alone)
    seen = mounted(volumes, mounts, secrets_of(release, alone))
    assert seen[settings["minio"]["ssl"]["tlsCACert"]] == CONTENTS["stack-ca.pem"]
    assert not any("object-store.key" in found.decode() for found in seen.values())
    assert charts.keys() == {"minio"}
    assert "etcd" not in settings


def test_another_certificate_of_the_stack_makes_other_pods() -> None:
    seen = kubernetes.mounted_secrets(SETUP, Release("helm", "db"))
    first = kubernetes.pod_annotations(seen, FINGERPRINTS)
    for name, other in (("internal", True), ("etcd-client", True), ("etcd", False)):
        second = kubernetes.pod_annotations(seen, FINGERPRINTS | {name: "another"})
        assert (first != second) is other
    assert first["compose-tls/certificate-sha256"] == "of server"


def test_each_identity_has_a_secret_of_its_own() -> None:
    found = {one["metadata"]["name"]: set(one["data"]) for one in secrets_of(Release("helm", "db"))}
    assert found == {
        "db-tls": {"tls.crt", "tls.key", "ca.crt"},
        "db-internal-tls": {"tls.crt", "tls.key", "ca.crt"},
        "db-etcd-client-tls": {"tls.crt", "tls.key", "ca.crt"},
        "db-etcd-tls": {"tls.crt", "tls.key", "ca.crt"},
        "db-object-store-tls": {"tls.crt", "tls.key", "ca.crt"},
    }


def test_what_stays_behind_is_named() -> None:
    assert kubernetes.left_settings(SETUP) == tuple(one.name for one in OF_BROKER)


def test_cert_manager_issues_what_milvus_mounts_and_a_client_shows() -> None:
    release = Release("cert-manager", "db")
    issuers = {"server": "ca", "client": "ca", "ca": None, "stack-ca": None}
    orders = [(one, issuers.get(one.identity or "", "stack-ca")) for one in ORDERS]
    stream = kubernetes.stream(cert_manager.objects(SETUP, orders, release, None))
    specs = {
        one["spec"]["secretName"]: one["spec"]
        for one in yaml.safe_load_all(stream)
        if one["kind"] == "Certificate"
    }
    inside = {"db-internal-tls", "db-etcd-client-tls", "db-etcd-tls", "db-object-store-tls"}
    assert set(specs) == {"db-ca", "db-stack-ca", "db-tls", "db-client-tls", *inside}
    # etcd accepts no certificate for clients of Milvus, and Milvus none of etcd.
    assert {name: one["issuerRef"]["name"] for name, one in specs.items()} == {
        "db-ca": "db-selfsigned", "db-stack-ca": "db-selfsigned", "db-tls": "db-ca",
        "db-client-tls": "db-ca", **dict.fromkeys(inside, "db-stack-ca"),
    }  # fmt: skip
    assert specs["db-etcd-tls"]["usages"][1:] == ["server auth", "client auth"]
    assert specs["db-ca"]["privateKey"] | {"rotationPolicy": ""} == {
        "algorithm": "RSA", "size": 3072, "encoding": "PKCS8", "rotationPolicy": ""
    }  # fmt: skip
    assert specs["db-tls"]["privateKey"]["size"] == 384
    assert specs["db-tls"]["subject"] == {"organizations": ["Acme, Inc."]}
    assert (specs["db-tls"]["duration"], specs["db-tls"]["renewBefore"]) == ("2160h", "720h")


def test_a_stack_gives_each_service_its_own_identity_and_no_other() -> None:
    materials = {name: swarm.Material(f"./cert/{name}", "0123abcd") for name in CONTENTS}
    text = swarm.stack(
        SETUP, Release("swarm", "vec"), materials, {"standalone": 999}, "deploy", version="3.8"
    )
    found = yaml.safe_load(text)
    seen = {
        name: {found[section][one["source"]]["file"] for section in ("configs", "secrets")
               for one in service[section]}
        for name, service in found["services"].items()
    }  # fmt: skip
    assert seen == {
        "standalone": {
            f"./cert/{name}" for name in (*SHOWN, *INSIDE, "stack-ca.pem", "ca-bundle.pem")
        },
        "etcd": {"./cert/etcd.pem", "./cert/etcd.key", "./cert/stack-ca.pem"},
    }
    places = {name: {one["target"] for one in service["volumes"]}
              for name, service in found["services"].items()}  # fmt: skip
    assert places == {"standalone": {SEEN, STACK}, "etcd": {"/tls"}}
    owners = {one["source"]: (one.get("uid"), one["mode"])
              for service in found["services"].values() for one in service["secrets"]}  # fmt: skip
    assert owners == {
        "server_key": ("999", 0o400),
        "internal_key": ("999", 0o400),
        "etcd-client_key": ("999", 0o400),
        "etcd_key": (None, 0o444),
    }
    assert found["secrets"]["server_key"]["name"] == "vec_server_key_0123abcd"


def test_a_file_with_the_key_of_the_broker_is_a_secret_whatever_it_is_called() -> None:
    """keystore.pem holds key and certificate; anyone who may ask the engine reads a config."""
    files = (("keystore.pem", "keystore.pem"), ("kafka.truststore.pem", "stack-ca.pem"))
    broker = Member("kafka", "broker", (), Directory("tls/kafka", "/tls", files), 9092)
    setup = replace(SETUP, members=(*SETUP.members, broker))
    names = (*CONTENTS, "keystore.pem")
    materials = {name: swarm.Material(f"./{name}", "0") for name in names}
    found = yaml.safe_load(swarm.stack(setup, Release("swarm", "v"), materials, {}, ""))
    [key] = found["services"]["kafka"]["secrets"]
    assert key["target"] == "/tls/keystore.pem"
    assert found["secrets"][key["source"]]["file"] == "./keystore.pem"
    assert key["source"] not in found["configs"]


def test_a_name_that_swarm_has_no_room_for_is_refused() -> None:
    """64 characters of a config: the longest name of these is that of Milvus' certificate for etcd."""
    materials = {name: swarm.Material(name, "01234567") for name in CONTENTS}
    longest = 64 - len("_etcd-client_pem_01234567")
    stack = yaml.safe_load(
        swarm.stack(SETUP, Release("swarm", "m" * longest), materials, {}, "deploy")
    )
    assert max(len(one["name"]) for one in stack["configs"].values()) == 64
    with pytest.raises(InvalidSetting, match="too long"):
        swarm.stack(SETUP, Release("swarm", "m" * (longest + 1)), materials, {}, "deploy")


def test_proxies_of_a_cluster_start_before_the_others_stop() -> None:
    materials = {name: swarm.Material(name, "0") for name in CONTENTS}
    alone = yaml.safe_load(swarm.stack(SETUP, Release("swarm", "v"), materials, {}, ""))
    release = Release("swarm", "v", cluster=True)
    found = yaml.safe_load(swarm.stack(SETUP, release, materials, {}, ""))
    orders = [
        stack["services"][name]["deploy"]["update_config"]["order"]
        for stack in (alone, found)
        for name in ("standalone", "etcd")
    ]
    assert orders == ["stop-first", "stop-first", "start-first", "stop-first"]


def test_the_script_issues_every_identity_and_none_outlives_the_ca() -> None:
    short = {one.identity: replace(one, days=5) if one.profile == "ca" else one for one in ORDERS}
    issuers = dict.fromkeys(short, "stack-ca") | {"server": "ca", "client": "ca"}
    orders = [(one, None if one.profile == "ca" else issuers[name]) for name, one in short.items()]
    text = openssl.script(sorted(orders, key=lambda order: order[1] is not None)).decode()
    issued = {line.split()[1]: line for line in text.splitlines() if line.startswith("issue ")}
    assert issued.keys() == short.keys()
    assert {line.split()[2] for line in issued.values()} == {"5"}
    assert "-cert stack-ca.pem -keyfile stack-ca.key" in issued["etcd"]
    assert "-cert ca.pem -keyfile ca.key" in issued["server"]


class TestRelease:
    @pytest.mark.parametrize("name", ["", "A", "a_b", "a.b", "-a", "a-", "1a", "a" * 54])
    def test_a_name_that_cannot_be_one(self, name: str) -> None:
        with pytest.raises(InvalidSetting):
            Release("helm", name)

    @pytest.mark.parametrize(
        ("target", "name", "longest"),
        [("helm", "m", 49), ("operator", "m", 49), ("helm", "etcd", 53), ("operator", "etcd", 49)],
    )
    def test_a_name_with_which_milvus_would_not_find_etcd(
        self, target: Any, name: str, longest: int
    ) -> None:
        """The charts cut at 63 characters; what they and the Operator tell Milvus is not cut."""
        release = Release(target, name.ljust(longest, "m"))
        labels = {part for name in release.dependency_names("etcd") for part in name.split(".")}
        assert max(map(len, labels)) <= 63
        if longest < 53:
            with pytest.raises(InvalidSetting, match="too long"):
                list(Release(target, name.ljust(longest + 1, "m")).dependency_names("etcd"))

    @pytest.mark.parametrize("service", ["m-", "m.dot", "m_", "m" * 62])
    def test_a_service_that_swarm_takes_under_no_name(self, service: str) -> None:
        with pytest.raises(InvalidSetting, match=r"Swarm"):
            list(Release("swarm", "v").swarm_names(service))
        for name in ("_m", "1m", "Milvus", "m_1", "m" * 61):
            assert Release("swarm", "v").swarm_service(name) == f"v_{name}"

    def test_a_namespace_that_is_called_as_the_stacks_are(self) -> None:
        """Else either export would replace the certificate of the other."""
        assert Release("helm", "milvus", "swarm").stem != Release("swarm", "milvus").stem

    def test_a_namespace_may_be_longer(self) -> None:
        assert Release("helm", "a" * 53, "n" * 63).namespace == "n" * 63
        with pytest.raises(InvalidSetting):
            Release("helm", "a", "n" * 64)

"""A set-up of the whole stack, spelled for each target: what a target has comes along, the rest stays."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from typing import Any

import pytest
import yaml

from compose_tls.changes import CertificateOrder
from compose_tls.errors import InvalidSetting
from compose_tls.setup import Directory, Identity, Member, Setting, SetupLink, TlsSetup
from compose_tls.stack.milvus.settings import tls_settings
from compose_tls.targets import cert_manager, helm, kubernetes, openssl, operator, swarm
from compose_tls.targets.release import Release
from compose_tls.vocabulary import TlsMode

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
    Setting(("etcd", "endpoints"), "https://etcd:2379"),
)
SHOWN = ("server.pem", "server.key", "ca.pem")
INSIDE = ("internal.pem", "internal.key", "etcd-client.pem", "etcd-client.key")
OF_CA = ("ca.pem", "stack-ca.pem")
OF_THE_SERVER = (("server.pem", "etcd.pem"), ("server.key", "etcd.key"), OF_CA)
FILES = (*SHOWN, *INSIDE, "stack-ca.pem", "etcd.pem", "etcd.key")
CONTENTS = {name: f"the {name}".encode() for name in FILES}
SETUP = TlsSetup(
    TlsMode.MUTUAL,
    "localhost",
    (
        Identity("ca", "ca"),
        Identity("server", "server", ("standalone",), ("standalone",)),
        Identity("internal", "server", ("standalone",), ("milvus.internal",)),
        Identity("stack-ca", "ca"),
        Identity("etcd-client", "client", ("standalone",), ("etcd-client.milvus.internal",)),
        Identity("etcd", "server", ("etcd",), ("etcd",)),
        Identity("client", "client", (), ("client.milvus.internal",)),
    ),
    (
        Member(
            "standalone",
            "milvus",
            None,
            tls_settings(TlsMode.MUTUAL, SEEN, None),
            Directory("tls/proxy", SEEN, tuple((name, name) for name in SHOWN)),
            "server",
            19530,
        ),
        Member(
            "etcd",
            "etcd",
            None,
            (),
            Directory("tls/etcd", "/tls", OF_THE_SERVER),
            "etcd",
            2379,
        ),
        # The same service, as all parts of Milvus among each other.
        Member(
            "standalone",
            "milvus",
            None,
            (*INTERNAL, *OF_ETCD),
            Directory("tls/milvus", STACK, (*((name, name) for name in INSIDE), OF_CA)),
            "internal",
            19530,
        ),
    ),
    (SetupLink("clients", "standalone", 19530, "server", "client"),),
)  # fmt: skip
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


def mounted(volumes: Any, mounts: Any, secrets: list[Any]) -> dict[str, bytes]:
    """What a pod sees of Secrets, by the path of the file."""
    by_name = {one["metadata"]["name"]: one["data"] for one in secrets}
    places = {one["name"]: one["mountPath"] for one in mounts}
    return {
        f"{places[one['name']]}/{item['path']}": b64decode(
            by_name[one["secret"]["secretName"]][item["key"]]
        )
        for one in volumes
        for item in one["secret"]["items"]
    }


def secrets_of(release: Release) -> list[Any]:
    return [
        kubernetes.secret(one, release, CONTENTS)
        for one in kubernetes.mounted_secrets(SETUP, release)
    ]


@pytest.mark.parametrize("target", ["helm", "operator"])
def test_milvus_sees_each_identity_that_its_settings_name_and_no_other(target: Any) -> None:
    release = Release(target, "db", "vec")
    if target == "helm":
        values = yaml.safe_load(helm.values(SETUP, release, "f0"))
        settings = yaml.safe_load(values["extraConfigFiles"]["user.yaml"])
        volumes, mounts = values["volumes"], values["volumeMounts"]
    else:
        text = kubernetes.stream([(operator.resource(SETUP, release, "f0"), "Milvus")])
        spec = yaml.safe_load(text)["spec"]
        settings, components = spec["config"], spec["components"]
        volumes, mounts = components["volumes"], components["volumeMounts"]
    assert mounted(volumes, mounts, secrets_of(release)) == {
        **{f"{SEEN}/{name}": CONTENTS[name] for name in SHOWN},
        f"{STACK}/internal.pem": CONTENTS["internal.pem"],
        f"{STACK}/internal.key": CONTENTS["internal.key"],
        f"{STACK}/ca.pem": CONTENTS["stack-ca.pem"],
    }
    assert settings["internaltls"]["sni"] == "milvus.internal"
    assert settings["common"]["security"] == {"tlsMode": 2, "internaltlsEnabled": True}
    assert "etcd" not in settings


def test_each_identity_has_a_secret_of_its_own() -> None:
    found = {one["metadata"]["name"]: set(one["data"]) for one in secrets_of(Release("helm", "db"))}
    assert found == {
        "db-tls": {"tls.crt", "tls.key", "ca.crt"},
        "db-internal-tls": {"tls.crt", "tls.key", "ca.crt"},
    }


def test_what_stays_behind_is_named() -> None:
    assert kubernetes.left_settings(SETUP) == tuple(one.name for one in OF_ETCD)


def test_cert_manager_issues_what_milvus_mounts_and_a_client_shows() -> None:
    release = Release("cert-manager", "db")
    stream = kubernetes.stream(cert_manager.objects(SETUP, ORDERS, release, None))
    specs = {
        one["spec"]["secretName"]: one["spec"]
        for one in yaml.safe_load_all(stream)
        if one["kind"] == "Certificate"
    }
    assert set(specs) == {"db-ca", "db-tls", "db-internal-tls", "db-client-tls"}
    assert specs["db-ca"]["privateKey"] | {"rotationPolicy": ""} == {
        "algorithm": "RSA", "size": 3072, "encoding": "PKCS8", "rotationPolicy": ""
    }  # fmt: skip
    assert specs["db-tls"]["privateKey"]["size"] == 384
    assert specs["db-tls"]["subject"] == {"organizations": ["Acme, Inc."]}
    assert (specs["db-tls"]["duration"], specs["db-tls"]["renewBefore"]) == ("2160h", "720h")


def test_a_stack_gives_each_service_its_own_identity_and_no_other() -> None:
    materials = {name: swarm.Material(f"./cert/{name}", "0123abcd") for name in CONTENTS}
    text = swarm.stack(
        SETUP, Release("swarm", "vec"), materials, {"standalone": 999}, "deploy", "3.8"
    )
    found = yaml.safe_load(text)
    seen = {
        name: {found[section][one["source"]]["file"] for section in ("configs", "secrets")
               for one in service[section]}
        for name, service in found["services"].items()
    }  # fmt: skip
    assert seen == {
        "standalone": {f"./cert/{name}" for name in (*SHOWN, *INSIDE, "stack-ca.pem")},
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
    short = {one.identity: replace(one, days=5) if one.role == "ca" else one for one in ORDERS}
    issuers = dict.fromkeys(short, "stack-ca") | {"server": "ca", "client": "ca"}
    orders = [(one, None if one.role == "ca" else issuers[name]) for name, one in short.items()]
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

    def test_a_namespace_may_be_longer(self) -> None:
        assert Release("helm", "a" * 53, "n" * 63).namespace == "n" * 63
        with pytest.raises(InvalidSetting):
            Release("helm", "a", "n" * 64)

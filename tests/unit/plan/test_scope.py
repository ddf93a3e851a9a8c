"""What ``--scope`` makes of a project: etcd, object store and Milvus, each told its side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from compose_tls.changes import CreateFile, IdentityPlan, PatchFile
from compose_tls.config import TlsConfig
from compose_tls.errors import EditRefused, HealthCheckBreaks, UnsupportedMilvus, ValueInTheWay
from compose_tls.layout import STACK
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.plan.stack_identities import with_stack
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    NOW,
    applied,
    disable,
    enable,
    enabled,
    milvus_yaml,
    observation,
    text_of,
)

COMMAND = (
    "etcd -advertise-client-urls=http://etcd:2379 -listen-client-urls http://0.0.0.0:2379 "
    "--data-dir /etcd"
)
STANDALONE = f"""\
services:
  etcd:
    image: quay.io/coreos/etcd:v3.5.18
    environment:
      - ETCD_QUOTA_BACKEND_BYTES=4294967296
    volumes:
      - ./volumes/etcd:/etcd
    command: {COMMAND}
    healthcheck:
      test: ["CMD", "etcdctl", "endpoint", "health"]
  minio:
    image: minio/minio:RELEASE.2023-03-20T20-16-18Z
    environment:
      MINIO_ROOT_USER: minioadmin
    ports:
      - "9001:9001"
    command: minio server /minio_data --console-address ":9001"
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:9000/minio/health/live"]
  standalone:
    image: milvusdb/milvus:v2.5.5
    command: ["milvus", "run", "standalone"]
    environment:
      ETCD_ENDPOINTS: etcd:2379
      MINIO_ADDRESS: minio:9000
    ports:
      - "19530:19530"
"""


def services(planned: ServicePlan, name: str = COMPOSE_FILE) -> dict[str, Any]:
    """The services of a compose file as the plan leaves it."""
    found = {
        change.path.name: change.new if isinstance(change, PatchFile) else change.content
        for change in planned.plan.changes
        if isinstance(change, PatchFile | CreateFile)
    }
    content = found[name]
    assert isinstance(content, bytes)
    read: dict[str, Any] = yaml.safe_load(content)["services"]
    return read


def told(service: Any) -> dict[str, str]:
    given = service["environment"]
    if isinstance(given, dict):
        return dict(given)
    return dict(text.split("=", 1) for text in given)


def codes(planned: ServicePlan) -> list[str]:
    return [warning.code for warning in planned.plan.warnings]


def test_etcd_demands_tls_and_a_client_certificate_and_its_own_tools_have_one() -> None:
    etcd = services(enable(observation(STANDALONE), scope="all"))["etcd"]

    assert etcd["command"] == (
        "etcd -advertise-client-urls=https://etcd:2379 -listen-client-urls https://0.0.0.0:2379 "
        "--data-dir /etcd"
    )
    assert told(etcd) == {
        "ETCD_QUOTA_BACKEND_BYTES": "4294967296",
        "ETCD_CERT_FILE": "/tls/server.pem",
        "ETCD_KEY_FILE": "/tls/server.key",
        "ETCD_TRUSTED_CA_FILE": "/tls/ca.pem",
        "ETCD_CLIENT_CERT_AUTH": "true",
        "ETCDCTL_CACERT": "/tls/ca.pem",
        "ETCDCTL_CERT": "/tls/server.pem",
        "ETCDCTL_KEY": "/tls/server.key",
    }
    assert etcd["volumes"] == ["./volumes/etcd:/etcd", "./tls/etcd:/tls"]
    assert etcd["healthcheck"]["test"] == ["CMD", "etcdctl", "endpoint", "health"]


def test_minio_finds_its_certificate_and_its_health_check_asks_over_tls() -> None:
    planned = enable(observation(STANDALONE), scope="all")
    minio = services(planned)["minio"]

    assert minio["volumes"] == ["./tls/object-store:/root/.minio/certs"]
    assert minio["command"] == 'minio server /minio_data --console-address ":9001"'
    assert minio["environment"] == {"MINIO_ROOT_USER": "minioadmin"}
    assert minio["healthcheck"]["test"] == [
        "CMD",
        "curl",
        "-f",
        "--cacert",
        "/root/.minio/certs/CAs/ca.crt",
        "https://localhost:9000/minio/health/live",
    ]
    assert "console-over-tls" in codes(planned)


def test_milvus_is_told_its_side_of_every_connection() -> None:
    standalone = services(enable(observation(STANDALONE), scope="all"))["standalone"]

    said = told(standalone)
    assert {name: said[name] for name in said if name.startswith(("ETCD_SSL", "MINIO_", "I"))} == {
        "MINIO_ADDRESS": "minio:9000",
        "ETCD_SSL_ENABLED": "true",
        "ETCD_SSL_TLSCERT": "/milvus/tls-stack/etcd-client.pem",
        "ETCD_SSL_TLSKEY": "/milvus/tls-stack/etcd-client.key",
        "ETCD_SSL_TLSCACERT": "/milvus/tls-stack/ca.pem",
        "ETCD_SSL_TLSMINVERSION": "1.3",
        "MINIO_USESSL": "true",
        "MINIO_SSL_TLSCACERT": "/milvus/tls-stack/ca-bundle.pem",
        "INTERNALTLS_SERVERPEMPATH": "/milvus/tls-stack/internal.pem",
        "INTERNALTLS_SERVERKEYPATH": "/milvus/tls-stack/internal.key",
        "INTERNALTLS_CAPEMPATH": "/milvus/tls-stack/ca.pem",
        "INTERNALTLS_SNI": "milvus.internal",
    }
    assert said["COMMON_SECURITY_INTERNALTLSENABLED"] == "true"
    assert standalone["volumes"] == ["./tls/proxy:/milvus/tls", "./tls/milvus:/milvus/tls-stack"]


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("v3.5.0", "1.2"),
        ("v3.5.5", "1.2"),
        ("v3.5.6", "1.3"),
        ("v3.5.25", "1.3"),
        ("latest", "1.2"),
    ],
)
def test_milvus_speaks_the_newest_tls_that_this_etcd_is_known_to_speak(
    tag: str, version: str
) -> None:
    planned = enable(observation(STANDALONE.replace("v3.5.18", tag)), scope="all")

    assert told(services(planned)["standalone"])["ETCD_SSL_TLSMINVERSION"] == version


@pytest.mark.parametrize(
    ("tag", "mounted", "setting"),
    [("v2.3.11", True, False), ("v2.3.12", False, True), ("v2.4.0", False, True)],
)
def test_the_roots_are_where_both_parts_of_this_milvus_look(
    tag: str, *, mounted: bool, setting: bool
) -> None:
    planned = enable(observation(STANDALONE.replace("v2.5.5", tag)), scope="all")
    standalone = services(planned)["standalone"]

    place = "./tls/milvus/ca-bundle.pem:/etc/ssl/certs/ca-certificates.crt"
    assert (place in standalone["volumes"]) == mounted
    assert ("MINIO_SSL_TLSCACERT" in told(standalone)) == setting


def test_no_container_gets_a_key_that_is_not_its_own() -> None:
    planned = enable(observation(STANDALONE), scope="all")

    mounted = {
        name: {volume.split(":")[0] for volume in one["volumes"] if "/tls" in volume.split(":")[0]}
        for name, one in services(planned).items()
    }
    assert mounted == {
        "etcd": {"./tls/etcd"},
        "minio": {"./tls/object-store"},
        "standalone": {"./tls/proxy", "./tls/milvus"},
    }
    made = [change.path for change in planned.plan.changes if isinstance(change, CreateFile)]
    keys = [path.relative_to(DIRECTORY) for path in made if path.suffix == ".key"]
    assert sorted(str(key) for key in keys if key.parts[0] == "tls") == [
        "tls/etcd/server.key",
        "tls/milvus/etcd-client.key",
        "tls/milvus/internal.key",
        "tls/object-store/private.key",
        "tls/proxy/server.key",
    ]


def test_the_parts_have_another_ca_than_the_clients_of_milvus() -> None:
    planned = enable(observation(STANDALONE), scope="all")

    issuers = {one.identity.name: one.issuer for one in planned.identities.identities}
    assert issuers == {
        "ca": None,
        "server": "ca",
        "client": "ca",
        "stack-ca": None,
        "etcd": "stack-ca",
        "etcd-client": "stack-ca",
        "object-store": "stack-ca",
        "internal": "stack-ca",
    }


def test_without_scope_everything_is_as_it_was() -> None:
    planned = enable(observation(STANDALONE))

    assert services(planned)["etcd"] == yaml.safe_load(STANDALONE)["services"]["etcd"]
    assert services(planned)["standalone"]["volumes"] == ["./tls:/milvus/tls"]
    assert set(planned.identities.sources) == {"ca", "server", "client"}


def test_a_second_run_changes_nothing_and_disable_gives_the_bytes_back() -> None:
    after = enabled(observation(STANDALONE), scope="all")

    assert text_of(after) != STANDALONE
    # Whether a bundle holds the roots that are there is looked at in the files of a real project.
    again = [c.path.name for c in enable(after, scope="all").plan.changes if not _kept(c)]
    assert set(again) == {"ca-bundle.pem", "state.json"}
    assert text_of(applied(after, disable(after).plan.changes)) == STANDALONE


def _kept(change: object) -> bool:
    return not isinstance(change, CreateFile | PatchFile)


def test_a_smaller_scope_is_said_and_takes_the_keys_out_of_the_containers() -> None:
    after = enabled(observation(STANDALONE), scope="all")

    planned = enable(after, scope="proxy")
    assert "scope-reduced" in codes(planned)
    etcd = services(planned)["etcd"]
    assert etcd == yaml.safe_load(STANDALONE)["services"]["etcd"]
    # They go on demanding TLS until they are started anew, before Milvus is.
    assert planned.servers == ("etcd", "minio")
    assert planned.touched == frozenset({"etcd", "minio", "standalone"})


LIST = STANDALONE.replace(
    f"command: {COMMAND}",
    'command: ["etcd", "--listen-client-urls", "http://0.0.0.0:2379", '
    '"--advertise-client-urls=http://etcd:2379", "--listen-peer-urls=http://0.0.0.0:2380"]',
)


def test_a_command_that_is_a_list_stays_one_and_peers_are_left_alone() -> None:
    etcd = services(enable(observation(LIST), scope="all"))["etcd"]

    assert etcd["command"] == [
        "etcd",
        "--listen-client-urls",
        "https://0.0.0.0:2379",
        "--advertise-client-urls=https://etcd:2379",
        "--listen-peer-urls=http://0.0.0.0:2380",
    ]


def test_an_etcd_that_is_told_by_variables_goes_on_being_told_by_variables() -> None:
    start = STANDALONE.index("    command: etcd")
    line = STANDALONE[start : STANDALONE.index("\n", start) + 1]
    text = STANDALONE.replace(line, "").replace(
        "ETCD_QUOTA_BACKEND_BYTES=4294967296", "ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379"
    )

    etcd = services(enable(observation(text), scope="all"))["etcd"]
    assert told(etcd)["ETCD_LISTEN_CLIENT_URLS"] == "https://0.0.0.0:2379"
    assert told(etcd)["ETCD_ADVERTISE_CLIENT_URLS"] == "https://etcd:2379"
    assert "command" not in etcd


def test_settings_go_into_a_mounted_milvus_yaml() -> None:
    files = {
        COMPOSE_FILE: STANDALONE.replace(
            '    ports:\n      - "19530',
            '    volumes:\n      - ./milvus.yaml:/milvus/configs/milvus.yaml\n    ports:\n      - "19530',
        ),
        "milvus.yaml": milvus_yaml("etcd:\n  endpoints: etcd:2379\n  ssl:\n    enabled: false\n"),
    }
    planned = enable(observation(files), scope="all")

    (new,) = (
        change.new
        for change in planned.plan.changes
        if isinstance(change, PatchFile) and change.path.name == "milvus.yaml"
    )
    settings = yaml.safe_load(new)
    assert settings["etcd"]["ssl"]["enabled"] is True
    assert settings["etcd"]["ssl"]["tlsCACert"] == "/milvus/tls-stack/ca.pem"
    assert settings["minio"]["useSSL"] is True
    assert settings["internaltls"]["sni"] == "milvus.internal"
    assert "ETCD_SSL_ENABLED" not in told(services(planned)["standalone"])


def test_everything_may_be_in_an_override_file() -> None:
    planned = enable(observation(STANDALONE), scope="all", style="override")
    made = services(planned, "compose.override.yaml")

    assert not any(isinstance(change, PatchFile) for change in planned.plan.changes)
    assert made["etcd"]["command"].startswith("etcd -advertise-client-urls=https://")
    assert made["minio"]["healthcheck"]["test"][-1].startswith("https://")
    assert made["standalone"]["environment"]["ETCD_SSL_ENABLED"] == "true"


def test_an_etcd_outside_of_the_project_is_left_alone_and_named() -> None:
    text = STANDALONE.replace("ETCD_ENDPOINTS: etcd:2379", "ETCD_ENDPOINTS: etcd.example:2379")
    planned = enable(observation(text), scope="all")

    assert services(planned)["etcd"] == yaml.safe_load(text)["services"]["etcd"]
    assert "ETCD_SSL_ENABLED" not in told(services(planned)["standalone"])
    (warning,) = (one for one in planned.plan.warnings if one.code == "stays-plain")
    assert "etcd.example" in warning.message


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("ETCD_QUOTA_BACKEND_BYTES=4294967296", "ETCD_CERT_FILE=/mine.pem", "cert-file"),
        ("ETCD_QUOTA_BACKEND_BYTES=4294967296", "ETCD_CONFIG_FILE=/etcd.yml", "/etcd.yml"),
        ("--data-dir /etcd", "--auto-tls", "auto-tls"),
    ],
)
def test_an_etcd_that_somebody_has_set_up_is_left_alone(old: str, new: str, why: str) -> None:
    text = STANDALONE.replace(old, new)
    planned = enable(observation(text), scope="all")

    assert services(planned)["etcd"] == yaml.safe_load(text)["services"]["etcd"]
    assert any(why in one.message for one in planned.plan.warnings if one.code == "stays-plain")


def test_an_object_store_of_an_unknown_kind_stays_plain_on_both_sides() -> None:
    text = STANDALONE.replace(
        "minio/minio:RELEASE.2023-03-20T20-16-18Z", "dxflrs/garage:v1"
    ).replace('minio server /minio_data --console-address ":9001"', "/data")
    planned = enable(observation(text), scope="all")

    assert "MINIO_USESSL" not in told(services(planned)["standalone"])
    assert "stays-plain" in codes(planned)


def test_minio_of_another_user_is_told_where_its_certificate_is() -> None:
    text = STANDALONE.replace("  minio:\n", '  minio:\n    user: "1000:1000"\n')
    minio = services(enable(observation(text), scope="all"))["minio"]

    assert minio["command"].startswith("minio server --certs-dir /tls /minio_data")
    assert minio["volumes"] == ["./tls/object-store:/tls"]


def test_seaweedfs_is_told_on_its_command_line() -> None:
    text = STANDALONE.replace(
        "minio/minio:RELEASE.2023-03-20T20-16-18Z", "chrislusf/seaweedfs"
    ).replace(
        'minio server /minio_data --console-address ":9001"', "server -dir=/data -s3 -s3.port=9000"
    )
    minio = services(enable(observation(text), scope="all"))["minio"]

    assert minio["command"] == (
        "server -s3.cert.file=/tls/public.crt -s3.key.file=/tls/private.key "
        "-dir=/data -s3 -s3.port=9000"
    )


def test_mc_asks_over_tls() -> None:
    text = STANDALONE.replace(
        '["CMD", "curl", "-f", "http://localhost:9000/minio/health/live"]',
        '["CMD", "mc", "ready", "local"]',
    )
    minio = services(enable(observation(text), scope="all"))["minio"]

    assert minio["healthcheck"]["test"] == [
        "CMD",
        "env",
        "SSL_CERT_FILE=/root/.minio/certs/CAs/ca.crt",
        "MC_HOST_local=https://localhost:9000",
        "mc",
        "ready",
        "local",
    ]


MINIO_HEALTH = '["CMD", "curl", "-f", "http://localhost:9000/minio/health/live"]'


@pytest.mark.parametrize(
    ("test", "asks"),
    [
        (
            '["CMD", "curl", "-f", "localhost:9000/minio/health/live"]',
            "https://localhost:9000/minio",
        ),
        ("curl -fs minio:9000/minio/health/live || exit 1", "https://minio:9000/minio"),
    ],
)
def test_an_address_without_a_scheme_means_http_to_curl(test: str, asks: str) -> None:
    minio = services(enable(observation(STANDALONE.replace(MINIO_HEALTH, test)), scope="all"))[
        "minio"
    ]

    words = minio["healthcheck"]["test"]
    text = words if isinstance(words, str) else " ".join(words)
    assert asks in text
    assert "--cacert /root/.minio/certs/CAs/ca.crt" in text


def test_mc_with_an_alias_of_its_own_finds_the_ca_where_it_looks() -> None:
    test = '["CMD-SHELL", "mc alias set h http://localhost:9000 a b && mc ready h"]'
    minio = services(enable(observation(STANDALONE.replace(MINIO_HEALTH, test)), scope="all"))[
        "minio"
    ]

    assert minio["healthcheck"]["test"] == yaml.safe_load(test.replace("http:", "https:"))
    assert "./tls/object-store/CAs:/root/.mc/certs/CAs:ro" in minio["volumes"]


@pytest.mark.parametrize("user", ["root", "0", "0:0"])
def test_root_by_name_looks_where_root_does(user: str) -> None:
    text = STANDALONE.replace("  minio:\n", f"  minio:\n    user: '{user}'\n")
    minio = services(enable(observation(text), scope="all"))["minio"]

    assert minio["command"] == yaml.safe_load(STANDALONE)["services"]["minio"]["command"]
    assert minio["volumes"] == ["./tls/object-store:/root/.minio/certs"]


def test_a_minio_that_makes_its_bucket_itself_needs_a_directory_of_mc_that_is_known() -> None:
    command = "sh -c '(mc alias set l http://localhost:9000 a b; mc mb l/b) & exec minio server /d'"
    text = STANDALONE.replace('minio server /minio_data --console-address ":9001"', command)
    text = text.replace("  minio:\n", "  minio:\n    user: '1000'\n")
    with pytest.raises(EditRefused, match="finds no CA") as caught:
        enable(observation(text), scope="all")
    assert "MC_CONFIG_DIR" in caught.value.hint
    known = text.replace("MINIO_ROOT_USER:", "MC_CONFIG_DIR: /tmp/mc\n      MINIO_ROOT_USER:")
    minio = services(enable(observation(known), scope="all"))["minio"]
    assert "./tls/object-store/CAs:/tmp/mc/certs/CAs:ro" in minio["volumes"]
    assert "exec minio server --certs-dir /tls /d" in minio["command"]


def test_a_minio_whose_command_fetches_something_else_goes_on_trusting_the_public_roots() -> None:
    command = "sh -c 'curl -fo /x https://example.org/x; exec minio server /d'"
    text = STANDALONE.replace('minio server /minio_data --console-address ":9001"', command)
    minio = services(enable(observation(text), scope="all"))["minio"]
    assert minio["command"] == command


def test_the_next_step_for_a_minio_whose_command_is_not_there_works() -> None:
    text = STANDALONE.replace("  minio:\n", "  minio:\n    user: '1000'\n")
    hidden = text.replace(
        'command: minio server /minio_data --console-address ":9001"', "stdin_open: false"
    )
    with pytest.raises(EditRefused) as caught:
        enable(observation(hidden), scope="all")
    assert "with --certs-dir /tls, and run this again" in caught.value.hint
    written = text.replace("minio server /minio_data", "minio server --certs-dir /tls /minio_data")
    minio = services(enable(observation(written), scope="all"))["minio"]
    assert minio["volumes"] == ["./tls/object-store:/tls"]


def test_endpoints_that_are_a_list_in_milvus_yaml_are_read() -> None:
    text = STANDALONE.replace("      ETCD_ENDPOINTS: etcd:2379\n", "")
    text = text.replace(
        '    ports:\n      - "19530',
        "    volumes: ['./milvus.yaml:/milvus/configs/milvus.yaml']\n    ports:\n      - \"19530",
    )
    config = milvus_yaml("etcd:\n  endpoints:\n    - etcd:2379\n    - localhost:1\n")
    planned = enable(observation({COMPOSE_FILE: text, "milvus.yaml": config}), scope="all")

    assert told(services(planned)["etcd"])["ETCD_CLIENT_CERT_AUTH"] == "true"


ETCD_HEALTH = '["CMD", "etcdctl", "endpoint", "health"]'


@pytest.mark.parametrize(
    ("test", "becomes"),
    [
        ('["CMD", "wget", "-qO-", "http://localhost:2379/health"]', "list"),
        ('["CMD-SHELL", "wget -qO- http://127.0.0.1:2379/health | grep true || exit 1"]', "shell"),
        ("wget --spider -q http://etcd:2379/readyz", "text"),
        ("python3 -c 'import urllib; urlopen(\"http://localhost:2379/health\")'", "text"),
    ],
)
def test_a_tool_without_a_client_certificate_gives_way_to_etcdctl(test: str, becomes: str) -> None:
    planned = enable(observation(STANDALONE.replace(ETCD_HEALTH, test)), scope="all")

    words = ["etcdctl", "endpoint", "health"]
    text = " ".join(words)
    wanted = {"list": ["CMD", *words], "shell": ["CMD-SHELL", text], "text": text}
    assert services(planned)["etcd"]["healthcheck"]["test"] == wanted[becomes]
    (warning,) = (w for w in planned.plan.warnings if w.code == "health-check-replaced")
    assert "service etcd is to run etcdctl endpoint health" in warning.message


@pytest.mark.parametrize(
    ("image", "path"),
    [("quay.io/coreos/etcd:v3.5.18", "/v3/kv/range"), ("quay.io/coreos/etcd:v3.3.27", "/health")],
)
def test_where_etcdctl_does_not_ask_the_same_it_is_refused(image: str, path: str) -> None:
    text = STANDALONE.replace(ETCD_HEALTH, f'["CMD", "wget", "http://localhost:2379{path}"]')
    with pytest.raises(HealthCheckBreaks):
        enable(observation(text.replace("quay.io/coreos/etcd:v3.5.18", image)), scope="all")


@pytest.mark.parametrize("image", ["bitnami/etcd:3.5.14", "docker.io/bitnamilegacy/etcd:3.5"])
def test_an_etcdctl_whose_scripts_give_flags_is_told_by_no_variable(image: str) -> None:
    # "conflicting environment variable is shadowed by corresponding command-line flag", and it ends.
    text = STANDALONE.replace("quay.io/coreos/etcd:v3.5.18", image)
    etcd = services(enable(observation(text), scope="all"))["etcd"]

    assert not [name for name in told(etcd) if name.startswith("ETCDCTL_")]
    words = etcd["healthcheck"]["test"]
    assert words[:2] == ["CMD", "etcdctl"]
    assert words[-2:] == ["endpoint", "health"]
    assert " ".join(words[2:-2]) == (
        "--cacert /tls/ca.pem --cert /tls/server.pem --key /tls/server.key"
    )


def test_the_health_check_of_bitnamis_scripts_stays_as_it_is() -> None:
    script = '["CMD", "/opt/bitnami/scripts/etcd/healthcheck.sh"]'
    text = STANDALONE.replace("quay.io/coreos/etcd:v3.5.18", "bitnami/etcd:3.5.14")
    etcd = services(enable(observation(text.replace(ETCD_HEALTH, script)), scope="all"))["etcd"]
    assert etcd["healthcheck"]["test"] == yaml.safe_load(script)


def test_a_health_check_that_nobody_knows_how_to_switch_is_a_refusal_until_it_is_accepted() -> None:
    text = STANDALONE.replace(
        '["CMD", "curl", "-f", "http://localhost:9000/minio/health/live"]',
        '["CMD", "./probe", "http://localhost:9000/"]',
    )
    with pytest.raises(HealthCheckBreaks) as caught:
        enable(observation(text), scope="all")
    assert caught.value.line
    planned = enable(observation(text), scope="all", accept=("health-check-breaks",))
    assert services(planned)["minio"]["healthcheck"]["test"][1] == "./probe"
    after = enabled(observation(text), scope="all", accept=("health-check-breaks",))
    again = enable(after, scope="all").plan.warnings
    assert "health-check-breaks" in {one.code for one in again}


@pytest.mark.parametrize("flags", ["$FLAGS", "-listen-client-urls http://0.0.0.0:2379 $FLAGS"])
def test_flags_that_come_from_a_variable_are_a_refusal_with_the_edit_to_make(flags: str) -> None:
    text = STANDALONE.replace(COMMAND, f"etcd {flags} --data-dir /etcd")
    made = {"FLAGS": "-advertise-client-urls=http://etcd:2379"}
    with pytest.raises(EditRefused) as caught:
        enable(observation(text, variables=made), scope="all")
    assert "write them out there as they are" in caught.value.hint
    planned = enable(observation(text.replace("$FLAGS", made["FLAGS"])), scope="all")
    assert "http://" not in services(planned)["etcd"]["command"]


def test_a_milvus_without_internal_tls_is_told_and_with_scope_internal_refused() -> None:
    text = STANDALONE.replace("v2.5.5", "v2.4.5")
    planned = enable(observation(text), scope="all")
    assert "INTERNALTLS_SNI" not in told(services(planned)["standalone"])
    with pytest.raises(UnsupportedMilvus) as caught:
        enable(observation(text), scope="internal")
    assert "2.4.5" in caught.value.message


def test_scope_internal_leaves_etcd_and_the_object_store_alone() -> None:
    planned = enable(observation(STANDALONE), scope="internal")

    before = yaml.safe_load(STANDALONE)["services"]
    assert {n: s for n, s in services(planned).items() if n != "standalone"} == {
        n: s for n, s in before.items() if n != "standalone"
    }
    assert told(services(planned)["standalone"])["INTERNALTLS_SNI"] == "milvus.internal"


CLUSTER = (
    STANDALONE[: STANDALONE.index("  standalone:")]
    + "".join(
        f"""\
  {role}:
    image: milvusdb/milvus:v2.5.5
    command: ["milvus", "run", "{role}"]
    environment:
      ETCD_ENDPOINTS: etcd:2379
      MINIO_ADDRESS: minio:9000
      PULSAR_ADDRESS: pulsar://pulsar:6650
"""
        for role in ("rootcoord", "querynode", "datanode", "proxy")
    )
    + "  pulsar:\n    image: apachepulsar/pulsar:2.8.2\n"
)


def test_every_part_of_a_cluster_is_told_and_the_broker_is_named() -> None:
    planned = enable(observation(CLUSTER), scope="all", mode=2)
    found = services(planned)

    for role in ("rootcoord", "querynode", "datanode", "proxy"):
        assert told(found[role])["ETCD_SSL_ENABLED"] == "true"
        assert told(found[role])["COMMON_SECURITY_INTERNALTLSENABLED"] == "true"
        assert ("COMMON_SECURITY_TLSMODE" in told(found[role])) == (role == "proxy")
    assert planned.servers == ("etcd", "minio")
    assert set(planned.others) == {"rootcoord", "querynode", "datanode"}
    assert any("pulsar" in w.message for w in planned.plan.warnings if w.code == "stays-plain")


def test_coordinators_are_started_anew_before_what_finds_them_wherever_they_stand() -> None:
    names = {"rootcoord": "querynode", "querynode": "rootcoord"}
    text = re.sub(r"\b(rootcoord|querynode)\b", lambda found: names[found[1]], CLUSTER)
    planned = enable(observation(text), scope="all")

    assert planned.others == ("rootcoord", "querynode", "datanode")
    assert planned.everything == ("etcd", "minio", *planned.others, "proxy")


def test_a_service_that_uses_the_object_store_as_well_is_named() -> None:
    text = (
        STANDALONE + "  backup:\n    image: me/backup\n    environment: {S3: 'http://minio:9000'}\n"
    )
    planned = enable(observation(text), scope="all")

    (warning,) = (one for one in planned.plan.warnings if one.code == "stack-client-cut-off")
    assert "backup" in warning.message


BACKUPS = {
    "format 1": "minio: {address: minio, port: 9000, useSSL: false}",
    "format 1, another store": "minio: {address: s3.example, port: 443, backupAddress: minio, "
    "backupPort: 9000}",
    "format 2": "configVersion: v2\nmilvus: {storage: {address: minio, port: 9000}}",
    "format 2, the backup": "backup: {storage: {address: minio, port: 9000}}",
}


@pytest.mark.parametrize("store", BACKUPS.values(), ids=BACKUPS)
def test_a_milvus_backup_that_reads_the_object_store_is_named(store: str) -> None:
    # Its backup.yaml writes host and port apart.
    service = "  backup:\n    image: milvusdb/milvus-backup\n    volumes: ['./b.yaml:/b.yaml']\n"
    milvus = "" if "milvus:" in store else "milvus: {address: elsewhere, port: 19530}\n"
    files = {COMPOSE_FILE: STANDALONE + service, "b.yaml": f"{milvus}{store}\n"}
    found = enable(observation(files), scope="all", neighbours="list")

    (warning,) = (one for one in found.plan.warnings if one.code == "stack-client-cut-off")
    assert "service backup connects to minio:9000 (b.yaml)" in warning.message


@pytest.mark.parametrize(
    ("shape", "switched"),
    [
        ("format 1", {("minio", "useSSL")}),
        ("format 1, another store", {("minio", "backupUseSSL")}),
        ("format 2", {("milvus", "storage", "useSSL")}),
        ("format 2, the backup", {("backup", "storage", "useSSL")}),
    ],
)
def test_the_object_store_in_a_backup_yaml_is_switched(
    shape: str, switched: set[tuple[str, ...]]
) -> None:
    image = "me/backup" if "1" in shape else "milvusdb/milvus-backup"
    service = f"  backup:\n    image: {image}\n    volumes: ['./b.yaml:/b.yaml']\n"
    milvus = "milvus: {address: elsewhere, port: 19530}\n" if "1" in shape else ""
    text = f"{milvus}{BACKUPS[shape]}\n"
    found = enable(observation({COMPOSE_FILE: STANDALONE + service, "b.yaml": text}), scope="all")

    (change,) = (c for c in found.plan.changes if c.path.name == "b.yaml")
    assert isinstance(change, PatchFile)
    assert isinstance(change.new, bytes)
    assert {*_places(yaml.safe_load(change.new), True)} == switched
    backup = services(found)["backup"]
    assert told(backup) == {"SSL_CERT_FILE": "/milvus/tls-stack/ca.crt"}
    assert backup["volumes"][-1] == "./tls/object-store/CAs:/milvus/tls-stack:ro"
    assert "stack-client-cut-off" not in {one.code for one in found.plan.warnings}


@pytest.mark.parametrize(
    ("environment", "places", "wanted"),
    [
        ("MINIO_USE_SSL: 'false'", {("minio", "backupUseSSL")}, {"MINIO_USE_SSL"}),
        ("MINIO_ADDRESS: elsewhere", {("minio", "backupUseSSL")}, set()),
        ("MINIO_BACKUP_ADDRESS: minio", {("minio", "useSSL")}, {"MINIO_BACKUP_USE_SSL"}),
        ("MINIO_BACKUP_PORT: 9900", {("minio", "useSSL")}, set()),
    ],
)
def test_variables_win_over_backup_yaml(
    environment: str, places: set[tuple[str, ...]], wanted: set[str]
) -> None:
    service = (
        "  backup:\n    image: milvusdb/milvus-backup:v0.5.5\n    volumes: ['./b.yaml:/b.yaml']\n"
        f"    environment: {{{environment}}}\n"
    )
    text = "minio: {address: minio, port: 9000, backupAddress: minio, backupPort: 9000}\n"
    found = enable(observation({COMPOSE_FILE: STANDALONE + service, "b.yaml": text}), scope="all")

    (change,) = (c for c in found.plan.changes if c.path.name == "b.yaml")
    assert isinstance(change, PatchFile)
    assert isinstance(change.new, bytes)
    assert {*_places(yaml.safe_load(change.new), True)} == places
    on = {name for name, value in told(services(found)["backup"]).items() if value == "true"}
    assert on == wanted


def _places(value: object, wanted: object, *route: str) -> Iterator[tuple[str, ...]]:
    """Where a document says something."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _places(each, wanted, *route, name)
    elif value is wanted:
        yield route


def mc_job(command: str, more: str = "") -> str:
    return f"{STANDALONE}  job:\n    image: minio/mc\n    entrypoint: {command}\n{more}"


ALIAS = "mc alias set m http://minio:9000 a b"


def test_a_job_of_mc_trusts_the_ca_of_the_object_store() -> None:
    job = services(enable(observation(mc_job(f"sh -c '{ALIAS}'")), scope="all"))["job"]

    assert job["entrypoint"] == f"sh -c '{ALIAS.replace('http', 'https')}'"
    assert job["volumes"] == ["./tls/object-store/CAs:/root/.mc/certs/CAs:ro"]


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (f"sh -c '{ALIAS}'", "    user: '1000'\n"),
        (f"sh -c 'mc --config-dir /x; {ALIAS}'", ""),
        (f"sh -c '{ALIAS}; wget -q http://minio:9000/minio/health/live'", ""),
        (f"sh -c 'curl -f https://example.org/; {ALIAS}'", ""),
        ("/init.sh", "    environment: {URL: 'minio:9000'}\n"),
        (f"sh -c '{ALIAS}'", "    volumes: ['./mine:/root/.mc/certs/CAs']\n"),
        ("sh -c 'mc alias set m ${S3}'", ""),
    ],
)
def test_a_job_of_mc_that_cannot_be_told_is_named_and_left_alone(command: str, more: str) -> None:
    text = mc_job(command, more)
    variables = {"S3": "http://minio:9000"}
    found = enable(observation(text, variables=variables), scope="all")

    assert services(found)["job"] == yaml.safe_load(text)["services"]["job"]
    (warning,) = (one for one in found.plan.warnings if one.code == "stack-client-cut-off")
    assert "service job connects to minio:9000" in warning.message


@pytest.mark.parametrize("flag", ["--config-dir /x", "--config-dir=/x", "-C /x"])
def test_a_job_of_mc_that_names_its_directory_finds_the_ca_there(flag: str) -> None:
    command = f"sh -c '{ALIAS} {flag} && mc {flag} mb m/b'"
    job = services(enable(observation(mc_job(command)), scope="all"))["job"]

    assert job["entrypoint"] == command.replace("http:", "https:")
    assert job["volumes"] == ["./tls/object-store/CAs:/x/certs/CAs:ro"]


AWS = "  job:\n    image: amazon/aws-cli:2.15.0\n"
BUNDLE = "/milvus/tls-stack/ca-bundle.pem"


@pytest.mark.parametrize(
    ("says", "changed"),
    [
        (
            "command: --endpoint-url http://minio:9000 s3 mb s3://b",
            {"command": "--endpoint-url https://minio:9000 s3 mb s3://b"},
        ),
        (
            "command: [--endpoint-url=http://minio:9000, s3, mb, 's3://b']",
            {"command": ["--endpoint-url=https://minio:9000", "s3", "mb", "s3://b"]},
        ),
        (
            "command: s3 mb s3://b\n    environment: {AWS_ENDPOINT_URL: 'http://minio:9000'}",
            {"environment": {"AWS_ENDPOINT_URL": "https://minio:9000", "AWS_CA_BUNDLE": BUNDLE}},
        ),
        (
            "entrypoint: [sh, -c, 'until aws --endpoint-url http://minio:9000 s3 ls; do :; done']",
            {
                "entrypoint": [
                    "sh",
                    "-c",
                    "until aws --endpoint-url https://minio:9000 s3 ls; do :; done",
                ]
            },
        ),
    ],
)
def test_a_job_of_aws_trusts_the_ca_beside_the_public_ones(
    says: str, changed: dict[str, object]
) -> None:
    found = enable(observation(f"{STANDALONE}{AWS}    {says}\n"), scope="all")
    job = services(found)["job"]

    assert {name: job[name] for name in changed} == changed
    assert told(job)["AWS_CA_BUNDLE"] == BUNDLE
    assert job["volumes"] == [f"./tls/milvus/ca-bundle.pem:{BUNDLE}:ro"]
    assert "stack-client-cut-off" not in codes(found)


@pytest.mark.parametrize(
    "more",
    [
        "environment: {AWS_CA_BUNDLE: /mine.pem}\n    command: --endpoint-url http://minio:9000 s3 ls",
        "command: --ca-bundle /mine.pem --endpoint-url http://minio:9000 s3 ls",
    ],
)
def test_a_job_of_aws_that_is_told_of_cas_is_named_and_left_alone(more: str) -> None:
    text = f"{STANDALONE}{AWS}    {more}\n"
    found = enable(observation(text), scope="all")

    assert services(found)["job"] == yaml.safe_load(text)["services"]["job"]
    assert "stack-client-cut-off" in codes(found)


def test_a_job_of_mc_that_inherits_its_volumes_is_switched_in_an_override_file() -> None:
    text = "x-job: &job\n  volumes: ['./data:/data']\n" + mc_job(
        f"sh -c '{ALIAS}'", "    <<: *job\n"
    )
    found = enable(observation(text), scope="all")

    own = services(found, "compose.override.yaml")["job"]
    assert own["volumes"] == ["./tls/object-store/CAs:/root/.mc/certs/CAs:ro"]
    assert "minio" in services(found)


def test_a_service_in_another_network_is_not_said_to_use_etcd() -> None:
    app = "  app:\n    image: me/app\n    environment: {ETCD_ENDPOINTS: 'etcd:2379'}\n"
    found = enable(
        observation(f"{STANDALONE}{app}    networks: [x]\nnetworks:\n  x:\n"), scope="all"
    )
    assert "stack-client-cut-off" not in {one.code for one in found.plan.warnings}


@pytest.mark.parametrize(
    ("content", "environment"),
    [
        ("deployment:\n  etcd:\n    host: ['http://etcd:2379']\n", "{}"),
        ("# http://etcd:2379\n", "{ETCD_HOST: etcd}"),
        ("# http://etcd:2379\n", "{ETCD_SERVER: 'etcd', ETCD_PORT: '2379'}"),
    ],
)
def test_another_client_of_etcd_is_named_by_its_file_or_its_variables(
    content: str, environment: str
) -> None:
    gateway = (
        "  gateway:\n    image: apache/apisix\n    volumes: ['./conf.yaml:/conf.yaml']\n"
        f"    environment: {environment}\n"
    )
    found = enable(
        observation({COMPOSE_FILE: STANDALONE + gateway, "conf.yaml": content}), scope="all"
    )

    (warning,) = (one for one in found.plan.warnings if one.code == "stack-client-cut-off")
    assert "service gateway connects to etcd:2379" in warning.message
    assert "cert/etcd-client.pem" in (warning.hint or "")


@pytest.mark.parametrize(
    ("file", "text", "place"),
    [
        ("Caddyfile", "console.test {\n  reverse_proxy minio:9001\n}\n", "minio:9001 (Caddyfile)"),
        ("init.sh", f"#!/bin/sh\n{ALIAS}\n", "minio:9000 (init.sh)"),
    ],
)
def test_a_client_of_the_console_or_by_a_script_is_named(file: str, text: str, place: str) -> None:
    app = f"  app:\n    image: me/app\n    volumes: ['./{file}:/{file}']\n"
    found = enable(observation({COMPOSE_FILE: STANDALONE + app, file: text}), scope="all")

    (warning,) = (one for one in found.plan.warnings if one.code == "stack-client-cut-off")
    assert f"service app connects to {place}" in warning.message


@pytest.mark.parametrize(
    ("service", "file", "lines"),
    [
        (
            "image: minio/mc\n    entrypoint: [sh, /f]",
            f"#!/bin/sh\n{ALIAS}\n",
            "./tls/object-store/CAs:/root/.mc/certs/CAs:ro in its volumes",
        ),
        (
            "image: me/app\n    command: [sh, /f]",
            "aws --endpoint-url http://minio:9000 s3 ls\n",
            "AWS_CA_BUNDLE: /ca-bundle.pem in its environment",
        ),
        (
            "image: quay.io/coreos/etcd:v3.5.5\n    entrypoint: [sh, /f]",
            "while :; do etcdctl --endpoints=etcd:2379 snapshot save /b; sleep 3600; done\n",
            "ETCDCTL_CACERT, ETCDCTL_CERT and ETCDCTL_KEY",
        ),
        (
            "image: prom/prometheus",
            "scrape_configs:\n- job_name: etcd\n  static_configs:\n  - targets: ['etcd:2379']\n",
            "tls_config with ca_file, cert_file and key_file (cert/stack-ca.pem, cert/etcd-client.pem",
        ),
        (
            "image: prom/prometheus",
            "scrape_configs:\n- job_name: s3\n  static_configs:\n  - targets: ['minio:9000']\n",
            "scheme: https, and tls_config with ca_file (cert/stack-ca.pem, mounted)",
        ),
        (
            "image: milvusdb/birdwatcher\n    depends_on: [etcd]",
            "{}",
            "connect with --enableTLS, --rootCAPem, --etcdCert and --etcdKey",
        ),
    ],
)
def test_who_is_not_switched_is_told_the_lines_to_write(
    service: str, file: str, lines: str
) -> None:
    app = f"  app:\n    {service}\n    volumes: ['./f:/f']\n"
    found = enable(observation({COMPOSE_FILE: STANDALONE + app, "f": file}), scope="all")

    (warning,) = (one for one in found.plan.warnings if one.code == "stack-client-cut-off")
    assert lines in (warning.hint or "")


def test_who_names_a_server_in_a_config_of_the_compose_file_itself_is_named() -> None:
    prometheus = (
        "  app:\n    image: prom/prometheus\n    configs: [{source: p, target: /p.yml}]\n"
        "configs:\n  p:\n    content: |\n"
        "      scrape_configs: [{job_name: e, static_configs: [{targets: ['etcd:2379']}]}]\n"
    )
    found = enable(observation(STANDALONE + prometheus), scope="all")

    (warning,) = (one for one in found.plan.warnings if one.code == "stack-client-cut-off")
    assert "service app connects to etcd:2379 (config p)" in warning.message


def test_what_a_gateway_of_minio_stands_before_is_called_as_before() -> None:
    text = STANDALONE.replace(
        'minio server /minio_data --console-address ":9001"', "minio gateway s3 http://other:9000"
    )
    minio = services(enable(observation(text), scope="all"))["minio"]

    assert minio["command"] == "minio gateway s3 http://other:9000"
    assert minio["volumes"] == ["./tls/object-store:/root/.minio/certs"]


@pytest.mark.parametrize(
    ("command", "new"),
    [
        (
            "filer -master=m:9333 -s3",
            "filer -s3.cert.file=/tls/public.crt -s3.key.file=/tls/private.key -master=m:9333 -s3",
        ),
        (
            "s3 -filer=f:8888 -port=9000",
            "s3 -cert.file=/tls/public.crt -key.file=/tls/private.key -filer=f:8888 -port=9000",
        ),
    ],
)
def test_the_parts_of_seaweedfs_are_told_as_each_of_them_is(command: str, new: str) -> None:
    text = STANDALONE.replace(
        "minio/minio:RELEASE.2023-03-20T20-16-18Z", "chrislusf/seaweedfs"
    ).replace('minio server /minio_data --console-address ":9001"', command)

    assert services(enable(observation(text), scope="all"))["minio"]["command"] == new


def test_an_object_store_that_milvus_calls_by_a_link_is_one_of_the_project() -> None:
    text = STANDALONE.replace(
        "MINIO_ADDRESS: minio:9000", "MINIO_ADDRESS: store:9000\n    links: ['minio:store']"
    )
    found = enable(observation(text), scope="all")

    assert found.servers == ("etcd", "minio")
    (shown,) = (
        one.identity for one in found.identities.identities if one.identity.name == "object-store"
    )
    assert "store" in shown.dns_names


def test_a_place_that_is_not_chosen_is_not_said_to_be() -> None:
    text = STANDALONE.replace("  minio:\n", "    tmpfs: [/tls]\n  minio:\n")
    with pytest.raises(ValueInTheWay) as caught:
        enable(observation(text), scope="all")
    assert caught.value.hint == "remove that entry"


def test_who_only_speaks_of_etcd_in_a_comment_is_not_named() -> None:
    app = "  app:\n    image: me/app\n    volumes: ['./conf.yaml:/conf.yaml']\n"
    files = {COMPOSE_FILE: STANDALONE + app, "conf.yaml": "# http://etcd:2379\ncache: etcd\n"}
    found = enable(observation(files), scope="all")
    assert "stack-client-cut-off" not in {one.code for one in found.plan.warnings}


@pytest.mark.parametrize(
    "start",
    [
        "entrypoint: ['/bin/sh', '/start.sh']",
        "command: /start.sh",
        "command: ['sh', '-c', './run --listen-client-urls http://0.0.0.0:2379']",
    ],
)
def test_an_etcd_whose_flags_are_in_a_script_is_left_as_it_is_and_named(start: str) -> None:
    # It would not start with a flag and its variable both set.
    found = enable(observation(STANDALONE.replace(f"command: {COMMAND}", start)), scope="all")

    assert found.servers == ("minio",)
    (warning,) = (one for one in found.plan.warnings if one.code == "stays-plain")
    assert "metadata etcd is not changed" in warning.message
    assert "flags that are not known" in warning.message
    assert "ETCD_SSL_ENABLED" not in told(services(found)["standalone"])


@pytest.mark.parametrize(
    "start",
    [
        "entrypoint: ['/usr/local/bin/etcd']",
        "command: sh -c 'exec etcd --data-dir /etcd'",
        "command: [/opt/bitnami/scripts/etcd/run.sh]",
        "restart: always",
    ],
)
def test_an_etcd_that_is_started_as_itself_takes_part(start: str) -> None:
    found = enable(observation(STANDALONE.replace(f"command: {COMMAND}", start)), scope="all")
    assert found.servers == ("etcd", "minio")


@pytest.mark.parametrize(
    "host", ["$$HOSTNAME", "$${HOSTNAME}", "$$(hostname -i)", "store.internal"]
)
def test_a_health_check_by_a_name_that_nobody_knows_is_refused(host: str) -> None:
    asked = '["CMD", "curl", "-f", "http://localhost:9000/minio/health/live"]'
    assert asked in STANDALONE
    text = STANDALONE.replace(asked, f"curl -fs http://{host}:9000/minio/health/live || exit 1")
    with pytest.raises(HealthCheckBreaks, match="uses http"):
        enable(observation(text), scope="all")


def test_an_etcd_on_the_network_of_the_machine_is_not_said_to_be_none_of_the_project() -> None:
    hosted = "    network_mode: host\n"
    text = (
        STANDALONE.replace("  minio:\n", f"{hosted}  minio:\n{hosted}")
        .replace("  standalone:\n", f"  standalone:\n{hosted}")
        .replace("ETCD_ENDPOINTS: etcd", "ETCD_ENDPOINTS: localhost")
        .replace("MINIO_ADDRESS: minio", "MINIO_ADDRESS: 127.0.0.1")
    )
    found = enable(observation(text), scope="all")

    said = [one.message for one in found.plan.warnings if one.code == "stays-plain"]
    assert (
        len([one for one in said if "the service cannot be told from another program" in one]) == 2
    )
    assert not any("not a service of this project" in one for one in said)


@pytest.mark.parametrize("earlier", [False, True])
def test_a_service_that_mounts_all_of_the_tls_directory_is_named_the_first_time_too(
    *, earlier: bool
) -> None:
    text = STANDALONE + "  app:\n    image: me/app\n    volumes: ['./tls:/certs:ro']\n"
    seen = observation(text)
    planned = enable(enabled(seen, scope="all") if earlier else seen, scope="all")

    (warning,) = (one for one in planned.plan.warnings if one.code == "key-mounted")
    assert "service app mounts tls/etcd/server.key" in warning.message


def test_only_what_changes_is_touched() -> None:
    after = enabled(observation(STANDALONE), scope="all")

    planned = enable(after, scope="all", rest_port=8080)
    assert planned.touched is not None
    assert "etcd" not in planned.touched
    assert "standalone" in planned.touched


def test_a_ca_that_ends_soon_goes_with_all_that_it_issued() -> None:
    after = enabled(observation(STANDALONE), scope="all", ca_days=365, days=90)
    identities = [
        one.identity
        for one in enable(after, scope="all").identities.identities
        if one.identity.name in STACK
    ]
    config = TlsConfig(scope="all")

    def planned(now: datetime) -> set[str | None]:
        return {
            with_stack(IdentityPlan((), ()), identities, after, config, now).source(one.name)
            for one in identities
        }

    assert planned(NOW) == {"existing"}
    assert planned(NOW + timedelta(days=334)) != {"issued"}
    assert planned(NOW + timedelta(days=336)) == {"issued"}


@pytest.mark.parametrize(
    ("app", "says"),
    [
        ("links: ['minio:s3']\n    environment: {S3: 'http://s3:9000'}", "connects to s3:9000"),
        (
            "environment: {S3: 'http://host.docker.internal:9010'}",
            "connects to host.docker.internal:9010",
        ),
        (
            "extra_hosts: ['store:host-gateway']\n    command: --s3 http://store:9010",
            "connects to store:9010",
        ),
        (
            "network_mode: host\n    environment: {S3_HOST: localhost, S3: 'localhost:9010'}",
            "connects to localhost:9010",
        ),
        ("depends_on: [etcd]", "may connect to etcd, which then uses TLS: it depends on it"),
        ("depends_on: {minio: {condition: service_started}}", "may connect to minio"),
        ("links: [minio]", "may connect to minio, which then uses TLS: it is linked to it"),
    ],
)
def test_who_reaches_a_server_by_another_way_is_named(app: str, says: str) -> None:
    text = STANDALONE.replace('- "9001:9001"', '- "9001:9001"\n      - "9010:9000"')
    found = enable(observation(f"{text}  app:\n    image: me/app\n    {app}\n"), scope="all")

    (warning,) = (one for one in found.plan.warnings if one.code == "stack-client-cut-off")
    assert f"service app {says}" in warning.message


@pytest.mark.parametrize(
    "app",
    [
        "depends_on: [etcd, minio, standalone]",
        "environment: {OLLAMA_HOST: host.docker.internal}",
        "network_mode: host\n    environment: {REDIS_HOST: localhost}",
    ],
)
def test_who_only_waits_for_the_stack_or_calls_another_port_is_not_named(app: str) -> None:
    found = enable(observation(f"{STANDALONE}  app:\n    image: me/app\n    {app}\n"), scope="all")
    assert "stack-client-cut-off" not in codes(found)


def test_an_option_that_names_the_url_stays_with_it() -> None:
    text = STANDALONE.replace(
        '"-f", "http://localhost:9000', '"-f", "--url", "http://localhost:9000'
    )
    minio = services(enable(observation(text), scope="all"))["minio"]

    option, file, url, _ = minio["healthcheck"]["test"][-4:]
    target = minio["volumes"][-1].split(":")[1]
    assert (option, file, url) == ("--cacert", f"{target}/CAs/ca.crt", "--url")


MEMBERS = "".join(
    f"""\
  etcd{n}:
    image: quay.io/coreos/etcd:v3.5.18
    command: >-
      etcd --name e{n} --advertise-client-urls=http://etcd{n}:2379 --listen-client-urls=http://0.0.0.0:2379
      --initial-cluster e1=http://etcd:2380,e2=http://etcd2:2380,e3=http://etcd3:2380
"""
    for n in (2, 3)
)


def test_members_of_the_cluster_that_milvus_does_not_name_are_switched_too() -> None:
    cluster = "--initial-cluster e1=http://etcd:2380,e2=http://etcd2:2380,e3=http://etcd3:2380"
    text = STANDALONE.replace("--data-dir /etcd", f"--data-dir /etcd {cluster}")
    asked = "http://etcd:2379,http://etcd2:2379,http://etcd3:2379"
    text = text.replace('"etcdctl", "end', f'"etcdctl", "--endpoints={asked}", "end')
    planned = enable(observation(text.replace("  minio:\n", f"{MEMBERS}  minio:\n")), scope="all")
    found = services(planned)

    for name in ("etcd", "etcd2", "etcd3"):
        assert told(found[name])["ETCD_CLIENT_CERT_AUTH"] == "true"
        assert "http://etcd:2380" in found[name]["command"]
    assert f"--endpoints={asked.replace('http', 'https')}" in found["etcd"]["healthcheck"]["test"]


def test_an_etcd_at_another_port_is_asked_and_called_there() -> None:
    text = STANDALONE.replace("2379", "12379").replace(
        '"etcdctl", "end', '"etcdctl", "--endpoints=http://localhost:12379", "end'
    )
    tool = "  tool:\n    image: me/tool\n    command: tool etcd:12379\n"
    planned = enable(observation(text + tool), scope="all")

    test = services(planned)["etcd"]["healthcheck"]["test"]
    assert "--endpoints=https://localhost:12379" in test
    assert "stack-client-cut-off" in codes(planned)


@pytest.mark.parametrize(
    ("extra", "address"),
    [
        ("", "172.28.0.2"),
        ("    extra_hosts: ['metadata:172.28.0.2']\n", "metadata"),
        ("    extra_hosts: ['here:host-gateway']\n", "here"),
    ],
)
def test_a_server_that_milvus_calls_by_an_address_is_one_of_the_project(
    extra: str, address: str
) -> None:
    fixed = "    networks: {n: {ipv4_address: 172.28.0.2}}\n    ports: ['2379:2379']\n"
    text = STANDALONE.replace("  etcd:\n", f"  etcd:\n{fixed}", 1)
    text = text.replace("  standalone:\n", f"  standalone:\n{extra}", 1)
    text = text.replace("ETCD_ENDPOINTS: etcd:", f"ETCD_ENDPOINTS: {address}:")
    found = enable(observation(text), scope="all")

    assert found.servers == ("etcd", "minio")
    (shown,) = (one.identity for one in found.identities.identities if one.identity.name == "etcd")
    assert address in {*shown.dns_names, *shown.ip_addresses}


def test_an_etcd_in_the_network_of_milvus_is_not_said_to_be_named_by_nobody() -> None:
    text = STANDALONE.replace("  etcd:\n", "  etcd:\n    network_mode: service:standalone\n", 1)
    text = text.replace("ETCD_ENDPOINTS: etcd:", "ETCD_ENDPOINTS: localhost:")
    found = enable(observation(text), scope="all")

    (warning,) = (one for one in found.plan.warnings if one.code == "stays-plain")
    assert "service etcd is not changed: it shares the network of Milvus" in warning.message


def test_host_and_port_of_a_health_check_may_be_variables() -> None:
    asked = "http://${MINIO_HOST:-localhost}:${MINIO_PORT:-9000}/minio/health/live"
    text = STANDALONE.replace("http://localhost:9000/minio/health/live", asked)
    text = text.replace('"etcdctl", "end', '"etcdctl", "--endpoints=http://$ETCD:2379", "end')
    found = services(enable(observation(text, variables={"ETCD": "etcd"}), scope="all"))

    assert found["minio"]["healthcheck"]["test"][-1] == asked.replace("http", "https")
    assert "--endpoints=https://$ETCD:2379" in found["etcd"]["healthcheck"]["test"]


@pytest.mark.parametrize("flag", ["advertise", "listen"])
@pytest.mark.parametrize("name", ["$URL", "${URL}", "${URL:-http://etcd:2379}"])
def test_a_url_that_is_a_variable_is_written_out_beside_one_that_is_not(
    flag: str, name: str
) -> None:
    urls = {"advertise": "http://etcd:2379", "listen": "http://0.0.0.0:2379"}
    text = STANDALONE.replace(urls[flag], name)
    found = enable(observation(text, variables={"URL": urls[flag]}), scope="all")

    assert services(found)["etcd"]["command"] == COMMAND.replace("http://", "https://")


def test_a_default_that_a_variable_overrides_is_no_https_in_a_health_check() -> None:
    text = STANDALONE.replace("http://localhost:9000/minio", "${URL:-http://localhost:9000}/minio")
    with pytest.raises(HealthCheckBreaks):
        enable(observation(text, variables={"URL": "http://localhost:9000"}), scope="all")

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given

from compose_tls.connection import ContainerRoute, ExistingService
from compose_tls.vocabulary import TlsMode
from tests.unit.sdk.connections import FILES, PATHS, of, used

MODES = pytest.mark.parametrize("mode", [TlsMode.ONE_WAY, TlsMode.MUTUAL])
BESIDE = ContainerRoute("standalone", 19530)


def attu(mode: TlsMode, **changes: Any) -> dict[str, Any]:
    """The service, as Compose reads it."""
    text = of("attu", mode, **{"container_route": BESIDE, **changes})
    service: dict[str, Any] = yaml.safe_load(text)["services"]["attu"]
    return service


@pytest.mark.parametrize(
    ("release", "image"),
    [
        ((2, 2), "v2.3.10"),
        ((2, 3), "v2.3.10"),
        ((2, 4), "v2.4"),
        ((2, 5), "v2.5"),
        ((2, 6), "v2.6"),
        (None, "v2.6"),
        ((3, 0), "v3.0.0"),
        ((3, 1), "v3.0.0"),
    ],
)
def test_attu_is_the_one_for_the_milvus(release: tuple[int, int] | None, image: str) -> None:
    assert attu(TlsMode.ONE_WAY, release=release)["image"] == f"zilliz/attu:{image}"


@MODES
def test_attu_2_gets_its_variables_for_the_mode(mode: TlsMode) -> None:
    mutual = {"CERT_CHAIN_PATH": "/certs/client.pem", "PRIVATE_KEY_PATH": "/certs/client.key"}
    assert attu(mode, server_name="db.test", authentication=True)["environment"] == {
        "MILVUS_URL": "standalone:19530",
        "ROOT_CERT_PATH": "/certs/ca.pem",
        "SERVER_NAME": "db.test",
        **(mutual if mode is TlsMode.MUTUAL else {}),
    }


@MODES
def test_attu_3_gets_its_variables_for_the_mode(mode: TlsMode) -> None:
    mutual = {
        "MILVUS_TLS_CERT_CHAIN_PATH": "/certs/client.pem",
        "MILVUS_TLS_PRIVATE_KEY_PATH": "/certs/client.key",
    }
    found = attu(mode, server_name="db.test", release=(3, 0), authentication=True)
    assert found["environment"] == {
        "MILVUS_ADDRESS": "standalone:19530",
        "MILVUS_SSL": "true",
        "MILVUS_TLS_ROOT_CERT_PATH": "/certs/ca.pem",
        "MILVUS_TLS_SERVER_NAME": "db.test",
        "MILVUS_TOKEN": "${MILVUS_TOKEN:?}",
        **(mutual if mode is TlsMode.MUTUAL else {}),
    }


@pytest.mark.parametrize(
    ("image", "address"),
    [
        ("zilliz/attu:v2.5.6", "MILVUS_URL"),
        ("zilliz/attu:latest", "MILVUS_URL"),
        ("zilliz/attu:v3.0.0-beta.2", "MILVUS_ADDRESS"),
        ("registry.test/attu:v3.1", "MILVUS_ADDRESS"),
    ],
)
@MODES
def test_an_attu_that_is_there_keeps_all_but_its_variables(
    mode: TlsMode, image: str, address: str
) -> None:
    text = of(
        "attu", mode, container_route=BESIDE, attu=ExistingService("the-ui", image), release=(2, 5)
    )
    [(name, found)] = yaml.safe_load(text)["services"].items()

    assert name == "the-ui"
    assert set(found) == {"environment", "volumes"}
    assert found["environment"][address] == "standalone:19530"


def test_one_without_certificates_becomes_a_newer_one() -> None:
    old = ExistingService("attu", "zilliz/attu:v2.3.5")
    found = attu(TlsMode.ONE_WAY, attu=old, release=(2, 3))

    assert found["image"] == "zilliz/attu:v2.3.10"
    assert "ports" not in found


@MODES
def test_the_files_of_a_client_are_mounted_read_only_and_no_other(mode: TlsMode) -> None:
    mounts = attu(mode)["volumes"]

    assert {mount["source"].replace("$$", "$") for mount in mounts} == used(mode)
    assert all(mount["read_only"] and mount["type"] == "bind" for mount in mounts)
    assert all(mount["target"].rpartition("/")[2] in mount["source"] for mount in mounts)


@MODES
@given(files=PATHS)
def test_any_path_comes_back_as_it_was(mode: TlsMode, files: dict[str, str]) -> None:
    sources = [mount["source"] for mount in attu(mode, **files)["volumes"]]

    # Compose makes one of two dollar signs, and a variable of a single one.
    assert not any("$" in source.replace("$$", "") for source in sources)
    assert {source.replace("$$", "$") for source in sources} == used(mode, files)


@pytest.mark.parametrize(
    ("route", "address", "rest"),
    [
        (BESIDE, "standalone:19530", {"ports": ["127.0.0.1:8000:3000"]}),
        (
            ContainerRoute("milvus", 19531, ("back", "front$1")),
            "milvus:19531",
            {"ports": ["127.0.0.1:8000:3000"], "networks": ["back", "front$$1"]},
        ),
        (
            ContainerRoute("localhost", 19530, network_mode="host"),
            "localhost:19530",
            {"network_mode": "host"},
        ),
        (
            None,
            "host.docker.internal:19540",
            {
                "ports": ["127.0.0.1:8000:3000"],
                "extra_hosts": ["host.docker.internal:host-gateway"],
            },
        ),
    ],
)
def test_attu_goes_where_milvus_is(
    route: ContainerRoute | None, address: str, rest: dict[str, Any]
) -> None:
    found = attu(TlsMode.ONE_WAY, container_route=route, uri="https://localhost:19540")

    assert found["environment"]["MILVUS_URL"] == address
    assert {
        name: value
        for name, value in found.items()
        if name not in ("image", "environment", "volumes")
    } == rest
    assert FILES["ca_pem"] == found["volumes"][0]["source"].replace("$$", "$")

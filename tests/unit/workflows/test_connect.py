"""What connect reads from a project: version, authentication, and the way for containers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from compose_tls import TlsConfig, client, enable
from compose_tls.errors import CertificateUnreadable, ComposeTlsError, NameInvalid, WrongUsage
from compose_tls.workflows.connect import connect

PORTS = "ports: ['19530:19530']"
MILVUS_YAML = Path(__file__).parents[3] / "fixtures" / "milvus.yaml"


def snippet(directory: Path, service: str, lang: str, config: TlsConfig | None = None) -> str:
    (directory / "docker-compose.yml").write_text(f"services:\n  milvus:\n{service}")
    enable(directory, config, environment={})
    found = connect(directory, config, lang=lang, environment={}).snippet
    assert found is not None
    return found.text


def service(image: str, *lines: str) -> str:
    fields = (f"image: milvusdb/milvus:{image}", "command: milvus run standalone", *lines)
    return "".join(f"    {line}\n" for line in fields)


@pytest.mark.parametrize(
    ("tag", "url"),
    [
        ("v2.3.5", "/v1/vector/collections"),
        ("v2.4.0", "/v2/vectordb/collections/list"),
        ("v2.6", "/v2/vectordb/collections/list"),
        ("latest", "/v2/vectordb/collections/list"),
    ],
)
def test_curl_fits_the_milvus_of_the_project(tmp_path: Path, tag: str, url: str) -> None:
    text = snippet(
        tmp_path, service(tag, "ports: ['19530:19530']"), "curl", TlsConfig(rest_port=8080)
    )

    assert text.splitlines()[-1].endswith(url)
    assert text.startswith("# Milvus 2.4 and newer") is (tag == "latest")


@pytest.mark.parametrize("said", ["true", "false", None])
def test_the_token_is_asked_for_where_milvus_asks_for_it(tmp_path: Path, said: str | None) -> None:
    lines = [f"environment: {{COMMON_SECURITY_AUTHORIZATIONENABLED: '{said}'}}"] if said else []

    text = snippet(tmp_path, service("v2.4.0", *lines), "python")

    assert ("token=os.environ['MILVUS_TOKEN']" in text) is (said == "true")


@pytest.mark.parametrize("said", ["true", "false"])
def test_authentication_may_be_on_in_milvus_yaml(tmp_path: Path, said: str) -> None:
    content = MILVUS_YAML.read_text()
    changed = content.replace("authorizationEnabled: false", f"authorizationEnabled: {said}")
    assert (changed != content) is (said == "true")
    (tmp_path / "milvus.yaml").write_text(changed)
    mount = "volumes: ['./milvus.yaml:/milvus/configs/milvus.yaml']"

    text = snippet(tmp_path, service("v2.3.5", mount), "python")

    assert ("MILVUS_TOKEN" in text) is (said == "true")


@pytest.mark.parametrize(
    ("lines", "address", "where"),
    [
        ([], "milvus:19530", {}),
        (["networks: [back]"], "milvus:19530", {"networks": ["back"]}),
        (["networks: {back: {aliases: [x]}}"], "milvus:19530", {"networks": ["back"]}),
        (
            ["environment: {PROXY_PORT: '19531'}", "ports: ['1953:19531']"],
            "milvus:19531",
            {},
        ),
        (["network_mode: host"], "localhost:19530", {"network_mode": "host"}),
        (
            ["network_mode: bridge", "ports: ['1953:19530']"],
            "host.docker.internal:1953",
            {"extra_hosts": ["host.docker.internal:host-gateway"]},
        ),
    ],
)
def test_attu_reaches_milvus_inside_the_project(
    tmp_path: Path, lines: list[str], address: str, where: dict[str, object]
) -> None:
    text = snippet(tmp_path, service("v2.4.0", *lines), "attu")

    attu = yaml.safe_load(text)["services"]["attu"]
    assert attu["environment"]["MILVUS_URL"] == address
    kinds = ("networks", "network_mode", "extra_hosts")
    assert {name: attu[name] for name in kinds if name in attu} == where


def test_a_named_client_connects_with_its_own_files(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(
        f"services:\n  milvus:\n{service('v2.4.0', PORTS)}"
    )
    enable(tmp_path, TlsConfig(mode=2), environment={})

    with pytest.raises(
        CertificateUnreadable, match=r"alice has no cert/clients/alice.pem"
    ) as raised:
        connect(tmp_path, client="alice", environment={})
    assert re.fullmatch(r"issue it: compose-tls (-C \S+ )?client alice", raised.value.hint)

    issued = client(tmp_path, ["alice"], environment={})
    found = connect(tmp_path, client="alice", environment={})

    assert "connect --client alice" in issued.next[0]
    assert found.connect["client_pem_path"] == str(tmp_path / "cert" / "clients" / "alice.pem")
    assert found.connect == issued.connect
    assert found.snippet is not None
    assert "/clients/alice.key" in found.snippet.text


@pytest.mark.parametrize(
    ("asked", "error"),
    [({"client": "../ca"}, NameInvalid), ({"client": "a", "service": "milvus"}, WrongUsage)],
)
def test_a_client_is_a_name_and_not_in_a_container(
    tmp_path: Path, asked: dict[str, str], error: type[ComposeTlsError]
) -> None:
    (tmp_path / "docker-compose.yml").write_text(f"services:\n  milvus:\n{service('v2.4.0')}")
    enable(tmp_path, TlsConfig(mode=2), environment={})

    with pytest.raises(error):
        connect(tmp_path, environment={}, client=asked["client"], service=asked.get("service"))

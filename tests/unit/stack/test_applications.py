"""Whether another service connects to Milvus, and how, by its environment."""

import pytest

from compose_tls.stack.applications import ClientConnection, connection

NAMES, PORTS = {"milvus", "milvus-standalone"}, {19530, 8080}


@pytest.mark.parametrize(
    ("variables", "variable", "port", "encryption"),
    [
        ({"MILVUS_URI": "http://milvus:19530"}, "MILVUS_URI", 19530, "plain"),
        ({"MILVUS_URI": "tcp://milvus-standalone:19530"}, "MILVUS_URI", 19530, "plain"),
        ({"X": "https://root:secret@milvus:8080/db"}, "X", 8080, "encrypted"),
        ({"MILVUS_URL": "milvus:19530"}, "MILVUS_URL", 19530, "unknown"),
        ({"MILVUS_HOST": "milvus", "MILVUS_PORT": "19530"}, "MILVUS_HOST", None, "unknown"),
        ({"MILVUS_HOST": "milvus", "MILVUS_SECURE": "true"}, "MILVUS_HOST", None, "encrypted"),
        ({"MILVUS_HOST": "milvus", "MILVUS_SECURE": "False"}, "MILVUS_HOST", None, "plain"),
        (
            {"MILVUS_ADDRESS": "milvus:19530", "MILVUS_SSL": "1"},
            "MILVUS_ADDRESS",
            19530,
            "encrypted",
        ),
        ({"MILVUS_URL": "milvus:19530", "ROOT_CERT_PATH": "/c"}, "MILVUS_URL", 19530, "encrypted"),
        ({"MILVUS_ADDRESS": "milvus", "MILVUS_TLS_MODE": "2"}, "MILVUS_ADDRESS", None, "encrypted"),
        ({"MILVUS_ADDRESS": "milvus", "MILVUS_TLS_MODE": "0"}, "MILVUS_ADDRESS", None, "plain"),
        ({"milvus_uri": "http://milvus:19530"}, "milvus_uri", 19530, "plain"),
    ],
)
def test_an_address_of_milvus_tells_how_a_service_speaks(
    variables: dict[str, str | None], variable: str, port: int | None, encryption: str
) -> None:
    found = connection(variables, NAMES, PORTS)
    assert found is not None
    assert (found.variable, found.port, found.encryption) == (variable, port, encryption)


@pytest.mark.parametrize(
    "variables",
    [
        {"VECTOR_STORE": "milvus"},
        {"MILVUS_VOLUME_NAME": "milvus"},
        {"SCRAPE": "http://milvus:9091/metrics"},
        {"MILVUS_URI": "http://elsewhere:19530"},
        {"MILVUS_HOST": None},
        {"MILVUS_URI": ""},
    ],
)
def test_other_values_are_no_address_of_milvus(variables: dict[str, str | None]) -> None:
    assert connection(variables, NAMES, PORTS) is None


def test_attu_speaks_plain_text_where_nothing_is_said() -> None:
    found = connection({"MILVUS_URL": "milvus:19530"}, NAMES, PORTS, image="zilliz/attu:v2.5")
    assert found == ClientConnection("MILVUS_URL", 19530, "plain")

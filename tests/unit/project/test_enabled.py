import pytest

from compose_tls.config import TlsConfig
from compose_tls.errors import NotEnabled
from compose_tls.project.enabled import locate
from tests.unit.builders import (
    COMPOSE_FILE,
    STANDALONE,
    enabled,
    milvus_yaml,
    observation,
    opened,
)

TEXT = STANDALONE + "    ports:\n    - 19540:19531\n"


@pytest.mark.parametrize(
    ("text", "milvus", "port", "uri"),
    [
        (TEXT, milvus_yaml(port=19531), 19531, "https://localhost:19540"),
        (
            TEXT + "    environment:\n      PROXY_PORT: 19531\n",
            None,
            19531,
            "https://localhost:19540",
        ),
        (TEXT, None, 19530, None),
    ],
)
def test_an_enabled_project_is_found_with_its_endpoint(
    text: str, milvus: str | None, port: int, uri: str | None
) -> None:
    files = {COMPOSE_FILE: text} | ({"milvus.yaml": milvus} if milvus else {})
    found = locate(opened(enabled(observation(files), mode=2)), TlsConfig())

    assert found.state.settings.mode == 2
    assert [one.name for one in found.milvus] == ["milvus"]
    assert found.proxies[0].port == port
    assert (found.endpoint and found.endpoint.uri) == uri


def test_the_service_that_was_enabled_is_the_one_that_is_found() -> None:
    two = TEXT + "  other:\n    image: milvusdb/milvus:v2.5.5\n"
    after = opened(enabled(observation(two), service=("other",)))
    named = TlsConfig(service=("milvus",))

    assert [one.name for one in locate(after, TlsConfig()).milvus] == ["other"]
    assert [one.name for one in locate(after, named).milvus] == ["milvus"]


def test_a_project_that_is_not_enabled_has_no_state() -> None:
    assert opened(observation(TEXT)).state is None
    with pytest.raises(NotEnabled) as caught:
        locate(opened(observation(TEXT)), TlsConfig(pki_dir="pki"))

    assert caught.value.path == "pki/state.json"

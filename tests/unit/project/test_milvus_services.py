import pytest

from compose_tls.errors import ServiceAmbiguous, ServiceNotFound, UnsupportedMilvus
from compose_tls.stack.milvus.milvus_version import NEWEST, MilvusVersion
from tests.unit.builders import chosen, milvus

CLUSTER = """\
services:
  etcd:
    image: quay.io/coreos/etcd:v3.5.5
  rootCoord:
    image: ${MILVUS_IMAGE}
    command: ["milvus", "run", "rootcoord"]
  proxy:
    image: ${MILVUS_IMAGE}
    command: ["milvus", "run", "proxy"]
"""

INIT = """\
services:
  init: {{image: milvusdb/milvus, command: cp /milvus/configs/milvus.yaml /x}}
  m: {{image: milvusdb/milvus, {}}}
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "services: {etcd: {image: etcd}, standalone: {image: 'milvusdb/milvus:v2.5.5'}}",
            "standalone",
        ),
        ("services: {db: {build: ., command: milvus run standalone}}", "db"),
        ("services: {db: {image: own, entrypoint: [milvus], command: [run, standalone]}}", "db"),
        ("services: {attu: {image: 'zilliz/attu'}, m: {image: 'x/milvus:v2.5.5'}}", "m"),
        (CLUSTER, "proxy"),
        (INIT.format(""), "m"),
        (INIT.format("command: milvus run standalone"), "m"),
        ("services: {m: {image: milvusdb/milvus, command: /own/start.sh}}", "m"),
        ("services: {m: {image: milvusdb/milvus, profiles: [milvus]}}", "m"),
        (
            "services: {gpu: {image: milvusdb/milvus, profiles: [gpu]}, cpu: {image: milvusdb/milvus}}",
            "cpu",
        ),
    ],
)
def test_the_service_that_clients_connect_to_is_found(text: str, name: str) -> None:
    assert milvus(text).name == name


@pytest.mark.parametrize(("profiles", "name"), [("gpu", "gpu"), ("a,cpu", "cpu")])
def test_profiles_decide_between_two(profiles: str, name: str) -> None:
    (found,) = chosen(
        "services: {gpu: {image: milvusdb/milvus, profiles: [gpu]},"
        " cpu: {image: milvusdb/milvus, profiles: [cpu]}}",
        variables={"COMPOSE_PROFILES": profiles},
    )

    assert found.name == name


@pytest.mark.parametrize("profiles", ["", "*", "gpu,cpu", "other"])
def test_several_candidates_have_to_be_told_apart_by_name(profiles: str) -> None:
    text = (
        "services:\n"
        "  gpu: {image: milvusdb/milvus, profiles: [gpu]}\n"
        "  cpu: {image: milvusdb/milvus, profiles: [cpu]}\n"
    )
    with pytest.raises(ServiceAmbiguous) as caught:
        chosen(text, variables={"COMPOSE_PROFILES": profiles})

    assert "gpu, cpu" in caught.value.message
    assert "--service gpu" in caught.value.hint
    assert (caught.value.path, caught.value.line) == ("docker-compose.yml", 3)
    assert [one.name for one in chosen(text, "cpu")] == ["cpu"]
    assert [one.name for one in chosen(text, "cpu", "gpu")] == ["cpu", "gpu"]


@pytest.mark.parametrize("nowhere", ["scale: 0", "deploy: {replicas: 0}", "profiles: [never]"])
def test_what_others_extend_and_never_runs_is_none(nowhere: str) -> None:
    text = (
        f"services:\n  base: {{image: milvusdb/milvus, {nowhere}}}\n"
        "  db: {image: milvusdb/milvus, ports: ['19530:19530']}\n"
    )
    assert [one.name for one in chosen(text)] == ["db"]
    with pytest.raises(ServiceAmbiguous) as caught:
        chosen(text.replace(nowhere, "restart: always"))
    assert "--service db" in caught.value.hint


def test_every_proxy_of_a_cluster_is_meant() -> None:
    text = CLUSTER.replace("proxy:", "proxy-1:") + (
        "  proxy-2:\n    image: ${MILVUS_IMAGE}\n    command: [milvus, run, proxy]\n"
    )

    assert [one.name for one in chosen(text)] == ["proxy-1", "proxy-2"]
    assert [one.name for one in chosen(text, "proxy-2")] == ["proxy-2"]


def test_a_named_service_need_not_look_like_milvus() -> None:
    found = milvus("services: {db: {image: example/own:v1}, m: {image: milvusdb/milvus}}", "db")

    assert found.name == "db"


@pytest.mark.parametrize(
    ("text", "wanted", "words"),
    [
        ("services: {etcd: {image: etcd}}", None, "no service of this project runs Milvus"),
        ("services: {a: {image: etcd}, b: {image: x}}", "c", "no service c"),
        (
            "services: {m: {image: milvusdb/milvus, command: milvus run querynode}}",
            None,
            "no proxy",
        ),
    ],
)
def test_without_a_candidate_the_next_step_is_told(
    text: str, wanted: str | None, words: str
) -> None:
    with pytest.raises(ServiceNotFound) as caught:
        milvus(text, wanted)

    assert words in caught.value.message
    assert caught.value.path == "docker-compose.yml"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("tag", "version"), [("v2.5.5", MilvusVersion(2, 5, 5)), ("v2.1.0", MilvusVersion(2, 1))]
)
def test_the_version_is_known_from_the_tag(tag: str, version: MilvusVersion) -> None:
    found = milvus(f"services: {{m: {{image: 'milvusdb/milvus:{tag}'}}}}")

    assert (found.version, found.warnings) == (version, ())


@pytest.mark.parametrize(
    "fields",
    [
        "image: milvusdb/milvus",
        "image: 'milvusdb/milvus:latest'",
        "build: ., command: milvus run proxy",
    ],
)
def test_an_unknown_version_counts_as_the_newest_and_that_is_said(fields: str) -> None:
    found = milvus(f"services: {{m: {{{fields}}}}}")

    assert found.version == NEWEST
    assert [warning.code for warning in found.warnings] == ["milvus-version-unknown"]


@pytest.mark.parametrize(
    "image", ["acme/vectordb:1.0", "acme/vectordb:2.3.5", "acme/my-milvus:1.4"]
)
def test_the_tag_of_an_image_of_ones_own_is_no_version_of_milvus(image: str) -> None:
    found = milvus(f"services: {{db: {{image: '{image}', command: milvus run standalone}}}}")
    assert found.version == NEWEST
    assert [warning.code for warning in found.warnings] == ["milvus-version-unknown"]


@pytest.mark.parametrize("tag", ["v2.0.2", "v1.1.1"])
def test_a_milvus_without_tls_is_refused_with_its_line(tag: str) -> None:
    with pytest.raises(UnsupportedMilvus) as caught:
        milvus(f"services:\n  m:\n    image: milvusdb/milvus:{tag}\n")

    assert (caught.value.path, caught.value.line) == ("docker-compose.yml", 3)


@pytest.mark.parametrize(
    ("image", "what"), [("quay.io/coreos/etcd:v3.5.5", "etcd"), ("minio/minio:RELEASE.1", "minio")]
)
def test_a_server_that_is_not_milvus_is_not_taken_for_one_by_its_name(
    image: str, what: str
) -> None:
    text = f"services: {{db: {{image: '{image}'}}, m: {{image: milvusdb/milvus}}}}"
    with pytest.raises(ServiceNotFound, match=f"service db runs {what}, not Milvus") as caught:
        chosen(text, "db")

    assert caught.value.hint == "--service m runs Milvus; the services are db, m"

import shlex

import pytest

from compose_tls.stack.images import repository_and_tag
from compose_tls.stack.milvus.role import (
    certainly_runs_milvus,
    ends_client_tls,
    is_coordinator,
    runs_milvus,
    version,
)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("milvusdb/milvus:v2.5.5", ("milvus", "v2.5.5")),
        ("milvusdb/milvus", ("milvus", "")),
        ("localhost:5000/milvus", ("milvus", "")),
        ("localhost:5000/milvusdb/Milvus:v2", ("milvus", "v2")),
        ("milvusdb/milvus:v2.5.5@sha256:abc", ("milvus", "v2.5.5")),
        ("milvusdb/milvus@sha256:abc", ("milvus", "")),
        ("", ("", "")),
    ],
)
def test_an_image_is_taken_apart(image: str, expected: tuple[str, str]) -> None:
    assert repository_and_tag(image) == expected


@pytest.mark.parametrize(
    "image",
    [
        "milvusdb/milvus:v2.3.3",
        "milvusdb/milvus:latest",
        "docker.io/milvusdb/milvus:v2.5.5-gpu",
        "m.daocloud.io/docker.io/milvusdb/milvus:v2.4.1",
        "registry.cn-hangzhou.aliyuncs.com/milvusdb/milvus:v2.3.0",
        "harbor.milvus.io/milvus/milvus:master-latest",
        "milvusdb/milvus-dev:master-20240101",
        "milvusdb/milvus-gpu:v2.2.9",
        "simfg/milvus-dev:x",
        # Compose refuses this one; who it is meant for is plain.
        "${MILVUS_IMAGE:milvusdb/milvus:v2.3.3}",
    ],
)
def test_the_image_tells_that_a_service_runs_milvus(image: str) -> None:
    assert runs_milvus(image, [])


@pytest.mark.parametrize(
    "image",
    [
        "zilliz/attu:v2.5",
        "milvusdb/milvus-backup:v0.5.0",
        "milvusdb/pulsar:v2.8.2",
        "milvusdb/milvus-lite",
        "milvus-admin:1",
        "milvus-cron",
        "example/milvus-connector:2",
        "milvusbootcamp/pic-search-webserver:2.1.0",
        "quay.io/coreos/etcd:v3.5.5",
        "minio/minio",
        "${MILVUS_IMAGE}",
        "",
        None,
    ],
)
def test_other_images_are_no_milvus(image: str | None) -> None:
    assert not runs_milvus(image, [])


STANDALONE = [
    "milvus run standalone",
    "/milvus/bin/milvus run standalone",
    "/tini -- milvus run standalone",
    "MILVUS RUN Standalone",
    "milvus run proxy",
    "milvus run embedded",
    "milvus run mixture -proxy=true -rootcoord=true",
    "milvus run mixture -rootcoord --proxy",
    "bash -c \"sed -i 's/a/b/' /milvus/configs/milvus.yaml && milvus run standalone\"",
    'sh -c "cd /milvus;milvus run standalone 1> /dev/null"',
    "bash -c '(milvus run standalone)'",
    "sh -c \"exec 'milvus' run standalone\"",
]
ROLES = [
    "milvus run rootcoord",
    "milvus run querynode",
    "milvus run mixcoord",
    "milvus run streamingnode",
    "milvus run mixture -rootcoord=true -querycoord=true",
    "milvus run mixture -rootcoord=true -proxy=false",
    "milvus run mixture -rootcoord; echo -proxy",
    "milvus run mixture -proxy-port=1",
]
OTHERS = [
    "",
    "etcd --data-dir /etcd",
    "milvus-backup server",
    "milvus --version",
    "python notmilvus run standalone",
    "sleep infinity",
]


@pytest.mark.parametrize("command", [*STANDALONE, *ROLES])
def test_the_command_tells_that_a_service_runs_milvus(command: str) -> None:
    assert runs_milvus("example/own", shlex.split(command))


@pytest.mark.parametrize("command", OTHERS)
def test_other_commands_are_no_milvus(command: str) -> None:
    assert not runs_milvus("example/own", shlex.split(command))


@pytest.mark.parametrize("command", [*STANDALONE, *ROLES])
def test_those_that_others_find_at_their_start_are_the_coordinators(command: str) -> None:
    expected = "coord" in command.lower() or "mixture" in command
    assert is_coordinator(command.split()) is expected


@pytest.mark.parametrize("command", [*STANDALONE, "", "sleep infinity", "/run.sh"])
def test_clients_connect_to_what_holds_a_proxy_or_does_not_tell(command: str) -> None:
    assert ends_client_tls(shlex.split(command))


@pytest.mark.parametrize("command", ROLES)
def test_clients_do_not_connect_to_the_other_roles(command: str) -> None:
    assert not ends_client_tls(shlex.split(command))


@pytest.mark.parametrize(
    ("command", "expected"),
    [("", True), ("milvus run proxy", True), ("cp /milvus/configs/milvus.yaml /x", False)],
)
def test_a_script_of_somebody_does_not_tell_what_it_runs(command: str, expected: bool) -> None:
    assert certainly_runs_milvus(shlex.split(command)) == expected


@pytest.mark.parametrize(
    ("image", "expected"),
    [("milvusdb/milvus:v2.5.5", "2.5.5"), ("milvusdb/milvus", None), ("", None), (None, None)],
)
def test_the_version_is_that_of_the_tag(image: str | None, expected: str | None) -> None:
    found = version(image)

    assert (str(found) if found else None) == expected

import pytest

from compose_tls.stack.milvus.comparison import setting_differences
from compose_tls.stack.milvus.data import data_directories
from compose_tls.yamlpatch.document import Document, parse


def document(text: str) -> Document:
    return parse(text.encode(), "milvus.yaml")


USED = document(
    "etcd: {rootPath: by-dev, endpoints: [a, b]}\n"
    "common: {security: {authorizationEnabled: true, tlsMode: 0}}\n"
    "minio: {secretAccessKey: hunter2, useSSL: }\n"
)


def test_what_differs_is_named_security_first_and_without_secrets() -> None:
    other = document(
        "etcd: {rootPath: other, endpoints: 'a,b'}\n"
        "common.security.authorizationEnabled: false\n"
        "minio: {secretAccessKey: changed}\n"
    )

    assert [str(each) for each in setting_differences(USED, other)] == [
        "common.security.authorizationEnabled (true, there false)",
        "etcd.rootPath (by-dev, there other)",
        "minio.secretAccessKey (another value)",
    ]


def test_tls_and_spelling_are_no_difference() -> None:
    other = document(
        "ETCD: {root_path: by-dev, endpoints: [a, b]}\n"
        "common: {security: {authorizationEnabled: true, tlsMode: 2}}\n"
        "tls: {serverPemPath: /x}\nproxy: {http: {enabled: false}}\n"
        "minio: {secretAccessKey: hunter2}\n"
    )

    assert setting_differences(USED, other) == ()


@pytest.mark.parametrize("defaults", [False, True])
def test_what_is_left_out_keeps_the_default(*, defaults: bool) -> None:
    found = setting_differences(USED, document("etcd: {rootPath: by-dev}\n"), defaults=defaults)

    assert bool(found) is not defaults


@pytest.mark.parametrize(
    ("told", "component", "expected"),
    [
        ({}, False, ("/var/lib/milvus",)),
        ({}, True, ()),
        ({"etcd.use.embed": "true"}, False, ("default.etcd", "/var/lib/milvus")),
        ({"etcd.use.embed": "true", "etcd.data.dir": "/e"}, False, ("/e", "/var/lib/milvus")),
        (
            {"common.storageType": "local", "localStorage.path": "/s", "rocksmq.path": "/q"},
            False,
            ("/var/lib/milvus", "/s", "/q"),
        ),
    ],
)
def test_the_directories_with_data(
    told: dict[str, str], component: bool, expected: tuple[str, ...]
) -> None:
    found = data_directories(lambda route: told.get(".".join(route)), component=component)

    assert found == expected

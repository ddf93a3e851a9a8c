import pytest

from compose_tls.errors import EditRefused, ValueInTheWay
from compose_tls.setup import Setting
from compose_tls.stack.milvus.milvus_version import NEWEST, MilvusVersion
from compose_tls.stack.milvus.settings import (
    canonical,
    in_variables,
    is_complete,
    put_settings,
    read_setting,
    sets,
    tls_settings,
)
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import Document, parse
from compose_tls.yamlpatch.patch import patch
from tests.unit.builders import ROLES, milvus_yaml

MODE = Setting(("common", "security", "tlsMode"), "2")


def document(text: str) -> Document:
    return parse(text.encode(), "milvus.yaml")


def test_the_settings_of_a_mode_without_rest() -> None:
    settings = tls_settings(TlsMode.MUTUAL, "/milvus/tls", None)

    assert {setting.name: setting.value for setting in settings} == {
        "tls.serverPemPath": "/milvus/tls/server.pem",
        "tls.serverKeyPath": "/milvus/tls/server.key",
        "tls.caPemPath": "/milvus/tls/ca.pem",
        "common.security.tlsMode": "2",
        "proxy.http.enabled": "false",
    }


def test_rest_gets_a_port_of_its_own() -> None:
    settings = {s.name: s.value for s in tls_settings(TlsMode.ONE_WAY, "/t", 8080)}

    assert settings["common.security.tlsMode"] == "1"
    assert settings["proxy.http.enabled"] == "true"
    assert settings["proxy.http.port"] == "8080"


def test_a_variable_is_the_keys_in_capitals() -> None:
    names = {setting.variable for setting in tls_settings(TlsMode.ONE_WAY, "/t", 8080)}

    assert names == {
        "TLS_SERVERPEMPATH",
        "TLS_SERVERKEYPATH",
        "TLS_CAPEMPATH",
        "COMMON_SECURITY_TLSMODE",
        "PROXY_HTTP_ENABLED",
        "PROXY_HTTP_PORT",
    }


@pytest.mark.parametrize(
    "key", ["common.security.tlsMode", "COMMON_SECURITY_TLSMODE", "common/security/tls_mode"]
)
def test_milvus_compares_keys_without_case_and_separators(key: str) -> None:
    assert canonical(key) == "commonsecuritytlsmode"


@pytest.mark.parametrize(
    "name",
    [
        "COMMON_SECURITY_TLSMODE",
        "common.security.tlsMode",
        "Common_Security_TLS_Mode",
        "commonsecuritytlsmode",
    ],
)
@pytest.mark.parametrize("version", [MilvusVersion(2, 2), NEWEST])
def test_a_variable_sets_a_setting_however_it_is_spelled(name: str, version: MilvusVersion) -> None:
    assert sets(name, MODE.name, version)


@pytest.mark.parametrize(
    "name", ["MILVUS_CONF_COMMON_SECURITY_TLSMODE", "milvus.conf.common.security.tlsmode"]
)
@pytest.mark.parametrize(
    ("version", "expected"), [(MilvusVersion(2, 5, 9), False), (MilvusVersion(2, 6), True)]
)
def test_the_prefix_counts_from_2_6_on(name: str, version: MilvusVersion, expected: bool) -> None:
    assert sets(name, MODE.name, version) == expected


@pytest.mark.parametrize("name", ["TLSMODE", "SECURITY_TLSMODE", "COMMON_SECURITY_TLSMODES", ""])
def test_other_variables_set_something_else(name: str) -> None:
    assert not sets(name, MODE.name, NEWEST)


@pytest.mark.parametrize(
    ("variables", "version", "expected"),
    [
        ({"PROXY_PORT": "1"}, NEWEST, "1"),
        ({"proxy.port": "1"}, NEWEST, "1"),
        ({"PROXY_PORT": "1", "MILVUS_CONF_PROXY_PORT": "2"}, NEWEST, "2"),
        ({"PROXY_PORT": "1", "MILVUS_CONF_PROXY_PORT": "2"}, MilvusVersion(2, 5), "1"),
        ({"PROXY_PORT": None}, NEWEST, None),
        ({"OTHER": "1"}, NEWEST, None),
    ],
)
def test_a_value_is_found_in_variables(
    variables: dict[str, str | None], version: MilvusVersion, expected: str | None
) -> None:
    assert in_variables(variables, ("proxy", "port"), version) == expected


def test_a_file_with_every_port_is_complete() -> None:
    assert is_complete(document(milvus_yaml()))


@pytest.mark.parametrize("role", ROLES)
def test_a_file_without_one_of_the_ports_is_partial(role: str) -> None:
    assert not is_complete(document(milvus_yaml().replace(f"{role}:\n  port", f"{role}:\n  ip")))
    assert not is_complete(document(milvus_yaml().replace(f"{role}:", "other:")))


@pytest.mark.parametrize("text", ["", "- a\n", "text\n", "<!DOCTYPE html>\n", "tls:\n"])
def test_other_texts_are_partial(text: str) -> None:
    assert not is_complete(document(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("common: {security: {tlsMode: 1}}", "1"),
        ("common: {security: {tls_mode: 1}}", "1"),
        ("Common: {Security: {TLSMODE: 1}}", "1"),
        ("common.security.tlsMode: 1", "1"),
        ("common: {security.tlsMode: 1}", "1"),
        ("common: {security: &s {tlsMode: 1}}", "1"),
        ("x: &m 1\ncommon: {security: {tlsMode: *m}}", "1"),
        ("common: {security: {tlsMode: }}", None),
        ("common: {security: {tlsMode: {}}}", None),
        ("common: {security: {}}", None),
        ("internal: {common: {security: {tlsMode: 1}}}", None),
        ("? [a]\n: 1\n", None),
        ("", None),
        ("- a", None),
    ],
)
def test_a_setting_is_read_however_it_is_spelled(text: str, expected: str | None) -> None:
    assert read_setting(document(text), MODE.route) == expected


def patched(text: str, *settings: Setting) -> str:
    intents = put_settings(document(text), settings or (MODE,))
    return patch(text.encode(), "milvus.yaml", intents).content.decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("common:\n  security:\n    tlsMode: 0\n", "common:\n  security:\n    tlsMode: 2\n"),
        (
            "common:\n  security:\n    tls_mode: 0 # c\n",
            "common:\n  security:\n    tls_mode: 2 # c\n",
        ),
        ("common.security.tlsMode: '0'\n", "common.security.tlsMode: '2'\n"),
        ("common:\n  security.tlsMode: 0\n", "common:\n  security.tlsMode: 2\n"),
        ("common:\n  security:\n    tlsMode:\n", "common:\n  security:\n    tlsMode: 2\n"),
        ("common:\n  security:\n    a: 1\n", "common:\n  security:\n    a: 1\n    tlsMode: 2\n"),
        ("COMMON:\n  a: 1\n", "COMMON:\n  a: 1\n  security:\n    tlsMode: 2\n"),
        ("common:\n", "common:\n  security:\n    tlsMode: 2\n"),
        ("a: 1\n", "a: 1\ncommon:\n  security:\n    tlsMode: 2\n"),
        ("? [a]\n: 1\n", "? [a]\n: 1\ncommon:\n  security:\n    tlsMode: 2\n"),
    ],
)
def test_a_setting_is_put_under_the_key_that_is_there(text: str, expected: str) -> None:
    assert patched(text) == expected


@pytest.mark.parametrize("value", ["2", "'2'", '"2"'])
def test_a_setting_that_is_as_wanted_is_left_alone(value: str) -> None:
    assert put_settings(document(f"common: {{security: {{tlsMode: {value}}}}}"), [MODE]) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("common:\n  security:\n    tlsMode: 0\n    tls_mode: 1\n", 4),
        ("common:\n  security:\n    tlsMode: 0\ncommon.security.tlsMode: 1\n", 4),
        ("common:\n  security.tlsMode: 0\n  security:\n    tlsmode: [1]\n", 4),
    ],
)
def test_two_spellings_of_one_setting_are_refused(text: str, line: int) -> None:
    with pytest.raises(EditRefused) as caught:
        put_settings(document(text), [MODE])

    assert "common.security.tlsMode" in caught.value.message
    assert (caught.value.path, caught.value.line) == ("milvus.yaml", line)


def test_the_same_keys_elsewhere_are_not_the_setting() -> None:
    text = "internaltls:\n  serverPemPath: a\ntls:\n  serverPemPath: b\n"
    setting = Setting(("tls", "serverPemPath"), "c")

    assert patched(text, setting) == text.replace("path: b", "path: c").replace(
        "Path: b", "Path: c"
    )


@pytest.mark.parametrize("text", ["common:\n  security:\n    tlsMode: {a: 1}\n", "common: 1\n"])
def test_another_kind_of_value_is_in_the_way(text: str) -> None:
    with pytest.raises(ValueInTheWay):
        patched(text)


@pytest.mark.parametrize("text", ["a: 1\n---\nb: 1\n", "- a\n", ""])
def test_what_is_no_single_mapping_is_refused(text: str) -> None:
    with pytest.raises(EditRefused):
        put_settings(document(text), [MODE])


def test_several_settings_land_in_one_section() -> None:
    text = patched("a: 1\n", *tls_settings(TlsMode.ONE_WAY, "/t", None))

    assert text == (
        "a: 1\n"
        "tls:\n  serverPemPath: /t/server.pem\n  serverKeyPath: /t/server.key\n  caPemPath: /t/ca.pem\n"
        "common:\n  security:\n    tlsMode: 1\n"
        "proxy:\n  http:\n    enabled: false\n"
    )

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from compose_tls.config import ENVIRONMENT_PREFIX, SETTINGS_FILE, TlsConfig, completed
from compose_tls.errors import ConflictingSettings, InvalidSetting, UnknownSetting
from compose_tls.observe.settings_file import given_settings
from compose_tls.vocabulary import KeyType, TlsMode


def settings(directory: Path, text: str) -> Path:
    (directory / SETTINGS_FILE).write_text(text)
    return directory


def load(directory: Path, flags: dict[str, Any], environment: dict[str, str]) -> TlsConfig:
    """The settings of a project that no enable has recorded any for."""
    return completed(given_settings(directory, flags, environment), None, enabling=True)


class TestLayers:
    def test_nothing_given_is_the_defaults(self, tmp_path: Path) -> None:
        assert load(tmp_path, {}, {}) == TlsConfig()

    def test_a_directory_that_does_not_exist_has_no_settings(self, tmp_path: Path) -> None:
        assert load(tmp_path / "missing", {}, {}) == TlsConfig()

    def test_a_file_in_the_place_of_the_directory_has_no_settings(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert load(tmp_path / "file", {}, {}) == TlsConfig()

    @pytest.mark.parametrize(
        ("file", "environment", "flags", "expected"),
        [
            ("", {}, {}, 825),
            ("days = 1", {}, {}, 1),
            ("days = 1", {"COMPOSE_TLS_DAYS": "2"}, {}, 2),
            ("days = 1", {"COMPOSE_TLS_DAYS": "2"}, {"days": 3}, 3),
            ("days = 1", {}, {"days": None}, 1),
        ],
    )
    def test_the_highest_layer_wins(
        self,
        tmp_path: Path,
        file: str,
        environment: dict[str, str],
        flags: dict[str, Any],
        expected: int,
    ) -> None:
        assert load(settings(tmp_path, file), flags, environment).days == expected

    def test_layers_add_up(self, tmp_path: Path) -> None:
        config = load(settings(tmp_path, "days = 1"), {"ca_days": 9}, {"COMPOSE_TLS_MODE": "2"})
        assert (config.days, config.mode, config.ca_days) == (1, 2, 9)
        assert config.tls_mode is TlsMode.MUTUAL

    def test_an_option_that_may_repeat_and_was_not_given_hides_nothing(
        self, tmp_path: Path
    ) -> None:
        assert load(settings(tmp_path, 'san = ["a"]'), {"san": ()}, {}).san == ("a",)

    def test_other_variables_are_none_of_ours(self, tmp_path: Path) -> None:
        assert load(tmp_path, {}, {"COMPOSE_FILE": "x", "PATH": "y", "COMPOSE_TLSX": "z"}) == (
            TlsConfig()
        )

    def test_every_setting_can_come_from_a_variable(self, tmp_path: Path) -> None:
        values = {
            "mode": "2",
            "key_type": "rsa-2048",
            "config": "env",
            "days": "5",
            "ca_days": "6",
            "rest_port": "8080",
            "timeout": "1.5",
            "san": "a.example, 10.0.0.1 ,",
            "file": "one.yml,two.yml",
            "container_tls_dir": "/tls",
        }
        for names in (
            {"server_cert", "server_key", "ca_cert", "token_file"},
            {"ca_key", "ca_cert"},
        ):
            given = values | dict.fromkeys(names, "x")
            plain = {"service", "server_name", "subject", "pki_dir", "tls_dir", "user"}
            given |= {name: f"the-{name}" for name in plain}
            variables = {f"{ENVIRONMENT_PREFIX}{k.upper()}": v for k, v in given.items()}
            config = load(tmp_path, {}, variables)
            assert config.san == ("a.example", "10.0.0.1")
            assert config.file == ("one.yml", "two.yml")
            assert (config.mode, config.timeout, config.rest_port) == (2, 1.5, 8080)
            assert {name for name in names if getattr(config, name) == "x"} == names
            assert config.model_fields_set == set(given)

    @pytest.mark.parametrize("spelled", ["server-name", "server_name"])
    def test_the_file_takes_dashes_and_underscores(self, tmp_path: Path, spelled: str) -> None:
        assert load(settings(tmp_path, f'{spelled} = "m.example"'), {}, {}).server_name == (
            "m.example"
        )

    def test_the_file_keeps_the_types_of_toml(self, tmp_path: Path) -> None:
        text = 'mode = 2\ntimeout = 1.5\nsan = ["a", "b"]\nsubject = ""\nrest-port = 8080\n'
        config = load(settings(tmp_path, text), {}, {})
        assert (config.mode, config.timeout, config.san) == (2, 1.5, ("a", "b"))
        assert (config.subject, config.rest_port) == ("", 8080)

    @pytest.mark.parametrize(
        ("text", "flags", "environment", "found"),
        [
            ("", {}, {}, ()),
            ("", {"service": ("a", "b")}, {}, ("a", "b")),
            ("", {}, {"COMPOSE_TLS_SERVICE": "a, b"}, ("a", "b")),
            ('service = ["a", "b"]', {}, {}, ("a", "b")),
            ('service = "a,b"', {}, {}, ("a,b",)),
            ('service = "a"', {"service": ()}, {}, ("a",)),
            ('service = "a"', {"service": ("c",)}, {"COMPOSE_TLS_SERVICE": "b"}, ("c",)),
        ],
    )
    def test_several_services_can_be_named_and_one_needs_no_list(
        self,
        tmp_path: Path,
        text: str,
        flags: dict[str, Any],
        environment: dict[str, str],
        found: tuple[str, ...],
    ) -> None:
        assert load(settings(tmp_path, text), flags, environment).service == found


class TestUnknownNames:
    @pytest.mark.parametrize(
        ("name", "nearest"),
        [("moed", "mode"), ("server-nam", "server-name"), ("keytype", "key-type")],
    )
    def test_a_key_of_the_file_is_named_with_the_nearest_known_one(
        self, tmp_path: Path, name: str, nearest: str
    ) -> None:
        with pytest.raises(UnknownSetting) as caught:
            load(settings(tmp_path, f'{name} = "hunter2"'), {}, {})
        assert caught.value.message == f"unknown setting {name} in compose-tls.toml"
        assert caught.value.hint == f"did you mean {nearest}?"
        assert caught.value.path == SETTINGS_FILE

    def test_a_variable_is_named_with_the_nearest_known_one(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownSetting) as caught:
            load(tmp_path, {}, {"COMPOSE_TLS_PASSWORD": "hunter2"})
        assert "COMPOSE_TLS_PASSWORD" in caught.value.message
        assert caught.value.hint == "did you mean COMPOSE_TLS_PASSWORD_FILE?"
        assert caught.value.path is None

    @pytest.mark.parametrize(
        ("name", "answer"),
        [
            ("COMPOSE_TLS_", "remove it"),
            ("COMPOSE_TLS_qqqqqq", "remove it"),
            ("COMPOSE_TLS_JSON", "remove it"),
            ("COMPOSE_TLS_CA-CERT", "did you mean COMPOSE_TLS_CA_CERT?"),
        ],
    )
    def test_a_name_is_suggested_only_when_it_is_near(
        self, tmp_path: Path, name: str, answer: str
    ) -> None:
        with pytest.raises(UnknownSetting, match=name.upper()) as caught:
            load(tmp_path, {}, {name: "x"})
        assert caught.value.hint.startswith(answer)

    def test_a_table_of_the_file_is_no_setting(self, tmp_path: Path) -> None:
        with pytest.raises(UnknownSetting, match="unknown setting enable"):
            load(settings(tmp_path, "[enable]\nmode = 2\n"), {}, {})


class TestInvalidValues:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("mode = 3", "must be 1 or 2"),
            ("mode = 0", "must be 1 or 2"),
            ("mode = true", "must not be true or false"),
            ('mode = "2"', "must be 1 or 2"),
            ("days = 0", "must be 1 or more"),
            ("days = 36501", "must be 36500 or less"),
            ("days = 1.5", "must be a whole number"),
            ("days = true", "must not be true or false"),
            ("ca-days = 2020-01-01", "must be a whole number"),
            ('key-type = "rsa"', "'ecdsa-p256'"),
            ("rest-port = 65536", "must be 65535 or less"),
            ("timeout = 0", "must be more than 0"),
            ("timeout = inf", "finite"),
            ("timeout = nan", "finite"),
            ('san = "a,b"', "must be a list"),
            ('service = ""', "must not be empty"),
            ("san = [1]", "must be a string"),
            ('san = [""]', "must not be empty"),
            ("service = 1", "must be a string"),
            ('ca-cert = "a\\u0000b"', "without control characters"),
            ('server-name = "a\\nb"', "without control characters"),
            ('pki-dir = "."', "a directory of its own"),
            ('pki-dir = "/"', "a directory of its own"),
            ('tls-dir = "tls/.."', "a directory of its own"),
            ('tls-dir = "../.."', "a directory of its own"),
            ('container-tls-dir = "tls"', "absolute path"),
            ('container-tls-dir = "/a:b"', "without a colon"),
            ('container-tls-dir = "/${A}"', "without a colon or a dollar sign"),
            ('container-tls-dir = "/a/.."', "absolute path"),
            ('config = "both"', "'auto', 'file' or 'env'"),
        ],
    )
    def test_a_value_of_the_file_is_refused_with_its_place_and_reason(
        self, tmp_path: Path, text: str, reason: str
    ) -> None:
        name = text.split(" ", maxsplit=1)[0]
        with pytest.raises(InvalidSetting) as caught:
            load(settings(tmp_path, text), {}, {})
        assert caught.value.message.startswith(f"{name} in compose-tls.toml")
        assert reason in caught.value.message
        assert "input should" not in caught.value.message
        assert caught.value.path == SETTINGS_FILE
        assert name in caught.value.hint

    def test_a_variable_is_named_as_it_is_spelled(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidSetting) as caught:
            load(tmp_path, {}, {"COMPOSE_TLS_REST_PORT": "web"})
        told = "COMPOSE_TLS_REST_PORT must be a whole number"
        assert caught.value.message == told
        assert caught.value.path is None

    @pytest.mark.parametrize(
        ("given", "told"),
        [("0", "must be 1 or more; you gave 0"), ("1.5", "must be a whole number; you gave 1.5")],
    )
    def test_a_number_is_shown_as_it_was_given(self, tmp_path: Path, given: str, told: str) -> None:
        with pytest.raises(InvalidSetting, match=f"^COMPOSE_TLS_DAYS {told}$"):
            load(tmp_path, {}, {"COMPOSE_TLS_DAYS": given})

    def test_in_python_a_number_in_quotes_is_shown_with_them(self) -> None:
        with pytest.raises(InvalidSetting, match=r'1 or 2; you gave "2", with quotes$'):
            TlsConfig.model_validate({"mode": "2"})

    def test_an_option_is_named_as_it_is_spelled(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidSetting, match=r"^--ca-days must be 1 or more; you gave 0$"):
            load(settings(tmp_path, "ca-days = 1"), {"ca_days": 0}, {})

    def test_a_name_that_is_not_utf_8_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidSetting, match="UTF-8"):
            load(tmp_path, {}, {"COMPOSE_TLS_CA_CERT": "ca\udcff.pem"})

    def test_an_argument_that_is_no_setting_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidSetting, match="colour"):
            load(tmp_path, {"colour": "red"}, {})

    @pytest.mark.parametrize("key_type", get_args(KeyType))
    def test_every_key_type_is_a_setting(self, tmp_path: Path, key_type: str) -> None:
        assert load(tmp_path, {"key_type": key_type}, {}).key_type == key_type

    @pytest.mark.parametrize(
        ("given", "stored"),
        [("cert/", "cert"), ("./cert", "cert"), ("a/b/../c", "a/c"), ("../pki", "../pki")],
    )
    def test_directories_are_kept_in_one_spelling(
        self, tmp_path: Path, given: str, stored: str
    ) -> None:
        assert load(tmp_path, {"pki_dir": given}, {}).pki_dir == stored

    @pytest.mark.parametrize(
        ("given", "stored"), [("/tls/", "/tls"), ("//milvus//tls", "/milvus/tls")]
    )
    def test_the_place_in_the_container_is_kept_in_one_spelling(
        self, tmp_path: Path, given: str, stored: str
    ) -> None:
        assert load(tmp_path, {"container_tls_dir": given}, {}).container_tls_dir == stored


class TestTheFile:
    def test_broken_toml_is_refused_with_its_line(self, tmp_path: Path) -> None:
        with pytest.raises(InvalidSetting) as caught:
            load(settings(tmp_path, "mode = 2\ndays = = 1\n"), {}, {})
        assert (caught.value.path, caught.value.line) == (SETTINGS_FILE, 2)

    def test_text_in_another_encoding_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / SETTINGS_FILE).write_bytes(b'subject = "O=M\xfcller"')
        with pytest.raises(InvalidSetting, match="not valid TOML") as caught:
            load(tmp_path, {}, {})
        assert caught.value.line is None

    def test_a_directory_in_its_place_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / SETTINGS_FILE).mkdir()
        with pytest.raises(InvalidSetting, match="cannot be read: Is a directory"):
            load(tmp_path, {}, {})


class TestConflicts:
    @pytest.mark.parametrize(
        ("names", "reason"),
        [
            ("server-cert ca-cert", "--server-cert and --server-key go together"),
            ("server-key", "--server-cert and --server-key go together"),
            (
                "server-cert server-key ca-cert client-key",
                "--client-cert and --client-key go together",
            ),
            ("ca-key", "--ca-key needs --ca-cert"),
            ("ca-cert", "--ca-cert needs --ca-key"),
            ("server-cert server-key", "--server-cert needs --ca-cert"),
            ("server-cert server-key ca-cert ca-key", "exclude each other"),
            ("ca-cert ca-key client-cert client-key", "--client-cert needs --server-cert"),
            ("password-file token-file", "exclude each other"),
            ("ca-passphrase-file", "--ca-passphrase-file needs --ca-cert"),
            (
                "ca-cert ca-key server-passphrase-file",
                "--server-passphrase-file needs --server-cert",
            ),
            (
                "ca-cert server-cert server-key client-passphrase-file",
                "--client-passphrase-file needs --client-cert",
            ),
        ],
    )
    def test_settings_that_do_not_go_together_are_refused(
        self, tmp_path: Path, names: str, reason: str
    ) -> None:
        flags = {name.replace("-", "_"): "x" for name in names.split()}
        with pytest.raises(ConflictingSettings) as caught:
            load(tmp_path, flags, {})
        assert reason in caught.value.message
        assert "_" not in caught.value.message

    @pytest.mark.parametrize(
        "names",
        [
            "ca-cert ca-key",
            "ca-cert server-cert server-key",
            "ca-cert server-cert server-key client-cert client-key",
            "password-file user",
            "token-file",
        ],
    )
    def test_settings_that_go_together_are_taken(self, tmp_path: Path, names: str) -> None:
        flags = {name.replace("-", "_"): "x" for name in names.split()}
        assert load(tmp_path, flags, {}).model_fields_set == set(flags)

    @pytest.mark.parametrize("bundle", ["a.p12", "a.PFX"])
    def test_a_bundle_holds_the_key_as_well(self, tmp_path: Path, bundle: str) -> None:
        assert load(tmp_path, {"ca_cert": bundle}, {}).ca_key == bundle
        config = load(tmp_path, {"ca_cert": bundle, "server_cert": bundle}, {})
        assert (config.ca_key, config.server_key, config.client_key) == (None, bundle, None)
        named = load(tmp_path, {"ca_cert": bundle, "ca_key": "b.key"}, {})
        assert named.ca_key == "b.key"

    def test_requests_are_of_keys_that_are_made_here(self, tmp_path: Path) -> None:
        flags = {"csr": True, "ca_cert": "ca.pem", "server_cert": "a.pem", "server_key": "a.key"}
        with pytest.raises(ConflictingSettings, match="--csr is for certificates issued here"):
            load(tmp_path, flags, {})

    def test_a_kind_of_key_that_no_client_takes_is_refused_with_the_reason(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(InvalidSetting, match="ed25519 is not offered: gRPC"):
            load(tmp_path, {"key_type": "ed25519"}, {})

    @pytest.mark.parametrize(
        ("pki", "tls"), [("tls", "tls"), ("./tls/", "tls"), ("tls/pki", "tls"), ("/a/b", "/a")]
    )
    def test_keys_never_lie_in_what_the_container_mounts(
        self, tmp_path: Path, pki: str, tls: str
    ) -> None:
        with pytest.raises(ConflictingSettings, match="which the container mounts"):
            load(tmp_path, {"pki_dir": pki, "tls_dir": tls}, {})

    def test_the_mounted_directory_may_lie_beside_or_in_the_other(self, tmp_path: Path) -> None:
        assert load(tmp_path, {"pki_dir": "pki", "tls_dir": "pki/tls"}, {}).tls_dir == "pki/tls"
        assert load(tmp_path, {"pki_dir": "tls2", "tls_dir": "tls"}, {}).pki_dir == "tls2"


class TestSecrets:
    @pytest.mark.parametrize(
        ("file", "environment", "flags"),
        [
            ('password = "hunter2"', {}, {}),
            ("mode = 'hunter2'", {}, {}),
            ("password = hunter2", {}, {}),
            ("days = 'hunter2'", {}, {}),
            ("san = [['hunter2']]", {}, {}),
            ("", {"COMPOSE_TLS_TOKEN": "hunter2"}, {}),
            ("", {"COMPOSE_TLS_MODE": "hunter2"}, {}),
            ("", {}, {"key_type": "hunter2"}),
            ("", {}, {"token_file": "hunter2", "password_file": "hunter2"}),
        ],
    )
    def test_no_value_enters_an_error(
        self, tmp_path: Path, file: str, environment: dict[str, str], flags: dict[str, Any]
    ) -> None:
        with pytest.raises((UnknownSetting, InvalidSetting, ConflictingSettings)) as caught:
            load(settings(tmp_path, file), flags, environment)
        shown = f"{caught.value!r} {caught.value.message} {caught.value.hint}"
        assert "hunter2" not in shown
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ is (not isinstance(caught.value, UnknownSetting))


def test_settings_are_a_value() -> None:
    config = TlsConfig()
    with pytest.raises(ValidationError):
        config.mode = 2  # type: ignore[misc] # that it is refused is what is tested
    assert hash(config) == hash(TlsConfig())


def test_a_file_of_the_project_cannot_accept_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting) as caught:
        load(settings(tmp_path, 'accept = ["differs"]'), {}, {})

    assert "--accept" in caught.value.hint
    assert load(tmp_path / "none", {"accept": ("differs",)}, {}).accept == ("differs",)


class TestTheRecord:
    """What is not given stays as the last enable recorded it."""

    def test_it_lies_below_all_that_is_given(self) -> None:
        recorded = TlsConfig(mode=2, days=90, san=("a.example",))

        found = completed(TlsConfig(days=1), recorded, enabling=True)

        assert (found.mode, found.days, found.san) == (2, 1, ("a.example",))
        assert found.model_fields_set == {"days"}

    def test_a_default_that_is_given_is_given(self) -> None:
        assert completed(TlsConfig(mode=1), TlsConfig(mode=2), enabling=True).mode == 1

    def test_without_one_everything_is_as_given(self) -> None:
        assert completed(TlsConfig(mode=2), None, enabling=True) == TlsConfig(mode=2)

    @pytest.mark.parametrize("name", ["mode", "server_name", "tls_dir", "rest_port"])
    def test_only_enable_changes_what_is_in_place(self, name: str) -> None:
        values = {"mode": 2, "server_name": "db.example", "tls_dir": "other", "rest_port": 8080}
        recorded = TlsConfig.model_validate({name: values[name]})
        given = TlsConfig(mode=1, server_name="localhost", tls_dir="tls", rest_port=9000)

        assert getattr(completed(given, recorded, enabling=False), name) == values[name]
        assert getattr(completed(given, recorded, enabling=True), name) == getattr(given, name)

    def test_a_ca_to_issue_under_ends_what_was_brought(self) -> None:
        brought = TlsConfig(
            ca_cert="r.pem", server_cert="s.pem", server_key="s.key", client_cert="c.p12"
        )
        found = completed(TlsConfig(ca_cert="ca.pem", ca_key="ca.key"), brought, enabling=True)
        assert (found.server_cert, found.client_cert, found.client_key) == (None, None, None)
        other = TlsConfig(server_cert="n.pem", server_key="n.key", ca_cert="r.pem")
        assert completed(other, brought, enabling=True).client_cert == "c.p12"

    def test_what_is_brought_ends_a_ca_to_issue_under(self) -> None:
        under = TlsConfig(ca_cert="ca.pem", ca_key="ca.key", constrain=False)
        given = {"server_cert": "s.pem", "server_key": "s.key", "ca_cert": "r.pem"}
        assert completed(TlsConfig.model_validate(given), under, enabling=True).ca_key is None

    def test_what_contradicts_it_is_refused(self) -> None:
        brought = TlsConfig(ca_cert="r.pem", server_cert="s.pem", server_key="s.key")
        with pytest.raises(ConflictingSettings, match="--csr is for certificates issued here"):
            completed(TlsConfig(csr=True), brought, enabling=True)


@pytest.mark.parametrize("name", sorted(TlsConfig.model_fields))
@pytest.mark.parametrize("value", [object(), "\0", {"a": 1}, [[]], -1.5, True, float("nan")])
def test_a_wrong_value_in_a_program_is_an_error_in_our_words(name: str, value: object) -> None:
    if value is True and name in {"constrain", "csr"}:
        assert getattr(TlsConfig.model_validate({name: value}), name) is True
        return
    with pytest.raises((InvalidSetting, ConflictingSettings)) as caught:
        TlsConfig.model_validate({name: value})
    said = f"{caught.value.message} {caught.value.hint}"
    assert name.replace("_", "-") in said
    assert not re.search(r"(?i)input|pydantic|valid (?:string|tuple|integer)", said), said
    assert caught.value.exit_code == 2


def test_a_setting_that_there_is_not_is_an_error_in_our_words() -> None:
    with pytest.raises(InvalidSetting, match=r"^moed: there is no such setting$"):
        TlsConfig(moed=2)  # type: ignore[call-arg] # that it is refused is what is tested


def test_every_setting_is_described() -> None:
    for name, field in TlsConfig.model_fields.items():
        assert field.description, name

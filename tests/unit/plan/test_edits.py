"""What enable writes into the user's files."""

import pytest

from compose_tls.errors import (
    ComposeTlsError,
    ConflictingSettings,
    EditRefused,
    UnsupportedMilvus,
    ValueInTheWay,
)
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    added,
    applied,
    enable,
    milvus_yaml,
    observation,
    removed,
    text_of,
)

ALL_VARIABLES = {
    "TLS_SERVERPEMPATH: /milvus/tls/server.pem",
    "TLS_SERVERKEYPATH: /milvus/tls/server.key",
    "TLS_CAPEMPATH: /milvus/tls/ca.pem",
    'COMMON_SECURITY_TLSMODE: "2"',
    'PROXY_HTTP_ENABLED: "false"',
}
MODE = "COMMON_SECURITY_TLSMODE"


def compose(fields: str = "", tag: str = "v2.6.9") -> str:
    lines = "".join(f"    {line}\n" for line in fields.splitlines())
    return f"services:\n  milvus:\n    image: milvusdb/milvus:{tag}\n{lines}"


def test_mounts_and_variables_are_added() -> None:
    planned = enable(observation(compose()), mode=2)

    assert set(added(planned)) == ALL_VARIABLES | {
        "environment:",
        "volumes:",
        "- ./tls:/milvus/tls",
    }
    assert removed(planned) == []


def test_the_directories_and_the_mode_can_be_chosen() -> None:
    planned = enable(
        observation(compose()), mode=1, tls_dir="secrets/tls", container_tls_dir="/certs"
    )

    assert "- ./secrets/tls:/certs" in added(planned)
    assert "TLS_CAPEMPATH: /certs/ca.pem" in added(planned)
    assert f'{MODE}: "1"' in added(planned)


@pytest.mark.parametrize(
    ("tls_dir", "entry"),
    [
        ("../tls", "- ../tls:/milvus/tls"),
        ("/etc/tls", "- /etc/tls:/milvus/tls"),
        ("/project/x", "- ./x:/milvus/tls"),
    ],
)
def test_a_directory_outside_is_mounted_as_it_was_named(tls_dir: str, entry: str) -> None:
    assert entry in added(enable(observation(compose()), tls_dir=tls_dir))


class TestVariables:
    @pytest.mark.parametrize(
        ("entry", "old", "new"),
        [
            (f"environment:\n  {MODE}: 0", f"{MODE}: 0", f'{MODE}: "2"'),
            (f"environment:\n  {MODE}: '0'", f"{MODE}: '0'", f"{MODE}: '2'"),
            (f"environment:\n  {MODE}: ${{X:-0}}", f"{MODE}: ${{X:-0}}", f'{MODE}: "2"'),
            (f"environment:\n  {MODE}:", f"{MODE}:", f'{MODE}: "2"'),
            (
                "environment:\n  common.security.tlsMode: 1",
                "common.security.tlsMode: 1",
                'common.security.tlsMode: "2"',
            ),
            (
                f"environment:\n  MILVUS_CONF_{MODE}: 1",
                f"MILVUS_CONF_{MODE}: 1",
                f'MILVUS_CONF_{MODE}: "2"',
            ),
            (f"environment:\n- {MODE}=0", f"- {MODE}=0", f"- {MODE}=2"),
            (f"environment:\n- '{MODE}=0'", f"- '{MODE}=0'", f"- '{MODE}=2'"),
            (f"environment:\n- {MODE}", f"- {MODE}", f"- {MODE}=2"),
            (
                "environment:\n- common.security.tlsMode=1",
                "- common.security.tlsMode=1",
                "- common.security.tlsMode=2",
            ),
        ],
    )
    @pytest.mark.parametrize("files", [{}, {"milvus.yaml": milvus_yaml()}])
    def test_one_that_is_set_is_changed_where_it_stands(
        self, entry: str, old: str, new: str, files: dict[str, str]
    ) -> None:
        planned = enable(observation({COMPOSE_FILE: compose(entry), **files}), mode=2)

        assert old in removed(planned)
        assert new in added(planned)
        assert sum("mode" in line.lower() for line in added(planned)) == 1

    @pytest.mark.parametrize(
        "entry",
        [
            f"environment:\n  {MODE}: 2",
            f"environment:\n  {MODE}: '2'",
            f"environment:\n  {MODE}: ${{X:-2}}",
            f"environment:\n- {MODE}=2",
            "environment:\n  common.security.tlsMode: 2",
            "env_file: m.env",
        ],
    )
    def test_one_that_says_the_same_stays_as_it_is(self, entry: str) -> None:
        files = {COMPOSE_FILE: compose(entry), "m.env": f"{MODE}=2\n"}
        planned = enable(observation(files), mode=2)

        assert removed(planned) == []
        assert not any("mode" in line.lower() for line in added(planned))

    def test_the_prefix_means_nothing_to_an_older_milvus(self) -> None:
        text = compose(f"environment:\n  MILVUS_CONF_{MODE}: 1", tag="v2.5.5")
        planned = enable(observation(text), mode=2)

        assert removed(planned) == []
        assert f'{MODE}: "2"' in added(planned)

    @pytest.mark.parametrize("name", [MODE, "common.security.tlsMode", f"MILVUS_CONF_{MODE}"])
    @pytest.mark.parametrize("files", [{}, {"milvus.yaml": milvus_yaml()}])
    def test_one_of_an_env_file_is_beaten_in_the_environment(
        self, name: str, files: dict[str, str]
    ) -> None:
        text = compose("env_file:\n- a.env\n- m.env")
        seen = observation({COMPOSE_FILE: text, "m.env": f"X=1\n{name}=0\n", **files})

        assert f'{name}: "2"' in added(enable(seen, mode=2))

    def test_what_is_set_twice_is_changed_once(self) -> None:
        text = compose(f"environment:\n- {MODE}=0\n- {MODE}=1\n- {MODE}=0")
        planned = enable(observation(text), mode=2)

        assert added(planned).count(f"- {MODE}=2") == 1

    def test_only_the_file_that_has_the_last_word_is_changed(self) -> None:
        files = {
            COMPOSE_FILE: compose(f"environment:\n  {MODE}: 0"),
            "b.yml": f"services:\n  milvus:\n    environment:\n      {MODE}: 1\n",
        }
        seen = observation(files, compose_files=(COMPOSE_FILE, "b.yml"))
        planned = enable(seen, mode=2)

        assert added(planned, "b.yml") == [f'{MODE}: "2"']
        assert removed(planned) == []

    def test_one_of_an_extended_service_is_beaten_not_changed(self) -> None:
        files = {
            COMPOSE_FILE: "services:\n  milvus:\n    extends: {file: base.yml, service: m}\n",
            "base.yml": f"services:\n  m:\n    image: milvusdb/milvus\n    environment: [{MODE}=0]\n",
        }
        planned = enable(observation(files), mode=2)

        assert f'{MODE}: "2"' in added(planned)
        assert added(planned, "base.yml") == []

    def test_one_that_a_merge_key_brings_in_is_beaten_beside_it(self) -> None:
        text = f"x-e: &e\n  {MODE}: 0\n" + compose("environment:\n  <<: *e\n  A: 1")
        planned = enable(observation(text), mode=2)

        assert f'{MODE}: "2"' in added(planned)
        assert removed(planned) == []

    def test_a_later_override_gets_what_it_would_drop(self) -> None:
        files = {
            COMPOSE_FILE: compose(),
            "b.yml": "services:\n  milvus:\n    environment: !override\n      A: 1\n",
        }
        seen = observation(files, compose_files=(COMPOSE_FILE, "b.yml"))
        planned = enable(seen, mode=2)

        assert set(added(planned, "b.yml")) == ALL_VARIABLES
        assert set(added(planned)) == {"volumes:", "- ./tls:/milvus/tls"}


class TestFile:
    def test_settings_go_into_it_and_a_mount_is_added(self) -> None:
        text = milvus_yaml("tls:\n  serverPemPath: a # c\ncommon:\n  security:\n    tlsMode: 0\n")
        planned = enable(observation({COMPOSE_FILE: compose(), "milvus.yaml": text}), mode=1)

        assert added(planned) == [
            "volumes:",
            "- ./tls:/milvus/tls",
            "- ./milvus.yaml:/milvus/configs/milvus.yaml",
        ]
        assert removed(planned, "milvus.yaml") == ["serverPemPath: a # c", "tlsMode: 0"]
        assert set(added(planned, "milvus.yaml")) >= {
            "serverPemPath: /milvus/tls/server.pem # c",
            "tlsMode: 1",
        }

    @pytest.mark.parametrize(
        ("command", "mounted"),
        [
            ("[milvus, run, standalone]", ":ro"),
            ('bash -c "sed -i s/a/b/ x && milvus run standalone"', ""),
        ],
    )
    def test_it_stays_writable_for_a_command_that_rewrites_it(
        self, command: str, mounted: str
    ) -> None:
        text = compose(f"command: {command}\nvolumes:\n- ./u.yaml:/milvus/configs/u.yaml:ro")
        planned = enable(observation({COMPOSE_FILE: text, "milvus.yaml": milvus_yaml()}))

        assert added(planned) == [
            "- ./tls:/milvus/tls:ro",
            f"- ./milvus.yaml:/milvus/configs/milvus.yaml{mounted}",
        ]

    def test_a_later_file_is_changed_where_it_has_another_say(self) -> None:
        files = {
            COMPOSE_FILE: compose("volumes:\n- ./conf:/milvus/configs"),
            "conf/milvus.yaml": milvus_yaml(),
            "conf/default.yaml": "tls: {caPemPath: x}\nproxy: {http: {}}\n",
            "conf/user.yaml": "common: {security: {tlsMode: 0}}\n",
        }
        seen = observation(files)
        planned = enable(seen, mode=2)
        after = applied(seen, planned.plan.changes)

        assert text_of(after, "conf/default.yaml") == (
            "tls: {caPemPath: /milvus/tls/ca.pem}\nproxy: {http: {}}\n"
        )
        assert text_of(after, "conf/user.yaml") == "common: {security: {tlsMode: 2}}\n"
        assert added(planned) == ["- ./tls:/milvus/tls"]

    def test_a_later_file_that_says_nothing_of_it_is_left_alone(self) -> None:
        files = {
            COMPOSE_FILE: compose("volumes:\n- ./u.yaml:/milvus/configs/user.yaml"),
            "milvus.yaml": milvus_yaml(),
            "u.yaml": "a: 1\n---\nb: 2\n",
        }
        planned = enable(observation(files))

        assert added(planned, "u.yaml") == []
        assert "tlsMode: 1" in added(planned, "milvus.yaml")

    def test_what_the_environment_needs_no_file_for_is_left_alone(self) -> None:
        files = {
            COMPOSE_FILE: compose("volumes:\n- ./u.yaml:/milvus/configs/user.yaml"),
            "u.yaml": "common: {security: {tlsMode: 0}}\n",
        }
        planned = enable(observation(files))

        assert added(planned, "u.yaml") == []
        assert f'{MODE}: "1"' in added(planned)


class TestMounts:
    @pytest.mark.parametrize(
        "entry", ["./tls:/milvus/tls", "./tls/:/milvus/tls/:ro", "/project/tls:/milvus/tls"]
    )
    def test_one_that_is_there_is_not_added_again(self, entry: str) -> None:
        planned = enable(observation(compose(f"volumes:\n- {entry}")))

        assert not any(
            "/milvus/tls:" in line or line.endswith("/milvus/tls") for line in added(planned)
        )

    @pytest.mark.parametrize(
        ("entry", "words"),
        [
            ("- ./other:/milvus/tls", "./other at /milvus/tls"),
            ("- vol:/milvus/tls:ro", "vol at /milvus/tls"),
            ("- /milvus/tls", "a volume at /milvus/tls"),
            ("- ./x.pem:/milvus/tls/ca.pem", "./x.pem at /milvus/tls/ca.pem"),
            ("- type: tmpfs\n  target: /milvus/tls", "a volume at /milvus/tls"),
        ],
    )
    def test_another_one_in_the_way_is_named_with_its_line(self, entry: str, words: str) -> None:
        with pytest.raises(ValueInTheWay) as caught:
            enable(observation(compose(f"volumes:\n- a:/a\n{entry}")))

        assert words in caught.value.message
        assert (caught.value.path, caught.value.line) == (COMPOSE_FILE, 6)
        assert "--container-tls-dir" in caught.value.hint

    @pytest.mark.parametrize("kind", ["configs", "secrets"])
    def test_so_is_a_config_and_a_secret(self, kind: str) -> None:
        with pytest.raises(ValueInTheWay):
            enable(observation(compose(f"{kind}:\n- source: c\n  target: /milvus/tls/ca.pem")))

    @pytest.mark.parametrize("target", ["/milvus", "/milvus/configs"])
    def test_one_that_would_hide_the_configuration_is_refused(self, target: str) -> None:
        with pytest.raises(ConflictingSettings) as caught:
            enable(observation(compose()), container_tls_dir=target)

        assert "/milvus/configs/milvus.yaml" in caught.value.message


class TestRest:
    PORTS = "ports:\n- 19530:19530"

    def test_it_is_switched_off_unless_it_is_asked_for(self) -> None:
        assert 'PROXY_HTTP_ENABLED: "false"' in added(enable(observation(compose())))

    @pytest.mark.parametrize(
        ("ports", "entry"),
        [
            (PORTS, "- 8080:8080"),
            ("ports:\n- '19530:19530'", "- '8080:8080'"),
            ("ports:\n- 127.0.0.1:19530:19530", "- 127.0.0.1:8080:8080"),
            ("ports:\n- '[::1]:19530:19530'", "- '[::1]:8080:8080'"),
            ("ports:\n- '19530'", "- '8080'"),
            ("ports:\n- '127.0.0.1::19530'", "- '127.0.0.1::8080'"),
        ],
    )
    def test_its_port_is_published_where_that_of_grpc_is(self, ports: str, entry: str) -> None:
        planned = enable(observation(compose(ports)), rest_port=8080)
        lines = [line.replace('"', "") if '"' not in entry else line for line in added(planned)]

        assert entry in lines
        assert {"PROXY_HTTP_ENABLED: true", "PROXY_HTTP_PORT: 8080"} <= {
            line.replace('"', "") for line in added(planned)
        }

    def test_it_is_published_at_every_address_that_grpc_has(self) -> None:
        ports = "ports:\n- 127.0.0.1:19530:19530\n- 192.0.2.1:19530:19530"
        planned = enable(observation(compose(ports)), rest_port=8080)

        assert {"- 127.0.0.1:8080:8080", "- 192.0.2.1:8080:8080"} <= set(added(planned))

    def test_where_grpc_is_not_published_it_is_not_either(self) -> None:
        assert not any(
            "8080:" in line for line in added(enable(observation(compose()), rest_port=8080))
        )

    def test_one_with_a_port_of_its_own_stays_there(self) -> None:
        text = compose("environment: {PROXY_HTTP_PORT: '8080'}\nports: ['19530:19530']")
        planned = enable(observation(text))

        assert "PROXY_HTTP_ENABLED: 'true'" in " ".join(added(planned))
        assert not any("8080:" in line for line in added(planned))
        assert planned.proxies[0].rest_port == 8080
        assert "rest-switched-off" not in {one.code for one in planned.plan.warnings}

    @pytest.mark.parametrize("setting", ["PROXY_HTTP_ENABLED: 'false'", "PROXY_HTTP_PORT: '19530'"])
    def test_one_that_was_off_or_shares_the_port_of_grpc_is_off(self, setting: str) -> None:
        planned = enable(observation(compose(f"environment: {{{setting}, A: b}}")))

        assert planned.proxies[0].rest_port is None
        assert ("rest-switched-off" in {one.code for one in planned.plan.warnings}) == (
            "19530" in setting
        )

    @pytest.mark.parametrize("fields", ["network_mode: host", "ports:\n- 9000:8080\n- 19530:19530"])
    def test_a_port_that_can_be_reached_already_is_not_published_again(self, fields: str) -> None:
        planned = enable(observation(compose(fields)), rest_port=8080)

        assert not any(line.startswith("- ") and "8080" in line for line in added(planned))

    @pytest.mark.parametrize(
        ("fields", "settings", "error", "words"),
        [
            (PORTS, {"rest_port": 19530}, ConflictingSettings, "cannot share port 19530"),
            (PORTS, {"rest_port": 9091}, ConflictingSettings, "serves metrics and health there"),
            (
                "environment: {METRICS_PORT: 8080}",
                {"rest_port": 8080},
                ConflictingSettings,
                "serves metrics and health there",
            ),
            ("environment: {PROXY_PORT: 8080}", {"rest_port": 8080}, ConflictingSettings, "8080"),
            ("ports: ['8080:9091']", {"rest_port": 8080}, ConflictingSettings, "service milvus"),
        ],
    )
    def test_a_port_in_use_is_refused(
        self, fields: str, settings: dict[str, int], error: type[ComposeTlsError], words: str
    ) -> None:
        with pytest.raises(error) as caught:
            enable(observation(compose(fields)), **settings)

        assert words in caught.value.message

    def test_so_is_one_that_another_service_publishes(self) -> None:
        text = compose() + "  adminer:\n    image: adminer\n    ports:\n    - 8080:8080\n"
        with pytest.raises(ConflictingSettings) as caught:
            enable(observation(text), rest_port=8080)

        assert (caught.value.path, caught.value.line) == (COMPOSE_FILE, 7)

    def test_an_old_milvus_has_no_port_for_it(self) -> None:
        with pytest.raises(UnsupportedMilvus):
            enable(observation(compose(tag="v2.2.9")), rest_port=8080)


class TestOverride:
    OVERRIDE = "compose.override.yaml"

    def test_the_base_file_stays_as_it_is(self) -> None:
        seen = observation(compose(f"environment:\n- {MODE}=0\nvolumes:\n- ./d:/d"))
        planned = enable(seen, mode=2, style="override")
        after = applied(seen, planned.plan.changes)

        assert text_of(after) == text_of(seen)
        assert text_of(after, self.OVERRIDE) == (
            "services:\n"
            "  milvus:\n"
            "    volumes:\n"
            "      - ./tls:/milvus/tls\n"
            "    environment:\n"
            "      TLS_SERVERPEMPATH: /milvus/tls/server.pem\n"
            "      TLS_SERVERKEYPATH: /milvus/tls/server.key\n"
            "      TLS_CAPEMPATH: /milvus/tls/ca.pem\n"
            f'      {MODE}: "2"\n'
            '      PROXY_HTTP_ENABLED: "false"\n'
        )

    def test_an_override_file_that_is_there_is_edited(self) -> None:
        files = {
            COMPOSE_FILE: compose(),
            "docker-compose.override.yml": f"services:\n  milvus:\n    environment: [{MODE}=0]\n",
        }
        seen = observation(files, compose_files=(COMPOSE_FILE, "docker-compose.override.yml"))
        planned = enable(seen, mode=2, style="override")

        assert added(planned) == []
        assert f"{MODE}=2" in added(planned, "docker-compose.override.yml")[0]

    def test_a_milvus_yaml_is_patched_all_the_same(self) -> None:
        seen = observation({COMPOSE_FILE: compose(), "milvus.yaml": milvus_yaml()})
        after = applied(seen, enable(seen, style="override").plan.changes)

        assert text_of(after) == text_of(seen)
        assert "tlsMode: 1" in text_of(after, "milvus.yaml")
        assert "./milvus.yaml:/milvus/configs/milvus.yaml" in text_of(after, self.OVERRIDE)

    def test_it_settles_what_cannot_be_edited_in_place(self) -> None:
        text = "x-a: &a\n  volumes: [./d:/d]\n" + compose("<<: *a")
        with pytest.raises(EditRefused) as caught:
            enable(observation(text), style="in-place")
        assert "--style override" in caught.value.hint

        after = applied(observation(text), enable(observation(text), style="override").plan.changes)
        assert "./tls:/milvus/tls" in text_of(after, self.OVERRIDE)

    def test_named_files_have_no_override(self) -> None:
        seen = observation(compose(), variables={"COMPOSE_FILE": COMPOSE_FILE})
        with pytest.raises(ConflictingSettings):
            enable(seen, style="override")


def test_a_file_of_several_documents_is_refused_with_the_edit_to_make() -> None:
    text = f"{compose()}---\nservices: {{milvus: {{user: root}}}}\n"
    with pytest.raises(EditRefused) as caught:
        enable(observation(text), style="in-place")

    assert (caught.value.path, caught.value.line) == (COMPOSE_FILE, 5)


def test_an_included_service_is_edited_in_its_own_file() -> None:
    files = {
        COMPOSE_FILE: "include: [sub/a.yml]\nservices: {app: {image: app}}\n",
        "sub/a.yml": compose("volumes:\n- ./d:/d"),
    }
    planned = enable(observation(files))

    assert added(planned) == []
    assert "- ../tls:/milvus/tls" in added(planned, "sub/a.yml")
    assert DIRECTORY / "sub/a.yml" in {path for path, _ in planned.plan.files()}

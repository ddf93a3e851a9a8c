"""Services that talk to Milvus: which are switched, what each is told, what it gets to see."""

from __future__ import annotations

from typing import Any

import pytest

from compose_tls.changes import CreateFile, RemoveFile
from compose_tls.errors import ClientsCutOff
from compose_tls.plan.service_plan import ServicePlan
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    added,
    applied,
    disable,
    enable,
    enabled,
    observation,
    orders,
    removed,
    text_of,
)

MILVUS = """\
services:
  milvus:
    image: milvusdb/milvus:v2.5.5
    ports: ['19530:19530']
"""
ATTU = """\
  ui:
    image: zilliz/attu:%s
    ports: ['8000:3000']
    environment:
      %s: milvus:19530
"""
APP = """\
  app:
    image: acme/app
    environment:
      MILVUS_URI: http://milvus:19530
"""
DIFY = """\
  api:
    image: langgenius/dify-api:1.9.0
    environment:
      MILVUS_URI: ${MILVUS_URI:-http://milvus:19530}
"""
ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: /milvus/tls/roots.pem"


def made(planned: ServicePlan) -> set[str]:
    """What is made for the containers of neighbours."""
    return {
        planned.plan.relative(change.path).removeprefix("tls-clients/")
        for change in planned.plan.changes
        if isinstance(change, CreateFile) and DIRECTORY / "tls-clients" in change.path.parents
    } - {".gitignore"}


def names(planned: ServicePlan) -> list[str]:
    return [one.service for one in planned.neighbours]


class TestAttu:
    @pytest.mark.parametrize(
        ("tag", "variable", "prefix"),
        [
            ("v2.3.6", "MILVUS_URL", ""),
            ("v2.6", "MILVUS_URL", ""),
            ("latest", "MILVUS_URL", ""),
            ("v3.0.0-beta.2", "MILVUS_ADDRESS", "MILVUS_TLS_"),
            ("latest", "MILVUS_ADDRESS", "MILVUS_TLS_"),
        ],
    )
    @pytest.mark.parametrize("mode", [1, 2])
    def test_each_version_gets_its_own_variables_and_keeps_the_rest(
        self, tag: str, variable: str, prefix: str, mode: int
    ) -> None:
        planned = enable(observation(MILVUS + ATTU % (tag, variable)), mode=mode)
        told = {
            f"{prefix}ROOT_CERT_PATH: /milvus/tls/ca.pem",
            f"{prefix}SERVER_NAME: milvus",
            "volumes:",
            "- ./tls-clients/ui:/milvus/tls:ro",
        }
        if prefix:
            told.add('MILVUS_SSL: "true"')
        if mode == 2:
            told |= {
                f"{prefix}PRIVATE_KEY_PATH: /milvus/tls/client.key",
                f"{prefix}CERT_CHAIN_PATH: /milvus/tls/client.pem",
            }

        assert told <= set(added(planned))
        assert removed(planned) == []
        assert made(planned) == {
            "ui/ca.pem",
            *(["ui/client.pem", "ui/client.key"] if mode == 2 else []),
        }
        assert planned.cut_off == ()

    def test_a_scheme_goes_as_its_readme_has_none(self) -> None:
        text = (MILVUS + ATTU % ("v2.5.6", "MILVUS_URL")).replace(": milvus:", ": http://milvus:")
        planned = enable(observation(text))

        assert removed(planned) == ["MILVUS_URL: http://milvus:19530"]
        assert "MILVUS_URL: milvus:19530" in added(planned)

    def test_one_without_certificates_is_named_with_the_version_that_has_them(self) -> None:
        # Its README and its server name ROOT_CERT_PATH from v2.3.6 on: pull 347.
        text = MILVUS + ATTU % ("v2.3.5", "MILVUS_URL")
        [left] = enable(observation(text)).cut_off

        assert (left.service, "2.3.6 or newer" in left.needs) == ("ui", True)
        with pytest.raises(ClientsCutOff):
            enable(observation(text), mode=2)

    def test_that_attu_3_remembers_is_said(self) -> None:
        planned = enable(observation(MILVUS + ATTU % ("v3.0.0", "MILVUS_ADDRESS")))
        [note] = [w for w in planned.plan.warnings if w.code == "neighbour-note"]

        assert "database" in note.message


class TestBackup:
    FIRST = "milvus:\n  address: milvus\n  port: 19530\n  tlsMode: 0 # 0, 1, 2\n  user: root\n"
    SECOND = "configVersion: v2\nmilvus:\n  grpc:\n    address: milvus\n    port: 19530\n"
    SERVICE = "  backup:\n    image: milvusdb/milvus-backup\n    volumes: ['./b.yaml:/b.yaml']\n"

    @pytest.mark.parametrize(
        ("mode", "told"),
        [
            (1, ["tlsMode: 1 # 0, 1, 2"]),
            (
                2,
                [
                    "tlsMode: 2 # 0, 1, 2",
                    "mtlsCertPath: /milvus/tls/client.pem",
                    "mtlsKeyPath: /milvus/tls/client.key",
                ],
            ),
        ],
    )
    def test_format_1(self, mode: int, told: list[str]) -> None:
        seen = observation({COMPOSE_FILE: MILVUS + self.SERVICE, "b.yaml": self.FIRST})
        planned = enable(seen, mode=mode)

        also = ["caCertPath: /milvus/tls/ca.pem", "serverName: milvus"]
        assert set(added(planned, "b.yaml")) == {*told, *also}
        assert removed(planned, "b.yaml") == ["tlsMode: 0 # 0, 1, 2"]

    @pytest.mark.parametrize(("mode", "word"), [(1, "server"), (2, "mutual")])
    def test_format_2_has_words_and_a_place_for_rest(self, mode: int, word: str) -> None:
        seen = observation({COMPOSE_FILE: MILVUS + self.SERVICE, "b.yaml": self.SECOND})
        planned = enable(seen, mode=mode, rest_port=8080)

        lines = set(added(planned, "b.yaml"))
        assert {f"tlsMode: {word}", "endpoint: https://milvus:8080"} <= lines
        assert ("mtlsKeyPath: /milvus/tls/client.key" in lines) == (mode == 2)

    def test_the_environment_wins_over_the_file(self) -> None:
        service = f"{self.SERVICE}    environment:\n      MILVUS_ADDRESS: milvus\n"
        seen = observation({COMPOSE_FILE: MILVUS + service, "b.yaml": self.FIRST})
        planned = enable(seen, mode=2)

        assert 'MILVUS_TLS_MODE: "2"' in added(planned)
        assert added(planned, "b.yaml") == []

    def test_the_tag_of_another_image_says_nothing_of_its_version(self) -> None:
        text = MILVUS + self.SERVICE.replace("milvusdb/milvus-backup", "me/backup:0.1")
        planned = enable(observation({COMPOSE_FILE: text, "b.yaml": self.FIRST}))
        assert "caCertPath: /milvus/tls/ca.pem" in added(planned, "b.yaml")

    def test_format_2_has_no_variables_for_tls(self) -> None:
        # They were there for four days of July 2026, in no release: milvus-backup pull 1118.
        service = f"{self.SERVICE}    environment:\n      MILVUS_GRPC_ADDRESS: milvus\n"
        planned = enable(observation(MILVUS + service))

        assert [one.service for one in planned.cut_off] == ["backup"]
        assert names(planned) == []

    @pytest.mark.parametrize("mode", [1, 2])
    def test_one_before_0_5_is_named_with_the_version_that_takes_certificates(
        self, mode: int
    ) -> None:
        text = MILVUS + self.SERVICE.replace("milvus-backup", "milvus-backup:v0.4.30")
        seen = observation({COMPOSE_FILE: text, "b.yaml": self.FIRST})
        if mode == 2:
            with pytest.raises(ClientsCutOff, match="backup"):
                enable(seen, mode=2)
            return
        planned = enable(seen)
        [left] = planned.cut_off
        assert (left.service, "0.5.0 or newer" in left.needs) == ("backup", True)
        assert added(planned, "b.yaml") == []

    def test_the_file_comes_back_to_the_byte(self) -> None:
        seen = observation({COMPOSE_FILE: MILVUS + self.SERVICE, "b.yaml": self.FIRST})
        after = enabled(seen, mode=2)
        back = applied(after, disable(after).plan.changes)

        assert text_of(after, "b.yaml") != self.FIRST
        assert text_of(back, "b.yaml") == self.FIRST
        assert text_of(back) == MILVUS + self.SERVICE


class TestApplications:
    def test_one_that_knows_no_certificates_trusts_by_grpc_in_mode_1(self) -> None:
        planned = enable(observation(MILVUS + APP))

        assert removed(planned) == ["MILVUS_URI: http://milvus:19530"]
        assert {"MILVUS_URI: https://milvus:19530", ROOTS} <= set(added(planned))
        assert made(planned) == {"app/ca.pem", "app/roots.pem"}
        assert (names(planned), planned.cut_off) == (["app"], ())

    def test_dify_is_told_in_both_of_its_ways(self) -> None:
        planned = enable(observation(MILVUS + DIFY))

        assert {
            "MILVUS_URI: ${MILVUS_URI:-https://milvus:19530}",
            'MILVUS_SECURE: "true"',
            "MILVUS_SERVER_PEM_PATH: /milvus/tls/ca.pem",
            "MILVUS_SERVER_NAME: milvus",
            ROOTS,
        } <= set(added(planned))

    def test_a_switch_that_says_no_says_yes(self) -> None:
        text = MILVUS + APP + "      MILVUS_SECURE: 'false'\n"
        assert "MILVUS_SECURE: 'true'" in added(enable(observation(text)))

    @pytest.mark.parametrize(
        "environment",
        [
            "{MILVUS_HOST: milvus, MILVUS_PORT: '19530'}",
            "{MILVUS_URI: 'milvus:19530'}",
            "{MILVUS_URI: 'http://milvus:19530/v2/vectordb'}",
            "{MILVUS_URI: 'http://10.1.2.3:19530'}",
            "{MILVUS_URI: 'http://milvus:19530', GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: /mine.pem}",
        ],
    )
    def test_what_is_not_known_to_work_is_named_and_left(self, environment: str) -> None:
        text = f"{MILVUS}  app: {{image: acme/app, environment: {environment}}}\n"
        planned = enable(observation(text))

        assert [one.service for one in planned.cut_off] == ["app"]
        assert names(planned) == []
        assert f"environment: {environment}" in text_of(
            applied(observation(text), planned.plan.changes)
        )

    @pytest.mark.parametrize("name", ["../../etc", "..", "a/b", ".hidden"])
    def test_a_name_that_leads_elsewhere_gets_no_directory(self, name: str) -> None:
        planned = enable(observation(MILVUS + APP.replace("app:", f"'{name}':")))

        assert [one.service for one in planned.cut_off] == [name]
        assert made(planned) == set()

    def test_who_uses_rest_as_well_is_named_and_left(self) -> None:
        rest = "    environment: {PROXY_HTTP_PORT: '8080'}\n"
        app = f"{APP}      MILVUS_REST: http://milvus:8080\n"
        planned = enable(observation(MILVUS + rest + app))

        assert [one.service for one in planned.cut_off] == ["app"]

    def test_a_go_program_is_named_with_what_go_reads(self) -> None:
        text = MILVUS + APP.replace("acme/app", "wechatopenai/weknora-app")
        [left] = enable(observation(text)).cut_off

        assert "SSL_CERT_FILE" in left.needs

    def test_a_host_that_a_brought_certificate_need_not_hold_is_not_switched(self) -> None:
        brought = {
            "server_cert": "s.pem",
            "server_key": "s.key",
            "ca_cert": "ca.pem",
            "server_name": "db.test",
        }
        planned = enable(observation(MILVUS + APP), **brought)
        assert [one.service for one in planned.cut_off] == ["app"]
        planned = enable(observation(MILVUS + APP), **brought, san=("milvus",))
        assert names(planned) == ["app"]

    @pytest.mark.parametrize(
        "image", ["nginx:1.27", "caddy:2", "haproxy:3.0", "envoyproxy/envoy:v1"]
    )
    def test_a_proxy_in_front_gets_lines_to_write_in_both_modes(self, image: str) -> None:
        gate = f"  gate:\n    image: {image}\n    volumes: ['./gate.conf:/etc/gate.conf']\n"
        files = {COMPOSE_FILE: MILVUS + gate, "gate.conf": "to http://milvus:19530\n"}
        for mode in (1, 2):
            planned = enable(observation(files), mode=mode)
            [left] = planned.cut_off
            assert "cert/ca.pem" in left.needs
            assert "{" not in left.needs or "transport http {" in left.needs


class TestElsewhere:
    @pytest.mark.parametrize(
        ("more", "how"),
        [
            ("    volumes: ['./app.yaml:/app.yaml']\n", "its app.yaml names milvus:19530"),
            ("    command: serve --uri http://milvus:19530\n", "its command names milvus:19530"),
            ('      JSON: \'{"uri": "http://milvus:19530"}\'\n', "its JSON names milvus:19530"),
            ("    command: ./wait-for-it.sh milvus:19530 -- serve\n", None),
            ("      OTHER: http://milvus:19530\n", None),
        ],
    )
    def test_what_else_has_a_switched_service_speak_plain_text_is_told(
        self, more: str, how: str | None
    ) -> None:
        files = {COMPOSE_FILE: MILVUS + APP + more, "app.yaml": "uri: http://milvus:19530\n"}
        planned = enable(observation(files))

        told = [w.message for w in planned.plan.warnings if "plain text" in w.message]
        assert names(planned) == ["app"]
        assert told == (
            [f"service app: {how} in plain text, and that is not changed"] if how else []
        )


class TestSeveralMilvus:
    BOTH = (
        f"{MILVUS}  cold:\n    image: milvusdb/milvus:v2.5.5\n"
        "  app:\n    image: acme/app\n    environment:\n"
        "      HOT: http://milvus:19530\n      COLD: http://cold:19530\n"
    )

    def test_who_talks_to_several_is_switched_for_each(self) -> None:
        planned = enable(observation(self.BOTH), service=("milvus", "cold"))

        assert {"HOT: https://milvus:19530", "COLD: https://cold:19530", ROOTS} <= {*added(planned)}
        assert (names(planned), planned.cut_off) == (["app"], ())

    def test_for_none_where_one_of_them_cannot_be_and_each_is_named(self) -> None:
        text = self.BOTH.replace("http://cold", "cold")
        planned = enable(observation(text), service=("milvus", "cold"))

        assert names(planned) == []
        assert [one.needs.split()[0] for one in planned.cut_off] == [
            "https://milvus:19530",
            "https://cold:19530",
        ]

    def test_one_that_it_reaches_over_tls_already_hides_no_other(self) -> None:
        text = self.BOTH.replace("http://milvus", "https://milvus")
        planned = enable(observation(text), service=("milvus", "cold"))

        assert "COLD: https://cold:19530" in added(planned)

    def test_one_that_is_only_waited_for_stands_in_no_way(self) -> None:
        text = self.BOTH.replace(
            "      COLD: http://cold:19530\n", "    depends_on: [milvus, cold]\n"
        )
        planned = enable(observation(text), service=("milvus", "cold"))

        assert (names(planned), planned.cut_off) == (["app"], ())


class TestDockerfile:
    def test_it_says_nothing_of_another_service_that_mounts_its_directory(self) -> None:
        files = {
            COMPOSE_FILE: f"{MILVUS}  web: {{image: nginx, volumes: ['./app:/srv']}}\n"
            "  app: {build: ./app}\n",
            "app/Dockerfile": "FROM python\nENV MILVUS_URI=http://milvus:19530\n",
        }
        planned = enable(observation(files))

        assert (names(planned), planned.cut_off) == (["app"], ())

    def test_what_an_image_sets_is_beaten_in_the_environment(self) -> None:
        files = {
            COMPOSE_FILE: f"{MILVUS}  app:\n    build: ./app\n",
            "app/Dockerfile": "FROM python\nENV MILVUS_URI=http://milvus:19530\n",
        }
        planned = enable(observation(files))

        assert {"MILVUS_URI: https://milvus:19530", ROOTS} <= {*added(planned)}
        assert names(planned) == ["app"]


class TestMode2:
    def test_who_can_show_no_certificate_is_refused_with_place_and_need(self) -> None:
        with pytest.raises(ClientsCutOff) as refused:
            enable(observation(MILVUS + APP + DIFY), mode=2)

        error = refused.value
        assert "app (its MILVUS_URI names Milvus); api" in error.message
        assert (error.path, error.line) == (COMPOSE_FILE, 8)
        assert "Dify has no option for a client certificate" in error.hint
        assert "--accept clients-cut-off" in error.hint

    @pytest.mark.parametrize(
        "image", ["mysql:8.4", "bitnami/redis:8.0", "quay.io/coreos/etcd:v3.5.5", "minio/minio"]
    )
    def test_a_database_that_shares_the_environment_of_an_application_is_none_of_them(
        self, image: str
    ) -> None:
        shared = "x-shared: &shared {MILVUS_URI: 'http://milvus:19530'}\n"
        other = f"  other: {{image: '{image}', environment: *shared}}\n"

        with pytest.raises(ClientsCutOff) as refused:
            enable(
                observation(
                    shared + MILVUS + other + "  app: {image: acme/app, environment: *shared}\n"
                ),
                mode=2,
            )

        assert "app (" in refused.value.message
        assert "other" not in refused.value.message

    def test_it_can_be_accepted_and_leaves_them_alone(self) -> None:
        seen = observation(MILVUS + APP)
        planned = enable(seen, mode=2, accept=("clients-cut-off",))

        assert [one.service for one in planned.cut_off] == ["app"]
        assert APP in text_of(applied(seen, planned.plan.changes))

    @pytest.mark.parametrize(
        "service",
        [
            "  app: {image: app, depends_on: [milvus]}\n",
            "  app: {image: app, environment: ['MILVUS_URI=http://10.1.2.3:19530']}\n",
        ],
    )
    def test_who_may_not_talk_to_milvus_at_all_is_only_warned_of(self, service: str) -> None:
        planned = enable(observation(MILVUS + service), mode=2)

        assert [one.service for one in planned.cut_off] == ["app"]

    def test_each_has_an_identity_of_its_own_that_milvus_does_not_see(self) -> None:
        two = ATTU % ("v2.5", "MILVUS_URL")
        planned = enable(observation(MILVUS + two + two.replace("ui:", "ui-2:")), mode=2)

        ordered = {order.name: order for order in orders(planned.identities)}
        assert ordered["clients/ui"].subject == "CN=ui"
        assert ordered["clients/ui-2"].dns_names == ("ui-2.client.milvus.internal",)
        inside = [c.path for c in planned.plan.changes if DIRECTORY / "tls" in c.path.parents]
        assert not any("client" in path.name for path in inside)
        shown = {
            c.path.parent.name: c.mode
            for c in planned.plan.changes
            if isinstance(c, CreateFile) and c.path.name == "client.key"
        }
        assert shown == {"cert": 0o600, "ui": 0o600, "ui-2": 0o600}

    @pytest.mark.parametrize("tag", ["v3.0.0", "latest"])
    def test_the_key_is_that_of_attu_3_which_does_not_run_as_root(self, tag: str) -> None:
        text = MILVUS + ATTU % (tag, "MILVUS_ADDRESS")
        planned = enable(observation(text, user_id=0), mode=2)
        [key] = [
            c for c in planned.plan.changes if c.path == DIRECTORY / "tls-clients/ui/client.key"
        ]
        assert isinstance(key, CreateFile)
        assert (key.uid, key.gid, key.mode) == (1000, 1000, 0o600)

    def test_the_key_is_that_of_the_user_of_its_service(self) -> None:
        text = MILVUS + ATTU % ("v2.5", "MILVUS_URL") + "    user: '1001:1002'\n"
        planned = enable(observation(text, user_id=0), mode=2)
        owners = {
            (c.uid, c.gid)
            for c in planned.plan.changes
            if isinstance(c, CreateFile) and c.path == DIRECTORY / "tls-clients/ui/client.key"
        }
        assert owners == {(1001, 1002)}
        planned = enable(observation(text), mode=2)
        [warning] = [w for w in planned.plan.warnings if w.code == "client-key-unreadable"]
        assert "chown 1001 tls-clients/ui/client.key" in (warning.hint or "")


class TestSetting:
    TEXT = MILVUS + APP + ATTU % ("v2.5", "MILVUS_URL")

    @pytest.mark.parametrize("mode", [1, 2])
    def test_list_only_names(self, mode: int) -> None:
        planned = enable(observation(self.TEXT), mode=mode, neighbours="list")

        assert [one.service for one in planned.cut_off] == ["app", "ui"]
        assert (made(planned), removed(planned)) == (set(), [])

    @pytest.mark.parametrize("mode", [1, 2])
    def test_ignore_says_nothing(self, mode: int) -> None:
        planned = enable(observation(self.TEXT), mode=mode, neighbours="ignore")

        assert (planned.cut_off, names(planned)) == ((), [])
        assert "clients-cut-off" not in {w.code for w in planned.plan.warnings}

    @pytest.mark.parametrize("style", [None, "override"])
    def test_a_second_time_changes_nothing(self, style: str | None) -> None:
        # That of an application, whose file holds public CAs, is in tests/unit/cli.
        seen = observation(MILVUS + ATTU % ("v2.5", "MILVUS_URL"))
        after = enabled(seen, style=style, mode=2)
        assert not enable(after, style=style, mode=2).plan.changed

    def test_what_was_switched_goes_back_when_it_is_left_out(self) -> None:
        after = enabled(observation(self.TEXT))
        planned = enable(after, neighbours="ignore")

        gone = {c.path.parent.name for c in planned.plan.changes if isinstance(c, RemoveFile)}
        assert {"app", "ui"} <= gone
        assert APP in text_of(applied(after, planned.plan.changes))

    def test_an_override_file_gets_it_all(self) -> None:
        after = enabled(observation(self.TEXT), style="override")

        assert text_of(after) == self.TEXT
        override = text_of(after, "compose.override.yaml")
        assert "MILVUS_URI: https://milvus:19530" in override
        assert "./tls-clients/ui:/milvus/tls:ro" in override

    def test_one_that_inherits_its_fields_gets_an_override_file_and_milvus_does_not(self) -> None:
        shared = (
            "x-app: &app\n  volumes: ['./x:/x']\n"
            "  environment:\n    MILVUS_URI: http://milvus:19530\n"
        )
        two = "".join(f"  {n}:\n    <<: *app\n    image: acme/{n}\n" for n in ("one", "two"))
        seen = observation(shared + MILVUS + two)
        after = enabled(seen)

        override = text_of(after, "compose.override.yaml")
        assert override.count("MILVUS_URI: https://milvus:19530") == 2
        assert "/milvus/tls/server.pem" not in override
        assert "./tls-clients/one:/milvus/tls:ro" in override
        assert "- ./tls:/milvus/tls" in text_of(after)
        assert {w.code for w in enable(seen).plan.warnings} >= {"override-used"}
        back = applied(after, disable(after).plan.changes)
        assert text_of(back) == text_of(seen)
        left = enable(seen, style="in-place")
        assert {one.service for one in left.cut_off} == {"one", "two"}
        assert all("merge key" in one.needs for one in left.cut_off)

    def test_what_cannot_be_edited_in_place_is_named_and_milvus_is_not_held_up(self) -> None:
        shared = "x-env: &env\n  MILVUS_URI: http://milvus:19530\n"
        two = "".join(
            f"  {name}:\n    image: acme/{name}\n    volumes: ['./x:/milvus/tls']\n"
            "    environment: *env\n"
            for name in ("one", "two")
        )
        planned = enable(observation(shared + MILVUS + two))

        assert {one.service for one in planned.cut_off} == {"one", "two"}
        assert all("/milvus/tls" in one.needs for one in planned.cut_off)

    def test_the_vendors_file_has_no_neighbours(self) -> None:
        text = MILVUS + "  etcd: {image: quay.io/coreos/etcd}\n  minio: {image: minio/minio}\n"
        planned: Any = enable(observation(text), mode=2)

        assert (planned.neighbours, planned.cut_off, made(planned)) == ((), (), set())
        assert planned.state.neighbours is None

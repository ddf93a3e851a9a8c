"""What enable keeps, breaks and says: REST, health checks, clients that are cut off, build contexts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compose_tls.errors import EditRefused, HealthCheckBreaks
from compose_tls.plan.build_contexts import is_left_out
from compose_tls.plan.service_plan import ServicePlan
from compose_tls.vocabulary import TlsWarning
from tests.unit.builders import (
    COMPOSE_FILE,
    applied,
    disable,
    edited,
    enable,
    enabled,
    observation,
    text_of,
)

MILVUS = """\
services:
  milvus:
    image: milvusdb/milvus:v2.5.5
    ports: ['19530:19530']
"""


def of(planned: ServicePlan, code: str) -> list[TlsWarning]:
    """The warnings of a plan with a code."""
    return [warning for warning in planned.plan.warnings if warning.code == code]


class TestRest:
    def test_that_it_goes_is_said_with_what_keeps_it(self) -> None:
        [warning] = of(enable(observation(MILVUS)), "rest-switched-off")

        assert (warning.path, warning.line) == (COMPOSE_FILE, 3)
        assert "--rest-port" in (warning.hint or "")

    def test_a_milvus_without_a_port_for_it_cannot_keep_it(self) -> None:
        [warning] = of(enable(observation(MILVUS.replace("2.5.5", "2.2.16"))), "rest-switched-off")

        assert "--rest-port" not in (warning.hint or "")

    def test_what_went_with_an_earlier_enable_does_not_go_again(self) -> None:
        assert not of(enable(enabled(observation(MILVUS))), "rest-switched-off")

    def test_rest_that_stays_does_not_go(self) -> None:
        assert not of(enable(observation(MILVUS), rest_port=8080), "rest-switched-off")


def checked(test: str, more: str = "") -> str:
    return f"{MILVUS}    healthcheck:\n      test: {test}\n      retries: 4\n{more}"


class TestHealthChecks:
    @pytest.mark.parametrize(
        ("test", "becomes"),
        [
            (
                '["CMD", "curl", "-f", "http://localhost:9091/api/v1/health"]',
                '["CMD", "curl", "-f", "http://localhost:9091/healthz"]',
            ),
            (
                "curl -sf http://127.0.0.1:9091/api/v1/health || exit 1",
                "curl -sf http://127.0.0.1:9091/healthz || exit 1",
            ),
            (
                '["CMD-SHELL", "wget -qO- localhost:19530/healthz > /dev/null"]',
                '["CMD-SHELL", "wget -qO- localhost:9091/healthz > /dev/null"]',
            ),
            (
                "[CMD, curl, 'http://localhost:9091/api/v1/health', -f, --max-time, '3']",
                "[CMD, curl, 'http://localhost:9091/healthz', -f, --max-time, '3']",
            ),
            (
                "\n      - CMD\n      - curl\n      - http://milvus:19530/api/v1/health",
                "\n      - CMD\n      - curl\n      - http://milvus:9091/healthz",
            ),
        ],
    )
    def test_one_that_asks_rest_for_health_asks_for_it_elsewhere(
        self, test: str, becomes: str
    ) -> None:
        before = observation(checked(test))
        after = enabled(before)

        assert f"test: {becomes}\n" in text_of(after).replace("        -", "      -")
        [warning] = of(enable(before), "health-check-replaced")
        assert warning.line is not None
        gone = disable(after)
        assert text_of(applied(after, gone.plan.changes)) == text_of(before)

    def test_after_an_edit_of_the_user_it_comes_back_by_meaning(self) -> None:
        before = observation(
            checked('["CMD", "curl", "-f", "http://localhost:9091/api/v1/health"]')
        )
        after = edited(enabled(before), COMPOSE_FILE, "retries: 4", "retries: 5")
        back = text_of(applied(after, disable(after).plan.changes))

        assert back == text_of(before).replace("retries: 4", "retries: 5")

    def test_that_of_another_service_counts_as_well(self) -> None:
        app = "  app: {image: app, healthcheck: {test: 'curl http://milvus:9091/api/v1/health'}}\n"
        after = enabled(observation(MILVUS + app))

        assert "curl http://milvus:9091/healthz" in text_of(after)

    def test_one_of_another_service_that_breaks_is_told_the_name_that_it_uses(self) -> None:
        app = "  app: {image: app, healthcheck: {test: 'curl http://milvus:19530/v1/vector/x'}}\n"
        with pytest.raises(HealthCheckBreaks) as caught:
            enable(observation(MILVUS + app))
        assert caught.value.hint.startswith("write http://milvus:9091/healthz there")

    @pytest.mark.parametrize(
        "test",
        [
            '["CMD", "curl", "-f", "http://localhost:9091/healthz"]',
            '["CMD", "nc", "-z", "localhost", "19530"]',
            '["NONE"]',
            "curl http://elsewhere:9091/api/v1/health",
            "curl https://localhost:19530/v1/vector/collections",
            "timeout 1 bash -c '</dev/tcp/localhost/19530'",
            "grpc_health_probe -tls -addr=localhost:19530",
            """python3 -c 'import socket; socket.create_connection(("localhost", 19530))'""",
        ],
    )
    def test_one_that_goes_on_working_is_left_alone(self, test: str) -> None:
        planned = enable(observation(checked(test)))

        assert not of(planned, "health-check-replaced")
        assert f"test: {test}\n" in text_of(
            applied(observation(checked(test)), planned.plan.changes)
        )

    def test_a_command_that_waits_for_rest_is_named(self) -> None:
        wait = "sh -c 'until curl -sf http://milvus:9091/api/v1/health; do sleep 1; done; app'"
        before = observation(f"{MILVUS}  app:\n    image: app\n    command: {wait}\n")

        [warning] = of(enable(before), "clients-cut-off")

        assert "service app asks for http://milvus:9091/api/v1/health" in warning.message
        assert warning.hint == "write http://milvus:9091/healthz there"
        assert not of(enable(before, rest_port=8080), "clients-cut-off")

    def test_while_rest_stays_its_health_does_too(self) -> None:
        test = '["CMD", "curl", "-f", "http://localhost:9091/api/v1/health"]'
        assert not of(enable(observation(checked(test)), rest_port=8080), "health-check-replaced")

    @pytest.mark.parametrize(
        "test",
        [
            '["CMD", "curl", "-f", "http://localhost:19530/v1/vector/collections"]',
            "curl -X POST http://localhost:9091/v2/vectordb/collections/list",
            "curl http://localhost:${PORT:-19530}/healthz",
            "curl -f http://$$HOSTNAME:19530/api/v1/health",
            "milvus_cli connect -uri http://localhost:19530",
            "grpc_health_probe -addr=localhost:19530",
            "grpcurl -plaintext :19530 grpc.health.v1.Health/Check",
            """["CMD", "python3", "-c", "import pymilvus as p; p.MilvusClient('http://localhost:19530')"]""",
            """["CMD", "python3", "-c", "import pymilvus; pymilvus.connections.connect(port='19530')"]""",
            "exec 3<>/dev/tcp/localhost/19530 && echo 'GET /v1/health HTTP/1.0' >&3 && grep 200 <&3",
        ],
    )
    def test_one_without_an_equal_is_refused_with_its_line(self, test: str) -> None:
        with pytest.raises(HealthCheckBreaks) as refused:
            enable(observation(checked(test)))

        assert (refused.value.path, refused.value.line) == (COMPOSE_FILE, 6)
        assert "/healthz" in refused.value.hint
        assert "--accept health-check-breaks" in refused.value.hint

    def test_it_can_be_accepted(self) -> None:
        test = "curl http://localhost:19530/v1/vector/collections"
        before = observation(checked(test))
        planned = enable(before, accept=("health-check-breaks",))

        assert of(planned, "health-check-breaks")
        assert f"test: {test}\n" in text_of(applied(before, planned.plan.changes))

    def test_what_was_accepted_is_said_again_and_refused_only_where_something_changes(self) -> None:
        test = "curl http://localhost:19530/v1/vector/collections"
        after = enabled(observation(checked(test)), accept=("health-check-breaks",))

        again = enable(after)
        assert of(again, "health-check-breaks")
        assert not again.plan.changed
        with pytest.raises(HealthCheckBreaks):
            enable(after, mode=2)

    def test_an_override_file_gets_the_whole_test(self) -> None:
        test = '["CMD", "curl", "-f", "http://localhost:9091/api/v1/health"]'
        after = enabled(observation(checked(test)), style="override")

        assert text_of(after) == checked(test)
        override = text_of(after, "compose.override.yaml")
        assert '- "http://localhost:9091/healthz"' in override or (
            "- http://localhost:9091/healthz" in override
        )
        assert override.count("- curl") == 1

    def test_one_that_is_inherited_is_written_where_it_can_be(self) -> None:
        test = "curl http://localhost:9091/api/v1/health"
        text = (
            f"x-base: &base\n  healthcheck: {{test: '{test}', retries: 3}}\n"
            "services:\n  milvus:\n    <<: *base\n    image: milvusdb/milvus:v2.5.5\n"
        )
        after = enabled(observation(text))
        assert "test: " in text_of(after, "compose.override.yaml")
        with pytest.raises(EditRefused):
            enable(observation(text), style="in-place")


ATTU = "  attu: {image: 'zilliz/attu:v2.5.6', environment: {MILVUS_URL: 'milvus:19530'}}\n"
BUILT = "  app: {build: ./app}\n"
HOSTS = "  app:\n    extra_hosts: ['vec.test:host-gateway']\n"
NGINX = "http { server { location / { grpc_pass grpc://milvus:19530; } } }\n"


class TestCutOff:
    @pytest.mark.parametrize(
        ("service", "files", "how"),
        [
            (ATTU, {}, "MILVUS_URL"),
            (
                "  app: {image: app, env_file: app.env}\n",
                {"app.env": "MILVUS_URI=http://milvus:19530"},
                "MILVUS_URI",
            ),
            (
                """  app: {image: app, environment: {X: '{"db": {"uri": "http://milvus:19530"}}'}}\n""",
                {},
                "its X names milvus:19530",
            ),
            (
                "  app: {build: {context: app, args: {URI: 'http://milvus:19530'}}}\n",
                {},
                "its image is built with milvus:19530",
            ),
            (
                "  app: {build: {context: app, args: ['URI=http://milvus:19530']}}\n",
                {},
                "its image is built with milvus:19530",
            ),
            (
                "  app: {build: {context: app, dockerfile_inline: 'ENV MILVUS=milvus:19530'}}\n",
                {},
                "its MILVUS names Milvus",
            ),
            *(
                (service, {"app/Dockerfile": f"FROM python\n{lines}\n"}, how)
                for service, lines, how in (
                    (BUILT, "ENV A=b \\\n    MILVUS_HOST=milvus", "its MILVUS_HOST names Milvus"),
                    (BUILT, "ENV MILVUS_URI tcp://milvus:19530", "its MILVUS_URI names Milvus"),
                    (BUILT, "ARG NAME=milvus\nENV MILVUS_HOST=$NAME", "its MILVUS_HOST names"),
                    (
                        "  app: {build: {context: app, args: {NAME: milvus}}}\n",
                        "ARG NAME\nENV MILVUS_HOST=${NAME}",
                        "its MILVUS_HOST names Milvus",
                    ),
                    (BUILT, "HEALTHCHECK CMD nc -z milvus 19530", "app/Dockerfile names milvus"),
                    (BUILT, 'CMD ["wait", "milvus:19530"]', "app/Dockerfile names milvus:19530"),
                )
            ),
            *(
                (f"  app: {{image: app, {said}}}\n", {}, how)
                for said, how in (
                    ("post_start: [{command: 'curl http://milvus:19530/v1'}]", "its post_start"),
                    ("pre_stop: [{command: [flush, 'milvus:19530']}]", "its pre_stop names milvus"),
                    (
                        "healthcheck: {test: [CMD, nc, '-z', milvus, '19530']}",
                        "its health check names",
                    ),
                    ("command: --host milvus --port 19530", "its command names milvus:19530"),
                    (
                        "command: [python, '-c', 'connect((\"milvus\", 19530))']",
                        "its command names",
                    ),
                    ("environment: {OPTS: '-Dm.host=milvus -Dm.port=19530'}", "its OPTS names"),
                )
            ),
            (
                "  app: {image: app, volumes: ['./app.yaml:/app.yaml']}\n",
                {"app.yaml": "uri: http://host.docker.internal:19530\n"},
                "its app.yaml names host.docker.internal:19530",
            ),
            (
                "  app: {image: app, environment: {MILVUS_SERVER_IP: milvus}}\n",
                {},
                "MILVUS_SERVER_IP",
            ),
            (
                "  app: {image: app, environment: ['MILVUS_URI=http://host.docker.internal:19530']}\n",
                {},
                "MILVUS_URI",
            ),
            (
                "  app: {image: app, environment: ['MILVUS_URI=http://192.168.1.20:19530']}\n",
                {},
                "192.168.1.20, if that is this machine",
            ),
            (
                "  app: {image: app, network_mode: host, environment: ['URI=http://localhost:19530']}\n",
                {},
                "URI",
            ),
            (
                "  app: {image: app, links: ['milvus:store'], environment: ['URI=http://store:19530']}\n",
                {},
                "URI",
            ),
            ("  app: {image: app, links: [milvus]}\n", {}, "linked to milvus"),
            (
                f"{HOSTS}    environment: ['URI=http://vec.test:19530']\n",
                {},
                "URI",
            ),
            ("  app: {image: app, depends_on: [milvus]}\n", {}, "depends on milvus"),
            ("  app: {image: app, command: 'serve --uri=http://milvus:19530'}\n", {}, "command"),
            (
                "  app: {image: app, configs: [c]}\nconfigs: {c: {content: 'http://milvus:19530'}}\n",
                {},
                "config c names milvus:19530",
            ),
            (
                "  gate: {image: caddy, volumes: ['./Caddyfile:/etc/caddy/Caddyfile']}\n",
                {"Caddyfile": ":80 {\n  reverse_proxy h2c://milvus:19530\n}\n"},
                "Caddyfile",
            ),
            (
                "  gate: {image: 'nginx:1.27', volumes: ['./nginx.conf:/etc/nginx/nginx.conf:ro']}\n",
                {"nginx.conf": NGINX},
                "nginx.conf",
            ),
            (
                "  gate: {image: nginx, volumes: ['./conf.d:/etc/nginx/conf.d']}\n",
                {"conf.d/milvus.conf": "upstream m { server milvus:19530; }\n"},
                "conf.d/milvus.conf",
            ),
            (
                "  gate: {image: 'caddy:2', volumes: ['./Caddyfile:/etc/caddy/Caddyfile']}\n",
                {"Caddyfile": "milvus.test {\n  reverse_proxy h2c://milvus:19530\n}\n"},
                "Caddyfile names milvus:19530",
            ),
            *(
                (
                    "  gate: {image: envoyproxy/envoy, volumes: ['./e.yaml:/e.yaml']}\n",
                    {"e.yaml": text},
                    how,
                )
                for text, how in (
                    ("a: {socket_address: {address: milvus, port_value: 19530}}\n", "milvus:19530"),
                    ("socket_address:\n  port_value: 19530\n  address: milvus\n", "milvus:19530"),
                    (
                        '{"address":\n {"host": "milvus",\n "port": 19530}}\n',
                        "e.yaml names milvus:19530",
                    ),
                    (
                        "[db]\nmilvus_host = milvus\nmilvus_port = 19530\n",
                        "e.yaml names milvus:19530",
                    ),
                )
            ),
            (
                "  app: {image: app, secrets: [uri]}\nsecrets: {uri: {file: ./uri.txt}}\n",
                {"uri.txt": "http://milvus:19530\n"},
                "uri.txt names milvus:19530",
            ),
            (
                "  app: {image: app, configs: [{source: c, target: /c}]}\nconfigs: {c: {file: ./c}}\n",
                {"c": "http://milvus:19530\n"},
                "its c names milvus:19530",
            ),
            (
                "  backup: {image: milvus-backup, volumes: ['./b.yaml:/configs/backup.yaml']}\n",
                {"b.yaml": "milvus:\n  address: milvus\n  port: 19530\n"},
                "b.yaml",
            ),
        ],
    )
    def test_a_client_in_plain_text_is_named(
        self, service: str, files: dict[str, str], how: str
    ) -> None:
        planned = enable(observation({COMPOSE_FILE: MILVUS + service, **files}), neighbours="list")

        [one] = planned.cut_off
        assert one.service == service.split(":", maxsplit=1)[0].strip()
        assert how in one.how
        [warning] = of(planned, "clients-cut-off")
        assert one.service in warning.message
        assert warning.hint == one.needs

    @pytest.mark.parametrize(
        "service",
        [
            "  app: {image: app, environment: ['MILVUS_URI=https://milvus:19530']}\n",
            "  app: {image: app, environment: ['MILVUS_URI=http://elsewhere:19530']}\n",
            "  app: {image: app, environment: ['MILVUS_URI=https://192.168.1.20:19530']}\n",
            "  app: {image: app}\n",
            "  app: {image: app, secrets: [uri]}\nsecrets: {uri: {environment: URI}}\n",
            "  prometheus: {image: prom/prometheus, depends_on: [milvus]}\n",
        ],
    )
    def test_who_speaks_tls_or_not_to_milvus_is_not(self, service: str) -> None:
        assert enable(observation(MILVUS + service)).cut_off == ()

    STREAM = """\
events {}
stream {
  upstream store { server milvus:19530; }
  server {
    listen 443;
    proxy_pass store;
  }
}
"""
    GATE = "  gate: {image: nginx, volumes: ['./nginx.conf:/etc/nginx/nginx.conf:ro']}\n"

    @pytest.mark.parametrize("mode", [1, 2])
    def test_a_stream_that_hands_on_the_bytes_is_not_cut_off_and_needs_its_name(
        self, mode: int
    ) -> None:
        files = {COMPOSE_FILE: MILVUS + self.GATE, "nginx.conf": self.STREAM}
        planned = enable(observation(files), mode=mode)

        assert planned.cut_off == ()
        assert of(planned, "clients-cut-off") == []
        [note] = of(planned, "neighbour-note")
        assert "service gate passes TLS through" in note.message
        assert (note.path, "--san NAME" in (note.hint or "")) == ("nginx.conf", True)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("listen 443;", "listen 443 ssl;"),
            ("proxy_pass store;", "proxy_pass store; proxy_ssl on;"),
            ("stream {", "http {"),
            ("events {}", "http { server { location / { grpc_pass grpc://milvus:19530; } } }"),
            ("    proxy_pass store;\n  }\n}", "    proxy_pass store;\n  }"),
        ],
    )
    def test_one_that_speaks_tls_itself_or_http_is_named(self, old: str, new: str) -> None:
        text = self.STREAM.replace(old, new)
        planned = enable(observation({COMPOSE_FILE: MILVUS + self.GATE, "nginx.conf": text}))

        assert [one.service for one in planned.cut_off] == ["gate"]
        assert of(planned, "neighbour-note") == []

    @pytest.mark.parametrize(
        ("image", "line"),
        [
            ("nginx", "grpc_pass grpcs://milvus:19530; grpc_ssl_verify on; "),
            ("caddy", "reverse_proxy https://milvus:19530, and in its block"),
            (
                "haproxy",
                "server milvus milvus:19530 ssl verify required verifyhost milvus alpn h2 ",
            ),
            ("envoyproxy/envoy", "UpstreamTlsContext: trusted_ca /ca.pem"),
        ],
    )
    @pytest.mark.parametrize("mode", [1, 2])
    def test_the_lines_for_a_proxy_name_the_ca_as_its_container_sees_it(
        self, image: str, line: str, mode: int
    ) -> None:
        gate = f"  gate: {{image: {image}, volumes: ['./p.conf:/p.conf']}}\n"
        files = {COMPOSE_FILE: MILVUS + gate, "p.conf": "server milvus:19530\n"}
        [one] = enable(observation(files), mode=mode).cut_off

        assert line in one.needs
        assert "/ca.pem" in one.needs
        assert "cert/ca.pem, mounted there" in one.needs
        assert " cert/ca.pem" not in one.needs

    def test_files_are_not_searched_where_the_whole_project_is_mounted(self) -> None:
        app = "  app: {image: app, volumes: ['.:/app']}\n"
        files = {COMPOSE_FILE: MILVUS + ATTU + app, "nginx.conf": NGINX}

        planned = enable(observation(files), neighbours="list")
        assert [one.service for one in planned.cut_off] == ["attu"]

    def test_in_mode_2_tls_alone_is_not_enough(self) -> None:
        one_way = "  app: {image: app, environment: {MILVUS_URI: 'https://milvus:19530'%s}}\n"
        plain = observation(MILVUS + one_way % "")
        [found] = enable(plain, mode=2, neighbours="list").cut_off
        assert "compose-tls client app" in found.needs
        shown = one_way % ", MILVUS_CLIENT_PEM: /c.pem, MILVUS_CLIENT_KEY: /c.key"
        assert enable(observation(MILVUS + shown), mode=2).cut_off == ()

    @pytest.mark.parametrize(
        ("image", "name"),
        [
            ("ghcr.io/hkuds/lightrag:latest", "LightRAG"),
            ("ghcr.io/open-webui/open-webui:main", "Open WebUI"),
            ("langgenius/dify-api:1.4.0", "Dify"),
            ("ghcr.io/labring/fastgpt:v4.9", "FastGPT"),
        ],
    )
    def test_who_has_no_client_certificates_is_told_just_that_in_mode_2(
        self, image: str, name: str
    ) -> None:
        app = f"  app: {{image: '{image}', environment: ['MILVUS_URI=http://milvus:19530']}}\n"
        [mutual] = enable(observation(MILVUS + app), mode=2, neighbours="list").cut_off
        [one_way] = enable(observation(MILVUS + app), mode=1, neighbours="list").cut_off

        assert mutual.needs.startswith(f"{name} has no option for a client certificate")
        assert "client certificate" not in one_way.needs
        assert "https://milvus:19530" in one_way.needs

    HAPROXY = """\
defaults
  mode tcp
frontend f
  bind :443
  default_backend b
backend b
  server one milvus:19530 check
"""
    ENVOY = """\
filters: [{name: envoy.filters.network.tcp_proxy}]
endpoints: [{socket_address: {address: milvus, port_value: 19530}}]
"""
    TRAEFIK = """\
tcp:
  routers: {m: {rule: "HostSNI(`m.test`)", service: m, tls: {passthrough: true}}}
  services: {m: {loadBalancer: {servers: [{address: "milvus:19530"}]}}}
"""
    SOCAT = "  gate: {image: alpine/socat, command: 'tcp-listen:1,fork tcp-connect:milvus:19530'}\n"

    @pytest.mark.parametrize(
        ("text", "old", "new"),
        [
            (HAPROXY, "mode tcp", "mode http"),
            (HAPROXY, "bind :443", "bind :443 ssl crt /a.pem"),
            (HAPROXY, "milvus:19530 check", "milvus:19530 ssl verify none"),
            (HAPROXY, "backend b", "backend b\n  mode http"),
            (ENVOY, "tcp_proxy}]", "tcp_proxy}]\ntransport_socket: {}"),
            (ENVOY, "tcp_proxy", "http_connection_manager"),
            (TRAEFIK, "passthrough: true", "certResolver: le"),
            (
                '{"TCP": {"1": {"TCPForward": "milvus:19530"}}}',
                '"TCPF',
                '"TerminateTLS": "a", "TCPF',
            ),
        ],
    )
    def test_what_hands_on_the_bytes_is_not_cut_off_and_what_ends_tls_is(
        self, text: str, old: str, new: str
    ) -> None:
        gate = "  gate: {image: gate, volumes: ['./p.yaml:/p.yaml']}\n"
        left = [
            enable(observation({COMPOSE_FILE: MILVUS + gate, "p.yaml": found})).cut_off
            for found in (text, text.replace(old, new))
        ]

        assert [[one.service for one in each] for each in left] == [[], ["gate"]]

    def test_socat_hands_on_the_bytes_unless_it_ends_tls(self) -> None:
        assert enable(observation(MILVUS + self.SOCAT)).cut_off == ()
        for old, new in (("tcp-listen", "openssl-listen"), ("tcp-listen:1,fork ", "")):
            [one] = enable(observation(MILVUS + self.SOCAT.replace(old, new))).cut_off
            assert one.service == "gate"

    @pytest.mark.parametrize(
        ("labels", "left"),
        [
            (("routers.m.rule=HostSNI(`*`)",), []),
            (("routers.m.tls.passthrough=true",), []),
            (("routers.m.tls=true", "routers.m.tls.passthrough=true"), []),
            (("routers.m.tls=true",), ["edge"]),
            (("routers.m.tls.certresolver=le",), ["edge"]),
            (("routers.m.tls=true", "services.m.loadbalancer.server.tls=true"), []),
        ],
    )
    def test_labels_of_a_tcp_router_say_whether_it_ends_tls(
        self, labels: tuple[str, ...], left: list[str]
    ) -> None:
        said = ("services.m.loadbalancer.server.port=19530", *labels)
        text = "".join(f"traefik.tcp.{one}\n" for one in said)
        files = {
            COMPOSE_FILE: f"{MILVUS}    label_file: ./m.labels\n  edge: {{image: 'traefik:v3'}}\n",
            "m.labels": text,
        }
        assert [one.service for one in enable(observation(files)).cut_off] == left

    @pytest.mark.parametrize(
        ("service", "place"),
        [
            (
                "  app: {image: app, environment: {DB_HOST: vec.test, DB_PORT: '19530'}}",
                "vec.test:19530",
            ),
            (
                "  app: {image: app, network_mode: host, environment: {M_HOST: 'localhost:19540'}}",
                "localhost:19540",
            ),
            (
                "  app: {image: app, network_mode: 'service:milvus', command: '-c localhost:19530'}",
                "",
            ),
            ("  app: {image: app, depends_on: [milvus]}", "net:19530"),
        ],
    )
    def test_what_a_client_needs_names_milvus_as_it_reaches_it(
        self, service: str, place: str
    ) -> None:
        # Milvus is in the network of another service, and has no name of its own there.
        net = "  net: {image: vpn, hostname: vec.test, ports: ['19540:19530']}\n"
        text = f"{MILVUS}    network_mode: service:net\n{net}{service}\n"
        [one] = enable(observation(text)).cut_off

        assert one.needs.startswith(f"https://{place or 'localhost:19530'} ")

    @pytest.mark.parametrize(
        "command",
        ["[tcp, 'milvus:19530']", "tunnel --url tcp://milvus:19530", "TCP-L:1 TCP:milvus:19530"],
    )
    def test_a_tunnel_for_tcp_hands_on_the_bytes(self, command: str) -> None:
        planned = enable(observation(f"{MILVUS}  gate: {{image: gate, command: {command}}}\n"))

        assert planned.cut_off == ()
        assert "gate passes TLS through" in of(planned, "neighbour-note")[0].message

    @pytest.mark.parametrize(
        ("said", "image", "left"),
        [
            (
                "labels: {caddy.reverse_proxy: 'h2c://{{upstreams 19530}}'}",
                "me/caddy-docker-proxy",
                True,
            ),
            ("labels: {caddy_1.handle.reverse_proxy: '{{upstreams h2c}}'}", "caddy", True),
            ("labels: {caddy.reverse_proxy: '{{upstreams https 19530}}'}", "caddy", False),
            ("labels: {caddy.reverse_proxy: '{{upstreams 9091}}'}", "caddy", False),
            (
                "environment: {VIRTUAL_HOST: m.test, VIRTUAL_PORT: '19530'}",
                "nginxproxy/nginx-proxy",
                True,
            ),
            (
                "environment: [VIRTUAL_HOST=m.test, VIRTUAL_PROTO=grpcs, VIRTUAL_PORT=19530]",
                "nginx-proxy",
                False,
            ),
            ("environment: [VIRTUAL_HOST=m.test, VIRTUAL_PORT=9091]", "nginx-proxy", False),
        ],
    )
    def test_what_milvus_tells_other_proxies_names_them(
        self, said: str, image: str, left: bool
    ) -> None:
        planned = enable(observation(f"{MILVUS}    {said}\n  gate: {{image: '{image}'}}\n"))

        assert [one.service for one in planned.cut_off] == (["gate"] if left else [])

    def test_the_address_of_the_engine_counts_under_any_name_and_needs_a_name(self) -> None:
        app = "  app: {image: app, environment: {VEC: 'http://172.17.0.1:19530'}}\n"
        [one] = enable(observation(MILVUS + app)).cut_off
        assert one.needs.endswith("has to hold that name: --san 172.17.0.1")
        [one] = enable(observation(MILVUS + app), san=("172.17.0.1",)).cut_off
        assert "--san" not in one.needs

    @pytest.mark.parametrize("kind", ["secrets", "configs"])
    def test_what_only_swarm_has_is_told(self, kind: str) -> None:
        text = f"{MILVUS}    {kind}: [{{source: s3, target: /x}}]\n{kind}: {{s3: {{external: true}}}}\n"
        [warning] = of(enable(observation(text)), "swarm-only")
        assert "service milvus uses s3, which is external" in warning.message
        mine = text.replace("external: true", "file: ./s3")
        assert not of(enable(observation(mine)), "swarm-only")

    @pytest.mark.parametrize(
        ("line", "told"),
        [("scale: 0", True), ("deploy: {replicas: '${N:-0}'}", True), ("scale: 2", False)],
    )
    def test_that_the_next_step_would_start_nothing_is_told(self, line: str, *, told: bool) -> None:
        planned = enable(observation(f"{MILVUS}    {line}\n"))
        found = [one.hint for one in of(planned, "no-replicas")]
        assert found == ["set replicas of milvus to 1 (deploy.replicas, or scale)"] * told

    def test_labels_of_milvus_name_the_traefik_in_front(self) -> None:
        labels = "    labels: ['traefik.http.services.m.loadbalancer.server.port=19530']\n"
        planned = enable(observation(MILVUS + labels + "  edge: {image: 'traefik:v3'}\n"))

        [one] = planned.cut_off
        assert one.service == "edge"
        assert "serversTransport" in one.needs
        over_tls = labels.replace(
            "']", "', 'traefik.http.services.m.loadbalancer.server.scheme=https']"
        )
        assert enable(observation(MILVUS + over_tls)).cut_off == ()


APP = "  app:\n    build: .\n"


class TestBuildContexts:
    WATCHED = (
        "  web:\n    build: ./web\n    develop:\n      watch:\n"
        "        - {path: ., action: sync, target: /app, ignore: [node_modules/]}\n"
        "        - {path: ./web, action: rebuild}\n"
    )

    def test_what_watch_copies_into_a_container_is_one(self) -> None:
        [warning] = of(enable(observation(MILVUS + self.WATCHED)), "keys-in-build-context")

        assert "docker compose watch copies . into the container of service web" in warning.message
        assert (warning.hint, warning.line) == ("add cert/ and tls/ to ignore there", 8)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("node_modules/", "cert/, tls/"),
            ("node_modules/", "'**/*.key'"),
            ("path: .,", "path: ./web,"),
            ("action: sync", "action: rebuild"),
        ],
    )
    def test_what_it_leaves_out_or_does_not_copy_is_none(self, old: str, new: str) -> None:
        text = MILVUS + self.WATCHED.replace(old, new)
        assert not of(enable(observation(text)), "keys-in-build-context")

    def test_what_the_context_leaves_out_it_leaves_out_too(self) -> None:
        text = MILVUS + self.WATCHED.replace("build: ./web", "build: .")
        files = {COMPOSE_FILE: text, ".dockerignore": "cert\ntls\n"}
        assert not of(enable(observation(files)), "keys-in-build-context")

    def test_one_with_keys_in_it_is_named_with_the_lines(self) -> None:
        [warning] = of(enable(observation(MILVUS + APP)), "keys-in-build-context")

        assert (warning.path, warning.line) == (COMPOSE_FILE, 6)
        assert "cert/ and tls/ to .dockerignore" in (warning.hint or "")

    @pytest.mark.parametrize(
        ("ignored", "missing"),
        [
            ("cert\ntls\n", None),
            ("/cert/\n/tls/\n", None),
            ("**/*.key\n", None),
            ("*\n!src\n", None),
            ("# all\ncert/*\ntls\n", None),
            ("cert\n", "line tls/"),
            ("*\n!cert\n", "line cert/"),
            ("*.key\n", "lines cert/ and tls/"),
        ],
    )
    def test_what_is_left_out_already_is_fine(self, ignored: str, missing: str | None) -> None:
        files = {COMPOSE_FILE: MILVUS + APP, ".dockerignore": ignored}
        found = of(enable(observation(files)), "keys-in-build-context")

        assert bool(found) == (missing is not None)
        assert not missing or missing in (found[0].hint or "")

    @pytest.mark.parametrize(
        ("line", "takes"),
        [
            ("COPY . /app", "cert/ and tls/"),
            ("ADD ./ /app", "cert/ and tls/"),
            ('copy --chown=1 [".", "/app"]', "cert/ and tls/"),
            ("COPY src * /app/", "cert/ and tls/"),
            ("COPY */*.key /app/", "cert/ and tls/"),
            ("COPY src \\\n  ../tls /app/", "tls/"),
            ("COPY cert/client.key /app/", "cert/"),
            ("COPY $WHAT /app/", "cert/ and tls/"),
            ("ONBUILD COPY . /app", "cert/ and tls/"),
            ("RUN --mount=target=/src cp -r /src /app", "cert/ and tls/"),
            ("RUN --mount=type=bind,target=/src cp -r /src /app", "cert/ and tls/"),
            ("RUN --mount=type=cache,target=/var/cache/apt true", None),
            ("COPY requirements.txt src/ certs /app/", None),
            ("COPY cert/ca.pem /app/", None),
            ("COPY --from=builder . /app", None),
            ("# COPY . /app", None),
        ],
    )
    def test_only_what_the_dockerfile_copies_gets_into_the_image(
        self, line: str, takes: str | None
    ) -> None:
        files = {COMPOSE_FILE: MILVUS + APP, "Dockerfile": f"FROM python:3.12\n{line}\n"}
        inline = MILVUS + "  app:\n    build:\n      context: .\n      dockerfile_inline: |\n"
        inline += "".join(f"        {one}\n" for one in files["Dockerfile"].splitlines())

        for project in (files, inline.replace("$", "$$")):
            found = of(enable(observation(project)), "keys-in-build-context")
            hints = [(one.hint or "").partition(" to ")[0] for one in found]
            lines = f"add the line{'s' if ' ' in takes else ''} {takes}" if takes else None
            assert hints == ([lines] if lines else [])

    @pytest.mark.parametrize(
        "build",
        ["./app", "https://github.com/a/b.git", "{context: app, dockerfile: ../Dockerfile}"],
    )
    def test_a_context_without_keys_is_fine(self, build: str) -> None:
        planned = enable(observation(f"{MILVUS}  app:\n    build: {build}\n"))

        assert not of(planned, "keys-in-build-context")

    def test_the_file_of_the_dockerfile_goes_first(self) -> None:
        files = {
            COMPOSE_FILE: f"{MILVUS}  app:\n    build: {{context: ., dockerfile: app.Dockerfile}}\n",
            ".dockerignore": "cert\ntls\n",
            "app.Dockerfile.dockerignore": "node_modules\n",
        }
        [warning] = of(enable(observation(files)), "keys-in-build-context")

        assert "app.Dockerfile.dockerignore" in (warning.hint or "")

    @given(patterns=st.lists(st.text(alphabet="*?[]!/\\.abcert", max_size=12), max_size=4))
    def test_any_pattern_can_be_read(self, patterns: list[str]) -> None:
        assert is_left_out(Path("cert/ca.key"), [*patterns, "cert"])
        assert not is_left_out(Path("cert/ca.key"), [*patterns, "!cert"])


class TestMountedKeys:
    def test_a_container_that_would_see_them_is_named_before_they_are_made(self) -> None:
        app = "  app: {image: app, volumes: ['.:/app']}\n"
        [warning] = of(enable(observation(MILVUS + app)), "key-mounted")

        assert "service app mounts cert/" in warning.message
        assert warning.line == 5

    def test_milvus_itself_gets_to_see_none(self) -> None:
        assert not of(enable(observation(MILVUS)), "key-mounted")

from pathlib import Path

import pytest

from compose_tls.compose.service import Service
from tests.unit.builders import DIRECTORY, observation, service

ENVIRONMENT = {"FROM_SHELL": "shell", "TLS": "1"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("{A: x, B: 1, C: true}", {"A": "x", "B": "1", "C": "true"}),
        (
            "{A: '${TLS:-0}', common.security.tlsMode: 2}",
            {"A": "1", "common.security.tlsMode": "2"},
        ),
        ("[A=x, B=, 'C=a=b']", {"A": "x", "B": "", "C": "a=b"}),
        ("['A=${TLS}', '$TLS=one']", {"A": "1", "1": "one"}),
        ("{FROM_SHELL: null, MISSING: }", {"FROM_SHELL": "shell", "MISSING": None}),
        ("[FROM_SHELL, MISSING]", {"FROM_SHELL": "shell", "MISSING": None}),
        ("[A=1, A=2]", {"A": "2"}),
        ("{A: [1]}", {"A": None}),
        ("[[A=1]]", {}),
        ("text", {}),
        ("null", {}),
    ],
)
def test_the_environment_is_read_as_map_and_as_list(
    environment: str, expected: dict[str, str | None]
) -> None:
    text = f"services: {{milvus: {{environment: {environment}}}}}"
    found = service(text, variables=ENVIRONMENT).environment()

    assert {variable.name: variable.value for variable in found} == expected


def test_a_variable_knows_its_place() -> None:
    found = service("""\
        services:
          milvus:
            image: x
            environment:
              - A=${TLS}
              - B=2
        """).environment()

    assert [(v.name, v.line, v.item) for v in found] == [("A", 5, "A=${TLS}"), ("B", 6, "B=2")]


@pytest.mark.parametrize(
    ("env_file", "expected"),
    [
        ("one.env", ["one.env"]),
        ("[one.env, ./sub/two.env]", ["one.env", "sub/two.env"]),
        ("[{path: one.env, required: false}, two.env]", ["one.env", "two.env"]),
        ("'${TLS}.env'", ["1.env"]),
        ("[{required: false}]", []),
        ("null", []),
    ],
)
def test_env_files_are_found(env_file: str, expected: list[str]) -> None:
    text = f"services: {{milvus: {{env_file: {env_file}}}}}"

    assert service(text, variables=ENVIRONMENT).env_files() == [DIRECTORY / p for p in expected]


def test_the_environment_wins_over_env_files_and_a_later_one_over_an_earlier() -> None:
    files = {
        "docker-compose.yml": "services: {milvus: {env_file: [a.env, b.env, gone.env],"
        " environment: [C=c]}}",
        "a.env": "A=1\nB=1\nC=1\n",
        "b.env": "B=2\nD=$TLS\n",
    }
    found = service(files, variables=ENVIRONMENT).container_variables(observation(files).content)

    assert found == {"A": "1", "B": "2", "C": "c", "D": "1"}


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("[milvus, run, standalone]", ["milvus", "run", "standalone"]),
        ("milvus run standalone", ["milvus", "run", "standalone"]),
        ("\"bash -c 'milvus run standalone'\"", ["bash", "-c", "milvus run standalone"]),
        ('"it\'s broken"', ["it's", "broken"]),
        ("['${TLS}', [nested], a]", ["1", "a"]),
        ("{a: b}", []),
        ("null", []),
    ],
)
def test_a_command_is_a_list_of_words_in_every_form(command: str, expected: list[str]) -> None:
    text = f"services: {{milvus: {{command: {command}}}}}"

    assert service(text, variables=ENVIRONMENT).words("command") == expected


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ("{default: {aliases: [a, '${TLS}']}, other: {aliases: [b]}}", ["a", "1", "b"]),
        ("{default: {aliases: &a [a]}, other: &o {aliases: *a}, third: *o}", ["a", "a", "a"]),
        ("{default: null, other: {}}", []),
        ("{default: {aliases: a}}", []),
        ("[default]", []),
    ],
)
def test_network_aliases_are_found(networks: str, expected: list[str]) -> None:
    text = f"services: {{milvus: {{networks: {networks}}}}}"

    assert service(text, variables=ENVIRONMENT).aliases() == expected


@pytest.mark.parametrize(
    ("networks", "expected"),
    [
        ("[a, '${TLS}']", ["a", "1"]),
        ("{a: {aliases: [x]}, b: null}", ["a", "b"]),
        ("null", []),
    ],
)
def test_networks_are_found(networks: str, expected: list[str]) -> None:
    text = f"services: {{milvus: {{networks: {networks}}}}}"

    assert service(text, variables=ENVIRONMENT).networks() == expected


def test_networks_of_two_files_are_joined() -> None:
    files = {
        "a.yml": "services: {milvus: {image: x, networks: [a, b]}}",
        "b.yml": "services: {milvus: {networks: {b: null, c: null}}}",
    }

    found = service(files, compose_files=("a.yml", "b.yml")).networks()

    assert found == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("profiles", "expected"), [("[a, b]", ["a", "b"]), ("['${TLS}']", ["1"]), ("null", [])]
)
def test_profiles_are_found(profiles: str, expected: list[str]) -> None:
    text = f"services: {{milvus: {{profiles: {profiles}}}}}"

    assert service(text, variables=ENVIRONMENT).profiles() == expected


@pytest.mark.parametrize(
    ("first", "second", "main"),
    [
        ("{image: x}", "{image: y}", "a.yml"),
        ("{user: '1'}", "{image: y}", "b.yml"),
        ("{user: '1'}", "{build: .}", "b.yml"),
        ("{user: '1'}", "{user: '2'}", "a.yml"),
    ],
)
def test_edits_go_to_the_file_that_says_what_runs(first: str, second: str, main: str) -> None:
    files = {f"{n}.yml": f"services: {{milvus: {f}}}" for n, f in (("a", first), ("b", second))}

    assert service(files, compose_files=("a.yml", "b.yml")).main.file == Path(DIRECTORY / main)


def test_a_single_value_is_interpolated_and_a_list_is_none() -> None:
    text = "services: {milvus: {image: 'x:${TLS}', user: [1]}}"
    found = service(text, variables=ENVIRONMENT)

    assert (found.text("image"), found.text("user"), found.text("hostname")) == ("x:1", None, None)


def milvus(says: str, *, more: str = "") -> Service:
    """A service that says this, in one file or in two."""
    files = {"a.yml": f"services: {{milvus: {says}}}"}
    if more:
        files["sub/b.yml"] = f"services: {{milvus: {more}}}"
    return service(files, compose_files=tuple(files), variables=ENVIRONMENT)


@pytest.mark.parametrize(
    ("says", "more", "words"),
    [
        ("{healthcheck: {test: [CMD, curl, '${TLS}']}}", "", ["CMD", "curl", "1"]),
        ("{healthcheck: {test: curl -f x}}", "", ["CMD-SHELL", "curl -f x"]),
        ("{healthcheck: {test: [NONE]}}", "", ["NONE"]),
        ("{healthcheck: {test: a}}", "{healthcheck: {interval: 3s}}", ["CMD-SHELL", "a"]),
        ("{healthcheck: {test: a}}", "{healthcheck: {test: b}}", ["CMD-SHELL", "b"]),
        ("{healthcheck: {test: a}}", "{healthcheck: {disable: true}}", ["NONE"]),
        ("{healthcheck: {disable: true}}", "{healthcheck: {disable: false, test: [a]}}", ["a"]),
    ],
)
def test_the_test_of_a_health_check_is_found(says: str, more: str, words: list[str]) -> None:
    found = milvus(says, more=more).healthcheck_test()

    assert found is not None
    assert found.words == words


@pytest.mark.parametrize(
    "says", ["{image: x}", "{healthcheck: {interval: 3s}}", "{healthcheck: {test: null}}"]
)
def test_a_health_check_of_the_image_is_not_ours_to_know(says: str) -> None:
    assert milvus(says).healthcheck_test() is None


def test_a_health_check_that_is_reset_is_gone_and_another_knows_its_place() -> None:
    text = "services:\n  milvus:\n    healthcheck:\n      interval: 3s\n      test: [CMD, a]\n"
    found = service(text).healthcheck_test()
    gone = milvus("{healthcheck: {test: a}}", more="{healthcheck: !reset null}")

    assert found is not None
    assert (found.file, found.line) == (DIRECTORY / "docker-compose.yml", 5)
    assert gone.healthcheck_test() is None


@pytest.mark.parametrize(
    ("says", "more", "expected"),
    [
        ("{depends_on: [etcd, '${TLS}']}", "", ["etcd", "1"]),
        ("{depends_on: [etcd]}", "{depends_on: {minio: {}, etcd: {}}}", ["etcd", "minio"]),
        ("{image: x}", "", []),
    ],
)
def test_what_a_service_depends_on_is_found(says: str, more: str, expected: list[str]) -> None:
    assert milvus(says, more=more).depends_on() == expected


@pytest.mark.parametrize(
    ("says", "more", "expected"),
    [
        ("{labels: {a: 1, b: '${TLS}', c: null}}", "", {"a": "1", "b": "1", "c": ""}),
        ("{labels: [a=1, b, 'c=d=e']}", "", {"a": "1", "b": "", "c": "d=e"}),
        ("{labels: [a=1, b=1]}", "{labels: {b: 2}}", {"a": "1", "b": "2"}),
        ("{image: x}", "", {}),
    ],
)
def test_labels_are_found(says: str, more: str, expected: dict[str, str]) -> None:
    assert milvus(says, more=more).labels(lambda _: None) == expected


def test_links_are_found_by_the_name_that_is_called() -> None:
    assert milvus("{links: [etcd, 'minio:store']}").links() == {"etcd": "etcd", "store": "minio"}


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ("['a:10.0.0.1', 'b=10.0.0.2']", {"a": ["10.0.0.1"], "b": ["10.0.0.2"]}),
        ("['a=::1', 'b:::1', 'c=[::1]']", {"a": ["::1"], "b": ["::1"], "c": ["::1"]}),
        ("{a: 10.0.0.1, b: [10.0.0.2, '::1']}", {"a": ["10.0.0.1"], "b": ["10.0.0.2", "::1"]}),
        ("['a:10.0.0.1', 'a:10.0.0.2']", {"a": ["10.0.0.1", "10.0.0.2"]}),
        ("['host.docker.internal:host-gateway']", {"host.docker.internal": ["host-gateway"]}),
        ("null", {}),
    ],
)
def test_extra_hosts_are_found_in_every_form(hosts: str, expected: dict[str, list[str]]) -> None:
    assert milvus(f"{{extra_hosts: {hosts}}}").extra_hosts() == expected


@pytest.mark.parametrize(
    ("says", "more", "context", "dockerfile"),
    [
        ("{build: .}", "", "/project", "Dockerfile"),
        ("{build: ./images/../app}", "", "/project/app", "Dockerfile"),
        ("{build: {context: app, dockerfile: X.Dockerfile}}", "", "/project/app", "X.Dockerfile"),
        ("{build: {dockerfile: X}}", "", "/project", "X"),
        ("{build: {context: a, dockerfile: X}}", "{build: {context: b}}", "/project/b", "X"),
        ("{build: {context: a}}", "{build: {dockerfile: X}}", "/project/a", "X"),
        ("{build: '${TLS}'}", "", "/project/1", "Dockerfile"),
    ],
)
def test_the_build_context_is_found(says: str, more: str, context: str, dockerfile: str) -> None:
    found = milvus(says, more=more).build_context()

    assert found is not None
    assert (found.context, found.dockerfile) == (Path(context), dockerfile)


@pytest.mark.parametrize(
    "says",
    [
        "{image: x}",
        "{build: 'https://github.com/a/b.git'}",
        "{build: 'git@github.com:a/b.git'}",
        "{build: {context: github.com/a/b}}",
    ],
)
def test_a_context_that_is_fetched_is_none(says: str) -> None:
    assert milvus(says).build_context() is None


def test_static_addresses_are_found() -> None:
    networks = (
        "{a: {ipv4_address: 10.0.0.5, ipv6_address: '::5'}, b: null, c: {ipv4_address: 1.2.3.4}}"
    )

    assert milvus(f"{{networks: {networks}}}").static_addresses() == ["10.0.0.5", "::5", "1.2.3.4"]
    assert milvus("{networks: [a]}").static_addresses() == []


def test_what_a_service_is_asked_again_is_not_worked_out_again() -> None:
    files = {
        "docker-compose.yml": "services: {milvus: {env_file: a.env, environment: [B=1],"
        " volumes: ['./a:/a']}}",
        "a.env": "A=1\n",
    }
    seen = observation(files)
    reads: list[Path] = []

    class Reader:
        def content(self, path: Path) -> bytes | None:
            reads.append(path)
            return seen.content(path)

    found, reader = service(files), Reader()
    first = found.container_variables(reader.content)
    first["C"] = "a caller's own"
    mounts = found.mounts()

    assert found.container_variables(reader.content) == {"A": "1", "B": "1"}
    assert reads == [DIRECTORY / "a.env"]
    assert [a is b for a, b in zip(found.mounts(), mounts, strict=True)] == [True]
    assert found.container_variables(lambda _: None) == {"B": "1"}

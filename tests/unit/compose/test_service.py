from pathlib import Path

import pytest

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

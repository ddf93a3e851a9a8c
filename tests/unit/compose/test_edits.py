from pathlib import Path

import pytest

from compose_tls.compose.edits import (
    Destination,
    MountOrder,
    add_mounts,
    as_written,
    change_variable,
    escaped,
    publish,
    set_variables,
)
from compose_tls.errors import EditRefused
from compose_tls.yamlpatch.intent import Append, Intent, Put, RemoveItem, Text
from tests.unit.builders import DIRECTORY, project

TLS = MountOrder(DIRECTORY / "tls", "/milvus/tls")
PREFIX = "${DOCKER_VOLUME_DIRECTORY:-.}"


def mount(
    volumes: str,
    order: MountOrder = TLS,
    others: str = "",
    variables: dict[str, str] | None = None,
) -> str | dict[str, str]:
    """What is added to a service with these volumes."""
    text = f"services: {{milvus: {{image: x, volumes: {volumes}}}{others}}}"
    found = project(text, variables={"PWD": str(DIRECTORY), **(variables or {})})
    service = found.services["milvus"]
    [intent] = add_mounts(service, [order], Destination.main(service, "volumes"))
    assert isinstance(intent, Append)
    assert intent.route == ("services", "milvus", "volumes")
    return _plain(intent)


def _plain(intent: Append) -> str | dict[str, str]:
    if isinstance(intent.item, Text):
        return intent.item.value
    return {name: text.value for name, text in intent.item.items()}


@pytest.mark.parametrize(
    "volumes", ["null", "[]", "[data:/d]", "[/d]", "['/abs:/d']", "['../x:/d']"]
)
def test_a_mount_is_written_relative_to_the_file(volumes: str) -> None:
    assert mount(volumes) == "./tls:/milvus/tls"


@pytest.mark.parametrize(
    ("prefix", "variables"),
    [
        (PREFIX, {}),
        (PREFIX, {"DOCKER_VOLUME_DIRECTORY": "/data"}),
        (PREFIX, {"DOCKER_VOLUME_DIRECTORY": "./sub"}),
        ("${A:-${B:-.}}", {}),
        ("${A:-/project}", {}),
        ("${UNSET}", {}),
        ("${PWD}", {}),
        ("$PWD", {}),
    ],
)
def test_no_variable_of_the_neighbours_is_taken_over(
    prefix: str, variables: dict[str, str]
) -> None:
    assert mount(f"['{prefix}/volumes:/d']", variables=variables) == "./tls:/milvus/tls"


def again(written: str | dict[str, str], variables: dict[str, str] | None = None) -> object:
    """How a second enable spells the mount that an earlier version wrote like that."""
    text = "services: {milvus: {image: x}}"
    found = project(text, variables={"PWD": str(DIRECTORY), **(variables or {})})
    route = ("services", "milvus", "volumes")
    item: Text | dict[str, Text] = Text("./tls:/milvus/tls", string=True)
    if not isinstance(written, str):
        item = {name: Text(text) for name, text in LONG.items()}
    [intent] = as_written([Append(route, item)], [(route, written)], found)
    assert isinstance(intent, Append)
    return _plain(intent)


@pytest.mark.parametrize("prefix", [PREFIX, "${A:-${B:-.}}", "${A:-.}", "${A:-/project}"])
def test_a_prefix_of_an_earlier_version_stays_where_it_means_the_directory(prefix: str) -> None:
    assert again(f"{prefix}/tls:/milvus/tls") == f"{prefix}/tls:/milvus/tls"
    long = {**LONG, "source": f"{prefix}/tls"}
    assert again(long) == long


@pytest.mark.parametrize(
    ("prefix", "variables"),
    [
        (PREFIX, {"DOCKER_VOLUME_DIRECTORY": "/data"}),
        (PREFIX, {"DOCKER_VOLUME_DIRECTORY": "./sub"}),
        ("${A:-..}", {}),
        ("${A:-/data}", {}),
        ("${UNSET}", {}),
        ("$UNSET", {}),
        ("${A:-.}${B}", {}),
        # These do, for whoever calls Compose from there alone.
        ("${PWD}", {}),
        ("$PWD", {}),
        ("${PWD:?set it}", {}),
        ("${PWD:-.}", {"PWD": "/elsewhere"}),
        ("${HERE}", {"HERE": "."}),
    ],
)
def test_a_prefix_of_an_earlier_version_that_means_another_place_goes(
    prefix: str, variables: dict[str, str]
) -> None:
    assert again(f"{prefix}/tls:/milvus/tls", variables) == "./tls:/milvus/tls"
    assert again({**LONG, "source": f"{prefix}/tls"}, variables) == LONG


def test_another_mount_of_an_earlier_version_is_not_taken_for_it() -> None:
    assert again(f"{PREFIX}/tls:/certs") == "./tls:/milvus/tls"
    assert again(f"{PREFIX}/tls:/milvus/tls:ro") == "./tls:/milvus/tls"


@pytest.mark.parametrize(
    ("volumes", "options"),
    [
        ("['./a.yaml:/milvus/configs/user.yaml:ro']", ":ro"),
        ("['./a.yaml:/c:ro', './d:/var/lib/milvus', named:/n]", ":ro"),
        ("['./a.yaml:/c:ro', './b.yaml:/d']", ""),
        ("['./d:/var/lib/milvus:ro']", ""),
        ("['./a:/a:z', './d:/var/lib/milvus:z']", ":z"),
        ("['./a:/a:Z']", ":z"),
        ("['./a:/a:ro,z']", ":ro,z"),
        ("['./a:/a:z', './b:/b']", ""),
        ("[named:/n:z]", ""),
    ],
)
def test_options_that_all_neighbours_share_are_taken_over(volumes: str, options: str) -> None:
    assert mount(volumes) == f"./tls:/milvus/tls{options}"


def test_what_has_to_be_writable_is_not_made_read_only() -> None:
    order = MountOrder(DIRECTORY / "milvus.yaml", "/m", read_only_allowed=False)

    assert mount("['./a:/a:ro,z']", order) == "./milvus.yaml:/m:z"


LONG = {"type": "bind", "source": "./tls", "target": "/milvus/tls"}


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ("[{type: bind, source: ./a, target: /a}]", LONG),
        ("[{type: volume, source: a, target: /a}]", LONG),
        ("[{type: bind, source: ./a, target: /a, read_only: true}]", LONG | {"read_only": "true"}),
        ("[{type: bind, source: ./a, target: /a, bind: {selinux: z}}]", "./tls:/milvus/tls:z"),
        ("[{type: bind, source: ./a, target: /a}, data:/d]", "./tls:/milvus/tls"),
    ],
)
def test_long_syntax_is_used_where_all_neighbours_have_it(
    volumes: str, expected: str | dict[str, str]
) -> None:
    assert mount(volumes) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (MountOrder(DIRECTORY / "a/b", "/t"), "./a/b:/t"),
        (MountOrder(Path("/elsewhere/tls"), "/t"), "../elsewhere/tls:/t"),
        (MountOrder(Path("/elsewhere/tls"), "/t", absolute=True), "/elsewhere/tls:/t"),
        (MountOrder(DIRECTORY / "tls", "/t", absolute=True), "./tls:/t"),
        (MountOrder(DIRECTORY / "a$b", "/t"), "./a$$b:/t"),
        (MountOrder(Path("/a$b"), "/t"), "../a$$b:/t"),
        (MountOrder(Path("/a$b"), "/t", absolute=True), "/a$$b:/t"),
        (MountOrder(DIRECTORY / "a:b", "/t"), {"type": "bind", "source": "./a:b", "target": "/t"}),
    ],
)
def test_a_path_is_written_so_that_compose_finds_it(
    order: MountOrder, expected: str | dict[str, str]
) -> None:
    assert mount("null", order) == expected


def test_an_included_file_has_paths_of_its_own() -> None:
    files = {
        "docker-compose.yml": "include: [sub/a.yml]",
        "sub/a.yml": "services: {milvus: {image: x}}",
    }
    found = project(files)
    service = found.services["milvus"]
    [intent] = add_mounts(service, [TLS], Destination.main(service, "volumes"))

    assert isinstance(intent, Append)
    assert _plain(intent) == "../tls:/milvus/tls"


def variables(environment: str) -> list[Intent]:
    text = f"services: {{milvus: {{image: x, environment: {environment}}}}}"
    service = project(text).services["milvus"]
    return set_variables(service, {"A": "1", "B": "x$y"}, Destination.main(service, "environment"))


ROUTE = ("services", "milvus", "environment")


@pytest.mark.parametrize("environment", ["null", "{}", "{C: 1}"])
def test_variables_are_put_into_a_mapping(environment: str) -> None:
    assert variables(environment) == [
        Put((*ROUTE, "A"), Text("1", string=True)),
        Put((*ROUTE, "B"), Text("x$$y", string=True)),
    ]


@pytest.mark.parametrize("environment", ["[]", "[C=1]"])
def test_variables_are_appended_to_a_list(environment: str) -> None:
    assert variables(environment) == [
        Append(ROUTE, Text("A=1", string=True)),
        Append(ROUTE, Text("B=x$$y", string=True)),
    ]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ("{A: 0}", [Put((*ROUTE, "A"), Text("2$$", string=True))]),
        ("[A=0]", [RemoveItem(ROUTE, "A=0"), Append(ROUTE, Text("A=2$$", string=True))]),
        ("[A]", [RemoveItem(ROUTE, "A"), Append(ROUTE, Text("A=2$$", string=True))]),
        ("['A=$B']", [RemoveItem(ROUTE, "A=$B"), Append(ROUTE, Text("A=2$$", string=True))]),
    ],
)
def test_a_variable_is_changed_where_it_stands(environment: str, expected: list[Intent]) -> None:
    text = f"services: {{milvus: {{image: x, environment: {environment}}}}}"
    service = project(text).services["milvus"]

    assert change_variable(service, service.environment()[0], escaped("2$")) == expected


@pytest.mark.parametrize(
    ("host_ip", "entry"),
    [(None, "8080:8080"), ("127.0.0.1", "127.0.0.1:8080:8080"), ("::1", "[::1]:8080:8080")],
)
def test_a_port_is_published_under_its_own_number(host_ip: str | None, entry: str) -> None:
    service = project("services: {milvus: {image: x}}").services["milvus"]
    [intent] = publish(service, 8080, host_ip, Destination.main(service, "ports"))

    assert intent == Append(("services", "milvus", "ports"), Text(entry, string=True))


@pytest.mark.parametrize(
    ("field", "value"), [("volumes", "[./a:/a]"), ("environment", "{A: 1}"), ("ports", "['1:1']")]
)
def test_a_list_that_a_merge_key_brings_in_is_not_replaced(field: str, value: str) -> None:
    text = f"x-a: &a\n  {field}: {value}\nservices:\n  milvus:\n    <<: *a\n    image: x\n"
    found = project(text)
    service = found.services["milvus"]
    into = Destination.main(service, field)
    with pytest.raises(EditRefused) as caught:
        {
            "volumes": lambda: add_mounts(service, [TLS], into),
            "environment": lambda: set_variables(service, {"A": "1"}, into),
            "ports": lambda: publish(service, 1, None, into),
        }[field]()

    assert field in caught.value.message
    assert (caught.value.path, caught.value.line) == ("docker-compose.yml", 2)


class TestDestination:
    FILES = (
        "services: {milvus: {image: x, volumes: [./a:/a]}}",
        "services: {milvus: {user: '1', ports: !override ['1:1']}}",
    )

    def project(self) -> tuple[Destination, Destination]:
        files = dict(zip(("a.yml", "b.yml"), self.FILES, strict=True))
        service = project(files, compose_files=("a.yml", "b.yml")).services["milvus"]
        return Destination.main(service, "volumes"), Destination.main(service, "ports")

    def test_is_the_file_with_the_image(self) -> None:
        assert self.project()[0].file == DIRECTORY / "a.yml"

    def test_is_a_later_file_where_that_drops_what_is_in_the_main_one(self) -> None:
        assert self.project()[1].file == DIRECTORY / "b.yml"

    def test_is_not_a_file_before_the_main_one(self) -> None:
        texts = ("services: {milvus: {ports: !override ['1:1']}}", "services: {milvus: {image: x}}")
        files = dict(zip(("a.yml", "b.yml"), texts, strict=True))
        service = project(files, compose_files=("a.yml", "b.yml")).services["milvus"]

        assert Destination.main(service, "ports").file == DIRECTORY / "b.yml"

    @pytest.mark.parametrize(("name", "there"), [("b.yml", True), ("new.yml", False)])
    def test_can_be_an_override_file(self, name: str, there: bool) -> None:
        files = dict(zip(("a.yml", "b.yml"), self.FILES, strict=True))
        found = project(files, compose_files=("a.yml", "b.yml"))
        service = found.services["milvus"]
        into = Destination.override(service, DIRECTORY / name)

        assert (into.definition is not None) == there
        [intent] = add_mounts(service, [TLS], into)
        assert isinstance(intent, Append)
        assert _plain(intent) == "./tls:/milvus/tls"

from pathlib import Path

import pytest

from compose_tls.errors import ComposeFileNotFound, NotAComposeFile, YamlSyntax
from tests.unit.builders import DIRECTORY, project, service

BASE = "services: {milvus: {image: base, volumes: ['./base:/b', './both:/t']}}"


def test_services_come_in_the_order_of_the_files() -> None:
    files = {"a.yml": "services: {one: {}, two: {}}", "b.yml": "services: {three: {}, one: {}}"}
    found = project(files, compose_files=("a.yml", "b.yml"))

    assert list(found.services) == ["one", "two", "three"]
    assert len(found.services["one"].definitions) == 2


def test_a_later_file_wins_field_by_field() -> None:
    files = {
        "a.yml": "services: {milvus: {image: a, user: '1', command: [x]}}",
        "b.yml": "services: {milvus: {image: b, command: run, user: null}}",
    }
    found = service(files, compose_files=("a.yml", "b.yml"))

    assert (found.text("image"), found.text("user"), found.words("command")) == ("b", "1", ["run"])


def test_paths_of_every_file_are_relative_to_the_first_one() -> None:
    files = {"a/a.yml": BASE, "b/b.yml": "services: {milvus: {volumes: ['./c:/t']}}"}
    found = service(files, compose_files=("a/a.yml", "b/b.yml"))

    hosts = {mount.target: mount.host_path for mount in found.mounts()}
    assert hosts == {"/b": DIRECTORY / "a/base", "/t": DIRECTORY / "a/c"}


@pytest.mark.parametrize(
    ("field", "mounts"),
    [
        ("volumes: ['./c:/c']", ["/b", "/t", "/c"]),
        ("volumes: !override ['./c:/c']", ["/c"]),
        ("volumes: !reset []", []),
        ("volumes: !reset null", []),
    ],
)
def test_tags_say_whether_a_field_is_merged(field: str, mounts: list[str]) -> None:
    files = {"a.yml": BASE, "b.yml": f"services: {{milvus: {{{field}}}}}"}
    found = service(files, compose_files=("a.yml", "b.yml"))

    assert [mount.target for mount in found.mounts()] == mounts


def test_a_single_value_can_be_reset() -> None:
    files = {"a.yml": BASE, "b.yml": "services: {milvus: {image: !reset null}}"}

    assert service(files, compose_files=("a.yml", "b.yml")).text("image") is None


@pytest.mark.parametrize(
    ("tagged", "images"),
    [
        ("milvus: !override {image: other}", {"milvus": "other"}),
        ("milvus: !reset null\n  other: {image: other}", {"other": "other"}),
        ("milvus: !reset {}\n  other: {image: other}", {"other": "other"}),
    ],
)
def test_a_whole_service_can_be_replaced_or_reset(tagged: str, images: dict[str, str]) -> None:
    files = {"a.yml": BASE, "b.yml": f"services:\n  {tagged}\n"}
    found = project(files, compose_files=("a.yml", "b.yml")).services

    assert {name: one.text("image") for name, one in found.items()} == images
    assert all(one.mounts() == [] for one in found.values())


def test_a_second_document_in_a_file_is_merged_over_the_first() -> None:
    found = service(f"{BASE}\n---\nservices: {{milvus: {{image: second}}}}\n")

    assert found.text("image") == "second"
    assert len(found.mounts()) == 2


def test_merge_keys_and_aliases_are_followed() -> None:
    found = service("""\
        x-common: &common
          image: milvusdb/milvus:v2.5.5
          environment: &env {A: "1"}
        services:
          milvus:
            <<: *common
            volumes: &v [./a:/a]
          other:
            volumes: *v
            environment: {<<: *env, B: "2"}
        """)

    assert found.text("image") == "milvusdb/milvus:v2.5.5"
    assert [v.name for v in found.environment()] == ["A"]


def test_an_alias_as_service_is_the_service() -> None:
    assert service("services: {a: &a {image: x}, milvus: *a}").text("image") == "x"


class TestExtends:
    def test_of_a_service_in_the_same_file(self) -> None:
        found = service(
            "services: {base: {image: x, volumes: ['./a:/a']},"
            " milvus: {extends: base, volumes: ['./b:/b']}}"
        )

        assert found.text("image") == "x"
        assert [mount.target for mount in found.mounts()] == ["/a", "/b"]
        assert [definition.editable for definition in found.definitions] == [False, True]

    def test_of_a_service_in_another_file_has_paths_relative_to_that(self) -> None:
        files = {
            "docker-compose.yml": "services: {milvus: {extends: {file: sub/base.yml, service: m}}}",
            "sub/base.yml": "services: {n: {user: '7'},"
            " m: {image: x, volumes: ['./a:/a'], extends: {service: n}}}",
        }
        found = service(files)

        assert [mount.host_path for mount in found.mounts()] == [DIRECTORY / "sub/a"]
        assert found.text("user") == "7"

    def test_a_missing_file_is_told(self) -> None:
        with pytest.raises(ComposeFileNotFound) as caught:
            project("services: {milvus: {extends: {file: base.yml, service: m}}}")

        assert caught.value.path == "base.yml"

    @pytest.mark.parametrize(
        "extends", ["other", "{service: other}", "{file: x.yml}", "[]", "null", "milvus"]
    )
    def test_what_extends_nothing_is_the_service_alone(self, extends: str) -> None:
        found = service(f"services: {{milvus: {{image: x, extends: {extends}}}}}")

        assert len(found.definitions) == 1

    def test_a_cycle_ends(self) -> None:
        found = service("services: {milvus: {image: x, extends: b}, b: {extends: milvus}}")

        assert found.text("image") == "x"

    def test_a_service_of_a_git_repository_is_left_out(self) -> None:
        found = service(
            "services: {milvus: {image: x, extends: {service: m, file: 'https://example.com/x.git'}}}"
        )

        assert len(found.definitions) == 1


class TestInclude:
    def test_an_included_file_is_a_project_of_its_own(self) -> None:
        files = {
            "docker-compose.yml": "include: [sub/compose.yml]\nservices: {app: {image: app}}",
            "sub/compose.yml": "services: {milvus: {image: 'm:${V}-${W}', volumes: ['./a:/a']}}",
            "sub/.env": "V=1\nW=2\n",
        }
        found = service(files, variables={"W": "of the parent"})

        assert found.text("image") == "m:1-of the parent"
        assert found.main.file == DIRECTORY / "sub/compose.yml"
        assert [mount.host_path for mount in found.mounts()] == [DIRECTORY / "sub/a"]

    def test_a_service_in_both_is_merged(self) -> None:
        files = {
            "docker-compose.yml": "include: [sub/a.yml]\nservices: {milvus: {volumes: ['./b:/b']}}",
            "sub/a.yml": "services: {milvus: {image: x, volumes: ['./a:/a']}}",
        }
        hosts = [mount.host_path for mount in service(files).mounts()]

        assert hosts == [DIRECTORY / "sub/a", DIRECTORY / "b"]

    @pytest.mark.parametrize(
        ("entry", "host", "image"),
        [
            ("{path: sub/a.yml}", "sub/a", "x"),
            ("{path: [sub/a.yml, over.yml]}", "sub/a", "y"),
            ("{path: ./sub/../sub/a.yml, project_directory: .}", "a", "x"),
            ("{path: sub/a.yml, env_file: e.env}", "sub/a", "x"),
            ("'${WHERE}/a.yml'", "sub/a", "x"),
        ],
    )
    def test_long_syntax(self, entry: str, host: str, image: str) -> None:
        files = {
            "docker-compose.yml": f"include: [{entry}]",
            "sub/a.yml": "services: {milvus: {image: '${I:-x}', volumes: ['./a:/a']}}",
            "over.yml": "services: {milvus: {image: y}}",
            "sub/.env": "I=\n",
        }
        found = service(files, variables={"WHERE": "sub"})

        assert [mount.host_path for mount in found.mounts()] == [DIRECTORY / host]
        assert found.text("image") == image

    def test_the_named_env_files_take_the_place_of_dot_env(self) -> None:
        files = {
            "docker-compose.yml": "include: [{path: a.yml, env_file: [one.env, two.env]}]",
            "a.yml": "services: {milvus: {image: '$A-$B-$C'}}",
            "one.env": "A=1\nB=1\n",
            "two.env": "B=2\n",
            ".env": "C=3\n",
        }

        assert service(files).text("image") == "1-2-"

    @pytest.mark.parametrize("name", ["docker-compose.yml", "./a/../docker-compose.yml", "b.yml"])
    def test_a_cycle_ends(self, name: str) -> None:
        files = {
            "docker-compose.yml": f"include: [{name}]\nservices: {{milvus: {{image: x}}}}",
            "b.yml": "include: [docker-compose.yml]",
        }

        assert len(service(files).definitions) == 1

    def test_a_missing_file_is_told(self) -> None:
        with pytest.raises(ComposeFileNotFound) as caught:
            project("include: [gone.yml]\nservices: {milvus: {image: x}}")

        assert caught.value.path == "gone.yml"
        assert "gone.yml" in caught.value.message

    @pytest.mark.parametrize(
        "entry",
        ["'https://example.com/x.git'", "'oci://example.com/x'", "'git@example.com:x'", "{}"],
    )
    def test_what_lies_elsewhere_is_left_out(self, entry: str) -> None:
        assert list(
            project(f"include: [{entry}]\nservices: {{milvus: {{image: x}}}}").services
        ) == ["milvus"]


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "a: 1\n", "services:\n", "services: []\n", "- a\n", "services: {a: b}"],
)
def test_a_file_without_services_is_no_compose_file(text: str) -> None:
    with pytest.raises(NotAComposeFile) as caught:
        project(text)

    assert caught.value.path == "docker-compose.yml"


def test_a_broken_file_is_told_with_its_line() -> None:
    with pytest.raises(YamlSyntax) as caught:
        project("services:\n\tmilvus:\n")

    assert (caught.value.path, caught.value.line) == ("docker-compose.yml", 2)


def test_a_file_outside_the_project_is_named_with_its_whole_path() -> None:
    with pytest.raises(ComposeFileNotFound) as caught:
        project("include: [../gone.yml]\nservices: {milvus: {}}")

    assert caught.value.path == str(Path("/gone.yml"))

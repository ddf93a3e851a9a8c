from collections.abc import Sequence
from pathlib import Path

import pytest

from compose_tls.compose.discovery import (
    DEFAULT_FILES,
    OVERRIDE_FILES,
    compose_files,
    override_file,
    project_root,
)
from compose_tls.errors import ComposeFileNotFound, ConflictingSettings
from compose_tls.files import is_file

DIRECTORY = Path("/project")


def found(
    names: Sequence[str], chosen: Sequence[str] = (), environment: dict[str, str] | None = None
) -> list[str]:
    there = {DIRECTORY / name for name in names}
    paths = compose_files(DIRECTORY, chosen, environment or {}, there.__contains__)
    return [path.relative_to(DIRECTORY).as_posix() for path in paths]


@pytest.mark.parametrize("index", range(len(DEFAULT_FILES)))
def test_the_first_default_name_that_exists_is_taken(index: int) -> None:
    assert found(DEFAULT_FILES[index:]) == [DEFAULT_FILES[index]]


@pytest.mark.parametrize("index", range(len(OVERRIDE_FILES)))
def test_one_override_file_comes_after_it_whatever_the_base_is_called(index: int) -> None:
    names = ["docker-compose.yaml", *OVERRIDE_FILES[index:]]

    assert found(names) == ["docker-compose.yaml", OVERRIDE_FILES[index]]


def test_named_files_are_taken_in_their_order_and_no_override_is_looked_for() -> None:
    names = ["compose.yaml", "compose.override.yaml", "a.yml", "b/c.yml"]

    assert found(names, ["b/c.yml", "a.yml"]) == ["b/c.yml", "a.yml"]


@pytest.mark.parametrize("name", ["./a.yml", "b/../a.yml", "/project/a.yml"])
def test_a_named_file_is_known_by_its_shortest_path(name: str) -> None:
    assert found(["a.yml"], [name]) == ["a.yml"]


def test_compose_file_names_files_too() -> None:
    names = ["compose.yaml", "a.yml", "b.yml"]

    assert found(names, environment={"COMPOSE_FILE": "a.yml:b.yml"}) == ["a.yml", "b.yml"]


def test_compose_path_separator_separates_them() -> None:
    environment = {"COMPOSE_FILE": "a.yml,b.yml", "COMPOSE_PATH_SEPARATOR": ","}

    assert found(["a.yml", "b.yml"], environment=environment) == ["a.yml", "b.yml"]


def test_flags_win_over_compose_file() -> None:
    assert found(["a.yml", "b.yml"], ["a.yml"], {"COMPOSE_FILE": "b.yml"}) == ["a.yml"]


@pytest.mark.parametrize("value", ["", ":"])
def test_an_empty_compose_file_is_none(value: str) -> None:
    assert found(["compose.yml"], environment={"COMPOSE_FILE": value}) == ["compose.yml"]


def test_a_named_file_that_is_missing_is_told() -> None:
    with pytest.raises(ComposeFileNotFound) as caught:
        found(["compose.yaml"], ["other.yml"])

    assert caught.value.path == "/project/other.yml"


def test_a_directory_without_compose_file_is_told() -> None:
    with pytest.raises(ComposeFileNotFound) as caught:
        found(["milvus.yaml"])

    assert caught.value.path == "/project"


@pytest.mark.parametrize("name", DEFAULT_FILES)
def test_the_project_is_found_from_a_directory_below_it(tmp_path: Path, name: str) -> None:
    below = tmp_path / "one" / "two"
    below.mkdir(parents=True)
    (tmp_path / name).touch()

    assert project_root(below, (), {}, is_file) == tmp_path
    assert project_root(tmp_path, (), {}, is_file) == tmp_path


def test_a_directory_above_that_may_not_be_entered_holds_no_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Path.is_file

    def closed(path: Path) -> bool:
        if path.parent == tmp_path:
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(Path, "is_file", closed)
    (tmp_path / "compose.yaml").touch()

    assert project_root(tmp_path / "below", (), {}, is_file) == tmp_path / "below"


def test_nothing_is_searched_for_where_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").touch()
    below = tmp_path / "below"

    assert project_root(below, ("other.yml",), {}, is_file) == below
    assert project_root(below, (), {"COMPOSE_FILE": "other.yml"}, is_file) == below


@pytest.mark.parametrize(
    ("named", "environment", "base", "found"),
    [
        (("deploy/x.yml", "y.yml"), {}, None, "deploy"),
        (("y.yml", "deploy/x.yml"), {}, None, "."),
        (("../x.yml",), {}, None, ".."),
        ((), {"COMPOSE_FILE": "deploy/x.yml:y.yml"}, None, "deploy"),
        (("deploy/x.yml",), {}, ".", "."),
        ((), {}, "other", "other"),
    ],
)
def test_the_project_directory_is_that_of_the_first_file_unless_it_is_named(
    tmp_path: Path,
    named: tuple[str, ...],
    environment: dict[str, str],
    base: str | None,
    found: str,
) -> None:
    (tmp_path / "compose.yaml").touch()

    assert project_root(tmp_path, named, environment, is_file, base) == (tmp_path / found).resolve()


def test_a_directory_without_a_project_above_it_is_its_own(tmp_path: Path) -> None:
    assert project_root(tmp_path, (), {}, is_file) == tmp_path


@pytest.mark.parametrize("name", OVERRIDE_FILES)
def test_the_override_file_that_is_there_gets_the_edits(name: str) -> None:
    files = [DIRECTORY / "compose.yaml", DIRECTORY / name]

    assert override_file(files, (), files.__contains__) == DIRECTORY / name


def test_else_a_new_override_file_does() -> None:
    files = [DIRECTORY / "docker-compose.yml"]

    assert override_file(files, (), files.__contains__) == DIRECTORY / "compose.override.yaml"


def test_beside_named_files_no_override_would_be_loaded() -> None:
    with pytest.raises(ConflictingSettings):
        override_file([DIRECTORY / "a.yml"], ("a.yml",), lambda _: True)

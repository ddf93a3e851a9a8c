"""Commands within hints name the project where the user stands (T5), whoever has written the hint."""

from __future__ import annotations

import os
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from compose_tls import TlsConfig, enable, status
from compose_tls.errors import (
    DataWithoutMount,
    ImageMoved,
    NotEnabled,
    NotReady,
    ScriptNotUnderstood,
)
from compose_tls.results import DisableResult
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.export import export
from compose_tls.workflows.init import init
from compose_tls.workflows.refusals import settled
from compose_tls.workflows.whole_hints import whole, with_whole_hints

COMPOSE = "services:\n  standalone:\n    image: milvusdb/milvus:v2.3.5\n"
OPTIONS = {
    "file": ("a.yaml", "b.yaml"),
    "project_name": "rag",
    "env_file": ("prod.env",),
    "profile": ("vectors",),
}
SPELLED = "-f a.yaml -f b.yaml -p rag --env-file prod.env --profile vectors"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(COMPOSE, encoding="utf-8")
    (tmp_path / "prod.env").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("start it: docker compose up -d", f"start it: docker compose {SPELLED} up -d"),
        (
            "docker compose stop a, then docker cp x y, then docker compose up -d a",
            f"docker compose {SPELLED} stop a, then docker cp x y, then docker compose {SPELLED} up -d a",
        ),
        ("compose-tls -p other enable …", f"compose-tls {SPELLED} -p other enable …"),
        ("run compose-tls renew --ca", f"run compose-tls {SPELLED} renew --ca"),
        ("docker compose -p other up", "docker compose -p other up"),
        (f"compose-tls enable --mode 2 {SPELLED}", f"compose-tls enable --mode 2 {SPELLED}"),
        ("compose-tls works on Compose projects", "compose-tls works on Compose projects"),
        ("nothing to type", "nothing to type"),
    ],
)
def test_what_was_typed_is_put_in(here: Path, hint: str, said: str) -> None:
    assert whole(preamble.open_project(here, OPTIONS, {}), hint) == said


def test_without_options_nothing_is_put_in(here: Path) -> None:
    (here / "a.yaml").rename(here / "compose.yaml")
    opened = preamble.open_project(here, {}, {})
    assert whole(opened, "docker compose up -d") == "docker compose up -d"
    assert whole(opened, "chmod 600 cert/ca.key") == "chmod 600 cert/ca.key"


def test_from_elsewhere_the_place_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.yaml").rename(here / "compose.yaml")
    (here / "sub").mkdir()
    monkeypatch.chdir(here / "sub")
    opened = preamble.open_project(here, {}, {})
    assert whole(opened, "compose-tls status") == "compose-tls -C .. status"
    assert whole(opened, "docker compose up") == "docker compose --project-directory .. up"
    assert whole(opened, "sudo chmod 600 cert/ca.key") == "cd .. && sudo chmod 600 cert/ca.key"


def test_from_elsewhere_files_that_env_names_are_named_with_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / ".env").write_text("COMPOSE_FILE=deploy/a.yaml:deploy/b.yaml\n", encoding="utf-8")
    (here / "deploy").mkdir()
    for name in ("a.yaml", "b.yaml"):
        (here / name).rename(here / "deploy" / name)
    monkeypatch.chdir(here.parent)
    opened = preamble.open_project(here, {}, {})
    at = here.name
    options = f"-f {at}/deploy/a.yaml -f {at}/deploy/b.yaml --env-file {at}/.env"
    assert whole(opened, "docker compose up -d") == f"docker compose {options} up -d"


class TestALinkToTheProject:
    """Compose names a project after the name of its directory that the user has, links included."""

    @pytest.fixture
    def link(self, here: Path) -> Path:
        (here / "real").mkdir()
        (here / "a.yaml").rename(here / "real" / "compose.yaml")
        (here / "link").symlink_to("real")
        return here / "link"

    def test_who_stands_in_it_has_its_name(
        self, link: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(link)
        opened = preamble.open_project(".", {}, {"PWD": str(link)})

        assert opened.invocation.directory == link
        assert opened.invocation.readable()["PWD"] == str(link)
        assert whole(opened, "docker compose up") == "docker compose up"

    def test_who_names_it_gets_its_name_back(
        self, link: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(link.parent)
        opened = preamble.open_project("link", {}, {"PWD": str(link.parent)})

        assert opened.invocation.directory == link
        assert whole(opened, "docker compose up") == "docker compose --project-directory link up"
        assert whole(opened, "compose-tls status") == "compose-tls -C link status"

    def test_a_name_of_another_place_does_not_count(
        self, link: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(link)
        opened = preamble.open_project(".", {}, {"PWD": str(link.parent)})

        assert opened.invocation.directory == opened.start == link.resolve()


def test_errors_warnings_and_results_all_get_it(here: Path) -> None:
    @with_whole_hints
    def fails() -> DisableResult:
        preamble.open_project(here, OPTIONS, dict(os.environ))
        error = NotReady("no", hint="docker compose logs")
        error.warnings = (TlsWarning("a", "b", hint="compose-tls status"),)
        raise error

    with pytest.raises(NotReady) as caught:
        fails()
    assert caught.value.hint == f"docker compose {SPELLED} logs"
    assert caught.value.warnings[0].hint == f"compose-tls {SPELLED} status"


def test_all_that_was_found_is_told_with_the_first_refusal() -> None:
    found = (
        TlsWarning("one", "1"),
        DataWithoutMount("two", hint="mount it"),
        ImageMoved("three", hint="pin it"),
    )
    with pytest.raises(DataWithoutMount) as caught:
        settled(found, ())
    assert [one.code for one in caught.value.warnings] == ["one", "image-moved"]
    with pytest.raises(ImageMoved):
        settled(found, {"data-without-mount"})
    assert len(settled(found, {"data-without-mount", "image-moved"})) == 3


def test_export_names_the_project_in_what_it_says_to_type(here: Path) -> None:
    with pytest.raises(NotEnabled) as caught:
        export(here, "helm", OPTIONS, environment={})

    assert caught.value.hint.startswith(f"compose-tls {SPELLED} enable --mode 1; ")


def test_a_traceback_shows_the_next_step(here: Path) -> None:
    with pytest.raises(NotEnabled) as caught:
        export(here, "helm", OPTIONS, environment={})

    assert traceback.format_exception(caught.value)[-1] == f"next: {caught.value.hint}\n"


def test_export_names_it_in_its_warnings_too(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preamble, "now", lambda: datetime.now(UTC) - timedelta(days=800))
    assert enable(here, OPTIONS, environment={}).ok
    assert export(here, "swarm", OPTIONS, hosts=["x.example.com"], environment={}).ok
    monkeypatch.undo()
    monkeypatch.chdir(here)

    found = status(here, OPTIONS, environment={})

    hints = [one.hint or "" for one in found.warnings if one.code == "export-expires-soon"]
    assert hints
    assert all(hint.startswith(f"run compose-tls {SPELLED} export again") for hint in hints)


def test_init_names_the_directory_in_what_it_says_to_type(here: Path) -> None:
    new = here / "new"
    (new / "volumes" / "milvus").mkdir(parents=True)
    (new / "standalone_embed.sh").write_text("#!/bin/sh\necho nothing\n", encoding="utf-8")

    with pytest.raises(ScriptNotUnderstood) as caught:
        init(new, {}, environment={})

    assert caught.value.hint == "name its version: compose-tls -C new init --milvus VERSION"


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        ("see the log; compose-tls init --up tries again", "compose-tls -C new init --up tries"),
        ("make it elsewhere: compose-tls init DIR", "elsewhere: compose-tls init DIR"),
        (
            "compose-tls init makes a Compose project of it",
            "compose-tls -C new init makes a Compose project",
        ),
    ],
)
def test_a_directory_that_the_user_is_to_name_stays_as_they_name_it(
    here: Path, hint: str, said: str
) -> None:
    (here / "new").mkdir()

    assert said in whole(preamble.open_directory(here / "new", {}, {}, here), hint)


def test_the_library_tells_the_whole_command_too(here: Path) -> None:
    """What the command line was given is known to it alone; of a call, its arguments are."""

    def fails(
        directory: Path, config: preamble.Settings = None, *, up: bool = False, ca: bool = False
    ) -> DisableResult:
        preamble.open_project(directory, config, {})
        raise NotReady("no", hint="name it: compose-tls -p rag enable …")

    fails.__name__ = "enable"
    settings = TlsConfig(
        mode=2, san=("a.test", "b.test"), csr=True, file=("a.yaml",), token_file="to ken"
    )
    with pytest.raises(NotReady) as caught:
        with_whole_hints(fails)(here, settings, up=True, ca=False)
    told = caught.value.hint
    wanted = "enable --up --csr --mode 2 --san a.test --san b.test --token-file 'to ken'"
    assert told == f"name it: compose-tls -f a.yaml -p rag {wanted}"
    with pytest.raises(NotReady) as caught:
        with_whole_hints(fails)(here, {"mode": 2}, up=True)
    assert caught.value.hint.endswith("enable …")

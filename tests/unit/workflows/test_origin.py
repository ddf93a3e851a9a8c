"""A container that was made with more than is named now. With a real engine: e2e/test_recreation.py."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from compose_tls.config import TlsConfig
from compose_tls.deploy.compose_invocation import ComposeInvocation
from compose_tls.deploy.declared import MountPoint, declared
from compose_tls.deploy.deployed import from_answers
from compose_tls.errors import ComposeFailed, Refusal
from compose_tls.observe import observe
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows.engine_project import EngineProject
from compose_tls.workflows.origin import Origin
from tests.unit.deploy.recorded import IMAGE, document, inspected

LABEL = "com.docker.compose.project"
COMPOSE = "services:\n  standalone:\n    image: milvusdb/milvus:v2.3.5\n"


def refusals(
    directory: Path, more: dict[str, Any] | None, given: ComposeInvocation | None = None
) -> list[Refusal]:
    """What is said of a container that was made with compose.yaml and prod.yaml.

    Args:
        directory: The project directory.
        more: What prod.yaml adds to the service; ``None`` where Compose does not read it any more.
        given: What is named now.
    """
    for name in ("compose.yaml", "prod.yaml"):
        (directory / name).write_text(COMPOSE, encoding="utf-8")
    answer = inspected()
    answer["Config"]["Labels"] |= {
        f"{LABEL}.config_files": f"{directory}/compose.yaml,{directory}/prod.yaml",
        f"{LABEL}.working_dir": str(directory),
    }

    def config(invocation: ComposeInvocation) -> dict[str, Any]:
        assert [file.name for file in invocation.files] == ["compose.yaml", "prod.yaml"]
        if more is None:
            raise ComposeFailed("services.standalone.x is not allowed", hint="correct it")
        found = document()
        found["services"]["standalone"] |= more
        return found

    now = given or ComposeInvocation(directory, environment={})
    seen = SimpleNamespace(
        invocation=now,
        compose=SimpleNamespace(config=config),
        complete=lambda _: document(),
    )
    project = observe(directory, TlsConfig(), {})
    wanted = declared(
        document(), "standalone", directory=directory, files=[directory / "compose.yaml"]
    )
    origin = Origin(project, TlsConfig(), cast("EngineProject", seen))
    found = from_answers(answer, image=IMAGE, tag=IMAGE, changes=[])
    return list(origin.unlike("standalone", wanted, found, project.milvus[0]))


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"mem_limit": "4294967296"}, "mem_limit"),
        ({"command": ["milvus", "run", "standalone", "-alias=x"]}, "command"),
        ({"restart": "always", "labels": {"traefik.enable": "true"}}, "labels, restart"),
        ({"healthcheck": {"test": ["CMD", "true"]}}, "healthcheck"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_only_the_forgotten_file_says_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], named: str
) -> None:
    monkeypatch.chdir(tmp_path)

    [refusal] = refusals(tmp_path, more)

    assert refusal.code == "deployed-differently"
    assert refusal.message.endswith(
        f"more than TLS: {named}: as prod.yaml sets it in the container, but not in the files"
    )
    assert refusal.hint.startswith(
        "it was created with more options: compose-tls -f compose.yaml -f prod.yaml enable …"
    )


@pytest.mark.parametrize(
    "more", [{}, {"depends_on": {"etcd": {}}}, {"build": {"context": "."}}, None]
)
def test_a_further_file_that_changes_nothing_of_it_is_no_reason_to_stop(
    tmp_path: Path, more: dict[str, Any] | None
) -> None:
    assert refusals(tmp_path, more) == []


def test_the_command_works_from_where_it_was_typed_and_keeps_its_other_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "a project"
    project.mkdir()
    monkeypatch.chdir(tmp_path)
    given = ComposeInvocation(
        project,
        files=(project / "compose.yaml",),
        environment={},
        project_name="rag",
        profiles=("vectors",),
    )

    [refusal] = refusals(project, {"mem_limit": "1"}, given)

    words = ["compose-tls", "-C", "a project", "-f", "compose.yaml", "-f", "prod.yaml"]
    command = shlex.join([*words, "-p", "rag", "--profile", "vectors"])
    assert f": {command} enable …" in refusal.hint
    [refusal] = refusals(project, {"mem_limit": "1"}, replace(given, directory=project))
    assert "prod.yaml" in refusal.hint


@pytest.mark.parametrize(("source", "said"), [("tls", TlsWarning), ("data", Refusal)])
def test_what_is_read_by_both_is_no_conflict(tmp_path: Path, source: str, said: type) -> None:
    """Of two projects from the same files, each can have its own data, and all have the certificates."""
    (tmp_path / "compose.yaml").write_text(COMPOSE, encoding="utf-8")
    mounts = (MountPoint("bind", "/x", str(tmp_path / source)),)
    seen = SimpleNamespace(
        invocation=ComposeInvocation(tmp_path, environment={}), complete=lambda _: document()
    )
    project = observe(tmp_path, TlsConfig(), {})
    wanted = declared(document(), "standalone", directory=tmp_path, files=[])
    found = from_answers(inspected(), image=IMAGE, tag=IMAGE, changes=[])

    told = Origin(project, TlsConfig(), cast("EngineProject", seen)).in_another_project(
        "standalone",
        replace(wanted, mounts=mounts, ports=frozenset(), project="rag"),
        replace(found, mounts=mounts, ports=frozenset()),
    )

    assert isinstance(told, said)
    assert str(tmp_path / "tls") not in told.message

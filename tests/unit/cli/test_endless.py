"""A project that is far larger than any: no command crashes, or takes longer than a person waits."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.patience import LONG
from tests.unit.apply.trees import write
from tests.unit.cli.conftest import Run
from tests.unit.cli.projects import COMMANDS, added, changed, of_standalone


def configured(project: Path, text: str) -> None:
    (project / "milvus.yaml").write_text(text)
    data = "volumes/milvus:/var/lib/milvus\n"
    changed(project, data, f"{data}      - ./milvus.yaml:/milvus/configs/milvus.yaml\n")


def numbers_without_end(project: Path) -> None:
    many = "9" * 6000
    configured(project, f"proxy: {{port: {many}}}\ncommon: {{security: {{tlsMode: {many}}}}}\n")


def versions_without_end(project: Path) -> None:
    changed(project, "milvusdb/milvus:v2.3.5", f"milvusdb/milvus:v{'2' * 6000}.1.0")
    of_standalone(project, f"    user: '{'1' * 6000}'\n    group_add: ['{'1' * 6000}', '²']\n")


def ports_without_end(project: Path) -> None:
    changed(project, '      - "19530:19530"\n', '      - "0-65535:0-65535"\n' * 200)


def includes_without_end(project: Path) -> None:
    for number in range(1000):
        text = f"include: [i{number + 1}.yml]\nservices: {{s{number}: {{image: a}}}}\n"
        write(project / f"i{number}.yml", text.encode())
    added(project, "include: [i0.yml]\n")


def includes_that_double(project: Path) -> None:
    for number in range(30):
        text = f"include: [i{number + 1}.yml, ./i{number + 1}.yml]\nservices: {{}}\n"
        write(project / f"i{number}.yml", text.encode())
    write(project / "i30.yml", b"services: {}\n")
    added(project, "include: [i0.yml]\n")


def extends_without_end(project: Path) -> None:
    added(project, "".join(f"  s{n}: {{extends: s{n + 1}}}\n" for n in range(1000)))
    of_standalone(project, "    extends: s0\n")


def environment_read_often(project: Path) -> None:
    write(project / "big", b"A=b\n" * 200_000)
    names = [f"e{number}.env" for number in range(100)]
    for name in names:
        os.link(project / "big", project / name)
    of_standalone(project, f"    env_file: [{', '.join(names)}]\n")


def environment_named_often(project: Path) -> None:
    (project / "e").write_text("A=1\n" * 1000)
    of_standalone(project, f"    env_file: [{', '.join(['e'] * 50_000)}]\n")


def variables_that_double(project: Path) -> None:
    lines = ["A0=xxxxxxxxxxxxxxxx", *(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}" for n in range(1, 60))]
    (project / ".env").write_text("\n".join(lines))
    changed(project, "milvusdb/milvus:v2.3.5", "milvusdb/milvus:v2.3.5${A59}")


def variables_without_end(project: Path) -> None:
    lines = [f"A={'x' * 100_000}", *(f"B{n}=$A" for n in range(50_000))]
    (project / ".env").write_text("\n".join(lines))


def values_without_end(project: Path) -> None:
    (project / ".env").write_text(f"A={'x' * 100_000}\n")
    of_standalone(project, "    labels:\n" + "      - $A\n" * 100_000)
    many = "".join(f"      B{number}: $A\n" for number in range(50_000))
    changed(project, "      MINIO_ADDRESS", f"{many}      MINIO_ADDRESS")


def configuration_read_often(project: Path) -> None:
    write(project / "n" / "a.conf", b"#" + b"x" * 2_000_000)
    for number in range(60):
        os.link(project / "n" / "a.conf", project / "n" / f"c{number}.conf")
    service = (
        "  n{0}:\n    image: nginx\n    volumes: ['./n/c{0}.conf:/x.conf', './n:/etc/nginx']\n"
    )
    added(project, "".join(service.format(number) for number in range(30)))


@pytest.mark.parametrize(
    "prepare",
    [
        numbers_without_end,
        versions_without_end,
        ports_without_end,
        includes_without_end,
        includes_that_double,
        extends_without_end,
        environment_read_often,
        environment_named_often,
        variables_that_double,
        variables_without_end,
        values_without_end,
        configuration_read_often,
    ],
)
def test_nothing_in_a_project_crashes_or_hangs_a_command(
    run: Run, project: Path, prepare: Callable[[Path], None]
) -> None:
    prepare(project)
    for command in COMMANDS:
        began = time.process_time()
        outcome = run(*command.split())
        assert outcome.code in {0, 2, 3, 7}, outcome.err
        assert time.process_time() - began < LONG / 4, command

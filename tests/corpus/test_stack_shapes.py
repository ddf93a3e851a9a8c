"""etcd, object stores and clusters in every shape: switched by intended keys alone, and back again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from compose_tls import TlsConfig, disable, enable, status
from tests.corpus.compose_cli import model, require_compose
from tests.corpus.enabling import ENVIRONMENT
from tests.corpus.intended import changed_lines
from tests.corpus.stack_shapes import shapes, standalone
from tests.corpus.test_scope_in_compose import everything
from tests.corpus.whole_stack_model import check_model, kind

SHAPES = shapes()


def switched(directory: Path, **settings: Any) -> set[str]:
    config = TlsConfig.model_validate({"mode": 1, "scope": "all", **settings})
    result = enable(directory, config, environment=ENVIRONMENT)
    return {warning.code for warning in result.warnings}


@pytest.mark.parametrize(
    ("shape", "style"),
    [*((shape, None) for shape in SHAPES), *((shape, "override") for shape in list(SHAPES)[::4])],
)
def test_every_shape_is_switched_and_comes_back(
    tmp_path: Path, shape: str, style: str | None
) -> None:
    require_compose()
    file = tmp_path / "compose.yaml"
    file.write_text(SHAPES[shape], encoding="utf-8")
    before, bytes_before = model(tmp_path), everything(tmp_path)
    told = switched(tmp_path, style=style)
    after = model(tmp_path)
    assert isinstance(before, dict), before
    assert isinstance(after, dict), after

    # A Milvus of 2.3 cannot encrypt all; a cluster of Woodpecker has a broker in the object store.
    # The members of an etcd cluster do not find each other by TLS while they run.
    assert ("stays-plain" in told) == (shape == "two-etcds")
    switched_too = {"client"} & after["services"].keys()
    check_model(before, after, tmp_path, switched_too)
    for name in switched_too:
        assert "http://minio" not in str(after["services"][name])
        assert "stack-client-cut-off" not in told
    links = status(tmp_path, environment=ENVIRONMENT).links or ()
    outward = [link for link in links if link.sources != link.targets]
    found = {name: link.encryption for link in outward for name in link.targets}
    every = before["services"].items()
    servers = {n for n, service in every if kind(service) in {"etcd", "store", "kafka"}}
    named = {name for name in servers if name != "minio2"}
    assert {found[name] for name in named} == {"encrypted"}
    for name in servers:
        assert after["services"][name]["volumes"], name
    bytes_after = everything(tmp_path)
    switched(tmp_path, style=style)
    assert everything(tmp_path) == bytes_after
    disable(tmp_path, purge=True, environment=ENVIRONMENT)
    assert everything(tmp_path) == bytes_before


@pytest.mark.parametrize("shape", ["etcd-folded", "etcd-literal"])
def test_the_lines_of_a_block_of_text_stay_lines(tmp_path: Path, shape: str) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(SHAPES[shape], encoding="utf-8")
    old = file.read_bytes()
    switched(tmp_path)

    gone, come = changed_lines(old, file.read_bytes())
    assert all("http://" in line for line in gone)
    assert len([line for line in come if "client-urls=https://" in line]) == len(gone) == 2


@pytest.mark.parametrize("name", ["etcd", "minio"])
def test_a_server_that_nobody_is_said_to_use_is_named(tmp_path: Path, name: str) -> None:
    text = re.sub(rf"(?m)^ +[A-Z_]+: {name}:\d+\n", "", standalone())
    (tmp_path / "compose.yaml").write_text(text, encoding="utf-8")
    config = TlsConfig.model_validate({"mode": 1, "scope": "all"})
    result = enable(tmp_path, config, environment=ENVIRONMENT)

    (warning,) = (one for one in result.warnings if one.code == "stays-plain")
    assert f"service {name} is not changed" in warning.message
    assert "of the environment of Milvus" in (warning.hint or "")


def test_certificates_of_somebody_else_for_the_object_store_are_left_alone(tmp_path: Path) -> None:
    store = (
        "image: minio/minio\ncommand: minio server /d --certs-dir /certs\nvolumes: [./my:/certs]\n"
    )
    (tmp_path / "compose.yaml").write_text(standalone(store=store), encoding="utf-8")
    config = TlsConfig.model_validate({"mode": 1, "scope": "all"})
    result = enable(tmp_path, config, environment=ENVIRONMENT)

    (warning,) = (one for one in result.warnings if one.code == "stays-plain")
    assert "certificates of its own are mounted at /certs" in warning.message

"""Every compose file of the corpus: who talks to Milvus is switched with it, and back to the byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compose_tls import disable
from compose_tls.results import EnableResult
from tests.corpus.compose_cli import model, require_compose
from tests.corpus.enabling import ENVIRONMENT, enabled
from tests.corpus.files import Sample
from tests.corpus.test_compose_files import SAMPLES, texts

ADDED = {
    "CERT_CHAIN_PATH",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "MILVUS_SECURE",
    "MILVUS_SERVER_NAME",
    "MILVUS_SERVER_PEM_PATH",
    "PRIVATE_KEY_PATH",
    "ROOT_CERT_PATH",
    "SERVER_NAME",
}


def switched(directory: Path, mode: int) -> EnableResult:
    return enabled(directory, mode=mode, accept=("clients-cut-off",))


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("sample", SAMPLES)
def test_they_are_switched_once_and_back_to_the_byte(
    tmp_path: Path, sample: Sample, mode: int
) -> None:
    before = texts(sample.write(tmp_path))
    switched(tmp_path, mode)
    assert not switched(tmp_path, mode).changed
    disable(tmp_path, purge=True, environment=ENVIRONMENT)

    assert texts(tmp_path) == before
    assert not (tmp_path / "tls-clients").exists()


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("sample", SAMPLES)
def test_compose_sees_the_intended_in_them_and_no_change_in_others(
    tmp_path: Path, sample: Sample, mode: int
) -> None:
    require_compose()
    before = model(sample.write(tmp_path))
    if isinstance(before, str):
        pytest.skip(f"Compose refuses the original: {before}")
    result = switched(tmp_path, mode)
    after = model(tmp_path)
    assert isinstance(after, dict), after

    told = {one.service for one in result.neighbours}
    for name, old in before["services"].items():
        new: dict[str, Any] = after["services"][name]
        if name in result.services:
            continue
        if name not in told:
            assert new == old
            continue
        mounts = [v for v in new.pop("volumes") if v not in old.get("volumes", [])]
        assert [(v["target"], v.get("read_only")) for v in mounts] == [("/milvus/tls", True)]
        assert mounts[0]["source"] == str(tmp_path / "tls-clients" / name)
        had = old.pop("environment", {}) or {}
        for variable, value in new.pop("environment").items():
            swapped = str(had.get(variable)).replace("http://", "https://", 1)
            bare = str(had.get(variable)).removeprefix("http://")
            assert variable in ADDED or value in {had.get(variable), swapped, bare}
        old.pop("volumes", None)
        assert new == old

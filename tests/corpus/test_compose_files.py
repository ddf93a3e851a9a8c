"""Every compose file of the corpus: enabled by touching intended lines alone, or refused rightly."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose_tls import disable
from compose_tls.results import EnableResult
from tests.corpus.compose_cli import model, require_compose, without
from tests.corpus.enabling import ENVIRONMENT, enabled
from tests.corpus.files import Sample, compose_samples, or_skipped
from tests.corpus.intended import check_compose_lines, check_milvus_lines

_SAMPLES = compose_samples()
SAMPLES = or_skipped(_SAMPLES, (sample.name for sample in _SAMPLES))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "corpus"
    directory.mkdir()
    return directory


def switched(directory: Path, mode: int) -> EnableResult:
    # What becomes of the services that talk to Milvus is in test_neighbours.
    return enabled(directory, mode=mode, neighbours="list")


def texts(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.y*ml")}


@pytest.mark.parametrize("mode", [1, 2])
@pytest.mark.parametrize("sample", SAMPLES)
def test_only_intended_lines_change_and_they_go_again(
    project: Path, sample: Sample, mode: int
) -> None:
    before = texts(sample.write(project))
    switched(project, mode)
    after = texts(project)

    assert after.keys() == before.keys()
    assert after != before
    check_compose_lines(before["docker-compose.yml"], after["docker-compose.yml"])
    if "milvus.yaml" in before:
        check_milvus_lines(before["milvus.yaml"], after["milvus.yaml"])
    assert not switched(project, mode).changed
    assert texts(project) == after
    disable(project, environment=ENVIRONMENT)
    assert texts(project) == before


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_other_mode_is_a_fresh_start(project: Path, sample: Sample, tmp_path: Path) -> None:
    switched(sample.write(project), 1)
    switched(project, 2)
    # The same name, which Compose takes for the name of the project.
    fresh = tmp_path / "fresh" / project.name
    fresh.mkdir(parents=True)
    switched(sample.write(fresh), 2)

    assert texts(project) == texts(fresh)


@pytest.mark.parametrize("sample", SAMPLES)
def test_compose_sees_the_intended_mounts_and_variables_and_nothing_else(
    project: Path, sample: Sample
) -> None:
    require_compose()
    before = model(sample.write(project))
    if isinstance(before, str):
        pytest.skip(f"Compose refuses the original: {before}")
    result = switched(project, 2)
    after = model(project)

    assert isinstance(after, dict), after
    assert result.services is not None
    [service] = result.services
    targets = {"/milvus/tls", "/milvus/configs/milvus.yaml"}
    names = {
        "COMMON_SECURITY_TLSMODE": "2",
        "PROXY_HTTP_ENABLED": "false",
        "TLS_SERVERPEMPATH": "/milvus/tls/server.pem",
        "TLS_SERVERKEYPATH": "/milvus/tls/server.key",
        "TLS_CAPEMPATH": "/milvus/tls/ca.pem",
    }
    old, had, _ = without(before, service, targets, names)
    new, mounts, variables = without(after, service, targets, names)
    assert new == old
    assert mounts == {**had, "/milvus/tls": str(project / "tls")}
    by_file = sample.milvus is not None and "/milvus/configs/milvus.yaml" in mounts
    assert variables == ({} if by_file else names)

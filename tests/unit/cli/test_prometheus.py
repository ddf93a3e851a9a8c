"""``status --format prometheus``, read back by Prometheus' own parser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from compose_tls.cli.output.prometheus import prometheus
from compose_tls.results import DeclaredService, DeployedService, Link, StatusResult
from tests.unit.cli.conftest import Run


def parsed(text: str) -> dict[str, Metric]:
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    return {family.name.removeprefix("compose_tls_"): family for family in families}


def value(metric: Metric, **labels: str) -> float:
    [found] = [s.value for s in metric.samples if labels.items() <= s.labels.items()]
    return float(found)


def test_a_project_with_tls(run: Run, project: Path) -> None:
    run("enable", "--mode", "2")
    outcome = run("status", "--format", "prometheus")
    found = parsed(outcome.out)

    assert outcome.code == value(found["status_exit_code"]) == 0
    assert value(found["declared_mode"], service="standalone") == 2
    assert value(found["certificates_usable"]) == value(found["files_as_written"]) == 1
    ends = found["certificate_not_after_timestamp_seconds"]
    left = datetime.fromtimestamp(value(ends, path="tls/server.pem"), UTC) - datetime.now(UTC)
    assert 823 <= left.days <= 825
    assert value(found["connections"], encryption="encrypted") == 1
    assert value(found["connections"], encryption="plain") == 3
    assert {s.labels["project"] for m in found.values() for s in m.samples} == {str(project)}


def test_what_is_not_encrypted_is_never_said_to_be(run: Run, project: Path) -> None:
    outcome = run("status", "--format", "prometheus")
    found = parsed(outcome.out)

    assert outcome.code == value(found["status_exit_code"]) == 7
    assert value(found["declared_mode"], service="standalone") == 0
    assert value(found["connections"], encryption="encrypted") == 0
    assert value(found["files_as_written"]) == 0


def test_a_mode_that_cannot_be_read_is_no_mode() -> None:
    declared = (DeclaredService(service="milvus", mode=None, by_compose_tls=False),)
    found = parsed(prometheus(StatusResult(project="/p", declared=declared)))

    assert value(found["declared_mode"]) == -1


@pytest.mark.parametrize("state", ["current", "stale", "absent", "foreign"])
def test_what_runs(state: str) -> None:
    deployed = (DeployedService.model_validate({"service": "milvus", "state": state}),)
    declared = (DeclaredService(service="milvus", mode=1, by_compose_tls=True),)
    result = StatusResult(project="/p", declared=declared, deployed=deployed)
    found = parsed(prometheus(result))

    assert value(found["deployed_known"]) == 1
    states = {s.labels["state"]: s.value for s in found["deployed_state"].samples}
    assert [name for name, on in states.items() if on] == [state]
    assert len(states) == 4


def test_without_an_engine_nothing_is_said_of_what_runs() -> None:
    declared = (DeclaredService(service="milvus", mode=1, by_compose_tls=True),)
    result = StatusResult(project="/p", declared=declared, not_looked_at="no engine")
    found = parsed(prometheus(result))

    assert value(found["deployed_known"]) == 0
    assert found["deployed_state"].samples == []


@given(st.text(alphabet=st.characters(), max_size=20))
def test_no_name_steers_the_format(name: str) -> None:
    link = Link(sources=(name,), targets=(name,), purpose="gRPC", encryption="plain")
    declared = (DeclaredService(service=name, mode=0, by_compose_tls=False),)
    text = prometheus(StatusResult(project=name, declared=declared, links=(link,)))
    found = parsed(text)

    text.encode()
    assert len(found) == 8
    [sample] = found["declared_mode"].samples
    assert sample.labels["project"] == sample.labels["service"]
    if name.isprintable() and name.isascii():
        assert sample.labels["service"] == name

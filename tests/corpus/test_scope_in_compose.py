"""Every compose file of the corpus with ``--scope``, as Docker Compose itself understands it.

Compose is the oracle of what changes: its model before and after, against a list of what may differ.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compose_tls import disable, status
from compose_tls.results import EnableResult
from tests.corpus.compose_cli import model, require_compose
from tests.corpus.enabling import ENVIRONMENT, enabled
from tests.corpus.files import Sample
from tests.corpus.test_compose_files import SAMPLES, project
from tests.corpus.whole_stack_model import check_model, kind

__all__ = ["project"]

CUT_OFF = ("clients-cut-off",)
SETTINGS: dict[str, dict[str, Any]] = {
    "one-way": {"mode": 1, "scope": "all"},
    "mutual": {"mode": 2, "scope": "all"},
    "override": {"mode": 2, "scope": "all", "style": "override"},
    "in-place": {"mode": 1, "scope": "all", "style": "in-place", "neighbours": "list"},
    "variables": {"mode": 2, "scope": "all", "config": "env", "neighbours": "ignore"},
    "internal": {"mode": 1, "scope": "internal", "key_type": "rsa-2048"},
}


def widened(directory: Path, settings: dict[str, Any]) -> EnableResult:
    return enabled(directory, accept=CUT_OFF, **settings)


def everything(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


# Each file in half of the ways, and each way with half of the files.
PAIRS = [
    pytest.param(sample.values[0], settings, id=f"{sample.id}-{name}", marks=sample.marks)
    for number, sample in enumerate(SAMPLES)
    for turn, (name, settings) in enumerate(SETTINGS.items())
    if (number + turn) % 2 == 0
]


@pytest.mark.parametrize(("sample", "settings"), PAIRS)
def test_compose_sees_what_is_intended_in_each_service_and_its_bytes_come_back(
    project: Path, sample: Sample, settings: dict[str, Any]
) -> None:
    require_compose()
    before = model(sample.write(project))
    if isinstance(before, str):
        pytest.skip(f"Compose refuses the original: {before}")
    bytes_before = everything(project)
    result = widened(project, settings)
    after = model(project)
    assert isinstance(after, dict), after

    check_model(before, after, project, {one.service for one in result.neighbours})
    if settings["scope"] == "all":
        check_links(project, after, {one.message for one in result.warnings})
    bytes_after = everything(project)
    assert not widened(project, settings).changed
    assert everything(project) == bytes_after
    disable(project, purge=True, environment=ENVIRONMENT)
    assert everything(project) == bytes_before


def check_links(directory: Path, after: dict[str, Any], told: set[str]) -> None:
    """Each server of the project is encrypted by status as by Compose, or its plain text was told."""
    found = status(directory, environment=ENVIRONMENT)
    links = {
        target: link.encryption
        for link in found.links or ()
        if link.purpose in {"metadata", "object store", "messages"}
        for target in link.targets
    }
    for name, service in after["services"].items():
        if kind(service) in {"etcd", "store"}:
            plain = any(name in text for text in told)
            assert links.get(name) == "encrypted" or plain, (name, links.get(name))

"""Real compose files and milvus.yaml files. They are read where they lie, and never copied in here."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
_ABSENT = "there is no corpus of real files beside this checkout (../shared/corpus)"


@dataclass(frozen=True, slots=True)
class Sample:
    """A compose file, and the milvus.yaml that its project holds."""

    name: str
    compose: bytes
    milvus: bytes | None = None

    def write(self, directory: Path) -> Path:
        """Put the project into a directory."""
        (directory / "docker-compose.yml").write_bytes(self.compose)
        if self.milvus is not None:
            (directory / "milvus.yaml").write_bytes(self.milvus)
        return directory


def compose_samples() -> list[Sample]:
    """Every compose file of the corpus."""
    pairs: dict[str, str] = {}
    for row in _manifest():
        if found := re.search(r"\bpair=(\S+)", row["notes"]):
            pairs[found[1]] = row["file"]
    return [
        Sample(path.name, path.read_bytes(), _pair(pairs.get(f"compose/{path.name}")))
        for path in sorted((CORPUS / "compose").glob("*.y*ml"))
    ]


def milvus_files() -> list[Path]:
    """Every milvus.yaml of the corpus."""
    return sorted((CORPUS / "milvus").glob("*.y*ml"))


def or_skipped(values: Iterable[Any], names: Iterable[str]) -> list[Any]:
    """Parameters of a test; without a corpus a single one that is skipped with the reason."""
    found = [pytest.param(value, id=name) for value, name in zip(values, names, strict=True)]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=_ABSENT), id="absent")]


def _manifest() -> list[dict[str, str]]:
    manifest = CORPUS / "MANIFEST.tsv"
    if not manifest.exists():
        return []
    with manifest.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def _pair(name: str | None) -> bytes | None:
    return (CORPUS / name).read_bytes() if name else None

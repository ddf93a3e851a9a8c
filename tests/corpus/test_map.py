"""The map of every compose file of the corpus, drawn in every way."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from compose_tls import TlsConfig, enable, status
from compose_tls.cli.output.map_mermaid import mermaid
from compose_tls.cli.output.map_svg import svg
from compose_tls.cli.output.status_text import status_lines
from compose_tls.errors import ProjectError
from compose_tls.results import Link
from tests.corpus.enabling import ENVIRONMENT
from tests.corpus.files import Sample, compose_samples, or_skipped

_SAMPLES = compose_samples()
SAMPLES = or_skipped(_SAMPLES, (sample.name for sample in _SAMPLES))


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_real_project_has_a_map_before_and_after_enable(tmp_path: Path, sample: Sample) -> None:
    sample.write(tmp_path)
    before = status(tmp_path, environment=ENVIRONMENT)
    drawn(before.links)
    assert "encrypted" not in {link.encryption for link in before.links or ()}
    try:
        enable(tmp_path, TlsConfig(), environment=ENVIRONMENT)
    except ProjectError as error:
        pytest.skip(f"refused, {error.code}: the map before it is all there is to see")
    after = status(tmp_path, environment=ENVIRONMENT)

    assert after.ok
    drawn(after.links)
    assert list(status_lines(after, verbose=True))
    clients = [link for link in after.links or () if link.sources == ("clients",)]
    assert [link.encryption for link in clients] == ["encrypted"]


def drawn(links: tuple[Link, ...] | None) -> None:
    assert links
    picture = ElementTree.fromstring(svg(links))  # noqa: S314 - our own text, not somebody's
    assert picture.tag.endswith("svg")
    parties = {name for link in links for name in (*link.sources, *link.targets)}
    assert all(name in mermaid(links) for name in parties)

"""Every milvus.yaml of the corpus: its settings are put, and everything else means the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from compose_tls.stack.milvus.settings import is_complete, put_settings, tls_settings
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.patch import patch, revert
from tests.corpus.files import milvus_files, or_skipped
from tests.corpus.intended import check_milvus_lines

_FILES = milvus_files()
FILES = or_skipped(_FILES, (path.name for path in _FILES))


def flat(value: Any, route: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """The leaves of a document, by their keys."""
    if not isinstance(value, dict):
        return {route: value}
    return {
        place: leaf
        for key, one in value.items()
        for place, leaf in flat(one, (*route, key)).items()
    }


@pytest.mark.parametrize("rest_port", [None, 8080])
@pytest.mark.parametrize("path", FILES)
def test_settings_are_put_and_nothing_else_changes(path: Path, rest_port: int | None) -> None:
    content = path.read_bytes()
    settings = tls_settings(TlsMode.MUTUAL, "/milvus/tls", rest_port)
    patched = patch(content, path.name, put_settings(parse(content, path.name), settings))

    check_milvus_lines(content, patched.content)
    before, after = (flat(yaml.safe_load(text)) for text in (content, patched.content))
    wanted = {setting.route: yaml.safe_load(setting.value) for setting in settings}
    assert after == {**before, **wanted}
    assert revert(patched.content, patched.splices) == content
    assert put_settings(parse(patched.content, path.name), settings) == []


@pytest.mark.parametrize("path", FILES)
def test_official_files_are_complete_and_extracts_are_not(path: Path) -> None:
    document = parse(path.read_bytes(), path.name)
    sections = flat(yaml.safe_load(path.read_bytes()))

    assert is_complete(document) == (("rootCoord", "port") in sections)

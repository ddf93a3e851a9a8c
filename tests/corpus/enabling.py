"""Enabling a project of the corpus, as on a machine of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from compose_tls import TlsConfig, enable
from compose_tls.errors import ProjectError
from compose_tls.results import EnableResult

# Everything that Compose may read from the environment of a test run is kept out.
# None of these projects runs here, which status would tell where an engine answers.
ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | {
    "DOCKER_HOST": "unix:///no-engine/docker.sock"
}


def enabled(directory: Path, **settings: Any) -> EnableResult:
    """Enable a project; what is refused has to be refused with everything a person needs."""
    config = TlsConfig.model_validate(settings)
    try:
        return enable(directory, config, environment=ENVIRONMENT)
    except ProjectError as error:
        refused = error
    assert refused.path
    assert refused.hint
    pytest.skip(f"refused, {refused.code}: {refused.message} ({refused.path}:{refused.line})")

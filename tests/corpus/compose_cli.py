"""Docker Compose's own view of a project, to compare an enabled one with the original."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest


def require_compose() -> None:
    """Skip, with the reason, where there is no Docker Compose."""
    if absent := _absent():
        pytest.skip(absent)


@cache
def _absent() -> str | None:
    """Why Compose cannot be asked, found out once in a process."""
    if shutil.which("docker") is None:
        return "there is no docker command here"
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return "the docker command here has no Compose" if done.returncode else None


def model(
    directory: Path,
    *,
    resolve_environment: bool = False,
    options: Sequence[str] = (),
    variables: Mapping[str, str] = MappingProxyType(
        {"COMPOSE_PROJECT_NAME": "corpus", "COMPOSE_PROFILES": "*"}
    ),
) -> dict[str, Any] | str:
    """What Compose makes of the project in a directory, or why it refuses it."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [
            *("docker", "compose", *options, "config", "--format", "json"),
            *([] if resolve_environment else ["--no-env-resolution"]),
        ],
        cwd=directory,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return done.stderr.strip()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def without(
    model: dict[str, Any], service: str, targets: Collection[str], names: Collection[str]
) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    """A model without some mounts and variables of a service; the mounts' sources; the variables."""
    rest = copy.deepcopy(model)
    one = rest["services"][service]
    volumes = one.pop("volumes", [])
    kept = [volume for volume in volumes if volume["target"] not in targets]
    if kept:
        one["volumes"] = kept
    environment = one.pop("environment", {})
    others = {name: value for name, value in environment.items() if name not in names}
    if others:
        one["environment"] = others
    mounts = {v["target"]: v["source"] for v in volumes if v["target"] in targets}
    return rest, mounts, {n: v for n, v in environment.items() if n in names}

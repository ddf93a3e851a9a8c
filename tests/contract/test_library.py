"""The library is described: what each function takes, gives and raises, and what each field means."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import compose_tls
from compose_tls import TlsConfig, testing

ROOT = Path(__file__).resolve().parents[2]
NAMES = [(module, name) for module in (compose_tls, testing) for name in module.__all__]
FUNCTIONS = {n: getattr(m, n) for m, n in NAMES if inspect.isfunction(getattr(m, n))}
MODELS = {
    n: getattr(m, n)
    for m, n in NAMES
    if inspect.isclass(getattr(m, n)) and issubclass(getattr(m, n), BaseModel)
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_says_what_it_takes_gives_and_raises(name: str) -> None:
    function: Callable[..., Any] = FUNCTIONS[name]
    text = inspect.getdoc(function) or ""
    for section in ("Args", "Raises", "Returns|Yields"):
        assert re.search(rf"^(?:{section}):$", text, re.MULTILINE), section
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^    {parameter}: ", text, re.MULTILINE), parameter


@pytest.mark.parametrize("name", MODELS)
def test_a_field_is_described(name: str) -> None:
    model: type[BaseModel] = MODELS[name]
    texts = "\n".join(inspect.getdoc(base) or "" for base in model.__mro__)
    for field, info in model.model_fields.items():
        # That of the format and the name of the command say what they are.
        if field not in {"schema_version", "command"}:
            told = re.search(rf"^    {field}: ", texts, re.MULTILINE)
            assert info.description or told, f"{name}.{field}"


def mentioned(annotation: Any) -> Iterator[type]:
    """The classes of ours in an annotation."""
    if inspect.isclass(annotation) and annotation.__module__.startswith("compose_tls"):
        yield annotation
    for argument in get_args(annotation):
        yield from mentioned(argument)


@pytest.mark.parametrize("name", MODELS)
def test_the_types_of_its_fields_are_exported(name: str) -> None:
    for field, info in MODELS[name].model_fields.items():
        for found in mentioned(info.annotation):
            assert found.__name__ in compose_tls.__all__, f"{name}.{field}"


def test_every_public_name_is_on_the_page() -> None:
    page = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^##+ (\w+)$", page, re.MULTILINE))
    assert set(compose_tls.__all__) - headings == {"Result", "__version__"}


def test_the_functions_and_models_are_found() -> None:
    assert {"enable", "connect", "init", "milvus_tls"} <= FUNCTIONS.keys()
    assert TlsConfig in MODELS.values()

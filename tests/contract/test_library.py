"""The library is described: what each function takes, gives and raises, and what each field means."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

import compose_tls
from compose_tls import TlsConfig, testing

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


def test_the_functions_and_models_are_found() -> None:
    assert {"enable", "connect", "init", "milvus_tls"} <= FUNCTIONS.keys()
    assert TlsConfig in MODELS.values()

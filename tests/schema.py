"""The JSON schema of what commands print, read and checked once in a process: that costs 0.3 seconds."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

_SCHEMA = Path(__file__).resolve().parents[1] / "docs" / "schema.json"


def check_document(document: Any) -> None:
    """Hold a document against the schema, the formats of its texts included.

    Raises:
        jsonschema.ValidationError: It does not keep to it.
    """
    _validator().validate(document)


@cache
def _validator() -> Any:
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema, format_checker=jsonschema.FormatChecker())

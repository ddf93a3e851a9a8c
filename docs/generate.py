"""Writes docs/schema.json from the models in compose_tls/results.py: ``python docs/generate.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from compose_tls.results import Failure, Result

SCHEMA = Path(__file__).with_name("schema.json")


def schema() -> str:
    """The JSON schema of what ``--json`` prints."""
    models: TypeAdapter[Result | Failure] = TypeAdapter(Result | Failure)
    return (
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": "What compose-tls prints with --json",
                **_as_printed(models.json_schema(mode="serialization")),
            },
            indent=2,
        )
        + "\n"
    )


def _as_printed(node: Any) -> Any:
    """Keys that do not apply are left out, not null; all others are always there."""
    if isinstance(node, list):
        return [_as_printed(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "object" and "properties" in node:
        fields = {n: f for n, f in node["properties"].items() if f.get("type") != "null"}
        optional = {n for n, f in fields.items() if _NULL in f.get("anyOf", []) or _LEFT_OUT in f}
        node |= {
            "properties": {name: _without_null(field) for name, field in fields.items()},
            "required": [name for name in fields if name not in optional],
        }
    return {key: _as_printed(value) for key, value in node.items() if key not in _NOISE}


_NULL = {"type": "null"}
_LEFT_OUT = "left out"
_NOISE = {"title", "default", _LEFT_OUT}


def _without_null(field: dict[str, Any]) -> dict[str, Any]:
    variants = [variant for variant in field.get("anyOf", []) if variant != _NULL]
    if len(variants) != 1:
        return field
    others = {key: value for key, value in field.items() if key != "anyOf"}
    return {**variants[0], **others}


if __name__ == "__main__":
    SCHEMA.write_text(schema(), encoding="utf-8")

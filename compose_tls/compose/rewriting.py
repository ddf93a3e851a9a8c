"""Writes a command, an entry point or a health check's test again, in the style in which it stands."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from compose_tls.compose.edits import Destination
from compose_tls.compose.interpolate import interpolate
from compose_tls.compose.member_edits import Edits
from compose_tls.compose.service import Service
from compose_tls.errors import EditRefused
from compose_tls.yamlpatch.intent import Append, Intent, Put, Route, Text, rewritten
from compose_tls.yamlpatch.query import Found

Rewriting: TypeAlias = Callable[[list[str]], list[str]]
"""What becomes of the texts of a list, or of the one text, as the file writes them."""


def written(service: Service, route: Route) -> list[str]:
    """The texts of a field, as its file writes them; nothing where no file has it.

    Args:
        service: The service.
        route: The field: ``("command",)``, ``("healthcheck", "test")``.
    """
    layers = service.layers(route[0])
    found = layers[-1][1].query(*route[1:]) if layers else None
    return [] if found is None or found.is_null else _texts(found)


def expander(service: Service, name: str) -> Callable[[str], str]:
    """How Compose puts variables into the texts of a field: those of the file that has it."""
    layers = service.layers(name)
    return partial(interpolate, environment=layers[-1][0].variables) if layers else str


def rewrite(
    service: Service,
    route: Route,
    change: Rewriting,
    override: Path | None,
    edits: Edits,
    *,
    hint: str,
) -> None:
    """Add what makes a field say something else.

    Where its own file is edited one text changes; elsewhere the whole field stands again, which Compose
    does not merge: https://docs.docker.com/reference/compose-file/merge/#exceptions

    Args:
        service: The service.
        route: The field.
        change: What becomes of it.
        override: The override file that gets the edits instead of the file that has the field.
        edits: Gets the edits.
        hint: What to write by hand, where it is inherited.

    Raises:
        EditRefused: It is inherited, so that ours would replace more than it.
    """
    old = written(service, route)
    new = change(old)
    if old == new:
        return
    definition, field = service.layers(route[0])[-1]
    found = field.query(*route[1:])
    is_list = found is not None and found.is_list
    place = ("services", service.name, *route)
    own = definition.editable and definition.writes(route[0])
    if own and override in {None, definition.file}:
        whole = rewritten(place, old, new) if is_list else [Put(place, Text(new[0], string=True))]
        edits.add(definition.file, whole)
        return
    into = Destination.of(service, route[0], override)
    if into.definition is not None and into.definition.query(route[0]) is not None:
        what = "its health check" if route[0] == "healthcheck" else f"its {route[0]}"
        raise EditRefused(
            f"the service inherits {what}, which its own would replace",
            hint=hint,
            **into.definition.place(route[0]),
        )
    anew: list[Intent] = [Append(place, Text(text, string=True)) for text in new]
    edits.add(into.file, anew if is_list else [Put(place, Text(new[0], string=True))])


def _texts(found: Found) -> list[str]:
    return [item.written or "" for item in (found.items() if found.is_list else [found])]

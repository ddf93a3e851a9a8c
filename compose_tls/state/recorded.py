"""The schema of state.json and its reading and writing."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from compose_tls.errors import StateUnreadable
from compose_tls.yamlpatch.intent import Route

STATE_FILE = "state.json"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SpliceRecord(_Model):
    """A splice as it was made: ``old`` at character ``start`` became ``new``."""

    start: int
    old: str
    new: str


class EditRecord(_Model):
    """An edit by meaning, to be taken back when the file has been changed since.

    Attributes:
        kind: ``set``: the value at ``route`` was ``old``; ``added-key``: there was none;
            ``added-item`` and ``removed-item``: an item of the list at ``route``.
        new: What enable put there.
        old: What was there before.
    """

    kind: Literal["set", "added-key", "added-item", "removed-item"]
    route: Route
    new: str | dict[str, str] | None = None
    old: str | None = None


class FileRecord(_Model):
    """A patched file: SHA-256 before and after, and the edits between.

    ``before`` is left out where enable made the file.
    """

    path: str
    before: str | None = None
    after: str
    splices: tuple[SpliceRecord, ...]
    edits: tuple[EditRecord, ...]


class State(_Model):
    """What enable did. Paths are relative to the project where they lie inside."""

    version: Literal[1] = 1
    mode: Literal[1, 2]
    services: tuple[str, ...]
    server_name: str
    tls_dir: str
    container_tls_dir: str
    rest_port: int | None = None
    files: tuple[FileRecord, ...]
    certificates: dict[str, str]
    """SHA-256 fingerprints by path."""

    def render(self) -> bytes:
        """The bytes of state.json: the same state gives the same bytes."""
        return self.model_dump_json(indent=2, exclude_none=True).encode() + b"\n"


def read_state(content: bytes | None, path: str) -> State | None:
    """Read state.json.

    Args:
        content: Its bytes; ``None`` when there is no such file.
        path: How errors name it.

    Raises:
        StateUnreadable: It is damaged, or written by a newer compose-tls.
    """
    if content is None:
        return None
    try:
        return State.model_validate_json(content)
    except ValidationError:
        raise StateUnreadable(
            f"{path} is damaged or was written by another version of compose-tls",
            hint=f"restore {path}; or take TLS out by hand, remove it and enable again",
            path=path,
        ) from None

"""What all results have in common: versioned by ``schema``, a list is never ``None``."""

# Without annotations as texts: pydantic would compile each of them.

from typing import Literal

from pydantic import Field

from compose_tls.results.parts import FileResult, LeftOut, Mode, Model
from compose_tls.vocabulary import TlsWarning

SCHEMA_VERSION: Literal[1] = 1


class CommandResult(Model, frozen=True):
    """The fields of every result.

    Attributes:
        command: The command.
        ok: Whether everything is in order; only ``status`` returns ``False``, others raise an error.
        project: The project's directory.
        mode: 1 for one-way, 2 for mutual TLS; ``None`` if TLS is off.
        services: The services that run Milvus and terminate client TLS.
        warnings: Warnings.
    """

    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    command: str
    ok: bool = True
    project: str
    mode: Mode | None
    services: LeftOut[tuple[str, ...]] = ()
    warnings: tuple[TlsWarning, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the command line exits with."""
        return 0


class ChangeResult(CommandResult, frozen=True):
    """The fields of the result of a command that writes.

    Attributes:
        changed: Whether any file changed (or, in a dry run, would).
        dry_run: ``True`` in a dry run.
        files: Every file of the plan.
        next: The next commands, in order, for a shell in the current directory.
    """

    changed: bool
    dry_run: Literal[True] | None = None
    files: tuple[FileResult, ...] = ()
    next: LeftOut[tuple[str, ...]] = ()

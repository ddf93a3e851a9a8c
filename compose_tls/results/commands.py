"""What all results have in common: versioned by ``schema``, a list is never ``None``."""

# Without annotations as texts: pydantic would compile each of them.

from typing import Literal

from pydantic import Field

from compose_tls.results.parts import FileResult, LeftOut, Mode, Model
from compose_tls.vocabulary import TlsWarning

SCHEMA_VERSION: Literal[1] = 1


class CommandResult(Model, frozen=True):
    """What every command tells.

    Attributes:
        command: The command.
        ok: Whether all is well; only ``status`` finds that it is not, the others raise an error.
        project: The project's directory.
        mode: 1 for one-way, 2 for mutual TLS; ``None`` where TLS is off.
        services: The services that run Milvus and end client TLS.
        warnings: What to know although the command went on.
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
    """What a command that writes tells.

    Attributes:
        changed: Whether any file changed (or, in a dry run, would).
        dry_run: ``True`` where nothing was written because that was asked for.
        files: Every file of the plan.
        next: The commands to go on with, one after the other, for a shell where the user stands.
    """

    changed: bool
    dry_run: Literal[True] | None = None
    files: tuple[FileResult, ...] = ()
    next: LeftOut[tuple[str, ...]] = ()

"""Prints a result: one document or text on standard output, warnings and progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import click

from compose_tls.cli.line import Line, line
from compose_tls.cli.output import rendering
from compose_tls.cli.printing import is_terminal, say, show_lines
from compose_tls.cli.typed_command import completed_warnings, without_dry_run
from compose_tls.errors import CheckFailed
from compose_tls.values import dataclass

if TYPE_CHECKING:
    from compose_tls.cli.output.live import Live
    from compose_tls.listener import OnEvent
    from compose_tls.results import CommandResult, EnableResult, ExportResult, Result, StatusResult

_R = TypeVar("_R", bound="CommandResult")


@dataclass(slots=True)
class Output:
    """The output options of the user, and what was already printed.

    Attributes:
        json: One document, and no text.
        quiet: Nothing but errors, and what was asked for by itself: a document, client code, a picture.
        verbose: Every detail.
    """

    json: bool
    quiet: bool
    verbose: bool
    _live: Live | None = field(default=None, init=False)

    @property
    def on_event(self) -> OnEvent:
        """Who hears of progress: on a terminal a line that counts seconds, elsewhere standard error."""
        if self.quiet:
            return lambda _: None
        if not is_terminal(sys.stderr):
            return lambda text: say(text, err=True)
        from compose_tls.cli.output.live import Live

        self._live = Live(self._written, verbose=self.verbose)
        return self._live

    @property
    def files_told(self) -> bool:
        """Whether what was written is on the screen already."""
        return self._live is not None and self._live.wrote

    @property
    def checks_told(self) -> bool:
        """Whether the probes are."""
        return self._live is not None and self._live.told and is_terminal(sys.stdout)

    def _written(self, result: EnableResult) -> Iterable[Line]:
        if self.json:
            return ()
        result = _completed(result)
        self.warn(result)
        return _lines(result, self)

    def warn(self, result: Result) -> None:
        """Say what there is to know although the command went on."""
        if not (self.quiet or self.files_told):
            if not self.json and Path(result.project) in Path.cwd().parents:
                # As Compose, which looks above too; and paths are told as seen from the project.
                say(f"the project is in {result.project}", err=True)
            show_lines(rendering.warning_lines(result.warnings), err=True)

    def close(self) -> None:
        """End the line that counts seconds."""
        if self._live is not None:
            self._live.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        self.close()
        if isinstance(error, CheckFailed) and self._live and self._live.told and not self.json:
            # They are on the screen: the error does not repeat them.
            error.message = error.summary
            error.checks = ()


def show(result: Result, output: Output) -> int:
    """Print a result and give its exit code."""
    result = _completed(result)
    output.close()
    output.warn(result)
    if output.json:
        from compose_tls.cli.output import json_documents

        say(json_documents.result_json(result))
    elif not output.quiet or result.command == "connect":
        show_lines(_lines(result, output))
    return result.exit_code


def _completed(result: _R) -> _R:
    """A result whose next steps are whole commands, as this one was typed."""
    from compose_tls.results import ChangeResult

    context = click.get_current_context(silent=True)
    if context is None:
        return result
    arguments: Sequence[str] = context.find_root().obj
    told: dict[str, object] = {}
    if (warnings := completed_warnings(result.warnings, arguments)) != result.warnings:
        told["warnings"] = warnings
    if isinstance(result, ChangeResult) and result.dry_run:
        told["next"] = (without_dry_run(arguments),) if result.changed else ()
    return result.model_copy(update=told) if told else result


def show_document(result: ExportResult, output: Output) -> int:
    """Print an exported document on standard output, and all else on standard error."""
    output.warn(result)
    if not output.quiet:
        from compose_tls.cli.output import change_text

        show_lines(change_text.beside_lines(result, verbose=output.verbose), err=True)
    say(result.text or result.private_text, end="")
    return result.exit_code


def show_map(result: StatusResult, form: str, output: Output) -> int:
    """Print a project as a picture, mermaid or svg, or as metrics, and give the exit code."""
    from compose_tls.cli.output.map_mermaid import mermaid
    from compose_tls.cli.output.map_svg import svg
    from compose_tls.cli.output.prometheus import prometheus

    output.warn(result)
    if form == "prometheus":
        say(prometheus(result), end="")
    else:
        say((svg if form == "svg" else mermaid)(result.links), end="")
    return result.exit_code


def _lines(result: Result, output: Output) -> Iterable[Line]:
    verbose, checks_told = output.verbose, output.checks_told
    if result.command == "status":
        from compose_tls.cli.output import status_text

        return status_text.status_lines(result, verbose=verbose)
    if result.command == "check":
        from compose_tls.cli.output import check_text

        return check_text.check_result_lines(result, verbose=verbose, checks_told=checks_told)
    from compose_tls.cli.output import change_text

    match result.command:
        case "enable":
            return change_text.enable_lines(
                result, verbose=verbose, files_told=output.files_told, checks_told=checks_told
            )
        case "init":
            return change_text.init_lines(result, verbose=verbose, checks_told=checks_told)
        case "disable":
            return change_text.disable_lines(result, verbose=verbose)
        case "renew":
            return change_text.renew_lines(result, verbose=verbose, checks_told=checks_told)
        case "client":
            return change_text.client_lines(result, verbose=verbose)
        case "export":
            return change_text.export_lines(result, verbose=verbose)
        case "connect":
            code = result.snippet.text.rstrip("\n").split("\n")
            return [line(text, whole=True) for text in code]

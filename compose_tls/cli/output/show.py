"""Prints a result: one document or text on standard output, warnings on standard error."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from compose_tls.cli.options import Output
from compose_tls.cli.output import (
    change_text,
    check_text,
    client_text,
    json_documents,
    rendering,
    status_text,
)
from compose_tls.cli.printing import say

if TYPE_CHECKING:
    from compose_tls.results import Result, StatusResult


def show(result: Result, output: Output) -> int:
    """Print a result and give its exit code."""
    _warn(result)
    if output.json:
        say(json_documents.result_json(result))
    else:
        for line in _lines(result, verbose=output.verbose):
            say(line)
    return result.exit_code


def show_map(result: StatusResult, form: str) -> int:
    """Print a project as a picture, mermaid or svg, or as metrics, and give the exit code."""
    from compose_tls.cli.output.map_mermaid import mermaid  # noqa: PLC0415 - for these alone
    from compose_tls.cli.output.map_svg import svg  # noqa: PLC0415 - as above
    from compose_tls.cli.output.prometheus import prometheus  # noqa: PLC0415 - as above

    _warn(result)
    if form == "prometheus":
        say(prometheus(result), end="")
    else:
        say((svg if form == "svg" else mermaid)(result.links), end="")
    return result.exit_code


def _warn(result: Result) -> None:
    for line in rendering.warning_lines(result.warnings):
        say(line, err=True)


def _lines(result: Result, *, verbose: bool) -> Iterable[str]:
    from compose_tls import results  # noqa: PLC0415 - pydantic costs 80 ms, not for --help

    match result:
        case results.EnableResult():
            return change_text.enable_lines(result, verbose=verbose)
        case results.DisableResult():
            return change_text.disable_lines(result, verbose=verbose)
        case results.RenewResult():
            return change_text.renew_lines(result, verbose=verbose)
        case results.StatusResult():
            return status_text.status_lines(result, verbose=verbose)
        case results.CheckResult():
            return check_text.check_result_lines(result)
        case results.ClientResult():
            return client_text.client_lines(result, verbose=verbose)
        case results.ConnectResult():
            return [result.snippet.text.rstrip("\n")]

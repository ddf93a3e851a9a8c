"""Completes commands in hints with the options that name this project.

A hint is written where something is found, by packages that know neither the options that were typed nor
where. So it says ``docker compose up -d``, and here, once for all of them, the rest is put in.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial, wraps
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from compose_tls.compose.discovery import DEFAULT_FILES, OVERRIDE_FILES, named_files
from compose_tls.config import FILES
from compose_tls.errors import (
    CheckFailed,
    ComposeFileNotFound,
    ComposeTlsError,
    ProjectError,
    ServiceNotFound,
    TooManyOpenFiles,
)
from compose_tls.patterns import regex
from compose_tls.results import CommandResult, Probe
from compose_tls.shell import joined, typed
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows import preamble
from compose_tls.workflows.argument_types import require_types
from compose_tls.workflows.next_step import (
    OF_THE_PLACE,
    accepting,
    compose_options,
    issuing_options,
    own_options,
)

_P = ParamSpec("_P")
_R = TypeVar("_R", bound=CommandResult)

_COMPOSE: Final = regex(
    r"\bdocker compose (?=(?:up|stop|start|restart|unpause|logs|ps|down|exec|rm|config)\b)"
)
_OWN: Final = regex(
    r"(?<![-\w])compose-tls (?!\w+ --help)"
    r"(?=(?:-p \S+ )?(?:enable|disable|status|check|renew|client|connect|export)\b"
    # A directory is named as seen from the current directory.
    r"|init\b(?! (?:DIR|milvus)\b))"
)
_CLIENT: Final = regex(r"(?<![-\w])compose-tls (?:-[^ ]+ [^- ][^ ]* )*client\b(?! (?:…|--help))")
_OF_FILES: Final = frozenset({"enable", "disable", "status"})
_NAMED: Final = regex(
    r"(?<![-\w])compose-tls (?:-[^ ]+ [^- ][^ ]* )*"
    r"(?:enable|disable|status|check|renew|client|connect|export)\b(?! (?:…|--help))"
)
# What stands for the command that failed, with its own options: the command line knows what was typed.
_THIS: Final = "enable …"
_MORE_FILES: Final = "raise the limit of open files (ulimit -n 1024), then run the command again"
# Its path is that of the project.
_OF_A_FILE: Final = regex(r"(?:sudo )?(?:chmod|chown|mv) ")


def _is_out_of_files(error: BaseException | None) -> bool:
    """Whether an error comes from the limit of open files, whatever it was taken for."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}:
            return True
        error = error.__context__
    return False


def with_whole_hints(command: Callable[_P, _R]) -> Callable[_P, _R]:
    """A command whose results and errors tell whole commands."""

    @wraps(command)
    def run(*arguments: _P.args, **named: _P.kwargs) -> _R:
        def spelled(opened: preamble.Opened) -> Callable[[str], str]:
            if any(isinstance(each, Mapping) for each in (*arguments, named.get("config"))):
                # From the command line, which knows what was typed.
                return partial(whole, opened)
            this = joined(_words(command.__name__, opened, arguments[1:], named))
            return lambda hint: whole(opened, hint).replace(_THIS, this)

        token = preamble.CURRENT.set(None)
        try:
            require_types(command, arguments, named)
            result = command(*arguments, **named)
            opened = preamble.CURRENT.get()
            if opened is None:
                return result
            told = not_taken(opened) if command.__name__ in _OF_FILES else ()
            return _of_result(result, told, spelled(opened))
        except OSError as error:
            if _is_out_of_files(error):
                text = "this process may open no more files"
                raise TooManyOpenFiles(text, hint=_MORE_FILES) from None
            raise
        except ComposeTlsError as error:
            if _is_out_of_files(error):
                error.hint = _MORE_FILES
            opened = preamble.CURRENT.get()
            if opened is not None:
                is_new = command.__name__ == "init"
                told = () if is_new else not_taken(opened)
                instead = None if is_new else _other_file(opened, error)
                _of_error(error, told, spelled(opened), instead)
            # A script that does not catch it ends in a traceback, which shows notes.
            error.add_note(f"next: {error.hint}")
            raise
        finally:
            preamble.CURRENT.reset(token)

    return run


def whole(opened: preamble.Opened, hint: str) -> str:
    """A hint whose commands name the project.

    Args:
        opened: The project.
        hint: Text with commands in it, each with its options already or without any.
    """
    for command, options in ((_COMPOSE, compose_options(opened)), (_OWN, own_options(opened))):
        words = joined(options)
        if words and words not in hint:
            escaped = words.replace("\\", r"\\")
            hint = command.sub(rf"\g<0>{escaped} ", hint)
    issuing = _issuing(opened) if _CLIENT.search(hint) else ""
    if issuing and issuing not in hint:
        escaped = issuing.replace("\\", r"\\")
        hint = _CLIENT.sub(rf"\g<0> {escaped}", hint)
    accepted = joined(accepting(opened))
    if accepted and accepted not in hint:
        hint = _NAMED.sub(rf"\g<0> {accepted}", hint)
    if _OF_A_FILE.match(hint) and opened.root != Path.cwd():
        return f"cd {typed(os.path.relpath(opened.root))} && {hint}"
    return hint


def _issuing(opened: preamble.Opened) -> str:
    """The options that name a CA outside the project, which may be known from the record alone."""
    try:
        return joined(issuing_options(opened.settled()))
    except ComposeTlsError:
        return ""


def not_taken(opened: preamble.Opened) -> Iterator[TlsWarning]:
    """The compose files that lie next to the one that Compose takes, and that it does not read."""
    if named_files(opened.config.file, opened.completed):
        return
    for kind in (DEFAULT_FILES, OVERRIDE_FILES):
        taken, *others = [name for name in kind if os.path.lexists(opened.root / name)] or [""]
        for name in others:
            text = f"{name} is not read: docker compose takes {taken} next to it"
            hint = f"remove the one that you do not need, or name the right one: -f {name}"
            yield TlsWarning("compose-file-not-read", text, name, hint)


def _words(
    command: str,
    opened: preamble.Opened,
    arguments: Iterable[object],
    named: Mapping[str, object],
) -> Iterator[str]:
    """A command of the library as it is typed, without the options that name the project."""
    yield command
    for one in (*arguments, named.get("names"), named.get("target")):
        yield from [one] if isinstance(one, str) else one if isinstance(one, (list, tuple)) else ()
    for name, value in named.items():
        if value is True:
            yield _option(name)
        elif name == "restart" and value is False:
            yield "--no-restart"
    for name in sorted(opened.typed - OF_THE_PLACE):
        value = getattr(opened.given, name)
        if name in FILES and value:
            value = os.path.relpath(opened.root / value, opened.start)
        for one in value if isinstance(value, tuple) else (value,):
            yield from (_option(name),) if one is True else (_option(name), str(one))


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _other_file(opened: preamble.Opened, error: ComposeTlsError) -> str | None:
    if not isinstance(error, (ComposeFileNotFound, ServiceNotFound)):
        return None
    from compose_tls.workflows.other_compose_file import other_file  # noqa: PLC0415 - for these errors

    return other_file(opened, error)


def _of_result(result: _R, told: Iterable[TlsWarning], spell: Callable[[str], str]) -> _R:
    warnings = dict.fromkeys((*told, *result.warnings))
    changed: dict[str, object] = {"warnings": tuple(one.spelled(spell) for one in warnings)}
    if probes := getattr(result, "checks", ()):
        changed["checks"] = _of_probes(probes, spell)
    return result.model_copy(update=changed)


def _of_error(
    error: ComposeTlsError,
    told: Iterable[TlsWarning],
    spell: Callable[[str], str],
    instead: str | None,
) -> None:
    error.hint = spell(instead or error.hint)
    if isinstance(error, ProjectError):
        error.warnings = (*told, *error.warnings)
    error.warnings = tuple(one.spelled(spell) for one in error.warnings)
    if isinstance(error, CheckFailed):
        error.checks = _of_probes(error.checks, spell)


def _of_probes(probes: Sequence[Probe], spell: Callable[[str], str]) -> tuple[Probe, ...]:
    return tuple(
        one.model_copy(update={"hint": spell(one.hint)}) if one.hint else one for one in probes
    )

"""The command line: its commands, and the conversion of errors into output."""

from __future__ import annotations

import errno
import importlib
import io
import itertools
import os
import re
import sys
from collections.abc import Sequence

import click

from compose_tls.cli import printing
from compose_tls.cli.completing import COMPLETE
from compose_tls.cli.options import before_the_command
from compose_tls.cli.topics import TOPICS
from compose_tls.errors import CheckFailed, ComposeTlsError, Interrupted, WriteFailed, WrongUsage
from compose_tls.signals import came
from compose_tls.version import __version__

_BUG = 1
_NOBODY_READS = 128 + 13  # as a shell tells of a program that SIGPIPE ended: compose-tls … | head
_PAGE_OF_SETTINGS = "compose-tls enable --help"
_ISSUES = "https://github.com/compose-tls/compose-tls/issues"

_COMMANDS = {
    "enable": "encrypt client connections of a Milvus Compose project",
    "disable": "undo exactly what enable changed",
    "status": "what is encrypted, with which certificate, until when",
    "check": "prove it against the running server",
    "renew": "renew certificates before they expire; --ca rotates the CA without client downtime",
    "client": "issue certificates for more clients",
    "connect": "paste-ready client code and settings",
    "export": "the same set-up for Kubernetes (Helm, Operator, cert-manager), Swarm or openssl",
    "init": "a new Milvus Compose project with TLS from the start",
    "help": f"a command and its options, or a topic: {', '.join(TOPICS)}",
    "completion": "completion for bash, zsh or fish",
}


class _LazyGroup(click.Group):
    """Loads a command's module when the command is called: --version and --help pay for none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            import difflib

            # Below that, "start" would be taken for "status".
            near = difflib.get_close_matches(cmd_name, _COMMANDS, n=1, cutoff=0.75)
            tip = f"did you mean compose-tls {near[0]}?" if near else "see compose-tls --help"
            tip = f"see compose-tls help {cmd_name}" if cmd_name in TOPICS else tip
            tip = "compose-tls --version" if cmd_name == "version" else tip
            raise WrongUsage(f"there is no command {cmd_name}", hint=tip)
        module = importlib.import_module(f"compose_tls.cli.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": printing.WIDEST_HELP,
    },
    epilog="\b\nStart with:\n  compose-tls enable --mode 1 --dry-run",
)
@click.version_option(__version__, prog_name="compose-tls")
@before_the_command
def app(**_: object) -> None:
    """Encrypt the client connections of a Milvus Docker Compose project, and prove it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments; those of the process by default.

    Returns:
        The exit code, as documented in docs/exit-codes.md.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    # Else pydantic reads the metadata of every installed package, in search of plug-ins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal cannot show (a name in Chinese, a path that is not UTF-8) ends nothing.
            stream.reconfigure(errors="backslashreplace")
    try:
        outcome = app.main(
            args=list(arguments),
            prog_name="compose-tls",
            standalone_mode=False,
            obj=arguments,
            terminal_width=printing.help_width(),
        )
    except ComposeTlsError as error:
        return _report(arguments, error)
    except click.exceptions.NoArgsIsHelpError as error:
        printing.say(error.format_message(), err=True)
        return error.exit_code
    except click.ClickException as error:
        return _report(arguments, _usage_error(error, _command_in(arguments)))
    except (KeyboardInterrupt, click.Abort) as error:
        # click turns Ctrl-C into its own exception; the notes stay with the first.
        return _report_interruption(arguments, error.__cause__ or error)
    except (SystemExit, BrokenPipeError) as error:
        return _ended(error)
    except Exception as error:  # noqa: BLE001 - the boundary: no traceback ever reaches a user
        # pydantic gives a SchemaError for what interrupts it while it builds a model.
        report = _report_interruption if came() else _report_other
        return report(arguments, error)
    return outcome if isinstance(outcome, int) else 0


def _report_interruption(arguments: Sequence[str], error: BaseException) -> int:
    notes = getattr(error, "__notes__", [])
    if not notes:
        printing.say("interrupted", err=True)
        return Interrupted.exit_code
    again = "run the command again to continue"
    return _report(arguments, Interrupted(f"interrupted: {'; '.join(notes)}", hint=again))


def _ended(error: SystemExit | BrokenPipeError) -> int:
    """The exit code where click ended the process: after completion, and where nobody reads any more."""
    if isinstance(error, SystemExit) and COMPLETE in os.environ:
        return int(error.code or 0)
    printing.discard(sys.stdout)
    return _NOBODY_READS


def _with_one_dash(context: click.Context | None) -> str | None:
    """The long option that was typed with one dash, which click reads as several short ones."""
    names = {name for one in (context.command.params if context else ()) for name in one.opts}
    typed = (word.partition("=")[0] for word in (context.obj if context else ()))
    return next((w for w in typed if f"-{w}" in names and f"-{w}".startswith("--")), None)


def _usage_error(error: click.ClickException, name: str) -> WrongUsage:
    """An error of click in our words: one line, and the page that helps."""
    command = f"compose-tls {name}".rstrip()
    see = f"see {command} --help"
    if isinstance(error, click.NoSuchOption):
        import difflib

        if name and error.ctx is not None and error.ctx.parent is None:
            asked = app.get_command(error.ctx, name)
            if asked and any(error.option_name in option.opts for option in asked.params):
                return WrongUsage(
                    f"{error.option_name} is an option of {name}, and comes after it",
                    hint=f"{command} {error.option_name} …; {see}",
                )
        word = _with_one_dash(error.ctx) or error.option_name
        near = [f"-{word}"] if word != error.option_name else []
        near = near or difflib.get_close_matches(word, error.possibilities or (), n=1)
        tip = f"did you mean {near[0]}? {see}" if near else see
        return WrongUsage(f"there is no option {word}", hint=tip)
    if isinstance(error, click.MissingParameter) and isinstance(error.param, click.Argument):
        kind = error.param.type
        if isinstance(kind, click.Choice):
            names = tuple(map(str, kind.choices))
            listed = f"one of {', '.join(names)}"
            return WrongUsage(
                f"an argument is missing: {listed}",
                hint=f"for example: {command} {names[0]}; {see}",
            )
    if isinstance(error, click.BadParameter) and isinstance(error.param, click.Option):
        return WrongUsage(f"{error.param.opts[-1]}: {error.message.rstrip('.')}", hint=see)
    message = error.format_message().rstrip(".")
    if extra := re.fullmatch(r"Got unexpected extra arguments? \((.*)\)", message):
        context = error.ctx if isinstance(error, click.UsageError) else None
        word = f"--{extra[1].split()[0]}"
        is_option = any(word in one.opts for one in (context.command.params if context else ()))
        hint = f"did you mean --{extra[1]}? {see}" if is_option else see
        return WrongUsage(f"unexpected argument: {extra[1]}", hint=hint)
    return WrongUsage(message[:1].lower() + message[1:], hint=see)


def _report(
    arguments: Sequence[str], error: ComposeTlsError, *, as_json: bool | None = None
) -> int:
    if COMPLETE in os.environ:
        # A shell asks in the middle of a line: there is nothing to complete, and nothing to say.
        return error.exit_code
    from compose_tls.cli.output import json_documents, rendering
    from compose_tls.cli.typed_command import (
        completed,
        completed_warnings,
    )

    command = _command_in(arguments)
    as_json = _wants_json(arguments) if as_json is None else as_json
    error.hint = completed(_page_named(error.hint, command), arguments)
    error.warnings = completed_warnings(error.warnings, arguments)
    checks = error.checks if isinstance(error, CheckFailed) else ()
    if as_json:
        try:
            printing.say(json_documents.failure_json(command, error, checks))
        except OSError as unwritten:
            printing.discard(sys.stdout)
            as_json = isinstance(unwritten, BrokenPipeError)
    if as_json:
        return error.exit_code
    words = set(arguments)
    warnings = () if {"-q", "--quiet"} & words else error.warnings
    failure = rendering.failure_lines(error, checks, verbose=bool({"-v", "--verbose"} & words))
    printing.show_lines((*rendering.warning_lines(warnings), *failure), err=True)
    return error.exit_code


def _page_named(hint: str, name: str) -> str:
    """A hint that names the page of the command that was typed, where that has an option of the hint."""
    if not name or _PAGE_OF_SETTINGS not in hint:
        return hint
    asked = app.get_command(click.Context(app), name)
    options = {option for each in (asked.params if asked else ()) for option in each.opts}
    known = options.intersection(word.rstrip(",;") for word in hint.split())
    return hint.replace(_PAGE_OF_SETTINGS, f"compose-tls {name} --help") if known else hint


def _report_other(arguments: Sequence[str], error: Exception) -> int:
    if unwritten := _unwritten(error):
        printing.discard(sys.stdout)
        return _report(arguments, unwritten, as_json=False)
    printing.say(_bug(error), err=True)
    return _BUG


def _command_in(arguments: Sequence[str]) -> str:
    """The command that is called: known before the arguments are, which may be the error."""
    options = (option for option in app.params if isinstance(option, click.Option))
    followed = {name for option in options if not option.is_flag for name in option.opts}
    before = ("", *arguments)
    found = (w for w, last in zip(arguments, before, strict=False) if last not in followed)
    return next((word for word in found if word in _COMMANDS), "")


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether a document is wanted: known before the arguments are, too."""
    pairs = set(itertools.pairwise(arguments))
    return bool({"--json", "--format=json"} & set(arguments)) or ("--format", "json") in pairs


def _unwritten(error: Exception) -> WriteFailed | None:
    """What there is to say where standard output takes nothing; ``None`` for any other error."""
    streams = {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EBADF}
    # An error of a file has its name, and that of a stream none.
    if not isinstance(error, OSError) or error.errno not in streams or error.filename is not None:
        return None
    return WriteFailed(
        f"the output cannot be written: {error.strerror}",
        hint="free space there, or write it elsewhere; the changes of the command remain",
    )


def _bug(error: Exception) -> str:
    """One line that helps to find the bug. The message is left out: it could hold a secret."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "compose_tls" in frame.filename] or list(frames)
    place = (
        f"{os.path.split(ours[-1].filename)[1]}:{ours[-1].lineno}" if ours else "an unknown place"
    )
    return (
        f"error: a bug in compose-tls {__version__}: {type(error).__name__} at {place}\n"
        f"  next: report this line and the command at {_ISSUES}"
    )

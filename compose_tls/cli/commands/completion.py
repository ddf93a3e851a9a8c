"""compose-tls completion."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from compose_tls.cli import options
from compose_tls.cli.completing import COMPLETE
from compose_tls.cli.option_types import OneOf
from compose_tls.cli.printing import say

_SHELLS = ("bash", "zsh", "fish")


@click.command(
    name="completion",
    cls=options.HelpPage,
    epilog="""\b
Examples:
  eval "$(compose-tls completion bash)"                    in ~/.bashrc
  compose-tls completion zsh > "${fpath[1]}/_compose-tls"  once, before compinit
  compose-tls completion fish > ~/.config/fish/completions/compose-tls.fish""",
)
@click.argument("shell", type=OneOf(_SHELLS))
def command(shell: str) -> int:
    """Print the completion script of a shell, for commands, options and service names."""
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has these three
    root = click.get_current_context().find_root()
    script = kind(root.command, {}, "compose-tls", COMPLETE)
    # That of bash would first ask the bash on the PATH for its version, and warn.
    say(ShellComplete.source(script))
    return 0

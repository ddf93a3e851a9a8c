"""``compose-tls``, and ``python -m compose_tls``: signals are handled before anything else is loaded."""

from __future__ import annotations

import os
import sys

from compose_tls.version import __version__

# By default the collector of cycles runs every 700 objects, of which a command loads some 100,000.
COLLECTED_EVERY = 250_000

TYPE_CHECKING = False  # as typing has it, whose import would be most of --version

if TYPE_CHECKING:
    from typing import NoReturn


def run() -> NoReturn:
    """The process of a command, from its start to its end.

    Raises:
        SystemExit: The end, where output could not be written: Python says so.
    """
    import gc

    gc.set_threshold(COLLECTED_EVERY)
    _complete_streams()
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError, KeyboardInterrupt):
        # The reader ended, there is no such stream, or a signal came late.
        raise SystemExit(code) from None
    # Python would take apart every module and value first, which takes as long as loading them.
    os._exit(code)


def _complete_streams() -> None:
    """Open what the process was started without: standard input, output or error.

    Else the next file that is opened takes its number, and what a child process says is written there.
    Standard output still takes nothing: a command must not seem to have said what nobody got.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            way = os.O_RDONLY if name == "stdout" else os.O_RDWR
            # The lowest number that is free is given, and children have it too.
            os.set_inheritable(os.open(os.devnull, way), True)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - for as long as the process lives


def main() -> int:
    """Run the command line; a signal while it is being loaded ends it without a traceback."""
    if sys.argv[1:] == ["--version"]:
        # As the command line itself says it, without loading it: scripts ask often.
        try:
            # Not through a buffer, which would keep what cannot be written.
            os.write(1, f"compose-tls, version {__version__}\n".encode())
        except OSError:
            pass  # the command line says why
        else:
            return 0
    try:
        from compose_tls.signals import as_interrupt

        with as_interrupt():
            from compose_tls.cli.app import main

            return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    if __package__ and not sys.flags.safe_path:
        # With -m, Python looks for every library in the current directory first: a stranger's project.
        del sys.path[0]
    run()

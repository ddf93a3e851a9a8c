"""``compose-tls``, and ``python -m compose_tls``: signals are handled before anything else is loaded."""

try:
    from compose_tls.signals import as_interrupt
except KeyboardInterrupt:
    raise SystemExit(130) from None


def main() -> int:
    """Run the command line; a signal while it is being loaded ends it without a traceback."""
    try:
        with as_interrupt():
            from compose_tls.cli.app import main  # noqa: PLC0415 - what takes most of the time

            return main()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())

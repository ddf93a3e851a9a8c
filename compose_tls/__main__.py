"""``python -m compose_tls`` is ``compose-tls``."""

from compose_tls.cli.app import main

if __name__ == "__main__":
    raise SystemExit(main())

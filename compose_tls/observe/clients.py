"""The files of further clients."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from compose_tls.facts import ClientFacts, FileFacts
from compose_tls.observe.reader import Reader
from compose_tls.pki.load import whole_pairs


def read_clients(
    directory: Path, names: Iterable[str], suffixes: Iterable[str], trusted: bytes | None
) -> tuple[ClientFacts, ...]:
    """Look at what lies under the names of clients. No key leaves this function.

    Args:
        directory: Where the files are.
        names: The names.
        suffixes: What the names of the files end in.
        trusted: The CA certificates of the project, PEM.

    Raises:
        FileUnreadable: A file may not be read.
    """
    reader = Reader(directory)
    files: dict[str, dict[str, FileFacts | None]] = {}
    pairs: dict[str, tuple[bytes | None, bytes | None]] = {}
    for name in names:
        contents = {suffix: reader.secret(directory / f"{name}{suffix}") for suffix in suffixes}
        files[name] = {suffix: reader.files[directory / f"{name}{suffix}"] for suffix in contents}
        pairs[name] = contents.get(".pem"), contents.get(".key")
    whole = whole_pairs(pairs, trusted)
    return tuple(ClientFacts(name, files[name], *whole.get(name, (None, False))) for name in files)

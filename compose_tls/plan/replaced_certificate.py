"""What someone put in place of the certificate that enable wrote for Milvus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from compose_tls import layout
from compose_tls.changes import CreateFile, FileChange, relative
from compose_tls.observation import Observation
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsWarning

_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"  # RFC 7468 section 5


def put_in_place(observation: Observation, state: State | None) -> Path | None:
    """The certificate that Milvus presents, where someone put it in place of the one of enable."""
    shown = f"{state.settings.served_dir}/{layout.SERVER_CERTIFICATE}" if state else ""
    written = state.digests.get(shown) if state else None
    there = observation.files.get(path := observation.directory / shown)
    if there is None or not written or there.sha256 in {None, written}:
        return None
    # Anything but a certificate is one of ours that was damaged.
    return path if _CERTIFICATE in (observation.content(path) or b"") else None


def written_over(
    observation: Observation, state: State | None, changes: Iterable[FileChange]
) -> Iterator[TlsWarning]:
    """What someone put in place of the certificate that Milvus presents, and is not kept.

    Args:
        observation: The project.
        state: What enable recorded.
        changes: What is to be written.
    """
    path = put_in_place(observation, state)
    written = (change.path for change in changes if isinstance(change, CreateFile))
    if path is not None and path in written:
        name = relative(path, observation.directory)
        text = f"{name} was changed since it was written, and is written over, with its key"
        hint = "give certificates of your own with --server-cert, --server-key and --ca-cert"
        yield TlsWarning("certificates-drifted", text, name, hint)

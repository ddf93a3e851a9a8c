"""Certificates with their keys that someone put in place of those that enable wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import filterfalse
from pathlib import Path
from typing import Final

from compose_tls import layout
from compose_tls.changes import CreateFile, FileChange, relative, sha256
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateError, KeyWrittenOver, settle
from compose_tls.observation import Observation
from compose_tls.project.model import taken_over
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsWarning

_OF_STORE: Final = layout.STACK_FILES[layout.OBJECT_STORE]
_USING: Final = "to use them, give them with --server-cert, --server-key and --ca-cert"


def put_in_place(observation: Observation, state: State | None) -> dict[Path, Path]:
    """Certificates that are not as they were written, each with the key next to it that is its own.

    What does not belong to its key is one of ours that was damaged.

    Args:
        observation: The project.
        state: What enable recorded.
    """
    from compose_tls.pki.load import bundle_facts  # noqa: PLC0415 - cryptography costs 75 ms

    found: dict[Path, Path] = {}
    for one in state.identities if state else ():
        for shown, written in (one.files or {}).items() if one.profile != "ca" else ():
            path = observation.directory / shown
            key = path.with_suffix(layout.KEY)
            if path.name == _OF_STORE[0][0]:
                key = path.with_name(_OF_STORE[1][0])
            content = observation.content(path)
            changed = content is not None and sha256(content) != written
            if changed and observation.files.get(key) and key not in observation.pki.foreign_keys:
                with suppress(CertificateError):
                    first, *_ = bundle_facts(content or b"", path=shown)
                    # With another one below it, the first is still ours.
                    if first.sha256 != one.certificates.get(shown):
                        found[path] = key
    return found


def strangers(observation: Observation, config: TlsConfig, state: State) -> frozenset[str]:
    """Those of them that enable neither keeps nor could issue again, by their paths as they are shown.

    Args:
        observation: The project.
        config: The settings; they say where the PKI directory is.
        state: What enable recorded.
    """
    pki = observation.directory / config.pki_dir
    kept = {pki / f"{name}{layout.CERTIFICATE}" for name in observation.pki.usable}
    kept |= taken_over(observation.directory, config)
    places = put_in_place(observation, state).keys() - kept
    others = filterfalse(partial(_is_issued_here, observation, config), places)
    return frozenset(relative(path, observation.directory) for path in others)


def _is_issued_here(observation: Observation, config: TlsConfig, path: Path) -> bool:
    """Whether a CA of our own issued a certificate, so that none is lost that it could not issue again.

    Such as what a renewal left that was not completed.
    """
    from compose_tls.pki.load import is_issued_here  # noqa: PLC0415 - cryptography costs 75 ms

    given = {layout.CA: config.ca_cert, layout.CLIENT_CA: config.client_ca_cert}
    names = (layout.CA, layout.NEXT_CA, layout.CLIENT_CA, layout.STACK_CA)
    pki = observation.directory / config.pki_dir
    cas = (pki / f"{name}{layout.CERTIFICATE}" for name in names if not given.get(name))
    return is_issued_here(
        observation.content(path), b"".join(observation.content(ca) or b"" for ca in cas)
    )


def written_over(
    observation: Observation,
    config: TlsConfig,
    state: State | None,
    changes: Iterable[FileChange],
) -> Iterator[TlsWarning]:
    """The keys that someone put in place, and that would be lost.

    Args:
        observation: The project.
        config: The settings; they say what the user accepts.
        state: What enable recorded.
        changes: What is to be written.

    Raises:
        KeyWrittenOver: There is one, and the user has not accepted that.
    """
    written = {change.path for change in changes if isinstance(change, CreateFile)}
    for path, key in put_in_place(observation, state).items():
        if written >= {path, key}:
            name, its_key = (relative(one, observation.directory) for one in (path, key))
            if _is_issued_here(observation, config, path):
                text = f"{name} was changed since it was written, and is written over, with its key"
                if path.parent != observation.directory / config.pki_dir:
                    yield TlsWarning("certificates-drifted", text, name)
                continue
            refusal = KeyWrittenOver(
                f"{name} was changed since it was written, and would be written over, with its key",
                hint=f"move {name} and {its_key} away; {_USING}",
                path=name,
            )
            yield settle(refusal, config.accept)

"""Keys, and what containers see whose fingerprint is not recorded: whether each is what it has to be."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal

from compose_tls import layout
from compose_tls.changes import relative
from compose_tls.config import TlsConfig
from compose_tls.observation import FileFacts, Observation
from compose_tls.results import FileState
from compose_tls.state.recorded import State
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that a container sees.

    Attributes:
        path: Where it is.
        origin: The file of the PKI directory that it is a copy of, or would be.
        certificate: The certificate next to it, where it holds a key.
        roots: The file with the roots that come before it; those of any system where it says so.
    """

    path: Path
    origin: Path
    certificate: Path | None = None
    roots: Path | Literal["any"] | None = None


def copies(directory: Path, config: TlsConfig, state: State) -> Iterator[Copy]:
    """What containers see of the PKI directory, certificates that are recorded apart.

    Args:
        directory: The project directory.
        config: The settings; they say where the PKI directory is.
        state: What enable recorded.
    """
    pki, settings = directory / config.pki_dir, state.settings
    served = directory / settings.served_dir
    yield Copy(
        served / layout.SERVER_KEY, pki / layout.SERVER_KEY, served / layout.SERVER_CERTIFICATE
    )
    for folder, files in layout.stack_folders([one.name for one in state.identities]).items():
        places = {name: directory / settings.tls_dir / folder / there for there, name in files}
        for name, path in places.items():
            if name == layout.CA_BUNDLE:
                ca = pki / f"{layout.STACK_CA}{layout.CERTIFICATE}"
                yield Copy(path, ca, roots=pki / layout.PUBLIC_ROOTS)
            elif name in layout.MADE or name.endswith(layout.KEY):
                certificate = places.get(f"{layout.identity_of(name)}{layout.CERTIFICATE}")
                yield Copy(path, pki / name, certificate)
    for one in state.neighbours or ():
        place = directory / layout.neighbours_directory(settings.tls_dir) / one.service
        for file in one.files:
            if file == layout.CLIENT_KEY:
                key = pki / f"{layout.client_identity(one.service)}{layout.KEY}"
                yield Copy(place / file, key, place / layout.CLIENT_CERTIFICATE)
            elif file != layout.CLIENT_CERTIFICATE:
                roots: Literal["any"] | None = "any" if file == layout.NEIGHBOUR_ROOTS else None
                yield Copy(place / file, pki / layout.CA_CERTIFICATE, roots=roots)


def key_and_copy_states(
    observation: Observation, config: TlsConfig, state: State, drifted: Collection[str]
) -> Iterator[FileState]:
    """Those that are missing, or are not what they have to be.

    A key has to be that of the certificate next to it; so one that may not be read is not told of.

    Args:
        observation: The project.
        config: The settings; they say where the PKI directory is.
        state: What enable recorded.
        drifted: The certificates that are not as they were recorded, for which the key is not at fault.
    """
    directory, files = observation.directory, observation.files
    pki = directory / config.pki_dir
    unlike = {directory / path for path in drifted}
    drifts: list[Path] = []
    for one in state.identities:
        key = pki / f"{one.name}{layout.KEY}"
        # What is issued already needs no key of its CA.
        unused = one.profile == "ca" or (
            one.name == layout.CLIENT and state.settings.tls_mode is not TlsMode.MUTUAL
        )
        foreign = key in observation.pki.foreign_keys and not unused
        drifts += [key] if foreign and key.with_suffix(layout.CERTIFICATE) not in unlike else []
    for copy in copies(directory, config, state):
        there, origin = files.get(copy.path), files.get(copy.origin)
        if there is None:
            yield FileState(path=relative(copy.path, directory), state="missing")
        elif copy.certificate is None:
            drifts += [] if _is_made_of(copy, observation, unlike) else [copy.path]
        elif copy.path in observation.pki.foreign_keys and copy.certificate not in unlike:
            drifts.append(copy.path)
        elif copy.origin.with_suffix(layout.CERTIFICATE) in unlike and _differ(origin, there):
            # It fits a certificate that was replaced with it.
            drifts.append(copy.origin)
    for path in dict.fromkeys(drifts):
        yield FileState(path=relative(path, directory), state="drifted")


def _differ(one: FileFacts | None, other: FileFacts) -> bool:
    """Whether both could be read, and are not the same."""
    return one is not None and None not in (one.sha256, other.sha256) and one.sha256 != other.sha256


def _is_made_of(copy: Copy, observation: Observation, unlike: Collection[Path]) -> bool:
    """Whether what holds no key says what the files of the PKI directory do, as far as they are known."""
    there = observation.content(copy.path)
    ca = observation.content(copy.origin) if copy.origin not in unlike else None
    if there is None or ca is None:
        return True
    if copy.roots == "any":
        return there.endswith(ca)
    roots = observation.content(copy.roots) if copy.roots else b""
    return roots is None or there == layout.ca_bundle(roots, ca)

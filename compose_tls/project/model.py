"""A project as one value, read once: its files, what Compose makes of them, what enable recorded."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final, Literal

from compose_tls.changes import relative
from compose_tls.compose.compose_project import ComposeProject
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.layout import (
    CA,
    CA_CERTIFICATE,
    CERTIFICATE,
    CLIENT,
    KEY,
    NEXT_CA,
    SERVER,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    STACK,
    STATE_FILE,
    TLS_FILES,
)
from compose_tls.observation import Observation
from compose_tls.project.milvus_services import MilvusService
from compose_tls.shell import joined, moved_away
from compose_tls.state.recorded import State
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode

_BUILDS: Final = ("dockerfile", "containerfile")


@dataclass(frozen=True, slots=True)
class Project:
    """What a command knows of a project.

    Attributes:
        observation: The files as they are on disk.
        compose: What Compose makes of them; of those in ``originals``, of what they were.
        state: What the last enable recorded; ``None`` where there was none.
        originals: The files without what an earlier enable put in, where they are looked at like that;
            ``None`` for a file that enable made.
        kept: The places of ours that someone changed since, by file.
        milvus: The services that run Milvus, or may.
        renamed: What services of the record are called by now, where the user accepts that; ``state``
            has the new names then.
        drafted: Whether files that ``init`` is to make are ``used`` by something that the user has, or
            ``unused``, so that nothing can be lost.
        mode_by_hand: The strictest mode that enable put in, or someone by hand in its place; off
            where the edits of enable are not taken out.
    """

    observation: Observation
    compose: ComposeProject
    state: State | None
    originals: Mapping[Path, bytes | None] = field(repr=False)
    kept: tuple[tuple[str, str], ...]
    milvus: tuple[MilvusService, ...] = field(repr=False)
    mode_by_hand: TlsMode
    renamed: Mapping[str, str]
    drafted: Literal["used", "unused"] | None = None

    @property
    def directory(self) -> Path:
        """The project directory, absolute."""
        return self.observation.directory

    def read(self, path: Path) -> bytes | None:
        """The bytes of a file that was looked at, without what an earlier enable put in."""
        return self.originals[path] if path in self.originals else self.observation.content(path)

    def files_of(self, service: Service) -> Iterator[Path]:
        """The configuration files of the project that a service mounts."""
        compose_files = {definition.file for definition in service.definitions}
        for mount in service.every_mount():
            place = mount.host_path
            if place is not None and not self.directory.is_relative_to(place):
                for path in self.observation.files:
                    # What an image is built with is read for the service that is built with it.
                    builds = any(word in path.name.lower() for word in _BUILDS)
                    if path.is_relative_to(place) and path not in compose_files and not builds:
                        yield path

    def relative(self, path: Path) -> str:
        """A path as people see it: relative to the project where it is inside."""
        return relative(path, self.directory)


def named_services(config: TlsConfig, state: State | None) -> frozenset[str]:
    """The services that run Milvus because the user says so, or said so to an earlier enable."""
    return frozenset({*config.service, *(state.services if state else ())})


def taken_over(directory: Path, config: TlsConfig) -> frozenset[Path]:
    """The files that the user brings and that are in the TLS directory already, under our names.

    They stay the user's: Milvus reads them where they are, and nothing writes over or removes them.
    """
    # What is there as the CA is that of the clients.
    named = (config.client_ca_cert or config.ca_cert, config.server_cert, config.server_key)
    brought = {Path(os.path.normpath(directory / name)) for name in named if name}
    ours = {directory / config.served_dir / name for name in TLS_FILES}
    return frozenset(brought & ours)


def may_have_client_ca(config: TlsConfig) -> bool:
    """Whether clients have a CA of their own, once its certificate is in the PKI directory."""
    return config.client_ca_cert is not None or makes_client_ca(config)


def makes_client_ca(config: TlsConfig) -> bool:
    """Whether clients may need a CA that is made here: only the server's was provided."""
    brought = config.server_cert is not None and config.client_ca_cert is None
    return brought and config.client_cert is None and config.tls_mode is TlsMode.MUTUAL


def restoring_ca(observation: Observation, config: TlsConfig, state: State | None) -> str | None:
    """The command that puts a CA certificate back that is gone or another one than was written.

    It is known where the TLS directory has the one that was written.

    Args:
        observation: The files of the project.
        config: The settings; they say where the certificates are.
        state: What is recorded of them.
    """
    place = observation.directory / config.pki_dir / CA_CERTIFICATE
    copy = observation.directory / config.served_dir / CA_CERTIFICATE
    facts = observation.files.get(copy)
    recorded = state.digests.get(relative(place, observation.directory)) if state else None
    there = observation.files.get(place)
    if facts is None or recorded is None or facts.sha256 != recorded:
        return None
    if there is not None and there.sha256 == recorded:
        return None
    return joined(["cp", *map(os.path.relpath, (copy, place))])


def restoring_server(observation: Observation, config: TlsConfig, state: State | None) -> str:
    """The command that puts the server's pair back where no CA can issue it; empty where none does.

    It is known where the TLS directory has the certificate that was written, with its key.

    Args:
        observation: The files of the project.
        config: The settings; they say where the certificates are.
        state: What is recorded of them.
    """
    directory, pki = observation.directory, observation.pki
    copies = [directory / config.served_dir / name for name in (SERVER_CERTIFICATE, SERVER_KEY)]
    certificate, key = (observation.files.get(path) for path in copies)
    place = directory / config.pki_dir
    recorded = (state.digests if state else {}).get(relative(place / SERVER_CERTIFICATE, directory))
    if pki.usable & {CA, SERVER} or certificate is None or certificate.sha256 != recorded:
        return ""
    if key is None or key.sha256 is None or key.path in pki.foreign_keys:
        return ""
    unlike = [
        copy
        for copy in (certificate, key)
        if (there := observation.files.get(place / copy.path.name)) is None
        or there.sha256 != copy.sha256
    ]
    words = (["cp", *map(os.path.relpath, (each.path, place / each.path.name))] for each in unlike)
    return " && ".join(map(joined, words))


def is_lost(observation: Observation, config: TlsConfig, state: State | None) -> bool:
    """Whether a CA of our own can issue no more, and the server has no pair of it either.

    A CA that replaces it has no client to take along. The arguments are those of ``restoring_server``.
    """
    pki = observation.pki
    unable = config.ca_cert is None and pki.next_ca is None and not pki.usable & {CA, SERVER}
    back = restoring_ca(observation, config, state) or restoring_server(observation, config, state)
    return unable and not back


def not_usable(observation: Observation, config: TlsConfig, state: State | None) -> Iterator[str]:
    """The identities of which something is there, or was, and that are not whole; no CA that is provided.

    Args:
        observation: The files of the project.
        config: The settings; they say where the certificates are.
        state: What is recorded of them.
    """
    pki, files = observation.pki, observation.files
    place = observation.directory / config.pki_dir
    issued = [files.get(place / f"{name}{CERTIFICATE}") for name in (SERVER, CLIENT)]
    names = (CA, SERVER, CLIENT, NEXT_CA) if config.ca_cert is None else (SERVER, CLIENT)
    for name in names:
        certificate = place / f"{name}{CERTIFICATE}"
        has_certificate, has_key = (
            files.get(path) is not None for path in (certificate, certificate.with_suffix(KEY))
        )
        if name == CA and has_certificate and not has_key:
            # It may be kept elsewhere.
            continue
        known = bool(state and relative(certificate, observation.directory) in state.certificates)
        lost = known or (name == CA and any(issued))
        sound = pki.next_ca if name == NEXT_CA else name in pki.usable
        if (has_certificate or has_key or lost) and not sound:
            yield name
    # What parts and clients of the project have is looked at where it is recorded.
    for one in state.identities if state else ():
        is_client = one.profile == "client" and one.members
        if (one.name in STACK or is_client) and one.name not in pki.usable:
            yield one.name


def in_the_way(path: Path, observation: Observation) -> str:
    """The command that makes room where a file has to be and something else is; otherwise empty."""
    if path not in observation.obstacles:
        return ""
    return moved_away(relative(path, observation.directory))


def absence(path: Path, observation: Observation) -> str:
    """What is to be said of a file that could not be read as one."""
    said = "is not a regular file" if path in observation.obstacles else "is gone"
    return f"{relative(path, observation.directory)} {said}"


def state_path(directory: Path, config: TlsConfig) -> Path:
    """Where what enable did is recorded."""
    return directory / config.pki_dir / STATE_FILE

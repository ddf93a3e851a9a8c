"""client: observe → plan → (preview) → issue → rehearse → apply → result."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from compose_tls import listener
from compose_tls.apply.preconditions import require_unobstructed
from compose_tls.apply.transaction import apply
from compose_tls.config import TlsConfig
from compose_tls.credentials.client_credentials import ClientCredentials
from compose_tls.credentials.key_files import KeyFiles
from compose_tls.errors import WrongUsage
from compose_tls.files import ProjectFiles
from compose_tls.layout import (
    CA_CERTIFICATE,
    CERTIFICATE,
    CLIENT_FILES,
    CLIENTS_DIRECTORY,
    KEY,
)
from compose_tls.observation import CertificateFacts
from compose_tls.observe.client_files import read_clients
from compose_tls.pki.client_names import client_name
from compose_tls.plan.client import ClientsPlan, WantedClients, plan_clients, require_place
from compose_tls.project.enabled import EnabledProject, locate
from compose_tls.results import CertificateResult, ClientResult, FileResult, GivenFiles
from compose_tls.workflows import preamble
from compose_tls.workflows.next_step import own_command
from compose_tls.workflows.server_access import ClientFiles
from compose_tls.workflows.whole_hints import with_whole_hints


@with_whole_hints
def client(
    directory: str | os.PathLike[str] = ".",
    names: Iterable[str] = (),
    config: preamble.Settings = None,
    *,
    out: str | os.PathLike[str] | None = None,
    p12: bool = False,
    passphrase_file: str | os.PathLike[str] | None = None,
    force: bool = False,
    dry_run: bool = False,
    environment: Mapping[str, str] | None = None,
    on_event: listener.OnEvent = listener.silent,
) -> ClientResult:
    """Issue certificates for further clients, each with its own key.

    A client that has a certificate already keeps it until it is due for renewal; one of a CA that goes is
    replaced.

    Args:
        directory: The project directory.
        names: The clients, such as ``alice``, ``etl-7`` or ``alice@example.com``.
        config: The settings; used are key type, days, subject and the location of the CA.
        out: The output directory; by default ``clients`` in the PKI directory.
        p12: Also create a PKCS #12 file for each client.
        passphrase_file: File with their passphrase; by default each gets its own, in a file next to it.
        force: Also replace certificates that are not yet due for renewal.
        dry_run: Only report what would be done; write nothing.
        environment: Variables for interpolation by Compose; by default those of the process.
        on_event: Called with progress, if an earlier command is undone first.

    Returns:
        The certificates, new and kept, and the files that were written.

    Raises:
        WrongUsage: There is no name.
        InvalidSetting: The passphrase file is empty.
        NotEnabled: TLS is not enabled there.
        NameInvalid: A name is not valid for a client.
        ProjectError: A file is in the way, or the project cannot be read or written.
        CertificateError: Nothing can be issued; nothing was changed.
    """
    opened = preamble.open_project(directory, config, environment)
    wanted_names = _required(names)
    place = Path(os.path.normpath(opened.start / out)) if out is not None else None
    outside = () if place is None or place.is_relative_to(opened.root) else (place,)
    if place is not None:
        ProjectFiles(opened.root, outside).require_inside(place)
    with preamble.writing(opened, outside, dry_run=dry_run, on_event=on_event) as opened:
        located = locate(opened.observed(), opened.config)
        pki = opened.root / opened.config.pki_dir
        wanted = WantedClients(
            directory=place.resolve() if place is not None else pki / CLIENTS_DIRECTORY,
            own_place=out is None,
            p12=p12 or passphrase_file is not None,
            own_passphrase=passphrase_file is not None,
            force=force,
        )
        require_place(located, wanted.directory)
        planned = _planned(opened, located, wanted, wanted_names)
        found = dict(planned.kept)
        if not dry_run and planned.plan.changed:
            own = opened.start / passphrase_file if passphrase_file is not None else None
            observation = located.project.observation
            issuing = ClientCredentials(observation, opened.config, wanted.directory, opened.now)
            contents, issued = issuing.contents(planned.orders, planned.bundled, own)
            apply(planned.plan, contents, outside=(*opened.named_places, *outside))
            found |= issued
    ordered = {name: found[name] for name in wanted_names if name in found}
    settings = opened.config
    files = preamble.file_results(planned.plan)
    ca = f"{settings.pki_dir}/{CA_CERTIFICATE}"
    return ClientResult(
        changed=planned.plan.changed,
        dry_run=True if dry_run else None,
        mode=settings.mode,
        project=str(opened.root),
        services=located.state.services,
        files=files,
        give=() if dry_run else tuple(_to_be_given(planned.orders, files, ca)),
        certificates=_certificates(opened, located, wanted.directory, ordered),
        endpoint=located.endpoint,
        connect=_connect(located, settings, wanted.directory, wanted_names),
        directory=located.project.relative(wanted.directory),
        issued=tuple(planned.orders),
        kept=tuple(planned.kept),
        ca=ca,
        next=_next(opened, planned.orders) if out is None and not dry_run else (),
        warnings=(*opened.told, *planned.plan.warnings),
    )


def _required(names: Iterable[str]) -> tuple[str, ...]:
    """The names of the clients, each once.

    Raises:
        WrongUsage: There is none.
        NameInvalid: One cannot be that of a client.
    """
    # To Python one text is a list of its letters.
    each = (names,) if isinstance(names, str) else names
    wanted = tuple(dict.fromkeys(map(client_name, each)))
    if not wanted:
        raise WrongUsage(
            "the name of the client is missing", hint="for example: compose-tls client alice"
        )
    return wanted


def _planned(
    opened: preamble.Opened, located: EnabledProject, wanted: WantedClients, names: tuple[str, ...]
) -> ClientsPlan:
    """What is issued and what is kept, by what is there.

    Raises:
        ProjectError: A file is in the way.
    """
    root, settings, observation = opened.root, opened.config, located.project.observation
    accepted = KeyFiles(root, settings).client_ca or root / settings.pki_dir / CA_CERTIFICATE
    trusted = observation.content(accepted)
    clients = read_clients(root, wanted.directory, names, CLIENT_FILES, trusted)
    planned = plan_clients(observation, settings, clients, wanted, opened.now)
    require_unobstructed(planned.plan)
    return planned


def _certificates(
    opened: preamble.Opened,
    located: EnabledProject,
    directory: Path,
    found: Mapping[str, CertificateFacts],
) -> tuple[CertificateResult, ...]:
    """What each client has now."""
    relative = located.project.relative
    return tuple(
        CertificateResult.of(
            relative(directory / f"{name}{CERTIFICATE}"), facts, opened.now, client=name
        )
        for name, facts in found.items()
    )


def _to_be_given(
    issued: Iterable[str], files: Iterable[FileResult], ca: str
) -> Iterator[GivenFiles]:
    """The files of each client, and the CA that it has to trust."""
    written = {posixpath.basename(one.path): one.path for one in files if one.action != "unchanged"}
    for name in issued:
        own = (written[f] for end in CLIENT_FILES if (f := f"{name}{end}") in written)
        yield GivenFiles(client=name, files=(*own, ca))


def _next(opened: preamble.Opened, issued: Iterable[str]) -> tuple[str, ...]:
    """What prints the code of a client, where one was issued."""
    names = tuple(issued)
    return (own_command(opened, "connect", "--client", *names),) if len(names) == 1 else ()


def _connect(
    located: EnabledProject, config: TlsConfig, directory: Path, names: tuple[str, ...]
) -> dict[str, Any] | None:
    """The arguments of a client, where one is asked for and the files tell where its server is."""
    if located.endpoint is None or len(names) != 1:
        return None
    certificate, key = (directory / f"{names[0]}{suffix}" for suffix in (CERTIFICATE, KEY))
    files = ClientFiles.of(located.project.directory, config)
    own = replace(files, certificate=certificate, key=key)
    return own.arguments(config.tls_mode, located.endpoint)

"""client: observe → plan → (preview) → issue → rehearse → apply → result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from compose_tls.apply.transaction import apply
from compose_tls.changes import relative
from compose_tls.config import TlsConfig, named_places
from compose_tls.credentials.client_issuing import ClientIssuing
from compose_tls.errors import WrongUsage
from compose_tls.layout import CLIENTS_DIRECTORY
from compose_tls.observation import CertificateFacts
from compose_tls.observe import observe
from compose_tls.observe.client_files import read_clients
from compose_tls.pki.client_names import client_name
from compose_tls.plan.client import (
    CLIENT_FILES,
    ClientsPlan,
    Wanted,
    plan_clients,
    require_place,
)
from compose_tls.project.enabled import Located, locate
from compose_tls.results import CertificateResult, Result
from compose_tls.sdk.pymilvus import connect_arguments
from compose_tls.workflows import preamble
from compose_tls.workflows.connecting import ClientFiles


def client(
    directory: str | os.PathLike[str] = ".",
    names: Iterable[str] = (),
    config: TlsConfig | None = None,
    *,
    out: str | os.PathLike[str] | None = None,
    p12: bool = False,
    passphrase_file: str | os.PathLike[str] | None = None,
    force: bool = False,
    dry_run: bool = False,
    environment: Mapping[str, str] | None = None,
) -> Result:
    """Issue certificates for further clients, each with a key of its own.

    A client that has a certificate already keeps it while it is good; one that ends soon, or is of a CA
    that goes, is replaced.

    Args:
        directory: The project directory.
        names: The clients, such as ``alice``, ``etl-7`` or ``alice@example.com``.
        config: The settings; key type, days and subject matter, and where the CA is.
        out: Where the files go; ``clients`` in the PKI directory by default.
        p12: Make a PKCS #12 file of each as well.
        passphrase_file: Holds what opens those; by default each gets its own, in a file beside it.
        force: Replace certificates that are good for long as well.
        dry_run: Only say what would be done.
        environment: Variables that Compose interpolates with; those of the process by default.

    Raises:
        WrongUsage: There is no name.
        InvalidSetting: The passphrase file is empty.
        NotEnabled: ``enable`` has not been here.
        NameInvalid: A name cannot be that of a client.
        ProjectError: A file is in the way, or the project cannot be read or written.
        CertificateError: Nothing can be issued; nothing was changed.
    """
    config = config or TlsConfig()
    variables = preamble.environment_of(environment)
    path = preamble.project_directory(directory, config, variables)
    wanted_names = tuple(dict.fromkeys(map(client_name, names)))
    if not wanted_names:
        raise WrongUsage("there is no name of a client", hint="compose-tls client alice")
    outside = named_places(config, path, variables)
    if out is not None:
        outside += (path / out,)
    with preamble.writing(path, outside, dry_run=dry_run) as told:
        observation = observe(path, config, variables)
        located = locate(observation, config)
        config = config.model_copy(update={"mode": located.state.mode})
        default = path / config.pki_dir / CLIENTS_DIRECTORY
        wanted = Wanted(
            directory=(path / out).resolve() if out is not None else default,
            own_place=out is None,
            p12=p12 or passphrase_file is not None,
            own_passphrase=passphrase_file is not None,
            force=force,
        )
        require_place(observation, located, wanted.directory)
        trusted = observation.content(path / config.pki_dir / "ca.pem")
        clients = read_clients(wanted.directory, wanted_names, CLIENT_FILES, trusted)
        planned = plan_clients(observation, config, clients, wanted, preamble.now())
        found = dict(planned.kept)
        if not dry_run and planned.plan.changed:
            own = path / passphrase_file if passphrase_file is not None else None
            issuing = ClientIssuing(planned, observation, config, wanted.directory)
            contents, issued = issuing.contents(own)
            apply(planned.plan, contents, outside=outside)
            found |= issued
    result = _result(
        planned, located, config, wanted.directory, found, wanted_names, dry_run=dry_run
    )
    return result.model_copy(update={"warnings": (*told, *result.warnings)})


def _result(
    planned: ClientsPlan,
    located: Located,
    config: TlsConfig,
    directory: Path,
    found: Mapping[str, CertificateFacts],
    names: tuple[str, ...],
    *,
    dry_run: bool,
) -> Result:
    project = planned.plan.directory
    certificates = tuple(
        CertificateResult.of(
            relative(directory / f"{name}.pem", project), found[name], preamble.now()
        )
        for name in names
        if name in found
    )
    return Result(
        command="client",
        changed=planned.plan.changed,
        dry_run=dry_run or None,
        mode=config.mode,
        project=str(project),
        services=located.state.services,
        files=preamble.file_results(planned.plan),
        certificates=certificates,
        endpoint=located.endpoint,
        connect=_connect(located, config, project, directory / names[0])
        if len(names) == 1
        else None,
        warnings=planned.plan.warnings,
    )


def _connect(
    located: Located, config: TlsConfig, project: Path, stem: Path
) -> dict[str, Any] | None:
    if located.endpoint is None:
        return None
    return connect_arguments(
        mode=config.tls_mode,
        uri=located.endpoint.uri,
        server_name=located.endpoint.server_name,
        ca_pem=str(ClientFiles.of(project, config).ca),
        client_pem=f"{stem}.pem",
        client_key=f"{stem}.key",
    )

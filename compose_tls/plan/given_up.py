"""What enable gives up: modes, scopes, names and certificates of an earlier enable."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from compose_tls.changes import IdentityPlan
from compose_tls.config import TlsConfig
from compose_tls.layout import CA_CERTIFICATE, SERVER, SERVER_CERTIFICATE, SERVER_KEY
from compose_tls.project.declared_tls import DeclaredTls, declared_tls
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.shell import joined, quoted
from compose_tls.state.recorded import State
from compose_tls.vocabulary import TlsMode, TlsWarning

_BY_WIDTH: Final = ("proxy", "internal", "all")


def given_up(
    project: Project, config: TlsConfig, milvus: Sequence[MilvusService]
) -> Iterator[TlsWarning]:
    """What enable takes away of what an earlier one, or another tool, has put in place.

    Args:
        project: The project, without what an earlier enable put in.
        config: The settings.
        milvus: The services that get TLS.
    """
    state = project.state
    declared = declared_tls(project, [one.name for one in milvus])
    modes = [one.mode or TlsMode.OFF for one in declared]
    if max([*modes, state.settings.mode if state else 0]) > config.mode:
        text = "mode 2 becomes mode 1: clients that trust the CA are accepted without a certificate"
        yield TlsWarning("mode-weakened", text, hint="compose-tls enable --mode 2 restores it")
    for one in declared:
        yield from _replaced(project, config, one)
    if state is None:
        return
    if _BY_WIDTH.index(config.scope) < _BY_WIDTH.index(state.settings.scope):
        text = (
            f"scope {state.settings.scope} becomes {config.scope}: connections beyond it are in "
            "plain text again"
        )
        hint = f"compose-tls enable --scope {state.settings.scope} restores it"
        yield TlsWarning("scope-reduced", text, hint=hint)
    left = set(state.services) - {one.name for one in milvus}
    for name in sorted(left & set(project.compose.services)):
        text = f"service {name} returns to plain text: --service does not name it"
        hint = joined(_naming("--service", (*state.services, *(one.name for one in milvus))))
        yield TlsWarning("service-left-out", text, hint=hint)
    yield from _left_files(project, state)


def _left_files(project: Project, state: State) -> Iterator[TlsWarning]:
    """The compose files that enable edited, and that Compose does not read any more."""
    seen = project.observation
    services = project.compose.services.values()
    read = {definition.file for one in services for definition in one.definitions}
    for file in state.files:
        path = project.directory / file.path
        is_compose = any(edit.route[:1] == ("services",) for edit in file.edits)
        left = is_compose and file.before and path not in read.union(seen.compose_files)
        if left and project.read(path) not in {None, seen.content(path)}:
            text = f"{file.path} is not read any more: what enable added is removed from it"
            hint = f"name it with -f {quoted(file.path)}, if it is the one that is meant"
            yield TlsWarning("file-left-out", text, file.path, hint)


def names_given_up(
    project: Project, config: TlsConfig, identities: IdentityPlan
) -> Iterator[TlsWarning]:
    """Names that were asked for, and that a new certificate does not hold any more.

    Args:
        project: The project, without what an earlier enable put in.
        config: The settings.
        identities: Where the certificates come from.
    """
    server, held = identities.get(SERVER), project.observation.pki.certificates.get(SERVER)
    if project.state is None or server is None or server.order is None or held is None:
        return
    before, order = project.state.settings.names, server.order
    lost = {*held.dns_names, *held.ip_addresses} - {*order.dns_names, *order.ip_addresses}
    if names := [name for name in before if name in lost]:
        path = f"{config.pki_dir}/{SERVER_CERTIFICATE}"
        text = f"{path} no longer includes {', '.join(names)}: clients that verify it are cut off"
        hint = joined(_naming("--san", (*names, *config.san)))
        yield TlsWarning("name-given-up", text, path, hint)


def _naming(option: str, names: Iterable[str]) -> list[str]:
    """The command that names all of them."""
    words = (word for name in dict.fromkeys(names) for word in (option, name))
    return ["compose-tls", "enable", *words]


def _replaced(project: Project, config: TlsConfig, one: DeclaredTls) -> Iterator[TlsWarning]:
    """A certificate that another tool has set up, and that Milvus does not show any more."""
    files = {file.name: file.path for file in one.files if file.mounted and file.path is not None}
    shown, key = files.get(SERVER_CERTIFICATE), files.get(SERVER_KEY)
    ours = project.directory / config.served_dir / SERVER_CERTIFICATE
    if config.server_cert or shown is None or shown == ours:
        return
    if project.observation.files.get(shown, shown) is None:
        # As in a fresh clone: no client has seen it there.
        return
    name = project.relative(shown)
    keep = ["--server-cert", name, *(["--server-key", project.relative(key)] if key else [])]
    yield TlsWarning(
        "certificate-replaced",
        f"service {one.name} has presented {name} until now: clients that do not trust the new "
        "CA are cut off",
        name,
        f"give them {config.pki_dir}/{CA_CERTIFICATE}; or keep that certificate with "
        f"{' '.join(keep)} --ca-cert and the file of its CA",
    )

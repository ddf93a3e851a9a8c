"""What the services that enable switched show and trust, said next to their links."""

from __future__ import annotations

from collections.abc import Iterable

from compose_tls.config import TlsConfig
from compose_tls.layout import CA, CERTIFICATE, client_identity, neighbours_directory
from compose_tls.project.model import Project
from compose_tls.results import Link


def described(links: Iterable[Link], project: Project, config: TlsConfig) -> tuple[Link, ...]:
    """Links where those of neighbours say by which certificate they are encrypted, and until when.

    Args:
        links: Every link, as the files declare it.
        project: The project as it is.
        config: The settings; they say where certificates are.
    """
    state = project.state
    known = {one.service: one.files for one in (state.neighbours if state else None) or ()}
    milvus = {one.name for one in project.milvus}
    return tuple(
        link.model_copy(update={"note": link.note or _note(link.sources[0], project, config)})
        if link.encryption == "encrypted"
        and len(link.sources) == 1
        and link.sources[0] in known
        and not milvus.isdisjoint(link.targets)
        else link
        for link in links
    )


def _note(service: str, project: Project, config: TlsConfig) -> str | None:
    certificates = project.observation.pki.certificates
    state = project.state
    identity = client_identity(service)
    shows = state is not None and any(one.name == identity for one in state.identities)
    facts = certificates.get(identity if shows else CA)
    if facts is None:
        return None
    if shows:
        return f"shows {config.pki_dir}/{identity}{CERTIFICATE}, until {facts.not_after:%Y-%m-%d}"
    place = f"{neighbours_directory(config.tls_dir)}/{service}/{CA}{CERTIFICATE}"
    return f"trusts {place}, until {facts.not_after:%Y-%m-%d}"

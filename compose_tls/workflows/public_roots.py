"""The root certificates that Milvus trusts in addition to the CA of the object store."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path

from compose_tls.changes import Plan
from compose_tls.config import TlsConfig
from compose_tls.deploy.docker_host import LITTLE_PATIENCE
from compose_tls.errors import EngineError, FileUnreadable
from compose_tls.layout import PUBLIC_ROOTS, SYSTEM_BUNDLE
from compose_tls.pki.system_trust import store_file
from compose_tls.project.model import Project
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning


@dataclass(frozen=True, slots=True)
class PublicRoots:
    """Root certificates, PEM, and what is to be said of where they come from."""

    content: bytes | None = field(default=None, repr=False)
    place: Path | None = None
    told: tuple[TlsWarning, ...] = ()

    def told_in(self, plan: Plan) -> tuple[TlsWarning, ...]:
        """The same where a plan writes them."""
        return self.told if self.place in plan.written else ()


def public_roots(project: Project, config: TlsConfig, variables: Mapping[str, str]) -> PublicRoots:
    """The roots of the image of Milvus, where an engine answers; otherwise those of this system.

    Args:
        project: The project.
        config: The settings; only with ``scope all`` does anybody need them.
        variables: The process environment.
    """
    place = project.directory / config.pki_dir / PUBLIC_ROOTS
    if config.scope != "all" or project.observation.content(place) is not None:
        return PublicRoots()
    images = [name for one in project.milvus if (name := one.service.text("image"))]
    for name in dict.fromkeys(images):
        content = _of_image(name, variables)
        if content:
            return PublicRoots(content, place, _told(project, place, f"image {name}"))
    file = store_file()
    if file is not None:
        with suppress(OSError):
            return PublicRoots(Path(file).read_bytes(), place, _told(project, place, file))
    return PublicRoots(
        b"", place, _told(project, place, "nowhere: neither the image nor this system has any")
    )


def _told(project: Project, place: Path, origin: str) -> tuple[TlsWarning, ...]:
    name = project.relative(place)
    text = f"the public root certificates that Milvus also trusts, {name}, are from {origin}"
    return (TlsWarning("public-roots", text, name, "replace that file if you want others"),)


def _of_image(name: str, variables: Mapping[str, str]) -> bytes | None:
    from compose_tls.deploy.container_layer import read_file  # noqa: PLC0415 - docker costs 150 ms
    from compose_tls.deploy.engine import Engine  # noqa: PLC0415 - as above

    with (
        suppress(EngineError, FileUnreadable),
        Engine.connect(variables, patience=LITTLE_PATIENCE) as engine,
    ):
        image = engine.image(name)
        if image is not None:
            with engine.throw_away(image.id) as container:
                return read_file(engine, container, SYSTEM_BUNDLE)
    return None

"""Build contexts that would copy keys into an image."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from compose_tls.compose.dockerfile import copied
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.layout import CA_KEY, CLIENT_KEY, PROXY, SERVER_KEY, neighbours_directory
from compose_tls.patterns import regex
from compose_tls.project.model import Project
from compose_tls.vocabulary import TlsWarning

_DEEP: Final = regex(r"(\*\*/|\*\*|\*|\?|\[[^\]]{0,99}\])")


def context_findings(
    project: Project, config: TlsConfig, showing: Sequence[str]
) -> tuple[TlsWarning, ...]:
    """Warnings about images that would contain keys, one per service.

    Args:
        project: The project.
        config: The settings; they say where keys are.
        showing: The services that have a client certificate and key of their own.
    """
    return tuple(_findings(project, config, showing))


def _findings(project: Project, config: TlsConfig, showing: Sequence[str]) -> Iterator[TlsWarning]:
    keys: dict[Path, tuple[str, ...]] = {
        project.directory / config.pki_dir: (CA_KEY, CLIENT_KEY),
        project.directory / config.tls_dir: (
            SERVER_KEY if config.scope == "proxy" else f"{PROXY}/{SERVER_KEY}",
        ),
    }
    if showing:
        names = tuple(f"{service}/{CLIENT_KEY}" for service in showing)
        keys[project.directory / neighbours_directory(config.tls_dir)] = names
    for service in project.compose.services.values():
        build = service.build_context()
        own = next((f for f in build.ignore_files if project.read(f)), None) if build else None
        text = (project.read(own) or b"") if own else b""
        patterns = text.decode("utf-8", "replace").splitlines()
        ignored = [(build.context, patterns)] if build else []
        for place, further in service.watched():
            # What is left out of the context is not watched either.
            if inside := _inside(place, keys, [*ignored, (place, further)]):
                yield TlsWarning(
                    "keys-in-build-context",
                    f"docker compose watch copies {project.relative(place) or '.'} into the container of "
                    f"service {service.name}, keys included",
                    service.main.document.name,
                    f"add {' and '.join(f'{name}/' for name in inside)} to ignore there",
                    service.main.line("develop"),
                )
        sources = _sources(project, service, build.file) if build else None
        if build is not None and (inside := _inside(build.context, keys, ignored, sources)):
            file = project.relative(own or build.context / ".dockerignore")
            lines = " and ".join(f"{name}/" for name in inside)
            yield TlsWarning(
                "keys-in-build-context",
                f"service {service.name} is built from {project.relative(build.context) or '.'}, "
                "keys included: anyone who gets the image may get them",
                service.main.document.name,
                f"add the {'lines' if len(inside) > 1 else 'line'} {lines} to {file}",
                service.main.line("build"),
            )


def _sources(project: Project, service: Service, file: Path) -> tuple[str, ...] | None:
    """What a Dockerfile copies from its context; ``None`` where it is not known."""
    inline = tuple(service.inline_dockerfiles())
    content = inline[-1].encode() if inline else project.read(file)
    return None if content is None else tuple(copied(content.decode("utf-8", "replace")))


def _inside(
    top: Path,
    keys: Mapping[Path, Sequence[str]],
    ignored: Sequence[tuple[Path, Sequence[str]]],
    sources: Sequence[str] | None = None,
) -> list[str]:
    """The directories of keys below another one, relative to it, that no pattern leaves out.

    Args:
        top: The other one.
        keys: The directories, with the keys in each.
        ignored: The patterns, each with what it is relative to.
        sources: What alone is taken; by default everything.
    """

    def is_out(key: Path) -> bool:
        return any(
            key.is_relative_to(place) and is_left_out(key.relative_to(place), patterns)
            for place, patterns in ignored
        )

    def is_taken(key: Path) -> bool:
        path = key.relative_to(top)
        places = [one.as_posix() for one in (path, *path.parents)]
        return sources is None or any(
            any(map(_expression(source).fullmatch, places)) for source in sources
        )

    return [
        place.relative_to(top).as_posix()
        for place, names in keys.items()
        if place.is_relative_to(top)
        and any(is_taken(place / name) and not is_out(place / name) for name in names)
    ]


def is_left_out(path: Path, patterns: Sequence[str]) -> bool:
    """Whether a .dockerignore leaves a file out of the context; the last line that fits decides.

    Source: https://docs.docker.com/build/concepts/context/#syntax

    Args:
        path: Relative to the context.
        patterns: The lines of the file.
    """
    places = [path, *path.parents[:-1]]
    out = False
    for line in patterns:
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        taken = pattern.startswith("!")
        expression = _expression(pattern.removeprefix("!").strip().strip("/"))
        if any(expression.fullmatch(place.as_posix()) for place in places):
            out = not taken
    return out


def _expression(pattern: str) -> re.Pattern[str]:
    """A pattern of Go's filepath.Match, with ``**`` for any number of directories."""
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = _DEEP.split(pattern.removeprefix("./"))
    text = "".join(words.get(part) or _set(part) or re.escape(part) for part in parts)
    try:
        return re.compile(text)
    except re.error:
        return re.compile(re.escape(pattern))


def _set(part: str) -> str | None:
    """A set of characters, ``[a-z]`` or ``[^a-z]``."""
    if part[:1] != "[" or part[-1:] != "]":
        return None
    negated, characters = part[1:2] == "^", part[1:-1].removeprefix("^")
    return f"[{'^' if negated else ''}{re.escape(characters).replace(chr(92) + '-', '-')}]"

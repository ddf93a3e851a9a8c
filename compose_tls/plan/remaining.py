"""The TLS settings that stay in a project without the edits of enable, and their places."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Final, Literal

from compose_tls.changes import relative
from compose_tls.compose.definition import Reader
from compose_tls.compose.service import Service
from compose_tls.compose.volumes import split_short
from compose_tls.errors import TlsRemains
from compose_tls.layout import ETCD, KAFKA, OBJECT_STORE
from compose_tls.patterns import regex
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.mode_edits import is_mode
from compose_tls.project.renamed import Entry, elsewhere
from compose_tls.stack import etcd
from compose_tls.stack.milvus.connections import TLS_MODE_ROUTE
from compose_tls.stack.milvus.settings import tls_settings
from compose_tls.state.changed_since import ORDERED
from compose_tls.state.recorded import EditRecord, FileRecord, State
from compose_tls.state.undo import Undone
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.query import query

_REST: Final = ("proxy", "http", "enabled")
_LOGIN: Final = regex(r"//[^/@\s]*@")
_ON: Final = {str(int(mode)) for mode in (TlsMode.ONE_WAY, TlsMode.MUTUAL)}
# What Milvus opens at its start, by the mode that makes it do so.
_FILES: Final = {
    mode: [s.route for s in tls_settings(mode, "/", None) if s.route[0] == "tls"][: 1 + int(mode)]
    for mode in (TlsMode.ONE_WAY, TlsMode.MUTUAL)
}


@dataclass(frozen=True, slots=True)
class ToldTls:
    """A Milvus that is configured for TLS.

    Attributes:
        service: The name of its service.
        mode: The mode that it is configured for.
        entries: The places that tell it: that of the mode first, then the certificates, then mounts.
        unmounted: The certificates and keys that it is configured to open and that no mount brings.
        gone: Those that a mount brings from the TLS directory, where they would not be.
        shown: Those that a mount brings, on this host.
        before: Whether that is what it was told before enable, as far as the record shows.
    """

    service: str
    mode: TlsMode
    entries: tuple[Entry, ...]
    unmounted: tuple[str, ...]
    gone: tuple[str, ...]
    shown: tuple[Path, ...]
    before: bool


@dataclass(frozen=True, slots=True)
class Remaining:
    """Looks at a project as it would be.

    Attributes:
        directory: The project directory.
        tls: The TLS directory.
        served: The files that would be in it.
        services: The services of the project.
        milvus: Those that run Milvus, or may.
        read: Gives the bytes of a file as it would be, or ``None`` when there would be none.
        state: What enable recorded; ``None`` where nothing is.
        undone: What was recorded of each file that is there, and what was taken out.
    """

    directory: Path
    tls: Path
    served: Collection[Path]
    services: Collection[Service]
    milvus: Sequence[MilvusService]
    read: Reader = field(repr=False)
    state: State | None
    undone: Mapping[Path, tuple[FileRecord, Undone]] = field(repr=False)

    def told(self) -> Iterator[ToldTls]:
        """Each Milvus that would speak TLS."""
        for one in self.milvus:
            mode = one.configuration.get(TLS_MODE_ROUTE) or ""
            if mode in _ON:
                yield self._told(one, TlsMode(int(mode)))

    def as_it_is(self, entry: Entry, now: Reader) -> Entry:
        """An entry with its line in the file as it is there, into which nothing is written.

        Args:
            entry: The entry.
            now: Gives the bytes of a file as it is.
        """
        path = self.directory / entry.path
        if entry.line is None or path not in self.undone:
            return entry
        from difflib import SequenceMatcher

        old, new = ((content or b"").splitlines() for content in (now(path), self.read(path)))
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        lines = (b.a + entry.line - b.b for b in blocks if b.b < entry.line <= b.b + b.size)
        return replace(entry, line=next(lines, entry.line))

    def stray(self) -> Iterator[Entry]:
        """Entries of ours that stand under another service than the one that enable put them in."""
        for record, undone in self.undone.values():
            for edit in () if undone.exact else record.edits:
                yield from elsewhere(edit, self.services, self.directory)

    def of_servers(self) -> Iterator[Entry]:
        """What enable had replaced in servers, and stays as it was changed since: they may not start."""
        identities = self.state.identities if self.state else ()
        held = (one.members for one in identities if one.name in {ETCD, OBJECT_STORE, KAFKA})
        servers = {name for names in held for name in names}
        for record, undone in self.undone.values():
            for edit in undone.left:
                old = _replaced(edit, record.edits)
                if old is not None and edit.route[:1] == ("services",) and edit.route[1] in servers:
                    found = query(parse(undone.content or b"", record.path), *edit.route)
                    text = f"{'.'.join(edit.route)}{_before(old, edit.new)}"
                    yield Entry(text, record.path, found.line if found else None)

    def told_servers(self, *, sound: bool) -> Iterator[Entry]:
        """Each etcd that would get TLS settings, and where.

        Args:
            sound: Whether it has a certificate; without one it does not start.
        """
        for service in self.services:
            command, variables = service.command_line(), service.container_variables(self.read)
            said = etcd.decided(command, variables)
            if said is None or not etcd.runs_etcd(service.text("image"), command):
                continue
            if bool(etcd.certificate(command, variables)) is sound:
                places = ((one, one.query("command")) for one in service.definitions)
                place, found = next((each for each in places if each[1]), (None, None))
                path = relative((place or service.definitions[-1]).file, self.directory)
                text = f"{service.name} is configured with {said}"
                yield Entry(text, path, found.line if found else None, service.name)

    def unprovided(self) -> Iterator[Entry]:
        """What names files below a mount that goes, in services that are not Milvus."""
        edits = [edit for record, _ in self.undone.values() for edit in record.edits]
        mounts = [one for one in edits if one.kind == "added-item" and one.route[-1] == "volumes"]
        milvus = {one.name for one in self.milvus}
        for service in self.services:
            own = (edit.new for edit in mounts if edit.route[1] == service.name)
            gone = {
                split_short(new)[1] if isinstance(new, str) else (new or {})["target"]
                for new in own
            }
            gone.difference_update(mount.target for mount in service.mounts())
            for what, text, file, line in _texts(service) if service.name not in milvus else ():
                # As before, too: what enable found there may have been its own, changed by the user.
                if named := [one for one in gone if f"{one}/" in text]:
                    said = f"{what} names a file in {named[0]}, which is removed"
                    yield Entry(said, relative(file, self.directory), line, service.name)

    def stray_services(self) -> tuple[str, ...]:
        """The services under which such entries stand."""
        return tuple(dict.fromkeys(one.service for one in self.stray() if one.service))

    def _told(self, one: MilvusService, mode: TlsMode) -> ToldTls:
        found = one.configuration
        routes = [
            TLS_MODE_ROUTE,
            *_FILES[TlsMode.MUTUAL],
            *([_REST] if found.get(_REST) == "false" else []),
        ]
        entries = [
            Entry(".".join(route), relative(place[0], self.directory), place[1])
            for route in routes
            if (place := found.place_of(route, self.read))
        ]
        files = [found.get(route) or "the image's own" for route in _FILES[mode]]
        places = {file: self._place(one, file) for file in files}
        return ToldTls(
            one.name,
            mode,
            (*entries, *self._mounts(one)),
            tuple(file for file, place in places.items() if place == "unmounted"),
            tuple(file for file, place in places.items() if self._is_gone(place)),
            tuple(place for place in places.values() if isinstance(place, Path)),
            before=self._was_before(one, mode),
        )

    def _mounts(self, one: MilvusService) -> Iterator[Entry]:
        for mount in one.service.mounts():
            if mount.host_path is not None and mount.host_path.is_relative_to(self.tls):
                text = f"{mount.source}:{mount.target}"
                yield Entry(text, relative(mount.file, self.directory), mount.line)

    def _place(self, one: MilvusService, file: str) -> Path | Literal["unmounted", "volume"]:
        """Where a file of a container comes from."""
        for mount in one.service.every_mount():
            if file == mount.target or file.startswith(f"{mount.target}/"):
                if mount.host_path is None:
                    return "volume"
                return Path(
                    os.path.normpath(mount.host_path / file[len(mount.target) :].lstrip("/"))
                )
        return "unmounted"

    def _is_gone(self, place: Path | str) -> bool:
        return isinstance(place, Path) and place.parent == self.tls and place not in self.served

    def _was_before(self, one: MilvusService, mode: TlsMode) -> bool:
        """Whether enable found the mode there.

        A file that is back to the byte says what it said. Else the record tells, where it knows of
        the mode; and where it knows of no edit of it at all, the mode was there already.
        """
        if self.state is None:
            return False
        place = one.configuration.place_of(TLS_MODE_ROUTE, self.read)
        record, undone = self.undone.get(place[0], (None, None)) if place else (None, None)
        if undone is not None and undone.exact:
            return True
        olds = [_old(edit) for edit in record.edits if is_mode(edit)] if record else []
        if olds:
            return str(int(mode)) in olds
        if record is None and one.name in (self.state.before or {}):
            # Nothing of ours was in that file.
            return (self.state.before or {})[one.name] == int(mode)
        edits = [edit for file in self.state.files for edit in file.edits]
        return one.name in self.state.services and bool(edits) and not any(map(is_mode, edits))


def remains(
    ours: Sequence[ToldTls], entries: Sequence[Entry], *, since: bool, hint: str
) -> TlsRemains:
    """The refusal of what would stay.

    Args:
        ours: The Milvus services that would speak TLS, though they did not before.
        entries: The places.
        since: Whether some of them were written after enable.
        hint: What to do.
    """
    names = ", ".join(f"{one.service} (mode {int(one.mode)})" for one in ours)
    what = f"TLS stays on for {names}" if ours else "entries of compose-tls stay"
    what += ", and the record does not show how it was before"
    if since and not ours:
        what = "settings added since enable need certificates that would be removed"
    return TlsRemains(
        f"{what}: {'; '.join(map(str, entries))}",
        hint=hint,
        path=entries[0].path,
        line=entries[0].line,
    )


def _texts(service: Service) -> Iterator[tuple[str, str, Path, int]]:
    """What a service is told that may name files: what it is, the text, and where it is."""
    for variable in service.environment():
        yield variable.name, variable.value or "", variable.definition.file, variable.line
    if (test := service.healthcheck_test()) is not None:
        yield "healthcheck.test", " ".join(test.words), test.file, test.line
    for name in ("entrypoint", "command"):
        for definition, found in service.layers(name)[-1:]:
            yield name, " ".join(service.words(name)), definition.file, found.line


def _replaced(edit: EditRecord, edits: Sequence[EditRecord]) -> str | None:
    """What an edit replaced; ``None`` where there was nothing in its place."""
    if edit.kind != "added-item" or edit.route[-1] == "volumes" or not isinstance(edit.new, str):
        return edit.old
    items = [one.old for one in edits if one.route == edit.route and one.old]
    if edit.route[-1] in ORDERED:
        return " ".join(items)
    name = edit.new.partition("=")[0]
    return next((old for old in items if old.partition("=")[0] == name), None)


def _before(old: str, new: object) -> str:
    """What enable had replaced, in words, without what may be a password."""
    was, put = (_LOGIN.sub("//…@", str(text)).split() for text in (old, new))
    gone = " ".join(word for word in was if word not in put)
    return f" (before enable: {gone})" if gone else ""


def _old(edit: EditRecord) -> str | None:
    """The value that an edit replaced."""
    old = edit.old
    return old.partition("=")[2] if old and edit.kind.endswith("item") else old

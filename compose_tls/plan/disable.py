"""The plan of ``disable``: exactly the edits of enable are removed; what stays is reported."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, NoReturn

from compose_tls import layout
from compose_tls.changes import (
    FileChange,
    KeepFile,
    PatchFile,
    Plan,
    RemoveDirectory,
    RemoveFile,
    sha256,
)
from compose_tls.compose.compose_project import load_project
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificatesUnmounted, TlsRemains, settle
from compose_tls.plan.remaining import Remaining, ToldTls, remains
from compose_tls.plan.replaced_certificate import put_in_place
from compose_tls.project.enabled import ANOTHER, not_enabled
from compose_tls.project.milvus_services import milvus_services
from compose_tls.project.model import Project, named_services, state_path, taken_over
from compose_tls.project.renamed import Entry, way_out
from compose_tls.shell import typed
from compose_tls.state.recorded import FileRecord, State
from compose_tls.state.undo import Undone, is_of_lines, undo
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode, TlsWarning


@dataclass(frozen=True, slots=True)
class DisablePlan:
    """A plan, and how the project is once it is carried out.

    Attributes:
        plan: The plan.
        state: The state that it ends; ``None`` where there is only something to purge.
        mode: Their mode afterwards; ``None`` for plain text.
        before: Whether that is as it was before enable.
        told: The services that are told it; they may have other names by now than recorded.
        key_directories: The directories with certificates and keys that stay, relative to the project.
        in_use: Whether a Milvus is told to use those.
        exact: Whether every file that enable changed has the original bytes.
    """

    plan: Plan
    state: State | None
    mode: Literal[1, 2] | None
    before: bool
    told: tuple[str, ...]
    key_directories: tuple[str, ...]
    in_use: bool
    exact: bool

    @property
    def services(self) -> tuple[str, ...]:
        """The services that it concerns."""
        recorded = self.state.services if self.state else ()
        return tuple(dict.fromkeys((*recorded, *self.told)))


def plan_disable(project: Project, config: TlsConfig, *, purge: bool) -> DisablePlan:
    """Work out everything that ``disable`` will do.

    Args:
        project: The project as it is.
        config: The settings.
        purge: Whether the certificates and keys go as well.

    Raises:
        NotEnabled: There is no state.json, and nothing of ours to purge.
        TlsRemains: Entries stay that were not there before enable; with ``accept`` they are warnings.
        CertificatesUnmounted: A Milvus would be configured to open certificates that it does not have.
        ProjectError: A file was changed since so that our entries cannot be taken out safely.
    """
    return _Planner(project, config).plan(purge=purge)


class _Planner:
    def __init__(self, project: Project, config: TlsConfig) -> None:
        self.project = project
        self.config = config
        self.observation = project.observation
        self.directory = project.directory
        self.state = project.state
        settings = self.state.settings if self.state else config
        self.pki, self.tls = self.directory / config.pki_dir, self.directory / settings.served_dir
        self.root = self.directory / settings.tls_dir
        self.users = taken_over(self.directory, settings)
        self.neighbours = self.directory / layout.neighbours_directory(settings.tls_dir)
        self.warnings: list[TlsWarning] = []

    def plan(self, *, purge: bool) -> DisablePlan:
        undone = self.undone()
        patches = [self.change(path, taken, file) for path, (file, taken) in undone.items()]
        removed = list(dict.fromkeys(self.purged())) if purge else []
        if not (self.state or removed):
            self.refuse_unknown()
        after = self.remaining(undone, {change.path for change in removed})
        settled = self.settle(after, purge=purge)
        changes: list[FileChange] = [*patches]
        ignored = self.observation.content(self.pki / layout.IGNORE_FILE)
        if ignored == layout.IGNORE_ALL and not purge and self.users:
            # An earlier version did not say so.
            changes.append(PatchFile(self.pki / layout.IGNORE_FILE, ignored, layout.IGNORE_TAKEN))
        if self.state is not None and settled:
            changes.append(self.removal(state_path(self.directory, self.config)))
        changes += removed
        if purge:
            held = {change.path.parent for change in removed} - {self.pki, self.root}
            inner = sorted(held, key=lambda path: len(path.parts), reverse=True)
            outer = (path.parent for path in inner if path.parent.parent == self.root)
            further = (self.pki / name for name in layout.FURTHER_DIRECTORIES)
            places = (*further, *inner, *outer, self.pki, self.tls, self.root)
            changes += [RemoveDirectory(place) for place in dict.fromkeys(places)]
        services = self.state.services if self.state else ()
        # What stays may have another name by now.
        told = [
            one for one in after.told() if one.service in services or not (settled or one.before)
        ]
        modes = {one.mode for one in told}
        shown = frozenset(path for one in told for path in one.shown)
        return DisablePlan(
            Plan(self.directory, tuple(changes), warnings=tuple(self.warnings)),
            self.state,
            (2 if TlsMode.MUTUAL in modes else 1) if modes else None,
            settled,
            tuple(one.service for one in told) or after.stray_services(),
            () if purge else tuple(self.key_directories()),
            any(path.parent == self.tls for path in shown - self.users),
            self.state is not None
            and bool(undone)
            and len(undone) == len(self.state.files)
            and all(taken.exact for _, taken in undone.values()),
        )

    def undone(self) -> dict[Path, tuple[FileRecord, Undone]]:
        """Every recorded file without our edits; one that was renamed is found by what it holds."""
        found: dict[Path, tuple[FileRecord, Undone]] = {}
        records = self.state.files if self.state else ()
        recorded = {self.directory / file.path for file in records}
        for file in records:
            path: Path | None = self.directory / file.path
            content = self.observation.content(self.directory / file.path)
            if content is None:
                path = self.renamed(file, recorded)
                content = self.observation.content(path) if path else None
                old, new = file.path, self.project.relative(path) if path else None
                said = f"is {new} now" if new else "is gone: nothing to remove"
                self.warnings.append(TlsWarning("file-missing", f"{old} {said}"))
            if path is None or content is None:
                continue
            named = file.model_copy(update={"path": self.project.relative(path)})
            undone = undo(content, named)
            found[path] = (named, undone)
            if not undone.exact:
                text = (
                    f"{named.path} was changed since enable: only the entries of enable are removed"
                )
                self.warnings.append(TlsWarning("file-changed-since", text))
            self.warnings += [
                TlsWarning("edit-kept", f"{named.path}: {route} was changed since, and stays")
                for route in undone.kept
            ]
        return found

    def renamed(self, file: FileRecord, recorded: Collection[Path]) -> Path | None:
        """The file that a recorded one has become: with the same bytes, else with all that it got."""
        there = {path: self.observation.content(path) for path in self.observation.files}
        others = {p: content for p, content in there.items() if content and p not in recorded}
        for path, content in others.items():
            if sha256(content) == file.after:
                return path
        for path in self.observation.compose_files:
            if path in others and file.path.endswith((".yml", ".yaml")):
                undone = undo(others[path], file.model_copy(update={"path": path.name}))
                if undone.content != others[path] and not undone.kept:
                    return path
        return None

    def change(self, path: Path, undone: Undone, file: FileRecord) -> FileChange:
        content = self.observation.content(path) or b""
        if undone.content is None:
            return RemoveFile(path, sha256(content))
        if undone.content == content:
            return KeepFile(path, sha256(content))
        return PatchFile(path, content, undone.content, confidential=is_of_lines(file))

    def remaining(
        self, undone: dict[Path, tuple[FileRecord, Undone]], removed: Collection[Path]
    ) -> Remaining:
        """The project that results."""

        def read(path: Path) -> bytes | None:
            if path in undone:
                return undone[path][1].content
            return self.observation.content(path)

        seen, named = self.observation, named_services(self.config, self.state)
        files = [path for path in seen.compose_files if read(path) is not None]
        compose = load_project(self.directory, files, read, seen.variables) if files else None
        return Remaining(
            self.directory,
            self.tls,
            [
                p
                for p in (self.tls / n for n in layout.TLS_FILES)
                if seen.files.get(p) and p not in removed
            ],
            tuple(compose.services.values()) if compose else (),
            milvus_services(compose, read, named) if compose else (),
            read,
            self.state,
            undone,
        )

    def settle(self, after: Remaining, *, purge: bool) -> bool:
        """Say what stays; whether nothing stays but what was there before enable.

        Raises:
            TlsRemains: Something else stays, and the user did not decide to leave it.
            CertificatesUnmounted: With what stays, a Milvus does not start.
        """
        told, now = list(after.told()), self.observation.content
        for one in told:
            lacks = one.gone or (() if one.before or self.state is None else one.unmounted)
            if lacks:
                self.refuse_unmounted(
                    one,
                    lacks,
                    after.as_it_is(one.entries[0], now),
                    purge=purge,
                )
        if self.state is None:
            return True
        for one in told:
            if one.before:
                first = one.entries[0]
                text = f"{one.service} still speaks TLS, in mode {int(one.mode)}, as before enable"
                if one.unmounted:
                    text += f"; no mount provides its files: {', '.join(one.unmounted)}"
                self.warnings.append(
                    TlsWarning("tls-as-before", text, first.path, None, first.line)
                )
        ours = [one for one in told if not one.before]
        servers = list(after.of_servers()) or list(after.told_servers(sound=False))
        changed = [*servers, *after.unprovided()]
        entries = [*(entry for one in ours for entry in one.entries), *changed]
        entries = list(dict.fromkeys(entries or after.stray()))
        if not entries:
            for entry in after.told_servers(sound=True):
                text = f"{entry.text}, as before enable"
                warning = TlsWarning("tls-as-before", text, entry.path, None, entry.line)
                self.warnings.append(warning)
            return True
        if TlsRemains.code not in self.config.accept:
            entries = [after.as_it_is(entry, now) for entry in entries]
        refusal = remains(ours, entries, since=bool(changed), hint=way_out(self.project))
        self.warnings.append(settle(refusal, self.config.accept))
        return False

    def refuse_unmounted(
        self, one: ToldTls, lacks: tuple[str, ...], first: Entry, *, purge: bool
    ) -> NoReturn:
        purging = purge and bool(set(lacks) & set(one.gone))
        purged = "; certificates that are in use cannot be purged" if purging else ""
        again = "compose-tls disable --purge" if purging else "compose-tls disable"
        raise CertificatesUnmounted(
            f"{one.service} would start in mode {int(one.mode)} ({first}) without "
            f"{', '.join(lacks)}, and cannot start{purged}",
            hint=f"set the mode to 0 there, or remove it, and run {again}",
            path=first.path,
            line=first.line,
        )

    def refuse_unknown(self) -> NoReturn:
        """Refuse without a record, and report the remaining entries."""
        told = list(self.remaining({}, ()).told())
        if not told:
            error = not_enabled(self.project, self.config)
            error.hint = f"there is nothing to undo; {ANOTHER}"
            if self.project.observation.pki.certificates:
                purge = "to remove the certificates that are left: compose-tls disable --purge"
                error.hint = f"{purge}; {ANOTHER}"
            raise error
        entries = [entry for one in told for entry in one.entries]
        name = self.project.relative(state_path(self.directory, self.config))
        raise TlsRemains(
            f"there is no {name}, so the changes of enable are unknown; {told[0].service} is set to mode "
            f"{int(told[0].mode)}: {'; '.join(map(str, dict.fromkeys(entries)))}",
            hint=f"remove these by hand, or restore {name}",
            path=entries[0].path,
            line=entries[0].line,
        )

    def purged(self) -> list[RemoveFile]:
        """The certificates and keys that go, of this or a previous enable."""
        if self.state is None and not self.is_ours():
            return []
        names = [self.pki / name for name in layout.PKI_FILES]
        copies = [
            path for path, origin in self.copies() if self.state or self.is_copy(path, origin)
        ]
        own = (path for path in copies if path not in self.users)
        paths = (*names, *own, *self.of_neighbours(), *self.further())
        kept = self.put_in_place()
        return [
            self.removal(path)
            for path in paths
            if self.observation.files.get(path) and path not in kept
        ]

    def put_in_place(self) -> tuple[Path, ...]:
        """Certificates and keys that are not of enable, and stay."""
        pairs = put_in_place(self.observation, self.state)
        for pair in pairs.items():
            names = tuple(map(self.project.relative, pair))
            text = f"{names[0]} was changed since it was written, and stays, with its key"
            hint = f"where nothing needs them: rm {typed(*names)}"
            self.warnings.append(TlsWarning("certificates-drifted", text, names[0], hint))
        return (*pairs, *pairs.values())

    def is_ours(self) -> bool:
        """Whether the PKI directory without a record is one of ours.

        Our CA has a name of its own; with certificates that were provided, it is the layout that tells.
        """
        if self.observation.pki.has_our_ca:
            return True
        ignored = self.observation.content(self.pki / layout.IGNORE_FILE)
        names = (layout.IGNORE_FILE, layout.SERVER_CERTIFICATE)
        return ignored == layout.IGNORE_TAKEN or (
            ignored == layout.IGNORE_ALL
            and all(self.is_copy(self.tls / name, name) for name in names)
        )

    def copies(self) -> Iterator[tuple[Path, str]]:
        """The files of the TLS directory and below it, and what each is called in the PKI directory."""
        for place in dict.fromkeys((self.tls, self.root / layout.PROXY)):
            yield from ((place / name, name) for name in layout.TLS_FILES)
        for folder, files in layout.STACK_FILES.items():
            yield from ((self.root / folder / there, name) for there, name in files)
        yield from (
            (self.root / name, name) for name in (layout.IGNORE_FILE, layout.CA_CERTIFICATE)
        )

    def is_copy(self, path: Path, name: str) -> bool:
        """Whether a file of the TLS directory is what the PKI directory has under a name."""
        if self.observation.content(self.pki / layout.IGNORE_FILE) == layout.IGNORE_TAKEN:
            # What is there was there before, and is the user's.
            return (
                name == layout.IGNORE_FILE and self.observation.content(path) == layout.IGNORE_ALL
            )
        names = [name, *([layout.CLIENT_CA_CERTIFICATE] if name == layout.CA_CERTIFICATE else [])]
        copy = self.observation.files.get(path)
        origins = [self.observation.files.get(self.pki / each) for each in names]
        same = copy is not None and copy.sha256 in {one.sha256 for one in origins if one}
        places = {self.root / layout.MILVUS, self.root / layout.KAFKA}
        return same or (copy is not None and path.name in layout.MADE and path.parent in places)

    def key_directories(self) -> Iterator[str]:
        """The directories that hold certificates and keys when all is done."""
        shown = [path for path, _ in self.copies() if path not in self.users]
        shown = [path for path in shown if path.name != layout.IGNORE_FILE]
        issued = [self.pki / name for name in layout.PKI_FILES]
        for place, paths in ((self.pki, issued), (self.root, shown)):
            if any(self.observation.files.get(path) for path in paths):
                yield self.project.relative(place)
        found = (path for path in self.of_neighbours() if path.name == layout.CLIENT_KEY)
        if any(self.observation.files.get(path) for path in found):
            yield self.project.relative(self.neighbours)

    def of_neighbours(self) -> Iterator[Path]:
        """What services that talk to Milvus got to see, where the directory is ours."""
        ours = self.observation.content(self.neighbours / layout.IGNORE_FILE) == layout.IGNORE_ALL
        for path in self.observation.files if ours or self.state else ():
            names = (*layout.NEIGHBOUR_FILES, layout.IGNORE_FILE)
            if self.neighbours in path.parents and path.name in names:
                yield path

    def further(self) -> Iterator[Path]:
        """What other commands left there: further clients and servers, CAs that gave way."""
        places = {self.pki / name for name in layout.FURTHER_DIRECTORIES}
        for path in self.observation.files:
            further = path.parent in places and path.name.endswith(layout.CLIENT_FILES)
            if further or (path.parent == self.pki and layout.RETIRED_CA.fullmatch(path.name)):
                yield path

    def removal(self, path: Path) -> RemoveFile:
        return RemoveFile(path, facts.sha256 if (facts := self.observation.files[path]) else None)

"""Checks before containers are recreated: what would be lost, hidden or exposed.

A container is recreated from the files, and it may be more than these: made from other files, with data
or settings in its own layer. Our own entries are not a difference: the files may have them already.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.deploy.container import ImageFacts
from compose_tls.deploy.container_layer import changed_files, read_file, unmounted_data
from compose_tls.deploy.declared import Declared, MountPoint
from compose_tls.deploy.deployed import Deployed
from compose_tls.deploy.differences import Difference, differences
from compose_tls.errors import (
    ChangedInContainer,
    ConfigDiffers,
    DataWithoutMount,
    FileUnreadable,
    ProjectError,
)
from compose_tls.layout import TLS_FILES
from compose_tls.project.declared_tls import WORKING_DIRECTORY
from compose_tls.project.milvus_configuration import Placement, place
from compose_tls.project.milvus_services import MilvusService
from compose_tls.shell import joined, quoted, typed
from compose_tls.stack import etcd, object_store
from compose_tls.stack.dependency import Settings
from compose_tls.stack.milvus.comparison import SettingDifference, setting_differences
from compose_tls.stack.milvus.connections import dependencies
from compose_tls.stack.milvus.data import data_directories
from compose_tls.stack.milvus.settings import in_variables, read_setting
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.workflows.origin import Origin, listed, place_of
from compose_tls.workflows.orphaned_milvus import orphaned_milvus
from compose_tls.workflows.refusals import Finding
from compose_tls.yamlpatch.document import Document, parse
from compose_tls.yamlpatch.intent import Route


@dataclass(frozen=True, slots=True)
class Review(Origin):
    """What is known of the containers of a project before they are replaced."""

    _known: dict[str, tuple[Declared, Deployed | None]] = field(default_factory=dict, repr=False)

    def recreating(
        self, services: Collection[str], others: Collection[str], clients: Collection[str]
    ) -> Iterator[Finding]:
        """What recreating services would lose.

        Args:
            services: The Milvus services that are recreated in any case.
            others: Services that Compose recreates where they are not what the files say.
            clients: Services that talk to Milvus, and are recreated in any case.

        Raises:
            EngineError: Engine or Compose stopped answering.
        """
        yield from orphaned_milvus(self.project, self.seen, services)
        for one in self.project.milvus:
            if one.name in services:
                yield from self._milvus(one)
        milvus = {one.name for one in self.project.milvus}
        for service in dict.fromkeys((*clients, *others, *sorted(services))):
            if service not in services:
                yield from self._other(service, replaced=service in clients)
            elif service not in milvus:
                # Replaced in any case; our own entries are not a difference.
                yield from self._other(service, replaced=True, ours=self._is_ours_of_server)

    def is_current(self, service: str) -> bool:
        """Whether a container runs these very files, so that nothing has to be recreated."""
        wanted, found = self._look(service)
        if found is None or not found.container.running or found.project != wanted.project:
            return False
        unlike = (each for one in found.each for each in differences(one, wanted))
        if not all(each.of_origin or each.of_moved_tag for each in unlike):
            return False
        if found.replicas < wanted.replicas:
            return False
        read: list[Path] = []
        bound = [Path(mount.source) for mount in found.mounts if mount.kind == "bind"]
        if service in {one.name for one in self.project.milvus}:
            shown = self.project.directory / self.config.served_dir
            read = [*bound, *(shown / name for name in TLS_FILES)]
            for one in self.project.milvus:
                read += [file.path for file in one.configuration.files.values() if file.path]
        root = self.project.directory / self.config.tls_dir
        for directory in bound:
            if directory.is_relative_to(root):
                read += directory.rglob("*")
        return not any(
            _is_newer(path, one) for path in read if path.is_file() for one in found.each
        )

    def is_unhealthy(self, service: str) -> bool:
        """Whether a container is unhealthy as it is."""
        found = self._look(service)[1]
        return found is not None and all(
            one.container.health == "unhealthy" for one in found.each if one.container.running
        )

    def _look(self, service: str) -> tuple[Declared, Deployed | None]:
        if service not in self._known:
            self._known[service] = self.seen.look(service, self.project)
        return self._known[service]

    def _milvus(self, one: MilvusService) -> Iterator[Finding]:
        wanted, found = self._look(one.name)
        if found is not None and found.project != wanted.project:
            yield self.in_another_project(one.name, wanted, found)
            found = None
        in_use = self._in_use(one, wanted, found)
        settings = self._settings(one, wanted, found, in_use)
        directories = data_directories(settings, component=one.component)
        placement = place(one.configuration, self.config.config)
        if found is None:
            yield from self._unmounted(one.name, wanted, directories)
        else:
            for each in found.each:
                yield from self.unlike(one.name, wanted, each, one)
                yield from self._data(one.name, each, directories)
                yield from self._changed(one, wanted, each, placement)
        yield from self._new_configuration(one, found, placement, in_use)

    def _other(
        self, service: str, *, replaced: bool, ours: Callable[[Difference], bool] | None = None
    ) -> Iterator[Finding]:
        """Etcd, object store or anything else: Compose leaves it alone where nothing of it differs."""
        wanted, found = self._look(service)
        if found is None or found.project != wanted.project:
            return
        unlike = list(self.unlike(service, wanted, found, ours=ours))
        yield from unlike
        if unlike or replaced:
            yield from self._data(service, found, self._directories_of(service, found))

    def _is_ours_of_server(self, each: Difference) -> bool:
        root = self.project.directory / self.config.tls_dir
        if each.subject == "mount":
            return f" {root}" in f"{each.deployed or ''} {each.declared or ''}"
        return each.subject == "environment" and each.name.startswith(etcd.OUR_VARIABLES)

    def _directories_of(self, service: str, found: Deployed) -> tuple[str, ...]:
        """Where a server that Milvus keeps its things in has its own."""
        definition = self.project.compose.services[service]
        names = {service, definition.text("container_name"), found.container.name}
        command = definition.command_line()
        variables = _variables(found.image, found.environment)
        for one in self.project.milvus:
            for each in dependencies(one.configuration.get, cluster=one.component):
                if names.isdisjoint(address.host for address in each.addresses):
                    continue
                if each.purpose == "metadata":
                    return (etcd.data_directory(command, variables),)
                if each.purpose == "object store":
                    return object_store.data_directories(command, variables)
        return ()

    def _data(
        self, service: str, found: Deployed, directories: Iterable[str]
    ) -> Iterator[DataWithoutMount]:
        outer = ""
        name = found.container.name
        places = (posixpath.join(found.working_directory, each) for each in directories)
        in_memory = filter(None, (_in_memory(path, found.mounts) for path in places))
        for path in dict.fromkeys(in_memory) if found.container.running else ():
            yield DataWithoutMount(
                f"container {name} keeps data in {path} in memory (tmpfs): lost when it is recreated",
                hint="if it is needed, copy it out while the container runs: docker exec"
                f" {quoted(name)} tar -cC {quoted(path)} . > data.tar; and mount a directory there",
                **place_of(self.project, service),
            )
        for each in sorted(
            unmounted_data(self.seen.engine, found, directories), key=lambda each: each.directory
        ):
            if outer and each.directory.startswith(f"{outer}/"):
                continue
            outer = each.directory
            copy = f"./{posixpath.basename(outer)}"
            yield DataWithoutMount(
                f"container {name} keeps data in {outer}, which is not mounted: lost when the container"
                f" is recreated ({each.example})",
                hint=f"docker compose stop {typed(service)}, then docker cp"
                f" {joined((f'{name}:{outer}', copy))}, then mount it (volumes: - {copy}:{outer}),"
                f" then docker compose up -d {typed(service)}, then this again",
                **place_of(self.project, service),
            )

    def _unmounted(
        self, service: str, wanted: Declared, directories: Iterable[str]
    ) -> Iterator[TlsWarning]:
        """What will be lost some day, though nothing has been written yet."""
        image = self._image(wanted, None)
        mounts = {mount.target for mount in wanted.mounts if mount.kind != "tmpfs"}
        mounts |= image.volumes if image else set()
        for directory in directories if not wanted.borrows_mounts else ():
            path = posixpath.normpath(posixpath.join(WORKING_DIRECTORY, directory))
            if not any(path == mount or path.startswith(f"{mount}/") for mount in mounts):
                yield TlsWarning(
                    "data-without-mount",
                    f"{service} will keep data in {path}, which is not mounted: lost with the container",
                    hint=f"mount a directory or a volume at {path}",
                    **place_of(self.project, service),
                )
                return

    def _changed(
        self, one: MilvusService, wanted: Declared, found: Deployed, placement: Placement
    ) -> Iterator[ChangedInContainer]:
        directories = (one.configuration.directory, self.config.container_tls_dir)
        changes = [
            change
            for directory in directories
            for change in changed_files(found, directory, wanted.copied)
            # What is put in its place is compared with it.
            if change.path != one.configuration.target or not _is_new(placement, found)
        ]
        if not changes:
            return
        name, told = found.container.name, []
        for change in changes:
            before = self._of_image(found, change.path)
            after = self._of_container(found, change.path)
            if before == after:
                continue
            old, new = _parsed(before), _parsed(after)
            if change.path != one.configuration.target or old is None or new is None:
                told.append(change.path)
            elif unlike := setting_differences(old, new):
                told.append(f"{change.path}: {listed(map(str, unlike))}")
        if told:
            file = changes[0].path if len(changes) == 1 else one.configuration.target
            yield ChangedInContainer(
                f"files were changed inside container {name}, and are lost when it is recreated:"
                f" {listed(told)}",
                hint=f"docker cp {quoted(f'{name}:{file}')} . keeps it: compose-tls enable mounts and"
                " patches a milvus.yaml next to the compose file; mount other files yourself",
                **place_of(self.project, one.name),
            )

    def _new_configuration(
        self,
        one: MilvusService,
        found: Deployed | None,
        placement: Placement,
        in_use: Document | None,
    ) -> Iterator[ConfigDiffers]:
        """A milvus.yaml that would come into force for the first time."""
        file = placement.file
        if file is None or not _is_new(placement, found):
            return
        name = self.project.relative(file)
        unlike: tuple[SettingDifference, ...] = ()
        if found is not None and in_use is not None:
            shipped = not any(change.path == placement.target for change in found.changes)
            shipped = shipped and not any(
                placement.target.startswith(mount.target) for mount in found.mounts
            )
            new = parse(self.project.read(file) or b"", name)
            unlike = setting_differences(in_use, new, defaults=shipped)
            if not unlike:
                return
        out = commented_out(one, placement.target)
        if not unlike and out is None:
            return
        what = f"differs from the one in use: {listed(map(str, unlike))}" if unlike else ""
        where = "its mount is commented out" if out else ""
        yield ConfigDiffers(
            f"{name}, which is not used yet, would become active, but"
            f" {' and '.join(filter(None, (where, what)))}",
            hint="leave it out with --config env, or make it identical to the one in use:"
            f" docker cp {joined((f'{found.container.name}:{placement.target}', name))}"
            if found
            else "leave it out with --config env, or mount it yourself",
            path=relative(out[0], self.project.directory) if out else name,
            line=out[1] if out else None,
        )

    def _in_use(
        self, one: MilvusService, wanted: Declared, found: Deployed | None
    ) -> Document | None:
        """The milvus.yaml that the container has, or will have from its image."""
        path = one.configuration.target
        if found is not None:
            return _parsed(self._of_container(found, path))
        image = self._image(wanted, None)
        return _parsed(self._read_image(image.id, path)) if image else None

    def _settings(
        self, one: MilvusService, wanted: Declared, found: Deployed | None, in_use: Document | None
    ) -> Settings:
        own = found.environment if found else wanted.environment
        variables = _variables(self._image(wanted, found), own)

        def get(route: Route) -> str | None:
            told = in_variables(variables, route, one.version) or one.configuration.get(route)
            return told or (read_setting(in_use, route) if in_use else None)

        return get

    def _image(self, wanted: Declared, found: Deployed | None) -> ImageFacts | None:
        if found is not None:
            return found.image
        return self.seen.engine.image(wanted.image) if wanted.image else None

    def _of_container(self, found: Deployed, path: str) -> bytes | None:
        try:
            return read_file(self.seen.engine, found.container.id, path)
        except FileUnreadable:
            return None

    def _of_image(self, found: Deployed, path: str) -> bytes | None:
        return self._read_image(found.image_id, path) if found.image else None

    def _read_image(self, image_id: str, path: str) -> bytes | None:
        try:
            with self.seen.engine.throw_away(image_id) as container:
                return read_file(self.seen.engine, container, path)
        except FileUnreadable:
            return None


def commented_out(one: MilvusService, target: str) -> tuple[Path, int] | None:
    """The place of a mount of milvus.yaml that its owner has taken out again."""
    pattern = re.compile(rf"^\s*#[#\s-]*[\"']?[^\s#]*:{re.escape(target)}(?:[:\"'\s]|$)")
    for definition in one.service.definitions:
        for number, line in enumerate(definition.document.text.splitlines(), 1):
            if pattern.match(line):
                return definition.file, number
    return None


def _is_new(placement: Placement, found: Deployed | None) -> bool:
    """Whether a milvus.yaml is to be put where nothing is mounted so far."""
    if placement.file is None or placement.mounted:
        return False
    places = {placement.target, posixpath.dirname(placement.target)}
    return found is None or not any(mount.target in places for mount in found.mounts)


def _in_memory(path: str, mounts: Iterable[MountPoint]) -> str | None:
    """The tmpfs to which goes what is written to a path; ``None`` where it goes elsewhere."""
    around = [each for each in mounts if f"{path}/".startswith(f"{each.target}/")]
    nearest = max(around, key=lambda each: len(each.target), default=None)
    return nearest.target if nearest is not None and nearest.kind == "tmpfs" else None


def _is_newer(path: Path, found: Deployed) -> bool:
    """Whether a file was changed after a container was started, which reads it only then."""
    started = found.container.started_at
    try:
        status = path.stat()
    except OSError:
        return False
    return started is None or max(status.st_mtime, status.st_ctime) > started.timestamp()


def _variables(image: ImageFacts | None, own: Mapping[str, str | None]) -> Mapping[str, str | None]:
    return {**(image.environment if image else {}), **own}


def _parsed(content: bytes | None) -> Document | None:
    try:
        return parse(content, "milvus.yaml") if content else None
    except ProjectError:
        return None

"""The files that the parts of a project get to see, and the roots that Milvus trusts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from compose_tls import layout
from compose_tls.changes import (
    FileChange,
    IdentityPlan,
    KeepFile,
    MakeDirectory,
    Pending,
    RemoveDirectory,
    RemoveFile,
)
from compose_tls.plan.container_user import KeyAccess, key_access
from compose_tls.plan.stack_folders import Folders
from compose_tls.stack import kafka

if TYPE_CHECKING:
    from compose_tls.plan.managed_files import ManagedFiles


class StackChanges:
    """Plans what is below the TLS directory for the parts of a project.

    Args:
        files: Plans the other files of compose-tls.
        identities: Where each certificate comes from.
        users_of_images: The users that images name, by service, where an engine told.
    """

    def __init__(
        self,
        files: ManagedFiles,
        identities: IdentityPlan,
        users_of_images: Mapping[str, str],
    ) -> None:
        self.files = files
        self.identities = identities
        held = (one.identity for one in identities.identities)
        self.folders = Folders.of(held, files.project)
        self.accesses = dict(self._accesses(users_of_images))

    def directories(self) -> Iterator[MakeDirectory]:
        """The directories that there have to be, outer ones first."""
        places = (
            (self.files.root / folder / there).parent
            for folder, files in self.folders.files.items()
            for there, _ in files
        )
        yield from (
            MakeDirectory(place, layout.PUBLIC_DIRECTORY) for place in dict.fromkeys(places)
        )

    def written(self, public_roots: bytes | None) -> Iterator[FileChange]:
        """What each directory holds.

        Args:
            public_roots: The root certificates for Milvus, where there are none yet.

        Raises:
            ValueInTheWay: A file of someone else has the name of one of ours.
        """
        for folder, files in self.folders.files.items():
            for there, name in files:
                path = self.files.root / folder / there
                if name == layout.CA_BUNDLE:
                    yield self._roots(public_roots)
                    yield self._bundle(path)
                elif name == layout.KAFKA_CLIENT_SETTINGS:
                    yield self.files.written(path, self._client_settings(folder), layout.PUBLIC)
                elif name == layout.KAFKA_KEYSTORE:
                    yield self._keystore(path, self.accesses[folder])
                else:
                    access = (
                        self.accesses[folder]
                        if name.endswith(layout.KEY)
                        else KeyAccess(layout.PUBLIC)
                    )
                    yield self.files.copied(path, name, self.identities, access)

    def left_behind(self) -> Iterator[FileChange]:
        """What parts of the project had of an earlier enable, and have no more."""
        state = self.files.state
        if state is None:
            return
        root = self.files.directory / state.settings.tls_dir
        gone: set[Path] = set()
        for folder, files in layout.STACK_FILES.items():
            held = self.folders.files.get(folder, ())
            kept = {self.files.root / folder / there for there, _ in held}
            for there, _ in files:
                path = root / folder / there
                if self.files.observation.files.get(path) and path not in kept:
                    yield RemoveFile(path, self.files.digest(path))
                    gone |= {path.parent, root / folder}
        for place in sorted(gone, key=lambda path: len(path.parts), reverse=True):
            if place.name not in self.folders.files or root != self.files.root:
                yield RemoveDirectory(place)
        ignored = root / layout.IGNORE_FILE
        if gone and root != self.files.root and self.files.digest(ignored) is not None:
            yield RemoveFile(ignored, self.files.digest(ignored))
            yield RemoveDirectory(root)

    def _roots(self, public_roots: bytes | None) -> FileChange:
        path = self.files.pki / layout.PUBLIC_ROOTS
        digest = self.files.digest(path)
        if digest is not None:
            return KeepFile(path, digest)
        return self.files.written(path, public_roots or b"", layout.PUBLIC)

    def _bundle(self, path: Path) -> FileChange:
        """The roots that Milvus trusts; they stay while none of them changes."""
        content = self.files.observation.content
        ca = content(self.files.pki / f"{layout.STACK_CA}{layout.CERTIFICATE}")
        roots = content(self.files.pki / layout.PUBLIC_ROOTS)
        stays = self.identities.source(layout.STACK_CA) == "existing"
        if stays and ca is not None and roots is not None:
            digest = self.files.digest(path)
            if digest is not None and content(path) == layout.ca_bundle(roots, ca):
                return KeepFile(path, digest)
        return self.files.written(path, Pending(layout.CA_BUNDLE), layout.PUBLIC)

    def _client_settings(self, folder: str) -> bytes:
        """The settings of the tools of Kafka; brokers of one project run one image."""
        images = [one.service.text("image") for one in self.folders.readers[folder]]
        kinds = [found for image in images if (found := kafka.kind(image)) is not None]
        return kafka.client_settings(kafka.directory(kinds[0])) if kinds else b""

    def _keystore(self, path: Path, access: KeyAccess) -> FileChange:
        """The key and the certificate of a broker in one file; it stays while they do."""
        facts = self.files.observation.files.get(path)
        sound = path not in self.files.observation.pki.foreign_keys
        kept = sound and self.identities.source(layout.KAFKA) == "existing"
        if facts is not None and kept and access.is_of(facts):
            return KeepFile(path, facts.sha256)
        return self.files.written(
            path, Pending(layout.KAFKA_KEYSTORE), access.mode, access.uid, access.gid
        )

    def _accesses(self, told: Mapping[str, str]) -> Iterator[tuple[str, KeyAccess]]:
        """Who may read the keys of each directory."""
        users = self.folders.users_of_images(told)
        for folder, files in self.folders.files.items():
            key = next(((there, name) for there, name in files if name.endswith(layout.KEY)), None)
            if key is None:
                continue
            there, name = key
            yield (
                folder,
                key_access(
                    self.folders.readers[folder],
                    self.files.observation,
                    self.files.project.relative(self.files.root / folder / there),
                    kept=self.identities.source(name.removesuffix(layout.KEY)) == "existing",
                    users_of_images=users,
                ),
            )

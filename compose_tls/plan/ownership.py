"""Which files are of our own: those may be written over, and nobody else's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from compose_tls.changes import Content, CreateFile, FileChange, KeepFile, relative
from compose_tls.config import TlsConfig
from compose_tls.errors import ValueInTheWay
from compose_tls.observation import Observation
from compose_tls.plan.certificates import CA_NAME
from compose_tls.state.recorded import State


@dataclass(frozen=True, slots=True)
class Ownership:
    """Tells the files of an earlier enable, in the PKI directory and its copies, from others."""

    observation: Observation
    config: TlsConfig
    state: State | None

    def written(
        self,
        path: Path,
        content: Content,
        mode: int,
        uid: int | None = None,
        gid: int | None = None,
    ) -> FileChange:
        """A file with that content: made, replaced or kept; one of somebody else's is refused.

        Args:
            path: The file.
            content: What it is to hold.
            mode: Its permission bits.
            uid: Its owner; ``None`` for whoever runs the command.
            gid: Its group, likewise.

        Raises:
            ValueInTheWay: A file of somebody else is there.
        """
        facts = self.observation.files.get(path)
        if facts is None:
            return CreateFile(path, content, mode, None, uid, gid)
        if facts.content is not None and facts.content == content:
            return KeepFile(path, facts.sha256)
        if not self._is_ours(path):
            name = relative(path, self.observation.directory)
            raise ValueInTheWay(
                f"{name} is there already, and not from compose-tls",
                hint="move it away, choose other places with --pki-dir and --tls-dir, or bring it "
                "with --server-cert, --server-key and --ca-cert",
                path=name,
            )
        return CreateFile(path, content, mode, facts.sha256, uid, gid)

    def _is_ours(self, path: Path) -> bool:
        """Whether a file is there from an earlier enable, also after a disable."""
        if self.state is not None:
            return True
        ca = self.observation.pki.certificates.get("ca")
        if ca is None or f"CN={CA_NAME}" not in ca.subject:
            return False
        pki = self.observation.directory / self.config.pki_dir
        return path.parent == pki or self.digest(path) == self.digest(pki / path.name)

    def digest(self, path: Path) -> str | None:
        """The SHA-256 of a file that was looked at; ``None`` where there is none to tell."""
        facts = self.observation.files.get(path)
        return facts.sha256 if facts else None

"""Reads a project once, into a frozen value. Nothing after this looks at the disk to decide."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from compose_tls.changes import relative
from compose_tls.compose import dotenv
from compose_tls.compose.discovery import compose_files
from compose_tls.compose.project import ComposeProject, load_project
from compose_tls.config import TlsConfig
from compose_tls.errors import FileUnreadable
from compose_tls.facts import CertificateRole, FileFacts, Observation, PkiFacts
from compose_tls.state.model import STATE_FILE

_ROLES: tuple[CertificateRole, ...] = ("ca", "server", "client")
_LARGEST_FILE = 64 * 1024 * 1024


def observe(directory: Path, config: TlsConfig, environment: Mapping[str, str]) -> Observation:
    """Read everything that a plan for this project may depend on.

    Args:
        directory: The project directory.
        config: The settings; they say which files count.
        environment: The process environment.

    Raises:
        ComposeFileNotFound: There is no compose file.
        FileUnreadable: A file of the project may not be read, or is no file.
        YamlSyntax: A compose file cannot be parsed.
    """
    directory = directory.resolve()
    reader = _Reader(directory)
    variables = _variables(directory, reader, environment)
    files = compose_files(directory, config.file, variables, Path.is_file)
    project = load_project(directory, files, reader.content, variables)
    _read_mounted(project, reader)
    for base in {file.parent for file in files}:
        reader.content(base / "milvus.yaml")
    pki = _read_pki(directory, config, reader)
    return Observation(
        directory=directory,
        compose_files=files,
        files=reader.files,
        variables=variables,
        pki=pki,
        user_id=os.geteuid(),
        group_ids=frozenset({os.getegid(), *os.getgroups()}),
    )


class _Reader:
    """Reads files and remembers what it saw."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.files: dict[Path, FileFacts | None] = {}

    def content(self, path: Path) -> bytes | None:
        """The bytes of a file; ``None`` when there is none."""
        if path not in self.files:
            self.files[path] = self._read(path, secret=False)
        facts = self.files[path]
        return facts.content if facts else None

    def secret(self, path: Path) -> None:
        """Look at a private key: its digest, owner and mode are remembered, its bytes are not."""
        self.files[path] = self._read(path, secret=True)

    def _read(self, path: Path, *, secret: bool) -> FileFacts | None:
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            if status.st_size > _LARGEST_FILE:
                raise self._unreadable(path, "it is larger than 64 MiB")
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            if not secret:
                raise self._unreadable(path, "permission denied") from None
            return self._unread(path)
        except OSError as error:
            raise self._unreadable(path, error.strerror or str(error)) from None
        return FileFacts(
            path=path,
            content=None if secret else content,
            sha256=hashlib.sha256(content).hexdigest(),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
        )

    def _unread(self, path: Path) -> FileFacts:
        try:
            status = path.stat()
        except PermissionError:
            raise self._unreadable(path, "permission denied") from None
        mode = stat.S_IMODE(status.st_mode)
        return FileFacts(path, None, None, mode, status.st_uid, status.st_gid)

    def _unreadable(self, path: Path, reason: str) -> FileUnreadable:
        name = relative(path, self.directory)
        return FileUnreadable(
            f"{name} cannot be read: {reason}", hint=f"make {name} readable for you", path=name
        )


def _variables(
    directory: Path, reader: _Reader, environment: Mapping[str, str]
) -> Mapping[str, str]:
    # Compose runs in the project directory, and so ${PWD} is that directory.
    environment = {**environment, "PWD": str(directory)}
    if environment.get("COMPOSE_DISABLE_ENV_FILE", "").lower() in {"1", "true"}:
        return environment
    content = reader.content(directory / ".env") or b""
    return {**dotenv.parse(content.decode("utf-8", "replace"), environment), **environment}


def _read_mounted(project: ComposeProject, reader: _Reader) -> None:
    """Read what services mount or import as configuration, wherever it lies."""
    for service in project.services.values():
        for mount in service.mounts():
            if mount.host_path is None:
                continue
            if mount.target.endswith((".yaml", ".yml")):
                reader.content(mount.host_path)
            else:
                reader.content(mount.host_path / "milvus.yaml")
        for path in service.env_files():
            reader.content(path)


def _read_pki(directory: Path, config: TlsConfig, reader: _Reader) -> PkiFacts:
    pki, tls = directory / config.pki_dir, directory / config.tls_dir
    reader.content(pki / STATE_FILE)
    for setting in (config.ca_cert, config.server_cert, config.client_cert):
        if setting is not None:
            reader.content(directory / setting)
    for setting in (config.ca_key, config.server_key, config.client_key):
        if setting is not None:
            reader.secret(directory / setting)
    pairs: dict[CertificateRole, tuple[bytes | None, bytes | None]] = {}
    for role in _ROLES:
        certificate, key = pki / f"{role}.pem", pki / f"{role}.key"
        reader.secret(key)
        pairs[role] = (reader.content(certificate), _key(key))
    reader.secret(tls / "server.key")
    for name in ("server.pem", "ca.pem", ".gitignore"):
        reader.content(tls / name)
    reader.content(pki / ".gitignore")
    if not any(certificate for certificate, _ in pairs.values()):
        return PkiFacts({}, frozenset())
    from compose_tls.pki.load import survey  # noqa: PLC0415 - cryptography costs 75 ms

    return survey(pairs)


def _key(path: Path) -> bytes | None:
    """A private key, for the moment in which it is matched with its certificate."""
    try:
        return path.read_bytes()
    except OSError:
        return None

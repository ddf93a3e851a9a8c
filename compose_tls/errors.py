"""The error tree; the ``code`` of a leaf is its name with hyphens: in docs/errors.md, raised by a test.

ComposeTlsError
├── SettingsError      exit 2   wrong usage or settings
├── ProjectError       exit 3   the project cannot be read, patched or safely recreated
│   └── Refusal                 the user may decide against it, with --accept CODE
├── CertificateError   exit 4   certificates and keys
├── EngineError        exit 5   Docker engine and Docker Compose
├── CheckFailed        exit 6   a live check failed
└── Interrupted        exit 130 the user did not want to wait; only the command line raises it
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Collection

    from compose_tls.results import Probe
    from compose_tls.vocabulary import TlsWarning


class ComposeTlsError(Exception):
    """An error: the problem, its place, and the next step.

    Args:
        message: The problem, in one sentence without a final full stop.
        hint: What the user can do next.
        path: The file concerned, relative to the project where possible.
        line: The line in that file, counted from 1.

    Attributes:
        warnings: Further warnings, such as an interrupted command that was completed.
    """

    code: ClassVar[str]
    exit_code: ClassVar[int]

    def __init_subclass__(cls) -> None:
        words = "".join(f"-{one.lower()}" if one.isupper() else one for one in cls.__name__)
        cls.code = words[1:]

    def __init__(
        self, message: str, *, hint: str, path: str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line
        self.warnings: tuple[TlsWarning, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        # The hint has no default, and yet an error has to get from one process to another.
        return partial(type(self), hint=self.hint), self.args, vars(self)


class SettingsError(ComposeTlsError):
    """Wrong usage or settings."""

    exit_code = 2


class WrongUsage(SettingsError): ...


class TooManyOpenFiles(SettingsError): ...


class UnknownSetting(SettingsError): ...


class InvalidSetting(SettingsError): ...


class ConflictingSettings(SettingsError): ...


class ProjectError(ComposeTlsError):
    """The project cannot be read or patched."""

    exit_code = 3


class Refusal(ProjectError):
    """An error that the user can overrule with ``--accept CODE``, for exactly that code."""


def refusal_codes() -> list[str]:
    """The codes that ``--accept`` takes."""
    return sorted(leaf.code for leaf in Refusal.__subclasses__())


GATHERED: ContextVar[list[Refusal] | None] = ContextVar("GATHERED", default=None)
"""The refusals of a command so far, while it looks for all of them before it ends."""


def settle(refusal: Refusal, accepted: Collection[str]) -> TlsWarning:
    """The warning that replaces an overruled refusal.

    Args:
        refusal: What would be refused.
        accepted: The codes that the user named with ``--accept``.

    Raises:
        Refusal: The user has not; its hint ends in how to. Where refusals are gathered, it is added to
            the others instead, and raised with them.
    """
    from compose_tls.vocabulary import TlsWarning  # noqa: PLC0415 - enum and dataclasses, not for --help

    if refusal.code not in accepted:
        accepting = f"--accept {refusal.code}"
        if accepting not in refusal.hint:
            # The command that was typed is put in where it is known: workflows.whole_hints.
            refusal.hint += f"; or continue anyway: compose-tls enable … {accepting}"
        gathered = GATHERED.get()
        if gathered is None:
            raise refusal
        gathered.append(refusal)
    return TlsWarning(refusal.code, refusal.message, refusal.path, refusal.hint, refusal.line)


class HealthCheckBreaks(Refusal): ...


class ClientsCutOff(Refusal): ...


class NotMounted(ProjectError): ...


class ComposeFileNotFound(ProjectError): ...


class ProjectExists(ProjectError): ...


class ScriptNotUnderstood(ProjectError): ...


class FileUnreadable(ProjectError): ...


class YamlSyntax(ProjectError): ...


class NotAComposeFile(ProjectError): ...


class ServiceNotFound(ProjectError): ...


class ServiceAmbiguous(ProjectError): ...


class UnsupportedMilvus(ProjectError): ...


class EditRefused(ProjectError): ...


class ValueInTheWay(ProjectError): ...


class MilvusConfigNotFound(ProjectError): ...


class MilvusConfigPartial(ProjectError): ...


class OutsideProject(Refusal): ...


class DirectoryShared(Refusal): ...


class ProjectChanged(ProjectError): ...


class ProjectLocked(ProjectError): ...


class ForeignJournal(ProjectError): ...


class RecoveryFailed(ProjectError): ...


class StateUnreadable(ProjectError): ...


class NotEnabled(ProjectError): ...


class TlsRemains(Refusal): ...


class ServiceRenamed(Refusal): ...


class FurtherCa(Refusal): ...


class KeyWrittenOver(Refusal): ...


class ClientsLeftBehind(Refusal): ...


class CertificatesUnmounted(ProjectError): ...


class RolloverNotStarted(ProjectError): ...


class WriteFailed(ProjectError): ...


class ContainerInTheWay(ProjectError): ...


class DataExists(Refusal): ...


class DeployedDifferently(Refusal):
    runs_as: str | None = None
    """The name of the project that runs these files instead."""


class ImageMoved(Refusal): ...


class DataWithoutMount(Refusal): ...


class ChangedInContainer(Refusal): ...


class ConfigDiffers(Refusal): ...


class CertificateError(ComposeTlsError):
    """Certificates and keys."""

    exit_code = 4


class CertificateUnreadable(CertificateError): ...


class CertificateExpired(CertificateError): ...


class CertificateExpiresSoon(CertificateError): ...


class CertificateNotYetValid(CertificateError): ...


class KeyMismatch(CertificateError): ...


class IssuerMismatch(CertificateError): ...


class NameNotCovered(CertificateError): ...


class NameNotPermitted(CertificateError): ...


class NameInvalid(CertificateError): ...


class ProfileViolation(CertificateError): ...


class DemoCertificate(CertificateError): ...


class RehearsalFailed(CertificateError): ...


class KeyUnreadableInContainer(CertificateError): ...


class KeyExposed(CertificateError): ...


class EngineError(ComposeTlsError):
    """Docker engine and Docker Compose."""

    exit_code = 5


class EngineUnreachable(EngineError): ...


class EngineRemote(EngineError): ...


class ComposeMissing(EngineError): ...


class ComposeFailed(EngineError): ...


class PortTaken(EngineError): ...


class NotReachable(EngineError): ...


class ContainerExited(EngineError): ...


class NotDeployed(EngineError): ...


class NotReady(EngineError): ...


class Unhealthy(EngineError): ...


class Interrupted(ComposeTlsError):
    exit_code = 130


class CheckFailed(ComposeTlsError):
    """A live check failed; ``checks`` are the results of all.

    Attributes:
        summary: The message without the results, which are in ``checks``.
    """

    exit_code = 6

    def __init__(
        self, message: str, *, hint: str, checks: tuple[Probe, ...] = (), summary: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.checks = checks
        self.summary = summary or message

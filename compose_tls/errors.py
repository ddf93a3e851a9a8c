"""The error tree; each leaf is one stable ``code``, listed in docs/errors.md and raised by a test.

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


class WrongUsage(SettingsError):
    code = "wrong-usage"


class TooManyOpenFiles(SettingsError):
    code = "too-many-open-files"


class UnknownSetting(SettingsError):
    code = "unknown-setting"


class InvalidSetting(SettingsError):
    code = "invalid-setting"


class ConflictingSettings(SettingsError):
    code = "conflicting-settings"


class ProjectError(ComposeTlsError):
    """The project cannot be read or patched."""

    exit_code = 3


class Refusal(ProjectError):
    """An error that the user can overrule with ``--accept CODE``, for exactly that code."""


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


class HealthCheckBreaks(Refusal):
    code = "health-check-breaks"


class ClientsCutOff(Refusal):
    code = "clients-cut-off"


class NotMounted(ProjectError):
    code = "not-mounted"


class ComposeFileNotFound(ProjectError):
    code = "compose-file-not-found"


class ProjectExists(ProjectError):
    code = "project-exists"


class ScriptNotUnderstood(ProjectError):
    code = "script-not-understood"


class FileUnreadable(ProjectError):
    code = "file-unreadable"


class YamlSyntax(ProjectError):
    code = "yaml-syntax"


class NotAComposeFile(ProjectError):
    code = "not-a-compose-file"


class ServiceNotFound(ProjectError):
    code = "service-not-found"


class ServiceAmbiguous(ProjectError):
    code = "service-ambiguous"


class UnsupportedMilvus(ProjectError):
    code = "unsupported-milvus"


class EditRefused(ProjectError):
    code = "edit-refused"


class ValueInTheWay(ProjectError):
    code = "value-in-the-way"


class MilvusConfigNotFound(ProjectError):
    code = "milvus-config-not-found"


class MilvusConfigPartial(ProjectError):
    code = "milvus-config-partial"


class OutsideProject(Refusal):
    code = "outside-project"


class ProjectChanged(ProjectError):
    code = "project-changed"


class ProjectLocked(ProjectError):
    code = "project-locked"


class ForeignJournal(ProjectError):
    code = "foreign-journal"


class RecoveryFailed(ProjectError):
    code = "recovery-failed"


class StateUnreadable(ProjectError):
    code = "state-unreadable"


class NotEnabled(ProjectError):
    code = "not-enabled"


class TlsRemains(Refusal):
    code = "tls-remains"


class ServiceRenamed(Refusal):
    code = "service-renamed"


class FurtherCa(Refusal):
    code = "further-ca"


class ClientsLeftBehind(Refusal):
    code = "clients-left-behind"


class CertificatesUnmounted(ProjectError):
    code = "certificates-unmounted"


class RolloverNotStarted(ProjectError):
    code = "rollover-not-started"


class WriteFailed(ProjectError):
    code = "write-failed"


class ContainerInTheWay(ProjectError):
    code = "container-in-the-way"


class DataExists(Refusal):
    code = "data-exists"


class DeployedDifferently(Refusal):
    code = "deployed-differently"
    runs_as: str | None = None
    """The name of the project that runs these files instead."""


class ImageMoved(Refusal):
    code = "image-moved"


class DataWithoutMount(Refusal):
    code = "data-without-mount"


class ChangedInContainer(Refusal):
    code = "changed-in-container"


class ConfigDiffers(Refusal):
    code = "config-differs"


class CertificateError(ComposeTlsError):
    """Certificates and keys."""

    exit_code = 4


class CertificateUnreadable(CertificateError):
    code = "certificate-unreadable"


class CertificateExpired(CertificateError):
    code = "certificate-expired"


class CertificateExpiresSoon(CertificateError):
    code = "certificate-expires-soon"


class CertificateNotYetValid(CertificateError):
    code = "certificate-not-yet-valid"


class KeyMismatch(CertificateError):
    code = "key-mismatch"


class IssuerMismatch(CertificateError):
    code = "issuer-mismatch"


class NameNotCovered(CertificateError):
    code = "name-not-covered"


class NameNotPermitted(CertificateError):
    code = "name-not-permitted"


class NameInvalid(CertificateError):
    code = "name-invalid"


class ProfileViolation(CertificateError):
    code = "profile-violation"


class DemoCertificate(CertificateError):
    code = "demo-certificate"


class RehearsalFailed(CertificateError):
    code = "rehearsal-failed"


class KeyUnreadableInContainer(CertificateError):
    code = "key-unreadable-in-container"


class KeyExposed(CertificateError):
    code = "key-exposed"


class EngineError(ComposeTlsError):
    """Docker engine and Docker Compose."""

    exit_code = 5


class EngineUnreachable(EngineError):
    code = "engine-unreachable"


class EngineRemote(EngineError):
    code = "engine-remote"


class ComposeMissing(EngineError):
    code = "compose-missing"


class ComposeFailed(EngineError):
    code = "compose-failed"


class PortTaken(EngineError):
    code = "port-taken"


class NotReachable(EngineError):
    code = "not-reachable"


class ContainerExited(EngineError):
    code = "container-exited"


class NotDeployed(EngineError):
    code = "not-deployed"


class NotReady(EngineError):
    code = "not-ready"


class Unhealthy(EngineError):
    code = "unhealthy"


class Interrupted(ComposeTlsError):
    exit_code = 130
    code = "interrupted"


class CheckFailed(ComposeTlsError):
    """A live check failed; ``checks`` are the results of all.

    Attributes:
        summary: The message without the results, which are in ``checks``.
    """

    exit_code = 6
    code = "check-failed"

    def __init__(
        self, message: str, *, hint: str, checks: tuple[Probe, ...] = (), summary: str | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.checks = checks
        self.summary = summary or message

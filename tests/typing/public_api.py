# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""The public names as a user writes them: read by mypy and pyright, and never run."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, assert_type

import compose_tls
import compose_tls.testing
from compose_tls import (
    CertificateResult,
    CheckFailed,
    CheckResult,
    ClientOf,
    ClientResult,
    ComposeTlsError,
    ConnectResult,
    CutOff,
    DeclaredService,
    DeployedService,
    DisableResult,
    EnableResult,
    Endpoint,
    ExportResult,
    FileResult,
    FileState,
    GivenFiles,
    InitResult,
    Link,
    NeighbourResult,
    Probe,
    Recorded,
    RenewResult,
    Result,
    Snippet,
    StatusResult,
    TlsConfig,
    TlsMode,
    TlsWarning,
    check,
    client,
    connect,
    disable,
    enable,
    export,
    init,
    renew,
    status,
)
from compose_tls.testing import EmbeddedServer, MilvusServer, embedded_server, milvus_tls

assert_type(compose_tls.__version__, str)


def settings() -> TlsConfig:
    config = TlsConfig(mode=2, san=("milvus.example",), key_type="rsa-3072", days=90)
    assert_type(config, TlsConfig)
    assert_type(config.mode, Literal[1, 2])
    assert_type(config.san, tuple[str, ...])
    assert_type(config.rest_port, int | None)
    TlsConfig(mode=3)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    TlsConfig(colour="red")  # type: ignore[call-arg] # pyright: ignore[reportCallIssue]
    config.days = 30  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
    return config


def commands(project: Path, config: TlsConfig) -> None:
    assert_type(enable(project, config, up=True, on_event=print), EnableResult)
    assert_type(init(project, config, flavour="cluster", attu=True), InitResult)
    assert_type(disable(project, purge=True), DisableResult)
    assert_type(status(str(project)), StatusResult)
    assert_type(check(project, host="localhost", port=19530, deep=True), CheckResult)
    assert_type(renew(project, ca=True, environment=os.environ), RenewResult)
    assert_type(client(project, ["alice", "bob"], p12=True), ClientResult)
    assert_type(connect(project, lang="java"), ConnectResult)
    assert_type(export(project, "helm", hosts=["milvus.example"]), ExportResult)
    export(project, "nomad")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
    enable(project, "mode 2")  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


def what_any_command_tells(result: Result) -> int:
    assert_type(result.ok, bool)
    assert_type(result.project, str)
    assert_type(result.mode, Literal[1, 2] | None)
    assert_type(result.services, tuple[str, ...])
    for warning in result.warnings:
        assert_type(warning, TlsWarning)
        assert_type(warning.hint, str | None)
    match result:
        case InitResult():
            assert_type(result.root_password_file, str | None)
        case EnableResult() | RenewResult():
            what_was_issued(result)
        case DisableResult():
            assert_type(result.diff, str)
        case StatusResult():
            what_status_found(result)
        case CheckResult():
            assert_type(result.checks, tuple[Probe, ...])
            assert_type(result.time, datetime | None)
        case ClientResult():
            assert_type(result.issued, tuple[str, ...])
        case ExportResult():
            assert_type(result.private_text, str)
        case ConnectResult():
            assert_type(result.snippet, Snippet)
            assert_type(result.snippet.text, str)
    return result.exit_code


def who_is_cut_off(result: EnableResult) -> None:
    assert_type(result.cut_off, tuple[CutOff, ...])
    assert_type(result.neighbours, tuple[NeighbourResult, ...])


def who_is_given_what(result: ClientResult) -> None:
    assert_type(result.give, tuple[GivenFiles, ...])


def what_was_issued(result: EnableResult | RenewResult) -> None:
    assert_type(result.command, Literal["enable", "renew"])
    assert_type(result.mode, Literal[1, 2])
    assert_type(result.changed, bool)
    assert_type(result.files, tuple[FileResult, ...])
    assert_type(result.files[0].action, Literal["created", "patched", "removed", "unchanged"])
    assert_type(result.certificates, tuple[CertificateResult, ...])
    assert_type(result.certificates[0].not_after, datetime)
    assert_type(result.endpoint, Endpoint | None)
    assert_type(result.connect, dict[str, Any] | None)
    assert_type([probe.ok for probe in result.checks], list[bool])
    assert_type(result.rollover, Literal["none", "started", "pending", "finished"])
    result.changed = False  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]


def what_status_found(result: StatusResult) -> None:
    assert_type(result.encrypted, bool)
    assert_type(result.in_order, bool)
    assert_type(result.certificates_usable, bool)
    assert_type(result.file_states, tuple[FileState, ...])
    assert_type(result.links, tuple[Link, ...])
    assert_type(result.declared, tuple[DeclaredService, ...])
    assert_type(result.deployed, tuple[DeployedService, ...])
    assert_type(result.recorded, Recorded | None)
    assert_type(result.links[0].encryption, Literal["encrypted", "plain", "unknown"])


def errors(project: Path) -> int:
    try:
        enable(project)
    except ComposeTlsError as error:
        assert_type(error.code, str)
        assert_type(error.path, str | None)
        return error.exit_code
    return 0


def a_server_of_others() -> tuple[Probe, ...]:
    client = ClientOf(Path("ca.pem"), server_name="milvus.example", mode=TlsMode.ONE_WAY)
    assert_type(client.certificate, Path | None)
    try:
        return check(host="milvus.example", client=client).checks
    except CheckFailed as error:
        assert_type(error.checks, tuple[Probe, ...])
        return error.checks


def a_server() -> None:
    with milvus_tls(mode=2, backend="embedded", key_type="ecdsa-p256") as server:
        assert_type(server, MilvusServer)
        assert_type(server.connect_args(), dict[str, Any])
        assert_type(server.ca_pem, Path)
    with milvus_tls(backend="lite") as server:
        assert_type(server.backend, Literal["docker", "embedded", "lite"])
    with milvus_tls(backend="podman"):  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
        pass


def a_server_of_a_project(project: Path) -> None:
    with embedded_server(project) as server:
        assert_type(server, EmbeddedServer)


# A name that there is not is an error, not an Any.
compose_tls.enabel  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] # noqa: B018
compose_tls.testing.milvus_tsl  # type: ignore[attr-defined] # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] # noqa: B018

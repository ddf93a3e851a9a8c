"""Health checks that TLS or the end of REST would break, and their replacements."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

from compose_tls.changes import relative
from compose_tls.compose.member_edits import Edits
from compose_tls.compose.rewriting import rewrite
from compose_tls.compose.service import HEALTH_TEST, HealthTest, Service
from compose_tls.config import TlsConfig
from compose_tls.errors import HealthCheckBreaks, settle
from compose_tls.patterns import regex
from compose_tls.project.endpoints import REST_PATH, rest_port
from compose_tls.project.milvus_services import MilvusService
from compose_tls.project.model import Project
from compose_tls.project.reachability import OWN_HOSTS, names
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning, number

_URL: Final = regex(
    r"(?P<scheme>https?://)?(?P<host>\[::1\]|\$\{?HOSTNAME\}?|\$\(hostname\)|(?<![\w.-])[A-Za-z0-9_][\w.-]*)"
    r":(?P<port>\d{1,5})"
    r"(?P<path>/[^\s\"'|;&)]*)?"
)
# What asks the same as /healthz does: is Milvus well? Everything else asks for data, or for a list.
_HEALTH: Final = regex(r"(?:/(?:api/v1/)?healthz?)?/?")
# A test that only opens a connection goes on. One that speaks HTTP may ask for something else, which one
# that speaks gRPC cannot.
_SPEAKS_HTTP: Final = regex(r"\b(?:curl|wget|http|HTTP|urllib|requests|httpx|fetch)\b")
_SPEAKS_GRPC: Final = regex(
    r"\b(?:pymilvus|MilvusClient|milvus_cli|grpc_health_probe|grpcurl|grpc)\b"
)
_SPEAKS_TLS: Final = regex(r"https://|secure\s*=\s*True|(?<!\S)--?tls\b|--?cacert|_pem_path")
_WORD: Final = regex(r"[\w.-]+")
_OWN_NAMES: Final = OWN_HOSTS | {"$HOSTNAME", "${HOSTNAME}", "$(hostname)"}


@dataclass(frozen=True, slots=True)
class HealthEdit:
    """A health check that is to ask for something else.

    Attributes:
        service: Its service.
        old: What it asks for, as the file writes it.
        new: What it is to ask for.
    """

    service: Service
    old: str
    new: str


def health_edits(
    project: Project, milvus: Sequence[MilvusService], config: TlsConfig
) -> tuple[tuple[HealthEdit, ...], tuple[TlsWarning, ...]]:
    """The health checks that have to change, and what is to be said of them.

    Args:
        project: The project.
        milvus: The services that are to speak TLS.
        config: The settings.

    Raises:
        HealthCheckBreaks: One has no equal over TLS, and the user has not accepted that.
    """
    edits: list[HealthEdit] = []
    warnings: list[TlsWarning] = []
    for service in project.compose.services.values():
        test = service.healthcheck_test()
        if test is None or not test.asks:
            continue
        for one in milvus:
            hosts = names(one.service) | (_OWN_NAMES if service.name == one.name else set())
            for url, new in _broken(test, one, hosts, config):
                path = relative(test.file, project.directory)
                if new is None or not _is_written(service, url):
                    # Another service asks by the name that Milvus has for it.
                    host = url.rpartition("//")[2].partition("/")[0].rpartition(":")[0]
                    wanted = new or f"http://{host}:{_metrics_port(one)}/healthz"
                    wanted = wanted.replace("$", "$$")
                    refusal = HealthCheckBreaks(
                        f"the health check of service {service.name} asks for {url}, which "
                        "Milvus no longer answers with TLS",
                        hint=f"write {wanted} there, and ask for it by HTTP (curl -f)",
                        path=path,
                        line=test.line,
                    )
                    warnings.append(settle(refusal, accepted(project, config)))
                    continue
                edits.append(HealthEdit(service, url, new))
                text = f"the health check of service {service.name} is to ask for {new}: with TLS, "
                text += f"Milvus no longer answers {url}"
                why = "nothing to do; compose-tls disable restores the old one"
                warnings.append(TlsWarning("health-check-replaced", text, path, why, test.line))
    return tuple(edits), tuple(warnings)


def accepted(project: Project, config: TlsConfig) -> Collection[str]:
    """What the user accepts, and the health checks that broke with the last ``enable``.

    In the same mode and scope they ask in vain already, whatever this one does.
    """
    last = project.state.settings if project.state is not None else None
    same = last is not None and (last.mode, last.scope) == (config.mode, config.scope)
    return {*config.accept, HealthCheckBreaks.code} if same else config.accept


def waiting(
    project: Project, milvus: Sequence[MilvusService], config: TlsConfig
) -> Iterator[TlsWarning]:
    """What is said of services whose command asks REST on the metrics port, such as to wait for Milvus.

    Args:
        project: The project.
        milvus: The services that are to speak TLS.
        config: The settings.
    """
    for service in project.compose.services.values():
        urls = list(_URL.finditer(" ".join(service.command_line())))
        for one in milvus if urls else ():
            metrics, main = _metrics_port(one), service.main
            for url in urls:
                asks = url["host"] in names(one.service) and REST_PATH.match(url["path"] or "")
                if asks and number(url["port"]) == metrics and rest_port(one, config) is None:
                    yield TlsWarning(
                        "clients-cut-off",
                        f"the command of service {service.name} asks for {url[0]}, which Milvus "
                        "no longer answers with TLS",
                        main.document.name,
                        f"write {url['scheme'] or ''}{url['host']}:{metrics}/healthz there",
                        main.line("command"),
                    )


def _broken(
    test: HealthTest, milvus: MilvusService, hosts: Collection[str], config: TlsConfig
) -> Iterator[tuple[str, str | None]]:
    """What a test asks for in vain, and what asks the same; ``None`` where nothing does."""
    metrics = _metrics_port(milvus)
    kept = rest_port(milvus, config)
    plain = {milvus.configuration.proxy_port, *([kept] if kept else [])}
    text = " ".join(test.words)
    grpc = _SPEAKS_GRPC.search(text)
    if not (grpc or _SPEAKS_HTTP.search(text)) or (grpc and _SPEAKS_TLS.search(text)):
        return
    named = list(dict.fromkeys(_URL.finditer(text)))
    for url in named:
        port, path = number(url["port"]), url["path"] or ""
        if url["host"] not in hosts or url["scheme"] == "https://":
            continue
        lost = port in plain or (port == metrics and kept is None and REST_PATH.match(path))
        if lost:
            scheme = url["scheme"] or ""
            equal = f"{scheme}{url['host']}:{metrics}/healthz"
            yield url[0], equal if _HEALTH.fullmatch(path) and not grpc else None
    if named:
        return
    # Host and port are two arguments, or two parts of a path: /dev/tcp/localhost/19530.
    words = set(_WORD.findall(text))
    own = {"localhost"} & set(hosts)
    host = next(iter(sorted(words & set(hosts) or own)), None)
    port = next(iter(sorted(words & set(map(str, plain)))), None)
    if host and port:
        yield f"{host}:{port}", None


def _metrics_port(milvus: MilvusService) -> int:
    return next(one.port for one in milvus.configuration.listeners if not one.for_clients)


def _is_written(service: Service, url: str) -> bool:
    """Whether the file has it so, and not in a variable."""
    _, found = service.layers("healthcheck")[-1]
    test = found.query("test")
    items = [] if test is None else test.items() if test.is_list else [test]
    return sum((item.written or "").count(url) for item in items) == 1


def add_health_edit(change: HealthEdit, override: Path | None, edits: Edits) -> None:
    """Add what makes a health check ask for something else.

    Raises:
        EditRefused: It is inherited, so that ours would replace more than the test.
    """
    rewrite(
        change.service,
        HEALTH_TEST,
        lambda texts: [text.replace(change.old, change.new) for text in texts],
        override,
        edits,
        hint=f"write {change.new} instead of {change.old} where it comes from",
    )

"""Health checks of etcd and the object store, that ask by http what speaks TLS now."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import partial
from typing import Final

from compose_tls.compose.rewriting import Rewriting, expander, written
from compose_tls.compose.service import HEALTH_TEST, HealthTest, Service
from compose_tls.config import TlsConfig
from compose_tls.errors import HealthCheckBreaks, settle
from compose_tls.patterns import regex
from compose_tls.plan.health_checks import accepted
from compose_tls.project.model import Project
from compose_tls.project.reachability import OWN_HOSTS, names
from compose_tls.stack.tool_tls import ToolTls, takes_bare_urls
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning

# https://etcd.io/docs/v3.5/op-guide/monitoring/#health-check
_PLAIN: Final = "http://"
_HEALTH_PATH: Final = regex(r"/(?:health|livez|readyz)(?![\w/])")


def health_change(
    project: Project,
    service: Service,
    ports: Sequence[int],
    tool: ToolTls,
    config: TlsConfig,
    hosts: Collection[str],
) -> tuple[Rewriting | None, tuple[TlsWarning, ...]]:
    """How the health check of a server asks over TLS; ``None`` where it stays as it is.

    Args:
        project: The project.
        service: The service of the server.
        ports: Its ports that speak TLS, the one for its clients first.
        tool: What the health check shows and trusts.
        config: The settings.
        hosts: The names of others like it, which it may ask as well.

    Raises:
        HealthCheckBreaks: No one knows how it would, and the user has not accepted that.
    """
    test = service.healthcheck_test()
    if test is None or not test.asks:
        return None, ()
    text = " ".join(test.words)
    http = _Http.of({*OWN_HOSTS, *names(service), *hosts}, ports, text)
    if not http.is_in(text) and not tool.is_due(text):
        return None, ()
    old = written(service, HEALTH_TEST)
    change = partial(tool.with_https, url=http.written(old), port=ports[0])
    new = change(old)
    meant = " ".join(map(expander(service, HEALTH_TEST[0]), new))
    if new != old and not http.is_in(meant) and tool.serves(text):
        return change, ()
    if instead := _instead(old, http.asked(text), tool):
        return (lambda _: instead), (_replaced(project, service, test, ports[0], tool),)
    return None, (
        settle(_refusal(project, service, test, ports[0], tool), accepted(project, config)),
    )


@dataclass(frozen=True, slots=True)
class _Http:
    """Where a health check names its own server by http.

    Attributes:
        meant: What the health check runs, as Compose hands it on.
        url: What can be written ``https://``.
        by_name: Also by a name that only a shell knows, such as ``$HOSTNAME``, which is not rewritten.
    """

    meant: str
    url: re.Pattern[str]
    by_name: re.Pattern[str]

    @classmethod
    def of(cls, hosts: Collection[str], ports: Sequence[int], text: str) -> _Http:
        either = "|".join(map(re.escape, sorted(hosts)))
        port = rf":(?:{'|'.join(map(str, ports))})(?!\d)"
        bare = r"|(?<![\w./:@=-])" if takes_bare_urls(text) else ""
        return cls(
            text,
            re.compile(rf"(?:http://{bare})(?=(?:{either}){port})"),
            re.compile(rf"http://(?:\$+\([^)]*\)|[^\s/])+{port}"),
        )

    def written(self, texts: Sequence[str]) -> re.Pattern[str]:
        """What is written ``https://`` in the text of the file, where Compose may put in host or port."""
        meant, said = (len(self.url.findall(one)) for one in (self.meant, " ".join(texts)))
        alone = meant == self.meant.count(_PLAIN) == " ".join(texts).count(_PLAIN)
        return re.compile(_PLAIN) if alone and meant != said else self.url

    def is_in(self, text: str) -> bool:
        return bool(self.by_name.search(text) or self.url.search(text))

    def asked(self, text: str) -> list[str]:
        """What is asked for: all that follows each address."""
        return [text[found.end() :] for found in self.by_name.finditer(text)]


def _instead(old: list[str], asked: Sequence[str], tool: ToolTls) -> list[str] | None:
    """The test that asks the same with a certificate; ``None`` where nothing does."""
    if not tool.instead or not asked or not all(map(_HEALTH_PATH.match, asked)):
        return None
    words = [*tool.instead]
    if tool.by_flags:
        words[1:1] = tool.curl
    return ["CMD", *words] if old[0] == "CMD" else [*old[:-1], " ".join(words)]


def _replaced(
    project: Project, service: Service, test: HealthTest, port: int, tool: ToolTls
) -> TlsWarning:
    return TlsWarning(
        "health-check-replaced",
        f"the health check of service {service.name} is to run {' '.join(tool.instead)}: the "
        f"previous one uses http, and port {port} then requires a client certificate",
        project.relative(test.file),
        "nothing to do; compose-tls disable restores the old one",
        test.line,
    )


def _refusal(
    project: Project, service: Service, test: HealthTest, port: int, tool: ToolTls
) -> HealthCheckBreaks:
    return HealthCheckBreaks(
        f"the health check of service {service.name} uses http, and port {port} then uses TLS",
        hint=f"change it to: curl -f {' '.join(tool.curl)} https://localhost:{port}/…"
        if tool.certificate is None
        else "change it to: etcdctl endpoint health",
        path=project.relative(test.file),
        line=test.line,
    )

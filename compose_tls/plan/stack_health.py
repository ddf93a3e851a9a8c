"""Health checks of etcd and the object store, that ask by http what speaks TLS now."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Final

from compose_tls.compose.rewriting import Rewriting, written
from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.errors import HealthCheckBreaks, settle
from compose_tls.patterns import regex
from compose_tls.project.model import Project
from compose_tls.project.reachability import names
from compose_tls.stack import mc
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsWarning
from compose_tls.yamlpatch.intent import Route

HEALTH_TEST: Final[Route] = ("healthcheck", "test")
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]", "0.0.0.0"})  # noqa: S104 - compared, not bound
"""How a container names itself."""
_CURL: Final = regex(r"(?<![\w./-])((?:[\w./-]*/)?curl)(?=\s|$)")
_WGET: Final = regex(r"(?<![\w./-])((?:[\w./-]*/)?wget)(?=\s|$)")
_MC: Final = regex(
    r"(?<![\w./-])((?:[\w./-]*/)?mc)(?=\s+(?:(?!&&|\|\|)[^\s;|&]+\s+)*local(?:/\S*)?(?:[\s;|&]|$))"
)
# https://pkg.go.dev/crypto/x509#SystemCertPool
_UNCHECKED: Final = "--no-check-certificate"
_GO_ROOTS: Final = "SSL_CERT_FILE"
# https://etcd.io/docs/v3.5/op-guide/monitoring/#health-check
_HEALTH_PATH: Final = regex(r"/(?:health|livez|readyz)(?![\w/])")
_SETS_LOCAL: Final = regex(r"\bmc\s+alias\s+set\s+local\s")
_ETCDCTL: Final = regex(r"(?<![\w./-])(?:[\w./-]*/)?etcdctl(?=\s|$)")


@dataclass(frozen=True, slots=True)
class Client:
    """What a client of a server shows and trusts, by files in the container.

    Attributes:
        ca: The CA.
        certificate: Its certificate; ``None`` where the server demands none.
        key: Its key.
        instead: A command that asks the same, for a tool that cannot show a certificate.
        by_flags: Whether ``etcdctl`` is told on its command line, and not by variables.
        has_mc: Whether mc finds the CA where it looks for it.
    """

    ca: str
    certificate: str | None = None
    key: str | None = None
    instead: tuple[str, ...] = ()
    by_flags: bool = False
    has_mc: bool = False

    @property
    def curl(self) -> tuple[str, ...]:
        """The options of curl."""
        if self.certificate is None or self.key is None:
            return ("--cacert", self.ca)
        return ("--cacert", self.ca, "--cert", self.certificate, "--key", self.key)


def health_change(
    project: Project, service: Service, ports: Sequence[int], client: Client, config: TlsConfig
) -> tuple[Rewriting | None, tuple[TlsWarning, ...]]:
    """How the health check of a server asks over TLS; ``None`` where it stays as it is.

    Args:
        project: The project.
        service: The service of the server.
        ports: Its ports that speak TLS, the one for its clients first.
        client: What the health check shows and trusts.
        config: The settings.

    Raises:
        HealthCheckBreaks: No one knows how it would, and the user has not accepted that.
    """
    test = service.healthcheck_test()
    if test is None or test.words[:1] == ["NONE"]:
        return None, ()
    hosts = "|".join(map(re.escape, sorted(LOOPBACK | names(service))))
    either = "|".join(map(str, ports))
    old, text = written(service, HEALTH_TEST), " ".join(test.words)
    # curl and wget take http where nothing is said.
    lacks = _CURL.search(text) or _WGET.search(text)
    bare = r"|(?<![\w./:@=-])" if lacks else ""
    url = re.compile(rf"(?:http://{bare})(?=(?:{hosts}):(?:{either})(?!\d))")
    change = partial(_changed, url=url, port=ports[0], client=client)
    # Also by a name that only a shell knows, such as $HOSTNAME, which is not rewritten.
    by_http = re.compile(rf"http://(?:\$+\([^)]*\)|[^\s/])+:(?:{either})(?!\d)")
    flags = client.by_flags and _ETCDCTL.search(text) is not None
    if not by_http.search(text) and not url.search(text) and not _MC.search(text) and not flags:
        return None, ()
    new = change(old)
    said = " ".join(new)
    plain = by_http.search(said) is not None or url.search(said) is not None
    without_client = client.certificate is not None and _WGET.search(text) is not None
    tools = (_CURL, _WGET, _MC, _ETCDCTL)
    known = any(tool.search(text) for tool in tools) or (client.has_mc and mc.runs(None, [text]))
    if new != old and not plain and known and not without_client:
        return change, ()
    if instead := _instead(old, [*by_http.finditer(text)], text, client):
        where = project.relative(test.file)
        told = f"the health check of service {service.name} runs {' '.join(client.instead)} now: what it"
        told += f" ran asks by http, and port {ports[0]} wants a client certificate then"
        why = "nothing to do; compose-tls disable restores the old one"
        return (lambda _: instead), (
            TlsWarning("health-check-replaced", told, where, why, test.line),
        )
    refusal = HealthCheckBreaks(
        f"the health check of service {service.name} asks by http, and port {ports[0]} speaks TLS "
        "then",
        hint=f"let it run: curl -f {' '.join(client.curl)} https://localhost:{ports[0]}/…"
        if client.certificate is None
        else "let it run: etcdctl endpoint health",
        path=project.relative(test.file),
        line=test.line,
    )
    return None, (settle(refusal, config.accept),)


def trusting(text: str, client: Client) -> str:
    """A command whose curl and wget accept the certificate of the container that they run in.

    Args:
        text: The command, which calls by https.
        client: What curl shows and trusts.
    """
    if "https://" not in text:
        return text
    text = _CURL.sub(rf"\1 {' '.join(client.curl)}", text)
    return _WGET.sub(rf"\1 {_UNCHECKED}", text)


def _instead(
    old: list[str], asked: Sequence[re.Match[str]], text: str, client: Client
) -> list[str] | None:
    """The test that asks the same with a certificate; ``None`` where nothing does."""
    same = all(_HEALTH_PATH.match(text, found.end()) for found in asked)
    if not client.instead or not asked or not same:
        return None
    words = [*client.instead]
    if client.by_flags:
        words[1:1] = client.curl
    return ["CMD", *words] if old[0] == "CMD" else [*old[:-1], " ".join(words)]


def _changed(texts: Sequence[str], *, url: re.Pattern[str], port: int, client: Client) -> list[str]:
    found: list[str] = []
    asks = any(url.search(text) for text in texts)
    # mc's alias "local" is http://localhost:9000; it trusts what Go programs do.
    local = (f"{_GO_ROOTS}={client.ca}", f"MC_HOST_local=https://localhost:{port}")
    for text in texts:
        new = url.sub("https://", text)
        if new != text and any(_CURL.fullmatch(word) for word in found):
            found += [*client.curl, new]
            continue
        if asks and _WGET.fullmatch(text):
            # The wget of BusyBox knows no CA; on its own loopback it meets nobody else.
            found += [text, _UNCHECKED]
            continue
        if asks:
            new = trusting(new, client) if " " in new else _WGET.sub(rf"\1 {_UNCHECKED}", new)
        if client.by_flags and _ETCDCTL.fullmatch(text):
            found += [text, *client.curl]
            continue
        if client.by_flags:
            new = _ETCDCTL.sub(lambda match: f"{match[0]} {' '.join(client.curl)}", new)
        own_alias = client.has_mc and _SETS_LOCAL.search(new)
        found.append(
            _MC.sub(rf"env {' '.join(local)} \1", new) if " " in new and not own_alias else new
        )
    if found[:1] == ["CMD"] and _MC.match(" ".join(found[1:])):
        found = ["CMD", "env", *local, *found[1:]]
    return found

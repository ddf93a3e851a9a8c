"""curl, wget, mc and etcdctl in a command that calls by https: what each has to be told.

Sources: their manuals; https://pkg.go.dev/crypto/x509#SystemCertPool for mc, which is written in Go.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from compose_tls.patterns import regex
from compose_tls.values import dataclass

_COMMAND: Final = r"(?<![\w./-])((?:[\w./-]*/)?{})(?={})"
_END: Final = r"\s|$"
AWS: Final = regex(_COMMAND.format("aws", _END))
CURL: Final = regex(_COMMAND.format("curl", _END))
MC: Final = regex(_COMMAND.format("mc", _END))
_WGET: Final = regex(_COMMAND.format("wget", _END))
_ETCDCTL: Final = regex(_COMMAND.format("etcdctl", _END))
_MC_LOCAL: Final = regex(
    _COMMAND.format("mc", r"\s+(?:(?!&&|\|\|)[^\s;|&]+\s+)*local(?:/\S*)?(?:[\s;|&]|$)")
)
_SETS_LOCAL: Final = regex(r"\bmc\s+alias\s+set\s+local\s")
_UNCHECKED: Final = "--no-check-certificate"
GO_ROOTS: Final = "SSL_CERT_FILE"


@dataclass(frozen=True, slots=True)
class ToolTls:
    """What a tool shows and trusts, by files in its container.

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

    def is_due(self, text: str) -> bool:
        """Whether a command names no URL, and still has to be told."""
        return bool(_MC_LOCAL.search(text) or (self.by_flags and _ETCDCTL.search(text)))

    def serves(self, text: str) -> bool:
        """Whether the tool of a command is known, and shows what the server demands."""
        if self.certificate is not None and _WGET.search(text):
            return False
        known = (CURL, _WGET, _ETCDCTL, MC if self.has_mc else _MC_LOCAL)
        return any(tool.search(text) for tool in known)

    def trusting(self, text: str) -> str:
        """A command whose curl and wget accept the certificate of the server that they call by https."""
        if "https://" not in text:
            return text
        text = CURL.sub(rf"\1 {' '.join(self.curl)}", text)
        return _WGET.sub(rf"\1 {_UNCHECKED}", text)

    def with_https(self, texts: Sequence[str], url: re.Pattern[str], port: int) -> list[str]:
        """A command, as its file writes it, that calls a server by https.

        Args:
            texts: Its items, or its one text.
            url: What is written ``https://`` then.
            port: The port of the server, for the alias ``local`` of mc.
        """
        found: list[str] = []
        asks = any(url.search(text) for text in texts)
        # mc's alias "local" is http://localhost:9000; it trusts what Go programs do.
        local = (f"{GO_ROOTS}={self.ca}", f"MC_HOST_local=https://localhost:{port}")
        for text in texts:
            new = url.sub("https://", text)
            if new != text and any(CURL.fullmatch(word) for word in found):
                # In front of the URL, with the option that names it.
                place = len(found) - (found[-1] == "--url")
                found[place:place] = self.curl
                found.append(new)
                continue
            if asks and _WGET.fullmatch(text):
                # The wget of BusyBox knows no CA; on its own loopback it reaches only itself.
                found += [text, _UNCHECKED]
                continue
            if asks:
                new = self.trusting(new) if " " in new else _WGET.sub(rf"\1 {_UNCHECKED}", new)
            if self.by_flags and _ETCDCTL.fullmatch(text):
                found += [text, *self.curl]
                continue
            if self.by_flags:
                new = _ETCDCTL.sub(lambda match: f"{match[0]} {' '.join(self.curl)}", new)
            own_alias = self.has_mc and _SETS_LOCAL.search(new)
            found.append(
                _MC_LOCAL.sub(rf"env {' '.join(local)} \1", new)
                if " " in new and not own_alias
                else new
            )
        if found[:1] == ["CMD"] and _MC_LOCAL.match(" ".join(found[1:])):
            found = ["CMD", "env", *local, *found[1:]]
        return found


def takes_bare_urls(text: str) -> bool:
    """Whether the tool of a command takes http where a URL says nothing."""
    return bool(CURL.search(text) or _WGET.search(text))

"""mc, the client of MinIO, as a service of the project: such as one that makes a bucket, and ends.

Sources: https://min.io/docs/minio/linux/reference/minio-mc.html (aliases, MC_HOST, certificates);
cmd/certs.go and cmd/config.go of github.com/minio/mc: it trusts what is in ``certs/CAs`` of its
directory, and the roots of its image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from compose_tls.patterns import regex
from compose_tls.stack.images import is_root, repository_and_tag
from compose_tls.stack.tool_tls import CURL, MC, ToolTls
from compose_tls.values import dataclass

_ELSEWHERE: Final = regex(r"\bcurl\b[^;&|]*--cacert|\bwget\b")
_DIRECTORY: Final = regex(r"(?<!\S)(?:--config-dir|-C)(?:\s+|=)([^\s;&|]+)")
_PLAIN: Final = "http://"


def runs(image: str | None, command: Sequence[str]) -> bool:
    """Whether a service runs mc.

    Args:
        image: Its image.
        command: Its command line.
    """
    return repository_and_tag(image or "")[0] == "mc" or MC.search(" ".join(command)) is not None


def certificates_directory(
    image: str | None,
    command: Sequence[str],
    variables: Mapping[str, str | None],
    user: str | None,
) -> str | None:
    """Where a service that runs mc looks for CAs, in its container; ``None`` where that is not known.

    Args:
        image: Its image.
        command: Its command line.
        variables: Its environment.
        user: The user that it names.
    """
    text = f"{' '.join(command)} "
    if not runs(image, command) or _ELSEWHERE.search(text):
        return None
    calls = [call for call in re.split(r"[;&|\n]", text) if MC.search(f"{call} ")] or [text]
    named = {flag[1] if (flag := _DIRECTORY.search(call)) else None for call in calls}
    if len(named) > 1:
        return None
    own = named.pop() or variables.get("MC_CONFIG_DIR")
    home = variables.get("HOME")
    if own is None and home is None:
        home = "/root" if is_root(user) else None
    directory = own or (f"{home}/.mc" if home else None)
    return f"{directory}/certs/CAs" if directory and directory.startswith("/") else None


@dataclass(frozen=True, slots=True)
class Urls:
    """The URLs of an object store in the command of a service.

    Attributes:
        hosts: The names of the object store.
        port: Its port.
        variables: The environment of the service, whose names a shell puts in.
        ca: The CA, in its container, for a curl that waits for the object store.
    """

    hosts: frozenset[str]
    port: int
    variables: Mapping[str, str | None]
    ca: str

    def is_address(self, value: str) -> bool:
        """Whether the value of a variable is a URL of the object store."""
        return re.fullmatch(rf"{self._literal}(?:/\S*)?", value) is not None

    def with_https(self, words: Sequence[str], texts: Sequence[str]) -> list[str] | None:
        """The texts, calling the object store by https; ``None`` where not all calls are in them.

        Args:
            words: The words as Compose hands them on.
            texts: The same as their file writes them.
        """
        said, meant = " ".join(texts), " ".join(words)
        url, count = self._url, len(self._url.findall(meant))
        if count != len(url.findall(said)):
            # Compose puts the name in: then every URL has to be one of the object store.
            url = re.compile(_PLAIN)
            if not count == len(url.findall(meant)) == len(url.findall(said)):
                return None
        waits = count > 0 and CURL.search(meant) is not None
        if waits and count != meant.count("://"):
            # With only our CA, curl would trust no other.
            return None
        found = [url.sub(lambda match: f"https{match[0][4:]}", text) for text in texts]
        return [ToolTls(self.ca).trusting(text) for text in found] if waits else found

    @property
    def _literal(self) -> str:
        either = "|".join(map(re.escape, sorted(self.hosts)))
        return rf"{_PLAIN}(?:[^\s/@'\"]*@)?(?:{either}):{self.port}(?!\d)"

    @property
    def _url(self) -> re.Pattern[str]:
        places = {*self.hosts, *(f"{host}:{self.port}" for host in self.hosts)}
        named = [name for name, value in self.variables.items() if value in places]
        either = "|".join(map(re.escape, named))
        by_name = rf"|{_PLAIN}[\"']?\$\$?\{{?(?:{either})\b" if named else ""
        return re.compile(f"{self._literal}{by_name}")

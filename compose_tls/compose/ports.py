"""Published ports of a service.

Source: https://docs.docker.com/reference/compose-file/services/#ports
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compose_tls.patterns import regex
from compose_tls.values import dataclass
from compose_tls.vocabulary import EVERY_ADDRESS, LAST_PORT, number
from compose_tls.yamlpatch.query import Found

_SHORT = regex(
    r"""(?x) (?: (?: \[ (?P<ip6> [^\]]+ ) \] | (?P<ip> [^:\[\]]* ) ) : (?=.*:) )?
    (?: (?P<published> (?:[0-9]+ (?:-[0-9]+)?)? ) : )? (?P<target> [0-9]+ (?:-[0-9]+)? )
    (?: / (?P<protocol> \w+ ) )? """
)
_RANGE = regex(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A container port on the host; ``published`` is ``None`` where the engine picks one."""

    target: int
    published: int | None
    host_ip: str | None


def ports_of(ports: Found) -> Iterator[PublishedPort]:
    """The TCP ports in a service's ``ports``."""
    for item in ports.items():
        if text := item.text():
            yield from parse_short(text)
        else:
            yield from _long_port(item.pairs())


def parse_short(entry: str) -> list[PublishedPort]:
    """The ports of a short entry; none when it is not one or not TCP."""
    match = _SHORT.fullmatch(entry.strip())
    if match is None or (match["protocol"] or "tcp").lower() != "tcp":
        return []
    targets = _range(match["target"])
    published = _range(match["published"]) if match["published"] else []
    host_ip = match["ip6"] or match["ip"] or None
    if len(published) not in {0, len(targets)}:
        # A range of host ports for one container port: the engine picks a free one of them.
        published = []
    return [
        PublishedPort(target, published[index] if published else None, host_ip)
        for index, target in enumerate(targets)
    ]


def _long_port(entry: dict[str, str]) -> Iterator[PublishedPort]:
    targets = _range(entry.get("target", ""))
    if entry.get("protocol", "tcp").lower() == "tcp" and targets:
        published = _range(entry.get("published", ""))
        port = published[0] if len(published) == 1 else None
        yield PublishedPort(targets[0], port, entry.get("host_ip"))


def _range(text: str) -> list[int]:
    found = _RANGE.fullmatch(text)
    first, last = (number(found[1]), number(found[2] or found[1])) if found else (None, None)
    if first is None or last is None or last > LAST_PORT:
        return []
    return list(range(first, last + 1))


def widest_addresses(addresses: Iterable[str | None]) -> list[str | None]:
    """Addresses of the host without those that another one includes: two cannot listen on one port.

    Args:
        addresses: As ``host_ip`` has them; ``None`` for every address.
    """
    found = list(dict.fromkeys(addresses))
    if None in found:
        return [None]

    def everywhere(address: str | None) -> str:
        return "::" if ":" in str(address) else EVERY_ADDRESS

    return [a for a in found if a == everywhere(a) or everywhere(a) not in found]

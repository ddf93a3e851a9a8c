"""Published ports of a service.

Source: https://docs.docker.com/reference/compose-file/services/#ports
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHORT = re.compile(
    r"""(?x) (?: (?: \[ (?P<ip6> [^\]]+ ) \] | (?P<ip> [^:\[\]]* ) ) : (?=.*:) )?
    (?: (?P<published> \d* (?:-\d+)? ) : )? (?P<target> \d+ (?:-\d+)? )
    (?: / (?P<protocol> \w+ ) )? """
)


@dataclass(frozen=True, slots=True)
class PublishedPort:
    """A container port on the host; ``published`` is ``None`` where the engine picks one."""

    target: int
    published: int | None
    host_ip: str | None


def parse_short(entry: str) -> list[PublishedPort]:
    """The ports of a short entry; none when it is not one or not TCP."""
    match = _SHORT.fullmatch(entry.strip())
    if match is None or match["protocol"] not in {None, "tcp"}:
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


def _range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1)) if first else []

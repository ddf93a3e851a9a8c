"""Common terms: modes, key types, profiles, encryption, reach, time, warnings."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from compose_tls.values import dataclass


class TlsMode(enum.IntEnum):
    """``common.security.tlsMode`` of Milvus.

    Source: https://milvus.io/docs/tls.md
    """

    OFF = 0
    ONE_WAY = 1
    MUTUAL = 2


KeyType: TypeAlias = Literal["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"]

Profile: TypeAlias = Literal["ca", "server", "client", "peer"]
"""What a certificate is issued as: extensions, validity and use follow from it."""

Scope: TypeAlias = Literal["proxy", "internal", "all"]
"""What is encrypted: what clients say to the proxy; what the parts of Milvus say to each other as well;
or everything that Milvus connects to."""

Encryption: TypeAlias = Literal["encrypted", "plain", "unknown"]
"""What the settings say of a connection; ``unknown`` where not all of them can be read."""

ServerPurpose: TypeAlias = Literal["metadata", "object store", "messages"]
"""What Milvus uses a server for, as the purpose of a link says it."""
METRICS: Final = "metrics and health"
"""The purpose of a port of Milvus that stays in plain text."""
COMPONENTS: Final = "components among each other"
"""The purpose of the links between the parts of a Milvus cluster."""
ETCD_MEMBERS: Final = "members of etcd among each other"
"""Likewise, of an etcd cluster."""

Action: TypeAlias = Literal["created", "patched", "removed", "unchanged"]
"""What happens to a file."""

Reach: TypeAlias = Literal["nobody", "loopback", "address", "everyone"]
"""Who reaches a port from outside the project's networks."""


_UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def duration(text: str) -> timedelta:
    """The duration that a text means, a number and a unit: 2w, 30d, 12h, 45m.

    Raises:
        ValueError: It means none.
    """
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isascii() or not number.isdecimal():
        msg = f"{text!r} is not a valid duration; use 2w, 30d or 12h"
        raise ValueError(msg)
    try:
        return timedelta(**{_UNITS[unit]: int(number)})
    except (OverflowError, ValueError):  # or more digits than Python reads
        msg = f"{text!r} is too long"
        raise ValueError(msg) from None


EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - as Docker writes it; nothing is bound here
"""Every IPv4 address of a machine."""


HOST_NAME: Final = "host.docker.internal"
"""How containers reach the host: https://docs.docker.com/desktop/features/networking/"""

GRPC_PORT: Final = 19530
METRICS_PORT: Final = 9091
DATA_DIRECTORY: Final = "/var/lib/milvus"
"""What Milvus has where nothing else is set: configs/milvus.yaml of the releases."""

LAST_PORT: Final = 65535
RENEW_BEFORE: Final = timedelta(days=30)
"""How long before its end a certificate is said to end soon, and is renewed: as with certbot
(renew_before_expiry)."""


def has_ended(not_after: datetime, now: datetime) -> bool:
    """Whether a validity is over: its last second still belongs to it.

    Source: RFC 5280, section 4.1.2.5: "the period of time from notBefore through notAfter, inclusive".
    """
    return now > not_after


@dataclass(frozen=True, slots=True)
class TlsWarning:
    """A warning: the command continues.

    Attributes:
        code: The code, a stable word with hyphens.
        message: The problem, in one sentence without a final full stop.
        path: The file concerned, relative to the project.
        hint: What the user can do next.
        line: The line in that file, counted from 1.
    """

    code: str
    message: str
    path: str | None = None
    hint: str | None = None
    line: int | None = None

    def spelled(self, spell: Callable[[str], str]) -> TlsWarning:
        """The same with its next step spelled otherwise, where it has one."""
        return replace(self, hint=spell(self.hint)) if self.hint else self


_MOST_DIGITS: Final = 10  # as many as the greatest user number of Linux has; a port has five


def number(text: str | None) -> int | None:
    """The whole number that a text of someone else spells; ``None`` for any other text.

    Python takes digits of every script, and refuses some thousand of them with an error
    (``sys.set_int_max_str_digits``): what is longer than any number that counts here is none.
    """
    if text and text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS:
        return int(text)
    return None

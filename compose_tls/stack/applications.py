"""How other services say where Milvus is: the environment variables of Attu and of whatever else.

Sources: the READMEs of Attu (MILVUS_URL, ROOT_CERT_PATH; from 3.0 on MILVUS_ADDRESS, MILVUS_SSL) and of
milvus-backup (MILVUS_TLS_MODE); Dify (MILVUS_SECURE). The rest is told by its value.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from compose_tls.stack.dependency import addresses
from compose_tls.stack.milvus.role import repository_and_tag
from compose_tls.vocabulary import Encryption

_PLACE = re.compile(r"(?:HOST|HOSTNAME|ADDR|ADDRESS|URI|URL|SERVER|ENDPOINT|ENDPOINTS)$")
_SWITCH = re.compile(r"MILVUS.*(?:SSL|TLS|SECURE)(?:_ENABLED)?$")
_MODE = "MILVUS_TLS_MODE"
_TRUST = "ROOT_CERT_PATH"
_ON = frozenset({"1", "true", "yes", "on"})
_OFF = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Connection:
    """What a service's environment says about its way to Milvus."""

    variable: str
    port: int | None
    encryption: Encryption


def connection(
    variables: Mapping[str, str | None],
    names: Collection[str],
    ports: Collection[int],
    *,
    image: str | None = None,
) -> Connection | None:
    """The way of a service to Milvus; ``None`` where no variable names Milvus.

    Args:
        variables: The environment of the service.
        names: The names under which Milvus is reached.
        ports: The ports on which it accepts clients.
        image: The image of the service: Attu speaks plain text where nothing is said.
    """
    unsaid: Encryption = "plain" if repository_and_tag(image or "")[0] == "attu" else "unknown"
    for variable, value in variables.items():
        for address in addresses(value or ""):
            named = address.host in names and address.port in {None, *ports}
            # A bare name may be the name of a volume, or of the kind of database.
            if named and (address.port or address.scheme or _PLACE.search(variable.upper())):
                found = _encryption(variables, address.scheme)
                return Connection(variable, address.port, unsaid if found == "unknown" else found)
    return None


def _encryption(variables: Mapping[str, str | None], scheme: str) -> Encryption:
    if scheme == "https" or variables.get(_TRUST):
        return "encrypted"
    for variable, value in variables.items():
        switch = (value or "").lower()
        if variable.upper() == _MODE and switch in {"0", "1", "2"}:
            return "plain" if switch == "0" else "encrypted"
        if _SWITCH.search(variable.upper()):
            if switch in _ON:
                return "encrypted"
            if switch in _OFF:
                return "plain"
    return "plain" if scheme in {"http", "tcp"} else "unknown"

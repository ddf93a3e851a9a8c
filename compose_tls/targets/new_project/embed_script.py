"""The Milvus that standalone_embed.sh starts, as a Compose project.

The script is read, not guessed: each version of it, and each user's copy, has mounts, ports and variables
of its own.
Source: scripts/standalone_embed.sh of https://github.com/milvus-io/milvus, v2.2 to v2.6
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import takewhile
from typing import Final

from compose_tls.connection import url_host
from compose_tls.patterns import regex
from compose_tls.targets.new_project.milvus_lines import RECOMMENDED
from compose_tls.targets.new_project.new_compose_file import STANDALONE
from compose_tls.targets.new_project.services import authorization
from compose_tls.values import dataclass
from compose_tls.vocabulary import number
from compose_tls.yamlpatch.build import Commented, New, build

SCRIPT: Final = "standalone_embed.sh"
CONTAINER: Final = "milvus-standalone"
DATA: Final = "volumes/milvus"

_IMAGE: Final = regex(r"\bmilvusdb/milvus(?:-gpu)?:[\w.-]+")
_HERE: Final = regex(r"\$\(pwd\)|`pwd`|\$\{PWD\}|\$PWD\b")
_WRITTEN: Final = regex(r"cat *<<-? *['\"]?(\w+)['\"]? *> *(\S+)$")
_ENDS: Final = regex(r"\d*[<>]|&&|\|\||[;|&]$")
_FLAGS: Final = frozenset({"-d", "--detach", "-it", "-i", "-t", "--interactive", "--tty"})
_LONG: Final = {
    "-e": "--env",
    "-v": "--volume",
    "-p": "--publish",
    "-u": "--user",
    "-h": "--hostname",
}
_MANY: Final = {
    "--env": "environment",
    "--volume": "volumes",
    "--publish": "ports",
    "--security-opt": "security_opt",
}
_ONE: Final = {
    "--name": "container_name",
    "--restart": "restart",
    "--user": "user",
    "--hostname": "hostname",
    "--memory": "mem_limit",
    "--cpus": "cpus",
    "--shm-size": "shm_size",
}
_HEALTH: Final = ("cmd", "interval", "start-period", "timeout", "retries")


@dataclass(frozen=True, slots=True)
class Run:
    """One ``docker run`` of Milvus.

    Attributes:
        image: The image.
        command: What it runs.
        one: The fields of the service that have one value.
        many: Those that are lists, by their names in a compose file.
        health: The health check, by the options of ``docker run``.
    """

    image: str
    command: tuple[str, ...]
    one: Mapping[str, str]
    many: Mapping[str, tuple[str, ...]]
    health: Mapping[str, str]

    @property
    def container(self) -> str | None:
        """The name of the container."""
        return self.one.get("container_name")

    @property
    def mounted(self) -> tuple[str, ...]:
        """The paths next to the script that it mounts, relative to it."""
        sources = (each.partition(":")[0] for each in self.many.get("volumes", ()))
        return tuple(source.removeprefix("./") for source in sources if source.startswith("./"))


_OF_VENDOR: Final = Run(
    image=f"milvusdb/milvus:{RECOMMENDED.newest}",
    command=("milvus", "run", "standalone"),
    one={"container_name": CONTAINER},
    many={
        "security_opt": ("seccomp:unconfined",),
        "environment": (
            "ETCD_USE_EMBED=true",
            "ETCD_DATA_DIR=/var/lib/milvus/etcd",
            "ETCD_CONFIG_PATH=/milvus/configs/embedEtcd.yaml",
            "COMMON_STORAGETYPE=local",
            "DEPLOY_MODE=STANDALONE",
        ),
        "volumes": (
            f"./{DATA}:/var/lib/milvus",
            "./embedEtcd.yaml:/milvus/configs/embedEtcd.yaml",
            "./user.yaml:/milvus/configs/user.yaml",
        ),
        "ports": ("19530:19530", "9091:9091", "2379:2379"),
    },
    health={
        "cmd": "curl -f http://localhost:9091/healthz",
        "interval": "30s",
        "start-period": "90s",
        "timeout": "20s",
        "retries": "3",
    },
)


def vendor_run(tag: str) -> Run:
    """What the vendor's script runs, of that release."""
    return replace(_OF_VENDOR, image=f"milvusdb/milvus:{tag}")


def read_script(script: bytes) -> Run | None:
    """What a script runs; ``None`` where it has no ``docker run`` at all.

    Raises:
        ValueError: It holds no single ``docker run`` of Milvus that is understood whole.
    """
    text = _HERE.sub(".", _text(script)).replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.search(r"^[^#]*\bdocker\s+run\s", line)]
    if not lines:
        return None
    if len(lines) > 1:
        msg = f"it has {len(lines)} commands docker run"
        raise ValueError(msg)
    words = shlex.split(lines[0])
    found = _run(words[words.index("run") + 1 :])
    if not any(each.partition(":")[2] for each in found.many.get("volumes", ())):
        msg = "its docker run mounts no data"
        raise ValueError(msg)
    return found


def likely_run(script: bytes) -> Run:
    """What a script runs; of one that is not understood, what the vendor's does with its image."""
    with suppress(ValueError):
        found = read_script(script)
        if found is not None:
            return found
    named = _IMAGE.search(_text(script))
    return replace(_OF_VENDOR, image=named[0] if named else _OF_VENDOR.image)


def written_files(script: bytes) -> dict[str, bytes]:
    """The files that a script writes before it starts Milvus, by their names."""
    found, lines = {}, iter(_text(script).split("\n"))
    for line in lines:
        if match := _WRITTEN.search(line):
            content = takewhile(match[1].__ne__, lines)
            found[match[2]] = "".join(f"{one}\n" for one in content).encode()
    return found


def compose_file_of(run: Run, *, auth: bool = False, address: str | None = None) -> bytes:
    """The compose file that starts the same container on the same data.

    Args:
        run: What the script runs.
        auth: Whether Milvus is to ask for a user and a password, which the script's need not.
        address: The address of this machine for every port; ``None`` for what the script says.
    """
    service: dict[str, New] = {**run.one, "image": run.image, "command": list(run.command)}
    for name, values in run.many.items():
        if name == "environment":
            pairs = (value.partition("=") for value in values)
            service[name] = {key: value if sign else None for key, sign, value in pairs}
        elif name == "ports" and address is not None:
            service[name] = [_published(value, address) for value in values]
        else:
            service[name] = list(values)
    if auth:
        there = service.get("environment", {})
        assert isinstance(there, dict)  # noqa: S101 - made above
        service["environment"] = {**there, **authorization(auth=True)}
    if run.health:
        service["healthcheck"] = dict(_health(run.health))
    heading = f"The Milvus of {SCRIPT}, with the same data, made by compose-tls init.\n"
    return build({"services": {STANDALONE: Commented(service)}}, heading)


def _text(script: bytes) -> str:
    """A script as bash wants it, wherever it was saved."""
    return script.decode("utf-8", "replace").replace("\r\n", "\n")


def _run(words: Sequence[str]) -> Run:
    one: dict[str, str] = {}
    many: dict[str, list[str]] = {}
    health: dict[str, str] = {}
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option, sign, value = rest.pop(0).partition("=")
        option = _LONG.get(option, option)
        if option in _FLAGS:
            continue
        name = option.removeprefix("--health-")
        if option not in _ONE and option not in _MANY and name not in _HEALTH:
            msg = f"its docker run has {option}, which init does not understand"
            raise ValueError(msg)
        if not sign:
            value = rest.pop(0) if rest else ""
        if option in _ONE:
            one[_ONE[option]] = value
        elif option in _MANY:
            many.setdefault(_MANY[option], []).append(value)
        else:
            health[name] = value
    until = next((at for at, word in enumerate(rest) if _ENDS.match(word)), len(rest))
    image, *command = rest[:until] or [""]
    everything = (*rest[:until], *one.values(), *(v for values in many.values() for v in values))
    unknown = next((word for word in everything if re.search(r"[$`]", word)), None)
    if unknown is not None or not image:
        msg = f"its docker run takes {unknown} from elsewhere" if unknown else "it names no image"
        raise ValueError(msg)
    return Run(image, tuple(command), one, {n: tuple(v) for n, v in many.items()}, health)


def _health(options: Mapping[str, str]) -> Iterator[tuple[str, New]]:
    for name, value in options.items():
        if name == "cmd":
            # docker run gives it to a shell; where it has no need of one, there is none.
            plain = not re.search(r"[|&;<>()$`\\\"'*?~]", value)
            yield "test", ["CMD", *value.split()] if plain else ["CMD-SHELL", value]
        elif name == "retries" and (count := number(value)) is not None:
            yield name, count
        else:
            yield name.replace("-", "_"), value


def _published(port: str, address: str) -> str:
    """A published port, on that address of this machine."""
    return f"{url_host(address)}:{':'.join(port.rsplit(':', 2)[-2:])}"

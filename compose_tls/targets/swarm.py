"""A stack file for Docker Swarm that takes the place of the mounted TLS directories.

Given to ``docker stack deploy`` after the compose files of the project. Configs and secrets cannot be
changed, only replaced: their names tell their content, so that a deployment with a new certificate is a
rolling update: https://docs.docker.com/engine/swarm/secrets/#example-rotate-a-secret
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from compose_tls.errors import InvalidSetting
from compose_tls.layout import holds_key
from compose_tls.setup import Directory, TlsSetup
from compose_tls.targets.release import Release
from compose_tls.values import dataclass
from compose_tls.yamlpatch.build import Commented, New, build
from compose_tls.yamlpatch.intent import Text

_HEADING = """\
TLS for the stack {name}, after the compose files of the project:
  {command}
Certificates are configs, private keys are secrets. Neither can be changed, so their names follow their
content: deploy again after a renewal, and the tasks get the new ones one after the other."""
# Octal for the CLI of Docker, which reads YAML 1.1.
_READ_ONLY: Final = Text("0444")
_OWNER_ONLY: Final = Text("0400")
# validateConfigOrSecretAnnotations in manager/controlapi/common.go of https://github.com/moby/swarmkit
LONGEST: Final = 64
"""What Swarm lets the name of a config or secret have."""


@dataclass(frozen=True, slots=True)
class Material:
    """A file of an identity.

    Attributes:
        path: Where it lies, as the stack file names it.
        version: Tells its content; of a key, the one of its certificate.
    """

    path: str
    version: str


def stack(
    setup: TlsSetup,
    release: Release,
    materials: Mapping[str, Material],
    owners: Mapping[str, int | None],
    command: str,
    *,
    version: str | None = None,
    taken: Collection[str] = (),
) -> bytes:
    """The stack file; keys are named in it, not held.

    Args:
        setup: What is wanted.
        release: The stack.
        materials: The files, by their name in the PKI directory.
        owners: The number of the user that runs each service; ``None`` where only the image knows.
        command: What deploys it.
        version: What the compose files say under ``version``, which the CLI wants to be one.
        taken: The configs and secrets of the compose files, which one of the same name would replace.

    Raises:
        InvalidSetting: Swarm would not take a name.
    """
    held: dict[str, Material] = {}
    directories: dict[str, list[Directory]] = {}
    orders: dict[str, str] = {}
    for member in setup.members:
        if member.directory is not None and member.directory.files:
            release.swarm_service(member.name)
            held |= {file: materials[file] for _, file in member.directory.files}
            directories.setdefault(member.name, []).append(member.directory)
        # A standalone server, like etcd, has its data to itself.
        if member.kind != "application":
            shared = release.cluster and member.kind == "milvus"
            orders[member.name] = "start-first" if shared else "stop-first"
    sources = {file: _source(file, taken) for file in held}
    services = {
        name: _service(seen, sources, owners.get(name), orders.get(name))
        for name, seen in directories.items()
    }
    found: dict[str, New] = {"version": version} if version else {}
    found["services"] = services
    for section, keys in (("configs", False), ("secrets", True)):
        found[section] = Commented(
            {
                sources[file]: {"name": _name(sources[file], one, release), "file": one.path}
                for file, one in held.items()
                if holds_key(file) is keys
            },
            apart=True,
        )
    return build(found, _HEADING.format(name=release.name, command=command))


def _service(
    directories: Sequence[Directory],
    sources: Mapping[str, str],
    owner: int | None,
    order: str | None,
) -> New:
    """The part of one service; an application is updated as its owner has it."""
    certificates: list[New] = []
    keys: list[New] = []
    for target, there, file in ((one.target, *pair) for one in directories for pair in one.files):
        place: dict[str, New] = {"source": sources[file], "target": f"{target}/{there}"}
        if not holds_key(file):
            certificates.append({**place, "mode": _READ_ONLY})
        elif owner is None:
            keys.append({**place, "mode": Commented(_READ_ONLY, "the user of the image")})
        else:
            user = str(owner)
            keys.append({**place, "uid": user, "gid": user, "mode": _OWNER_ONLY})
    mounted = ", ".join(one.source for one in directories)
    found: dict[str, New] = {
        "volumes": Commented(
            [{"type": "tmpfs", "target": one.target} for one in directories],
            f"Instead of {mounted}, which other nodes do not have.",
        ),
        "configs": certificates,
        "secrets": keys,
    }
    if order is not None:
        found["deploy"] = {
            "update_config": {
                "parallelism": 1,
                "order": order,
                "failure_action": "rollback",
                "monitor": "60s",
            },
        }
    return found


def _name(source: str, material: Material, release: Release) -> str:
    """The name of a config or secret."""
    end = f"_{source}_{material.version}"
    longest = LONGEST - len(end)
    if len(release.name) > longest:
        raise InvalidSetting(
            f"{release.name!r} is too long: {release.name}{end} would be the name of a config or secret, "
            f"which Swarm lets have {LONGEST} characters",
            hint=f"use at most {longest} characters: --name milvus"
            if longest > 0
            else "give that service a shorter name",
        )
    return f"{release.name}{end}"


def _source(file: str, taken: Collection[str]) -> str:
    """What a file is called in the stack file."""
    name = file.translate(str.maketrans("./", "__"))
    while name in taken:
        name += "_tls"
    return name

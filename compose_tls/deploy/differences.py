"""The differences between a deployed container and the files, each by name, not by a hash."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

from compose_tls.deploy.compose_output import SECRET_NAME
from compose_tls.deploy.container import one_line
from compose_tls.deploy.declared import Declared, MountPoint
from compose_tls.deploy.deployed import Deployed, paths_of
from compose_tls.patterns import regex
from compose_tls.values import dataclass

Subject = Literal[
    "project name",
    "project directory",
    "compose files",
    "env files",
    "image",
    "user",
    "environment",
    "mount",
    "port",
    "network",
    "replicas",
]

# Compose copies them out of the user's Docker configuration into every container:
# https://docs.docker.com/engine/cli/proxy/
_PROXY: Final = regex(r"(?:https?|ftp|no|all)_proxy", re.IGNORECASE)
_IN_A_URL: Final = regex(r"(?<=://)[^/@\s]*@")
# What COMMON_SECURITY_AUTHORIZATIONENABLED is set to has to be seen.
_NO_SECRET: Final = frozenset({"true", "false", "on", "off", "yes", "no", "1", "0", ""})
_LONGEST: Final = 100
_SHORT_ID: Final = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing in which a container and its declaration differ.

    Attributes:
        subject: What kind of thing it is.
        name: Which: the variable, or the path of a mount; empty where there is only one.
        deployed: What the container has; ``None`` for nothing.
        declared: What the files say; ``None`` for nothing.
    """

    subject: Subject
    name: str
    deployed: str | None
    declared: str | None

    @property
    def of_origin(self) -> bool:
        """Whether it is from where the container was made, not what it is."""
        return self.subject in {"project name", "project directory", "compose files", "env files"}

    @property
    def of_moved_tag(self) -> bool:
        """Whether its image had the name that is declared, and another one has it now."""
        return self.subject == "image" and bool(self.name)

    def __str__(self) -> str:
        if self.subject == "replicas":
            return f"replicas: {self.deployed} deployed, {self.declared} in the files"
        what = f"{self.subject} {one_line(self.name)}".rstrip()
        has = (
            "not in the container"
            if self.deployed is None
            else f"{one_line(self.deployed)} in the container"
        )
        says = "not in the files" if self.declared is None else f"{self.declared} in the files"
        return f"{what}: {has}, {says}"


def differences(deployed: Deployed, declared: Declared) -> tuple[Difference, ...]:
    """Compare a container with its declaration.

    What Compose and the engine add by themselves is not a difference: the image's variables, user and
    volumes, names of networks and volumes, proxy variables, ports that the engine picks. Values of
    variables with a secret's name are in no text.

    Args:
        deployed: The container.
        declared: The service; only symbolic links in its paths are looked up on the disk.
    """
    return (
        *_origin(deployed, declared),
        *_image(deployed, declared),
        *_user(deployed, declared),
        *_environment(deployed, declared),
        *_mounts(deployed, declared),
        *_sets("port", deployed.ports, declared.ports),
        *_sets("network", deployed.networks, declared.networks),
        *_replicas(deployed, declared),
    )


def _replicas(deployed: Deployed, declared: Declared) -> Iterator[Difference]:
    """Those that Compose would remove: they were asked for with ``--scale``. Missing ones it adds."""
    if deployed.replicas > declared.replicas:
        yield Difference("replicas", "", str(deployed.replicas), str(declared.replicas))


def _origin(deployed: Deployed, declared: Declared) -> Iterator[Difference]:
    if deployed.project != declared.project:
        yield Difference("project name", "", deployed.project, declared.project)
    directory = str(declared.directory)
    if deployed.directory and _real(deployed.directory) != _real(directory):
        yield Difference("project directory", "", deployed.directory, directory)
    files = ",".join(map(str, declared.files))
    if deployed.files and not _same_files(deployed.files, files, deployed.directory):
        yield Difference("compose files", "", deployed.files, files)
    # An `up` that finds nothing to do writes no label, so that its absence says nothing.
    env_files = ",".join(str(declared.directory / file) for file in declared.env_files)
    if deployed.env_files and not _same_files(deployed.env_files, env_files, deployed.directory):
        yield Difference("env files", "", deployed.env_files, env_files or None)


def _same_files(deployed: str, declared: str, directory: str) -> bool:
    return deployed == declared or paths_of(deployed, directory) == paths_of(declared, directory)


def _real(path: str) -> str:
    return os.path.realpath(path)


def _image(deployed: Deployed, declared: Declared) -> Iterator[Difference]:
    name = deployed.container.image
    # Created by id, it has no name that could be compared.
    if declared.image and not name.startswith("sha256:") and _full(name) != _full(declared.image):
        yield Difference("image", "", name, declared.image)
    elif deployed.tag_id and deployed.tag_id != deployed.image_id:
        now, then = (
            each.removeprefix("sha256:")[:_SHORT_ID]
            for each in (deployed.tag_id, deployed.image_id)
        )
        yield Difference("image", name, then, now)


def _full(name: str) -> str:
    """An image's name without what may be left out, and with the tag that is meant without one."""
    name = name.removeprefix("docker.io/").removeprefix("library/")
    return name if ":" in name.rpartition("/")[2] or "@" in name else f"{name}:latest"


def _user(deployed: Deployed, declared: Declared) -> Iterator[Difference]:
    of_image = deployed.image.user if deployed.image else deployed.container.user
    expected = declared.user or of_image
    if deployed.container.user != expected:
        yield Difference("user", "", deployed.container.user or "root", expected or "root")


def _environment(deployed: Deployed, declared: Declared) -> Iterator[Difference]:
    of_image = deployed.image.environment if deployed.image else {}
    has = _set({**of_image, **deployed.environment})
    expected = _set({**of_image, **declared.environment})
    for name in sorted(has.keys() | expected.keys()):
        value, wanted = has.get(name), expected.get(name)
        if value == wanted or (value and wanted and value == wanted.replace("$$", "$")):
            continue
        # Without its image, the container's own values cannot be distinguished.
        if wanted is None and (deployed.image is None or _PROXY.fullmatch(name)):
            continue
        yield Difference("environment", name, *_shown(name, value, wanted))


def _set(environment: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if value is not None}


def _shown(name: str, value: str | None, wanted: str | None) -> tuple[str | None, str | None]:
    has, says = _text(name, value), _text(name, wanted)
    return has, "another value" if has == says else says


def _text(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    if SECRET_NAME.search(name) and value.lower() not in _NO_SECRET:
        return "a value"
    text = _IN_A_URL.sub("***@", value)
    return f'"{text[:_LONGEST]}…"' if len(text) > _LONGEST else f'"{text}"'


def _mounts(deployed: Deployed, declared: Declared) -> Iterator[Difference]:
    has = {mount.target: mount for mount in deployed.mounts}
    expected = {mount.target: mount for mount in declared.mounts}
    for target in sorted(has.keys() | expected.keys()):
        mount, wanted = has.get(target), expected.get(target)
        if _same_mount(mount, wanted):
            continue
        if wanted is None and mount is not None and _by_itself(mount, deployed, declared):
            continue
        shown = (None if each is None else str(each) for each in (mount, wanted))
        yield Difference("mount", target, *shown)


def _same_mount(mount: MountPoint | None, wanted: MountPoint | None) -> bool:
    if mount is None or wanted is None or mount.kind != wanted.kind:
        return False
    if mount.kind == "tmpfs":
        return True
    if mount.read_only != wanted.read_only:
        return False
    source = wanted.source.replace("$$", "$")
    return mount.source in {wanted.source, source} or (
        mount.kind == "bind" and _real(mount.source) in {_real(wanted.source), _real(source)}
    )


def _by_itself(mount: MountPoint, deployed: Deployed, declared: Declared) -> bool:
    """Whether a container has a mount that no entry of ``volumes`` asks for."""
    anonymous = mount.kind == "volume" and not mount.source
    of_image = deployed.image is None or mount.target in deployed.image.volumes
    return declared.borrows_mounts or (anonymous and of_image)


def _sets(
    subject: Literal["port", "network"], has: frozenset[str], expected: frozenset[str]
) -> Iterator[Difference]:
    for name in sorted(has - expected):
        yield Difference(subject, "", name, None)
    for name in sorted(expected - has):
        yield Difference(subject, "", None, name)

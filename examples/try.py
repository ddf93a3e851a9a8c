"""What ``make try`` shows: TLS put into a scratch project, the proof on a real Milvus, and the undo.

It needs nothing but Python: it makes its environment (.venv) where there is none. With a Docker engine
that has the images, or can pull them, the project is deployed with Docker Compose, under names and on
ports of its own. Otherwise the real Milvus server of the PyPI wheel runs with the project's certificates.
Where neither can run, everything is shown but the proof.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
VENV: Final = ROOT / ".venv"
PYTHON: Final = VENV / "bin" / "python"
COMPOSE_TLS: Final = VENV / "bin" / "compose-tls"
PROJECT: Final = ROOT / "build" / "try"
FILES: Final = ("docker-compose.yml", "milvus.yaml")
# One name a clone: whoever tries two of them at once disturbs neither.
NAME: Final = f"compose-tls-try-{hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:6]}"

# What the environment, the wheel and its unpacked server take (each measured, then rounded up).
_MEGABYTES_NEEDED = 900
_ANSWER_SECONDS = 30.0
_INTERRUPTED = 130


class Stopped(Exception):
    """It cannot go on: why, and what to do."""

    def __init__(self, why: str, next_step: str) -> None:
        super().__init__(why)
        self.next_step = next_step


def main() -> int:
    """Run the session.

    Returns:
        0, or 1 where something that was tried failed.
    """
    say("This needs Python 3.11 or newer with venv; the first time, a network for pip and 0.9 GB.")
    say("It writes only to .venv and build/. With Docker it starts containers and volumes named")
    say(f"{NAME}…, and removes them at the end.")
    set_up()
    before = scratch_project()
    session("enable", "--mode", "2", "--dry-run", why="what would change, without writing anything")
    proved = on_docker(before) if docker_can_deploy() else without_docker(before)
    say(
        "",
        f"compose-tls is here: {relative(COMPOSE_TLS)}",
        "For a project of yours, a look without a change:",
    )
    say(f"  {COMPOSE_TLS} -C YOUR-PROJECT enable --mode 1 --dry-run")
    if not proved:
        say(
            "",
            "TLS was put in and taken out; it was not proved on a running Milvus, as said above.",
        )
    return 0


def set_up() -> None:
    """Make the environment, where there is none that works."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs this may have an older one
        raise Stopped(
            f"this is Python {platform.python_version()}, and compose-tls needs 3.11 or newer",
            "make try PYTHON=python3.12",
        )
    if works("import compose_tls, click, cryptography, grpc, pydantic, pymilvus, yaml"):
        return
    free = shutil.disk_usage(ROOT).free // 10**6
    if free < _MEGABYTES_NEEDED:
        raise Stopped(
            f"{free} MB of disk are free, and {_MEGABYTES_NEEDED} are needed",
            "make room, then make try",
        )
    if not works("import pip"):
        if find_spec("ensurepip") is None:
            raise Stopped(
                "this Python has no venv",
                "install it (Debian, Ubuntu: apt-get install python3-venv), then make try",
            )
        say("", "Making .venv …")
        broken = VENV.exists() and not works("pass")
        made = subprocess.run(
            [sys.executable, "-m", "venv", *(["--clear"] if broken else []), str(VENV)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if made.returncode:
            why = (made.stdout.strip().splitlines() or ["no reason given"])[-1]
            raise Stopped(f".venv could not be made: {why[:200]}", "correct that, then make try")
    install("compose-tls and what it needs", f"{ROOT}[milvus]")


def install(what: str, requirement: str) -> None:
    """Install into the environment, and tell how far it is."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--editable", requirement]
    say("", f"Installing {what} with pip, about a minute …")
    began, last = time.monotonic(), ""
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        for line in pip.stdout or ():
            last = line.strip() or last
            done = re.match(
                r"Downloading \S*?([^/\s]+\.whl) (\(.*\))|Installing collected packages", last
            )
            if done:
                step = f"{done[1]} {done[2]}" if done[1] else "unpacking"
                say(f"  {time.monotonic() - began:3.0f} s  {step}")
    if pip.returncode:
        raise Stopped(
            f"pip could not install it: {last[:200]}",
            "see that pip reaches a package index (pip download click), then make try",
        )


def works(statement: str) -> bool:
    """Whether the environment's Python runs a statement."""
    return PYTHON.exists() and quiet(str(PYTHON), "-c", statement, cwd=ROOT) is not None


def scratch_project() -> dict[str, bytes]:
    """Copy the sample project, under names and on ports that no other Milvus uses.

    Returns:
        Its files and their content.
    """
    if PROJECT.exists():
        shutil.rmtree(PROJECT)
    PROJECT.mkdir(parents=True)
    text = (ROOT / "fixtures" / FILES[0]).read_text(encoding="utf-8")
    text = text.replace("version: '3.5'\n", f"name: {NAME}\n")
    text = text.replace("container_name: milvus-", f"container_name: {NAME}-")
    text = text.replace("    name: milvus\n", f"    name: {NAME}\n")
    for service in ("etcd", "minio", "milvus"):
        text = text.replace(f"${{DOCKER_VOLUME_DIRECTORY:-.}}/volumes/{service}:", f"{service}:")
    text += "\nvolumes:\n  etcd:\n  minio:\n  milvus:\n"
    numbers = (9000, 9001, 9091, 19530)
    for number, port in zip(numbers, free_ports(len(numbers)), strict=True):
        text = text.replace(f'"{number}:{number}"', f'"127.0.0.1:{port}:{number}"')
    (PROJECT / FILES[0]).write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "fixtures" / FILES[1], PROJECT / FILES[1])
    say("", f"A scratch project in {relative(PROJECT)}: {', '.join(FILES)}")
    return {name: (PROJECT / name).read_bytes() for name in FILES}


def free_ports(count: int) -> list[int]:
    """Ports of this machine where nothing listens now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def docker_can_deploy() -> bool:
    """Whether there is an engine, Compose, and a way to the images; says which is not."""
    if quiet("docker", "info") is None:
        say("", "No Docker engine answers here.")
        return False
    images = quiet("docker", "compose", "config", "--images")
    if images is None:
        say("", "Docker is here, Docker Compose is not.")
        return False
    missing = [i for i in images.split() if quiet("docker", "image", "inspect", i) is None]
    for image in missing:
        if quiet("docker", "manifest", "inspect", image) is None:
            say("", f"Docker is here; the image {image} is not, and no registry answers for it.")
            return False
    if missing:
        say("", f"To be pulled first (about 1 GB, once): {', '.join(missing)}")
    return True


def on_docker(before: dict[str, bytes]) -> bool:
    """Deploy with Compose, prove it, undo it, and remove everything."""
    down = ("docker", "compose", "down", "--volumes", "--timeout", "5")
    quiet(*down, seconds=120)  # what a try that was killed has left
    try:
        session(
            "enable", "--mode", "2", "--up", why="deploys it with Docker Compose, and proves it"
        )
        shown_and_undone(before)
    finally:
        say("", "Removing the containers, the network and the volumes …")
        if quiet(*down, seconds=120) is None:
            say(f"  not removed; by hand: docker compose -p {NAME} down --volumes")
    return True


def without_docker(before: dict[str, bytes]) -> bool:
    """Put TLS in, prove it on the server of the PyPI wheel where that runs, and undo it."""
    session("enable", "--mode", "2", why="writes certificates and settings, all or nothing")
    proved = False
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        say(
            "",
            "Without Docker, Milvus runs only on Linux on x86-64: no proof on this machine.",
        )
    else:
        proved = on_the_wheel()
    shown_and_undone(before)
    return proved


def on_the_wheel() -> bool:
    """Prove it on the embedded Milvus."""
    say(
        "",
        "So the real Milvus 2.3.5 of the PyPI wheel runs with these certificates instead of a container.",
    )
    if not works("import milvus"):
        try:
            install("the wheel milvus (60 MB; 260 MB unpacked)", f"{ROOT}[embedded]")
        except Stopped as stopped:
            say(f"  {stopped}", "  No proof without it.")
            return False
    say("Starting it: some 10 s, and 5 s more the first time, when it is unpacked …")
    environment = dict(os.environ)
    if not (Path.home() / ".cache" / "compose-tls").is_dir():
        environment["XDG_CACHE_HOME"] = str(ROOT / "build" / "cache")
    done = subprocess.run(
        [PYTHON, __file__, "--embedded"], cwd=PROJECT, env=environment, check=False
    )
    if done.returncode < 0 or done.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    if done.returncode:
        raise Stopped("the embedded Milvus gave no proof", "see the lines above; make try again")
    return True


def embedded() -> int:
    """In the environment's Python: start the wheel's Milvus with the project, and check it."""
    from compose_tls import ComposeTlsError  # noqa: PLC0415 - not there before the set-up
    from compose_tls.testing import embedded_server  # noqa: PLC0415 - as above

    began = time.monotonic()
    try:
        with embedded_server(PROJECT) as server:
            say(f"Milvus is ready after {time.monotonic() - began:.0f} s, on port {server.port}.")
            address = ("--host", server.host, "--port", str(server.port))
            session("check", *address, why="the proof, each on a fresh connection")
    except ComposeTlsError as error:
        say(f"  {error.message}", f"  next: {error.hint}")
        return 1
    return 0


def shown_and_undone(before: dict[str, bytes]) -> None:
    """What clients need, what is encrypted, and the way back, which is compared."""
    session("connect", why="what a client needs, ready to paste")
    # Without a container it rightly exits with 7: what runs is not what the files say.
    session("status", why="what is encrypted, and what stays plain", must=False)
    session("disable", "--purge", why="undoes everything, and removes the certificates")
    changed = [name for name in FILES if (PROJECT / name).read_bytes() != before[name]]
    left = [name for name in ("cert", "tls") if (PROJECT / name).exists()]
    if changed or left:
        raise Stopped(f"not as before: {', '.join(changed + left)}", "please report this as a bug")
    say(
        "", f"Compared: {' and '.join(FILES)} are byte for byte as before; cert/ and tls/ are gone."
    )


def session(*arguments: str, why: str, must: bool = True) -> None:
    """Run compose-tls in the project, as a person would."""
    say("", f"# {why}", f"$ compose-tls {' '.join(arguments)}")
    code = subprocess.run([COMPOSE_TLS, *arguments], cwd=PROJECT, check=False).returncode
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    if code and must:
        raise Stopped(
            f"compose-tls {arguments[0]} ended with exit code {code}", "see its lines above"
        )


def quiet(*command: str, cwd: Path = PROJECT, seconds: float = _ANSWER_SECONDS) -> str | None:
    """What a command prints, or ``None`` when it fails."""
    try:
        done = subprocess.run(
            command, cwd=cwd, capture_output=True, text=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def relative(path: Path) -> str:
    """A path as it is seen from the clone."""
    return str(path.relative_to(ROOT))


def say(*lines: str) -> None:
    """Print lines at once, before a command prints its own."""
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    failed = 1
    try:
        failed = embedded() if sys.argv[1:] == ["--embedded"] else main()
    except Stopped as stopped:
        say("", f"make try: {stopped}", f"  next: {stopped.next_step}")
    except OSError as error:
        say(
            "",
            f"make try: {error}",
            f"  next: make it possible, then make try; {relative(PROJECT)} may go",
        )
    except KeyboardInterrupt:
        with suppress(OSError):
            say("", "make try: interrupted")
        failed = _INTERRUPTED
    sys.exit(failed)

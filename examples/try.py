"""What ``make try`` shows: a scratch project, TLS put into it, and the proof on a real Milvus.

With a Docker engine that has (or can pull) the images, the project is deployed with Docker Compose.
Else the real Milvus server of the PyPI wheel runs with the project's certificates and mode. Where
neither can run, it ends after the rehearsal.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "build" / "try"
COMPOSE_TLS = Path(sys.executable).with_name("compose-tls")
IMAGE_TIMEOUT = 30


def main() -> int:
    """Run the session; the exit code is that of the first command that fails."""
    if PROJECT.exists():
        shutil.rmtree(PROJECT)
    PROJECT.mkdir(parents=True)
    for name in ("docker-compose.yml", "milvus.yaml"):
        shutil.copy(ROOT / "fixtures" / name, PROJECT / name)
    print(f"A scratch project in {PROJECT.relative_to(ROOT)}: docker-compose.yml, milvus.yaml\n")
    code = session("enable", "--mode", "2", "--dry-run") or session("enable", "--mode", "2")
    if code:
        return code
    if docker_can_deploy():
        return deploy()
    if sys.platform == "linux" and platform.machine() == "x86_64":
        return embedded()
    print(
        "\nNo Docker engine here, and no embedded Milvus for this platform: rehearsed, not proved."
    )
    return 0


def session(*arguments: str) -> int:
    """Run compose-tls in the project, as a person would."""
    print(f"\n$ compose-tls {' '.join(arguments)}", flush=True)
    return subprocess.run([COMPOSE_TLS, *arguments], cwd=PROJECT, check=False).returncode


def docker_can_deploy() -> bool:
    """Whether there is an engine, Compose, and a way to the images."""
    compose = quiet("docker", "compose", "config", "--images")
    if quiet("docker", "info") is None or compose is None:
        return False
    for image in compose.split():
        if all(quiet("docker", kind, "inspect", image) is None for kind in ("image", "manifest")):
            print(f"\nDocker is here, but {image} is neither here nor to be had.")
            return False
    return True


def quiet(*command: str) -> str | None:
    """What a command prints, or ``None`` when it fails."""
    try:
        done = subprocess.run(
            command, cwd=PROJECT, capture_output=True, text=True, timeout=IMAGE_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def deploy() -> int:
    """Deploy with Compose, prove it, and take it down again."""
    try:
        return session("enable", "--mode", "2", "--up") or session("connect")
    finally:
        print("\n$ docker compose down", flush=True)
        subprocess.run(["docker", "compose", "down"], cwd=PROJECT, check=False)


def embedded() -> int:
    """Prove it on the server of the PyPI wheel."""
    print("\nNo Docker deployment here: the embedded Milvus 2.3.5 shows it instead.", flush=True)
    try:
        import milvus  # noqa: F401, PLC0415 - only asked for, installed when it is missing
    except ImportError:
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--editable",
            f"{ROOT}[embedded]",
        ]
        if subprocess.run(install, check=False).returncode:
            print("\nThe embedded Milvus cannot be installed: rehearsed, not proved.")
            return 0
    from compose_tls.testing.embedded import embedded_server  # noqa: PLC0415 - needs the extra

    with embedded_server(PROJECT) as server:
        print(f"Milvus is ready on port {server.port}.")
        return session("check", "--host", server.host, "--port", str(server.port))


if __name__ == "__main__":
    sys.exit(main())

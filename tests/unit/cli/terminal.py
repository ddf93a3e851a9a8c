"""A command on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import threading

from tests.patience import SOON


def environment(**more: str) -> dict[str, str]:
    kept = {n: v for n, v in os.environ.items() if n not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}}
    fixed = {
        "TERM": "xterm-256color",
        "PYTHONUTF8": "1",
        "DOCKER_HOST": "unix:///no-engine/docker.sock",
    }
    return {**kept, **fixed, **more}


def on_terminal(*arguments: str, columns: int = 80, **variables: str) -> str:
    """What a command writes on a terminal that is so wide."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "compose_tls", *arguments]
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env=environment(**variables)
    )
    os.close(follower)
    seen: list[bytes] = []

    def read() -> None:
        while True:
            try:
                got = os.read(leader, 65536)
            except OSError:
                return
            if not got:
                return
            seen.append(got)

    reader = threading.Thread(target=read)
    reader.start()
    process.wait(SOON)
    reader.join(SOON)
    os.close(leader)
    return b"".join(seen).decode().replace("\r\n", "\n")

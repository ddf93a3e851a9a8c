"""pymilvus in a process of its own: it pools connections, and a check has to make its own."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from compose_tls.checks.check_target import Target
from compose_tls.sdk.pymilvus import connect_arguments

_UPGRADE: Final = "pip install --upgrade 'compose-tls[milvus]'"


class ClientProcess:
    """A script that is given one request on standard input, and answers with a line of JSON.

    It starts at once, so that its slow imports cost no waiting, and has to be closed.

    Args:
        script: The name of a module of this room; it is run by path.
        patience: Seconds that the process may take to clean up when it is ended early.
    """

    def __init__(self, script: str, patience: float = 0) -> None:
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None
        if importlib.util.find_spec("pymilvus") is not None:
            self._process = subprocess.Popen(
                # -P, and a directory of nobody's: no module is found for lying near by.
                [sys.executable, "-P", Path(__file__).with_name(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # gRPC's core is chatty there; what failed is found out without it.
                stderr=subprocess.DEVNULL,
                cwd="/",
                text=True,
                # Ctrl-C is for this process alone, which ends the other in its own way.
                start_new_session=True,
            )

    def close(self) -> None:
        """End the process, if it has not ended yet."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if self._patience:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=self._patience)
                return
        process.kill()
        process.communicate()

    @property
    def installed(self) -> bool:
        """Whether there is a pymilvus to run."""
        return self._process is not None

    def ask(self, request: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Give the request, and wait for the answer.

        Args:
            request: What the script takes.
            timeout: Seconds to wait at most.

        Returns:
            What the script printed; ``broken`` and ``hint`` where pymilvus itself does not work.

        Raises:
            TimeoutError: There was no answer in time.
        """
        if self._process is None:
            return {"broken": "pymilvus is not installed", "hint": _UPGRADE}
        try:
            out, _ = self._process.communicate(json.dumps(request), timeout)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        try:
            found: dict[str, Any] = json.loads(out.splitlines()[-1])
        except (IndexError, ValueError):
            broken = f"pymilvus ended with code {self._process.returncode}"
            return {"broken": broken, "hint": _UPGRADE}
        if "missing" in found:
            return {
                "broken": f"pymilvus cannot be imported: {found['missing']}",
                "hint": _UPGRADE,
            }
        return found


def client_arguments(target: Target) -> dict[str, Any]:
    """The keyword arguments of ``MilvusClient`` for a target, with its credentials."""
    arguments = connect_arguments(
        mode=target.mode,
        uri=target.uri,
        server_name=target.server_name,
        ca_pem=_absolute(target.ca_path),
        client_pem=_absolute(target.client_certificate_path),
        client_key=_absolute(target.client_key_path),
    )
    if target.credential is not None:
        arguments["token"] = target.credential
    return arguments


def _absolute(path: Path | None) -> str:
    return str(path.absolute()) if path else ""

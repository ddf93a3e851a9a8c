"""The proof that the very client code which ``connect`` prints works."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from compose_tls.checks.explain import SILENT, explain
from compose_tls.checks.outcome import Outcome, failed
from compose_tls.checks.readiness import Readiness, readiness
from compose_tls.checks.target import Target
from compose_tls.clients.pymilvus import connect_arguments

_EXPECTED: Final = "pymilvus connects and lists collections"
_SCRIPT: Final = Path(__file__).with_name("pymilvus_client.py")
_UPGRADE: Final = "pip install --upgrade 'compose-tls[milvus]'"


class PymilvusProbe:
    """Starts at once in a process of its own, so that its slow imports cost no waiting.

    A context manager: whatever happens inside it, no process is left behind.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._process: subprocess.Popen[str] | None = None
        if importlib.util.find_spec("pymilvus") is not None:
            self._process = subprocess.Popen(
                # -P, and a directory of nobody's: no module is found for lying near by.
                [sys.executable, "-P", _SCRIPT],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # gRPC's core is chatty there; what failed is found out without it.
                stderr=subprocess.DEVNULL,
                cwd="/",
                text=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._process.communicate()

    def outcome(self, ready: Outcome, timeout: float) -> Outcome:
        """Wait for its answer.

        Args:
            ready: What was found without pymilvus; where that failed, pymilvus is not asked.
            timeout: Seconds to wait at most.
        """
        if self._process is None:
            observed = "pymilvus is not installed: pip install 'compose-tls[milvus]'"
            return Outcome(True, _EXPECTED, observed, skipped=True)
        if not ready.ok:
            return Outcome(False, _EXPECTED, f"could not be tried: {ready.observed}", ready.hint)
        try:
            out, _ = self._process.communicate(json.dumps(_arguments(self._target)), timeout)
        except subprocess.TimeoutExpired:
            return failed(_EXPECTED, SILENT)
        try:
            found = json.loads(out.splitlines()[-1])
        except (IndexError, ValueError):
            observed = f"pymilvus ended with code {self._process.returncode}"
            return Outcome(False, _EXPECTED, observed, _UPGRADE)
        return self._judged(found, timeout)

    def _judged(self, found: dict[str, Any], timeout: float) -> Outcome:
        if "missing" in found:
            observed = f"pymilvus cannot be imported: {found['missing']}"
            return Outcome(False, _EXPECTED, observed, _UPGRADE)
        if "error" in found:
            # pymilvus has one sentence for everything that can go wrong with a connection.
            return _cause(found["error"], readiness(self._target, timeout), self._target)
        observed = f"Milvus {found['version']}, collections: {found['collections']}"
        if "proxy" in found:
            observed += (
                f"; only without the proxy in {found['proxy']}:"
                f" clients need no_proxy={self._target.host}"
            )
        return Outcome(True, _EXPECTED, observed)


def _cause(error: str, now: Readiness, target: Target) -> Outcome:
    if now.state == "credentials" and target.credential is None:
        observed = f"TLS works; {now.detail}: {now.next_step}"
        return Outcome(True, _EXPECTED, observed, skipped=True)
    if now.state == "ready" and ":" in target.host:
        # It drops the brackets of RFC 3986 on the way to gRPC (seen in 2.6.17 and 3.0.2).
        observed = f"TLS works; pymilvus cannot connect to the IPv6 address {target.host}"
        return Outcome(False, _EXPECTED, observed, "use a host name: --host NAME")
    if now.state == "ready":
        return failed(_EXPECTED, explain(error))
    return Outcome(False, _EXPECTED, now.detail, now.next_step)


def _arguments(target: Target) -> dict[str, Any]:
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

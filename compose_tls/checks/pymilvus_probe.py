"""The proof that the very client code which ``connect`` prints works."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import Any

from compose_tls.checks.explain import explain
from compose_tls.checks.outcome import Outcome
from compose_tls.checks.target import Target
from compose_tls.clients.pymilvus import connect_arguments

_EXPECTED = "pymilvus connects and lists collections"


class PymilvusProbe:
    """Starts at once in a process of its own, so that its slow imports cost no waiting."""

    def __init__(self, target: Target) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._input = json.dumps(_arguments(target))
        if importlib.util.find_spec("pymilvus") is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "compose_tls.checks.pymilvus_client"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

    def outcome(self, timeout: float) -> Outcome:
        """Wait for its answer, at most ``timeout`` seconds."""
        if self._process is None:
            observed = "pymilvus is not installed: pip install 'compose-tls[milvus]'"
            return Outcome(True, _EXPECTED, observed, skipped=True)
        try:
            out, err = self._process.communicate(self._input, timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            return Outcome(
                False, _EXPECTED, f"no answer in {timeout:g} s", "see docker compose logs"
            )
        if self._process.returncode:
            return self._failure(err)
        version, collections = json.loads(out)
        return Outcome(True, _EXPECTED, f"Milvus {version}, collections: {collections}")

    def _failure(self, err: str) -> Outcome:
        lines = [line.strip() for line in err.splitlines() if line.strip()]
        last = lines[-1] if lines else "it failed without a word"
        if "auth" in last.lower() and "missing" in last.lower():
            observed = "TLS works; Milvus asks for credentials"
            return Outcome(True, _EXPECTED, observed, skipped=True)
        found = explain(last)
        return Outcome(False, _EXPECTED, found.meaning[:300], found.next_step)


def _arguments(target: Target) -> dict[str, Any]:
    arguments = connect_arguments(
        mode=target.mode,
        uri=f"https://{target.authority}",
        server_name=target.server_name,
        ca_pem=str(target.ca_path),
        client_pem=str(target.client_certificate_path),
        client_key=str(target.client_key_path),
    )
    if target.credential is not None:
        arguments["token"] = target.credential
    return arguments

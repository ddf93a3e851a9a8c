"""The proof that the very client code which ``connect`` prints works."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from compose_tls.checks.check_target import Target
from compose_tls.checks.client_process import ClientProcess, client_arguments
from compose_tls.checks.explain import NOT_SETTLED, SILENT, explain
from compose_tls.checks.outcome import Outcome, failed
from compose_tls.checks.readiness import readiness

# What is kept of the time of a deep check for dropping its collection, in seconds, and how much longer
# the process may then take to say so.
_DROPPING: Final = 5.0
_ENDING: Final = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """What a client does.

    Attributes:
        expected: What has to be seen.
        script: The module that does it.
        told: What its answer means.
        collection: The throw-away collection, for a task that makes one.
    """

    expected: str
    script: str
    told: Callable[[dict[str, Any], Target], str]
    collection: str | None = None

    def request(self, target: Target, timeout: float) -> dict[str, Any]:
        """What the script is given."""
        arguments = client_arguments(target)
        if self.collection is None:
            return arguments
        reserve = min(_DROPPING, timeout / 2)
        return {
            "arguments": arguments,
            "collection": self.collection,
            "seconds": timeout - reserve,
            "reserve": reserve,
        }


def listing() -> Task:
    """Connect, and list collections."""
    return Task("pymilvus connects and lists collections", "pymilvus_client.py", _listed)


def deep() -> Task:
    """Create, fill, search and drop a collection whose name no one else has."""
    return Task(
        "pymilvus creates, fills, searches and drops a collection",
        "deep_client.py",
        _searched,
        f"compose_tls_check_{secrets.token_hex(8)}",
    )


@dataclass(slots=True)
class PymilvusProbe:
    """Starts at once in a process of its own, so that its slow imports cost no waiting.

    It has to be closed.
    """

    target: Target
    task: Task = field(default_factory=listing)
    process: ClientProcess = field(init=False, repr=False)

    def __post_init__(self) -> None:
        patience = _DROPPING if self.task.collection else 0
        self.process = ClientProcess(self.task.script, patience)

    def close(self) -> None:
        """Leave no process behind."""
        self.process.close()

    def outcome(self, ready: Outcome, timeout: float) -> Outcome:
        """Wait for its answer.

        Args:
            ready: What was found without pymilvus; where that failed, pymilvus is not asked.
            timeout: Seconds to wait at most.
        """
        expected = self.task.expected
        if not self.process.installed:
            observed = "pymilvus is not installed: pip install 'compose-tls[milvus]'"
            return Outcome(True, expected, observed, skipped=True)
        if not ready.ok:
            return Outcome(False, expected, f"could not be tried: {ready.observed}", ready.hint)
        grace = _ENDING if self.task.collection else 0
        try:
            found = self.process.ask(self.task.request(self.target, timeout), timeout + grace)
        except TimeoutError:
            return self._left(failed(expected, SILENT), {"left": self.task.collection})
        if "broken" in found:
            return Outcome(False, expected, found["broken"], found["hint"])
        if "error" in found:
            # pymilvus has one sentence for everything that can go wrong with a connection.
            return self._left(self._cause(found, timeout), found)
        return Outcome(True, expected, self.task.told(found, self.target))

    def _cause(self, found: dict[str, Any], timeout: float) -> Outcome:
        expected, target = self.task.expected, self.target
        now = readiness(target, timeout)
        if now.state == "credentials" and target.credential is None:
            observed = f"TLS works; {now.detail}: {now.next_step}"
            return Outcome(True, expected, observed, skipped=True)
        if now.state == "ready" and ":" in target.host:
            # It drops the brackets of RFC 3986 on the way to gRPC (seen in 2.6.17 and 3.0.2).
            observed = f"TLS works; pymilvus cannot connect to the IPv6 address {target.host}"
            return Outcome(False, expected, observed, "use a host name: --host NAME")
        if now.state == "ready":
            cause = explain(target.redacted(found["error"]))
            if self.task.collection and cause == SILENT:
                # The readiness of a moment ago shows that the server as such does answer.
                cause = NOT_SETTLED
            step = f"{found['step']}: " if "step" in found else ""
            return Outcome(False, expected, f"{step}{cause.meaning}", cause.next_step)
        return Outcome(False, expected, now.detail, now.next_step)

    def _left(self, outcome: Outcome, found: dict[str, Any]) -> Outcome:
        """The same, naming what could not be cleared away."""
        if not found.get("left") or outcome.ok:
            return outcome
        hint = f"{outcome.hint}; and drop the collection {found['left']}, should it be there"
        return Outcome(False, outcome.expected, outcome.observed, hint)


def _listed(found: dict[str, Any], target: Target) -> str:
    told = f"Milvus {found['version']}, collections: {found['collections']}"
    if "proxy" in found:
        told += f"; only without the proxy in {found['proxy']}: clients need no_proxy={target.host}"
    return told


def _searched(found: dict[str, Any], _: Target) -> str:
    return f"created, filled with {found['inserted']} vectors, searched and dropped"

"""Runs the client code that ``connect`` prints.

pymilvus pools connections, and a check has to make its own: so it runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from compose_tls.checks.check_target import Target
from compose_tls.checks.explain import NOT_SETTLED, SILENT, explain
from compose_tls.checks.outcome import Outcome, failed, untried
from compose_tls.checks.readiness import readiness
from compose_tls.pki.handshake import readable
from compose_tls.sdk.pymilvus import connect_arguments
from compose_tls.values import dataclass

_UPGRADE: Final = "pip install --upgrade 'compose-tls[milvus]'"

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

    def request(self, target: Target, timeout: float, places: Mapping[Path, str]) -> dict[str, Any]:
        """What the script is given; ``places`` says where it finds the files."""
        arguments = client_arguments(target, places)
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
    """Starts immediately in a separate process, so that its slow imports run in parallel.

    It has to be closed.
    """

    target: Target
    task: Task = field(default_factory=listing)
    process: ClientProcess = field(init=False, repr=False)
    files: ClientFileCopies = field(init=False, repr=False)

    def __post_init__(self) -> None:
        patience = _DROPPING if self.task.collection else 0
        self.files = ClientFileCopies(self.target.pem)
        self.process = ClientProcess(self.task.script, patience, self.files.descriptors)

    def meets(self, target: Target) -> bool:
        """Whether it can ask that server: it shows the files that it was started with."""
        if target.pem != self.target.pem:
            return False
        self.target = target
        return True

    def close(self) -> None:
        """Leave no process behind, and no file."""
        self.process.close()
        self.files.close()

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
        if ready.unreachable:
            return Outcome(True, expected, f"not tried: {ready.observed}", skipped=True)
        if not ready.ok:
            return untried(expected, ready.observed, ready.hint)
        grace = _ENDING if self.task.collection else 0
        try:
            found = self.process.ask(
                self.task.request(self.target, timeout, self.files.places), timeout + grace
            )
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
        drop = f"; and drop the collection {found['left']} if it exists"
        hint = (outcome.hint or "") + drop
        return Outcome(False, outcome.expected, outcome.observed, hint)


def _listed(found: dict[str, Any], target: Target) -> str:
    told = f"Milvus {found['version']}, collections: {found['collections']}"
    if "proxy" in found:
        told += f"; only without the proxy in {found['proxy']}: clients need no_proxy={target.host}"
    return told


def _searched(found: dict[str, Any], _: Target) -> str:
    return f"created, filled with {found['inserted']} vectors, searched and dropped"


class ClientFileCopies:
    """What the files of a client held, by path, for a process that takes only paths.

    pymilvus opens what it is given, follows any link and waits for any pipe: so it is given none of the
    files themselves. The copies are in memory where the system has files there, else in a directory of
    this user's; they have to be closed.

    Args:
        contents: What the files held, by their path.
    """

    def __init__(self, contents: Mapping[Path, bytes]) -> None:
        self._stack = contextlib.ExitStack()
        self.places: dict[Path, str] = {}
        self.descriptors: tuple[int, ...] = ()
        if hasattr(os, "memfd_create"):
            for path, content in contents.items():
                place = self._stack.enter_context(readable(content))
                self.places[path] = place
                self.descriptors += (int(place.rpartition("/")[2]),)
            return
        directory = Path(self._stack.enter_context(TemporaryDirectory()))
        for number, (path, content) in enumerate(contents.items()):
            copy = directory / str(number)
            copy.touch(mode=0o600)
            copy.write_bytes(content)
            self.places[path] = str(copy)

    def close(self) -> None:
        """Leave nothing of them behind."""
        self._stack.close()


class ClientProcess:
    """A script that is given one request on standard input, and answers with a line of JSON.

    It starts at once, so that its slow imports cost no waiting, and has to be closed.

    Args:
        script: The name of a module of this package; it is run by path.
        patience: Seconds that the process may take to clean up when it is ended early.
        descriptors: What it inherits.
    """

    def __init__(self, script: str, patience: float = 0, descriptors: tuple[int, ...] = ()) -> None:
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None
        if importlib.util.find_spec("pymilvus") is not None:
            self._process = subprocess.Popen(
                # -P, and an empty directory: no module is found by its location.
                [sys.executable, "-P", Path(__file__).with_name(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # gRPC's core is chatty there; what failed is found out without it.
                stderr=subprocess.DEVNULL,
                cwd="/",
                text=True,
                pass_fds=descriptors,
                # Ctrl-C reaches only this process, which ends the other one.
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


def client_arguments(target: Target, places: Mapping[Path, str]) -> dict[str, Any]:
    """The keyword arguments of ``MilvusClient`` for a target, with its credentials.

    Args:
        target: The server, and the files of a client.
        places: Where those files are found, by their path.
    """

    def place(path: Path | None) -> str:
        return places.get(path, str(path.absolute())) if path else ""

    arguments = connect_arguments(
        mode=target.mode,
        uri=target.uri,
        server_name=target.server_name,
        ca_pem=place(target.ca_path),
        client_pem=place(target.client_certificate_path),
        client_key=place(target.client_key_path),
    )
    if target.credential is not None:
        arguments["token"] = target.credential
    return arguments

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pytest

from compose_tls.deploy.container import ContainerFacts
from compose_tls.deploy.wait import INTERVAL, wait_until_ready
from compose_tls.errors import ContainerExited, NotReady
from tests.unit.containers import RUNNING

EXITED = replace(RUNNING, status="exited", exit_code=134)
MISSING_FILE = "panic: open /milvus/tls/server.pem: no such file or directory"
NO_ETCD = (
    '{"level":"warn","target":"etcd-endpoints://0xc0/etcd:2379","attempt":0,"error":"Error while'
    ' dialing: no such host"}'
)


@dataclass(frozen=True)
class Answer:
    ready: bool
    detail: str = ""


@dataclass
class Scene:
    """A world in which time passes only by sleeping, and in which things happen at given seconds."""

    containers: dict[float, ContainerFacts | None]
    answers: dict[float, Answer] = field(default_factory=lambda: {0: Answer(ready=False)})
    logs: dict[float, list[str]] = field(default_factory=lambda: {0: []})
    now: float = 1000.0
    started: float = 1000.0
    events: list[str] = field(default_factory=list)
    probed: int = 0

    def wait(self, timeout: float = 120) -> Answer:
        return wait_until_ready(
            self._probe,
            lambda: self._at(self.containers),
            self._log,
            service="standalone",
            timeout=timeout,
            on_event=self.events.append,
            clock=lambda: self.now,
            sleep=self._sleep,
        )

    @property
    def elapsed(self) -> float:
        return self.now - self.started

    def _at(self, happening: dict[float, ContainerFacts | None]) -> ContainerFacts | None:
        return happening[max(second for second in happening if second <= self.elapsed)]

    def _probe(self) -> Answer:
        self.probed += 1
        return self.answers[max(second for second in self.answers if second <= self.elapsed)]

    def _log(self) -> Sequence[str]:
        return self.logs[max(second for second in self.logs if second <= self.elapsed)]

    def _sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def test_the_answer_that_says_ready_is_returned_at_once() -> None:
    scene = Scene({0: RUNNING}, answers={0: Answer(ready=True, detail="2.3.5")})

    assert scene.wait() == Answer(ready=True, detail="2.3.5")
    assert scene.elapsed == 0
    assert scene.events == []


def test_readiness_is_known_within_half_a_second() -> None:
    scene = Scene({0: RUNNING}, answers={0: Answer(ready=False), 7.9: Answer(ready=True)})

    scene.wait()

    assert 7.9 <= scene.elapsed <= 8.4
    assert INTERVAL < 0.5


def test_progress_is_told_only_when_what_is_waited_for_changes() -> None:
    scene = Scene(
        {0: None, 1: replace(RUNNING, status="created"), 2: RUNNING},
        answers={
            0: Answer(ready=False, detail="port 19530 is not open yet"),
            5: Answer(ready=False, detail="the proxy is not ready yet"),
            9: Answer(ready=True),
        },
    )

    scene.wait()

    assert scene.events == [
        "waiting for standalone: there is no container yet",
        "waiting for standalone: container is created",
        "waiting for standalone: port 19530 is not open yet",
        "waiting for standalone: the proxy is not ready yet",
    ]


def test_milvus_is_asked_only_while_its_container_runs() -> None:
    scene = Scene({0: None, 3: RUNNING}, answers={0: Answer(ready=True)})

    scene.wait()

    assert scene.probed == 1


def test_what_holds_it_up_is_told_while_the_log_says_so() -> None:
    not_ready = Answer(ready=False, detail="the proxy is not ready yet")
    scene = Scene(
        {0: RUNNING},
        answers={0: not_ready, 20: Answer(ready=True)},
        logs={0: [NO_ETCD], 5: [NO_ETCD, "[INFO] fine"]},
    )

    scene.wait()

    assert scene.events == [
        "waiting for standalone: the proxy is not ready yet",
        "waiting for standalone: the proxy is not ready yet (Milvus cannot reach etcd at etcd:2379)",
        "waiting for standalone: the proxy is not ready yet",
    ]


def test_it_ends_at_once_when_the_container_exits() -> None:
    scene = Scene({0: RUNNING, 2: EXITED}, logs={0: [MISSING_FILE]})

    with pytest.raises(ContainerExited) as caught:
        scene.wait()

    assert scene.elapsed < 2.5
    assert caught.value.message == (
        "standalone exited with code 134: Milvus is configured to read /milvus/tls/server.pem,"
        f" which is not in the container; its log says: {MISSING_FILE}"
    )
    assert "mount the directory" in caught.value.hint


def test_an_exit_with_code_0_is_an_exit() -> None:
    scene = Scene(
        {0: replace(EXITED, exit_code=0)},
        logs={0: ['[WARN] [roles/roles.go:1] ["Failed to wait for all components ready"]']},
    )

    with pytest.raises(ContainerExited, match="exited with code 0: one of its components"):
        scene.wait()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ["panic: the sky fell"],
            "exited with code 134: the last error in its log: panic: the sky fell",
        ),
        (["usage: milvus run", ""], "exited with code 134; its log ends with: usage: milvus run"),
        ([], "exited with code 134; its log says nothing"),
    ],
)
def test_an_exit_for_no_known_reason_quotes_what_there_is(lines: list[str], said: str) -> None:
    scene = Scene({0: EXITED}, logs={0: lines})

    with pytest.raises(ContainerExited) as caught:
        scene.wait()

    assert caught.value.message == f"standalone {said}"
    assert caught.value.hint == "read its whole log: docker compose logs standalone"


def test_a_container_killed_for_memory_is_said_to_be() -> None:
    scene = Scene({0: replace(EXITED, oom_killed=True, exit_code=137)})

    with pytest.raises(ContainerExited, match=r"memory ran out \(exit code 137\)") as caught:
        scene.wait()

    assert "mem_limit" in caught.value.hint


def test_memory_that_the_engine_tells_of_after_the_end_is_said() -> None:
    killed = replace(EXITED, exit_code=137)
    scene = Scene({0: killed, 1: replace(killed, oom_killed=True)})

    with pytest.raises(ContainerExited, match=r"memory ran out \(exit code 137\)"):
        scene.wait()


def test_a_container_killed_for_a_reason_that_nobody_tells() -> None:
    scene = Scene({0: replace(EXITED, exit_code=137)}, logs={0: ["lock pid file"]})

    with pytest.raises(ContainerExited, match=r"was killed \(exit code 137\)") as caught:
        scene.wait()

    assert "if memory ran out" in caught.value.hint
    assert "docker compose logs standalone" in caught.value.hint
    assert scene.now - scene.started < 5


def test_a_container_that_the_engine_cannot_start_quotes_the_engine() -> None:
    error = (
        'error mounting "/srv/m.yaml" to rootfs at "/milvus/configs/milvus.yaml": not a directory'
    )
    scene = Scene({0: replace(RUNNING, status="created", exit_code=127, error=error)})

    with pytest.raises(ContainerExited) as caught:
        scene.wait()

    assert caught.value.message.startswith(
        "standalone could not be started: /milvus/configs/milvus.yaml is a file in the image"
    )
    assert "; the engine says: error mounting" in caught.value.message
    assert "remove /srv/m.yaml" in caught.value.hint


def test_a_container_that_vanishes_is_not_waited_for() -> None:
    scene = Scene({0: RUNNING, 1: None})

    with pytest.raises(ContainerExited, match="was removed while it was waited for"):
        scene.wait()

    assert scene.elapsed < 1.5


@pytest.mark.parametrize("status", ["running", "restarting"])
def test_a_crash_that_repeats_itself_ends_it_at_the_first_restart(status: str) -> None:
    crashed = replace(RUNNING, status=status, restart_count=1)
    scene = Scene({0: RUNNING, 1: crashed}, logs={0: [MISSING_FILE]})

    with pytest.raises(ContainerExited, match="exits at start and keeps restarting: Milvus is"):
        scene.wait()

    assert scene.elapsed < 1.5


def test_a_line_that_repeats_keeps_counting() -> None:
    lines: dict[float, list[str]] = {
        second: [f"[INFO] {n}" if n % 5 else f"{n} {NO_ETCD}" for n in range(int(second) + 1)]
        for second in (float(number) for number in range(60))
    }
    scene = Scene({0: RUNNING}, logs=lines)

    with pytest.raises(NotReady, match=r"\(Milvus cannot reach etcd"):
        scene.wait(timeout=40)

    assert len(scene.events) == 2


def test_a_restart_while_etcd_is_still_starting_is_waited_out() -> None:
    scene = Scene(
        {0: RUNNING, 1: replace(RUNNING, status="restarting", restart_count=1), 3: RUNNING},
        answers={0: Answer(ready=False), 6: Answer(ready=True)},
        logs={0: [NO_ETCD]},
    )

    assert scene.wait().ready


def test_an_unexplained_crash_ends_it_at_the_third_restart() -> None:
    restarts: dict[float, ContainerFacts | None] = {
        float(second): replace(RUNNING, restart_count=second) for second in range(10)
    }
    scene = Scene(restarts, logs={0: ["panic: the sky fell"]})

    with pytest.raises(ContainerExited, match="the sky fell"):
        scene.wait()

    assert 3 <= scene.elapsed < 3.5


@pytest.mark.parametrize(
    ("logs", "message", "hint"),
    [
        (
            {0: ["[INFO] fine"]},
            "standalone is not ready after 20 s: port 19530 is not open yet",
            "wait longer with --timeout",
        ),
        (
            {0: ["panic: the sky fell"]},
            (
                "standalone is not ready after 20 s: port 19530 is not open yet; the last error in its"
                " log: panic: the sky fell"
            ),
            "wait longer with --timeout",
        ),
        (
            {0: [MISSING_FILE]},
            "standalone is not ready after 20 s: port 19530 is not open yet; Milvus is configured to read"
            " /milvus/tls/server.pem, which is not in the container; its log says: " + MISSING_FILE,
            "mount the directory",
        ),
        (
            {0: ["[INFO]"], 15: ["[INFO]", NO_ETCD]},
            "standalone is not ready after 20 s: port 19530 is not open yet (Milvus cannot reach etcd at"
            " etcd:2379); its log says: " + NO_ETCD,
            "check whether the etcd service runs",
        ),
        (
            # What the whole log says of etcd was true once.
            {0: [NO_ETCD], 3: [NO_ETCD, *(f"[INFO] {n}" for n in range(9))]},
            "standalone is not ready after 20 s: port 19530 is not open yet",
            "wait longer with --timeout",
        ),
    ],
)
def test_when_the_time_is_up_the_log_is_quoted(
    logs: dict[float, list[str]], message: str, hint: str
) -> None:
    scene = Scene(
        {0: RUNNING},
        answers={0: Answer(ready=False, detail="port 19530 is not open yet")},
        logs=logs,
    )

    with pytest.raises(NotReady) as caught:
        scene.wait(timeout=20)

    assert caught.value.message == message
    assert hint in caught.value.hint
    assert scene.elapsed == pytest.approx(20)


def test_a_service_without_any_container_is_given_up_when_the_time_is_up() -> None:
    scene = Scene({0: None})

    with pytest.raises(NotReady, match="there is no container yet"):
        scene.wait(timeout=3)


def test_nobody_has_to_listen() -> None:
    scene = Scene({0: RUNNING}, answers={0: Answer(ready=False), 1: Answer(ready=True)})
    probe: Callable[[], Answer] = scene._probe

    answer = wait_until_ready(
        probe,
        lambda: RUNNING,
        scene._log,
        service="standalone",
        timeout=5,
        clock=lambda: scene.now,
        sleep=scene._sleep,
    )

    assert answer.ready

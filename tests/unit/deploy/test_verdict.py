"""What is said of a container beside its files. With real ones: tests/e2e/test_status.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compose_tls.deploy.deployed import Deployed, from_answers
from compose_tls.deploy.verdict import Verdict, verdict
from tests.unit.deploy.recorded import DIRECTORY, IMAGE, inspected, wanted

Answer = dict[str, Any]
STARTED = datetime(2026, 11, 26, 12, 30, 0, tzinfo=UTC)
LABEL = "com.docker.compose."


def seen(change: Callable[[Answer], object] = lambda _: None) -> Deployed:
    answer = inspected()
    answer["State"] |= {"Status": "running", "StartedAt": STARTED.isoformat()}
    answer["State"]["Health"] = {"Status": "healthy", "Log": []}
    change(answer)
    return from_answers(answer, image=IMAGE, tag=IMAGE, changes=[])


def labelled(**labels: str) -> Deployed:
    def change(answer: Answer) -> None:
        answer["Config"]["Labels"] |= {
            f"{LABEL}{name.replace('__', '.')}": value for name, value in labels.items()
        }

    return seen(change)


def said(found: Deployed | None, **changed: datetime) -> tuple[str, tuple[str, ...]]:
    result: Verdict = verdict(found, wanted(), changed)
    return result.agreement, result.reasons


def test_a_container_that_is_what_the_files_say_is_current() -> None:
    assert said(seen(), before=STARTED) == ("current", ())


def test_what_was_never_started_is_absent() -> None:
    assert said(None) == ("absent", ("it has no container",))


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"Status": "created"}, "was created and never started"),
        ({"Status": "exited", "ExitCode": 137}, "has stopped (exit code 137)"),
        ({"Status": "restarting", "ExitCode": 1}, "keeps restarting (exit code 1)"),
        ({"Status": "paused"}, "is paused"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["Status"],
)
def test_what_does_not_run_is_absent(state: Answer, reason: str) -> None:
    found = seen(lambda answer: answer["State"].update(state))
    agreement, [text] = said(found)
    assert agreement == "absent"
    assert text == f"container {found.container.name} {reason}"


def test_what_has_another_environment_is_stale() -> None:
    def change(answer: Answer) -> None:
        answer["Config"]["Env"].append("COMMON_SECURITY_TLSMODE=1")

    agreement, [text] = said(seen(change))
    assert agreement == "stale"
    assert text == 'environment COMMON_SECURITY_TLSMODE: "1" in the container, not in the files'


def test_what_was_started_before_its_files_were_changed_is_stale() -> None:
    after = STARTED.replace(second=1)
    agreement, [text] = said(seen(), milvus=after, older=STARTED)
    assert agreement == "stale"
    assert text == (
        "milvus was changed at 2026-11-26 12:30:01 UTC, after the start at 2026-11-26 12:30:00 UTC"
    )


@pytest.mark.parametrize(
    "labels", [{"project": "rag"}, {"project__working_dir": "/elsewhere"}], ids=str
)
def test_what_was_made_from_elsewhere_is_foreign(labels: dict[str, str]) -> None:
    assert said(labelled(**labels))[0] == "foreign"


def test_a_further_file_that_is_there_is_foreign_and_one_that_is_gone_is_stale(
    tmp_path: Path,
) -> None:
    overlay = tmp_path / "prod.yml"
    files = ",".join(map(str, (*wanted().files, overlay)))
    assert said(labelled(project__config_files=files))[0] == "stale"
    overlay.touch()
    assert said(labelled(project__config_files=files))[0] == "foreign"


def test_a_container_that_is_older_than_an_override_file_is_stale() -> None:
    first = wanted().files[0]
    result = verdict(
        labelled(project__config_files=str(first)),
        wanted(files=(first, DIRECTORY / "docker-compose.override.yml")),
        {},
    )
    assert result.agreement == "stale"
    assert "docker-compose.override.yml in the files" in result.reasons[0]


def test_an_unhealthy_one_is_told_with_the_last_line_of_its_health_check() -> None:
    def change(answer: Answer) -> None:
        answer["State"]["Health"] = {
            "Status": "unhealthy",
            "Log": [{"ExitCode": 22, "Output": "curl: (22) error: 404\n"}],
        }

    assert said(seen(change)) == ("current", ("unhealthy: curl: (22) error: 404",))


class TestReplicas:
    """Of several containers of one service each is looked at."""

    @staticmethod
    def three(change: Callable[[Answer], object] = lambda _: None) -> Deployed:
        def named(number: int, change: Callable[[Answer], object] = lambda _: None) -> Deployed:
            return seen(lambda answer: (answer.update(Name=f"/milvus-{number}"), change(answer)))

        return replace(named(1), siblings=(named(2), named(3, change)))

    @staticmethod
    def said(found: Deployed, replicas: int = 3) -> Verdict:
        return verdict(found, replace(wanted(), replicas=replicas), {})

    def test_three_that_are_what_the_files_say(self) -> None:
        found = self.said(self.three())

        assert (found.agreement, found.reasons, found.health) == ("current", (), "healthy")

    def test_one_unhealthy_of_three_is_named(self) -> None:
        log = [{"ExitCode": 1, "Output": "curl: (22) 404"}]
        unhealthy = {"Status": "unhealthy", "Log": log}

        found = self.said(self.three(lambda answer: answer["State"].update(Health=unhealthy)))

        assert found.agreement == "current"
        assert found.reasons == ("container milvus-3: unhealthy: curl: (22) 404",)
        assert found.health == "unhealthy"

    def test_one_that_runs_other_settings_makes_it_stale(self) -> None:
        found = self.said(self.three(lambda answer: answer["Config"]["Env"].append("TLS=1")))

        assert found.agreement == "stale"
        assert found.reasons == (
            'container milvus-3: environment TLS: "1" in the container, not in the files',
        )
        assert found.container is not None
        assert found.container.name == "milvus-3"

    def test_one_that_has_stopped_is_not_running(self) -> None:
        found = self.said(self.three(lambda answer: answer["State"].update(Status="exited")))

        assert found.agreement == "absent"
        assert found.reasons == ("container milvus-3 has stopped (exit code 0)",)

    def test_one_that_is_missing_is_counted(self) -> None:
        found = self.said(self.three(), replicas=4)

        assert (found.agreement, found.reasons) == ("absent", ("1 of 4 replicas are not there",))

    def test_more_than_the_files_ask_for_would_be_removed(self) -> None:
        found = self.said(self.three(), replicas=1)

        assert (found.agreement, found.reasons) == (
            "stale",
            ("container milvus-1: replicas: 3 deployed, 1 in the files",),
        )

    def test_what_was_left_over_by_a_recreation_is_not_counted(self) -> None:
        found = self.three(lambda answer: answer["State"].update(Status="exited"))

        assert self.said(found, replicas=2).agreement == "current"

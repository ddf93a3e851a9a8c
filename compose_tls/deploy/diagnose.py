"""Why Milvus died or does not become ready: the line of its log, with its meaning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from compose_tls.deploy.failures import FAILURES
from compose_tls.patterns import regex
from compose_tls.values import dataclass

# A reason that can pass by itself counts only while it is among the last things logged.
_RECENT = 60

# Long enough for what Milvus says of etcd: where it is, and why it cannot be reached.
_LONGEST_QUOTE = 300
_BEFORE = 20


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a log says.

    Attributes:
        line: The line that says so: without colours, time and stack, and not longer than fits a message.
        meaning: The same in plain words; for a line that is in no table, what kind of line it is.
        next_step: What the user can do.
        transient: Whether it can pass by itself, as when something that Milvus needs is still starting.
        known: Whether the line is in the table of failures.
    """

    line: str
    meaning: str
    next_step: str
    transient: bool = False
    known: bool = True


def reason(log: Iterable[str]) -> Diagnosis | None:
    """Find the reason in the last lines of a log, or in the error with which the engine refused.

    The table's order decides between several lines that match, since one failure often brings others
    about; of one kind, the last line is quoted. Without a match it is the last line that reports a
    panic, a fatal error or an error; ``None`` when there is no such line either.
    """
    lines = _without_stacks(log)
    for failure in FAILURES:
        candidates = lines[-_RECENT:] if failure.transient else lines
        for line in reversed(candidates):
            if match := failure.pattern.search(line):
                found = {name: text or "" for name, text in match.groupdict().items()}
                return Diagnosis(
                    line=_quote(line, match.start()),
                    meaning=failure.meaning.format(**found),
                    next_step=failure.next_step.format(**found),
                    transient=failure.transient,
                )
    return _last_alarm(lines)


def _last_alarm(lines: Sequence[str]) -> Diagnosis | None:
    for alarm in (_FATAL, _ERROR):
        for line in reversed(lines):
            if alarm.search(line):
                return Diagnosis(
                    line=_quote(line, 0),
                    meaning="the last error in its log",
                    next_step="look the line up in https://github.com/milvus-io/milvus/issues",
                    known=False,
                )
    return None


_FATAL = regex(r"^panic: |^fatal error: |\[(?:FATAL|PANIC)\b|\"level\":\"(?:fatal|panic)\"")
_ERROR = regex(r"\[ERROR\]|\"level\":\"error\"")

_COLOUR = regex(r"\x1b\[[0-9;]*[A-Za-z]")
_STACK_FIELD = regex(r" \[(?:stack|errorVerbose)=.*")
_TIME = regex(r"^\[\d{4}/\d\d/\d\d [^\]]*\] ")

# Go prints the stacks of all goroutines after a panic, until the process ends.
_GOROUTINE = regex(r"^goroutine \d+ .*\[")
_LOG_AGAIN = regex(r'^(?:\[\d{4}/\d\d/\d\d |\{"level":|panic: |fatal error: |\[FATAL )')


def _without_stacks(log: Iterable[str]) -> list[str]:
    lines = []
    inside_stacks = False
    for raw in log:
        line = _STACK_FIELD.sub("", _COLOUR.sub("", raw)).strip()
        inside_stacks = (inside_stacks or bool(_GOROUTINE.match(line))) and not _LOG_AGAIN.match(
            line
        )
        if line and not inside_stacks:
            lines.append(line)
    return lines


def _quote(line: str, start: int) -> str:
    """The line without its time, or the part of it around ``start`` where it is too long."""
    text = _TIME.sub("", line)
    start -= len(line) - len(text)
    if len(text) <= _LONGEST_QUOTE:
        return text
    start = max(0, min(start - _BEFORE, len(text) - _LONGEST_QUOTE))
    end = start + _LONGEST_QUOTE
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"

"""``status`` for Prometheus, by way of the textfile collector of node_exporter.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and, for names and units,
https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, get_args

from compose_tls.cli.line import clean
from compose_tls.results import StatusResult
from compose_tls.values import dataclass
from compose_tls.vocabulary import Encryption

_UNKNOWN_MODE: Final = -1
_STATES: Final = ("current", "stale", "absent", "foreign")


@dataclass(frozen=True, slots=True)
class _Gauge:
    """One metric: its name below ``compose_tls_``, what it means, and its samples by their labels."""

    name: str
    meaning: str
    samples: dict[tuple[tuple[str, str], ...], float]


def prometheus(result: StatusResult) -> str:
    """The metrics of a project.

    Args:
        result: What ``status`` found.

    Returns:
        The text format, version 0.0.4; lines end in a line feed.
    """
    project = ("project", result.project)
    lines: list[str] = []
    for gauge in _gauges(result):
        name = f"compose_tls_{gauge.name}"
        lines += [f"# HELP {name} {gauge.meaning}", f"# TYPE {name} gauge"]
        for labels, value in gauge.samples.items():
            pairs = ",".join(f'{label}="{_escaped(text)}"' for label, text in (project, *labels))
            lines.append(f"{name}{{{pairs}}} {value:.0f}")
    return "\n".join(lines) + "\n"


def _gauges(result: StatusResult) -> Iterator[_Gauge]:
    yield _Gauge(
        "certificate_not_after_timestamp_seconds",
        "When a certificate expires, in seconds since 1970.",
        {(("path", one.path),): one.not_after.timestamp() for one in result.certificates},
    )
    yield _Gauge(
        "certificates_usable",
        "1 while no certificate is missing or has expired, and Milvus can read its key.",
        {(): result.certificates_usable},
    )
    yield _Gauge(
        "declared_mode",
        "Mode in the files: 0 plain text, 1 one-way TLS, 2 mutual TLS, -1 not known.",
        {
            (("service", one.service),): _UNKNOWN_MODE if one.mode is None else one.mode
            for one in result.declared
        },
    )
    yield _Gauge(
        "deployed_known",
        "1 if a Docker engine was asked what runs; without one, deployed_state has no samples.",
        {(): result.not_looked_at is None and bool(result.declared)},
    )
    yield _Gauge(
        "deployed_state",
        "1 for the state of a service: current runs these files, stale runs older ones.",
        {
            (("service", one.service), ("state", state)): one.state == state
            for one in result.deployed
            for state in _STATES
        },
    )
    yield _Gauge(
        "files_as_written",
        "1 while every file is as enable wrote it.",
        {(): result.recorded is not None and result.in_order},
    )
    count = Counter(link.encryption for link in result.links)
    yield _Gauge(
        "connections",
        "Connections of the project by encryption, as set in the files.",
        {(("encryption", one),): count[one] for one in get_args(Encryption)},
    )
    yield _Gauge(
        "status_exit_code",
        "Exit code of compose-tls status: 0 in order, 4 certificates, 7 off or not as recorded.",
        {(): result.exit_code},
    )


def _escaped(text: str) -> str:
    """A label's value: what no text format may hold is spelled, then backslash, quote and line end."""
    valid = clean(text).encode("utf-8", "backslashreplace").decode()
    return valid.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

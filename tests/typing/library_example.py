"""The example in docs/library.md: mypy and pyright read it."""

from pathlib import Path

from pymilvus import MilvusClient  # type: ignore[import-untyped, unused-ignore]

from compose_tls import ComposeTlsError, TlsConfig, enable, status


def encrypted(project: Path) -> None:
    config = TlsConfig(mode=2, san=("milvus.example.org",), days=90)
    preview = enable(project, config, dry_run=True)
    print(preview.diff)
    try:
        result = enable(project, config, up=True, on_event=print)
    except ComposeTlsError as error:
        raise SystemExit(f"{error.code}: {error.message}\n  next: {error.hint}") from error
    if result.connect is not None:
        MilvusClient(**result.connect)


def days_left(project: Path) -> int | None:
    found = status(project)
    if not found.encrypted:
        return None
    return min(one.days_left or 0 for one in found.certificates)

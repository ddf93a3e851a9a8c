"""Reports all refusals at once, so that the user can decide on all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from compose_tls.errors import GATHERED, ComposeTlsError, Refusal, settle
from compose_tls.vocabulary import TlsWarning

Finding: TypeAlias = Refusal | TlsWarning


@contextmanager
def gathered() -> Iterator[list[TlsWarning]]:
    """Looks for everything that the user has to decide before the first of it ends the command.

    Nothing may be written, and nothing outside the project be read, while refusals are gathered.

    Yields:
        Where to put what else is to be reported with a refusal.

    Raises:
        Refusal: The first that the user does not accept; the others, what else is to be told, and an
            error that came up after it are its warnings.
    """
    refusals: list[Refusal] = []
    told: list[TlsWarning] = []
    token = GATHERED.set(refusals)
    try:
        yield told
    except ComposeTlsError as error:
        if not refusals:
            if isinstance(error, Refusal):
                error.warnings = _without(error, (*told, *error.warnings))
            raise
        told += [*error.warnings, as_warning(error)]
    finally:
        GATHERED.reset(token)
    if refusals:
        first, *others = refusals
        first.warnings = _without(first, (*told, *map(as_warning, others)))
        raise first


def settled(findings: Iterable[Finding], accepted: Collection[str]) -> tuple[TlsWarning, ...]:
    """What is left of findings where those that the user accepts are warnings.

    Raises:
        Refusal: The first that the user does not accept; what else was found is reported with it.
    """
    with gathered() as told:
        for each in findings:
            told.append(settle(each, accepted) if isinstance(each, Refusal) else each)
    return tuple(told)


def as_warning(error: ComposeTlsError) -> TlsWarning:
    """An error that does not end the command."""
    return TlsWarning(error.code, error.message, error.path, error.hint, error.line)


def _without(error: ComposeTlsError, warnings: Iterable[TlsWarning]) -> tuple[TlsWarning, ...]:
    """What is to be reported with an error, each once, and not what it says itself."""
    own = as_warning(error)
    return tuple(dict.fromkeys(each for each in warnings if each != own))

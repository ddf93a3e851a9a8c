"""What was found before containers are recreated, and which of it ends the command."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeAlias

from compose_tls.errors import Refusal, settle
from compose_tls.vocabulary import TlsWarning

Finding: TypeAlias = Refusal | TlsWarning


def settled(findings: Iterable[Finding], accepted: Collection[str]) -> tuple[TlsWarning, ...]:
    """What is left of findings where those that the user accepts are warnings.

    Raises:
        Refusal: The first that the user does not accept; what else was found is told with it.
    """
    found = tuple(findings)
    told = tuple(settle(each, {each.code}) if isinstance(each, Refusal) else each for each in found)
    for index, each in enumerate(found):
        if isinstance(each, Refusal) and each.code not in accepted:
            each.warnings = told[:index] + told[index + 1 :]
            settle(each, accepted)
    return told

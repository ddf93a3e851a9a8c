"""In what one milvus.yaml differs from another, as Milvus reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from compose_tls.patterns import regex
from compose_tls.stack.milvus.settings import canonical, tls_settings
from compose_tls.values import dataclass
from compose_tls.vocabulary import TlsMode
from compose_tls.yamlpatch.document import Document
from compose_tls.yamlpatch.query import Found, roots

_TLS: Final = frozenset(
    canonical(setting.name) for setting in tls_settings(TlsMode.ONE_WAY, "/", rest_port=1)
)
_SECRET: Final = regex(r"password|secret|accesskey|token|credential", re.IGNORECASE)
_SECURITY: Final = canonical("common.security")


@dataclass(frozen=True, slots=True)
class SettingDifference:
    """A setting that two files give different values; ``None`` for one that a file does not give."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if _SECRET.search(self.name):
            return f"{self.name} (another value)"
        before, after = ("not set" if text is None else text for text in (self.before, self.after))
        return f"{self.name} ({before}, there {after})"


def setting_differences(
    before: Document, after: Document, *, defaults: bool = False
) -> tuple[SettingDifference, ...]:
    """What changes where one file takes the place of another, TLS aside; security first.

    Args:
        before: The file that is in use.
        after: The file that takes its place.
        defaults: Whether ``before`` holds the defaults of this Milvus, so that a setting which is left
            out in ``after`` keeps its value.
    """
    has, gets = dict(_settings(before)), dict(_settings(after))
    names = {**gets, **has}
    found = []
    for key in names:
        name = names[key][0]
        old, new = has.get(key, (name, None))[1], gets.get(key, (name, None))[1]
        if old != new and not (defaults and new is None):
            found.append((not key.startswith(_SECURITY), SettingDifference(name, old, new)))
    return tuple(each for _, each in sorted(found, key=lambda each: each[0]))


def _settings(document: Document) -> Iterator[tuple[str, tuple[str, str | None]]]:
    for root in roots(document)[:1]:
        yield from _leaves(root, ())


def _leaves(found: Found, route: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, str | None]]]:
    if found.is_mapping:
        for key, value in found.entries(merged=False).items():
            yield from _leaves(value, (*route, key))
        return
    name = ".".join(route)
    # An empty value leaves the default in force, as none does.
    text = ",".join(filter(None, (each.text() for each in found.items()))) or found.text()
    if text and canonical(name) not in _TLS:
        yield canonical(name), (name, text)

"""Regular expressions that are compiled when they are first used, and not with their module."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

__all__ = ["regex"]

if TYPE_CHECKING:
    from re import compile as regex
else:

    class regex:  # noqa: N801 - stands for the function re.compile
        """As ``re.compile``, of which each takes up to some milliseconds."""

        def __init__(self, text: str | bytes, flags: int = 0) -> None:
            self._source = (text, flags)

        def __getattr__(self, name: str) -> Any:
            found = getattr(re.compile(*self._source), name)
            setattr(self, name, found)
            return found

"""What Compose is doing, out of its plain progress: each step once, and how far a download is."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final

from compose_tls.patterns import regex

_STEP: Final = regex(
    r"^\s*(?:(?P<kind>Container|Image|Network|Volume)\s+)?(?P<name>\S+)\s+"
    r"(?P<verb>Pulling|Pulled|Building|Built|Created|Recreate|Recreated|Starting|Started|Waiting|Healthy)"
    r"\s*$"
)
# A layer of an image, by the first digits of its digest: "6d8fbe72bf5f Downloading 9.833MB" (Compose 5),
# "6d8fbe72bf5f Downloading [=>  ]  9.833MB/20MB" (Compose 2).
_LAYER: Final = regex(
    r"^\s*(?P<layer>[0-9a-f]{12})\s+(?P<verb>Pulling fs layer|Waiting|Downloading|Verifying Checksum"
    r"|Download complete|Extracting|Pull complete|Already exists)\b\W*(?:[=> -]*\]\s*)?"
    r"(?:(?P<size>[\d.]+)(?P<unit>[kMGT]?B))?"
)
_UNITS: Final = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_COMPLETE: Final = frozenset({"Pull complete", "Already exists"})

# Often enough to see that something happens, seldom enough for the log of a CI job.
_SECONDS: Final = 5.0


class Progress:
    """Turns lines of Compose into lines for the user.

    Args:
        clock: Seconds that only go forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: set[str] = set()
        self._layers: dict[str, bool] = {}
        self._bytes: dict[str, float] = {}
        self._told = clock()

    def step(self, line: str) -> str | None:
        """What a line has to say to the user; ``None`` for nothing new."""
        if found := _LAYER.match(line):
            return self._download(found)
        match = _STEP.match(line)
        if match is None:
            return None
        kind, name, verb = match.group("kind", "name", "verb")
        text = f"{kind.lower() if kind else 'service'} {name}: {verb.lower()}"
        if text in self._seen:
            return None
        self._seen.add(text)
        return text

    def _download(self, found: re.Match[str]) -> str | None:
        layer, verb = found["layer"], found["verb"]
        self._layers[layer] = self._layers.get(layer, False) or verb in _COMPLETE
        if verb == "Downloading" and found["size"]:
            self._bytes[layer] = float(found["size"]) * _UNITS[found["unit"]]
        now = self._clock()
        if now - self._told < _SECONDS:
            return None
        self._told = now
        complete = sum(self._layers.values())
        size = sum(self._bytes.values()) / _UNITS["MB"]
        return f"pulling: {size:,.0f} MB, {complete} of {len(self._layers)} layers complete"

"""The present, for every test of a session: what is minted and what is expected do not straddle midnight.

A module of its own, because pytest loads a conftest.py once more than those who import from it do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

NOW: Final = datetime.now(UTC).replace(microsecond=0)

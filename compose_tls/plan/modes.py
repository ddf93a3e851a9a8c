"""The permission bits that files of our own are born with."""

from __future__ import annotations

from typing import Final

PUBLIC: Final = 0o644
PRIVATE: Final = 0o600
PUBLIC_DIRECTORY: Final = 0o755
PRIVATE_DIRECTORY: Final = 0o700

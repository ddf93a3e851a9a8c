"""How long a test waits: never a measure of speed, which says how busy the machine is."""

from __future__ import annotations

from typing import Final

SOON: Final = 30.0
"""In seconds: more than what ends of itself takes on a busy machine, and half of what anything here
would take that waits until its own time is up (60 and more)."""

LONG: Final = 300.0
"""In seconds: for a real server to get ready or to end, whatever else the machine has to do."""

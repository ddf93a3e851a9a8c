"""Writes offline.txt again."""

import tempfile
from pathlib import Path

from tests.transcripts import OFFLINE
from tests.transcripts.offline import offline

with tempfile.TemporaryDirectory() as directory:
    OFFLINE.write_text(offline(Path(directory).resolve()), encoding="utf-8")

"""The images that the end-to-end tests run: the official ones where they are, else stand-ins.

Both have their names in images/names.env. images/build.sh pulls or builds what is missing; the names
of the stand-ins lead to the official images where it could pull those.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

_FILE = Path(__file__).with_name("images") / "names.env"
_NAMES = dict(
    line.split("=", 1) for line in _FILE.read_text("utf-8").splitlines() if line[:1].isupper()
)


def _image(what: str) -> str:
    official, stand_in = _NAMES[f"{what}_OFFICIAL"], _NAMES[f"{what}_STAND_IN"]
    label = f'{{{{index .Config.Labels "{_NAMES["STAND_IN_LABEL"]}"}}}}'
    try:
        found = subprocess.run(
            ["docker", "image", "inspect", "--format", label, official],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return stand_in
    return official if found.returncode == 0 and found.stdout.strip() != "stand-in" else stand_in


MILVUS = _image("MILVUS")
OLDER_MILVUS = _image("OLDER_MILVUS")
ETCD = _image("ETCD")
S3 = _NAMES["S3_STAND_IN"]
KAFKA = _NAMES["KAFKA_STAND_IN"]

"""Builds wheel and sdist twice, in two places: one hash each, and nothing in them but ours.

    python tests/build.py [--out DIR]        `make build`; what was built is left in build/dist

SOURCE_DATE_EPOCH is the time of the last commit, as https://reproducible-builds.org/specs/source-date-epoch/
has it; whoever builds the same commit with the same version of the build backend gets the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EPOCH = "1700000000"
MANUAL = "share/man/man1/compose-tls.1"


def tracked() -> list[Path]:
    """The files of the checkout: those that git knows, or will with the next commit."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    return [Path(name) for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def epoch() -> str:
    """When the last commit was made, in seconds; a fixed time outside of git."""
    words = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip() or EPOCH


def built(place: Path, umask: int) -> dict[str, Path]:
    """Build in a fresh copy of the checkout."""
    source, out = place / "source", place / "dist"
    before = os.umask(umask)
    try:
        for name in tracked():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    finally:
        os.umask(before)
    environment = {**os.environ, "SOURCE_DATE_EPOCH": epoch()}
    words = [sys.executable, "-m", "uv", "build", "--quiet", "--out-dir", str(out), str(source)]
    subprocess.run(words, check=True, env=environment)
    return {path.name: path for path in out.iterdir() if path.suffix in {".whl", ".gz"}}


def hashes(files: dict[str, Path]) -> dict[str, str]:
    """SHA-256 by name."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def wrong_contents(wheel: Path, sdist: Path) -> list[str]:
    """What is in a wheel or sdist and should not be, or is not and should."""
    ours = {str(name) for name in tracked() if name.parts[0] == "compose_tls"}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        modes = {(info.external_attr >> 16) & 0o777 for info in archive.infolist()}
    about = {name for name in names if ".dist-info/" in name or ".data/data/" in name}
    expected = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE", MANUAL}
    found = {re.split(r"\.dist-info/|\.data/data/", name, maxsplit=1)[1] for name in about}
    with tarfile.open(sdist) as archive_of_source:
        inside = {
            member.name.partition("/")[2] for member in archive_of_source if not member.isdir()
        }
        links = [
            member.name for member in archive_of_source if not (member.isfile() or member.isdir())
        ]
    secret = (".pem", ".key", ".p12", ".journal", ".pyc")
    return [
        *(f"wheel: {name} is missing" for name in sorted(ours - names)),
        *(f"wheel: {name} does not belong there" for name in sorted(names - about - ours)),
        *(f"wheel: {name} is missing or too much" for name in sorted(expected ^ found)),
        *(f"wheel: mode {mode:o}" for mode in modes - {0o644}),
        *(f"sdist: {name} is missing" for name in sorted(ours - inside)),
        *(f"sdist: {name} is no file" for name in links),
        *(
            f"sdist: {name} does not belong there"
            for name in sorted(inside)
            if name.endswith(secret) and not name.startswith(("tests/data/", "fixtures/"))
        ),
    ]


def main() -> int:
    """Build twice, compare, look into it; keep what was built."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "dist")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        first, second = built(Path(one), 0o022), built(Path(two) / "another place", 0o077)
        differing = sorted(hashes(first).items() ^ hashes(second).items())
        for name, digest in differing:
            print(f"not reproducible: {digest}  {name}")
        [wheel] = [path for name, path in first.items() if name.endswith(".whl")]
        [sdist] = [path for name, path in first.items() if name.endswith(".tar.gz")]
        wrong = wrong_contents(wheel, sdist)
        print("\n".join(wrong), end="\n" if wrong else "")
        out.mkdir(parents=True, exist_ok=True)
        for name, path in first.items():
            shutil.copyfile(path, out / name)
            print(f"{hashes(first)[name]}  {out / name}")
    return bool(differing or wrong)


if __name__ == "__main__":
    sys.exit(main())

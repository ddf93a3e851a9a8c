"""The script of ``export openssl``, run: what openssl issues by it is what is issued here."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

import compose_tls
from compose_tls.pki.certificate_with_key import CertificateWithKey
from compose_tls.pki.inspection import facts_of
from compose_tls.pki.rehearse import rehearse
from compose_tls.pki.verify import check_ca, check_client, check_server, concerns
from compose_tls.vocabulary import KeyType, TlsMode
from tests.e2e.conftest import missing
from tests.judges.certificates import KEY_TYPES
from tests.judges.judges import LINTERS
from tests.judges.programs import BUILD

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("ca", "server", "client")
# The first and the last version that the script is for: install.sh takes them from releases of Debian.
FIRST, LAST = (str(BUILD / f"openssl-{version}" / "bin") for version in ("1.1.1", "3.5"))
NAMED = list(filter(None, os.environ.get("JUDGES_OPENSSL", "").split(os.pathsep)))
PLACES = ["", FIRST, LAST, *NAMED]
every_openssl = pytest.mark.parametrize(
    "place", PLACES, ids=lambda place: Path(place).parent.name or "PATH"
)
# What depends on the kind of key depends on no version: two of them tell it.
KINDS = [
    (place, key_type)
    for place in PLACES
    for key_type in (KEY_TYPES if not place else ("ecdsa-p384", "rsa-2048"))
]

# A value that shell, openssl's -subj and RFC 4514 each have words for.
TRICKY = r"O=Acme \"$HOME\" `id` /a\+b\\c'd,OU=x=y,STREET=Königstraße 1,UID=u1,DC=example,C=DE"


def made(directory: Path, place: str, **settings: Any) -> tuple[Path, Path]:
    """A project, and what its script has made in a directory of its own."""
    if shutil.which("openssl") is None:
        missing("openssl is not installed")
    if place and not Path(place, "openssl").exists():
        pytest.skip(f"there is no {place}: sh tests/judges/install.sh, where Debian is reached")
    project, out = directory / "project", directory / "out"
    shutil.copytree(ROOT / "fixtures", project)
    out.mkdir()
    compose_tls.enable(project, {"mode": 2, **settings}, environment={})
    compose_tls.export(project, "openssl", output=out / "gen.sh", environment={})
    run(out, place)
    return project / "cert", out


def run(out: Path, place: str, *, code: int = 0) -> str:
    path = os.pathsep.join(filter(None, [place, os.environ["PATH"]]))
    done = subprocess.run(
        ["sh", "gen.sh"],
        cwd=out,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done.stderr


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def pair(directory: Path, name: str) -> CertificateWithKey:
    return CertificateWithKey(
        (directory / f"{name}.pem").read_bytes(), (directory / f"{name}.key").read_bytes()
    )


def extensions(found: x509.Certificate) -> list[tuple[str, bool, object]]:
    """The extensions in their order; of those that tell a key apart, that they are there."""
    apart = (x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier)
    return [
        (one.oid.dotted_string, one.critical, "" if isinstance(one.value, apart) else one.value)
        for one in found.extensions
    ]


def subject(found: x509.Certificate, name: str) -> list[tuple[str, str, object]]:
    """Type, value and kind of string of each part; without what is random in that of a CA."""
    return [
        (one.oid.dotted_string, str(one.value)[: -len(" 01234567")] if last and name.endswith("ca")
         else str(one.value), one._type)
        for one, last in ((one, one.oid == x509.NameOID.COMMON_NAME) for one in found.subject)
    ]  # fmt: skip


def require_alike(ours: Path, theirs: Path, days: dict[str, int]) -> None:
    for name, lasts in days.items():
        one, other = certificate(ours / f"{name}.pem"), certificate(theirs / f"{name}.pem")
        assert extensions(other) == extensions(one), name
        assert subject(other, name) == subject(one, name), name
        assert facts_of(other).key_type == facts_of(one).key_type
        assert other.signature_algorithm_oid == one.signature_algorithm_oid
        assert other.version == one.version
        assert other.serial_number.bit_length() > 64
        age = datetime.now(UTC) - other.not_valid_before_utc
        assert timedelta(minutes=5) <= age < timedelta(minutes=15)
        life = other.not_valid_after_utc - other.not_valid_before_utc
        assert life == timedelta(days=lasts) - timedelta(seconds=1)
        key = theirs / f"{name}.key"
        assert key.stat().st_mode & 0o777 == 0o600
        assert (theirs / f"{name}.pem").stat().st_mode & 0o777 == 0o644
        assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
        assert load_pem_private_key(key.read_bytes(), None).public_key() == other.public_key()
    cas = [name for name in days if name in {"ca", "stack-ca"}]
    issuers = {certificate(ours / f"{name}.pem").subject: theirs / f"{name}.pem" for name in cas}
    for name in days.keys() - set(cas):
        issuer = issuers[certificate(ours / f"{name}.pem").issuer]
        certificate(theirs / f"{name}.pem").verify_directly_issued_by(certificate(issuer))
        issuer_id = extension(theirs / f"{name}.pem", x509.AuthorityKeyIdentifier)
        assert issuer_id.key_identifier == extension(issuer, x509.SubjectKeyIdentifier).digest


def extension(path: Path, kind: Any) -> Any:
    return certificate(path).extensions.get_extension_for_class(kind).value


@pytest.mark.parametrize(
    ("place", "key_type"), KINDS, ids=[f"{Path(p).parent.name or 'PATH'}-{key}" for p, key in KINDS]
)
def test_it_issues_what_is_issued_here(tmp_path: Path, place: str, key_type: KeyType) -> None:
    ours, theirs = made(tmp_path, place, key_type=key_type)
    require_alike(ours, theirs, {"ca": 3650, "server": 825, "client": 825})
    now, ca_pem = datetime.now(UTC), (theirs / "ca.pem").read_bytes()
    server, client = pair(theirs, "server"), pair(theirs, "client")
    names = ["localhost", "standalone", "127.0.0.1", "::1"]
    check_ca(ca_pem, now=now, path="ca.pem", server=server)
    check_server(server, ca_pem, names=names, now=now, path="server.pem")
    check_client(client, ca_pem, now=now, path="client.pem")
    assert list(concerns(server, ca_pem, now=now, path="server.pem")) == []
    rehearse(server, ca_pem, client, server_names=names, mode=TlsMode.MUTUAL)
    for linter in LINTERS:
        if linter.missing() is None:
            for name in NAMES:
                # What they say of names with one part, they say of ours as well.
                found = linter.counted(theirs / f"{name}.pem")
                assert found == linter.counted(ours / f"{name}.pem"), (linter.name, name)


@every_openssl
def test_settings_and_hard_subjects_come_through(tmp_path: Path, place: str) -> None:
    settings = {
        "subject": TRICKY,
        "days": 7,
        "ca_days": 6,
        "constrain": True,
        "san": ("a.example",),
    }
    ours, theirs = made(tmp_path, place, **settings)
    require_alike(ours, theirs, {"ca": 6, "server": 6, "client": 6})


@every_openssl
def test_every_identity_of_the_whole_stack_is_issued(tmp_path: Path, place: str) -> None:
    ours, theirs = made(tmp_path, place, scope="all")
    names = {path.stem for path in ours.glob("*.key")}
    assert {"stack-ca", "etcd", "etcd-client", "object-store"} < names
    require_alike(ours, theirs, {name: 3650 if name.endswith("ca") else 825 for name in names})


@every_openssl
def test_what_is_there_stays(tmp_path: Path, place: str) -> None:
    _, out = made(tmp_path, place)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    run(out, place)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / "server.pem").unlink()
    run(out, place)
    after = {path.name: path.read_bytes() for path in out.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"server.pem"}
    server = certificate(out / "server.pem")
    server.verify_directly_issued_by(certificate(out / "ca.pem"))


@every_openssl
def test_a_ca_that_may_not_issue_a_name_is_named_and_nothing_stays(
    tmp_path: Path, place: str
) -> None:
    _, out = made(tmp_path, place, constrain=True)
    for name in ("server.pem", "client.pem"):
        (out / name).unlink()
    project, script = tmp_path / "project", out / "gen.sh"
    hosts = ["db.example.com"]
    compose_tls.export(project, "openssl", hosts=hosts, output=script, environment={})

    assert "ca.pem may not issue server.pem" in run(out, place, code=1)
    assert not (out / "server.pem").exists()


@pytest.mark.parametrize(("place", "version"), [(FIRST, "1.1.1"), (LAST, "3.5")])
def test_the_places_have_the_versions_that_they_are_named_after(place: str, version: str) -> None:
    program = Path(place, "openssl")
    if not program.exists():
        pytest.skip(f"there is no {program}")
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"OpenSSL {version}")

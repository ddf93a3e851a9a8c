"""What linters and strict verifiers say of every certificate that we issue: nothing.

Beside that stand certificates with a fault, which every judge has to find.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from compose_tls.changes import CertificateOrder
from compose_tls.pki.issue import issue_all
from compose_tls.vocabulary import KeyType
from tests.judges.certificates import CLIENT_NAME, KEY_TYPES, OPTIONS, Presented, foreign, issued
from tests.judges.faults import FAULTS, sound_but
from tests.judges.ignored import IGNORED, Ignored
from tests.judges.judges import LINTERS, VERIFIERS, Linter, Verifier
from tests.judges.programs import require
from tests.moment import NOW

every_key_type = pytest.mark.parametrize("key_type", KEY_TYPES)
every_option = pytest.mark.parametrize("option", OPTIONS)


@pytest.fixture(params=LINTERS, ids=lambda judge: judge.name)
def linter(request: pytest.FixtureRequest) -> Linter:
    judge: Linter = request.param
    require(judge.missing())
    return judge


@pytest.fixture(params=VERIFIERS, ids=lambda judge: judge.name)
def verifier(request: pytest.FixtureRequest) -> Verifier:
    judge: Verifier = request.param
    require(judge.missing())
    return judge


@every_option
@every_key_type
def test_no_linter_finds_fault(
    linter: Linter, key_type: KeyType, option: str, tmp_path: Path
) -> None:
    for profile, pem in issued(option, key_type).ours.items():
        certificate = tmp_path / f"{profile}.pem"
        certificate.write_bytes(pem)
        assert linter.counted(certificate) == []


@every_option
@every_key_type
def test_no_verifier_refuses_server_or_client(
    verifier: Verifier, key_type: KeyType, option: str, tmp_path: Path
) -> None:
    made = issued(option, key_type)
    assert verifier.counted(made.server, tmp_path) == []
    assert verifier.counted(made.client, tmp_path) == []


def test_every_verifier_refuses_a_name_that_is_not_in_the_certificate(
    verifier: Verifier, tmp_path: Path
) -> None:
    made = issued("as enable has it", "ecdsa-p256").server
    for name in ("other.example", "127.0.0.2"):
        assert len(verifier.refusals(replace(made, names=(name,)), tmp_path)) == 1


def test_every_verifier_refuses_a_certificate_in_the_other_role(
    verifier: Verifier, tmp_path: Path
) -> None:
    made = issued("as enable has it", "ecdsa-p256")
    assert verifier.refusals(replace(made.server, role="client", names=()), tmp_path)
    assert verifier.refusals(replace(made.client, role="server", names=(CLIENT_NAME,)), tmp_path)


def test_every_verifier_refuses_what_another_ca_has_issued(
    verifier: Verifier, tmp_path: Path
) -> None:
    made, stranger = issued("as enable has it", "ecdsa-p256"), foreign("ecdsa-p256")
    for ours, theirs in ((made.server, stranger.server), (made.client, stranger.client)):
        assert verifier.refusals(replace(theirs, ca_pem=ours.ca_pem), tmp_path)


def test_every_verifier_refuses_a_name_outside_the_constraints_of_the_ca(
    verifier: Verifier, tmp_path: Path
) -> None:
    order = CertificateOrder("ca", "CN=some CA", "ecdsa-p256", 90, permitted_dns=("localhost",))
    ca = issue_all([order], None, NOW)["ca"]
    assert verifier.refusals(sound_but(ca), tmp_path) == []
    assert verifier.refusals(sound_but(ca, dns=("localhost", "other.example")), tmp_path)


@pytest.mark.parametrize(
    ("fault", "judge"), [(fault, judge) for fault in FAULTS for judge in sorted(FAULTS[fault][1])]
)
def test_each_judge_finds_the_faults_that_it_looks_for(
    fault: str, judge: str, tmp_path: Path
) -> None:
    make, _ = FAULTS[fault]
    good, bad = (findings(judge, shown, tmp_path) for shown in (sound_but(), make()))
    assert set(bad) - set(good)


def test_every_judge_is_shown_several_faults() -> None:
    for judge in (*LINTERS, *VERIFIERS):
        assert sum(judge.name in finders for _, finders in FAULTS.values()) >= 3


@pytest.mark.parametrize("ignored", IGNORED, ids=lambda ignored: ignored.finding)
def test_what_is_ignored_is_still_found(ignored: Ignored, tmp_path: Path) -> None:
    found: list[str] = []
    for option in OPTIONS:
        found += findings(ignored.judge, issued(option, "ecdsa-p256").server, tmp_path)
    assert any(re.fullmatch(ignored.finding, one, re.DOTALL) for one in found)


def findings(name: str, shown: Presented, directory: Path) -> list[str]:
    """All that one judge says of a server and of its CA."""
    judge = next(judge for judge in (*LINTERS, *VERIFIERS) if judge.name == name)
    require(judge.missing())
    if isinstance(judge, Verifier):
        return judge.refusals(shown, directory)
    found: list[str] = []
    for pem in (shown.ca_pem, shown.pair.certificate_pem):
        certificate = directory / "certificate.pem"
        certificate.write_bytes(pem)
        found += judge.findings(certificate)
    return found

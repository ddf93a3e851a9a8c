"""Certificates and CAs that the user brings, in the forms in which people have them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from compose_tls.pki.certificate_with_key import CertificateWithKey
from tests.judges.brought import Made
from tests.moment import NOW
from tests.unit.cli.conftest import Outcome, Run, facts
from tests.unit.pki.minting import CLIENT, DAY, SERVER, mint

PASSPHRASE = b"correct horse"
NAMES = ("localhost", "milvus.example.com")


def bundle(
    pair: CertificateWithKey,
    above: Sequence[CertificateWithKey] = (),
    passphrase: bytes | None = None,
) -> bytes:
    """What a CA hands out as a .p12."""
    key = load_pem_private_key(pair.private_key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
    return pkcs12.serialize_key_and_certificates(
        b"milvus",
        key,
        x509.load_pem_x509_certificate(pair.certificate_pem),
        # OpenSSL writes the root first.
        [x509.load_pem_x509_certificate(one.certificate_pem) for one in reversed(above)],
        BestAvailableEncryption(passphrase) if passphrase else NoEncryption(),
    )


def chain(path: Path) -> list[str]:
    """The subjects of the certificates in a file, in its order."""
    return [
        certificate.subject.rfc4514_string()
        for certificate in x509.load_pem_x509_certificates(path.read_bytes())
    ]


@pytest.fixture
def corporate(project: Path) -> dict[str, CertificateWithKey]:
    """A root, an intermediate and a server below it, and the files of each."""
    root = mint("Root", ca=True, end=NOW + 400 * DAY)
    below = mint("Issuing", ca=True, issuer=root, end=NOW + 2000 * DAY)
    server = mint(issuer=below, dns=NAMES)
    client = mint("reader", issuer=below, purposes=(CLIENT,))
    pairs = {"root": root, "below": below, "server": server, "client": client}
    brought = project.parent / "brought"
    brought.mkdir()
    for name, pair in pairs.items():
        (brought / f"{name}.pem").write_bytes(pair.full_chain_pem)
        (brought / f"{name}.key").write_bytes(pair.private_key_pem)
    (brought / "chain.pem").write_bytes(below.certificate_pem + root.certificate_pem)
    (brought / "passphrase").write_bytes(PASSPHRASE + b"\n")
    (brought / "server.p12").write_bytes(bundle(server, (below, root), PASSPHRASE))
    (brought / "ca.p12").write_bytes(bundle(below, (root,), PASSPHRASE))
    (brought / "open.pfx").write_bytes(bundle(client, (below,)))
    (brought / "encrypted.key").write_bytes(
        load_pem_private_key(server.private_key_pem, None).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(PASSPHRASE)
        )
    )
    (brought / "server.der").write_bytes(
        x509.load_pem_x509_certificate(server.certificate_pem).public_bytes(Encoding.DER)
    )
    return pairs


SECRET = ("--server-passphrase-file", "../brought/passphrase")


class TestForms:
    @pytest.mark.parametrize(
        "arguments",
        [
            ("--server-cert", "../brought/server.p12", *SECRET),
            (
                "--server-cert",
                "../brought/server.p12",
                "--server-key",
                "../brought/server.key",
                *SECRET,
            ),
            (
                "--server-cert",
                "../brought/server.pem",
                "--server-key",
                "../brought/encrypted.key",
                *SECRET,
            ),
            (
                "--server-cert",
                "../brought/server.pem",
                "--server-key",
                "../brought/server.p12",
                *SECRET,
            ),
            ("--server-cert", "../brought/server.der", "--server-key", "../brought/server.key"),
        ],
    )
    def test_every_form_ends_as_what_milvus_reads(
        self,
        run: Run,
        project: Path,
        corporate: dict[str, CertificateWithKey],
        arguments: tuple[str, ...],
    ) -> None:
        trusted = "chain.pem" if "../brought/server.der" in arguments else "root.pem"
        bring = ("enable", *arguments, "--ca-cert", f"../brought/{trusted}", "--json")
        assert run(*bring).json["changed"]
        assert (project / "tls/server.key").read_bytes() == corporate["server"].private_key_pem
        assert chain(project / "tls/server.pem")[0] == "CN=localhost"
        if "../brought/server.der" not in arguments:
            assert chain(project / "tls/server.pem")[1] == "CN=Issuing"
        before = facts(project)
        assert not run(*bring).json["changed"]
        assert facts(project) == before

    def test_a_client_comes_from_a_bundle_without_passphrase(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        found = run(
            *("enable", "--mode", "2", "--ca-cert", "../brought/root.pem", "--json"),
            *("--server-cert", "../brought/server.p12", *SECRET),
            *("--client-cert", "../brought/open.pfx"),
        )
        assert found.json["mode"] == 2
        assert (project / "cert/client.key").read_bytes() == corporate["client"].private_key_pem
        assert chain(project / "cert/client.pem") == ["CN=reader", "CN=Issuing"]

    @pytest.mark.parametrize(
        ("arguments", "message", "path"),
        [
            (
                ("--server-cert", "../brought/server.p12"),
                "the PKCS #12 file ../brought/server.p12 needs a passphrase",
                "../brought/server.p12",
            ),
            (
                ("--server-cert", "../brought/server.p12", SECRET[0], "wrong"),
                "the passphrase does not open the PKCS #12 file ../brought/server.p12",
                "../brought/server.p12",
            ),
            (
                ("--server-cert", "../brought/server.p12", SECRET[0], "missing"),
                "missing is missing",
                "missing",
            ),
            (
                (
                    "--server-cert",
                    "../brought/server.pem",
                    "--server-key",
                    "../brought/encrypted.key",
                ),
                "is encrypted, and no passphrase was given",
                "../brought/encrypted.key",
            ),
            (
                (
                    *("--server-cert", "../brought/server.pem"),
                    *("--server-key", "../brought/encrypted.key", SECRET[0], "wrong"),
                ),
                "the passphrase does not open the private key ../brought/encrypted.key",
                "../brought/encrypted.key",
            ),
        ],
    )
    def test_what_does_not_open_is_named_and_nothing_is_written(
        self,
        run: Run,
        project: Path,
        corporate: dict[str, CertificateWithKey],
        arguments: tuple[str, ...],
        message: str,
        path: str,
    ) -> None:
        (project / "wrong").write_bytes(b"hunter2")
        before = facts(project)
        refused = run("enable", *arguments, "--ca-cert", "../brought/root.pem", "--json")
        assert refused.code == 4
        assert message in refused.error["message"]
        assert refused.error["path"] == path
        assert "hunter2" not in refused.out + refused.err
        assert facts(project) == before


class TestIntermediates:
    def test_a_ca_without_its_root_is_refused_with_what_is_missing(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        before = facts(project)
        refused = run(
            "enable",
            "--ca-cert",
            "../brought/below.pem",
            "--ca-key",
            "../brought/below.key",
            "--json",
        )
        assert refused.error["code"] == "issuer-mismatch"
        assert "the root CN=Root is missing" in refused.error["message"]
        assert facts(project) == before

    @pytest.mark.parametrize(
        "arguments",
        [
            ("--ca-cert", "../brought/chain.pem", "--ca-key", "../brought/below.key"),
            ("--ca-cert", "../brought/ca.p12", "--ca-passphrase-file", "../brought/passphrase"),
        ],
    )
    def test_an_intermediate_issues_and_is_sent_along_without_its_root(
        self,
        run: Run,
        project: Path,
        corporate: dict[str, CertificateWithKey],
        arguments: tuple[str, ...],
    ) -> None:
        assert run("enable", "--mode", "2", *arguments).code == 0
        assert chain(project / "tls/ca.pem") == ["CN=Issuing", "CN=Root"]
        assert len(chain(project / "tls/server.pem")) == 2
        assert chain(project / "tls/server.pem")[1] == "CN=Issuing"
        assert not (project / "cert/ca.key").exists()
        before = facts(project)
        assert run("enable", "--mode", "2", *arguments).code == 0
        assert facts(project) == before
        assert run("renew", "--no-restart", "--force", *arguments).code == 0
        assert chain(project / "tls/server.pem")[1] == "CN=Issuing"

    def test_what_it_issues_ends_with_the_first_ca_above_it(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        bring = ("--ca-cert", "../brought/chain.pem", "--ca-key", "../brought/below.key")
        assert run("enable", "--days", "825", *bring).code == 0
        leaf = x509.load_pem_x509_certificates((project / "tls/server.pem").read_bytes())[0]
        root = x509.load_pem_x509_certificate(corporate["root"].certificate_pem)
        assert leaf.not_valid_after_utc == root.not_valid_after_utc

    @pytest.mark.parametrize(
        ("ca", "code"),
        [
            (mint("lax CA", ca=True, critical_constraints=False), "strict-clients-refuse"),
            (
                mint("big CA", ca=True, key=ec.generate_private_key(ec.SECP521R1())),
                "rustls-clients-refuse",
            ),
        ],
        ids=["strict", "rustls"],
    )
    def test_who_refuses_what_it_issues_is_told(
        self, run: Run, project: Path, ca: CertificateWithKey, code: str
    ) -> None:
        (project / "ca.pem").write_bytes(ca.certificate_pem)
        (project / "ca.key").write_bytes(ca.private_key_pem)
        told = run("enable", "--ca-cert", "ca.pem", "--ca-key", "ca.key", "--json").json
        (warning,) = [one for one in told["warnings"] if one["code"] == code]
        assert "accept ca.pem" in warning["message"]

    @pytest.mark.parametrize(
        ("limit", "said"),
        [
            (
                x509.ExtendedKeyUsage([CLIENT]),
                "the CA CN=for few of cert/server.pem lacks the extended key usage serverAuth",
            ),
            (
                x509.NameConstraints(None, [x509.DNSName("localhost")]),
                "cert/server.pem is for localhost, for which its CA CN=for few may not issue",
            ),
        ],
        ids=["purpose", "excluded"],
    )
    def test_what_it_may_not_issue_is_not_issued(
        self, run: Run, project: Path, limit: x509.ExtensionType, said: str
    ) -> None:
        is_ca = x509.BasicConstraints(ca=True, path_length=None)
        ca = Made("for few", {"constraints": (is_ca, True), "limit": (limit, False)})
        (project / "ca.pem").write_bytes(ca.pem)
        (project / "ca.key").write_bytes(ca.key_pem)
        refused = run("enable", "--ca-cert", "ca.pem", "--ca-key", "ca.key", "--json")
        assert said in refused.error["message"]

    def test_a_ca_without_an_end_issues_as_any_other(self, run: Run, project: Path) -> None:
        # 99991231235959Z, which stands for none: RFC 5280 section 4.1.2.5.
        ca = mint("Root", ca=True, end=datetime.max.replace(microsecond=0, tzinfo=UTC))
        (project / "ca.pem").write_bytes(ca.certificate_pem)
        (project / "ca.key").write_bytes(ca.private_key_pem)
        bring = ("--ca-cert", "ca.pem", "--ca-key", "ca.key")
        assert run("enable", *bring).code == 0
        assert run("status").code == 0
        assert run("renew", "--force", "--no-restart", *bring).code == 0

    @pytest.mark.parametrize(("below_days", "root_days"), [(10, 400), (400, 10)])
    def test_the_first_end_of_the_chain_counts_and_is_told(
        self, run: Run, project: Path, below_days: int, root_days: int
    ) -> None:
        root = mint("Root", ca=True, end=NOW + root_days * DAY)
        below = mint("Issuing", ca=True, issuer=root, end=NOW + below_days * DAY)
        (project / "chain.pem").write_bytes(below.certificate_pem + root.certificate_pem)
        (project / "below.key").write_bytes(below.private_key_pem)
        bring = ("--ca-cert", "chain.pem", "--ca-key", "below.key")
        planned = run("enable", "--dry-run", "--json", *bring).json
        enabled = run("enable", "--json", *bring).json

        nothing = run("renew", "--no-restart", "--json", *bring).json
        forced = run("renew", "--no-restart", "--force", "--json", *bring).json

        cut = [w["path"] for w in enabled["warnings"] if w["code"] == "certificate-cut-short"]
        assert cut == ["cert/server.pem", "cert/client.pem"]
        told = [[(w["code"], w["message"]) for w in one["warnings"]] for one in (planned, enabled)]
        assert told[0] == told[1]
        assert nothing["changed"] is False
        assert [w["code"] for w in nothing["warnings"]] == ["ca-expires-soon"]
        codes = {w["code"] for w in forced["warnings"]}
        assert codes == {"ca-expires-soon", "certificate-cut-short"}
        assert max(c["days_left"] for c in forced["certificates"] if "server" in c["path"]) <= 10


class TestRequests:
    def test_all_nine_files_of_the_guide_are_there(self, run: Run, project: Path) -> None:
        assert run("enable", "--csr").code == 0
        nine = {f"{role}.{end}" for role in ("server", "client") for end in ("pem", "key", "csr")}
        nine |= {"ca.pem", "ca.key", "ca.srl"}
        assert nine <= {path.name for path in (project / "cert").iterdir()}
        before = facts(project)
        assert run("enable", "--csr").code == 0
        assert run("enable").code == 0
        assert facts(project) == before

    def test_they_ask_for_the_names_and_purposes_of_the_certificates(
        self, run: Run, project: Path
    ) -> None:
        assert run("enable", "--csr", "--san", "db.example.com", "--san", "10.1.2.3").code == 0
        for role in ("server", "client"):
            request = x509.load_pem_x509_csr((project / f"cert/{role}.csr").read_bytes())
            issued = x509.load_pem_x509_certificate((project / f"cert/{role}.pem").read_bytes())
            assert request.is_signature_valid
            assert request.subject == issued.subject
            assert request.public_key() == issued.public_key()
            for kind in (x509.SubjectAlternativeName, x509.ExtendedKeyUsage, x509.KeyUsage):
                wanted = request.extensions.get_extension_for_class(kind)
                assert wanted.value == issued.extensions.get_extension_for_class(kind).value

    def test_openssl_signs_them_and_counts_on(self, run: Run, project: Path) -> None:
        assert run("enable", "--csr").code == 0
        last = int((project / "cert/ca.srl").read_text(), 16)
        command = (
            "x509 -req -in cert/server.csr -CA cert/ca.pem -CAkey cert/ca.key -CAserial cert/ca.srl"
        )
        signed = subprocess.run(
            ["openssl", *command.split()], check=True, capture_output=True
        ).stdout
        assert x509.load_pem_x509_certificate(signed).serial_number == last + 1

    def test_a_request_follows_its_key(self, run: Run, project: Path) -> None:
        assert run("enable", "--csr").code == 0
        before = (project / "cert/server.csr").read_bytes()
        assert run("renew", "--force", "--no-restart").code == 0
        request = x509.load_pem_x509_csr((project / "cert/server.csr").read_bytes())
        server = x509.load_pem_x509_certificate((project / "cert/server.pem").read_bytes())
        assert (project / "cert/server.csr").read_bytes() != before
        assert request.public_key() == server.public_key()

    @pytest.mark.parametrize("damage", [b"", b"-----BEGIN CERTIFICATE REQUEST-----\nno\n"])
    def test_a_damaged_one_is_written_anew(self, run: Run, project: Path, damage: bytes) -> None:
        assert run("enable", "--csr").code == 0
        (project / "cert/client.csr").write_bytes(damage)
        assert run("enable", "--csr").code == 0
        request = x509.load_pem_x509_csr((project / "cert/client.csr").read_bytes())
        assert request.is_signature_valid

    def test_the_signed_certificates_are_taken_later(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        assert run("enable", "--csr", "--mode", "2").code == 0
        old_ca = (project / "cert/ca.key").read_bytes()
        for role, purpose in (("server", SERVER), ("client", CLIENT)):
            request = x509.load_pem_x509_csr((project / f"cert/{role}.csr").read_bytes())
            public_key = request.public_key()
            assert isinstance(public_key, ec.EllipticCurvePublicKey)
            pair = mint(issuer=corporate["below"], public_key=public_key, purposes=(purpose,))
            (project / f"{role}.signed").write_bytes(pair.full_chain_pem)
        bring = (
            *("enable", "--mode", "2", "--json", "--ca-cert", "../brought/root.pem"),
            *("--server-cert", "server.signed", "--server-key", "cert/server.key"),
            *("--client-cert", "client.signed", "--client-key", "cert/client.key"),
        )
        taken = run(*bring).json
        assert [warning["code"] for warning in taken["warnings"]] == ["ca-replaced"]
        assert chain(project / "tls/server.pem") == ["CN=localhost", "CN=Issuing"]
        assert not (project / "cert/ca.key").exists()
        (kept,) = (project / "cert").glob("ca-*.key")
        assert kept.read_bytes() == old_ca
        assert kept.stat().st_mode & 0o777 == 0o600
        before = facts(project)
        assert not run(*bring).json["changed"]
        assert facts(project) == before
        assert run("disable", "--purge").code == 0
        assert not (project / "cert").exists()


def test_a_key_that_belongs_to_nothing_is_never_written_over(
    run: Run, project: Path, corporate: dict[str, CertificateWithKey]
) -> None:
    assert run("enable").code == 0
    (project / "cert/ca.key").write_bytes(corporate["root"].private_key_pem)
    before = facts(project)
    refused = run(
        *("enable", "--json", "--ca-cert", "../brought/chain.pem"),
        *("--ca-key", "../brought/below.key"),
    )
    assert refused.error["code"] == "value-in-the-way"
    assert "cert/ca.key does not belong" in refused.error["message"]
    assert facts(project) == before


def test_mode_2_is_not_deployed_without_a_client_to_prove_it_with(
    run: Run, project: Path, corporate: dict[str, CertificateWithKey]
) -> None:
    before = facts(project)
    refused = run(
        *("enable", "--mode", "2", "--up", "--json", "--ca-cert", "../brought/root.pem"),
        *("--server-cert", "../brought/server.p12", *SECRET),
    )
    assert (refused.code, refused.error["code"]) == (2, "conflicting-settings")
    assert "--client-cert" in refused.error["hint"]
    assert facts(project) == before


def test_a_passphrase_in_windows_line_ends_opens_too(
    run: Run, project: Path, corporate: dict[str, CertificateWithKey]
) -> None:
    (project / "pass").write_bytes(PASSPHRASE + b"\r\n")
    bring = ("--ca-cert", "../brought/ca.p12", "--ca-passphrase-file", "pass")
    assert run("enable", *bring).code == 0


class TestMadeByHand:
    """Certificates that lie in the TLS directory already, as the Milvus guide has them."""

    @pytest.fixture
    def by_hand(self, project: Path) -> Path:
        tls = project / "tls"
        tls.mkdir()
        command = "req -x509 -newkey rsa:2048 -nodes -keyout tls/server.key -out tls/server.pem"
        names = "-days 365 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        subprocess.run(
            ["openssl", *command.split(), *names.split()], check=True, capture_output=True
        )
        (tls / "ca.pem").write_bytes((tls / "server.pem").read_bytes())
        (tls / "server.key").chmod(0o640)
        return tls

    def bring(self, run: Run) -> Outcome:
        refused = run("enable", "--mode", "1", "--json")
        assert (refused.code, refused.error["code"]) == (3, "value-in-the-way")
        told = "--server-cert tls/server.pem --server-key tls/server.key --ca-cert tls/ca.pem"
        assert told in refused.error["hint"]
        return run("enable", "--mode", "1", "--json", *told.split())

    def test_they_are_taken_as_they_are(self, run: Run, by_hand: Path, project: Path) -> None:
        before = facts(by_hand)
        assert self.bring(run).code == 0
        after = facts(by_hand)
        assert {name: after[name] for name in before if name != "."} == {
            name: fact for name, fact in before.items() if name != "."
        }
        assert run("enable", "--mode", "1", "--json").json["changed"] is False
        assert run("renew", "--no-restart", "--json").json["changed"] is False
        assert run("status", "--json").json["mode"] == 1

    @pytest.mark.parametrize("form", ["-traditional", "-text"])
    def test_another_form_of_pem_is_none_of_our_business(
        self, run: Run, by_hand: Path, form: str
    ) -> None:
        what = ["rsa", "-in", "tls/server.key", "-out", "tls/server.key", form]
        if form == "-text":
            what = ["x509", "-in", "tls/ca.pem", "-out", "tls/server.pem", form]
        subprocess.run(["openssl", *what], check=True, capture_output=True)
        before = [path.read_bytes() for path in sorted(by_hand.iterdir())]
        assert self.bring(run).code == 0
        assert [
            p.read_bytes() for p in sorted(by_hand.glob("*.*")) if p.name != ".gitignore"
        ] == before

    def test_what_milvus_cannot_read_is_refused(self, run: Run, by_hand: Path) -> None:
        key = by_hand / "server.key"
        plain = key.rename(by_hand.parent / "plain.key")
        encrypt = ["pkey", "-in", plain, "-out", key, "-aes256", "-passout", "pass:x"]
        subprocess.run(["openssl", *map(str, encrypt)], check=True, capture_output=True)
        (by_hand.parent / "passphrase").write_text("x")
        given = ("--server-cert", "tls/server.pem", "--server-key", "tls/server.key")
        opens = ("--ca-cert", "tls/ca.pem", "--server-passphrase-file", "passphrase")
        refused = run("enable", *given, *opens, "--json")
        assert (refused.code, refused.error["path"]) == (4, "tls/server.key")

    def test_they_stay_when_all_is_purged(self, run: Run, by_hand: Path, project: Path) -> None:
        before = {path.name: path.read_bytes() for path in by_hand.iterdir()}
        assert self.bring(run).code == 0
        assert run("disable", "--purge").code == 0
        assert {path.name: path.read_bytes() for path in by_hand.iterdir()} == before
        assert not (project / "cert").exists()

    def test_they_stay_when_all_is_purged_later(
        self, run: Run, by_hand: Path, project: Path
    ) -> None:
        """The record is gone by then, and copies of these files are in the PKI directory."""
        before = {path.name: path.read_bytes() for path in by_hand.iterdir()}
        for earlier in (False, True):
            assert self.bring(run).code == 0
            if earlier:
                (project / "cert/.gitignore").write_bytes(b"*\n")
            assert "kept     cert/ (private keys); " in run("disable").out
            purged = run("disable", "--purge").out
            assert purged == "removed: cert/ (certificates and private keys)\n"
            assert {path.name: path.read_bytes() for path in by_hand.iterdir()} == before
            assert not (project / "cert").exists()

    def test_newer_ones_in_their_place_are_read_anew(self, run: Run, by_hand: Path) -> None:
        assert self.bring(run).code == 0
        command = "req -x509 -key tls/server.key -out tls/server.pem -days 500 -subj /CN=localhost"
        names = "-addext subjectAltName=DNS:localhost"
        subprocess.run(
            ["openssl", *command.split(), *names.split()], check=True, capture_output=True
        )
        (by_hand / "ca.pem").write_bytes((by_hand / "server.pem").read_bytes())
        renewed = run("renew", "--no-restart", "--json")
        assert (renewed.code, renewed.json["deployed"]) == (0, False)
        assert renewed.json["certificates"][0]["days_left"] > 400

    def test_a_self_signed_one_may_issue_the_next_under_another_subject(
        self, run: Run, project: Path
    ) -> None:
        command = "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 365"
        names = "-subj /CN=vec.lan -addext subjectAltName=DNS:vec.lan"
        subprocess.run(
            ["openssl", *command.split(), *names.split()], check=True, capture_output=True
        )
        served = "--server-name vec.lan --server-cert own.pem --server-key own.key"
        issued = "--server-name vec.lan --ca-key own.key"
        assert run("enable", *served.split(), "--ca-cert", "own.pem").code == 0

        done = run("enable", *issued.split(), "--ca-cert", "own.pem", "--json")

        assert done.code == 0, done.error
        server = x509.load_pem_x509_certificates((project / "tls/server.pem").read_bytes())[0]
        assert server.subject.rfc4514_string() == "CN=vec.lan server"
        assert not run("enable", "--json").json["changed"]


class TestWhoIsAClient:
    BROUGHT = (
        *("--server-cert", "../brought/server.pem", "--server-key", "../brought/server.key"),
        *("--ca-cert", "../brought/chain.pem"),
    )

    def test_mode_2_without_a_client_certificate_says_so(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        codes = {
            one["code"]
            for one in run("enable", "--mode", "2", *self.BROUGHT, "--json").json["warnings"]
        }

        assert "client-certificate-missing" in codes
        assert "public-client-ca" not in codes

    @pytest.mark.parametrize(("mode", "warned"), [("1", False), ("2", True)])
    def test_a_public_ca_of_clients_is_warned_of(
        self,
        run: Run,
        project: Path,
        corporate: dict[str, CertificateWithKey],
        monkeypatch: pytest.MonkeyPatch,
        mode: str,
        warned: bool,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(project.parent / "brought" / "root.pem"))
        document = run("enable", "--mode", mode, *self.BROUGHT, "--json").json

        assert ("public-client-ca" in {one["code"] for one in document["warnings"]}) == warned

    def test_certificates_that_disable_kept_are_told_with_the_command_that_removes_them(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        assert run("enable", *TestWhoIsAClient.BROUGHT).code == 0
        assert run("disable").code == 0
        other = ("--ca-cert", "../brought/chain.pem", "--ca-key", "../brought/below.key")

        hint = run("enable", *other, "--json").error["hint"]

        assert hint.endswith("remove what an earlier enable left: compose-tls disable --purge")
        assert run("disable", "--purge").code == 0
        assert run("enable", *other).code == 0

    def test_files_of_someone_else_are_neither_offered_for_removal_nor_renewed(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        (project / "cert").mkdir()
        for name in ("server.pem", "server.key"):
            shutil.copy(project.parent / "brought" / name, project / "cert")

        assert run("enable", "--json").error["hint"] == (
            "restore it, or move the directory away to start with new certificates"
        )
        shutil.copy(project.parent / "brought" / "chain.pem", project / "cert" / "ca.pem")
        hint = run("enable", "--json").error["hint"]
        assert hint.endswith("or move it away; or choose another directory with --pki-dir")


class TestTheCaOfTheClients:
    """The CA that Milvus lets clients in by, where it is not that of the server."""

    SERVER = TestWhoIsAClient.BROUGHT
    APART = ("--client-ca-cert", "../brought/friends.pem")
    KEY = ("--client-ca-key", "../brought/friends.key")

    @pytest.fixture
    def friends(
        self, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> CertificateWithKey:
        friends = mint("Friends", ca=True, end=NOW + 900 * DAY)
        friend = mint("friend", issuer=friends, purposes=(CLIENT,))
        for name, pair in {"friends": friends, "friend": friend}.items():
            (project.parent / "brought" / f"{name}.pem").write_bytes(pair.full_chain_pem)
            (project.parent / "brought" / f"{name}.key").write_bytes(pair.private_key_pem)
        return friends

    def enable(self, run: Run, *more: str) -> Outcome:
        return run("enable", "--mode", "2", *self.SERVER, *more, "--json")

    def test_milvus_gets_theirs_and_clients_verify_with_that_of_the_server(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        document = self.enable(run, *self.APART, *self.KEY).json

        assert chain(project / "tls" / "ca.pem") == ["CN=Friends"]
        assert chain(project / "cert" / "client-ca.pem") == ["CN=Friends"]
        assert chain(project / "cert" / "ca.pem") == ["CN=Issuing", "CN=Root"]
        assert not (project / "cert" / "client-ca.key").exists()
        assert document["connect"]["ca_pem_path"].endswith("cert/ca.pem")
        issuers = {one["path"]: one["issuer"] for one in document["certificates"]}
        assert issuers["cert/client.pem"] == "CN=Friends"
        codes = {one["code"] for one in document["warnings"]}
        assert not codes & {"client-certificate-missing", "public-client-ca", "shared-client-ca"}

    def test_a_command_that_could_issue_nothing_is_not_the_next_step(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        told = run("enable", "--mode", "2", *self.SERVER, *self.APART).out

        assert "  clients  every client needs a certificate now\n" in told
        assert told.endswith("\nnext: docker compose up -d\n")
        with_key = run(
            "enable", "--mode", "2", *self.SERVER, *self.APART, *self.KEY, "--dry-run"
        ).out
        assert "compose-tls client NAME" not in with_key  # mode 2 is not new

    def test_the_passphrase_that_is_missing_is_that_of_the_ca(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        encrypted = (project.parent / "brought" / "encrypted.key").read_bytes()
        (project.parent / "brought" / "friends.key").write_bytes(encrypted)

        error = self.enable(run, *self.APART, *self.KEY).error

        assert "--client-ca-passphrase-file FILE" in error["hint"]
        assert "--server-passphrase-file" not in error["hint"]

    def test_is_remembered_and_a_second_run_changes_nothing(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        self.enable(run, *self.APART, *self.KEY)
        before = facts(project)
        again = run("enable", "--json").json

        assert (again["changed"], again["mode"]) == (False, 2)
        assert facts(project) == before
        status = run("status", "--json").json
        states = {one["path"]: one["state"] for one in status["file_states"]}
        assert states["tls/ca.pem"] == states["cert/client-ca.pem"] == "as-written"

    def test_a_client_that_is_brought_has_to_be_of_theirs(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        def bring(name: str) -> Outcome:
            files = (f"../brought/{name}.pem", f"../brought/{name}.key")
            return self.enable(
                run, *self.APART, "--client-cert", files[0], "--client-key", files[1]
            )

        assert bring("client").error["code"] == "issuer-mismatch"
        assert bring("friend").code == 0
        assert chain(project / "cert" / "client.pem")[0] == "CN=friend"

    def test_beside_a_ca_of_ours(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        assert run("enable", "--mode", "2").code == 0
        ours = (project / "cert" / "ca.pem").read_bytes()
        document = run("enable", *self.APART, *self.KEY, "--json").json

        assert chain(project / "tls" / "ca.pem") == ["CN=Friends"]
        assert (project / "cert" / "ca.pem").read_bytes() == ours
        issuers = {one["path"]: one["issuer"] for one in document["certificates"]}
        assert issuers["cert/client.pem"] == "CN=Friends"
        assert "compose-tls CA" in issuers["cert/server.pem"]

    def test_naming_the_ca_of_the_server_ends_it(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        assert run("enable", "--mode", "2", *self.APART, *self.KEY).code == 0
        back = run("enable", "--client-ca-cert", "cert/ca.pem", "--json").json

        ours = (project / "cert" / "ca.pem").read_bytes()
        assert (project / "tls" / "ca.pem").read_bytes() == ours
        issuers = {one["path"]: one["issuer"] for one in back["certificates"]}
        assert issuers["cert/client.pem"] == issuers["cert/server.pem"]
        assert run("enable", "--json").json["changed"] is False

    def test_the_key_of_the_ca_of_the_server_issues_for_clients(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        """As the warning that no client has a certificate says."""
        key = ("--client-ca-key", "../brought/below.key")
        found = self.enable(run, "--client-ca-cert", "../brought/chain.pem", *key).json

        assert "client-certificate-missing" not in {one["code"] for one in found["warnings"]}
        assert chain(project / "cert" / "client.pem") == ["CN=client", "CN=Issuing"]
        more = ("--client-ca-cert", "../brought/chain.pem", *key)
        assert run("client", "alice", *more).code == 0
        assert run("enable", "--json").json["changed"] is False

    @pytest.mark.parametrize(
        "given",
        [
            ("--ca-cert", "../brought/chain.pem", "--ca-key", "../brought/below.key"),
            (
                *(*SERVER, "--client-ca-cert", "../brought/chain.pem"),
                *("--client-ca-key", "../brought/below.key"),
            ),
        ],
    )
    def test_the_command_for_more_clients_names_what_is_outside_the_project(
        self,
        run: Run,
        project: Path,
        corporate: dict[str, CertificateWithKey],
        given: tuple[str, ...],
    ) -> None:
        out = run("enable", "--mode", "2", *given).out
        command = out.partition("needs a certificate now: compose-tls ")[2].partition("\n")[0]

        assert command.startswith("client NAME --")
        assert run(*command.replace("NAME", "alice").split()).code == 0

    def test_an_intermediate_lets_in_its_own_clients_alone(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        """Its root is not put beside it, or every client of the company would be one of Milvus."""
        apart = ("--client-ca-cert", "../brought/below.pem")
        files = ("../brought/client.pem", "../brought/client.key")
        found = self.enable(run, *apart, "--client-cert", files[0], "--client-key", files[1])

        assert found.code == 0, found.err
        assert chain(project / "tls" / "ca.pem") == ["CN=Issuing"]

    def test_under_a_public_ca_clients_get_one_that_is_made_here(
        self,
        run: Run,
        project: Path,
        corporate: dict[str, CertificateWithKey],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(project.parent / "brought" / "root.pem"))
        document = self.enable(run).json

        codes = {one["code"] for one in document["warnings"]}
        assert "public-client-ca" in codes
        assert "client-certificate-missing" not in codes
        (subject,) = chain(project / "tls" / "ca.pem")
        assert "CN=compose-tls client CA" in subject
        assert run("enable", "--json").json["changed"] is False
        assert run("renew", "--no-restart", "--json").json["changed"] is False

        further = run("client", "alice", "--json").json
        assert further["certificates"][0]["issuer"] == subject
        assert run("status", "--json").json["certificates"]

        renewed = run("renew", "--force", "--no-restart", "--json").json
        files = {one["path"]: one["action"] for one in renewed["files"]}
        assert files["cert/client.pem"] == "patched"
        assert files["tls/ca.pem"] == files["tls/server.pem"] == "unchanged"
        assert run("disable", "--purge").code == 0
        assert not (project / "cert").exists()

    def test_who_had_certificates_of_that_ca_keeps_them(
        self,
        run: Run,
        project: Path,
        corporate: dict[str, CertificateWithKey],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        assert self.enable(run).code == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(project.parent / "brought" / "root.pem"))

        assert run("enable", "--json").json["changed"] is False
        assert chain(project / "tls" / "ca.pem") == ["CN=Issuing", "CN=Root"]

    def test_our_key_is_kept_when_another_takes_its_place(
        self,
        run: Run,
        project: Path,
        friends: CertificateWithKey,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(project.parent / "brought" / "root.pem"))
        self.enable(run)
        key = (project / "cert" / "client-ca.key").read_bytes()
        document = run("enable", *self.APART, *self.KEY, "--json").json

        assert "ca-replaced" in {one["code"] for one in document["warnings"]}
        (kept,) = (project / "cert").glob("client-ca-*.key")
        assert kept.read_bytes() == key
        assert not (project / "cert" / "client-ca.key").exists()
        assert run("disable", "--purge").code == 0
        assert not (project / "cert").exists()

    def test_one_ca_for_servers_and_clients_alike_is_warned_of(
        self, run: Run, project: Path, corporate: dict[str, CertificateWithKey]
    ) -> None:
        server = mint(issuer=corporate["below"], dns=NAMES, purposes=(SERVER, CLIENT))
        for name, content in (("pem", server.full_chain_pem), ("key", server.private_key_pem)):
            (project.parent / "brought" / f"server.{name}").write_bytes(content)
        client = ("--client-cert", "../brought/client.pem", "--client-key", "../brought/client.key")
        warnings = self.enable(run, *client).json["warnings"]

        (told,) = (one for one in warnings if one["code"] == "shared-client-ca")
        assert "--client-ca-cert" in told["hint"]

    def test_the_files_of_the_tls_directory_are_not_mixed_up(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        (project / "tls").mkdir()
        chain_pem = (project.parent / "brought" / "chain.pem").read_bytes()
        (project / "tls" / "ca.pem").write_bytes(chain_pem)
        words = (*self.SERVER[:4], "--ca-cert", "tls/ca.pem", *self.APART, *self.KEY)
        found = run("enable", "--mode", "2", *words, "--json")

        assert found.error["code"] == "value-in-the-way"
        assert (project / "tls" / "ca.pem").read_bytes() == chain_pem

    @pytest.mark.parametrize(
        ("words", "part"),
        [
            (("--client-ca-key", "x"), "--client-ca-key needs --client-ca-cert"),
            (
                (*APART, *KEY, "--client-cert", "x", "--client-key", "y"),
                "--client-cert and --client-ca-key exclude each other",
            ),
            (("--client-cert", "x", "--client-key", "y"), "--client-cert needs --server-cert"),
        ],
    )
    def test_what_does_not_go_together(
        self, run: Run, project: Path, words: tuple[str, ...], part: str
    ) -> None:
        error = run("enable", *words, "--json").error
        assert error["code"] == "conflicting-settings"
        assert part in error["message"]

    def test_their_key_is_named_for_more_clients(
        self, run: Run, project: Path, friends: CertificateWithKey
    ) -> None:
        self.enable(run, *self.APART, *self.KEY)
        lost = run("client", "alice", "--json").error
        assert "--client-ca-key" in lost["hint"]
        issued = run("client", "alice", *self.APART, *self.KEY, "--json").json
        assert issued["certificates"][0]["issuer"] == "CN=Friends"


def test_a_next_step_names_the_ca_that_lies_outside(
    run: Run, project: Path, corporate: dict[str, CertificateWithKey]
) -> None:
    compose = project / "docker-compose.yml"
    chat = "  chat: {image: chat, environment: [MILVUS_URI=http://standalone:19530]}\n"
    compose.write_text(compose.read_text().replace("services:\n", f"services:\n{chat}", 1))
    named = ("--ca-cert", "../brought/root.pem", "--ca-key", "../brought/root.key")
    issue = f"compose-tls client {' '.join(named)} "

    refused = run("enable", "--mode", "2", *named)
    assert f" and a client certificate, after enable: {issue}chat; --mode 1" in refused.err
    told = run("enable", "--mode", "2", *named, "--neighbours", "list")
    assert f" and a client certificate, after enable: {issue}chat\n" in told.err
    # Later it is known from the record alone.
    assert f"next: {issue}chat, then add" in run("connect", "--for", "chat").err
    missing = run("connect", "--client", "bob").err
    assert f"next: issue it: {issue}bob\n" in missing
    assert run(*f"{issue}bob".split()[1:]).code == 0


def test_a_ca_that_lies_outside_is_to_be_named_again(
    run: Run, project: Path, corporate: dict[str, CertificateWithKey]
) -> None:
    brought = project.parent / "brought"
    named = ("--ca-cert", str(brought / "root.pem"), "--ca-key", str(brought / "root.key"))
    assert run("enable", "--mode", "2", *named).code == 0

    refused = run("client", "bob")

    assert refused.code == 4
    again = f"compose-tls client bob {' '.join(named)}"
    assert f"read only if the command names them: {again}\n" in refused.err
    assert run(*again.split()[1:]).code == 0

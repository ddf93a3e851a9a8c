"""Services that talk to Milvus, where its certificates come from outside: who is switched, and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose_tls.pki.certificate_with_key import CertificateWithKey
from tests.moment import NOW
from tests.unit.cli.conftest import Run, certificate, codes
from tests.unit.cli.projects import own_files
from tests.unit.pki.minting import DAY, mint

MILVUS = """\
services:
  standalone:
    image: milvusdb/milvus:v2.3.5
    command: ["milvus", "run", "standalone"]
    ports:
      - "19530:19530"
  attu:
    image: "zilliz/attu:v2.5.6"
    environment:
      MILVUS_URL: standalone:19530   # the store
"""
CHAT = """\
  chat:
    image: ghcr.io/open-webui/open-webui:main
    environment:
      MILVUS_URI: http://standalone:19530
"""
SERVER = (
    *("--server-cert", "../brought/server.pem", "--server-key", "../brought/server.key"),
    *("--ca-cert", "../brought/root.pem"),
)
CLIENTS = ("--client-ca-cert", "../brought/friends.pem")
KEY = ("--client-ca-key", "../brought/friends.key")
MUTUAL = ("enable", "--mode", "2", *SERVER, *CLIENTS, *KEY)


@pytest.fixture
def brought(project: Path) -> Path:
    """A server certificate with the name of the service, and two CAs; in the project an Attu."""
    (project / "milvus.yaml").unlink()
    (project / "docker-compose.yml").write_text(MILVUS)
    place = project.parent / "brought"
    place.mkdir()
    root = mint("Root", ca=True, end=NOW + 900 * DAY)
    server = mint(issuer=root, dns=("localhost", "standalone"))
    friends = mint("Friends", ca=True, end=NOW + 900 * DAY)
    for name, pair in {"root": root, "server": server, "friends": friends}.items():
        put(place, name, pair)
    return place


def put(place: Path, name: str, pair: CertificateWithKey) -> None:
    (place / f"{name}.pem").write_bytes(pair.full_chain_pem)
    (place / f"{name}.key").write_bytes(pair.private_key_pem)


class TestMode1:
    def test_each_trusts_the_ca_that_was_brought_by_the_names_in_the_certificate(
        self, run: Run, project: Path, brought: Path
    ) -> None:
        (project / "docker-compose.yml").write_text(MILVUS + CHAT)
        before = own_files(project)
        done = run("enable", *SERVER, "--json")

        assert done.code == 0, done.err
        assert [one["service"] for one in done.json["neighbours"]] == ["attu", "chat"]
        root = (brought / "root.pem").read_bytes()
        assert (project / "tls-clients/attu/ca.pem").read_bytes() == root
        assert (project / "tls-clients/chat/roots.pem").read_bytes().endswith(root)
        assert "SERVER_NAME: standalone" in (project / "docker-compose.yml").read_text()
        assert not run("enable", "--json").json["changed"]
        assert run("disable", "--purge").code == 0
        assert own_files(project) == before

    def test_one_that_calls_milvus_by_a_name_that_is_not_in_it_is_left_and_told(
        self, run: Run, project: Path, brought: Path
    ) -> None:
        root = mint("Root", ca=True, end=NOW + 900 * DAY)
        put(brought, "root", root)
        put(brought, "server", mint(issuer=root, dns=("localhost",)))
        (project / "docker-compose.yml").write_text(MILVUS + CHAT)
        done = run("enable", *SERVER, "--json")

        [left] = done.json["cut_off"]
        assert left["service"] == "chat"
        assert "the server certificate does not include the name standalone" in left["needs"]


class TestMode2:
    def test_each_shows_a_certificate_of_the_ca_of_the_clients_and_trusts_that_of_the_server(
        self, run: Run, project: Path, brought: Path
    ) -> None:
        before = own_files(project)
        done = run(*MUTUAL, "--json")

        assert done.code == 0, done.err
        [told] = done.json["neighbours"]
        assert (told["service"], told["certificate"]) == ("attu", "cert/clients/attu.pem")
        attu = project / "tls-clients/attu"
        shown = certificate(attu / "client.pem")
        assert shown.subject.rfc4514_string() == "CN=attu"
        shown.verify_directly_issued_by(certificate(brought / "friends.pem"))
        assert (attu / "ca.pem").read_bytes() == (brought / "root.pem").read_bytes()
        assert (project / "tls/ca.pem").read_bytes() == (brought / "friends.pem").read_bytes()
        assert "cut_off" not in done.json

        again = run("enable", "--json")
        assert (again.code, again.json["changed"]) == (0, False), again.out
        link = next(
            one for one in run("status", "--json").json["links"] if one["sources"] == ["attu"]
        )
        assert link["encryption"] == "encrypted"
        assert link["note"].startswith("shows cert/clients/attu.pem, until 20")

        assert run("disable", "--purge").code == 0
        assert own_files(project) == before
        assert not (project / "tls-clients").exists()

    def test_under_a_public_ca_that_which_is_made_here_issues_for_them(
        self, run: Run, project: Path, brought: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(brought / "root.pem"))
        done = run("enable", "--mode", "2", *SERVER, "--json")

        assert done.code == 0, done.err
        shown = certificate(project / "tls-clients/attu/client.pem")
        shown.verify_directly_issued_by(certificate(project / "cert/client-ca.pem"))
        assert not run("enable", "--json").json["changed"]
        assert not run("renew", "--no-restart", "--json").json["changed"]

    @pytest.mark.parametrize("given", [(), CLIENTS])
    def test_without_the_key_of_their_ca_it_is_refused_with_the_whole_next_step(
        self, run: Run, project: Path, brought: Path, given: tuple[str, ...]
    ) -> None:
        before = own_files(project)
        refused = run("enable", "--mode", "2", *SERVER, *given, "--json")

        assert (refused.code, refused.error["code"]) == (3, "clients-cut-off")
        ca = brought / "friends.pem" if given else project / "client-ca.pem"
        key = brought / "friends.key" if given else project / "client-ca.key"
        assert "attu: a client certificate of its own" in refused.error["hint"]
        assert f"--server-cert {brought}/server.pem" in refused.error["hint"]
        assert f"--client-ca-cert {ca} --client-ca-key" in refused.error["hint"]
        assert own_files(project) == before
        assert not (project / "cert").exists()
        if not given:
            put(project, "client-ca", mint("Friends", ca=True, end=NOW + 900 * DAY))
            assert key.exists()
        command = refused.error["hint"].partition("compose-tls ")[2].partition(";")[0].split()
        if given:
            command[command.index("--client-ca-key") + 1] = str(key)
        assert run(*command).code == 0
        assert (project / "tls-clients/attu/client.key").exists()

    def test_who_accepts_it_leaves_them_plain(self, run: Run, project: Path, brought: Path) -> None:
        accepted = ("--accept", "clients-cut-off")
        done = run("enable", "--mode", "2", *SERVER, *accepted, "--json")

        assert done.code == 0, done.err
        assert "clients-cut-off" in codes(done)
        assert not (project / "tls-clients").exists()
        # And they are switched once the key is given, with the same mode.
        assert run(*MUTUAL, "--json").json["changed"]
        assert (project / "tls-clients/attu/client.pem").exists()

    def test_one_that_was_switched_is_not_cut_off_by_certificates_from_outside(
        self, run: Run, project: Path, brought: Path
    ) -> None:
        assert run("enable", "--mode", "2").code == 0
        shown = (project / "tls-clients/attu/client.pem").read_bytes()
        refused = run("enable", *SERVER, "--json")

        assert refused.error["code"] == "clients-cut-off"
        assert (project / "tls-clients/attu/client.pem").read_bytes() == shown
        assert run("enable", *SERVER, *CLIENTS, *KEY).code == 0
        certificate(project / "tls-clients/attu/client.pem").verify_directly_issued_by(
            certificate(brought / "friends.pem")
        )


class TestRenew:
    def test_each_gets_a_new_certificate_of_the_same_ca(
        self, run: Run, project: Path, brought: Path
    ) -> None:
        run(*MUTUAL)
        attu = project / "tls-clients/attu"
        before = (attu / "client.pem").read_bytes()
        assert not run("renew", "--no-restart", "--json").json["changed"]
        assert (attu / "client.pem").read_bytes() == before
        renewed = run("renew", "--force", "--no-restart", *CLIENTS, *KEY, "--json")

        assert renewed.code == 0, renewed.err
        assert (attu / "client.pem").read_bytes() != before
        certificate(attu / "client.pem").verify_directly_issued_by(
            certificate(brought / "friends.pem")
        )
        assert renewed.json["next"] == ["docker compose restart attu"]
        assert not run("renew", "--no-restart", "--json").json["changed"]
        assert not run("enable", "--json").json["changed"]

    def test_a_new_ca_of_the_server_reaches_them(
        self, run: Run, project: Path, brought: Path
    ) -> None:
        for file in brought.iterdir():
            (project / file.name).write_bytes(file.read_bytes())
        run(*(word.removeprefix("../brought/") for word in MUTUAL))
        shown = (project / "tls-clients/attu/client.pem").read_bytes()
        root = mint("New root", ca=True, end=NOW + 900 * DAY)
        put(project, "root", root)
        put(project, "server", mint(issuer=root, dns=("localhost", "standalone")))
        renewed = run("renew", "--no-restart", "--json")

        assert renewed.code == 0, renewed.err
        assert (project / "tls-clients/attu/ca.pem").read_bytes() == root.certificate_pem
        assert (project / "tls-clients/attu/client.pem").read_bytes() == shown

    def test_where_their_ca_is_gone_it_says_so_and_writes_nothing(
        self, run: Run, project: Path, brought: Path
    ) -> None:
        run(*MUTUAL)
        (project / "cert/client-ca.pem").unlink()
        before = (project / "tls-clients/attu/client.pem").read_bytes()
        failed = run("renew", "--force", "--no-restart", "--json")

        assert (failed.code, failed.error["path"]) == (4, "cert/client-ca.pem")
        assert (project / "tls-clients/attu/client.pem").read_bytes() == before

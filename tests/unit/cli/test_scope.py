"""What ``enable --scope`` writes, remembers, renews and takes back, as whole commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.unit.cli.conftest import Run, changed, codes, contents, facts, verifies

ENABLE = ("enable", "--scope", "all", "--mode", "2", "--json")
RENEW = ("renew", "--no-restart", "--json")


@pytest.fixture(autouse=True)
def no_engine(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///no-engine/docker.sock")


def test_a_second_run_writes_nothing_and_the_scope_is_remembered(run: Run, project: Path) -> None:
    first = run(*ENABLE)
    assert first.code == 0
    assert first.json["changed"]
    before = facts(project)

    again = run("enable", "--json")
    assert (again.code, again.json["changed"]) == (0, False)
    assert facts(project) == before


def test_everything_that_a_container_sees_is_under_its_own_ca(run: Run, project: Path) -> None:
    run(*ENABLE)

    stack = "cert/stack-ca.pem"
    assert verifies(project, stack, "tls/etcd/server.pem", "sslserver")
    assert verifies(project, stack, "tls/etcd/server.pem", "sslclient")
    assert verifies(project, stack, "tls/milvus/etcd-client.pem", "sslclient")
    assert not verifies(project, stack, "tls/milvus/etcd-client.pem", "sslserver")
    assert verifies(project, stack, "tls/object-store/public.crt", "sslserver")
    # A client of Milvus is none of etcd, and the other way round.
    assert not verifies(project, stack, "cert/client.pem", "sslclient")
    assert not verifies(project, "cert/ca.pem", "tls/milvus/etcd-client.pem", "sslclient")


def test_the_bundle_holds_the_public_roots_and_the_ca(run: Run, project: Path) -> None:
    told = codes(run(*ENABLE))

    roots = (project / "cert/public-roots.pem").read_bytes()
    bundle = (project / "tls/milvus/ca-bundle.pem").read_bytes()
    assert bundle == roots + (project / "cert/stack-ca.pem").read_bytes()
    assert verifies(project, "tls/milvus/ca-bundle.pem", "tls/object-store/public.crt", "sslserver")
    assert "public-roots" in told


def test_roots_of_ones_own_are_kept_and_bundled(run: Run, project: Path) -> None:
    run(*ENABLE)
    roots = project / "cert/public-roots.pem"
    roots.write_bytes(b"")

    assert run("enable", "--json").json["changed"]
    bundle = (project / "tls/milvus/ca-bundle.pem").read_bytes()
    assert bundle == (project / "cert/stack-ca.pem").read_bytes()
    assert roots.read_bytes() == b""


def test_disable_gives_the_bytes_back_and_purge_leaves_nothing(run: Run, project: Path) -> None:
    before = contents(project)
    run(*ENABLE)
    run("disable", "-q")
    after = contents(project)
    assert {name: after[name] for name in before} == before

    run(*ENABLE)
    run("disable", "--purge", "-q")
    assert contents(project) == before
    assert sorted(path.name for path in project.iterdir()) == sorted(before)


def test_purge_after_disable_leaves_nothing_either(run: Run, project: Path) -> None:
    before = contents(project)
    run(*ENABLE)
    run("disable", "-q")
    run("disable", "--purge", "-q")

    assert contents(project) == before
    assert sorted(path.name for path in project.iterdir()) == sorted(before)


def test_a_dry_run_shows_the_lines_and_writes_nothing(run: Run, project: Path) -> None:
    before = facts(project)
    shown = run(*ENABLE, "--dry-run")

    assert facts(project) == before
    assert "+      - ./tls/etcd:/tls" in shown.json["diff"].replace(
        "${DOCKER_VOLUME_DIRECTORY:-.}", "."
    )


def test_a_smaller_scope_leaves_no_key_of_a_part_in_the_tls_directory(
    run: Run, project: Path
) -> None:
    run(*ENABLE)
    smaller = run("enable", "--scope", "proxy", "--json")

    assert "scope-reduced" in codes(smaller)
    names = {str(path.relative_to(project / "tls")) for path in (project / "tls").rglob("*")}
    assert names == {".gitignore", "ca.pem", "server.pem", "server.key"}


def test_brought_certificates_for_clients_go_together_with_scope_all(
    run: Run, project: Path
) -> None:
    run("enable", "--mode", "1", "-q")
    run("disable", "-q")
    (project / "cert").rename(project / "mine")
    for name in ("server.pem", "server.key", "ca.pem"):
        (project / name).write_bytes((project / "mine" / name).read_bytes())
    for path in sorted((project / "tls").rglob("*"), reverse=True):
        path.unlink()
    brought = run(
        "enable", "--scope", "all", "--mode", "1", "--json",
        "--server-cert", "server.pem", "--server-key", "server.key", "--ca-cert", "ca.pem",
    )  # fmt: skip

    assert brought.code == 0, brought.err
    assert verifies(project, "cert/stack-ca.pem", "tls/etcd/server.pem", "sslserver")
    assert not (project / "cert/ca.key").exists()


def test_a_ca_that_another_service_mounts_stays_where_it_is(run: Run, project: Path) -> None:
    run("enable", "--mode", "1", "-q")
    file = project / "docker-compose.yml"
    attu = "  attu:\n    image: zilliz/attu:v2.5\n    volumes: ['./tls/ca.pem:/certs/ca.pem']\n"
    file.write_text(file.read_text().replace("services:\n", f"services:\n{attu}", 1))
    run("enable", "--scope", "all", "-q")

    assert (project / "tls/ca.pem").read_bytes() == (project / "cert/ca.pem").read_bytes()
    assert not (project / "tls/server.key").exists()
    run("disable", "--purge", "-q")
    assert not (project / "tls").exists()


class TestRenewal:
    def test_every_certificate_is_renewed_under_the_ca_that_stays(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        before = contents(project)
        renewed = run(*RENEW, "--force")

        new = changed(before, contents(project))
        for name in ("etcd", "etcd-client", "object-store", "server", "client"):
            assert f"cert/{name}.pem" in new
        assert "cert/stack-ca.pem" not in new
        assert "docker-compose.yml" not in new
        assert "tls/etcd/server.key" in new
        assert "tls/object-store/public.crt" in new
        assert verifies(project, "cert/stack-ca.pem", "tls/etcd/server.pem", "sslserver")
        assert re.search(r"restart etcd minio .*standalone", renewed.json["next"][0])

    def test_nothing_is_written_while_all_of_them_are_good_for_long(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        before = facts(project)

        renewed = run(*RENEW)
        assert (renewed.code, renewed.json["changed"]) == (0, False)
        assert facts(project) == before

    def test_a_new_ca_for_clients_leaves_that_of_the_parts_alone(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        before = contents(project)
        run(*RENEW, "--ca")

        new = changed(before, contents(project))
        assert "cert/next-ca.pem" in new
        assert not any(name.startswith(("tls/etcd", "tls/object-store")) for name in new)

    def test_whoever_knows_only_the_object_store_learns_of_a_new_ca(
        self, run: Run, project: Path
    ) -> None:
        file = project / "docker-compose.yml"
        backup = (
            "  backup:\n    image: milvusdb/milvus-backup:v0.5.5\n"
            "    environment: {MINIO_ADDRESS: minio, MINIO_PORT: '9000'}\n"
        )
        file.write_text(file.read_text().replace("services:\n", f"services:\n{backup}", 1))
        run(*ENABLE)
        # What it trusts stays where the CA does.
        assert "backup" not in run(*RENEW, "--force").json["next"][0]
        (project / "cert/stack-ca.key").unlink()

        renewed = run(*RENEW)
        assert re.search(r"restart etcd minio .*standalone backup", renewed.json["next"][0])
        (project / "cert/stack-ca.key").unlink()
        again = run("enable", "--json")
        assert re.search(
            r"up -d --force-recreate etcd minio .*standalone backup", " ".join(again.json["next"])
        )

    def test_whoever_mounts_a_certificate_by_hand_is_named(self, run: Run, project: Path) -> None:
        file = project / "docker-compose.yml"
        cron = "  cron:\n    image: me/cron\n    volumes: ['./cert/etcd-client.pem:/c.pem:ro']\n"
        file.write_text(file.read_text().replace("services:\n", f"services:\n{cron}", 1))
        run(*ENABLE)
        renewed = run(*RENEW, "--force")

        [told] = [w for w in renewed.json["warnings"] if w["code"] == "neighbours-not-restarted"]
        assert told["hint"] == "docker compose restart cron"
        assert "cron" not in renewed.json["next"][0]


class TestStatus:
    def test_a_link_says_until_when_it_is_encrypted_and_another_why_it_is_plain(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        links = {link["purpose"]: link for link in run("status", "--json").json["links"]}

        assert links["metadata"]["encryption"] == "encrypted"
        assert links["metadata"]["certificate"] == "tls/etcd/server.pem"
        assert links["object store"]["certificate"] == "tls/object-store/public.crt"
        assert links["object store"]["not_after"]
        assert links["metrics and health"]["reason"]

    def test_it_is_read_from_the_project_and_not_from_the_record(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        file = project / "docker-compose.yml"
        text = file.read_text()
        settings = yaml.safe_load((project / "milvus.yaml").read_text())
        assert settings["etcd"]["ssl"]["enabled"] is True
        milvus = (project / "milvus.yaml").read_text()
        assert text.count("ETCD_CERT_FILE") == 1
        (project / "milvus.yaml").write_text(
            re.sub(r"(etcd:(?s:.*?)ssl:\s+enabled: )true", r"\g<1>false", milvus, count=1)
        )
        links = {link["purpose"]: link for link in run("status", "--json").json["links"]}

        assert links["metadata"]["encryption"] == "plain"
        assert "--scope all" in links["metadata"]["reason"]

    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            (
                "image: minio/minio:",
                "image: dxflrs/garage:",
                "the TLS settings of this object store",
            ),
            ("image: quay.io/coreos/etcd:", "image: mine/metadata:", "does not run a known etcd"),
            ("image: quay.io/coreos/etcd:", "image: quay.io/coreos/etcd:", "/start starts it"),
        ],
    )
    def test_a_server_that_nobody_could_switch_is_not_said_to_be_switched_by_it(
        self, run: Run, project: Path, old: str, new: str, why: str
    ) -> None:
        file = project / "docker-compose.yml"
        text = re.sub(rf"{old}\S+", f"{new}v1", file.read_text())
        text = re.sub(r"command: (?:etcd|minio) .*", "command: /start", text)
        file.write_text(text)
        assert run(*ENABLE).code == 0
        links = run("status", "--json").json["links"]

        assert any(why in (link.get("reason") or "") for link in links)

    def test_a_server_on_the_network_of_this_machine_is_not_said_to_be_elsewhere(
        self, run: Run, project: Path
    ) -> None:
        file = project / "docker-compose.yml"
        text = re.sub(r"(?m)^(    image: )", r"    network_mode: host\n\1", file.read_text())
        file.write_text(text.replace("ETCD_ENDPOINTS: etcd:", "ETCD_ENDPOINTS: localhost:"))
        assert run(*ENABLE).code == 0
        links = run("status", "--json").json["links"]

        (found,) = (link for link in links if link["purpose"] == "metadata")
        assert found["reason"].startswith(
            "on the network of the host, services cannot be told apart"
        )

    def test_a_container_that_sees_a_key_of_another_one_is_named(
        self, run: Run, project: Path
    ) -> None:
        run(*ENABLE)
        assert "key-mounted" not in codes(run("status", "--json"))
        file = project / "docker-compose.yml"
        file.write_text(
            file.read_text().replace(
                "services:\n",
                "services:\n  mine:\n    image: me\n    volumes: ['./tls:/tls']\n",
                1,
            )
        )
        told = run("status", "--json").json["warnings"]

        (warning,) = (one for one in told if one["code"] == "key-mounted")
        assert "mine" in warning["message"]
        assert "tls/etcd/server.key" in warning["message"]

    def test_a_key_of_a_part_that_others_may_read_is_named(self, run: Run, project: Path) -> None:
        run(*ENABLE)
        (project / "tls/etcd/server.key").chmod(0o644)
        told = run("status", "--json").json["warnings"]

        (warning,) = (one for one in told if one["code"] == "key-exposed")
        assert warning["path"] == "tls/etcd/server.key"


def test_a_larger_scope_leaves_nothing_that_has_to_be_looked_at(run: Run, project: Path) -> None:
    """The directory that Milvus mounted holds those of all parts now."""
    run("enable", "--mode", "2")
    assert "directory-kept" not in codes(run(*ENABLE))
    assert not (project / "tls/server.key").exists()


def test_what_renew_was_asked_for_is_no_warning(run: Run) -> None:
    run(*ENABLE)
    renewed = run(*RENEW, "--force")
    assert "certificate-reissued" not in codes(renewed)


def test_another_tls_directory_leaves_nothing_in_the_one_before(run: Run, project: Path) -> None:
    run(*ENABLE)
    moved = run("enable", "--tls-dir", "shown", "--json")

    assert moved.code == 0, moved.err
    assert not (project / "tls").exists()
    assert (project / "shown/etcd/server.key").exists()
    assert run("enable", "--json").json["changed"] is False


class TestKafka:
    """A broker whose image and listeners are known, from enable to purge."""

    @pytest.fixture
    def broker(self, project: Path) -> Path:
        kafka = (
            "  kafka:\n    image: apache/kafka:3.8.0\n    environment:\n"
            "      KAFKA_LISTENERS: PLAINTEXT://:9092\n"
            "      KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://kafka:9092\n"
        )
        file = project / "docker-compose.yml"
        text = file.read_text().replace("services:\n", f"services:\n{kafka}", 1)
        text = re.sub(r"milvusdb/milvus:v[\d.]+", "milvusdb/milvus:v2.5.5", text)
        said = "environment:\n      MQ_TYPE: kafka\n      KAFKA_BROKERLIST: kafka:9092\n"
        head, milvus = text.split("  standalone:\n")
        milvus = milvus.replace("environment:\n", said, 1)
        file.write_text(f"{head}  standalone:\n{milvus}")
        return project

    def test_it_has_its_key_and_certificate_in_one_file_for_nobody_else(
        self, run: Run, broker: Path
    ) -> None:
        assert run(*ENABLE).code == 0

        both = broker / "tls/kafka/keystore.pem"
        key, certificate = (broker / f"cert/kafka{end}" for end in (".key", ".pem"))
        assert both.read_bytes() == key.read_bytes() + certificate.read_bytes()
        assert both.stat().st_mode & 0o007 == 0
        assert verifies(broker, "cert/stack-ca.pem", "cert/kafka.pem", "sslserver")
        assert verifies(broker, "cert/stack-ca.pem", "tls/milvus/kafka-client.pem", "sslclient")
        assert run("enable", "--json").json["changed"] is False

    def test_status_says_until_when_and_renew_and_purge_know_it(
        self, run: Run, broker: Path
    ) -> None:
        before = contents(broker)
        run(*ENABLE)
        links = {link["purpose"]: link for link in run("status", "--json").json["links"]}
        assert links["messages"]["encryption"] == "encrypted"
        assert links["messages"]["certificate"] == "tls/kafka/kafka.keystore.pem"

        old = contents(broker)
        renewed = run(*RENEW, "--force")
        assert {"tls/kafka/keystore.pem", "cert/kafka-client.key"} <= changed(old, contents(broker))
        assert re.search(r"restart .*kafka.*standalone", renewed.json["next"][0])
        run("disable", "--purge", "-q")
        assert contents(broker) == before
        assert not (broker / "tls").exists()

    def test_no_secret_of_it_is_read_into_memory(self, run: Run, broker: Path) -> None:
        from compose_tls.config import TlsConfig  # noqa: PLC0415 - the library, not the command
        from compose_tls.observe import observe  # noqa: PLC0415 - as above

        run(*ENABLE)
        seen = observe(broker, TlsConfig(), {}).observation
        assert seen.content(broker / "tls/kafka/keystore.pem") is None

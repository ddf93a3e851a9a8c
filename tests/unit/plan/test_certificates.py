from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from compose_tls.changes import IdentityPlan
from compose_tls.config import TlsConfig
from compose_tls.errors import CertificateExpired, NameInvalid
from compose_tls.observation import CertificateFacts, Observation, PkiFacts
from compose_tls.plan.identities import plan_identities
from compose_tls.vocabulary import Profile
from tests.unit.builders import NOW, STANDALONE, certificate, observation, orders

ROLES: tuple[Profile, ...] = ("ca", "server", "client")
FOUND = ("localhost", "127.0.0.1", "milvus")


def plan(seen: Observation, *found: str, elapsed: int = 0, **settings: Any) -> IdentityPlan:
    config = TlsConfig(**settings)
    now = NOW + timedelta(days=elapsed)
    return plan_identities(seen, config, ("milvus",), found or FOUND, now)


def fresh(**settings: Any) -> Observation:
    """A project with the certificates of these settings."""
    seen = observation(STANDALONE)
    issued: dict[str, CertificateFacts] = {
        order.name: certificate(order) for order in orders(plan(seen, **settings))
    }
    return replace(seen, pki=PkiFacts(issued, frozenset(issued)))


def test_at_first_all_three_are_issued() -> None:
    found = plan(observation(STANDALONE))

    assert found.sources == dict.fromkeys(ROLES, "issued")
    assert [order.profile for order in orders(found)] == list(ROLES)
    assert found.warnings == ()


def test_orders_say_what_the_settings_say() -> None:
    settings: dict[str, Any] = {
        "server_name": "db.example",
        "san": ("10.0.0.1", "other.example"),
        "key_type": "rsa-3072",
        "days": 90,
        "ca_days": 900,
        "subject": "O=Example",
    }
    ca, server, client = orders(plan(observation(STANDALONE), **settings))

    assert (ca.subject, ca.days, ca.dns_names) == ("CN=compose-tls CA,O=Example", 900, ())
    assert (server.subject, server.days) == ("CN=db.example,O=Example", 90)
    assert server.dns_names == ("db.example", "other.example", "localhost", "milvus")
    assert server.ip_addresses == ("10.0.0.1", "127.0.0.1")
    assert (client.subject, client.dns_names) == (
        "CN=client,O=Example",
        ("client.milvus.internal",),
    )
    assert {order.key_type for order in (ca, server, client)} == {"rsa-3072"}


def test_the_subject_may_be_the_name_alone() -> None:
    assert orders(plan(observation(STANDALONE), subject=""))[0].subject == "CN=compose-tls CA"


def test_good_ones_are_kept() -> None:
    found = plan(fresh())

    assert found.sources == dict.fromkeys(ROLES, "existing")
    assert (orders(found), found.warnings) == ((), ())


@pytest.mark.parametrize(
    ("settings", "reissued", "words"),
    [
        ({"san": ("new.example",)}, ["server"], "does not include the name new.example"),
        ({"server_name": "10.1.1.1"}, ["server"], "10.1.1.1"),
        ({"key_type": "rsa-2048"}, ["server", "client"], "its key is ecdsa-p256, not rsa-2048"),
    ],
)
def test_what_no_longer_fits_is_issued_anew_under_the_same_ca(
    settings: dict[str, Any], reissued: list[Profile], words: str
) -> None:
    found = plan(fresh(), **settings)

    assert found.sources["ca"] == "existing"
    assert [order.profile for order in orders(found)] == reissued
    assert [warning.code for warning in found.warnings] == ["certificate-reissued"] * len(reissued)
    assert words in found.warnings[0].message
    assert f"cert/{reissued[0]}.pem" in found.warnings[0].message


@pytest.mark.parametrize(
    ("days", "elapsed", "kept"),
    [(825, 794, True), (825, 796, False), (60, 39, True), (60, 41, False), (825, 900, False)],
)
def test_it_is_issued_anew_in_its_last_month_or_last_third(
    days: int, elapsed: int, *, kept: bool
) -> None:
    found = plan(fresh(days=days), elapsed=elapsed)

    assert found.sources["server"] == ("existing" if kept else "issued")


def test_names_that_fewer_settings_ask_for_do_not_matter() -> None:
    assert plan(fresh(san=("more.example",))).sources["server"] == "existing"


def test_an_expired_ca_is_told() -> None:
    with pytest.raises(CertificateExpired) as caught:
        plan(fresh(ca_days=100), elapsed=101)

    assert caught.value.path == "cert/ca.pem"


def test_the_last_second_of_a_ca_belongs_to_it() -> None:
    assert plan(fresh(ca_days=100), elapsed=100).sources["ca"] == "existing"


@pytest.mark.parametrize("role", ["server", "client"])
def test_what_is_unusable_is_issued(role: Profile) -> None:
    seen = fresh()
    seen = replace(seen, pki=replace(seen.pki, usable=seen.pki.usable - {role}))

    assert [order.profile for order in orders(plan(seen))] == [role]


def test_a_name_that_cannot_stand_in_a_certificate_is_only_left_out_when_nobody_asked_for_it() -> (
    None
):
    found = plan(observation(STANDALONE), "no name", "a..b", "milvus_1", "[::1]", "::1")

    server = found.get("server")
    assert server is not None
    assert server.identity.dns_names == ("localhost", "milvus_1")
    assert server.identity.ip_addresses == ("::1",)
    with pytest.raises(NameInvalid):
        plan(observation(STANDALONE), san=("no name",))


BROUGHT: dict[str, Any] = {
    "ca_cert": "my/ca.pem",
    "server_cert": "my/server.pem",
    "server_key": "my/server.key",
}
CLIENT: dict[str, Any] = {"client_cert": "my/client.pem", "client_key": "my/client.key"}


def test_with_certificates_of_the_user_nothing_is_issued() -> None:
    found = plan(fresh(), **BROUGHT)

    assert (found.sources, orders(found)) == ({"ca": "provided", "server": "provided"}, ())


def test_a_client_certificate_may_come_with_them() -> None:
    assert plan(observation(STANDALONE), **BROUGHT, **CLIENT).sources["client"] == "provided"


OWN_CA: dict[str, Any] = {"ca_cert": "my/ca.pem", "ca_key": "my/ca.key"}


class TestCaOfTheUser:
    def test_what_it_issued_before_is_kept(self) -> None:
        seen = fresh()
        seen = replace(seen, pki=replace(seen.pki, provided=frozenset({"ca"})))

        assert plan(seen, **OWN_CA).sources == {
            "ca": "provided",
            "server": "existing",
            "client": "existing",
        }

    def test_what_another_ca_issued_is_not(self) -> None:
        found = plan(fresh(), **OWN_CA)

        assert found.sources == {"ca": "provided", "server": "issued", "client": "issued"}
        assert "a different CA" in found.warnings[0].message

    def test_the_ca_itself_is_not_issued(self) -> None:
        found = plan(observation(STANDALONE), **OWN_CA)

        assert [order.profile for order in orders(found)] == ["server", "client"]

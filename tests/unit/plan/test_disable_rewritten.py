"""Disable where somebody has written a file in another way since, or added to what enable changed."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from compose_tls.errors import TlsRemains
from tests.unit.builders import (
    COMPOSE_FILE,
    DIRECTORY,
    applied,
    disable,
    edited,
    enable,
    enabled,
    observation,
    text_of,
)
from tests.unit.plan.test_scope import COMMAND, STANDALONE

Services = dict[str, dict[str, Any]]
BY_VARIABLES = STANDALONE.replace(f"    command: {COMMAND}\n", "").replace(
    "- ETCD_QUOTA_BACKEND_BYTES=4294967296",
    "- ETCD_LISTEN_CLIENT_URLS=http://0.0.0.0:2379\n      - ETCD_ADVERTISE_CLIENT_URLS=http://etcd:2379",
)
FLAGS = STANDALONE.replace(
    f"command: {COMMAND}",
    'entrypoint: [etcd]\n    command: ["--listen-client-urls=http://0.0.0.0:2379"]',
)
WORDS = FLAGS.replace("urls=", 'urls", "')
TEXTS = {"command": STANDALONE, "variables": BY_VARIABLES, "list": FLAGS, "words": WORDS}


def environments_as_mappings(services: Services) -> None:
    for one in services.values():
        if isinstance(given := one.get("environment"), list):
            one["environment"] = dict(item.split("=", 1) for item in given)


def environments_as_lists(services: Services) -> None:
    for one in services.values():
        if isinstance(given := one.get("environment"), dict):
            one["environment"] = [f"{name}={value}" for name, value in given.items()]


def commands_as_lists(services: Services) -> None:
    for one in services.values():
        if isinstance(given := one.get("command"), str):
            one["command"] = shlex.split(given)


def commands_with_a_flag_more(services: Services) -> None:
    for one in services.values():
        given = one.get("command")
        if given is not None:
            one["command"] = f"{given} --more" if isinstance(given, str) else [*given, "--more"]


def rewritten(text: str, change: Callable[[Services], None]) -> str:
    document = yaml.safe_load(text)
    change(document["services"])
    return yaml.safe_dump(document, sort_keys=False)


def meant(text: str) -> Services:
    """The services, their environments without an order."""
    services: Services = yaml.safe_load(text)["services"]
    for one in services.values():
        if isinstance(given := one.get("environment"), list):
            one["environment"] = sorted(given)
    return services


@pytest.mark.parametrize(
    "change",
    [
        environments_as_mappings,
        environments_as_lists,
        commands_as_lists,
        commands_with_a_flag_more,
    ],
)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_ours_goes_out_of_what_somebody_wrote_in_another_way(
    text: str, change: Callable[[Services], None]
) -> None:
    after = enabled(observation(text), scope="all")
    made = text_of(after)
    changed = edited(after, COMPOSE_FILE, made, rewritten(made, change))
    back = applied(changed, disable(changed).plan.changes)

    assert meant(text_of(back)) == meant(rewritten(text, change))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_what_was_replaced_in_a_server_and_changed_since_is_refused_with_what_was_there(
    text: str,
) -> None:
    after = enabled(observation(text), scope="all")
    changed = edited(after, COMPOSE_FILE, "https://0.0.0.0:2379", "https://127.0.0.1:2379")

    with pytest.raises(TlsRemains) as caught:
        disable(changed)
    assert "http://0.0.0.0:2379" in caught.value.message
    assert caught.value.path == COMPOSE_FILE
    # Accepted, it is named all the same, and what could be taken out is.
    planned = disable(changed, accept=("tls-remains",))
    assert "ETCD_CERT_FILE" not in text_of(applied(changed, planned.plan.changes))


def test_an_override_file_that_somebody_commented_goes_although_every_item_of_a_list_is_ours() -> (
    None
):
    # "CMD" of our health check is what that of etcd says as well.
    made = "compose.override.yaml"
    after = enabled(observation(STANDALONE), scope="all", style="override")
    text = text_of(after, made)
    back = edited(after, made, text, f"# mine\n{text}")

    assert applied(back, disable(back).plan.changes).content(DIRECTORY / made) is None


def test_a_command_of_an_override_that_somebody_added_to_is_not_left_as_the_rest_of_it() -> None:
    made = "compose.override.yaml"
    after = enabled(observation(FLAGS), scope="all", style="override")
    changed = edited(
        after,
        made,
        "      - --listen-client-urls=https://0.0.0.0:2379\n",
        "      - --listen-client-urls=https://0.0.0.0:2379\n      - --more\n",
    )
    with pytest.raises(TlsRemains, match=r"services\.etcd\.command"):
        disable(changed)


def test_what_somebody_wrote_about_a_certificate_of_ours_is_named_before_it_goes() -> None:
    after = enabled(observation(STANDALONE), scope="all")
    by_hand = "      - ETCD_PEER_CERT_FILE=/tls/server.pem\n"
    ours = "      - ETCD_CERT_FILE=/tls/server.pem\n"
    changed = edited(after, COMPOSE_FILE, ours, by_hand + ours)
    with pytest.raises(
        TlsRemains, match="ETCD_PEER_CERT_FILE names a file in /tls, which is removed"
    ):
        disable(changed)


def test_a_health_check_of_ours_that_became_that_of_the_user_is_named_before_its_ca_goes() -> None:
    after = enabled(observation(STANDALONE), scope="all")
    changed = edited(after, COMPOSE_FILE, '"https://localhost:9000', '"https://127.0.0.1:9000')
    theirs = enabled(changed, scope="all")
    with pytest.raises(
        TlsRemains, match=r"healthcheck\.test names a file in \S+/certs, which is removed"
    ):
        disable(theirs)


def test_a_flag_more_on_a_server_leaves_what_enable_says_of_it() -> None:
    after = enabled(observation(STANDALONE), scope="all")
    changed = edited(after, COMPOSE_FILE, "--data-dir /etcd", "--data-dir /etcd --more")
    planned = enable(changed, scope="all")

    after_that = yaml.safe_load(text_of(applied(changed, planned.plan.changes)))
    command = after_that["services"]["etcd"]["command"]
    assert "https://0.0.0.0:2379" in command
    assert command.endswith("--data-dir /etcd --more")
    assert planned.servers == ("etcd", "minio")

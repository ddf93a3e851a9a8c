"""What status finds about private keys: who may read them, and who may not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compose_tls.config import TlsConfig
from compose_tls.observation import FileFacts, Observation
from compose_tls.plan.findings import key_findings
from compose_tls.project.enabled import locate
from compose_tls.vocabulary import TlsWarning
from tests.unit.builders import COMPOSE_FILE, DIRECTORY, USER_ID, enabled, observation, opened

ME = USER_ID


def compose(lines: str = "", others: str = "", tag: str = "v2.5.5") -> str:
    return f"services:\n  milvus:\n    image: milvusdb/milvus:{tag}\n{lines}{others}"


def findings(seen: Observation, **settings: Any) -> list[TlsWarning]:
    config = TlsConfig(**settings)
    return list(key_findings(config, locate(opened(seen, **settings), config)).warnings)


def codes(seen: Observation) -> list[str]:
    return [finding.code for finding in findings(seen)]


def with_file(seen: Observation, name: str, **changes: Any) -> Observation:
    """The project with a key of another mode, owner or group; made where there is none."""
    path = DIRECTORY / name
    file = seen.files.get(path) or FileFacts(path, None, None, 0o600, ME, ME)
    return replace(seen, files={**seen.files, path: replace(file, **changes)})


def without(seen: Observation, name: str) -> Observation:
    return replace(seen, files={**seen.files, DIRECTORY / name: None})


@pytest.fixture
def plain() -> Observation:
    return enabled(observation(compose()))


def test_there_is_nothing_to_find_after_an_enable(plain: Observation) -> None:
    assert findings(plain) == []


class TestExposed:
    @pytest.mark.parametrize("mode", [0o644, 0o604, 0o640, 0o660, 0o602, 0o601, 0o666])
    @pytest.mark.parametrize(
        "name", ["cert/ca.key", "cert/server.key", "cert/client.key", "cert/next-ca.key"]
    )
    def test_a_key_that_others_may_read_or_change(
        self, plain: Observation, name: str, mode: int
    ) -> None:
        [found] = findings(with_file(plain, name, mode=mode))
        assert (found.code, found.path, found.hint) == ("key-exposed", name, f"chmod 600 {name}")
        assert f"{mode:04o}" in found.message

    @pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
    def test_the_owner_may_have_any_right(self, plain: Observation, mode: int) -> None:
        assert codes(with_file(plain, "cert/ca.key", mode=mode)) == []

    def test_a_key_of_somebody_else_takes_sudo(self, plain: Observation) -> None:
        [found] = findings(with_file(plain, "cert/ca.key", mode=0o644, uid=7))
        assert found.hint == "sudo chmod 600 cert/ca.key"

    @pytest.mark.parametrize(
        ("mode", "gid", "hint"),
        [
            (0o640, 6, None),
            (0o640, 7, "chmod 600 tls/server.key"),
            (0o644, 6, "chmod 640 tls/server.key"),
            (0o660, 6, "chmod 640 tls/server.key"),
            (0o604, 6, "chmod 600 tls/server.key"),
        ],
    )
    def test_the_group_of_the_container_may_read_the_server_key(
        self, mode: int, gid: int, hint: str | None
    ) -> None:
        seen = enabled(
            observation(compose("    user: '5:6'\n"), group_ids=frozenset({6})),
        )
        seen = with_file(seen, "tls/server.key", mode=mode, gid=gid)
        found = [one.hint for one in findings(seen) if one.code == "key-exposed"]
        assert found == ([hint] if hint else [])

    def test_a_few_clients_are_named(self, plain: Observation) -> None:
        seen = with_file(plain, "cert/clients/a b.key", mode=0o644)
        [found] = findings(seen)
        assert found.hint == "chmod 600 'cert/clients/a b.key'"

    def test_many_clients_are_one_finding(self, plain: Observation) -> None:
        seen = plain
        for number in range(1000):
            seen = with_file(seen, f"cert/clients/c{number}.key", mode=0o644)
        [found] = findings(seen)
        assert found.message.startswith("1,000 keys in cert/clients: others")
        assert found.hint == "chmod 600 cert/clients/*.key"


class TestMounted:
    def found(self, volume: str, *keys: str) -> list[TlsWarning]:
        # Enable adds eight lines before the entry, which then is on line 14.
        others = f"  app:\n    image: app\n    volumes: ['{volume}']\n"
        seen = enabled(observation(compose("", others)))
        for key in keys:
            seen = with_file(seen, key)
        return findings(seen)

    @pytest.mark.parametrize("volume", ["./cert:/c:ro", "./:/c", "/project/cert:/c"])
    def test_the_key_of_the_ca_in_a_container_of_anybody(self, volume: str) -> None:
        [found] = self.found(volume)
        assert found.code == "key-mounted"
        assert (found.path, found.line) == (COMPOSE_FILE, 14)
        assert "app mounts cert/ca.key and 1 more at /c" in found.message
        assert (
            found.hint
            == f"mount only the files it needs, such as ./cert/ca.pem, in {COMPOSE_FILE}:14"
        )

    @pytest.mark.parametrize("name", ["ca.key", "next-ca.key", "ca-0123abcd.key"])
    def test_the_key_of_a_ca_is_never_needed_there(self, name: str) -> None:
        [found] = self.found(f"./cert/{name}:/c/key", f"cert/{name}")
        assert f"mounts cert/{name} at /c/key" in found.message

    def test_nor_as_a_secret(self) -> None:
        app = "  app: {image: app, secrets: [k]}\nsecrets: {k: {file: ./cert/ca.key}}\n"
        [found] = findings(enabled(observation(compose("", app))))
        assert "app mounts cert/ca.key at /run/secrets/k" in found.message

    @pytest.mark.parametrize(
        "volume",
        [
            "./cert/client.key:/c/client.key",
            "./cert/clients/app.key:/c/app.key",
            "./cert/ca.pem:/c/ca.pem",
            "./tls:/c",
            "./certificates:/c",
            "cert:/c",
        ],
    )
    def test_what_a_client_needs_is_fine(self, volume: str) -> None:
        assert self.found(volume, "cert/clients/app.key") == []

    def test_all_clients_in_one_directory_are_too_many(self) -> None:
        keys = [f"cert/clients/c{number}.key" for number in range(3)]
        [found] = self.found("./cert/clients:/c", *keys)
        assert "cert/clients/c0.key and 2 more" in found.message

    def test_the_pki_directory_in_milvus_itself(self) -> None:
        seen = enabled(observation(compose("    volumes: ['./cert:/milvus/cert']\n")))
        assert codes(seen) == ["key-mounted"]

    def test_another_pki_directory(self) -> None:
        text = compose("", "  app: {image: a, volumes: ['./keys:/k']}\n")
        seen = enabled(observation(text), pki_dir="keys")
        moved = {
            DIRECTORY / "keys" / path.name if path.parent.name == "cert" else path: file
            for path, file in seen.files.items()
        }
        [found] = findings(replace(seen, files=moved), pki_dir="keys")
        assert found.message.startswith("service app mounts keys/ca.key")


class TestUnreadable:
    def seen(self, user: str, tag: str = "v2.5.5", **key: int) -> Observation:
        seen = enabled(observation(compose(f"    user: '{user}'\n" if user else "", tag=tag)))
        return with_file(seen, "tls/server.key", **key)

    @pytest.mark.parametrize(
        ("user", "tag", "key"),
        [
            ("", "v2.6.18", {"uid": 77}),
            ("", "v3.0.0", {"uid": 999}),
            ("5", "v2.5.5", {"uid": 5}),
            ("5:6", "v2.5.5", {"gid": 6, "mode": 0o640}),
            ("root", "v3.0.0", {"uid": 77}),
            ("milvus", "v2.5.5", {"uid": 77}),
        ],
    )
    def test_who_can_read_it_is_content(self, user: str, tag: str, key: dict[str, int]) -> None:
        assert codes(self.seen(user, tag, **key)) == []

    @pytest.mark.parametrize(
        ("user", "tag", "key", "uid"),
        [
            ("", "v3.0.0", {}, 999),
            ("5", "v2.5.5", {}, 5),
            ("5:6", "v2.5.5", {"gid": 6, "mode": 0o600}, 5),
            ("5:6", "v2.5.5", {"uid": 5, "mode": 0o040, "gid": 6}, 5),
        ],
    )
    def test_who_cannot_gets_the_one_command(
        self, user: str, tag: str, key: dict[str, int], uid: int
    ) -> None:
        found = [f for f in findings(self.seen(user, tag, **key)) if f.code != "key-exposed"]
        assert [(f.code, f.path) for f in found] == [("server-key-unreadable", "tls/server.key")]
        assert found[0].hint == f"sudo chown {uid} tls/server.key"

    def test_root_needs_no_sudo(self) -> None:
        seen = replace(self.seen("5"), user_id=0)
        assert [found.hint for found in findings(seen)] == ["chown 5 tls/server.key"]

    def test_a_name_is_looked_up_in_the_image(self) -> None:
        [found] = findings(self.seen("milvus:staff"))
        assert found.code == "container-user-unknown"
        assert found.hint == (
            'sudo chown "$(docker run --rm --user milvus --entrypoint id '
            'milvusdb/milvus:v2.5.5 -u)" tls/server.key'
        )

    def test_a_key_that_is_gone(self, plain: Observation) -> None:
        [found] = findings(without(plain, "tls/server.key"))
        assert (found.code, found.hint) == ("certificate-unreadable", "compose-tls enable")
        assert found.path == str(Path("tls/server.key"))

"""Each thing in which a container can differ from its declaration, and each that is no difference.

With real containers of a real Compose: tests/e2e/test_deployed.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compose_tls.deploy.container import ImageFacts
from compose_tls.deploy.deployed import Deployed, from_answers
from compose_tls.deploy.differences import differences
from tests.unit.deploy.recorded import IMAGE, bind, document, inspected, volume, wanted

Answer = dict[str, Any]
Change = Callable[[Answer], object]


def seen(
    change: Change = lambda _: None,
    image: ImageFacts | None = IMAGE,
    tag: ImageFacts | None = IMAGE,
) -> Deployed:
    answer = inspected()
    change(answer)
    return from_answers(answer, image=image, tag=tag, changes=[])


def texts(found: Deployed, config: Answer | None = None, **given: Any) -> list[str]:
    return [str(each) for each in differences(found, wanted(config, **given))]


def declared_as(**service: Any) -> Answer:
    config = document()
    config["services"]["standalone"] |= service
    return config


def environment(*entries: str) -> Change:
    return lambda answer: answer["Config"]["Env"].extend(entries)


def label(name: str, value: str) -> Change:
    return lambda answer: answer["Config"]["Labels"].update({f"com.docker.compose.{name}": value})


def host(**settings: Any) -> Change:
    return lambda answer: answer["HostConfig"].update(settings)


def mounts(*added: Answer) -> Change:
    return lambda answer: answer["Mounts"].extend(added)


def moved(source: str) -> Change:
    def change(answer: Answer) -> None:
        answer["Mounts"][5]["Source"] = source

    return change


def networks(*names: str, mode: str = "") -> Change:
    def change(answer: Answer) -> None:
        answer["NetworkSettings"]["Networks"] = {name: {} for name in names}
        answer["HostConfig"]["NetworkMode"] = mode or names[0]

    return change


@pytest.mark.parametrize(
    ("found", "config"),
    [
        (seen(), None),
        # Compose copies proxy variables of the user's Docker configuration into containers.
        (seen(environment("HTTP_PROXY=http://p", "no_proxy=x")), None),
        # Its image is gone: what came from there cannot be told.
        (seen(image=None, tag=None), None),
        (seen(environment("OF_THE_IMAGE=1"), image=None), None),
        # Created by another Compose: dollar signs as they are, targets of secrets left out, hash.
        (seen(), declared_as(environment={"MODE": "1", "PASSWORD": "pa$w", "FROM_FILE": "x"})),
        (seen(), declared_as(secrets=[{"source": "s1"}])),
        (seen(label("config-hash", "other")), None),
        (seen(label("project.config_files", "compose.yaml")), None),
        # An `up` that had nothing to do left it running, and wrote no label.
        (seen(label("project.environment_file", "")), None),
        # Docker Desktop, Podman.
        (seen(moved("/host_mnt/srv/milvus/data")), None),
        (seen(moved("/run/desktop/mnt/host/srv/milvus/data")), None),
        (
            seen(
                lambda a: a["HostConfig"]["PortBindings"].update(
                    {"53/udp": [{"HostIp": "0.0.0.0", "HostPort": "30010-30020"}]}
                )
            ),
            None,
        ),
        # Names of images.
        (seen(), declared_as(image="docker.io/milvusdb/milvus:v2.3.5")),
        (
            seen(lambda a: a["Config"].update(Image="etcd")),
            declared_as(image="library/etcd:latest"),
        ),
        (seen(lambda a: a["Config"].update(Image="sha256:6760")), None),
        (seen(lambda a: a["Config"].update(Image="milvus_standalone")), declared_as(image=None)),
        # Users.
        (seen(lambda a: a["Config"].update(User="999")), declared_as(user="999")),
        (
            seen(lambda a: a["Config"].update(User="1001"), image=replace(IMAGE, user="1001")),
            None,
        ),
        # Networks that are not the project's.
        (seen(networks("host")), declared_as(network_mode="host", networks=None)),
        (
            seen(networks(mode="container:75ab")),
            declared_as(network_mode="service:vpn", networks=None),
        ),
        # Mounts of other containers, and of Compose itself.
        (seen(mounts(bind("/x", "/x"))), declared_as(volumes_from=["etcd"])),
        (seen(mounts(bind("/x", "/x"))), declared_as(use_api_socket=True)),
    ],
)
def test_what_is_as_the_files_say_is_no_difference(found: Deployed, config: Answer | None) -> None:
    assert texts(found, config) == []


@pytest.mark.parametrize(
    ("found", "config", "expected"),
    [
        (
            seen(label("project", "rag")),
            None,
            ["project name: rag in the container, milvus in the files"],
        ),
        (
            seen(label("project.working_dir", "/old")),
            None,
            ["project directory: /old in the container, /srv/milvus in the files"],
        ),
        (
            seen(label("project.config_files", "/srv/milvus/compose.yaml,/srv/milvus/prod.yml")),
            None,
            [
                (
                    "compose files: /srv/milvus/compose.yaml,/srv/milvus/prod.yml in the container,"
                    " /srv/milvus/compose.yaml in the files"
                )
            ],
        ),
        (
            seen(label("project.environment_file", "/srv/milvus/prod.env")),
            None,
            ["env files: /srv/milvus/prod.env in the container, not in the files"],
        ),
        (
            seen(),
            declared_as(image="milvusdb/milvus:v2.4.5"),
            ["image: milvusdb/milvus:v2.3.5 in the container, milvusdb/milvus:v2.4.5 in the files"],
        ),
        (
            seen(tag=replace(IMAGE, id="sha256:0123456789abcdef")),
            None,
            [
                (
                    "image milvusdb/milvus:v2.3.5: 67601c599a27 in the container,"
                    " 0123456789ab in the files"
                )
            ],
        ),
        (seen(), declared_as(user="999"), ["user: root in the container, 999 in the files"]),
        (
            seen(lambda a: a["Config"].update(User="999")),
            None,
            ["user: 999 in the container, root in the files"],
        ),
        (
            seen(environment("COMMON_SECURITY_AUTHORIZATIONENABLED=true")),
            None,
            [
                (
                    'environment COMMON_SECURITY_AUTHORIZATIONENABLED: "true" in the container,'
                    " not in the files"
                )
            ],
        ),
        (
            seen(),
            declared_as(environment={"MODE": "2", "PASSWORD": "pa$$w", "FROM_FILE": "x"}),
            ['environment MODE: "1" in the container, "2" in the files'],
        ),
        (
            seen(),
            declared_as(environment={"MODE": "1", "PASSWORD": "new", "FROM_FILE": "x", "NEW": "y"}),
            [
                'environment NEW: not in the container, "y" in the files',
                "environment PASSWORD: a value in the container, another value in the files",
            ],
        ),
        (
            seen(environment("MINIO=http://me:hunter2@minio")),
            None,
            ['environment MINIO: "http://***@minio" in the container, not in the files'],
        ),
        # Taken away from the image by the container, not by the files.
        (
            seen(environment("LD_LIBRARY_PATH")),
            None,
            ['environment LD_LIBRARY_PATH: not in the container, "/milvus/lib" in the files'],
        ),
        (
            seen(),
            declared_as(volumes=[]),
            [
                "mount /anon: volume in the container, not in the files",
                "mount /named: volume milvus_named in the container, not in the files",
                "mount /tmpfs1: tmpfs in the container, not in the files",
                "mount /var/lib/milvus: bind /srv/milvus/data in the container, not in the files",
            ],
        ),
        (
            seen(moved("/srv/milvus/other")),
            None,
            [
                (
                    "mount /var/lib/milvus: bind /srv/milvus/other in the container,"
                    " bind /srv/milvus/data in the files"
                )
            ],
        ),
        (
            seen(lambda a: a["Mounts"][5].update(RW=False)),
            None,
            [
                (
                    "mount /var/lib/milvus: bind /srv/milvus/data (read-only) in the container,"
                    " bind /srv/milvus/data in the files"
                )
            ],
        ),
        (
            seen(mounts(volume("rag_data", "/data"))),
            None,
            ["mount /data: volume rag_data in the container, not in the files"],
        ),
        (
            seen(host(PortBindings={"19530/tcp": [{"HostIp": "", "HostPort": "19530"}]})),
            declared_as(ports=[{"target": 19530}]),
            [
                "port: 19530:19530/tcp in the container, not in the files",
                "port: not in the container, 19530/tcp in the files",
            ],
        ),
        (
            seen(networks("milvus_default", "milvus_other", "proxy_net")),
            None,
            ["network: proxy_net in the container, not in the files"],
        ),
        (
            seen(networks("host")),
            None,
            [
                "network: host in the container, not in the files",
                "network: not in the container, milvus_default in the files",
                "network: not in the container, milvus_other in the files",
            ],
        ),
    ],
)
def test_each_difference_is_named(
    found: Deployed, config: Answer | None, expected: list[str]
) -> None:
    assert texts(found, config) == expected


EVIL = "/srv\nerror[x]: y\x85\u2028z\r\0"


@pytest.mark.parametrize(
    "change",
    [
        label("project", EVIL),
        label("project.working_dir", EVIL),
        label("project.config_files", EVIL),
        label("project.config_files", f"{EVIL}," * 100_000),
        environment(f"A{EVIL}=b", f"A={EVIL}"),
        mounts({"Type": "bind", "Source": EVIL, "Destination": EVIL, "RW": True}),
        networks(EVIL),
    ],
)
def test_what_a_stranger_named_is_part_of_one_short_line(change: Change) -> None:
    found = texts(seen(change))
    assert found
    assert all(text.splitlines() == [text] and len(text) < 3000 for text in found)


def test_no_secret_is_in_any_text() -> None:
    config = declared_as(environment={"MINIO_SECRET_KEY": "hunter3"})
    found = differences(seen(environment("ROOT_PASSWORD=hunter2")), wanted(config))

    assert "hunter" not in repr(found)
    assert "hunter" not in repr(wanted(config))


def test_paths_are_the_same_through_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    link, real = tmp_path / "link", tmp_path / "real"

    def change(answer: Answer) -> None:
        label("project.working_dir", str(link))(answer)
        label("project.config_files", f"{link}/compose.yaml")(answer)
        moved(f"{link}/data")(answer)

    config = document()
    config["services"]["standalone"]["volumes"][0]["source"] = f"{real}/data"

    assert texts(seen(change), config, directory=real, files=[real / "compose.yaml"]) == []

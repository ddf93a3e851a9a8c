"""The vendor's script, and what people made of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from compose_tls.targets.new_project.embed_script import (
    Run,
    compose_file_of,
    likely_run,
    read_script,
    written_files,
)

# The shape of scripts/standalone_embed.sh of milvus v2.4.
SCRIPT = """\
#!/usr/bin/env bash
# sudo docker run -d old:1
run_embed() {
    cat << EOF > embedEtcd.yaml
listen-client-urls: http://0.0.0.0:2379
auto-compaction-retention: '1000'
EOF

    sudo docker run -d \\
        --name milvus-standalone \\
        --security-opt seccomp:unconfined \\
        -e ETCD_USE_EMBED=true \\
        -e ETCD_CONFIG_PATH=/milvus/configs/embedEtcd.yaml \\
        -e COMMON_STORAGETYPE=local \\
        -v $(pwd)/volumes/milvus:/var/lib/milvus \\
        -v $(pwd)/embedEtcd.yaml:/milvus/configs/embedEtcd.yaml \\
        -p 19530:19530 \\
        -p 127.0.0.1:9091:9091 \\
        --health-cmd="curl -f http://localhost:9091/healthz" \\
        --health-interval=30s \\
        --health-start-period=90s \\
        --health-retries=3 \\
        milvusdb/milvus:v2.4.0-rc.1 \\
        milvus run standalone  1> /dev/null
}
stop() { sudo docker stop milvus-standalone 1> /dev/null; }
"""


def read(text: str) -> Run:
    found = read_script(text.encode())
    assert found is not None
    return found


def service(run: Run, *, auth: bool = False, address: str | None = None) -> dict[str, Any]:
    content = compose_file_of(run, auth=auth, address=address)
    found: dict[str, Any] = yaml.safe_load(content)["services"]["standalone"]
    return found


def test_everything_of_the_script_is_in_the_compose_file() -> None:
    assert service(read(SCRIPT)) == {
        "container_name": "milvus-standalone",
        "image": "milvusdb/milvus:v2.4.0-rc.1",
        "command": ["milvus", "run", "standalone"],
        "security_opt": ["seccomp:unconfined"],
        "environment": {
            "ETCD_USE_EMBED": "true",
            "ETCD_CONFIG_PATH": "/milvus/configs/embedEtcd.yaml",
            "COMMON_STORAGETYPE": "local",
        },
        "volumes": [
            "./volumes/milvus:/var/lib/milvus",
            "./embedEtcd.yaml:/milvus/configs/embedEtcd.yaml",
        ],
        "ports": ["19530:19530", "127.0.0.1:9091:9091"],
        "healthcheck": {
            "test": ["CMD", "curl", "-f", "http://localhost:9091/healthz"],
            "interval": "30s",
            "start_period": "90s",
            "retries": 3,
        },
    }


@pytest.mark.parametrize(
    ("address", "ports"),
    [
        ("127.0.0.1", ["127.0.0.1:19530:19530", "127.0.0.1:9091:9091"]),
        ("::1", ["[::1]:19530:19530", "[::1]:9091:9091"]),
    ],
)
def test_the_ports_can_be_kept_on_this_machine(address: str, ports: list[str]) -> None:
    assert service(read(SCRIPT), address=address)["ports"] == ports


def test_authentication_is_added_to_the_variables() -> None:
    found = service(read(SCRIPT), auth=True)["environment"]
    assert found["COMMON_SECURITY_AUTHORIZATIONENABLED"] == "true"
    assert found["COMMON_STORAGETYPE"] == "local"


def test_the_files_that_the_script_writes_are_known() -> None:
    text = b"listen-client-urls: http://0.0.0.0:2379\nauto-compaction-retention: '1000'\n"
    assert written_files(SCRIPT.encode()) == {"embedEtcd.yaml": text}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("--name milvus", "--network host --name milvus", "--network"),
        ("$(pwd)/volumes", "$DATA/volumes", r"\$DATA"),
        ("milvus:v2.4.0-rc.1", "milvus:$VERSION", r"\$VERSION"),
        ("-v $(pwd)", "-e A=$(pwd)", "mounts no data"),
        ('--health-cmd="', "--health-cmd='", "No closing quotation"),
    ],
)
def test_what_is_not_understood_whole_is_no_compose_file(old: str, new: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_script(SCRIPT.replace(old, new).encode())


def test_a_script_that_was_saved_on_windows_is_the_same() -> None:
    saved = SCRIPT.replace("\n", "\r\n")
    assert read(saved) == read(SCRIPT)
    assert written_files(saved.encode()) == written_files(SCRIPT.encode())


def test_two_runs_are_one_too_many_and_none_is_told_apart() -> None:
    with pytest.raises(ValueError, match="2 commands"):
        read_script((SCRIPT + "docker run -d other:1\n").encode())
    assert read_script(b"#!/usr/bin/env bash\n") is None


def test_of_a_script_that_is_not_understood_the_image_counts() -> None:
    found = likely_run(SCRIPT.replace("--name", "--gpus all --name").encode())
    assert found.image == "milvusdb/milvus:v2.4.0-rc.1"
    assert "./user.yaml:/milvus/configs/user.yaml" in found.many["volumes"]


def test_a_script_that_ends_none_of_its_files_is_read_at_once() -> None:
    began = time.process_time()
    found = written_files(b"cat << 'a' > b\n" * 60_000)

    assert list(found) == ["b"]
    assert time.process_time() - began < 2

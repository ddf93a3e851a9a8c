"""What the engine and Compose say of a service: Engine 20.10, Compose 5.6.1, shortened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from compose_tls.deploy.container import ImageFacts
from compose_tls.deploy.declared import Declared, declared

DIRECTORY = Path("/srv/milvus")
ANONYMOUS = "febb9ee68f3939586433895b5f2e5b945eb052bacea018ad1a9d8e1f63474b7f"
IMAGE_ID = "sha256:67601c599a279e39c6340a00b0bfc24483778d5fc59225bbac615a69e10b9dc4"
IMAGE = ImageFacts(
    IMAGE_ID,
    user="",
    environment={"PATH": "/milvus/bin:/bin", "LD_LIBRARY_PATH": "/milvus/lib"},
    volumes=frozenset({"/of-the-image"}),
)


def document() -> dict[str, Any]:
    """What `docker compose config --format json` says."""
    return {
        "configs": {
            "copied": {"name": "milvus_copied", "content": "hello"},
            "more": {"name": "milvus_more", "file": "/srv/milvus/more.yaml"},
        },
        "name": "milvus",
        "networks": {
            "default": {"name": "milvus_default", "ipam": {}},
            "other": {"name": "milvus_other", "ipam": {}},
        },
        "secrets": {"s1": {"name": "milvus_s1", "file": "/srv/milvus/s1.txt"}},
        "services": {
            "standalone": {
                "command": None,
                "configs": [
                    {"source": "copied"},
                    {"source": "more", "target": "/milvus/configs/more.yaml"},
                ],
                "environment": {"MODE": "1", "UNSET": None, "PASSWORD": "pa$$w", "FROM_FILE": "x"},
                "image": "milvusdb/milvus:v2.3.5",
                "networks": {"default": {"aliases": ["mil"]}, "other": {}},
                "ports": [
                    {"mode": "ingress", "target": 19530, "protocol": "tcp"},
                    {
                        "mode": "ingress",
                        "host_ip": "127.0.0.1",
                        "target": 9091,
                        "published": "30001",
                        "protocol": "tcp",
                    },
                    {"target": 53, "published": "30010-30020", "protocol": "udp"},
                ],
                "secrets": [{"source": "s1", "target": "/run/secrets/s1"}],
                "tmpfs": ["/tmpfs2"],
                "volumes": [
                    {
                        "type": "bind",
                        "source": "/srv/milvus/data",
                        "target": "/var/lib/milvus",
                        "bind": {},
                    },
                    {"type": "volume", "source": "named", "target": "/named", "volume": {}},
                    {"type": "volume", "target": "/anon", "volume": {}},
                    {"type": "tmpfs", "target": "/tmpfs1"},
                ],
            }
        },
        "volumes": {"named": {"name": "milvus_named"}},
    }


def inspected() -> dict[str, Any]:
    """The answer to `GET /containers/{id}/json`."""
    return {
        "Id": "3054edc2bf4bae13bfc0a76f1eb6a630f94e751763975860853c10677d74ae81",
        "Name": "/milvus-standalone-1",
        "Image": IMAGE_ID,
        "RestartCount": 0,
        "State": {
            "Status": "running",
            "ExitCode": 0,
            "Error": "",
            "StartedAt": "2026-11-26T13:23:48.533072009Z",
            "Health": {
                "Status": "unhealthy",
                "Log": [
                    {"ExitCode": 0, "Output": "ok"},
                    {"ExitCode": 1, "Output": "one\nnope\n\n"},
                ],
            },
        },
        "HostConfig": {
            "NetworkMode": "milvus_default",
            "PortBindings": {
                "19530/tcp": [{"HostIp": "", "HostPort": ""}],
                "9091/tcp": [{"HostIp": "127.0.0.1", "HostPort": "30001"}],
                "53/udp": [{"HostIp": "", "HostPort": "30010-30020"}],
            },
            "Tmpfs": {"/tmpfs2": ""},
        },
        "Mounts": [
            volume(ANONYMOUS, "/anon"),
            volume(ANONYMOUS[::-1], "/of-the-image"),
            {"Type": "tmpfs", "Source": "", "Destination": "/tmpfs1", "RW": True},
            bind("/srv/milvus/s1.txt", "/run/secrets/s1", writable=False),
            bind("/srv/milvus/more.yaml", "/milvus/configs/more.yaml", writable=False),
            bind("/srv/milvus/data", "/var/lib/milvus"),
            volume("milvus_named", "/named"),
        ],
        "Config": {
            "User": "",
            "Env": [
                "MODE=1",
                "PASSWORD=pa$w",
                "FROM_FILE=x",
                "UNSET",
                "PATH=/milvus/bin:/bin",
                "LD_LIBRARY_PATH=/milvus/lib",
            ],
            "Image": "milvusdb/milvus:v2.3.5",
            "WorkingDir": "/milvus",
            "Labels": {
                "com.docker.compose.container-number": "1",
                "com.docker.compose.oneoff": "False",
                "com.docker.compose.project": "milvus",
                "com.docker.compose.project.config_files": "/srv/milvus/compose.yaml",
                "com.docker.compose.project.working_dir": "/srv/milvus",
                "com.docker.compose.service": "standalone",
            },
        },
        "NetworkSettings": {
            "Ports": {},
            "Networks": {
                "milvus_default": {"IPAddress": "172.20.0.2", "GlobalIPv6Address": ""},
                "milvus_other": {"IPAddress": "", "GlobalIPv6Address": "fd00::2"},
            },
        },
    }


def volume(name: str, target: str) -> dict[str, Any]:
    source = f"/var/lib/docker/volumes/{name}/_data"
    return {"Type": "volume", "Name": name, "Source": source, "Destination": target, "RW": True}


def bind(source: str, target: str, *, writable: bool = True) -> dict[str, Any]:
    return {"Type": "bind", "Source": source, "Destination": target, "RW": writable}


def wanted(config: dict[str, Any] | None = None, **given: Any) -> Declared:
    """The service as it is declared."""
    settings: dict[str, Any] = {
        "directory": DIRECTORY,
        "files": [DIRECTORY / "compose.yaml"],
        **given,
    }
    return declared(config or document(), "standalone", **settings)

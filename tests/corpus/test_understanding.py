"""Projects as we read them, and as Docker Compose reads them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from compose_tls.compose.service import Service
from compose_tls.config import TlsConfig
from compose_tls.deploy.compose_cli import ComposeCli
from compose_tls.observe import observe
from compose_tls.project.milvus_services import is_active
from compose_tls.workflows.preamble import open_project
from tests.corpus.compose_cli import model, require_compose
from tests.corpus.shapes import shapes

BASE = "services: {milvus: {image: x, volumes: ['./a:/a', 'v:/v']}}\nvolumes: {v: }\n"

PROJECTS: dict[str, dict[str, str]] = {
    name: {"docker-compose.yml": text} for name, text in shapes().items()
} | {
    "every-form-of-a-variable": {
        "compose.yaml": (
            "services:\n  milvus:\n    image: 'milvusdb/milvus:$A-${B}-${C:-c}-${D-d}-${E:+e}-${E-x}'\n"
            "    environment:\n      N: ${X:-${Y:-n}}\n      S: $$A\n      P: ${A:+${B}}\n      Q: a$$b\n"
            "    volumes: ['${HERE:-.}/a:/a:ro', '$WHOLE', '${PWD}/p:/p', '~/h:/h']\n"
            "    ports: ['${PORT:-19530}:19530', '127.0.0.1:9091:9091', '8000-8001:8000-8001']\n"
        ),
        ".env": "A=1\nB='two'\nE=\nWHOLE=./whole:/whole:ro\n",
    },
    "dot-env": {
        "compose.yml": "services: {milvus: {image: 'x:$A-$B-$C-$D-$E-$F', environment: [A, Z]}}",
        ".env": "# c\nexport A=1 # c\nB: two\nC=\"$A\\$A\\t\"\nD='$A'\nE=e#f\nF=${A:-x}\nZ=z\n",
    },
    "override": {
        "docker-compose.yml": BASE,
        "compose.override.yaml": (
            "services: {milvus: {volumes: ['./b:/a', './c:/c'], environment: [A=1, A=2],"
            " ports: ['1:1']}}"
        ),
    },
    "reset-and-override": {
        "docker-compose.yml": f"{BASE}  # end\n",
        "docker-compose.override.yml": (
            "services: {milvus: {volumes: !override ['./b:/b'], image: x, user: !reset null}}"
        ),
    },
    "extends": {
        "compose.yml": (
            "services:\n  milvus:\n    extends: {file: sub/base.yml, service: base}\n"
            "    volumes: ['./b:/b']\n    environment: {A: own}\n"
        ),
        "sub/base.yml": (
            "services:\n  root: {user: '7', volumes: ['./r:/r']}\n"
            "  base: {extends: root, image: x, volumes: ['./a:/a', './c:/b'], environment: [A=1, B=2]}\n"
        ),
    },
    "include": {
        "compose.yml": (
            "include:\n  - sub/a.yml\n  - path: [other/b.yml, c.yml]\n    project_directory: other\n"
            "services: {app: {image: app}}\n"
        ),
        "sub/a.yml": "services: {milvus: {image: 'x:${V}-${W}', volumes: ['./a:/a']}}",
        "sub/.env": "V=1\nW=2\n",
        "other/b.yml": "services: {b: {image: 'b:${V:-none}', volumes: ['./b:/b']}}",
        "c.yml": "services: {b: {volumes: ['./c:/c']}}",
        ".env": "W=top\n",
    },
    "include-with-env-file": {
        "compose.yml": "include: [{path: sub/a.yml, env_file: [one.env, two.env]}]",
        "sub/a.yml": "services: {milvus: {image: 'x:${V}-${W}-${U:-u}'}}",
        "sub/.env": "U=never\n",
        "one.env": "V=1\nW=1\n",
        "two.env": "W=2\n",
    },
    "compose-file-in-dot-env": {
        ".env": "COMPOSE_FILE=sub/a.yml:b.yml\nA=top\n",
        "sub/a.yml": "services: {milvus: {image: 'x:${A}-${B}', volumes: ['./a:/a']}}",
        "sub/.env": "A=sub\nB=sub\n",
        "b.yml": "services: {milvus: {volumes: ['./b:/b']}}",
    },
    "env-files": {
        "compose.yml": (
            "services:\n  milvus:\n    image: x\n    env_file:\n      - a.env\n"
            "      - {path: sub/b.env, required: false}\n      - {path: gone.env, required: false}\n"
            "    environment: {C: own, D: , E: }\n"
        ),
        "a.env": "A=1\nB=1\nC=1\nP=$E\n",
        "sub/b.env": "B=2\n",
        ".env": "E=dot\n",
    },
    "two-documents": {
        "compose.yml": f"{BASE}---\nservices: {{milvus: {{image: second, volumes: ['./b:/a']}}}}\n",
    },
    "long-syntax": {
        "compose.yml": (
            "services:\n  milvus:\n    image: x\n"
            "    volumes:\n      - {type: bind, source: a, target: /a, read_only: true}\n"
            "      - {type: volume, source: v, target: /v}\n      - /anonymous\n"
            "    ports:\n      - {target: 19530, published: '19531', host_ip: 127.0.0.1}\n"
            "      - {target: 53, protocol: udp}\n      - '9091'\n"
            "    networks: {n: {aliases: [one, two]}}\nvolumes: {v: }\nnetworks: {n: }\n"
        ),
    },
}


@pytest.mark.parametrize("name", PROJECTS)
def test_compose_reads_a_project_as_we_do(tmp_path: Path, name: str) -> None:
    require_compose()
    for file, text in PROJECTS[name].items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    theirs = model(tmp_path, resolve_environment=True)
    assert isinstance(theirs, dict), theirs

    ours = observe(tmp_path, TlsConfig(), {"HOME": os.environ.get("HOME", "/")}).compose
    assert ours.services.keys() == theirs["services"].keys()
    for service in ours.services.values():
        assert _ours(service) == _theirs(_plain(theirs["services"][service.name]))


NAMED = """\
services:
  milvus:
    image: milvusdb/milvus:v2.5.5-${A:-none}
    container_name: ${COMPOSE_PROJECT_NAME}-milvus
    environment: {N: "${COMPOSE_PROJECT_NAME}", B: "${B:-none}"}
    volumes: ["./d:/d", "${PWD}/e:/e", "../f:/f"]
  behind:
    image: x
    profiles: [q]
"""
TREE = {
    ".env": "A=top\nB=top\n",
    "other.env": "A=other\n",
    "more.env": "A=more\nCOMPOSE_PROFILES=q\n",
    "docker-compose.yml": NAMED,
    "deploy/x.yml": NAMED,
    "deploy/.env": "A=deploy\n",
    "deploy/y.yml": "name: of-${A}\nservices: {milvus: {volumes: ['./y:/y']}}\n",
    "other/compose.yaml": NAMED,
    "other/compose.override.yml": "services: {milvus: {volumes: ['./o:/o']}}\n",
    "below/.env": "B=below\n",
    "lists/.env": "COMPOSE_FILE=../deploy/x.yml:../deploy/y.yml\nA=lists\n",
}


@pytest.mark.parametrize(
    ("where", "options", "variables"),
    [
        (".", "-f deploy/x.yml", {}),
        (".", "-f deploy/x.yml -f deploy/y.yml", {}),
        (".", "--project-directory . -f deploy/x.yml", {}),
        (".", "--project-directory other", {}),
        (".", "--project-directory other -f deploy/y.yml -f deploy/x.yml", {}),
        (".", "-p rag", {}),
        (".", "-p rag", {"COMPOSE_PROJECT_NAME": "never"}),
        (".", "", {"COMPOSE_PROJECT_NAME": "rag"}),
        (".", "--env-file other.env", {}),
        (".", "--env-file other.env --env-file more.env", {}),
        (".", "-f deploy/x.yml --env-file other.env", {}),
        (".", "--env-file other.env", {"COMPOSE_ENV_FILES": "more.env"}),
        (".", "", {"COMPOSE_ENV_FILES": "other.env,more.env"}),
        (".", "", {"COMPOSE_DISABLE_ENV_FILE": "1"}),
        (".", "--profile q", {}),
        (".", "--profile p --profile q", {"COMPOSE_PROFILES": "never"}),
        (".", "--profile p", {"COMPOSE_PROFILES": "q"}),
        (".", "", {"COMPOSE_PROFILES": "p,q"}),
        (".", "", {"COMPOSE_FILE": "deploy/x.yml"}),
        (".", "--project-directory other", {"COMPOSE_FILE": "deploy/x.yml:deploy/y.yml"}),
        (".", "-f docker-compose.yml", {"COMPOSE_FILE": "deploy/x.yml"}),
        ("below", "", {}),
        ("below", "-f ../deploy/x.yml", {}),
        ("below", "--env-file ../other.env", {}),
        ("lists", "-f ../docker-compose.yml", {}),
    ],
)
def test_the_options_and_variables_of_compose_mean_what_they_mean_to_compose(
    tmp_path: Path, where: str, options: str, variables: dict[str, str]
) -> None:
    require_compose()
    for file, text in TREE.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    start = tmp_path / where
    theirs = model(start, resolve_environment=True, options=options.split(), variables=variables)
    assert isinstance(theirs, dict), theirs
    words = options.split()
    flags: dict[str, Any] = {"file": (), "env_file": (), "profile": ()}
    for option, value in zip(words[::2], words[1::2], strict=True):
        name = {"-f": "file", "-p": "project_name"}.get(option, option[2:].replace("-", "_"))
        flags[name] = (*flags[name], value) if name in flags else value

    opened = open_project(start, flags, {"HOME": os.environ.get("HOME", "/"), **variables})
    project = observe(opened.root, opened.config, opened.variables, start=opened.start)

    services = project.compose.services
    assert {n for n, one in services.items() if is_active(one)} == theirs["services"].keys()
    for name, service in theirs["services"].items():
        assert _ours(services[name]) == _theirs(_plain(service))
    assert services["milvus"].text("container_name") == f"{theirs['name']}-milvus"
    # The base of relative paths is where cert/ and tls/ go.
    assert _theirs(theirs["services"]["milvus"])["volumes"]["/d"][0] == str(opened.root / "d")
    handed_on = ComposeCli.find(os.environ).config(
        replace(opened.invocation, environment={**os.environ, **variables})
    )
    assert handed_on == theirs


def _plain(value: Any) -> Any:
    """What Compose prints can be read by Compose again, so every dollar is doubled."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.replace("$$", "$") if isinstance(value, str) else value


def _ours(service: Service) -> dict[str, Any]:
    def read(path: Path) -> bytes | None:
        return path.read_bytes() if path.exists() else None

    return {
        "image": service.text("image"),
        "user": service.text("user"),
        "environment": service.container_variables(read),
        "volumes": {
            m.target: (str(m.host_path or m.source), "ro" in m.options) for m in service.mounts()
        },
        "ports": {(p.target, p.published, p.host_ip) for p in service.ports()},
        "aliases": service.aliases(),
    }


def _theirs(service: dict[str, Any]) -> dict[str, Any]:
    networks = service.get("networks") or {}
    return {
        "image": service.get("image"),
        "user": service.get("user"),
        "environment": service.get("environment") or {},
        "volumes": {
            volume["target"]: (str(volume.get("source")), volume.get("read_only", False))
            for volume in service.get("volumes", [])
        },
        "ports": {
            (
                port["target"],
                int(port["published"]) if "published" in port else None,
                port.get("host_ip"),
            )
            for port in service.get("ports", [])
            if port.get("protocol") == "tcp"
        },
        "aliases": [
            alias for network in networks.values() for alias in (network or {}).get("aliases", [])
        ],
    }

"""Projects that several tests of the command line begin with, and edits of their compose file."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.conftest import ROOT

# Milvus alone, its settings in the environment; and less of it.
PLAIN = """\
services:
  standalone:
    image: milvusdb/milvus:v2.4.5
    command: ["milvus", "run", "standalone"]
    environment:
      ETCD_USE_EMBED: "true"
    ports:
      - "19530:19530"
    volumes:
      - ./data:/var/lib/milvus
"""
BARE = """\
services:
  standalone:
    image: milvusdb/milvus:v2.4.5
    command: ["milvus", "run", "standalone"]
    ports: ["19530:19530"]
"""
BY_HAND = PLAIN.replace(
    'EMBED: "true"\n',
    'EMBED: "true"\n      COMMON_SECURITY_TLSMODE: 2\n      TLS_SERVERPEMPATH: /certs/server.pem\n'
    "      TLS_SERVERKEYPATH: /certs/server.key\n      TLS_CAPEMPATH: /certs/ca.pem\n",
).replace("    volumes:\n", "    volumes:\n      - ./certs:/certs:ro\n")
_ATTU = """
  attu:
    image: zilliz/attu:v2.4
    environment:
      MILVUS_URL: standalone:19530

networks:"""
GUIDE = (
    (ROOT / "fixtures/docker-compose.yml").read_text(encoding="utf-8").replace("\nnetworks:", _ATTU)
)
# Of every kind that reads a project.
COMMANDS = ("enable --dry-run", "status --format prometheus", "connect --for attu", "enable --json")


def only(project: Path, text: str) -> Path:
    """The project with this compose file, and no milvus.yaml."""
    (project / "milvus.yaml").unlink()
    (project / "docker-compose.yml").write_text(text, encoding="utf-8")
    return project


def changed(project: Path, old: str, new: str) -> None:
    file = project / "docker-compose.yml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def added(project: Path, text: str) -> None:
    with (project / "docker-compose.yml").open("a") as file:
        file.write(text)


def of_standalone(project: Path, lines: str) -> None:
    name = "    container_name: milvus-standalone\n"
    changed(project, name, name + lines)


def own_files(directory: Path) -> dict[str, bytes]:
    """All files of a project but ours."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and path.relative_to(directory).parts[0] not in {"cert", "tls"}
    }

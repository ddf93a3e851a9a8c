"""Compose files of our own making, in the shapes that files come in."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import yaml

_SHAPES = """\
=== bare
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
=== indented-by-four
services:
    milvus:
        image: milvusdb/milvus:v2.6.9
        volumes:
            - a:/a
volumes:
    a:
=== dashes-at-the-key
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    volumes:
    - ./a:/a
    environment:
    - A=1
=== mixed
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    security_opt:
    - seccomp:unconfined
    volumes:
      - ${DOCKER_VOLUME_DIRECTORY:-.}/a:/a
    environment:
      A: 1
=== single-quotes
services:
  "milvus":
    image: milvusdb/milvus:v2.6.9
    environment:
      'A': 'x'
    volumes:
      - './a:/a'
=== double-quotes
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    environment:
      - "A=x"
    volumes:
      - "./a:/a:ro"
=== long-syntax
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    volumes:
      - type: bind
        source: ./a
        target: /a
        read_only: true
=== comments
# top
services:
  # the database
  milvus:  # milvus
    image: milvusdb/milvus:v2.6.9  # pinned
    volumes:  # data
      # first
      - ./a:/a  # a
      # - ./b:/b

    # the end

# below
=== commented-out
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    volumes: []
    # volumes:
    #   - ./a:/a
    environment: {}
=== flow-lists
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    volumes: ['./a:/a', "b:/b"]
    environment: {A: 1, B: x}
volumes: {b: }
=== flow-lines
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    volumes: [
      ./a:/a,
      ./b:/b,  # last
    ]
    environment: [
      A=1
    ]
=== first-of-two
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    volumes:
      - ./a:/a

  other:
    image: x
    depends_on: [milvus]
=== anchors
x-common: &common
  restart: always
  logging: &log {driver: json-file}
services:
  other:
    <<: *common
    image: x
  milvus: &milvus
    <<: *common
    image: milvusdb/milvus:v2.6.9
    logging: *log
    environment: &env
      A: 1
=== merged-environment
x-env: &env
  A: 1
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    environment:
      <<: *env
      B: 2
  other:
    image: x
    environment:
      <<: *env
=== environment-alias
x-env: &env
  A: 1
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    environment: *env
  other:
    image: x
    environment: *env
=== block-text
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    command: |
      milvus run standalone

  other:
    image: x
    command: >
      a
      b


=== non-ascii
services:
  milvus:
    image: milvusdb/milvus:v2.6.9  # 向量数据库 🚀
    labels:
      名称: "数据"
    volumes:
      - ./数据:/var/lib/milvus
=== services-last
name: x
networks:
  n: {}
services:
  milvus:
    image: milvusdb/milvus:v2.6.9
    networks: [n]
    ports:
      - '19530:19530'
=== extended
services:
  base:
    image: milvusdb/milvus:v2.6.9
    command: sleep infinity
    environment:
      COMMON_SECURITY_TLSMODE: 0
  milvus:
    extends: base
    command: milvus run standalone
"""


def shapes() -> dict[str, str]:
    """The files, by the name of their shape."""
    parts = re.split(r"(?m)^=== (.+)\n", _SHAPES)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def crlf(text: str) -> str:
    """The text with the line ends of Windows."""
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _doubled(text: str) -> str:
    """Twice the indentation, also behind a dash."""

    def wider(found: re.Match[str]) -> str:
        return found[1] * 2 + (found[2] or "").ljust(4 if found[2] else 0)

    return re.sub(r"(?m)^( *)(- )?", wider, text)


def _flow_services(text: str) -> str:
    """Each service in braces, in one line."""
    document = yaml.safe_load(text)
    lines = [
        f"  {json.dumps(name)}: {json.dumps(service, ensure_ascii=False)}\n"
        for name, service in document.pop("services").items()
    ]
    rest = yaml.safe_dump(document, allow_unicode=True) if document else ""
    return f"services:\n{''.join(lines)}{rest}"


MUTATIONS: dict[str, Callable[[str], str]] = {
    "as-is": lambda text: text,
    "crlf": crlf,
    "bom": lambda text: f"\ufeff{text}",
    "crlf-and-bom": lambda text: f"\ufeff{crlf(text)}",
    "no-final-newline": lambda text: text.rstrip("\r\n"),
    "blank-lines": lambda text: f"\n\n{text}\n\n   \n",
    "doubled": _doubled,
    "trailing-comments": lambda text: text.rstrip("\r\n") + "\n# the end\n  # of it all\n",
    "document-start": lambda text: f"---\n{text}",
    "flow-services": _flow_services,
}

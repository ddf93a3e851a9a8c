"""The way back: to the byte from the splices, by meaning through the opposite intents."""

from __future__ import annotations

import pytest

from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Append, Intent, RemoveItem, Text
from compose_tls.yamlpatch.nodes import Mapping, Node, Sequence
from compose_tls.yamlpatch.patch import patch, revert
from compose_tls.yamlpatch.splice import Splice, applied, settled
from tests.unit.yamlpatch import test_flow, test_lines, test_lists, test_scalars
from tests.unit.yamlpatch.editing import NAME, Edit, append, drop, put, take

_OFFICIAL = """\
version: '3.5'

services:
  etcd:
    container_name: milvus-etcd
    image: quay.io/coreos/etcd:v3.5.18
    environment:
      - ETCD_AUTO_COMPACTION_MODE=revision
    volumes:
      - ${DOCKER_VOLUME_DIRECTORY:-.}/volumes/etcd:/etcd
    command: etcd --listen-client-urls http://0.0.0.0:2379 --data-dir /etcd
    healthcheck:
      test: ["CMD", "etcdctl", "endpoint", "health"]
      interval: 30s

  minio:
    image: minio/minio:RELEASE.2024-05-28T17-19-04Z
    environment:
      MINIO_ACCESS_KEY: minioadmin
    ports:
      - "9001:9001"
    command: minio server /minio_data --console-address ":9001"

  standalone:
    container_name: milvus-standalone
    image: milvusdb/milvus:v2.5.10
    command: ["milvus", "run", "standalone"]
    security_opt:
    - seccomp:unconfined
    environment:
      ETCD_ENDPOINTS: etcd:2379
      MINIO_ADDRESS: minio:9000
    volumes:
      - ${DOCKER_VOLUME_DIRECTORY:-.}/volumes/milvus:/var/lib/milvus
    ports:
      - "19530:19530"
      - "9091:9091"
    depends_on:
      - "etcd"
      - "minio"

networks:
  default:
    name: milvus
"""
_M = "services.standalone"
_TLS = "${DOCKER_VOLUME_DIRECTORY:-.}/tls:/milvus/tls"
_ENABLE = (
    append(f"{_M}.volumes", _TLS),
    put(f"{_M}.environment.COMMON_SECURITY_TLSMODE", "2", string=True),
    append(f"{_M}.ports", "8080:8080"),
    append(f"{_M}.extra_hosts", "a:b"),
)
_DISABLE = (
    take(f"{_M}.volumes", _TLS),
    drop(f"{_M}.environment.COMMON_SECURITY_TLSMODE"),
    take(f"{_M}.ports", "8080:8080"),
    take(f"{_M}.extra_hosts", "a:b"),
)
_VOLUME = "    volumes:\n      - ${DOCKER_VOLUME_DIRECTORY:-.}/volumes/milvus:/var/lib/milvus\n"

_TAIL = "\nnetworks:\n  default:\n    name: milvus\n"

MUTATIONS = {
    "as it is": (),
    "with CRLF": (("\n", "\r\n"),),
    "without volumes": ((_VOLUME, ""),),
    "with empty volumes": ((_VOLUME, "    volumes: # none yet\n"),),
    "with volumes in brackets": ((_VOLUME, '    volumes: ["./data:/var/lib/milvus"] # data\n'),),
    "with volumes in brackets over lines": (
        (_VOLUME, "    volumes: [\n      ./data:/d, # data\n    ]\n"),
    ),
    "with volumes that are not indented": ((_VOLUME, "    volumes:\n    - ./data:/d\n"),),
    "with commented-out volumes": ((_VOLUME, f"{_VOLUME}      # - ./x:/y\n      # z\n"),),
    "with long volumes": (
        (_VOLUME, "    volumes:\n      - type: bind\n        source: ./d\n        target: /d\n"),
    ),
    "with a block command": (
        ('["milvus", "run", "standalone"]', "|+\n      milvus run standalone\n\n"),
    ),
    "with one variable": (("      ETCD_ENDPOINTS: etcd:2379\n", ""),),
    "with four blanks": (("  ", "    "),),
    "without what stands below": ((_TAIL, ""),),
    "without what stands below and a final line break": ((f"\n{_TAIL}", ""),),
    "with blank lines at the end": (("name: milvus\n", "name: milvus\n\n  \n"),),
    "with comments at the end": (('- "minio"\n', '- "minio" # c\n      # d\n    # e\n# f\n'),),
    "with a merge key": (
        ("services:\n", "x-c: &c\n  restart: always\nservices:\n"),
        ("    container_name: milvus-standalone\n", "    <<: *c\n"),
    ),
    "with a byte order mark": (("version", "\ufeffversion"),),
}


@pytest.mark.parametrize("mutations", MUTATIONS.values(), ids=MUTATIONS)
def test_an_official_like_file_is_edited_and_comes_back(
    mutations: tuple[tuple[str, str], ...],
) -> None:
    text = _OFFICIAL
    for old, new in mutations:
        assert old in text
        text = text.replace(old, new)
    before = text.encode()
    patched = patch(before, NAME, _ENABLE)
    old_lines, new_lines = before.splitlines(), patched.content.splitlines()
    missing = [line for line in old_lines if line not in new_lines]
    assert len(missing) <= (1 if "volumes: [" in text else 0)
    assert 4 <= len(new_lines) - len(old_lines) + len(missing) <= 6
    assert revert(patched.content, patched.splices) == before
    without = patch(patched.content, NAME, _DISABLE)
    if "without volumes" not in text and "none yet" not in text:
        assert without.content == before


def _appended_to_what_was_there(edit: Edit) -> bool:
    document = parse(edit.before.encode(), NAME)
    for intent in edit.intents:
        node: Node | None = document.root
        for name in intent.route:
            node = node.get(name) if isinstance(node, Mapping) else None
        if not isinstance(intent, Append) or not isinstance(node, Sequence) or not node.items:
            return False
    return True


_APPENDED = {
    name: edit
    for module in (test_flow, test_lists, test_lines, test_scalars)
    for name, edit in module.EDITS.items()
    if _appended_to_what_was_there(edit)
}


@pytest.mark.parametrize("edit", _APPENDED.values(), ids=_APPENDED)
def test_taking_appended_items_out_again_gives_the_same_bytes(edit: Edit) -> None:
    opposite: list[Intent] = []
    for intent in edit.intents:
        assert isinstance(intent, Append)
        item = intent.item
        wanted = item.value if isinstance(item, Text) else {k: t.value for k, t in item.items()}
        opposite.append(RemoveItem(intent.route, wanted))
    assert patch(edit.after.encode(), NAME, opposite).content.decode() == edit.before


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(b"v:\n- a\nx: 1\n", id="taken out by hand"),
        pytest.param(b"v:\n- a\n- c\nx: 1\n", id="changed by hand"),
        pytest.param(b"w: 1\nv:\n- a\n- b\nx: 1\n", id="moved by hand"),
        pytest.param(b"v:\n", id="cut short"),
        pytest.param(b"\xff", id="not a text any more"),
    ],
)
def test_there_is_no_way_back_from_a_file_that_visibly_changed(changed: bytes) -> None:
    patched = patch(b"v:\n- a\nx: 1\n", NAME, [append("v", "b")])
    assert revert(changed, patched.splices) is None


def test_splices_that_overlap_are_not_applied() -> None:
    assert applied("abcdef", (Splice(1, "bcd", "x"), Splice(3, "d", "y"))) is None


def test_removals_that_touch_become_one() -> None:
    found = settled("abcdef\n", [Splice(3, "de", ""), Splice(1, "bc", ""), Splice(2, "cd", "")])
    assert found == (Splice(1, "bcde", ""),)

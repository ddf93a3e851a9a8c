"""Block sequences: appending to them, making them, filling empty ones."""

from __future__ import annotations

import pytest

from tests.unit.yamlpatch.editing import TLS, Edit, append, check_edit

_LONG = {"type": "bind", "source": "./tls", "target": "/milvus/tls"}

EDITS = {
    "a list indented by two": Edit(
        "m:\n  volumes:\n    - a:/a\n  ports: [1]\n",
        (append("m.volumes"),),
        f"m:\n  volumes:\n    - a:/a\n    - {TLS}\n  ports: [1]\n",
    ),
    "a list that is not indented under its key": Edit(
        "m:\n  volumes:\n  - a:/a\n  ports: [1]\n",
        (append("m.volumes"),),
        f"m:\n  volumes:\n  - a:/a\n  - {TLS}\n  ports: [1]\n",
    ),
    "a list indented by four, in keys indented by three": Edit(
        "m:\n   volumes:\n       - a:/a\n",
        (append("m.volumes"),),
        f"m:\n   volumes:\n       - a:/a\n       - {TLS}\n",
    ),
    "a root mapping that is itself indented": Edit(
        "  volumes:\n  - a:/a\n  x: 1\n",
        (append("volumes"),),
        f"  volumes:\n  - a:/a\n  - {TLS}\n  x: 1\n",
    ),
    "a wide gap after the dash": Edit(
        "v:\n  -   a:/a\n", (append("v"),), f"v:\n  -   a:/a\n  -   {TLS}\n"
    ),
    "an item below its dash": Edit(
        "v:\n  -\n    a:/a\n", (append("v"),), f"v:\n  -\n    a:/a\n  - {TLS}\n"
    ),
    "an empty item at the end": Edit(
        "v:\n  - a\n  -\n", (append("v"),), f"v:\n  - a\n  -\n  - {TLS}\n"
    ),
    "several items": Edit("v:\n- a\n", (append("v", "b"), append("v", "c")), "v:\n- a\n- b\n- c\n"),
    "nested lists": Edit(
        "v:\n  - - a\n    - b\n  - - c\n",
        (append("v"),),
        f"v:\n  - - a\n    - b\n  - - c\n  - {TLS}\n",
    ),
    "items that are mappings": Edit(
        "v:\n  - type: bind\n    source: ./a\n    target: /a\n\nx: 1\n",
        (append("v", _LONG),),
        "v:\n  - type: bind\n    source: ./a\n    target: /a\n"
        "  - type: bind\n    source: ./tls\n    target: /milvus/tls\n\nx: 1\n",
    ),
    "a mapping beside short items, with a wide gap": Edit(
        "v:\n-   a:/a\n",
        (append("v", _LONG),),
        "v:\n-   a:/a\n-   type: bind\n    source: ./tls\n    target: /milvus/tls\n",
    ),
    "a short item beside a mapping": Edit(
        "v:\n  - type: bind\n    bind:\n      create_host_path: true\n",
        (append("v"),),
        f"v:\n  - type: bind\n    bind:\n      create_host_path: true\n  - {TLS}\n",
    ),
    "mappings in braces": Edit(
        "v:\n  - {type: bind, source: ./a}\n",
        (append("v", _LONG),),
        "v:\n  - {type: bind, source: ./a}\n  - {type: bind, source: ./tls, target: /milvus/tls}\n",
    ),
    "mappings with quoted values": Edit(
        "v:\n  - type: 'volume'\n    read_only: true\n",
        (append("v", {"type": "bind", "read_only": "true"}),),
        "v:\n  - type: 'volume'\n    read_only: true\n  - type: 'bind'\n    read_only: true\n",
    ),
    "a missing list, placed as most lists of the service are": Edit(
        "m:\n  ports:\n  - '1'\n  expose:\n  - '2'\n  dns:\n    - '3'\n",
        (append("m.volumes"),),
        f"m:\n  ports:\n  - '1'\n  expose:\n  - '2'\n  dns:\n    - '3'\n  volumes:\n  - {TLS}\n",
    ),
    "a missing list, placed as in the rest of the file": Edit(
        "a:\n    ports:\n        - '1'\nm:\n    image: x\nb:\n    ports: []\n",
        (append("m.volumes"),),
        "a:\n    ports:\n        - '1'\n"
        f"m:\n    image: x\n    volumes:\n        - {TLS}\nb:\n    ports: []\n",
    ),
    "a missing list where there is no other": Edit(
        "m:\n  image: x\n", (append("m.volumes"),), f"m:\n  image: x\n  volumes:\n    - {TLS}\n"
    ),
    "an empty value": Edit(
        "m:\n  volumes:\n  ports:\n  - '1'\n",
        (append("m.volumes"),),
        f"m:\n  volumes:\n  - {TLS}\n  ports:\n  - '1'\n",
    ),
    "an empty value with blanks and a comment": Edit(
        "m:\n  volumes:   # none\n  image: x\n",
        (append("m.volumes"),),
        f"m:\n  volumes:   # none\n    - {TLS}\n  image: x\n",
    ),
    "an empty value as the last thing": Edit(
        "m:\n  volumes:", (append("m.volumes"),), f"m:\n  volumes:\n    - {TLS}"
    ),
    "null": Edit(
        "m:\n  volumes: null  # none\n  x: 1\n",
        (append("m.volumes"),),
        f"m:\n  volumes:  # none\n    - {TLS}\n  x: 1\n",
    ),
    "a tilde": Edit("v: ~\nx: 1\n", (append("v"),), f"v:\n  - {TLS}\nx: 1\n"),
    "null at the end of a text without final line break": Edit(
        "x: 1\nv: Null", (append("v"),), f"x: 1\nv:\n  - {TLS}"
    ),
    "null below its key": Edit(
        "v:  # why\n  null\nx: 1\n", (append("v"),), f"v:  # why\n\n  - {TLS}\nx: 1\n"
    ),
    "a list that holds only commented-out entries": Edit(
        "m:\n  volumes:\n    # - ./a:/a\n    # - ./b:/b\n  x: 1\n",
        (append("m.volumes"),),
        f"m:\n  volumes:\n    - {TLS}\n    # - ./a:/a\n    # - ./b:/b\n  x: 1\n",
    ),
    "a list with an anchor that nothing refers to": Edit(
        "v: &own\n- a\nx: 1\n", (append("v"),), f"v: &own\n- a\n- {TLS}\nx: 1\n"
    ),
    "an empty value with an anchor that nothing refers to": Edit(
        "v: &own  # c\nx: 1\n", (append("v"),), f"v: &own  # c\n  - {TLS}\nx: 1\n"
    ),
    "null with an anchor that nothing refers to": Edit(
        "v: &own null\nx: 1\n", (append("v"),), f"v: &own\n  - {TLS}\nx: 1\n"
    ),
    "a list under !override": Edit(
        "v: !override\n  - a\nx: 1\n", (append("v"),), f"v: !override\n  - a\n  - {TLS}\nx: 1\n"
    ),
    "a list under !override that is not indented": Edit(
        "v: !override\n- a\nx: 1\n", (append("v"),), f"v: !override\n- a\n- {TLS}\nx: 1\n"
    ),
    "a list under an explicit core tag": Edit(
        "v: !!seq\n- a\n", (append("v"),), f"v: !!seq\n- a\n- {TLS}\n"
    ),
    "a list under an explicit key": Edit(
        "? v\n: - a\n  - b\nx: 1\n", (append("v"),), f"? v\n: - a\n  - b\n  - {TLS}\nx: 1\n"
    ),
    "an item that is an alias": Edit(
        "x: &x a:/a\nv:\n- *x\n", (append("v"),), f"x: &x a:/a\nv:\n- *x\n- {TLS}\n"
    ),
    "a last item that is block text": Edit(
        "v:\n  - |\n    a\n\nx: 1\n", (append("v"),), f"v:\n  - |\n    a\n  - {TLS}\n\nx: 1\n"
    ),
    "a last item over several lines": Edit(
        "v:\n  - a\n    b  # c\n  # d\n",
        (append("v"),),
        f"v:\n  - a\n    b  # c\n  - {TLS}\n  # d\n",
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_item_is_appended_to(edit: Edit) -> None:
    check_edit(edit)

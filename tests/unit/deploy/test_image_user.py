"""Names of users, in the numbers of the image."""

from __future__ import annotations

import pytest

from compose_tls.deploy.image_user import numbers

PASSWD = "root:x:0:0:root:/root:/bin/bash\n# odd line\nmilvus:x:1001:1002::/home/milvus:/bin/sh\n"
GROUP = "root:x:0:\nvector:x:1500:milvus\n"


@pytest.mark.parametrize(
    ("user", "found"),
    [
        ("milvus", "1001:1002"),
        ("milvus:vector", "1001:1500"),
        ("milvus:7", "1001:7"),
        ("5:vector", "5:1500"),
        ("root", "0:0"),
        ("nobody-here", None),
        ("milvus:nobody-here", None),
        ("nobody-here:7", None),
    ],
)
def test_a_name_is_what_the_image_says(user: str, found: str | None) -> None:
    assert numbers(user, PASSWD, GROUP) == found


@pytest.mark.parametrize("text", ["", "milvus", "milvus:x:not-a-number:7:", "milvus::::"])
def test_an_image_that_does_not_say_it_is_believed_nothing(text: str) -> None:
    assert numbers("milvus", text, "") is None

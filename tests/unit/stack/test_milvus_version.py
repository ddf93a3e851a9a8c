import pytest

from compose_tls.stack.milvus.milvus_version import FIRST_WITHOUT_ROOT, NEWEST, MilvusVersion


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("v2.5.5", (2, 5, 5)),
        ("2.5.5", (2, 5, 5)),
        ("v2.6.9-gpu", (2, 6, 9)),
        ("v2.6.0-rc1", (2, 6, 0)),
        ("v2.4.13-hotfix", (2, 4, 13)),
        ("v2.3.5-20240101-abc", (2, 3, 5)),
        ("v2.0.0-rc8-20211104-d1f4106", (2, 0, 0)),
        ("v2.5.5}", (2, 5, 5)),
    ],
)
def test_a_tag_names_a_version(tag: str, expected: tuple[int, int, int]) -> None:
    assert MilvusVersion.of_tag(tag) == MilvusVersion(*expected)


@pytest.mark.parametrize(
    "tag",
    ["latest", "master-latest", "master-20240101-abc", "", "gpu", "v2", "v2.5.5.1", "nightly-2.5"],
)
def test_other_tags_name_none(tag: str) -> None:
    assert MilvusVersion.of_tag(tag) is None


def test_a_line_stands_for_its_newest_release() -> None:
    line = MilvusVersion.of_tag("v2.5")

    assert line is not None
    assert MilvusVersion(2, 5, 30) < line < MilvusVersion(2, 6)
    assert str(line) == "2.5"


def test_a_prerelease_of_a_line_counts_as_that_line() -> None:
    beta = MilvusVersion.of_tag("v3.0-beta")

    assert beta is not None
    assert beta >= FIRST_WITHOUT_ROOT


def test_the_newest_one_is_newer_than_any() -> None:
    assert MilvusVersion(3, 999, 999) < NEWEST

import time
from pathlib import Path

import pytest

from compose_tls.compose.volumes import Mount, is_path, normal_target, split_short
from tests.unit.builders import service

VARIABLES = {"DATA": "/data", "WHOLE": "./x:/y:ro", "HOME": "/home/me"}


def mounts(volumes: str, extra: str = "") -> list[Mount]:
    text = f"services: {{milvus: {{image: x, volumes: {volumes}}}}}\n{extra}"
    return service(text, variables=VARIABLES).mounts()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("/anonymous", (None, "/anonymous", ())),
        ("data:/var/lib/milvus", ("data", "/var/lib/milvus", ())),
        ("./a:/b:ro", ("./a", "/b", ("ro",))),
        ("./a:/b:ro,z", ("./a", "/b", ("ro", "z"))),
        ("${D:-.}/a:/b", ("${D:-.}/a", "/b", ())),
        ("${D:-${E:-.}}/a:/b:rw", ("${D:-${E:-.}}/a", "/b", ("rw",))),
        (r"C:\a:/b", (r"C:\a", "/b", ())),
        ("c:/a:/b:ro", ("c:/a", "/b", ("ro",))),
        ("a}:/b", ("a}", "/b", ())),
    ],
)
def test_short_entries_are_split_where_compose_splits_them(
    entry: str, expected: tuple[str | None, str, tuple[str, ...]]
) -> None:
    assert split_short(entry) == expected


@pytest.mark.parametrize("source", [".", "./a", "../a", "/a", "~/a", r"C:\a", "D:/a"])
def test_a_host_path_is_told_from_a_volume(source: str) -> None:
    assert is_path(source)


@pytest.mark.parametrize("source", ["data", "a/b", "c", "c:", ""])
def test_a_volume_is_told_from_a_host_path(source: str) -> None:
    assert not is_path(source)


@pytest.mark.parametrize("target", ["/milvus/tls", "/milvus/tls/", "//milvus/tls", "/milvus/./tls"])
def test_a_target_is_known_by_its_shortest_form(target: str) -> None:
    assert normal_target(target) == "/milvus/tls"


@pytest.mark.parametrize(
    ("entry", "source", "host"),
    [
        ("./a:/t", "./a", "/project/a"),
        ("../a:/t", "../a", "/a"),
        ("./b/../a:/t", "./b/../a", "/project/a"),
        ("../../../a:/t", "../../../a", "/a"),
        ("/a:/t", "/a", "/a"),
        ("~/a:/t", "~/a", "/home/me/a"),
        ("${X:-.}/a:/t", "${X:-.}/a", "/project/a"),
        ("$DATA/a:/t", "$DATA/a", "/data/a"),
        ("data:/t", "data", None),
        ("${X}/a:/t", "${X}/a", "/a"),
        ("/t", None, None),
        ("{type: bind, source: a, target: /t}", "a", "/project/a"),
        ("{type: bind, source: $DATA, target: /t}", "$DATA", "/data"),
        ("{type: volume, source: a, target: /t}", "a", None),
        ("{type: bind, target: /t}", None, None),
        ("{type: tmpfs, target: /t/}", None, None),
    ],
)
def test_the_host_path_of_a_mount_is_found(
    entry: str, source: str | None, host: str | None
) -> None:
    quoted = entry if entry.startswith("{") else f"'{entry}'"
    [mount] = mounts(f"[{quoted}]")

    assert (mount.target, mount.source) == ("/t", source)
    assert mount.host_path == (Path(host) if host else None)


@pytest.mark.parametrize(
    ("entry", "options"),
    [
        ("'./a:/t:ro,z'", ("ro", "z")),
        ("'./a:/t:${MODE:-ro}'", ("ro",)),
        ("{type: bind, source: a, target: /t, read_only: true}", ("ro",)),
        ("{type: bind, source: a, target: /t, read_only: 'Yes'}", ("ro",)),
        ("{type: bind, source: a, target: /t, read_only: false}", ()),
        ("{type: bind, source: a, target: /t, bind: {selinux: Z}}", ("Z",)),
        ("{type: bind, source: a, target: /t, bind: {propagation: shared}}", ()),
    ],
)
def test_the_options_of_a_mount_are_found(entry: str, options: tuple[str, ...]) -> None:
    [mount] = mounts(f"[{entry}]")

    assert mount.options == options
    assert mount.long == entry.startswith("{")


def test_one_variable_may_stand_for_a_whole_entry() -> None:
    [mount] = mounts("[$WHOLE]")

    assert (mount.target, mount.host_path, mount.options) == ("/y", Path("/project/x"), ("ro",))
    assert mount.source == "./x"


def test_of_two_entries_with_one_target_the_later_wins_and_knows_its_line() -> None:
    found = service("""\
        services:
          milvus:
            volumes:
              - ./a:/t
              - ./b:/u
              - type: bind
                source: ./c
                target: /t/
        """).mounts()

    assert [(m.target, m.source, m.line) for m in found] == [("/t", "./c", 6), ("/u", "./b", 5)]


@pytest.mark.parametrize("volumes", ["none", "{a: b}", "[[a]]", "[{type: bind}]", "[]", "null"])
def test_what_is_no_list_of_volumes_holds_none(volumes: str) -> None:
    assert mounts(volumes) == []


@pytest.mark.parametrize(
    ("entry", "declared", "target", "host"),
    [
        ("m", "{m: {file: ./m.yaml}}", "/m", "/project/m.yaml"),
        ("{source: m}", "{m: {file: ./m.yaml}}", "/m", "/project/m.yaml"),
        ("{source: m, target: /t}", "{m: {file: m.yaml}}", "/t", "/project/m.yaml"),
        ("{source: m, target: t}", "{m: {file: m.yaml}}", "/t", "/project/m.yaml"),
        ("{source: m, target: /t}", "{m: {content: text}}", "/t", None),
        ("{source: m, target: /t}", "{m: null}", "/t", None),
        ("{source: m, target: /t}", "none", "/t", None),
    ],
)
def test_configs_become_mounts(entry: str, declared: str, target: str, host: str | None) -> None:
    text = f"services: {{milvus: {{image: x, configs: [{entry}]}}}}\nconfigs: {declared}\n"
    [mount] = service(text).config_mounts()

    assert (mount.target, mount.source) == (target, "m")
    assert mount.host_path == (Path(host) if host else None)


@pytest.mark.parametrize("entry", ["{target: /t}", "[a]"])
def test_a_config_without_a_source_is_none(entry: str) -> None:
    assert service(f"services: {{milvus: {{configs: [{entry}]}}}}").config_mounts() == []


def test_an_entry_takes_the_time_of_its_length() -> None:
    start = time.process_time()
    assert split_short("x" * 2_000_000 + ":/data:ro") == ("x" * 2_000_000, "/data", ("ro",))
    assert time.process_time() - start < 2

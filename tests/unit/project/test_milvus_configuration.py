from pathlib import Path
from typing import Any

import pytest

from compose_tls.config import TlsConfig
from compose_tls.errors import (
    ComposeTlsError,
    MilvusConfigNotFound,
    MilvusConfigPartial,
    YamlSyntax,
)
from compose_tls.project.milvus_configuration import Placement, place
from tests.unit.builders import DIRECTORY, chosen, milvus, milvus_yaml

IMAGE = "milvusdb/milvus:v2.5.5"
MOUNTED = "/milvus/configs/milvus.yaml"


def compose(*volumes: str, fields: str = "", image: str = IMAGE) -> str:
    listed = ", ".join(f"'{volume}'" for volume in volumes)
    return f"services: {{milvus: {{image: '{image}', volumes: [{listed}]{fields}}}}}\n"


def placed(
    text: str, files: dict[str, str] | None = None, config: str = "auto", **more: Any
) -> Placement:
    everything = {"docker-compose.yml": text, **(files or {})}
    settings = TlsConfig.model_validate({"config": config, **more})
    return place(milvus(everything).configuration, settings.config)


def codes(placement: Placement) -> list[str]:
    return [warning.code for warning in placement.warnings]


def test_a_mounted_file_is_used_where_it_lies() -> None:
    found = placed(compose(f"../conf/m.yaml:{MOUNTED}"), {"../conf/m.yaml": milvus_yaml()})

    assert found.kind == "env"
    found = placed(compose(f"./conf/m.yaml:{MOUNTED}"), {"conf/m.yaml": milvus_yaml()})
    assert (found.kind, found.file, found.mounted) == ("file", DIRECTORY / "conf/m.yaml", True)


@pytest.mark.parametrize("config", ["auto", "file"])
@pytest.mark.parametrize(
    ("volumes", "name"),
    [
        ([f"./a.yaml:{MOUNTED}:ro"], "a.yaml"),
        (["./conf:/milvus/configs"], "conf/milvus.yaml"),
        (["./conf:/milvus/configs/"], "conf/milvus.yaml"),
        (["./conf:/milvus/configs", f"./a.yaml:{MOUNTED}"], "a.yaml"),
        ([f"./a.yaml:{MOUNTED}", "./conf:/milvus/configs"], "a.yaml"),
    ],
)
def test_a_mounted_file_or_directory_is_found(config: str, volumes: list[str], name: str) -> None:
    files = {"a.yaml": milvus_yaml(), "conf/milvus.yaml": milvus_yaml()}
    found = placed(compose(*volumes), files, config)

    assert (found.kind, found.file, found.mounted) == ("file", DIRECTORY / name, True)


@pytest.mark.parametrize("kind", ["configs", "secrets"])
def test_a_config_and_a_secret_count_as_mounted(kind: str) -> None:
    text = (
        f"services: {{milvus: {{image: '{IMAGE}', {kind}: [{{source: m, target: {MOUNTED}}}]}}}}\n"
        f"{kind}: {{m: {{file: ./m.yaml}}}}\n"
    )
    found = placed(text, {"m.yaml": milvus_yaml(), "milvus.yaml": milvus_yaml()})

    assert (found.file, found.mounted) == (DIRECTORY / "m.yaml", True)


def test_the_directory_of_the_configuration_can_be_another_one() -> None:
    text = compose(
        "./m.yaml:/etc/milvus/milvus.yaml", fields=", environment: [MILVUSCONF=/etc/milvus/]"
    )
    found = placed(text, {"m.yaml": milvus_yaml()})

    assert (found.target, found.file) == ("/etc/milvus/milvus.yaml", DIRECTORY / "m.yaml")


def test_so_it_can_by_an_env_file() -> None:
    files = {"m.yaml": milvus_yaml(), "m.env": "MILVUSCONF=/etc/milvus\n"}
    found = placed(compose("./m.yaml:/etc/milvus/milvus.yaml", fields=", env_file: m.env"), files)

    assert found.file == DIRECTORY / "m.yaml"


@pytest.mark.parametrize("config", ["auto", "file"])
def test_a_complete_file_beside_the_compose_file_will_be_mounted(config: str) -> None:
    found = placed(compose(), {"milvus.yaml": milvus_yaml()}, config)

    assert (found.kind, found.file, found.mounted) == ("file", DIRECTORY / "milvus.yaml", False)
    assert (found.target, found.warnings) == (MOUNTED, ())


def test_without_a_file_the_settings_go_into_the_environment() -> None:
    assert placed(compose()) == Placement("env", MOUNTED, None, False, ())


@pytest.mark.parametrize("volume", ["./milvus.yaml:/milvus/configs/milvus.yaml", "./data:/data"])
def test_the_environment_can_be_asked_for(volume: str) -> None:
    assert placed(compose(volume), {"milvus.yaml": milvus_yaml()}, "env").kind == "env"


@pytest.mark.parametrize(
    "text",
    [
        "common: {}\n",
        "",
        "<!DOCTYPE html>\n<html>\n",
        "a: b: c\n",
        "a: 1\n\tb: 2\n",
        "a: {{ x }}\n",
    ],
)
def test_an_unfit_file_beside_it_is_left_alone_and_that_is_said(text: str) -> None:
    found = placed(compose(), {"milvus.yaml": text})

    assert found.kind == "env"
    assert codes(found) == ["milvus-config-partial"]
    assert "milvus.yaml" in found.warnings[0].message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!DOCTYPE html>\n<html>\n", "is a web page"),
        ("\ufeff<!-- saved -->\n<html lang='en'></html>", "is a web page"),
        ("404: Not Found\n", 'says "404: Not Found"'),
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("common: {}\n", "is only a part"),
    ],
)
@pytest.mark.parametrize("volume", ["./data:/data", f"./milvus.yaml:{MOUNTED}"])
def test_what_it_is_instead_is_said_with_what_gets_the_right_one(
    volume: str, text: str, words: str
) -> None:
    [warning] = placed(compose(volume), {"milvus.yaml": text}).warnings

    assert words in warning.message
    assert "docker run --rm --entrypoint cat milvusdb/milvus:" in (warning.hint or "")


def test_a_file_that_is_there_for_something_else_is_not_spoken_of() -> None:
    found = placed(
        compose("./milvus.yaml:/milvus/configs/user.yaml"), {"milvus.yaml": "common: {}\n"}
    )

    assert (found.kind, found.warnings) == ("env", ())


def test_nor_is_a_compose_file_called_milvus_yaml() -> None:
    text = compose()
    (found,) = chosen({"milvus.yaml": text}, compose_files=("milvus.yaml",))
    placement = place(found.configuration, "auto")

    assert (placement.kind, placement.warnings) == ("env", ())


@pytest.mark.parametrize(
    ("files", "words"),
    [({"m.yaml": "common: {}\n"}, "only a part"), ({}, "is not a file on this host")],
)
def test_an_unfit_mounted_file_is_warned_of(files: dict[str, str], words: str) -> None:
    found = placed(compose(f"./m.yaml:{MOUNTED}"), files)

    assert found.kind == "env"
    assert codes(found) == ["milvus-config-unusable"]
    assert "m.yaml" in found.warnings[0].message
    assert words in found.warnings[0].message


def test_one_that_is_missing_is_made_where_it_is_mounted_from() -> None:
    [warning] = placed(compose(f"./conf/m.yaml:{MOUNTED}"), {}).warnings

    assert warning.hint is not None
    assert warning.hint.startswith("for the complete one: mkdir -p conf && docker run ")
    assert warning.hint.endswith(f" {MOUNTED} > conf/m.yaml")


@pytest.mark.parametrize("source", ["../m.yaml", "/etc/cron.d/m", "./conf/../../m.yaml"])
def test_outside_the_project_nothing_is_to_be_made(source: str) -> None:
    [warning] = placed(compose(f"{source}:{MOUNTED}"), {}).warnings

    assert warning.hint is not None
    assert warning.hint.startswith("for the complete one: docker run ")
    assert warning.hint.endswith(f" {MOUNTED} > milvus.yaml")


def test_a_volume_at_the_directory_is_somebody_elses_business() -> None:
    found = placed(compose("configs:/milvus/configs"), {"milvus.yaml": milvus_yaml()})

    assert (found.kind, found.warnings) == ("env", ())


@pytest.mark.parametrize(
    ("text", "files", "error", "path", "line"),
    [
        (compose(), {}, MilvusConfigNotFound, "milvus.yaml", None),
        (compose(), {"milvus.yaml": "a: 1\n"}, MilvusConfigPartial, "milvus.yaml", None),
        (compose(), {"milvus.yaml": "a: 1\n\tb: 2\n"}, YamlSyntax, "milvus.yaml", 2),
        (compose(f"./m.yaml:{MOUNTED}"), {}, MilvusConfigNotFound, "m.yaml", None),
        (compose(f"./m.yaml:{MOUNTED}"), {"m.yaml": "a: 1"}, MilvusConfigPartial, "m.yaml", None),
        (compose("conf:/milvus/configs"), {}, MilvusConfigNotFound, "docker-compose.yml", 1),
    ],
)
def test_a_file_that_is_asked_for_has_to_be_fit(
    text: str, files: dict[str, str], error: type[ComposeTlsError], path: str, line: int | None
) -> None:
    with pytest.raises(error) as caught:
        placed(text, files, "file")

    assert (caught.value.path, caught.value.line) == (path, line)


def test_the_hint_takes_the_file_out_of_the_image() -> None:
    with pytest.raises(MilvusConfigNotFound) as caught:
        placed(compose(), config="file")

    assert f"docker run --rm --entrypoint cat {IMAGE} {MOUNTED}" in caught.value.hint


def test_a_broken_mounted_file_is_told() -> None:
    with pytest.raises(YamlSyntax) as caught:
        placed(compose(f"./m.yaml:{MOUNTED}"), {"m.yaml": "a: 1\n\tb: 2\n"})

    assert (caught.value.path, caught.value.line) == ("m.yaml", 2)


def test_an_old_milvus_takes_no_settings_from_the_environment() -> None:
    with pytest.raises(MilvusConfigNotFound) as caught:
        placed(compose(image="milvusdb/milvus:v2.1.4"))

    assert caught.value.path == "docker-compose.yml"
    assert (
        placed(compose(image="milvusdb/milvus:v2.1.4"), {"milvus.yaml": milvus_yaml()}).kind
        == "file"
    )


@pytest.mark.parametrize(
    ("volumes", "later"),
    [
        (["./u.yaml:/milvus/configs/user.yaml"], ["u.yaml"]),
        (["./u.yaml:/milvus/configs/default.yaml"], ["u.yaml"]),
        (["./conf:/milvus/configs"], ["conf/default.yaml", "conf/user.yaml"]),
        (["./gone.yaml:/milvus/configs/user.yaml"], []),
        (["v:/milvus/configs/user.yaml"], []),
    ],
)
def test_files_that_milvus_reads_later_are_found(volumes: list[str], later: list[str]) -> None:
    files = {
        "milvus.yaml": milvus_yaml(),
        "u.yaml": "",
        "conf/milvus.yaml": milvus_yaml(),
        "conf/user.yaml": "",
        "conf/default.yaml": "",
    }

    assert placed(compose(*volumes), files).later_files == tuple(DIRECTORY / n for n in later)


def test_a_file_in_the_directory_of_an_included_project_is_beside_it() -> None:
    files = {
        "docker-compose.yml": "include: [sub/compose.yml]",
        "sub/compose.yml": compose(),
        "sub/milvus.yaml": milvus_yaml(),
        "milvus.yaml": "a: 1",
    }
    found = place(milvus(files).configuration, "auto")

    assert found.file == Path(DIRECTORY / "sub/milvus.yaml")


QUEUE = "rocksmq:\n  path: /var/lib/milvus/rdb_data\n"
STREAMING = "streamingNode:\n  port: 19536\n"


@pytest.mark.parametrize(
    ("image", "taken_out", "missing"),
    [
        ("milvusdb/milvus:v2.6.2", STREAMING, "lacks streamingNode.port: it is of an older Milvus"),
        ("milvusdb/milvus:v2.5.5", QUEUE, "lacks a message queue, such as rocksmq.path"),
        ("milvusdb/milvus:v2.5.5", STREAMING, None),
        ("registry.test/milvus:prod", STREAMING, None),
    ],
)
def test_a_file_with_every_port_with_which_this_milvus_does_not_start_is_not_mounted(
    image: str, taken_out: str, missing: str | None
) -> None:
    text = milvus_yaml()
    assert taken_out in text
    files = {"milvus.yaml": text.replace(taken_out, "")}

    found = placed(compose(image=image), files)

    assert found.kind == ("file" if missing is None else "env")
    assert missing is None or missing in found.warnings[0].message
    # One that is mounted already has shown that Milvus starts with it.
    assert placed(compose(f"./milvus.yaml:{MOUNTED}", image=image), files).kind == "file"


def test_the_environment_makes_up_for_a_message_queue() -> None:
    text = compose(fields=", environment: {ROCKSMQ_PATH: /var/lib/milvus/mq}")

    found = placed(text, {"milvus.yaml": milvus_yaml().replace(QUEUE, "")})

    assert found.kind == "file"

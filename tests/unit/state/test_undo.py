"""Taking edits back: to the byte, and by meaning once somebody has edited the file."""

import pytest
import yaml

from compose_tls.errors import EditRefused, YamlSyntax
from compose_tls.state.recorded import FileRecord
from compose_tls.state.undo import Undone, record, record_new, stands, undo
from compose_tls.yamlpatch.document import parse
from compose_tls.yamlpatch.intent import Append, Intent, Put, RemoveItem, RemoveKey, Text
from compose_tls.yamlpatch.patch import create, edit, patch

NAME = "docker-compose.yml"
VOLUMES = ("services", "milvus", "volumes")
ENVIRONMENT = ("services", "milvus", "environment")
TLS = Append(VOLUMES, Text("./tls:/milvus/tls", string=True))
LONG = Append(
    VOLUMES, {"type": Text("bind"), "source": Text("./tls"), "target": Text("/milvus/tls")}
)
MODE = Put((*ENVIRONMENT, "COMMON_SECURITY_TLSMODE"), Text("2", string=True))
PORT = Append(("services", "milvus", "ports"), Text("8080:8080", string=True))
ITEM = (
    RemoveItem(ENVIRONMENT, "COMMON_SECURITY_TLSMODE=0"),
    Append(ENVIRONMENT, Text("COMMON_SECURITY_TLSMODE=2", string=True)),
)

MAP = """\
services:
  milvus:
    image: milvusdb/milvus:v2.5.5
    environment:
      A: "1"
    volumes:
      - ./data:/var/lib/milvus
    ports:
      - "19530:19530"
"""
LIST = MAP.replace('A: "1"', "- A=1\n      - COMMON_SECURITY_TLSMODE=0")
SET = MAP.replace('A: "1"', 'A: "1"\n      COMMON_SECURITY_TLSMODE: "0"')


def made(text: str, *intents: Intent) -> tuple[str, FileRecord]:
    """A text after the edits, and their record."""
    patched = patch(text.encode(), NAME, intents)
    return patched.content.decode(), record(parse(text.encode(), NAME), intents, patched)


def undone(text: str, kept: FileRecord) -> Undone:
    return undo(text.encode(), kept)


EVERY_EDIT = [
    pytest.param(MAP, (TLS,), id="item"),
    pytest.param(MAP, (LONG,), id="long-item"),
    pytest.param(MAP, (MODE,), id="new-key"),
    pytest.param(SET, (MODE,), id="changed-key"),
    pytest.param(LIST, ITEM, id="changed-item"),
    pytest.param(MAP, (TLS, MODE, PORT), id="all"),
    pytest.param("services:\n  milvus:\n    image: x\n", (TLS, MODE, PORT), id="new-sections"),
    pytest.param("services: {milvus: {image: x}}\n", (TLS, MODE, PORT), id="flow"),
    pytest.param(MAP.replace("\n", "\r\n"), (TLS, MODE), id="crlf"),
    pytest.param("\ufeff" + MAP.rstrip("\n"), (TLS, MODE), id="bom-and-no-final-newline"),
]


@pytest.mark.parametrize(("text", "intents"), EVERY_EDIT)
def test_undo_gives_the_original_bytes_back(text: str, intents: tuple[Intent, ...]) -> None:
    after, kept = made(text, *intents)

    assert after != text
    assert undone(after, kept) == Undone(text.encode(), exact=True)


@pytest.mark.parametrize(("text", "intents"), EVERY_EDIT)
def test_undo_of_what_is_undone_already_changes_nothing(
    text: str, intents: tuple[Intent, ...]
) -> None:
    _, kept = made(text, *intents)

    assert undone(text, kept) == Undone(text.encode(), exact=True)


@pytest.mark.parametrize(("text", "intents"), EVERY_EDIT)
@pytest.mark.parametrize("comment", ["# a comment\n", "# eine Bemerkung: äöü 中文\n"])
def test_after_an_edit_elsewhere_only_our_entries_go(
    text: str, intents: tuple[Intent, ...], comment: str
) -> None:
    after, kept = made(text, *intents)
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    edited = bom + comment + after.removeprefix(bom)
    found = undone(edited, kept)

    assert not found.exact
    assert not found.kept
    assert found.content is not None
    result = found.content.decode()
    assert "8080" not in result
    assert "milvus/tls" not in result
    assert 'TLSMODE: "2"' not in result
    assert "TLSMODE=2" not in result
    if intents is not ITEM:
        assert result == bom + comment + text.removeprefix(bom)


def test_an_item_that_was_changed_comes_back_at_the_end_of_its_list() -> None:
    after, kept = made(LIST, *ITEM)
    found = undone(after + "# mine\n", kept)

    assert found.content == (LIST + "# mine\n").encode()


@pytest.mark.parametrize(
    ("text", "intents", "old", "new"),
    [
        (MAP, (TLS,), "./tls:/milvus/tls", "./tls:/milvus/tls:ro"),
        (MAP, (TLS,), "./tls:/milvus/tls", "/etc/tls:/milvus/tls"),
        (MAP, (TLS,), "./tls:/milvus/tls", "{type: bind, source: ./tls, target: /milvus/tls}"),
        (MAP, (LONG,), "source: ./tls", "source: /etc/tls"),
        (MAP, (LONG,), "source: ./tls", "read_only: true\n        source: ./tls"),
        (MAP, (MODE,), 'TLSMODE: "2"', 'TLSMODE: "1"'),
        (SET, (MODE,), 'TLSMODE: "2"', "TLSMODE: ${MODE}"),
        (LIST, ITEM, "TLSMODE=2", "TLSMODE=1"),
        (MAP, (PORT,), "8080:8080", "127.0.0.1:8080:8080"),
        (MAP, (PORT,), "8080:8080", "9080:8080"),
    ],
)
def test_what_somebody_changed_since_stays_and_is_named(
    text: str, intents: tuple[Intent, ...], old: str, new: str
) -> None:
    after, kept = made(text, *intents)
    assert after.count(old) == 1
    found = undone(after.replace(old, new), kept)

    assert found.kept
    assert found.content is not None
    assert new in found.content.decode()
    assert found.content.decode().count("TLSMODE") <= 1


@pytest.mark.parametrize(
    ("text", "intents", "line"),
    [
        (MAP, (TLS,), "      - ./tls:/milvus/tls\n"),
        (MAP, (MODE,), '      COMMON_SECURITY_TLSMODE: "2"\n'),
        (SET, (MODE,), '      COMMON_SECURITY_TLSMODE: "2"\n'),
        (MAP, (PORT,), '      - "8080:8080"\n'),
    ],
)
def test_what_somebody_took_out_is_not_missed(
    text: str, intents: tuple[Intent, ...], line: str
) -> None:
    after, kept = made(text, *intents)
    assert line in after
    edited = after.replace(line, "") + "# mine\n"

    assert undone(edited, kept) == Undone(edited.encode(), exact=False)


def test_a_whole_list_that_somebody_took_out_is_not_missed() -> None:
    after, kept = made(MAP, TLS, PORT)
    edited = after[: after.index("    volumes:")]

    assert undone(edited, kept) == Undone(edited.encode(), exact=False)


def test_an_item_of_somebody_else_in_the_place_of_ours_is_not_doubled() -> None:
    after, kept = made(LIST, *ITEM)
    edited = after.replace("TLSMODE=2", "TLSMODE=1")

    assert undone(edited, kept).content == edited.encode()


@pytest.mark.parametrize("before", ["port:  # none", "port: ~"])
def test_a_null_comes_back_as_a_null(before: str) -> None:
    text = f"proxy:\n  http:\n    {before}\n    a: 1\n"
    intent = Put(("proxy", "http", "port"), Text("8080"))
    edited, kept = made(text, intent)

    assert undone(edited, kept).content == text.encode()
    assert undone(f"{edited}b: 1\n", kept).content == f"{text}b: 1\n".encode()


def test_what_is_no_longer_yaml_is_told() -> None:
    after, kept = made(MAP, TLS)
    with pytest.raises(YamlSyntax):
        undone(after + "\t- x\n", kept)


def test_what_became_shared_with_another_service_is_not_touched() -> None:
    after, kept = made(MAP, TLS)
    edited = after.replace("volumes:", "volumes: &v") + "  other:\n    volumes: *v\n"
    with pytest.raises(EditRefused):
        undone(edited, kept)


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        ('      A: "1"\n      COMMON_SECURITY_TLSMODE: "2"\n', {"A": "1", MODE.route[-1]: "0"}),
        (
            "      - A=1\n      - COMMON_SECURITY_TLSMODE=2\n",
            ["A=1", f"{MODE.route[-1]}=0"],
        ),
        ('      <<: *env\n      COMMON_SECURITY_TLSMODE: "2"\n', {"A": "1", MODE.route[-1]: "0"}),
        (
            '      <<: {A: "1"}\n      COMMON_SECURITY_TLSMODE: "2"\n',
            {"A": "1", MODE.route[-1]: "0"},
        ),
    ],
    ids=["expanded", "a list", "as it was", "another merge key"],
)
def test_what_ours_hid_of_a_merge_key_is_there_again(own: str, wanted: object) -> None:
    shared = 'x-env: &env\n  A: "1"\n  COMMON_SECURITY_TLSMODE: "0"\n'
    before = shared + MAP.replace('A: "1"', "<<: *env")
    after, kept = made(before, MODE)
    ours = after[after.index("      <<: *env") : after.index("    volumes:")]
    found = undone(after.replace(ours, own) + "# since\n", kept)

    assert found.content is not None
    assert yaml.safe_load(found.content)["services"]["milvus"]["environment"] == wanted


class TestAFileOfOurOwn:
    INTENTS = (TLS, MODE)

    def made(self) -> tuple[str, FileRecord]:
        content = create(self.INTENTS)
        return content.decode(), record_new(NAME, content, self.INTENTS)

    def test_goes_again(self) -> None:
        content, kept = self.made()

        assert undone(content, kept) == Undone(None, exact=True)

    def test_goes_with_the_comments_that_somebody_wrote_into_it(self) -> None:
        content, kept = self.made()

        assert undone(f"# mine\n{content}", kept) == Undone(None, exact=False)

    def test_stays_with_what_somebody_added(self) -> None:
        content, kept = self.made()
        found = undone(f"{content}  other:\n    image: x\n", kept)

        assert found == Undone(b"services:\n  other:\n    image: x\n", exact=False)

    def test_stays_with_what_somebody_changed(self) -> None:
        content, kept = self.made()
        found = undone(content.replace('"2"', '"1"'), kept)

        assert found.kept == (".".join(MODE.route),)
        assert found.content is not None
        assert b"volumes" not in found.content


def test_only_what_enable_writes_can_be_recorded() -> None:
    patched = patch(MAP.encode(), NAME, [RemoveKey(VOLUMES)])
    with pytest.raises(AssertionError):
        record(parse(MAP.encode(), NAME), [RemoveKey(VOLUMES)], patched)


def test_a_record_whose_splices_do_not_fit_is_undone_by_meaning() -> None:
    after, kept = made(MAP, TLS)
    moved = kept.model_copy(
        update={"splices": tuple(s.model_copy(update={"start": 0}) for s in kept.splices)}
    )

    assert undone(after, moved) == Undone(MAP.encode(), exact=False)


def test_an_item_that_was_taken_out_and_put_in_again_further_down_is_no_drift() -> None:
    text = "services:\n  a:\n    command: [run, -f, http://x]\n"
    route = ("services", "a", "command")
    intents: list[Intent] = [
        *(RemoveItem(route, item) for item in ("-f", "http://x")),
        *(Append(route, Text(item, string=True)) for item in ("-k", "-f", "https://x")),
    ]
    document = parse(text.encode(), "docker-compose.yml")
    patched = edit(document, intents)
    made = record(document, intents, patched)

    assert stands(patched.content + b"# somebody's remark\n", made)
    assert not stands(patched.content.replace(b"https", b"http"), made)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ("0", Text("true", string=True)),
        ("'0'", Text("1", string=True)),
        ('"http://\\u0041x"', Text("https://Ax")),
    ],
)
@pytest.mark.parametrize("edited", ["", "  # of the user"])
def test_a_replaced_value_comes_back_as_it_was_written_beside_the_edits_of_the_user(
    before: str, wanted: Text, edited: str
) -> None:
    text = MAP.replace('"1"', before)
    after, kept = made(text, Put((*ENVIRONMENT, "A"), wanted))
    [line] = [line for line in after.splitlines() if line.strip().startswith("A:")]
    after = after.replace(line, f"{line}{edited}") + "x-mine: 1\n"
    end = "\n    volumes"
    expected = text.replace(end, f"{edited}{end}") + "x-mine: 1\n"

    assert undone(after, kept).content == expected.encode()


@pytest.mark.parametrize("edited", ["", "  # of the user"])
def test_a_text_of_several_lines_comes_back_unless_a_comment_would_become_part_of_it(
    edited: str,
) -> None:
    text = MAP.replace('"1"', ">-\n        two\n        lines")
    after, kept = made(text, Put((*ENVIRONMENT, "A"), Text("1")))
    after = after.replace("A: 1", f"A: 1{edited}") + "x-mine: 1\n"
    back = MAP.replace('"1"', f"two lines{edited}") if edited else text

    assert undone(after, kept).content == f"{back}x-mine: 1\n".encode()


def test_a_value_that_the_user_wrote_in_other_words_keeps_their_meaning() -> None:
    after, kept = made(MAP, Put((*ENVIRONMENT, "A"), Text("2", string=True)))
    found = undone(after.replace('"2"', "'2'"), kept).content or b""

    assert found == MAP.replace('"1"', "'1'").encode()


def test_values_that_were_different_and_became_the_same_come_back_each_its_own() -> None:
    text = MAP.replace('A: "1"', "A: 1\n      B: '1'\n      C: 0")
    puts = [Put((*ENVIRONMENT, name), Text("true", string=True)) for name in "ABC"]
    after, kept = made(text, *puts)
    found = undone(f"{after}x-mine: 1\n", kept).content or b""

    assert found == f"{text}x-mine: 1\n".encode()


MIDDLE = LIST.replace("TLSMODE=0\n", "TLSMODE=0\n      - B=2\n      - C=3\n      - D=4\n")


@pytest.mark.parametrize(
    "edits",
    [
        [("services:", "# top\nservices:"), ("      - B=2\n", "      - B=2\n      # mine\n")],
        [("- A=1", "- A=one"), ("- C=3", "- C=three")],
        [("- A=1\n", "- A=1\n      - E=5\n"), ("services:", "# top\nservices:")],
        [("      - B=2\n", ""), ("services:", "# top\nservices:")],
        [("      - B=2\n", "      - B=two\n"), ("services:", "# top\nservices:")],
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_item_comes_back_between_the_neighbours_that_remain(
    edits: list[tuple[str, str]], end: str
) -> None:
    before = MIDDLE.replace("\n", end)
    now, kept = made(before, *ITEM)
    for old, new in edits:
        now, before = (
            text.replace(old.replace("\n", end), new.replace("\n", end)) for text in (now, before)
        )

    again = undone(now, kept).content

    assert again is not None
    items = [line for line in again.decode().split(end) if "- " in line]
    place = next(n for n, line in enumerate(items) if "TLSMODE=0" in line)
    assert items[place - 1].strip("- ").startswith(("A=", "E="))
    assert items[place + 1].strip("- ").startswith(("B=", "C=", "E="))
    assert sorted(again.decode().split(end)) == sorted(before.split(end))

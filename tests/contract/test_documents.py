"""The documents in docs/ say what the code does."""

from __future__ import annotations

import importlib.util
import inspect
import json
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path
from types import ModuleType

import click
import pytest

import compose_tls
from compose_tls.cli import app
from compose_tls.errors import ComposeTlsError
from compose_tls.results import CERTIFICATES_UNUSABLE, OFF_OR_DRIFTED
from tests.contract.test_error_codes import LEAVES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
REPOSITORY = "https://github.com/compose-tls/compose-tls/blob/main/"
PICTURES = "https://raw.githubusercontent.com/compose-tls/compose-tls/main/"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_json_schema_is_the_one_of_the_models(generate: ModuleType) -> None:
    there = json.loads((DOCS / "schema.json").read_text(encoding="utf-8"))
    assert there == json.loads(generate.schema()), "run python docs/generate.py"


@pytest.mark.parametrize(
    "page",
    ["cli.md", "compose-tls.1", "settings.md", "library.md", "patched.md", "architecture.svg"],
)
def test_a_reference_page_is_the_one_of_the_code(generate: ModuleType, page: str) -> None:
    there = (DOCS / page).read_text(encoding="utf-8")
    assert there == generate.PAGES[page](), "run python docs/generate.py"


def test_every_guide_leads_on() -> None:
    guides = (DOCS / "README.md").read_text().partition("## Guides")[2].partition("## Reference")[0]
    pages = re.findall(r"\((\S+\.md)\)", guides)
    ends = {page: (DOCS / page).read_text().rstrip().rpartition("\n\n")[2] for page in pages}
    assert pages
    assert not [page for page, last in ends.items() if not last.startswith("Next: [")]


def test_every_command_is_in_the_readme() -> None:
    commands = (ROOT / "README.md").read_text().partition("## Commands")[2].partition("\n## ")[0]
    assert not [name for name in app._COMMANDS if f"`compose-tls {name}" not in commands]


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_manual_page_is_read_without_a_warning() -> None:
    words = ["groff", "-man", "-Tutf8", "-P-cbou", "-rLL=200n", "-ww", str(DOCS / "compose-tls.1")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    text = done.stdout
    for command in app._COMMANDS:
        assert f"compose-tls {command} " in text
    assert "--client-passphrase-file FILE" in text
    assert '"${fpath[1]}/_compose-tls"' in text


def test_the_exit_codes_are_the_documented_ones() -> None:
    table = (DOCS / "exit-codes.md").read_text()
    documented = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    errors: set[type[ComposeTlsError]] = set(LEAVES)
    used = {0, app._BUG, app._NOBODY_READS, *(error.exit_code for error in errors)}
    used |= {OFF_OR_DRIFTED, CERTIFICATES_UNUSABLE}
    assert documented == used


def test_the_documents_link_to_files_that_there_are() -> None:
    links = [
        (document.name, target)
        for document in DOCS.glob("*.md")
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    ]
    assert links
    assert [link for link in links if not (DOCS / link[1]).is_file()] == []


def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_into_pages_lead_to_headings() -> None:
    links = [
        (DOCS / target if target else document, anchor)
        for document in DOCS.glob("*.md")
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text())
    ]
    assert links
    assert [link for link in links if link[1] not in headings(link[0])] == []


def test_the_links_of_the_readme_work_on_a_package_index_too() -> None:
    text = (ROOT / "README.md").read_text().replace(f"]({PICTURES}", f"]({REPOSITORY}")
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets
    for target in targets:
        assert target.startswith(REPOSITORY), target
        assert (ROOT / target.removeprefix(REPOSITORY)).is_file(), target


def test_every_page_is_in_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    for page in DOCS.glob("*.md"):
        assert page.name == "README.md" or f"({page.name})" in index, page.name


def commands() -> list[click.Command]:
    context = click.Context(app.app)
    found = [app.app.get_command(context, name) for name in app.app.list_commands(context)]
    return [command for command in found if command is not None]


COMMANDS = commands()


def test_every_command_of_the_group_is_there() -> None:
    assert [command.name for command in COMMANDS] == list(app._COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_a_command_and_each_of_its_options_say_what_they_do(command: click.Command) -> None:
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            continue  # it has no help of its own: that of the command tells of it
        assert isinstance(parameter, click.Option)
        assert parameter.help, f"{command.name} {parameter.name}"
        assert parameter.help.endswith("."), f"{command.name} {parameter.name}"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command.name))
def test_no_option_takes_a_secret(command: click.Command) -> None:
    names = {name for parameter in command.params for name in parameter.opts}
    assert not names & {"--password", "--token", "--key"}


def test_the_commands_in_the_readme_exist() -> None:
    known = {option for command in COMMANDS for p in command.params for option in p.opts}
    known |= {"--version", "--help"}
    text = (ROOT / "README.md").read_text()
    for name, rest in re.findall(r"compose-tls ([a-z]+)((?: [^\s`|]+)*)", text):
        assert name in app._COMMANDS, name
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in known, f"{name} {option}"


@pytest.mark.parametrize(
    "name", ["check", "client", "connect", "disable", "enable", "renew", "status"]
)
def test_each_function_says_what_it_takes_returns_and_raises(name: str) -> None:
    function = getattr(compose_tls, name)
    text = inspect.getdoc(function) or ""
    for section in ("Args:", "Returns:", "Raises:"):
        assert f"\n{section}\n" in text, section
    described = re.findall(r"^    (\w+): ", text.partition("Returns:")[0], re.MULTILINE)
    assert described == list(inspect.signature(function).parameters)


def test_how_to_install_it_stands_in_one_place() -> None:
    # There is no release yet: what to name until then changes in the README, and nowhere else.
    for page in (ROOT / "docs").glob("*.md"):
        assert "install 'compose-tls" not in page.read_text(encoding="utf-8"), page.name


ROOMS = "|".join(module.name for module in pkgutil.iter_modules(compose_tls.__path__))
NAMED = re.findall(
    rf"`((?:{ROOMS})\.[\w.]+)`", (DOCS / "architecture.md").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", sorted({name for name in NAMED if not name.endswith(".json")}))
def test_a_module_or_name_in_the_map_is_there(name: str) -> None:
    above, _, last = f"compose_tls.{name}".rpartition(".")
    try:
        pkgutil.resolve_name(f"compose_tls.{name}")
    except AttributeError:  # a field without a default
        assert last in pkgutil.resolve_name(above).__annotations__

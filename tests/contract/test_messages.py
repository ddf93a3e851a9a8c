"""The rules for messages in CONTRIBUTING.md, as far as a test can hold them."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from compose_tls import errors
from compose_tls.errors import ComposeTlsError
from tests.contract.test_error_codes import LEAVES

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "compose_tls").rglob("*.py"))

PLAIN_WORDS = {
    r"(?<!here )\b(?:is|are) no\b(?! longer)": "is not a",
    r"\bto be had\b": "available",
    r"\b(?:no|some|every)body\b": "no client, another process, everyone",
    r"\b(?:bring|brought)\b": "give, provide",
    r"\bbeside\b": "next to",
    r"\banew\b": "again, new",
    r"\balone\b": "only",
    r"\blikewise\b": "the thing itself",
    r"\bwhom\b": "the thing itself",
    r"\bat hand\b": "available",
    r"\bat work\b": "running",
    r"\bgood for\b": "valid for",
    r"\bmend\b": "correct",
    r"\bis there already\b": "already exists",
    r"\bgets? in\b|\blets? in\b": "is accepted, accepts",
    r"\b(?:out|in)side of\b": "outside, inside",
    r"\bin the place of\b": "instead of",
    r"\btold of (?:its |the )?TLS\b": "configured for TLS, gets TLS settings",
    r"\ball the same\b": "anyway, still",
    r"\bupon\b": "on",
    r"\bwhoever\b": "anyone who, the user who",
    r"(?<=\w); else\b": "otherwise",
    r"\bof before\b": "previous",
    r"\bgiven up\b": "ends, stops",
    r"\bcomes? back\b": "is restored, returns",
    r"\bis met\b": "is reached, occurs",
    r"\b(?:one|document) a line\b": "one per line",
    r"\b(?:please|sorry|oops)\b": "nothing",
    r"!$": "a full sentence without it",
}
# Nearly no text has one of them, and so one search is enough.
ANY_OF_THEM = re.compile("|".join(f"(?:{words})" for words in PLAIN_WORDS), re.IGNORECASE)


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of a module that is not a docstring, and where it is."""
    statements = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        # One word is a key or a name.
        if id(node) not in statements and " " in node.value.strip():
            yield node.lineno, node.value


PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def prose(text: str) -> str:
    """A text without code, addresses, quotes, names of tests and of the entries of a docstring."""
    without_blocks = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    without_tests = re.sub(
        r"\|[^|\n]*`test_\w+\.py[^|\n]*\|$", "|", without_blocks, flags=re.MULTILINE
    )
    without_code = re.sub(r"`+[^`]*`+|\]\([^)]*\)|\"[^\"\n]*\"", "", without_tests)
    return re.sub(r"^ +\w+: ", "", without_code, flags=re.MULTILINE)


def documented(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The docstrings of a module and its public names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            name = getattr(node, "name", "module")
            text = ast.get_docstring(node)
            if text and not name.startswith("_"):
                yield name, text


def comments(module: Path) -> Iterator[tuple[str, str]]:
    """The comments of a module, each with its line."""
    with module.open(encoding="utf-8") as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type == tokenize.COMMENT:
                yield f"line {token.start[0]}: {token.string}", token.string


def unplain(said: str) -> list[str]:
    """The words of a text that have plainer ones."""
    if not ANY_OF_THEM.search(said):
        return []
    found = (
        (re.search(words, said, re.IGNORECASE), better) for words, better in PLAIN_WORDS.items()
    )
    return [f"{match[0]!r}: {better}" for match, better in found if match]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_in_plain_technical_english(page: Path) -> None:
    assert unplain(prose(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_users_read_is_plain_technical_english(module: Path) -> None:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    texts = ((f"line {line}: {text!r}", unplain(text)) for line, text in strings(tree))
    assert {place: found for place, found in texts if found} == {}
    others = (*documented(tree), *comments(module))
    docstrings = ((name, unplain(prose(text))) for name, text in others)
    assert {name: found for name, found in docstrings if found} == {}


def test_the_rule_finds_what_it_forbids() -> None:
    for text in (
        "X is no DNS name",
        "nobody listens",
        "save it beside the file",
        "Please wait",
        "it lies outside of the project",
        "etcd is told of TLS",
        "the files of before",
        "correct it; else remove it",
    ):
        assert unplain(text)
    for text in ("there is no compose file", "is no longer used", "a.pem is not a PEM file"):
        assert not unplain(text)


def raised() -> Iterator[tuple[str, ast.Call]]:
    """Every place where an error of ours is made."""
    names = {leaf.__name__ for leaf in LEAVES}
    for module in MODULES:
        if module == Path(errors.__file__):
            continue
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                name = called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")
                if name in names:
                    yield f"{module.relative_to(ROOT)}:{node.lineno}", node


RAISED = dict(raised())


def edges(node: ast.expr) -> tuple[str, str]:
    """How a text begins and ends, as far as that is written there."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    first, last = (
        part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""
        for part in (parts[0], parts[-1])
    )
    return first, last


def test_errors_are_raised_all_over() -> None:
    assert len(RAISED) > 100
    assert all(issubclass(leaf, ComposeTlsError) for leaf in LEAVES)


@pytest.mark.parametrize("place", RAISED)
def test_an_error_says_what_is_wrong_and_what_to_do_next(place: str) -> None:
    call = RAISED[place]
    hints = [keyword.value for keyword in call.keywords if keyword.arg == "hint"]
    spread = any(keyword.arg is None for keyword in call.keywords)
    assert hints or spread, f"{place}: no next step"
    for text in (*call.args[:1], *hints):
        first, last = edges(text)
        assert not last.endswith((".", "!")) or last.endswith("…"), f"{place}: {last!r}"
        words = first.split()
        plain = words[0] if words else ""
        assert not plain.istitle() or plain in NAMES, f"{place}: {first!r} begins with a capital"
    assert not any(isinstance(hint, ast.Constant) and not hint.value for hint in hints), place


NAMES = {"Attu", "Milvus", "Docker", "Compose", "Python", "Podman", "Windows", "Go"}


def test_the_page_has_ten_rules() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rules = page.partition("## Messages: ten rules")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d+)\. ", rules, re.MULTILINE) == [str(n) for n in range(1, 11)]

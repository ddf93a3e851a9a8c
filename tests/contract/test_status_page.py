"""docs/status.md tells of every sentence that ``status`` can print: whoever adds one adds it there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = re.sub(r"[`*]", "", (ROOT / "docs" / "status.md").read_text(encoding="utf-8"))

# What status prints is made here, or in one function of it; other commands print some of it, too.
MODULES: Final = (
    "cli/output/status_text.py",
    "deploy/differences.py",
    "deploy/verdict.py",
    "plan/build_contexts.py",
    "plan/client_certificates.py",
    "plan/findings.py",
    "plan/inventory.py",
    "plan/link_certificates.py",
    "plan/links.py",
    "project/endpoints.py",
    "workflows/interrupted.py",
    "workflows/interrupted.py:interrupted",
    "workflows/status.py",
)
_MARK: Final = "\0"
# Formats of times, and words for what varies.
_NO_SENTENCE: Final = re.compile(
    r"%[YmdHMS]|^[\W\0]*(?:sudo )?$|^\0? ?and \0 more$|^compose-tls \S+ ?\S*$"
)


def sentences(module: str) -> Iterator[tuple[int, str]]:
    """The texts of a module that have more than one word, with a mark for each thing put in."""
    file, _, function = module.partition(":")
    tree: ast.AST = ast.parse((ROOT / "compose_tls" / file).read_text(encoding="utf-8"))
    if function:
        found = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
        tree = next(node for node in found if node.name == function)
    skipped = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else _MARK for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if id(node) not in skipped and len(text.split()) > 1 and not _NO_SENTENCE.search(text):
            yield node.lineno, text


def told(text: str, page: str) -> bool:
    """Whether a line of the page says it, with something instead of each mark."""
    fixed = [part.strip(" :,()") for part in text.split(_MARK)]
    words = [re.escape(part) for part in fixed if re.search(r"[a-z]{2}", part)]
    return re.search(r"[^\n]*?".join(words), page) is not None


@pytest.mark.parametrize("module", MODULES)
def test_the_page_tells_of_every_sentence(module: str) -> None:
    found = list(sentences(module))
    missing = [f"{module}:{line} {text!r}" for line, text in found if not told(text, PAGE)]

    assert found
    assert not missing, "docs/status.md does not tell of:\n" + "\n".join(missing)


def test_a_sentence_that_is_not_there_is_missed() -> None:
    assert told(f"{_MARK} was changed at {_MARK}, after the start at {_MARK}", PAGE)
    assert not told(f"{_MARK} was changed at {_MARK}, before the end at {_MARK}", PAGE)

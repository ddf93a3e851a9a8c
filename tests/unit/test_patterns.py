"""Every regular expression of the package takes one look at a text, however long a stranger makes it."""

from __future__ import annotations

import ast
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import compose_tls
from compose_tls.patterns import regex

LENGTH = 12_000
LIMIT = 0.1  # seconds of the processor; what grows with the square takes several times that
ROOT = Path(compose_tls.__file__).parent
SEARCHES = {"search", "finditer", "findall", "sub", "subn", "split"}


def searched(path: Path) -> set[str]:
    """The names of the expressions that a module looks for anywhere in a text."""
    return {
        getattr(node.value, "id", getattr(node.value, "attr", ""))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in SEARCHES
    }


def patterns() -> Iterator[tuple[str, re.Pattern[Any], bool]]:
    """Each expression, where it is, and whether it is looked for anywhere in a text."""
    of_module = {path.relative_to(ROOT.parent): searched(path) for path in ROOT.rglob("*.py")}
    anywhere = {name for names in of_module.values() for name in names if name[:1] != "_"}
    seen = set()
    for module in pkgutil.walk_packages([str(ROOT)], "compose_tls."):
        if module.name.startswith(("compose_tls.testing", "compose_tls.__main__")):
            continue
        loaded = importlib.import_module(module.name)
        place = Path(str(loaded.__file__)).relative_to(ROOT.parent)
        for name, value in vars(loaded).items():
            for one in within(value):
                search = name in of_module[place] or name in anywhere or value is not one
                key = (one.pattern, one.flags & ~re.UNICODE)
                if (key, search) not in seen:
                    seen.add((key, search))
                    yield f"{module.name}.{name}", re.compile(*key), search


def within(value: Any, depth: int = 0) -> Iterator[Any]:
    """The expressions in a value of a module, in its tables too."""
    if isinstance(value, regex | re.Pattern):
        yield value
    elif depth < 4 and isinstance(value, tuple | list | set | frozenset | dict):
        both = (*value, *value.values()) if isinstance(value, dict) else value
        for one in both:
            yield from within(one, depth + 1)


def sample(tree: Any) -> str:
    """A text that an expression takes."""
    found = ""
    for op, value in tree:
        if op is ops.LITERAL:
            found += chr(value)
        elif op is ops.NOT_LITERAL:
            found += "b" if value == ord("a") else "a"
        elif op is ops.ANY:
            found += "x"
        elif op is ops.IN:
            found += next(iter(members(value)))
        elif op in {ops.MAX_REPEAT, ops.MIN_REPEAT}:
            found += sample(value[2]) * max(1, min(value[0], 3))
        elif op is ops.SUBPATTERN:
            found += sample(value[3])
        elif op is ops.BRANCH:
            found += sample(value[1][0])
    return found


def members(value: Any) -> list[str]:
    """Characters of a class, one of each kind."""
    of_kind = {ops.CATEGORY_DIGIT: "1", ops.CATEGORY_SPACE: " "}
    if value[0][0] is ops.NEGATE:
        without = {chr(one) for op, one in value[1:] if op is ops.LITERAL}
        return [one for one in "axQ~" if one not in without]
    return [
        chr(one) if op is ops.LITERAL else chr(one[0]) if op is ops.RANGE else of_kind.get(one, "a")
        for op, one in value
    ]


def parts(tree: Any) -> Iterator[str]:
    """What an expression is made of: its characters, and a sample of whatever repeats in it."""
    for op, value in tree:
        if op is ops.LITERAL:
            yield chr(value)
        elif op is ops.IN:
            yield from members(value)
        elif op in {ops.MAX_REPEAT, ops.MIN_REPEAT}:
            yield sample(value[2])
            yield from parts(value[2])
        elif op is ops.SUBPATTERN:
            yield from parts(value[3])
        elif op is ops.BRANCH:
            for each in value[1]:
                yield sample(each)
                yield from parts(each)


def seconds(pattern: re.Pattern[Any], text: Any, *, search: bool) -> float:
    began = time.process_time()
    if search:
        for _ in pattern.finditer(text):
            pass
    else:
        pattern.match(text)
        pattern.fullmatch(text)
    return time.process_time() - began


def slowest(pattern: re.Pattern[Any], units: Iterable[str], *, search: bool) -> list[str]:
    for unit, end in itertools.product(dict.fromkeys(units), ("", "\0")):
        text: Any = unit * (LENGTH // len(unit)) + end
        if isinstance(pattern.pattern, bytes):
            text = text.encode("latin-1", "replace")
        # Whatever else the machine does: the quickest of three.
        if all(seconds(pattern, text, search=search) > LIMIT for _ in range(3)):
            return [unit]
    return []


def test_no_expression_takes_longer_than_its_text_is_long() -> None:
    slow, looked = {}, 0
    for name, pattern, search in patterns():
        text = pattern.pattern
        text = text.decode("latin-1") if isinstance(text, bytes) else text
        tree = _parser.parse(text, pattern.flags & re.VERBOSE)
        looked += 1
        units = [one for one in (*parts(tree), sample(tree)) if one]
        if found := slowest(pattern, units, search=search):
            slow[name] = found
    assert not slow
    assert looked > 100


@pytest.mark.parametrize("text", [r"[\w.-]+=", r"(?:[a-z]+/)+$"])
def test_what_grows_with_the_square_is_found(text: str) -> None:
    units = [one for one in parts(_parser.parse(text)) if one]
    assert slowest(re.compile(text), units, search=True)

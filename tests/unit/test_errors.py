from __future__ import annotations

import copy
import pickle

import pytest

from compose_tls.errors import CheckFailed, ComposeTlsError, EngineError, YamlSyntax
from compose_tls.results import Probe


def test_an_error_says_what_where_and_what_next() -> None:
    error = YamlSyntax("a tab", hint="use spaces", path="a.yml", line=3)
    assert str(error) == error.message == "a tab"
    assert (error.hint, error.path, error.line) == ("use spaces", "a.yml", 3)
    assert (error.code, error.exit_code) == ("yaml-syntax", 3)


def test_a_place_is_not_always_known() -> None:
    error = YamlSyntax("a tab", hint="use spaces")
    assert (error.path, error.line) == (None, None)


def test_an_error_cannot_be_made_without_a_next_step() -> None:
    with pytest.raises(TypeError, match="hint"):
        YamlSyntax("a tab")  # type: ignore[call-arg] # that it is refused is what is tested


def test_a_failed_check_brings_the_results_of_all() -> None:
    check = Probe(name="tls", ok=False, expected="TLS", observed="none", seconds=0)
    error = CheckFailed("tls", hint="up", checks=(check,))
    assert error.checks == (check,)
    assert (error.code, error.exit_code, error.path) == ("check-failed", 6, None)


def test_one_except_clause_catches_a_group_or_all() -> None:
    assert issubclass(YamlSyntax, ComposeTlsError)
    assert not issubclass(YamlSyntax, EngineError)


@pytest.mark.parametrize(
    "error",
    [
        YamlSyntax("a tab", hint="use spaces", path="a.yml", line=3),
        CheckFailed("tls", hint="up", checks=()),
    ],
)
def test_an_error_survives_the_way_between_processes(error: ComposeTlsError) -> None:
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - our own
        assert type(twin) is type(error)
        assert vars(twin) == vars(error)
        assert str(twin) == str(error)

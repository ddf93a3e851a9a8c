"""Our dataclasses do what those of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from compose_tls import values


@values.dataclass(frozen=True, slots=True)
class Ours:
    """A value."""

    name: str
    secret: str = field(repr=False)
    note: str = field(default="", compare=False)
    numbers: tuple[int, ...] = ()
    table: dict[str, int] = field(default_factory=dict, hash=False, compare=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    """The same value."""

    name: str
    secret: str = field(repr=False)
    note: str = field(default="", compare=False)
    numbers: tuple[int, ...] = ()
    table: dict[str, int] = field(default_factory=dict, hash=False, compare=False)


BOTH = pytest.mark.parametrize("kind", [Ours, Theirs])


@BOTH
def test_fields_are_filled_by_position_by_name_and_by_their_defaults(kind: type[Any]) -> None:
    made = kind("a", secret="b", numbers=(1,))
    values = {"name": "a", "secret": "b", "note": "", "numbers": (1,), "table": {}}
    assert dataclasses.asdict(made) == values
    assert made.table is not kind("a", "b").table


@BOTH
@pytest.mark.parametrize(
    "make",
    [
        lambda kind: kind("a"),
        lambda kind: kind("a", "b", "c", (), {}, "too many"),
        lambda kind: kind("a", "b", name="twice"),
        lambda kind: kind("a", "b", unknown=1),
    ],
)
def test_other_arguments_are_refused(kind: type[Any], make: Callable[[type[Any]], Any]) -> None:
    with pytest.raises(TypeError):
        make(kind)


@BOTH
def test_it_is_compared_hashed_and_shown_by_its_fields(kind: type[Any]) -> None:
    one, other = kind("a", "b", note="x"), kind("a", "b", note="y")
    assert one == other
    assert hash(one) == hash(other)
    assert one != kind("a", "c")
    assert one != ("a", "b", "x", ())
    assert repr(one) == f"{kind.__name__}(name='a', note='x', numbers=(), table={{}})"
    match one:
        case Ours(name, secret) | Theirs(name, secret):
            assert (name, secret) == ("a", "b")
        case _:
            pytest.fail("it is not matched by position")


@BOTH
def test_it_is_frozen_copied_and_replaced(kind: type[Any]) -> None:
    made = kind("a", "b")
    with pytest.raises(FrozenInstanceError):
        made.name = "c"
    with pytest.raises(FrozenInstanceError):
        del made.name
    assert dataclasses.replace(made, name="c") == kind("c", "b")
    assert copy.deepcopy(made) == made
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301 - our own


@pytest.mark.parametrize("dataclass", [values.dataclass, dataclasses.dataclass])
def test_what_is_not_frozen_can_be_set_and_has_no_hash(dataclass: Any) -> None:
    class Counter:
        start: int
        count: int = field(init=False)

        def __post_init__(self) -> None:
            self.count = self.start

        def __repr__(self) -> str:
            return "a counter"

    kind = dataclass(slots=False)(Counter)
    made = kind(3)
    made.count += 1
    assert made.count == 4
    assert repr(made) == "a counter"
    with pytest.raises(TypeError):
        hash(made)
    with pytest.raises(TypeError):
        kind(3, count=4)


@pytest.mark.parametrize("dataclass", [values.dataclass, dataclasses.dataclass])
def test_without_eq_each_is_one_of_its_own(dataclass: Any) -> None:
    class Lock:
        name: str

    kind = dataclass(eq=False)(Lock)
    assert kind("a") != kind("a")
    assert len({kind("a"), kind("a")}) == 2

"""Dataclasses whose methods are shared instead of compiled for each class.

``dataclasses.dataclass`` writes and compiles the source of six methods for every class, and makes a class
with slots twice: half a millisecond each, for classes of which a command makes few instances. The fields
here are those of the standard library (``fields``, ``replace`` and ``asdict`` work); methods read them.
What is made by the thousand (nodes of YAML) keeps the standard library's decorator.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    # To type checkers they are one and the same.
    from dataclasses import dataclass
else:

    def dataclass(*, frozen=False, slots=False, eq=True):  # noqa: ARG001 - slots are held by type checkers
        """As in the standard library; instances have no slots."""

        def made(cls):
            # Else the signature is worked out to document the class.
            cls.__doc__ = cls.__doc__ or cls.__name__
            cls = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
            methods = {"__init__": _init, "__repr__": _repr}
            if eq:
                methods |= {"__eq__": _eq, "__hash__": _hash if frozen else None}
            if frozen:
                methods |= {"__setattr__": _setattr, "__delattr__": _delattr}
            for name, method in methods.items():
                if name not in cls.__dict__ or method is None:
                    setattr(cls, name, method)
            return cls

        return made


def _init(self: Any, /, *given: Any, **named: Any) -> None:
    """Fill the fields: by position, by name, by their defaults."""
    known = self.__dataclass_fields__
    places = self.__match_args__
    values = dict(zip(places, given, strict=False))
    values |= named
    # Most often every field is given, once, and all of them can be.
    if not (
        len(given) + len(named) == len(values) == len(places) == len(known)
        and values.keys() == known.keys()
    ):
        _complete(type(self).__name__, known, places, values, given, named)
    self.__dict__.update(values)
    after = getattr(self, "__post_init__", None)
    if after is not None:
        after()


def _complete(
    kind: str,
    known: Mapping[str, dataclasses.Field[Any]],
    places: Sequence[str],
    values: dict[str, Any],
    given: Sequence[Any],
    named: Mapping[str, Any],
) -> None:
    """Add the defaults to values.

    Raises:
        TypeError: They are not those that the class takes.
    """
    if len(given) > len(places) or len(given) + len(named) > len(values):
        raise TypeError(f"{kind}() got too many values, or one twice")
    if refused := [name for name in named if name not in known or not known[name].init]:
        raise TypeError(f"{kind}() does not take {', '.join(refused)}")
    for name, one in known.items():
        if name in values:
            continue
        if one.default_factory is not dataclasses.MISSING:
            values[name] = one.default_factory()
        elif one.default is not dataclasses.MISSING:
            values[name] = one.default
        elif one.init:
            raise TypeError(f"{kind}() lacks {name!r}")


def _repr(self: Any) -> str:
    shown = (one.name for one in self.__dataclass_fields__.values() if one.repr)
    return f"{type(self).__qualname__}({', '.join(f'{n}={getattr(self, n)!r}' for n in shown)})"


def _compared(self: Any) -> tuple[Any, ...]:
    held = self.__dict__
    return tuple(held[one.name] for one in self.__dataclass_fields__.values() if one.compare)


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self is other or _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _setattr(_: Any, name: str, __: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(_: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

"""Inputs that are nearly right: bytes of a kind, changed in a few places."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

LONGEST = 20_000


def inputs(seeds: Sequence[bytes], words: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Ever more of them: the same ones for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    yield from seeds
    while True:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
            _change(data, seeds, words, chance)
        yield bytes(data[:LONGEST])


def _change(
    data: bytearray, seeds: Sequence[bytes], words: Sequence[bytes], chance: random.Random
) -> None:
    start = chance.randrange(len(data) + 1)
    end = min(len(data), start + chance.choice((0, 1, 2, 4, 16, 256)))
    match chance.randrange(8):
        case 0 | 1 if words:
            data[start:end] = chance.choice(words) * chance.choice((1, 1, 1, 2, 40))
        case 2 if words:
            data[start:start] = chance.choice(words)
        case 3:
            del data[start:end]
        case 4:
            data[start:start] = data[start:end] * chance.choice((1, 2, 30))
        case 5 if start < len(data):
            data[start] ^= 1 << chance.randrange(8)
        case 6 if start < len(data):
            data[start] = chance.randrange(256)
        case _:
            other = chance.choice(seeds)
            cut = chance.randrange(len(other) + 1)
            data[start:end] = other[cut : cut + chance.choice((4, 64, 1024))]

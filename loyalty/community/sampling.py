"""Who wins a draw; law: the same seed and the same entrants in the same order give the same winners, for ever, each
entrant with the same chance.

Numbers come from SHA-256(seed + a counter of 8 bytes); those that would favour some entrants are skipped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

SEED_BYTES = 16
_WORD = 8
_BOUND = 1 << (8 * _WORD)


def commitment(seed: bytes) -> bytes:
    """Return what may be published of a seed before the draw: its SHA-256."""
    return hashlib.sha256(seed).digest()


def draw_winners(seed: bytes, entrants: Sequence[str], count: int) -> list[int]:
    """Return the places of the winners among the entrants, the first winner first; all win when they are too few.

    The entrants' own keys are part of what is hashed, so that nobody can be put in afterwards unseen.
    """
    words = _words(_mixed(seed, entrants))
    places = list(range(len(entrants)))
    for taken in range(min(count, len(places))):
        other = taken + _below(words, len(places) - taken)
        places[taken], places[other] = places[other], places[taken]
    return places[: min(count, len(places))]


def _mixed(seed: bytes, entrants: Sequence[str]) -> bytes:
    digest = hashlib.sha256(seed)
    for entrant in entrants:
        name = entrant.encode()
        digest.update(len(name).to_bytes(_WORD, "big") + name)
    return digest.digest()


def _words(seed: bytes) -> Iterator[int]:
    counter = 0
    while True:
        block = hashlib.sha256(seed + counter.to_bytes(_WORD, "big")).digest()
        for start in range(0, len(block), _WORD):
            yield int.from_bytes(block[start : start + _WORD], "big")
        counter += 1


def _below(words: Iterator[int], bound: int) -> int:
    """Return a number below `bound`, each with the same chance: words beyond the last whole multiple are skipped."""
    end = _BOUND - _BOUND % bound
    word = next(words)
    while word >= end:
        word = next(words)
    return word % bound

"""Seals: a chain of Merkle roots over what is posted; law: a seal that is made never changes, so an entry that was
changed, removed or put in afterwards leaves a root that does not fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

NOTHING_BEFORE = bytes(32)
"""What the first seal of an account names as the one before it."""
_LEAF, _NODE, _SEAL = b"\x00", b"\x01", b"\x02"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Book(Enum):
    """Which entries a leaf is of."""

    POINTS = b"P"
    CREDIT = b"C"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A posted entry as a seal sees it: its number, when it was posted, and the hash of its content; nobody's data."""

    book: Book
    sequence: int
    posted_at: datetime
    content_sha256: bytes


@dataclass(frozen=True, slots=True)
class Through:
    """How far seals go: the highest sequence of points and of credit that lies within."""

    points: int = 0
    credit: int = 0


@dataclass(frozen=True, slots=True)
class Seal:
    """What was posted up to `through` and lies in no seal before; `sha256` stands for all of it and all before."""

    number: int
    sealed_at: datetime
    through: Through
    entries: int
    root: bytes
    previous: bytes
    sha256: bytes


def make_seal(last: Seal | None, through: Through, leaves: Sequence[Leaf], now: datetime) -> Seal:
    """Return the seal of these leaves, points before credit and each by sequence, behind the last one."""
    number, previous = (last.number + 1, last.sha256) if last else (1, NOTHING_BEFORE)
    root = leaves_root(leaves)
    draft = Seal(number, now, through, len(leaves), root, previous, b"")
    return Seal(number, now, through, len(leaves), root, previous, seal_hash(draft))


def leaves_root(leaves: Sequence[Leaf]) -> bytes:
    """Return the Merkle root of entries."""
    return merkle_root([_leaf_data(leaf) for leaf in leaves])


def merkle_root(data: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash of a list of byte strings, with SHA-256 (RFC 6962 §2.1)."""
    if not data:
        return hashlib.sha256(b"").digest()
    level = [hashlib.sha256(_LEAF + each).digest() for each in data]
    # Pairs from the left, an odd last one moves up: the same tree as splitting at the largest power of two.
    while len(level) > 1:
        paired = [
            hashlib.sha256(_NODE + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def seal_hash(seal: Seal) -> bytes:
    """Return the SHA-256 of a seal with the one before it."""
    figures = (seal.number, _micros(seal.sealed_at), seal.through.points, seal.through.credit, seal.entries)
    return hashlib.sha256(
        _SEAL + seal.previous + seal.root + b"".join(_eight(figure) for figure in figures)
    ).digest()


def _leaf_data(leaf: Leaf) -> bytes:
    return leaf.book.value + _eight(leaf.sequence) + _eight(_micros(leaf.posted_at)) + leaf.content_sha256


def _eight(number: int) -> bytes:
    return number.to_bytes(8, "big", signed=True)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND

"""Seals: the Merkle tree of RFC 6962, and what a seal stands for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from loyalty.ledger.seal import NOTHING_BEFORE, Book, Leaf, Seal, Through, make_seal, merkle_root, seal_hash

NOW = datetime(2026, 3, 10, tzinfo=UTC)
INPUTS = [
    b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57", bytes(range(0x60, 0x70)),
]  # fmt: skip
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""The test vectors that implementations of certificate transparency share."""


def rfc_6962(data: Sequence[bytes]) -> bytes:
    """The definition of §2.1 word by word: split at the largest power of two below the length."""
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    half = 1 << (len(data) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + rfc_6962(data[:half]) + rfc_6962(data[half:])).digest()


@pytest.mark.parametrize("count", ROOTS)
def test_root_is_that_of_certificate_transparency(count: int) -> None:
    assert merkle_root(INPUTS[:count]).hex() == ROOTS[count]


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle_root([]) == hashlib.sha256(b"").digest()


def test_root_is_as_defined_for_every_length() -> None:
    for count in range(1, 70):
        data = [bytes([number]) for number in range(count)]
        assert merkle_root(data) == rfc_6962(data)


def leaf(number: int, **other: object) -> Leaf:
    made = Leaf(Book.POINTS, number, NOW, hashlib.sha256(b"%d" % number).digest())
    return replace(made, **other)  # type: ignore[arg-type]


def sealed(*leaves: Leaf, last: Seal | None = None) -> Seal:
    return make_seal(last, Through(leaves[-1].sequence), leaves, NOW)


@pytest.mark.parametrize(
    "other",
    [
        leaf(2, sequence=3),
        leaf(2, book=Book.CREDIT),
        leaf(2, posted_at=NOW + timedelta(microseconds=1)),
        leaf(2, content_sha256=bytes(32)),
    ],
)
def test_everything_of_an_entry_counts(other: Leaf) -> None:
    assert sealed(leaf(1), leaf(2)).root != sealed(leaf(1), other).root


def test_the_order_counts() -> None:
    assert sealed(leaf(1), leaf(2)).root != sealed(leaf(2), leaf(1)).root


def test_a_seal_stands_for_those_before_it() -> None:
    first = sealed(leaf(1))
    second = sealed(leaf(2), last=first)
    assert (first.number, first.previous) == (1, NOTHING_BEFORE)
    assert (second.number, second.previous) == (2, first.sha256)


@pytest.mark.parametrize(
    "changed",
    [
        {"number": 2},
        {"sealed_at": NOW + timedelta(microseconds=1)},
        {"through": Through(1, 1)},
        {"through": Through(2, 0)},
        {"entries": 2},
        {"root": bytes(32)},
        {"previous": bytes([1]) * 32},
    ],
)
def test_everything_of_a_seal_counts(changed: dict[str, object]) -> None:
    seal = sealed(leaf(1))
    assert seal.sha256 == seal_hash(seal)
    assert seal_hash(replace(seal, **changed)) != seal.sha256  # type: ignore[arg-type]

"""Seal what is posted, and prove the seals; law: sealing waits for nobody and makes no writer wait.

Where to cut. Entries take their sequence before they commit, so a lower one may become visible after a higher one,
and a seal that simply took all it sees could leave one behind. A run therefore first reads the newest sequence that
anybody drew, and after that takes a transaction number of its own. Whoever posts has locked his members before
(`engine/apply.py`), so his transaction had its number before he drew a sequence: every sequence up to the one that
was read belongs to a transaction with a lower number than this run's. When all of those have ended (the xmin of a
snapshot says so), everything up to it is visible or will never be. If that is so at once, it is sealed at once; else
what was read is kept as a mark, and the run a minute later seals up to it. A long transaction delays seals, and
nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection

from loyalty.ledger import seal_repository as seals
from loyalty.ledger.seal import (
    NOTHING_BEFORE,
    Book,
    Leaf,
    Seal,
    Through,
    leaves_root,
    make_seal,
    seal_hash,
)
from loyalty.values import AccountId

MOST_ENTRIES = 20_000
"""Of one seal; what is beyond gets further ones."""
PAGE = 5_000
_FIRST, _LAST = -(2**63), 2**63 - 1
Differs = Callable[[str, object, object], None]


def seal_ledger(connection: Connection, account: AccountId, now: datetime) -> int:
    """Seal the account's points and credit that no seal holds yet; return how many entries.

    Call it in a transaction that has written nothing: its number must be newer than what it reads. Seals nothing while
    another transaction seals the account.
    """
    if not seals.try_lock(connection, account):
        return 0
    last = seals.find_last_seal(connection)
    if not seals.has_entries_after(connection, last.through if last else Through()):
        return 0
    decided = _decided(connection, account)
    return _seal(connection, account, last, decided, now) if decided is not None else 0


def _decided(connection: Connection, account: AccountId) -> Through | None:
    """Return up to where every entry is either visible or never will be; None: not known yet."""
    drawn = seals.read_drawn(connection)
    own = seals.number_transaction(connection)
    oldest = seals.read_oldest_transaction(connection)
    if oldest == own:
        return drawn
    mark = seals.find_mark(connection)
    # A mark from the future was made in another cluster, which this database was restored from.
    if mark is None or mark.transaction <= oldest or mark.transaction > own:
        seals.put_mark(connection, account, seals.Mark(drawn, own))
    return mark.drawn if mark is not None and mark.transaction <= oldest else None


def _seal(
    connection: Connection, account: AccountId, last: Seal | None, decided: Through, now: datetime
) -> int:
    sealed = 0
    while leaves := _next_leaves(connection, last.through if last else Through(), decided):
        last = make_seal(last, _through(last, leaves), leaves, now)
        seals.add_seal(connection, account, last)
        sealed += len(leaves)
    return sealed


def _next_leaves(connection: Connection, after: Through, decided: Through) -> list[Leaf]:
    points = seals.list_leaves(connection, Book.POINTS, after.points, decided.points, MOST_ENTRIES)
    room = MOST_ENTRIES - len(points)
    return points + seals.list_leaves(connection, Book.CREDIT, after.credit, decided.credit, room)


def _through(last: Seal | None, leaves: list[Leaf]) -> Through:
    """Return how far a seal goes: its own last entries, since the sequences between are other accounts' business."""
    before = last.through if last else Through()
    highest = {leaf.book: leaf.sequence for leaf in leaves}
    return Through(highest.get(Book.POINTS, before.points), highest.get(Book.CREDIT, before.credit))


def check_seals(connection: Connection, differs: Differs) -> None:
    """Compare every seal with the entries it holds and with the one before it; entries after the last are in none."""
    points, credit = (_Shelf(_leaves(connection, book)) for book in (Book.POINTS, Book.CREDIT))
    number, previous = 0, NOTHING_BEFORE
    for seal in seals.list_seals(connection):
        leaves = [*points.take(seal.through.points), *credit.take(seal.through.credit)]
        differs("number of the next seal", seal.number, number + 1)
        differs(f"seal before seal {seal.number}", seal.previous.hex(), previous.hex())
        differs(f"entries of seal {seal.number}", len(leaves), seal.entries)
        differs(f"root of seal {seal.number}", leaves_root(leaves).hex(), seal.root.hex())
        differs(f"hash of seal {seal.number}", seal.sha256.hex(), seal_hash(seal).hex())
        number, previous = seal.number, seal.sha256


def _leaves(connection: Connection, book: Book) -> Iterator[Leaf]:
    after = _FIRST
    while page := seals.list_leaves(connection, book, after, _LAST, PAGE):
        yield from page
        after = page[-1].sequence


class _Shelf:
    """Entries by sequence, taken up to one after the other."""

    def __init__(self, leaves: Iterator[Leaf]) -> None:
        self._leaves = leaves

    def take(self, through: int) -> Iterator[Leaf]:
        """Return those up to a sequence."""
        for leaf in self._leaves:
            if leaf.sequence > through:
                self._leaves = chain((leaf,), self._leaves)
                return
            yield leaf

"""Lots and what uses them; law: no lot below zero, and what a lot lost equals its consumptions (RULES §4, §5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Lot:
    """An accrual's points: granted, unspent, and expired of it; usable from `available_from` until
    before `expires_at`.
    """

    cause: str
    sequence: int
    created_at: datetime
    available_from: datetime
    expires_at: datetime | None
    points: int
    remaining: int
    expired: int = 0
    order_key: str | None = None

    def is_pending(self, instant: datetime) -> bool:
        """Return whether its points cannot be spent yet."""
        return self.available_from > instant

    def is_dead(self, instant: datetime) -> bool:
        """Return whether its time is over."""
        return self.expires_at is not None and self.expires_at <= instant


def spending_order(lot: Lot) -> tuple[datetime, datetime, int]:
    """Sort key: nearest expiry first, then oldest, never-expiring last."""
    return lot.expires_at or NEVER, lot.created_at, lot.sequence


@dataclass(slots=True)
class Balance:
    """A member's figures at an instant, whole points: matured unexpired rest less debt; earned but not
    yet usable; held; owed.
    """

    available: int
    pending: int
    held: int
    debt: int


@dataclass(slots=True)
class Wallet:
    """A member's lots and debt while they are folded; every change of a lot is a consumption with its cause."""

    lots: dict[str, Lot] = field(default_factory=dict)
    debt: int = 0
    held: int = 0
    """Points of lots that open redemptions hold."""
    consumed: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """Points by (lot's cause, consumer's cause) of this fold; negative where a refill gave them back."""
    touched: set[str] = field(default_factory=set)
    next_sequence: int = 1

    def open_lot(self, lot: Lot, instant: datetime) -> None:
        """Add a lot; what is usable at once pays debt first."""
        self.lots[lot.cause] = lot
        self.touched.add(lot.cause)
        self.next_sequence = max(self.next_sequence, lot.sequence + 1)
        self.pay_debt(lot, instant)

    def pay_debt(self, lot: Lot, instant: datetime) -> int:
        """Let a matured lot pay debt; return how many points it paid."""
        if not self.debt or lot.is_pending(instant) or not lot.remaining:
            return 0
        paid = self.take(lot, min(self.debt, lot.remaining), "debt")
        self.debt -= paid
        return paid

    def unite(self, other: Wallet, instant: datetime) -> None:
        """Take over another wallet at an instant, its lots after his own; what is usable pays debt."""
        for lot in sorted(other.lots.values(), key=lambda lot: lot.sequence):
            lot.sequence = self.next_sequence
            self.next_sequence += 1
            self.lots[lot.cause] = lot
        self.touched |= other.touched
        for place, points in other.consumed.items():
            self.consumed[place] += points
        self.debt += other.debt
        self.held += other.held
        for lot in self.spendable(instant):
            self.pay_debt(lot, instant)

    def take(self, lot: Lot, points: int, consumer: str) -> int:
        """Use points of a lot for a cause, at most what it has left; return how many."""
        used = min(points, lot.remaining)
        if used > 0:
            lot.remaining -= used
            self.consumed[lot.cause, consumer] += used
            self.touched.add(lot.cause)
        return max(0, used)

    def give_back(self, lot: Lot, points: int, consumer: str) -> None:
        """Refill a lot by the points a cause gives back; a lot that never had so many becomes larger."""
        lot.remaining += points
        lost = lot.points - lot.remaining
        if lost < 0:
            lot.points -= lost
        self.consumed[lot.cause, consumer] -= points + min(lost, 0)
        self.touched.add(lot.cause)

    def take_from_others(self, points: int, instant: datetime, consumer: str, own: str | None = None) -> int:
        """Use usable lots by spending order, pending ones last; return how many points were found."""
        found = 0
        for lot in self.spendable(instant, own):
            if found == points:
                break
            found += self.take(lot, points - found, consumer)
        return found

    def spend(self, points: int, instant: datetime, consumer: str) -> list[tuple[str, int]]:
        """Use matured lots by spending order; return how much of which, in that order."""
        sources = []
        for lot in self.spendable(instant):
            if not points or lot.is_pending(instant):
                break
            used = self.take(lot, points, consumer)
            points -= used
            sources.append((lot.cause, used))
        return sources

    def spendable(self, instant: datetime, own: str | None = None) -> list[Lot]:
        """Return the lots with a rest that are not dead, in the order in which they are used, pending ones last."""
        alive = [
            lot
            for lot in self.lots.values()
            if lot.remaining and lot.cause != own and not lot.is_dead(instant)
        ]
        return sorted(alive, key=lambda lot: (lot.is_pending(instant), *spending_order(lot)))

    def next_due(self, until: datetime) -> tuple[datetime, bool, Lot] | None:
        """Return the next maturity that pays debt, or expiry, up to `until`: its time, whether it is an
        expiry, its lot.
        """
        if not self.lots:
            return None
        due = [
            (lot.expires_at, True, lot)
            for lot in self.lots.values()
            if lot.remaining and lot.expires_at is not None and lot.expires_at <= until
        ]
        if self.debt:
            pending = (lot for lot in self.lots.values() if lot.remaining and lot.available_from <= until)
            due += [(lot.available_from, False, lot) for lot in pending]
        return min(due, key=lambda item: (item[0], item[1], spending_order(item[2])), default=None)

    def balance(self, instant: datetime) -> Balance:
        """Return the figures at an instant, dead lots left out."""
        return balance_of(self.lots.values(), self.debt, instant, self.held)


def balance_of(lots: Iterable[Lot], debt: int, instant: datetime, held: int = 0) -> Balance:
    """Return available, pending, held and debt of some lots at an instant (RULES §4)."""
    available = pending = 0
    for lot in lots:
        if lot.is_dead(instant):
            continue
        if lot.is_pending(instant):
            pending += lot.remaining
        else:
            available += lot.remaining
    return Balance(available - debt, pending, held, debt)

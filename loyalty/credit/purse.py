"""A member's store credit while it is folded; law: the balance is the sum of what moved, and what a code holds is
nobody else's (RULES §7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from loyalty.credit.entries import CreditMovement
from loyalty.values import decimal_floor

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Pending:
    """What is credited for an order and not usable yet."""

    usable_from: datetime
    amount: Decimal


@dataclass(slots=True)
class CodeUse:
    """What an order took of the credit by a code, and how much of that its refunds gave back."""

    taken: Decimal
    returned: Decimal = NOTHING

    def give_back(self, share: Fraction, decimals: int) -> Decimal:
        """Note that this share of the order is refunded; return how much more comes back, rounded down in all."""
        more = decimal_floor(Fraction(self.taken) * share, decimals) - self.returned
        if more <= 0:
            return NOTHING
        self.returned += more
        return more


@dataclass(slots=True)
class CreditCode:
    """Credit set aside for a code in a shop, or for credit that the shop itself keeps; `number` is that of the command
    that asked for it.

    The first order that uses a code takes what its discount really was, and the rest is free at once.
    """

    number: int
    at: datetime
    amount: Decimal
    until: datetime | None
    """When the code ends; None: it goes over to the shop's own credit, however long that takes."""
    version: int
    store: int = 0
    is_held: bool = True
    uses: dict[str, CodeUse] = field(default_factory=dict)
    """By the orders, in the order of their times."""

    @property
    def cause(self) -> str:
        """Return the cause of its entries and its coupon."""
        return f"credit:{self.number}"

    @property
    def is_sent(self) -> bool:
        """Return whether it goes over to the shop's own credit."""
        return self.until is None

    @property
    def is_over(self) -> bool:
        """Return whether it must not be used any more: nothing is set aside for it, or an order gave back from it."""
        return (not self.is_held and not self.uses) or any(use.returned for use in self.uses.values())

    def due(self) -> datetime | None:
        """Return when it ends by itself."""
        return self.until if self.is_held else None


@dataclass(frozen=True, slots=True)
class CreditFigures:
    """Money at an instant: all of it; what may be spent now; credited but not usable yet; set aside for codes."""

    balance: Decimal
    available: Decimal
    pending: Decimal
    held: Decimal


@dataclass(slots=True)
class Purse:
    """What the fold knows of a member's credit; `movements` are those of this fold."""

    balance: Decimal = NOTHING
    pending: dict[str, Pending] = field(default_factory=dict)
    """By order, as far as it is not usable at the end of the fold."""
    forgiven: dict[str, Decimal] = field(default_factory=dict)
    """By order, what a floor did not take back."""
    codes: dict[int, CreditCode] = field(default_factory=dict)
    """By number; of earlier folds those to which something will happen."""
    movements: list[CreditMovement] = field(default_factory=list)
    sent: dict[int, Decimal] = field(default_factory=dict)
    """By store, what went over to the shop's own credit and paid no order yet; known in a fold from nothing only."""

    @property
    def held(self) -> Decimal:
        """Return what codes hold."""
        return sum((code.amount for code in self.codes.values() if code.is_held), NOTHING)

    def move(self, movement: CreditMovement) -> None:
        """Note what a cause moves, if anything."""
        if movement.amount:
            self.movements.append(movement)
            self.balance += movement.amount

    def lacks(self, amount: Decimal) -> Decimal:
        """Return how much of an amount that is taken nothing covers; what codes hold covers only their orders."""
        return min(amount, max(NOTHING, amount - max(NOTHING, self.balance - self.held)))

    def wait(self, order_key: str, pending: Pending, at: datetime) -> None:
        """Let an order's credit be usable from its day only; one that is usable by now waits for nothing."""
        self.pending.pop(order_key, None)
        if pending.amount and pending.usable_from > at:
            self.pending[order_key] = pending

    def mature(self, until: datetime) -> None:
        """Forget what is usable by an instant."""
        self.pending = {key: each for key, each in self.pending.items() if each.usable_from > until}

    def pay(self, store: int, amount: Decimal) -> Decimal:
        """Note that an order of a store was paid so much by the shop's own credit; return how much of that came from
        here, as it is spent first.
        """
        ours = min(amount, self.sent.get(store, NOTHING))
        if ours:
            self.sent[store] -= ours
        return ours

    def unite(self, other: Purse) -> None:
        """Take over another purse: orders and numbers of codes are unique in the account."""
        self.balance += other.balance
        self.pending |= other.pending
        self.forgiven |= other.forgiven
        self.codes |= other.codes
        self.movements += other.movements
        for store, amount in other.sent.items():
            self.sent[store] = self.sent.get(store, NOTHING) + amount

    def due(self) -> Iterator[datetime]:
        """Yield when codes end by themselves."""
        return (end for code in self.codes.values() if (end := code.due()) is not None)

    def figures(self, at: datetime) -> CreditFigures:
        """Return the figures at an instant; what is owed or held is covered by usable credit before pending."""
        held = self._held_at(at)
        pending = min(self._waiting_at(at), max(NOTHING, self.balance - held))
        return CreditFigures(self.balance, self.balance - held - pending, pending, held)

    def spare(self, at: datetime) -> Decimal:
        """Return how much more may be set aside at an instant; negative where that would reach into pending credit."""
        return self.balance - self._held_at(at) - self._waiting_at(at)

    def _held_at(self, at: datetime) -> Decimal:
        held = (it for it in self.codes.values() if it.is_held and (it.until is None or it.until > at))
        return sum((it.amount for it in held), NOTHING)

    def _waiting_at(self, at: datetime) -> Decimal:
        return sum((each.amount for each in self.pending.values() if each.usable_from > at), NOTHING)

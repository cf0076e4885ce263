"""One exchange of points for a reward, from its hold to its end; law: what was taken is what may be given back, at
most once, to the lots that it came from (RULES §4, §7).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from loyalty.programs.catalogue import GIFT_CARD


class RedemptionState(StrEnum):
    """What became of the points of a redemption."""

    HELD = "held"
    """Set aside: not spent yet, and nobody else's."""
    CAPTURED = "captured"
    RELEASED = "released"
    """The hold ended without a use: the points were never spent."""
    CANCELLED = "cancelled"
    """Given back after they had been spent."""
    EXPIRED = "expired"
    """The code's time ended unused; the points came back, or are forfeited."""


OPEN = frozenset({RedemptionState.HELD, RedemptionState.CAPTURED})


class Source(NamedTuple):
    """Whole points that a charge used of a lot."""

    lot: str
    points: int
    ends_at: datetime | None
    """When they would be dead in their lot, which shows no date any more once nothing is left of it."""

    def is_dead(self, instant: datetime) -> bool:
        """Return whether they are dead wherever they go back to."""
        return self.ends_at is not None and self.ends_at <= instant


class Fulfilment(StrEnum):
    """How far people are with a service, or a ticket with its seat."""

    OPEN = "open"
    """Nobody has begun; a ticket waits for a seat."""
    ACCEPTED = "accepted"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    """It was taken back, or its time ended."""

    def may_become(self, step: Fulfilment) -> bool:
        """Return whether people may go from here to a step."""
        return step in _STEPS.get(self, ())


BEGUN = frozenset({Fulfilment.ACCEPTED, Fulfilment.DONE})
_STEPS = {
    Fulfilment.OPEN: (Fulfilment.ACCEPTED, Fulfilment.REFUSED),
    Fulfilment.ACCEPTED: (Fulfilment.DONE, Fulfilment.REFUSED),
}


@dataclass(slots=True)
class Charge:
    """What one use of a reward takes: of lots, in the order in which they were used; `short` no lot covered, of
    which `forgiven` was not made debt.
    """

    points: int
    sources: list[Source] = field(default_factory=list)
    short: int = 0
    forgiven: int = 0
    restored: int = 0
    """Given back because its order was refunded."""

    @property
    def taken(self) -> int:
        """Return the points that it really took from the member."""
        return self.points - self.forgiven

    @property
    def owed(self) -> int:
        """Return the points that it left as debt."""
        return self.short - self.forgiven

    @property
    def found(self) -> int:
        """Return the points that lots covered."""
        return self.points - self.short

    def to_restore(self, share: Fraction, policy: str) -> int:
        """Return how many points more are given back when this share of the order is refunded (RULES §4)."""
        if policy == "proportional":
            target = (self.taken * share).__floor__()
        else:
            target = self.taken if policy == "full" and share >= 1 else 0
        return max(0, target - self.restored)

    def give_back(self, points: int) -> list[tuple[Source | None, int]]:
        """Note that so many points more are restored; return from which sources, last used first, None for what was
        owed.
        """
        parts: list[tuple[Source | None, int]] = []
        skipped = self.restored
        self.restored += points
        for source, used in [(None, self.owed), *((one, one.points) for one in reversed(self.sources))]:
            left = used - min(used, skipped)
            skipped -= used - left
            given = min(left, points)
            points -= given
            if given:
                parts.append((source, given))
        return parts

    def redate(self, ends_at: datetime | None, instant: datetime) -> None:
        """Let what is not dead yet live as long as everything else that the member has."""
        self.sources = [
            source if source.is_dead(instant) else source._replace(ends_at=ends_at) for source in self.sources
        ]


@dataclass(slots=True)
class Redemption:
    """One exchange; `number` is that of the command that asked for it."""

    number: int
    reward_key: str
    kind: str
    version: int
    at: datetime
    charge: Charge
    state: RedemptionState = RedemptionState.HELD
    amount: str = ""
    """Of a variable discount or credit: money as a decimal text."""
    hold_until: datetime | None = None
    """When the hold ends by itself."""
    ends_at: datetime | None = None
    """When its code's time ends."""
    forfeits: bool = False
    """Whether points are gone when the code's time ends unused."""
    ended_at: datetime | None = None
    uses: dict[str, Charge] = field(default_factory=dict)
    """What each order paid that used its code, in the order of their times."""
    unused: list[Charge] = field(default_factory=list)
    """What is spent and no order has used: the next one does."""
    ended_unused: tuple[RedemptionState, datetime | None] | None = None
    """How and when it had ended before a use was seen all the same."""

    @property
    def charges(self) -> list[Charge]:
        """Return what it takes, or once took, each charge once."""
        every = (self.charge, *self.uses.values(), *self.unused)
        return list({id(charge): charge for charge in every}.values())

    @property
    def cause(self) -> str:
        """Return the cause of its entries and its coupon."""
        return f"redemption:{self.number}"

    @property
    def is_card(self) -> bool:
        """Return whether it is money on a card of the shop, which may pay several orders."""
        return self.kind == GIFT_CARD

    @property
    def restored(self) -> int:
        """Return the points that refunds of its orders gave back."""
        return sum(charge.restored for charge in self.uses.values())

    @property
    def is_over(self) -> bool:
        """Return whether its code must not be used any more: the points are back, or on their way."""
        return self.state not in OPEN or self.restored > 0

    @property
    def is_forfeited(self) -> bool:
        """Return whether its points were gone when its code's time ended; they still pay for one use."""
        ended = self.ended_unused
        return self.forfeits and ended is not None and ended[0] is RedemptionState.EXPIRED

    @property
    def may_serve_again(self) -> bool:
        """Return whether what a dead order paid pays for another use: no other points do, and the code is open."""
        return not self.uses and not self.unused and (self.ended_unused is None or self.is_forfeited)

    def due(self) -> datetime | None:
        """Return when something happens to it by itself."""
        if self.state is RedemptionState.HELD:
            ends = [end for end in (self.hold_until, self.ends_at) if end is not None]
            return min(ends, default=None)
        return self.ends_at if self.state is RedemptionState.CAPTURED and not self.uses else None


def is_of_credit(cause: str) -> bool:
    """Return whether a cause names a code of credit, which has no row among the redemptions."""
    return cause.startswith("credit:")


def number_of(cause: str) -> int | None:
    """Return the number of the redemption, or of the code of credit, that a cause names; None where it names none."""
    head, _, number = cause.partition(":")
    return int(number) if head in ("redemption", "credit") and number.isdigit() else None

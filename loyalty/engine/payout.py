"""What points are worth and who can spend them, by the cheapest fixed discount of a catalogue; law: exact numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from loyalty.engine.state import MemberState
from loyalty.programs.catalogue import Reward
from loyalty.programs.program import Program
from loyalty.values import decimal_floor

SOON = timedelta(days=90)
YEAR = timedelta(days=365)
SHARE_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Rate:
    """The cheapest reward with its price in points and its worth in money."""

    reward: Reward
    points: int
    amount: Fraction

    def worth(self, points: int) -> Fraction:
        """Return the money that so many points are worth at this reward."""
        return points * Fraction(self.amount, self.points)


def cheapest_rate(program: Program) -> Rate | None:
    """Return the fixed discount that costs the fewest points, of those the one worth most; None: there is none."""
    rates = [
        Rate(reward, reward.points, reward.amount)
        for reward in program.rewards
        if reward.kind == "fixed_discount" and reward.points and reward.amount
    ]
    return min(rates, key=lambda rate: (rate.points, -rate.amount, rate.reward.key), default=None)


@dataclass(slots=True)
class Reach:
    """How many members can redeem the cheapest reward at an instant, and how many could within 90 days of joining,
    by their points alone; `settled` are those who joined 90 days ago or earlier, `aged` those who did a year ago.
    """

    rate: Rate
    at: datetime
    members: int = 0
    able: int = 0
    early: int = 0
    settled: int = 0
    within_year: int = 0
    aged: int = 0

    def add(self, state: MemberState, available: int) -> None:
        """Count a member with the points that he may spend now."""
        assert state.joined_at is not None
        tiers = self.rate.reward.tiers
        self.members += 1
        self.able += available >= self.rate.points and (not tiers or state.tier_key in tiers)
        soon, year = state.joined_at + SOON, state.joined_at + YEAR
        if soon > self.at:
            return
        first = first_had(state, self.rate.points)
        self.settled += 1
        self.early += first is not None and first <= soon
        if year <= self.at:
            self.aged += 1
            self.within_year += first is not None and first <= year


def first_had(state: MemberState, points: int) -> datetime | None:
    """Return when the usable balance first reached so many points, None for never."""
    lots, moments = state.wallet.lots, []
    for each in state.movements:
        lot = lots.get(each.cause)
        moments.append(
            (max(each.effective_at, lot.available_from) if lot else each.effective_at, each.points)
        )
    balance = 0
    for at, moved in sorted(moments):
        balance += moved
        if balance >= points:
            return at
    return None


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; `share` is a decimal text rounded down, None of nobody."""

    members: int
    of: int
    share: str | None


@dataclass(frozen=True, slots=True)
class Payout:
    """Money and shares as decimal texts, rounded down.

    `liability` is what the points outstanding are worth, `payout_ratio` that by the net spend of all members;
    `given_ratio` is what all points ever given are worth by the same spend; None where nothing was spent.
    """

    reward: str
    points: int
    amount: str
    liability: str
    payout_ratio: str | None
    given_ratio: str | None
    able_now: Share
    able_within_90_days: Share


def payout_of(reach: Reach, given: int, outstanding: int, spend: Fraction, decimals: int) -> Payout:
    """Return the payout figures of all members from their sums: whole points, exact money."""
    rate = reach.rate
    return Payout(
        reward=rate.reward.key,
        points=rate.points,
        amount=_text(rate.amount, decimals),
        liability=_text(rate.worth(outstanding), decimals),
        payout_ratio=_ratio(rate.worth(outstanding), spend),
        given_ratio=_ratio(rate.worth(given), spend),
        able_now=_share(reach.able, reach.members),
        able_within_90_days=_share(reach.early, reach.settled),
    )


def _share(members: int, of: int) -> Share:
    return Share(members, of, _ratio(Fraction(members), Fraction(of)))


def _ratio(part: Fraction, whole: Fraction) -> str | None:
    return _text(Fraction(part, whole), SHARE_DECIMALS) if whole > 0 else None


def _text(value: Fraction, decimals: int) -> str:
    shown: Decimal = decimal_floor(value, decimals)
    return f"{shown:f}"

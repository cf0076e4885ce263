"""The members of an account under two sets of rules, summed up side by side; law: exact numbers, no clock, no database.

Only sums and the first members of each list are kept, so the memory is the same for any number of members.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from loyalty.engine.payout import Payout, Reach, cheapest_rate, payout_of
from loyalty.engine.state import MemberState
from loyalty.ledger.entries import EntryKind
from loyalty.ledger.lots import NEVER, Lot
from loyalty.programs.program import Program
from loyalty.values import ZERO

NAMED = 50
"""So many members are named in a list; the counts are of all."""
Step = tuple[str | None, str | None]


@dataclass(slots=True)
class Side:
    """All members under one set of rules at an instant: whole points; `outstanding` live, pending and held ones too."""

    program: Program | None
    at: datetime
    members: int = 0
    tiers: Counter[str] = field(default_factory=Counter)
    best: Counter[str] = field(default_factory=Counter)
    """Members by the highest tier that their own figures ever reached."""
    given: int = 0
    outstanding: int = 0
    expired: int = 0
    debt: int = 0
    spend: Fraction = ZERO
    reach: Reach | None = field(init=False)

    def __post_init__(self) -> None:
        rate = cheapest_rate(self.program) if self.program else None
        self.reach = Reach(rate, self.at) if rate else None

    def add(self, state: MemberState) -> None:
        """Count a member; who has not joined under these rules counts nowhere."""
        if state.joined_at is None or state.tier_key is None:
            return
        balance = state.wallet.balance(self.at)
        self.members += 1
        self.tiers[state.tier_key] += 1
        self.best[self._best(state)] += 1
        self.given += sum(
            it.points for it in state.movements if it.kind is EntryKind.ACCRUAL and it.points > 0
        )
        self.expired -= sum(it.points for it in state.movements if it.kind is EntryKind.EXPIRY)
        self.outstanding += balance.available + balance.debt + balance.pending + balance.held
        self.debt += balance.debt
        self.spend += state.tally.total.spend
        if self.reach is not None:
            self.reach.add(state, balance.available)

    def _best(self, state: MemberState) -> str:
        reached = [it.tier_key for it in state.periods if it.reason in ("joined", "reached")]
        rank = self.program.tier_rank if self.program else reached.index
        return max(reached, key=rank, default="")

    def reached(self, rank: int) -> int:
        """Return how many members ever reached a tier of that rank, or a higher one, by their figures."""
        if self.program is None:
            return 0
        return sum(count for key, count in self.best.items() if self.program.tier_rank(key) >= rank)

    def ladder(self) -> list[tuple[str, int]]:
        """Return each tier of the ladder with its members, then tiers that members hold besides."""
        keys = [tier.key for tier in self.program.tiers] if self.program else []
        others = sorted(self.tiers.keys() - set(keys))
        return [(key, self.tiers[key]) for key in (*keys, *others)]

    def payout(self, decimals: int) -> Payout | None:
        """Return the payout figures, None where the catalogue has no fixed discount for points."""
        if self.reach is None:
            return None
        return payout_of(self.reach, self.given, self.outstanding, self.spend, decimals)


@dataclass(frozen=True, slots=True)
class Loss:
    """What a switch of rules takes from a member: points that die at once, and points that die earlier than before,
    the first of them at `first_at`.
    """

    dying: int
    earlier: int
    first_at: datetime | None

    def __bool__(self) -> bool:
        return bool(self.dying or self.earlier)


def loss_between(before: MemberState, after: MemberState) -> Loss:
    """Compare a member's lots without and with a switch of rules at the same instant."""
    dying, sooner = 0, []
    for cause, lot in after.wallet.lots.items():
        old = before.wallet.lots.get(cause)
        if old is None:
            continue
        dying += max(0, lot.expired - old.expired)
        if lot.remaining and _end(lot) < _end(old):
            sooner.append(lot)
    return Loss(dying, sum(lot.remaining for lot in sooner), min(map(_end, sooner), default=None))


def _end(lot: Lot) -> datetime:
    return lot.expires_at or NEVER


@dataclass(slots=True)
class Losses:
    """The losses of all members; `named` are the first ones by id."""

    members: int = 0
    dying_points: int = 0
    dying_members: int = 0
    earlier_points: int = 0
    earlier_members: int = 0
    first_at: datetime | None = None
    named: list[tuple[UUID, Loss]] = field(default_factory=list)

    def add(self, member: UUID, loss: Loss) -> None:
        """Count what one member loses."""
        if not loss:
            return
        self.members += 1
        self.dying_points += loss.dying
        self.dying_members += loss.dying > 0
        self.earlier_points += loss.earlier
        self.earlier_members += loss.earlier > 0
        self.first_at = min((at for at in (self.first_at, loss.first_at) if at), default=None)
        if len(self.named) < NAMED:
            self.named.append((member, loss))


@dataclass(slots=True)
class Comparison:
    """Both sides, and what differs between them member by member, who come in the order of their ids.

    A step leads from one tier to another; None: he is no member on that side. Losses are None where the sides do not
    share their past.
    """

    before: Side
    after: Side
    losses: Losses | None
    people: int = 0
    steps: Counter[Step] = field(default_factory=Counter)
    movers: list[tuple[UUID, Step]] = field(default_factory=list)

    def add(self, member: UUID, before: MemberState, after: MemberState) -> None:
        """Count one member on both sides."""
        self.people += 1
        self.before.add(before)
        self.after.add(after)
        step = before.tier_key, after.tier_key
        if step[0] != step[1]:
            self.steps[step] += 1
            if len(self.movers) < NAMED:
                self.movers.append((member, step))
        if self.losses is not None:
            self.losses.add(member, loss_between(before, after))

"""What a reward takes of a member's lots, and how it goes back;
law: it goes back to the lots that it came from, to die when it would have died there (RULES §4, §9 (21)).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from loyalty.engine.expiring import expire, note_activity
from loyalty.engine.state import MemberState
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.program import Program
from loyalty.programs.terms import NegativeBalance
from loyalty.rewards.redemption import Charge, Redemption, Source


def find(state: MemberState, charge: Charge, cause: str, at: datetime) -> None:
    """Take what a charge lacks of usable lots; what they do not cover stays short."""
    wallet = state.wallet
    for lot, points in wallet.spend(charge.short, at, cause):
        charge.sources.append(Source(lot, points, wallet.lots[lot].expires_at))
        charge.short -= points


def pay(
    state: MemberState,
    redemption: Redemption,
    charge: Charge,
    cause: str,
    order_key: str | None,
    program: Program,
    at: datetime,
) -> None:
    """Spend a charge: what no lot covers becomes debt, or is forgiven where balances do not fall below 0."""
    find(state, charge, cause, at)
    if program.refunds.negative_balance is NegativeBalance.ALLOW:
        state.wallet.debt += charge.short
    elif charge.short:
        charge.forgiven = charge.short
        kind, reason = EntryKind.FORGIVENESS, "redemption_forgiven"
        note(state, redemption, f"{cause}:forgiven", kind, charge.short, at, reason)
    if charge.points:
        note(state, redemption, cause, EntryKind.REDEMPTION, -charge.points, at, "redeemed", order_key)
        note_activity(state, program, at)


def give_back(
    state: MemberState,
    redemption: Redemption,
    charges: Iterable[Charge],
    cause: str,
    reason: str,
    program: Program,
    at: datetime,
    order_key: str | None = None,
) -> None:
    """Return what was spent to its lots; what was owed lowers debt first (RULES §9 (21))."""
    returned = list(charges)
    taken, owed = sum(each.taken for each in returned), sum(each.owed for each in returned)
    if taken:
        note(state, redemption, cause, EntryKind.RESTORATION, taken, at, reason, order_key)
    if owed:
        open_lot(state, cause, owed, program.expiry.lot_end(at, program.time_zone), at, order_key)
    for charge in reversed(returned):
        refill(state, redemption, charge, at)


def refill(state: MemberState, redemption: Redemption, charge: Charge, at: datetime) -> None:
    """Put points back into their lots, last used first; in a dead lot they die at once, but pay debt before."""
    wallet = state.wallet
    for source in reversed(charge.sources):
        lot = wallet.lots.get(source.lot)
        if lot is None:
            continue  # whoever looks at tiers only has read no lots
        if not lot.remaining:
            lot.expires_at = source.ends_at
        wallet.give_back(lot, source.points, redemption.cause)
        wallet.pay_debt(lot, at)
        if lot.is_dead(at) and lot.remaining:
            expire(state, lot, at)


def open_lot(
    state: MemberState, cause: str, points: int, ends_at: datetime | None, at: datetime, order_key: str | None
) -> None:
    """Give points that come back as a lot of their own, usable at once."""
    lot = Lot(cause, state.wallet.next_sequence, at, at, ends_at, points, points, order_key=order_key)
    state.wallet.open_lot(lot, at)


def note(
    state: MemberState,
    redemption: Redemption,
    cause: str,
    kind: EntryKind,
    points: int,
    at: datetime,
    reason: str,
    order_key: str | None = None,
) -> None:
    """Note that a redemption moves points."""
    explanation = {"reward": redemption.reward_key, "redemption": redemption.number}
    movement = Movement(cause, kind, points, at, reason, order_key, redemption.version, explanation)
    state.movements.append(movement)

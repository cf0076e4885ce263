"""What redeeming does to a member: points are held, spent, and given back;
law: what is spent is what was held, a use that was seen is paid, and no refund gives back more than was taken
(RULES §4, §7).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

from loyalty.clock import day_end, local_date
from loyalty.engine import crediting
from loyalty.engine.commands import Ending, EndRedemption, RedeemReward
from loyalty.engine.expiring import expire, note_activity, redate_refilled
from loyalty.engine.state import Grant, MemberState
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.catalogue import CODE_KINDS, STORE_CREDIT
from loyalty.programs.program import Program
from loyalty.programs.terms import NegativeBalance
from loyalty.rewards.coupon import valid_until
from loyalty.rewards.redemption import OPEN, Charge, Redemption, RedemptionState


def redeem(state: MemberState, command: RedeemReward, program: Program) -> None:
    """Hold points for a reward; what needs no code of a shop and waits for no use is spent at once."""
    at, reward = command.accepted_at, program.reward(command.reward)
    is_money = command.kind == STORE_CREDIT
    redemption = Redemption(
        number=command.number,
        reward_key=command.reward,
        kind=command.kind,
        version=program.version,
        at=at,
        charge=Charge(command.points),
        amount=command.amount or (crediting.credit_worth(reward, program) if reward and is_money else ""),
        hold_until=command.hold_until,
        ends_at=valid_until(reward, program, at) if reward and not is_money else None,
        forfeits=reward is not None and reward.on_expiry == "forfeit",
    )
    state.redemptions[command.number] = redemption
    _hold(state, redemption, at)
    if command.kind in CODE_KINDS:
        state.grants[redemption.cause] = _grant(redemption, command.store)
    elif command.hold_until is None:
        _capture(state, redemption, program, at)


def _grant(redemption: Redemption, store: int) -> Grant:
    return Grant(
        cause=redemption.cause,
        reward_key=redemption.reward_key,
        version=redemption.version,
        granted_at=redemption.at,
        tier_key="",
        store=store,
        judged=False,
        amount=redemption.amount,
    )


def end(state: MemberState, command: EndRedemption, program: Program) -> None:
    """Capture, release or cancel a redemption; one that has ended otherwise stays as it is."""
    redemption, at = state.redemptions.get(command.redemption), command.accepted_at
    if redemption is None or redemption.uses:
        return
    held = redemption.state is RedemptionState.HELD
    if command.ending is Ending.CAPTURED and held:
        _capture(state, redemption, program, at)
    elif command.ending is not Ending.CAPTURED and held:
        _release(state, redemption, at)
    elif command.ending is Ending.CANCELLED and redemption.state is RedemptionState.CAPTURED:
        _give_back(state, redemption, RedemptionState.CANCELLED, "redemption_cancelled", program, at)
    redate_refilled(state, program)


def fall_due(state: MemberState, redemption: Redemption, program: Program, at: datetime) -> None:
    """A hold, or the time of an unused code, ends by itself."""
    if redemption.state is RedemptionState.HELD:
        _release(state, redemption, at)
    elif redemption.forfeits:
        _close(state, redemption, RedemptionState.EXPIRED, at)
    else:
        _give_back(state, redemption, RedemptionState.EXPIRED, "redemption_returned", program, at)
    redate_refilled(state, program)


def use(state: MemberState, number: int, order_key: str, program: Program, at: datetime) -> None:
    """An order used the code: a hold is spent, what had come back is taken again, each further use is paid again."""
    redemption = state.redemptions.get(number)
    if redemption is None:
        return
    is_first, was_open = not redemption.uses, redemption.state in OPEN
    if is_first and redemption.state is RedemptionState.HELD:
        _capture(state, redemption, program, at)
    keeps_points = was_open or (redemption.state is RedemptionState.EXPIRED and redemption.forfeits)
    if is_first and keeps_points:
        charge = redemption.charge
    else:
        charge = _charge_again(state, redemption, order_key, program, at)
    redemption.uses[order_key] = charge
    redemption.state, redemption.ended_at = RedemptionState.CAPTURED, None
    _follow(state, redemption)


def restore(
    state: MemberState, number: int, order_key: str, share: Fraction, ref: str, program: Program, at: datetime
) -> None:
    """Give back what this refunded share of an order returns of the points that it used (RULES §4)."""
    redemption = state.redemptions.get(number)
    charge = redemption.uses.get(order_key) if redemption else None
    if redemption is None or charge is None:
        return
    points = charge.to_restore(share, program.refunds.restore_redeemed)
    if not points:
        return
    cause = f"{redemption.cause}:restored:{order_key}:{ref}"
    least = _least_end(program, at)
    for place, (source, given) in enumerate(charge.give_back(points)):
        lot_end = _restored_end(state, source, program, at, least)
        _open_lot(state, f"{cause}:{place}", given, lot_end, at, order_key)
    _note(state, redemption, cause, EntryKind.RESTORATION, points, at, "redemption_restored", order_key)
    redate_refilled(state, program)
    _follow(state, redemption)


def _least_end(program: Program, at: datetime) -> datetime:
    """Return until when restored points live at least: the end of the local day that lies so many days ahead."""
    day = local_date(at, program.time_zone) + timedelta(days=program.refunds.restore_min_days)
    return day_end(day, program.time_zone)


def _restored_end(
    state: MemberState, source: str, program: Program, at: datetime, least: datetime
) -> datetime | None:
    if source not in state.wallet.lots:
        return program.expiry.lot_end(at, program.time_zone)
    known = state.wallet.lots[source].expires_at
    return max(known, least) if known is not None else None


def _open_lot(
    state: MemberState, cause: str, points: int, ends_at: datetime | None, at: datetime, order_key: str | None
) -> None:
    lot = Lot(cause, state.wallet.next_sequence, at, at, ends_at, points, points, order_key=order_key)
    state.wallet.open_lot(lot, at)


def _hold(state: MemberState, redemption: Redemption, at: datetime) -> None:
    charge = redemption.charge
    charge.sources = state.wallet.spend(charge.points, at, redemption.cause)
    charge.short = charge.points - sum(points for _, points in charge.sources)
    state.wallet.held += charge.found
    redemption.state = RedemptionState.HELD


def _capture(state: MemberState, redemption: Redemption, program: Program, at: datetime) -> None:
    charge = redemption.charge
    state.wallet.held -= charge.found
    redemption.state = RedemptionState.CAPTURED
    _owe(state, redemption, charge, redemption.cause, program, at)
    _note_spent(state, redemption, charge, redemption.cause, None, program, at)
    if redemption.kind == STORE_CREDIT:
        crediting.buy(state, redemption, at)


def _charge_again(
    state: MemberState, redemption: Redemption, order_key: str, program: Program, at: datetime
) -> Charge:
    """Take the points once more, for a use that none had been kept for."""
    cause, charge = f"{redemption.cause}:use:{order_key}", Charge(redemption.charge.points)
    charge.sources = state.wallet.spend(charge.points, at, cause)
    charge.short = charge.points - sum(points for _, points in charge.sources)
    _owe(state, redemption, charge, cause, program, at)
    _note_spent(state, redemption, charge, cause, order_key, program, at)
    return charge


def _owe(
    state: MemberState, redemption: Redemption, charge: Charge, cause: str, program: Program, at: datetime
) -> None:
    """What no lot covers becomes debt, or is forgiven where balances do not fall below 0."""
    if program.refunds.negative_balance is NegativeBalance.ALLOW:
        state.wallet.debt += charge.short
    elif charge.short:
        charge.forgiven = charge.short
        kind, reason = EntryKind.FORGIVENESS, "redemption_forgiven"
        _note(state, redemption, f"{cause}:forgiven", kind, charge.short, at, reason)


def _note_spent(
    state: MemberState,
    redemption: Redemption,
    charge: Charge,
    cause: str,
    order_key: str | None,
    program: Program,
    at: datetime,
) -> None:
    if charge.points:
        kind = EntryKind.REDEMPTION
        _note(state, redemption, cause, kind, -charge.points, at, "redeemed", order_key)
        note_activity(state, program, at)


def _release(state: MemberState, redemption: Redemption, at: datetime) -> None:
    state.wallet.held -= redemption.charge.found
    _refill(state, redemption, at)
    _close(state, redemption, RedemptionState.RELEASED, at)


def _give_back(
    state: MemberState,
    redemption: Redemption,
    ending: RedemptionState,
    reason: str,
    program: Program,
    at: datetime,
) -> None:
    """Return spent points to their lots with their own dates; what was owed lowers debt first (RULES §9 (21))."""
    charge, cause = redemption.charge, f"{redemption.cause}:{ending}"
    if charge.taken:
        _note(state, redemption, cause, EntryKind.RESTORATION, charge.taken, at, reason)
    owed = charge.short - charge.forgiven
    if owed:
        _open_lot(state, cause, owed, program.expiry.lot_end(at, program.time_zone), at, None)
    _refill(state, redemption, at)
    if redemption.kind == STORE_CREDIT:
        crediting.take_back(state, redemption, cause, program, at)
    _close(state, redemption, ending, at)


def _refill(state: MemberState, redemption: Redemption, at: datetime) -> None:
    """Put points back into their lots, last used first; in a dead lot they die at once, but pay debt before."""
    wallet = state.wallet
    for cause, points in reversed(redemption.charge.sources):
        lot = wallet.lots.get(cause)
        if lot is None:
            continue  # whoever looks at tiers only has read no lots
        wallet.give_back(lot, points, redemption.cause)
        wallet.pay_debt(lot, at)
        if lot.is_dead(at) and lot.remaining:
            expire(state, lot, at)


def _close(state: MemberState, redemption: Redemption, ending: RedemptionState, at: datetime) -> None:
    redemption.state, redemption.ended_at = ending, at
    _follow(state, redemption)


def _follow(state: MemberState, redemption: Redemption) -> None:
    """Let the code be what its redemption has become."""
    grant = state.grants.get(redemption.cause)
    if grant is not None:
        grant.used, grant.withdrawn = bool(redemption.uses), redemption.is_over


def _note(
    state: MemberState,
    redemption: Redemption,
    cause: str,
    kind: EntryKind,
    points: int,
    at: datetime,
    reason: str,
    order_key: str | None = None,
) -> None:
    explanation = {"reward": redemption.reward_key, "redemption": redemption.number}
    movement = Movement(cause, kind, points, at, reason, order_key, redemption.version, explanation)
    state.movements.append(movement)

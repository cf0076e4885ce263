"""What redeeming does to a member: points are held, spent, and given back;
law: what is spent is what was held, a use that was seen is paid, and no refund gives back more than was taken
(RULES §4, §7).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

from loyalty.clock import day_end, local_date
from loyalty.engine import charging, crediting
from loyalty.engine.commands import Ending, EndRedemption, RedeemReward
from loyalty.engine.expiring import redate_refilled
from loyalty.engine.state import Grant, MemberState
from loyalty.ledger.entries import EntryKind
from loyalty.programs.catalogue import CODE_KINDS, STORE_CREDIT
from loyalty.programs.program import Program
from loyalty.rewards.coupon import valid_until
from loyalty.rewards.redemption import OPEN, Charge, Redemption, RedemptionState, Source


def redeem(state: MemberState, command: RedeemReward, program: Program) -> None:
    """Hold points for a reward; what needs no code of a shop and waits for no use is spent at once."""
    at, reward = command.accepted_at, program.reward(command.reward)
    is_credit = command.kind == STORE_CREDIT
    redemption = Redemption(
        number=command.number,
        reward_key=command.reward,
        kind=command.kind,
        version=program.version,
        at=at,
        charge=Charge(command.points, short=command.points),
        amount=command.amount or (crediting.credit_worth(reward, program) if reward and is_credit else ""),
        hold_until=command.hold_until,
        ends_at=valid_until(reward, program, at) if reward and not reward.event else None,
        forfeits=reward is not None and reward.forfeits,
    )
    state.redemptions[command.number] = redemption
    charging.find(state, redemption.charge, redemption.cause, at)
    state.wallet.held += redemption.charge.found
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
    """Capture, release, cancel or keep a redemption; one that has ended otherwise stays as it is."""
    redemption, at = state.redemptions.get(command.redemption), command.accepted_at
    if redemption is None or redemption.uses:
        return
    if command.ending is Ending.FULFILLED:
        redemption.ends_at = None if redemption.state is RedemptionState.CAPTURED else redemption.ends_at
        return
    held = redemption.state is RedemptionState.HELD
    if command.ending is Ending.CAPTURED and held:
        _capture(state, redemption, program, at)
    elif command.ending is not Ending.CAPTURED and held:
        _release(state, redemption, at)
    elif command.ending is Ending.CANCELLED and redemption.state is RedemptionState.CAPTURED:
        _give_back(state, redemption, RedemptionState.CANCELLED, "redemption_cancelled", program, at)
    redate_refilled(state, program, at)


def after_its_beginning(command: EndRedemption, begun: datetime) -> EndRedemption:
    """Return a command that ends a redemption, or a code of credit, not before this began: two workers took their
    times, and their clocks may differ, or one of them waited for a lock since.
    """
    return replace(command, accepted_at=max(command.accepted_at, begun))


def fall_due(state: MemberState, redemption: Redemption, program: Program, at: datetime) -> None:
    """A hold, or the time of an unused code, ends by itself."""
    if redemption.state is RedemptionState.HELD:
        _release(state, redemption, at)
    elif redemption.forfeits:  # what is forfeited still pays for a use that is seen later
        _close(state, redemption, RedemptionState.EXPIRED, at)
    else:
        _give_back(state, redemption, RedemptionState.EXPIRED, "redemption_returned", program, at)
    redate_refilled(state, program, at)


def use(state: MemberState, number: int, order_key: str, program: Program, at: datetime) -> None:
    """An order used the code: a hold is spent, what had come back is taken again, each further use is paid again. A
    gift card is paid once, whatever orders it pays.
    """
    redemption = state.redemptions.get(number)
    if redemption is None:
        return
    if redemption.state is RedemptionState.HELD:
        _capture(state, redemption, program, at)
    elif redemption.state not in OPEN:
        redemption.ended_unused = redemption.state, redemption.ended_at
    if not redemption.unused:
        _charge_again(state, redemption, order_key, program, at)
    redemption.uses[order_key] = Charge(0) if redemption.is_card else redemption.unused.pop(0)
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
    for place, (source, given) in enumerate(charge.give_back(points)):
        lot_end = _restored_end(source, program, at)
        charging.open_lot(state, f"{cause}:{place}", given, lot_end, at, order_key)
    kind, reason = EntryKind.RESTORATION, "redemption_restored"
    charging.note(state, redemption, cause, kind, points, at, reason, order_key)
    redate_refilled(state, program, at)
    _follow(state, redemption)


def free(state: MemberState, number: int, order_key: str, program: Program, at: datetime) -> None:
    """An order died without giving its points back: these pay for the next use, as the shop opens the code again.
    Where that cannot be, because another use stands or the code is out of use, they return.
    """
    redemption = state.redemptions.get(number)
    charge = redemption.uses.get(order_key) if redemption else None
    if redemption is None or charge is None or charge.restored:
        return
    del redemption.uses[order_key]
    if redemption.is_card:
        _free_card(state, redemption, order_key, program, at)
        return
    if redemption.may_serve_again:
        redemption.unused.append(charge)
    else:
        cause, reason = f"{redemption.cause}:freed:{order_key}", "redemption_restored"
        charging.give_back(state, redemption, [charge], cause, reason, program, at, order_key)
    if not redemption.uses:
        _end_unused(state, redemption, program, at)
    redate_refilled(state, program, at)
    _follow(state, redemption)


def _free_card(
    state: MemberState, redemption: Redemption, order_key: str, program: Program, at: datetime
) -> None:
    """The shop gave the money back to the card, which stays paid, unless it had been taken back before it was used."""
    if not redemption.uses and redemption.ended_unused is not None:
        charges, redemption.unused = redemption.unused, []
        cause = f"{redemption.cause}:freed:{order_key}"
        charging.give_back(state, redemption, charges, cause, "redemption_restored", program, at, order_key)
        redemption.state, redemption.ended_at = redemption.ended_unused
        redate_refilled(state, program, at)
    _follow(state, redemption)


def _end_unused(state: MemberState, redemption: Redemption, program: Program, at: datetime) -> None:
    """Nothing uses a code any more: it is again what it had become before, or its time is over since."""
    if redemption.ended_unused is not None:
        redemption.state, redemption.ended_at = redemption.ended_unused
    elif redemption.ends_at is not None and redemption.ends_at <= at:
        fall_due(state, redemption, program, at)


def _restored_end(source: Source | None, program: Program, at: datetime) -> datetime | None:
    """Return when restored points die: as in their lot, but not before the end of the local day that lies so many days
    ahead; what had been owed as points by hand (RULES §4, §9 (17)).
    """
    if source is None:
        return program.expiry.lot_end(at, program.time_zone)
    if source.ends_at is None:
        return None
    least = local_date(at, program.time_zone) + timedelta(days=program.refunds.restore_min_days)
    return max(source.ends_at, day_end(least, program.time_zone))


def _capture(state: MemberState, redemption: Redemption, program: Program, at: datetime) -> None:
    charge = redemption.charge
    state.wallet.held -= charge.found
    redemption.state, redemption.unused = RedemptionState.CAPTURED, [charge]
    charging.pay(state, redemption, charge, redemption.cause, None, program, at)
    if redemption.kind == STORE_CREDIT:
        crediting.buy(state, redemption, at)


def _charge_again(
    state: MemberState, redemption: Redemption, order_key: str, program: Program, at: datetime
) -> None:
    """Take the points once more, for a use that none had been kept for."""
    points = redemption.charge.points
    charge = Charge(points, short=points)
    redemption.unused.append(charge)
    charging.pay(state, redemption, charge, f"{redemption.cause}:use:{order_key}", order_key, program, at)


def _release(state: MemberState, redemption: Redemption, at: datetime) -> None:
    state.wallet.held -= redemption.charge.found
    charging.refill(state, redemption, redemption.charge, at)
    _close(state, redemption, RedemptionState.RELEASED, at)


def _give_back(
    state: MemberState,
    redemption: Redemption,
    ending: RedemptionState,
    reason: str,
    program: Program,
    at: datetime,
) -> None:
    charges, redemption.unused = redemption.unused, []
    cause = f"{redemption.cause}:{ending}"
    charging.give_back(state, redemption, charges, cause, reason, program, at)
    if redemption.kind == STORE_CREDIT:
        crediting.take_back(state, redemption, cause, program, at)
    _close(state, redemption, ending, at)


def _close(state: MemberState, redemption: Redemption, ending: RedemptionState, at: datetime) -> None:
    redemption.state, redemption.ended_at = ending, at
    _follow(state, redemption)


def _follow(state: MemberState, redemption: Redemption) -> None:
    """Let the code be what its redemption has become."""
    grant = state.grants.get(redemption.cause)
    if grant is not None:
        grant.used, grant.withdrawn = bool(redemption.uses), redemption.is_over

"""What actions give a member, and take back; law: points as lots of their own cause, and only what is unused goes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loyalty.engine import tiering
from loyalty.engine.expiring import bonus_end
from loyalty.engine.orders import matures_at
from loyalty.engine.state import Bonus, Grant, MemberState, Telling
from loyalty.engine.timeline import parse_order_key
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.automations import (
    Action,
    CallWebhook,
    ChangeTags,
    GiveCoupon,
    GivePoints,
    HoldTier,
    SendMessage,
    Trigger,
)
from loyalty.programs.program import Program
from loyalty.programs.terms import RoundUp
from loyalty.tiers.holding import Term
from loyalty.tiers.qualification import Metrics, reaches

BY = "automation"
_JUDGED = frozenset({Trigger.ORDER_PAID, Trigger.ORDER_COUNT, Trigger.STREAK})


def give(state: MemberState, program: Program, bonus: Bonus) -> None:
    """Carry out the actions of a bonus, in their order."""
    state.bonuses[bonus.cause] = bonus
    for number, action in enumerate(bonus.actions):
        _act(state, program, bonus, number, action)


def _act(state: MemberState, program: Program, bonus: Bonus, number: int, action: Action) -> None:
    cause = bonus.cause_of(number)
    if isinstance(action, GivePoints):
        _give_points(state, program, bonus, cause, action)
    elif isinstance(action, GiveCoupon):
        _give_coupon(state, program, bonus, grant_cause(state.key, bonus, number), action)
    elif isinstance(action, HoldTier):
        _hold_tier(state, program, bonus, cause, action)
    elif isinstance(action, ChangeTags):
        state.tags = (state.tags | action.add) - action.remove
    else:
        _tell(state, program, bonus, cause, action)


def _give_points(state: MemberState, program: Program, bonus: Bonus, cause: str, action: GivePoints) -> None:
    """Points that an order caused are usable when the order's own are, others at once."""
    at, order_key = bonus.happening.at, bonus.happening.order_key
    start = matures_at(program, at) if order_key else at
    end = bonus_end(state, program, at)
    lot = Lot(cause, state.wallet.next_sequence, at, start, end, action.points, action.points)
    state.wallet.open_lot(lot, at)
    _note(state, bonus, cause, EntryKind.ACCRUAL, action.points, at, program)
    if action.counts_toward_tier:
        state.tally.add(at, Metrics(points=action.points))
        tiering.upgrade(state, program, at, order_key)


def _note(
    state: MemberState, bonus: Bonus, cause: str, kind: EntryKind, points: int, at: datetime, program: Program
) -> None:
    automation = program.automation(bonus.key)
    explanation = {
        "source": bonus.cause.partition(":")[0],
        "key": bonus.key,
        "occasion": bonus.occasion,
        "name": automation.name if automation else {},
    }
    reason = "bonus" if points > 0 else "bonus_withdrawn"
    movement = Movement(
        cause, kind, points, at, reason, bonus.happening.order_key or None, bonus.version, explanation
    )
    state.movements.append(movement)


def grant_cause(member_key: str, bonus: Bonus, number: int) -> str:
    """Return the cause of a coupon: a code is unique in the account, so the first owner's key is in it."""
    source, _, rest = bonus.cause.partition(":")
    return f"{source}:{bonus.owner or member_key}:{rest}:{number}"


def _give_coupon(state: MemberState, program: Program, bonus: Bonus, cause: str, action: GiveCoupon) -> None:
    reward = program.reward(action.reward)
    if reward is None or not reward.is_given:
        return
    order_key = bonus.happening.order_key
    state.grants[cause] = Grant(
        cause=cause,
        reward_key=reward.key,
        version=program.version,
        granted_at=bonus.happening.at,
        tier_key="",
        store=parse_order_key(order_key).store if order_key else 0,
        used=cause in state.used_causes,
        judged=False,
    )


def _hold_tier(state: MemberState, program: Program, bonus: Bonus, cause: str, action: HoldTier) -> None:
    at, tz = bonus.happening.at, program.time_zone
    until = RoundUp.DAY.end_of(action.length.after(at, tz), tz) if action.length else None
    tiering.put_term(state, program, Term(cause, BY, action.tier, at, until), at)


def _tell(
    state: MemberState, program: Program, bonus: Bonus, cause: str, action: SendMessage | CallWebhook
) -> None:
    """Ask for a message or a call; of an order that ended unseen nobody is told."""
    file = state.orders.get(bonus.happening.order_key)
    if file is not None and file.dead:
        return
    kind, target = ("message", action.message) if isinstance(action, SendMessage) else ("webhook", action.url)
    at, data = bonus.happening.at, _data(state, bonus)
    state.told.append(Telling(f"{cause}", kind, target, at, program.version, data))


def _data(state: MemberState, bonus: Bonus) -> Mapping[str, Any]:
    """Return what a message or another system is told: why, and what was given."""
    happening = bonus.happening
    causes = [grant_cause(state.key, bonus, number) for number, _ in enumerate(bonus.actions)]
    points = sum(action.points for action in bonus.actions if isinstance(action, GivePoints))
    return {
        "automation": bonus.key,
        "occasion": bonus.occasion,
        "trigger": str(happening.trigger),
        "subject": happening.subject,
        "order": parse_order_key(happening.order_key).external_id if happening.order_key else None,
        "points": points,
        "coupons": [cause for cause in causes if cause in state.grants],
        "tier": state.tier_key,
        **happening.data,
    }


def may_be_withdrawn(bonus: Bonus) -> bool:
    """Return whether refunds may undo the cause: orders, and tiers that figures reached."""
    happening = bonus.happening
    return happening.trigger in _JUDGED or (happening.trigger is Trigger.TIER_CHANGED and happening.judged)


def reaches_tier(state: MemberState, program: Program, tier_key: str, at: datetime) -> bool:
    """Return whether the figures at an instant, net of all refunds so far, reach a tier's conditions."""
    return reaches(program.tier(tier_key).enter, tiering.metrics_at(state, program, at))


def withdraw(state: MemberState, program: Program, bonus: Bonus, at: datetime) -> bool:
    """Take back what is unused of a bonus at an instant; return whether nothing of it had been used."""
    bonus.withdrawn, unused = True, True
    for number, action in enumerate(bonus.actions):
        cause = bonus.cause_of(number)
        if isinstance(action, GivePoints):
            unused &= _take_points(state, program, bonus, cause, action, at)
        elif isinstance(action, GiveCoupon):
            grant = state.grants.get(grant_cause(state.key, bonus, number))
            if grant is not None:
                grant.withdrawn = not grant.used
                unused &= not grant.used
        elif isinstance(action, HoldTier):
            tiering.end_term(state, program, f"{bonus.cause}:{number}", at)
        elif isinstance(action, ChangeTags):
            state.tags -= action.add
    return unused


def _take_points(
    state: MemberState, program: Program, bonus: Bonus, cause: str, action: GivePoints, at: datetime
) -> bool:
    """Take the rest of a bonus's own lot; what was spent of it stays spent."""
    lot = state.wallet.lots.get(cause)
    taken = state.wallet.take(lot, lot.remaining, f"{cause}:withdrawn") if lot else 0
    if taken:
        _note(state, bonus, f"{cause}:withdrawn", EntryKind.REVERSAL, -taken, at, program)
    if action.counts_toward_tier:
        state.tally.add(bonus.happening.at, Metrics(points=-action.points))
    return taken == action.points

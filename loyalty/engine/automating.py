"""What automations make of what happens to a member; law: each once for its occasion, whoever looks and whenever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from loyalty.clock import add_months, day_start, local_date
from loyalty.engine import giving
from loyalty.engine.segmenting import meets
from loyalty.engine.state import Bonus, Happening, MemberState, OrderFile
from loyalty.programs.automations import Automation, OncePer, Trigger
from loyalty.programs.program import Program, Versions
from loyalty.tiers.holding import MOMENT

_COUNTED = frozenset({Trigger.ORDER_COUNT, Trigger.STREAK})
"""Their causes rise from one to the next: a number of orders, a month."""


def note_order(state: MemberState, file: OrderFile, program: Program, at: datetime) -> None:
    """Let automations follow an awarded order that counts."""
    state.region = (file.snapshot.buyer.region if file.snapshot else "") or state.region
    state.last_order_at = at
    if not program.automations or not file.counts:
        return
    causes = {
        Trigger.ORDER_PAID: file.ref.key,
        Trigger.ORDER_COUNT: f"{state.tally.total.orders}",
        Trigger.STREAK: local_date(at, program.time_zone).isoformat()[:7],
    }
    state.happenings += [Happening(trigger, at, cause, file.ref.key) for trigger, cause in causes.items()]


def follow_happenings(state: MemberState, versions: Versions) -> None:
    """Let the automations in force do what they say, also of what their own actions cause."""
    while state.happenings:
        happening = state.happenings.pop(0)
        program = versions.at(happening.at)
        for automation in program.automations if program else ():
            assert program is not None
            if automation.trigger is happening.trigger and _fits(state, program, automation, happening):
                _run(state, program, automation, happening)


def _run(state: MemberState, program: Program, automation: Automation, happening: Happening) -> None:
    key, at = automation.key, happening.at
    occasion = automation.once_per.occasion(happening.cause, at, program.time_zone)
    if not _is_new(state, automation, occasion):
        return
    if not all(meets(state, program, condition, at) for condition in automation.conditions):
        return
    if automation.once_per is not OncePer.CAUSE or automation.trigger in _COUNTED:
        state.ran[key] = occasion
    cause = f"automation:{key}:{occasion}"
    times = state.lost.get(cause, 0)
    bonus = Bonus(
        cause=f"{cause}~{times + 1}" if times else cause,
        actions=automation.actions,
        happening=happening,
        version=program.version,
        key=key,
        occasion=occasion,
    )
    giving.give(state, program, bonus)


def _is_new(state: MemberState, automation: Automation, occasion: str) -> bool:
    last = state.ran.get(automation.key)
    if last is None:
        return True
    if automation.once_per is OncePer.CAUSE and automation.trigger in _COUNTED:
        return (len(last), last) < (len(occasion), occasion)
    return last != occasion


def _fits(state: MemberState, program: Program, automation: Automation, happening: Happening) -> bool:
    """Return whether what happened is what the trigger asks for."""
    when, trigger = automation.when, automation.trigger
    if trigger is Trigger.ORDER_PAID:
        file = state.orders[happening.order_key]
        return when.minimum_order is None or file.net_base >= when.minimum_order
    if trigger is Trigger.ORDER_COUNT:
        number = int(happening.cause)
        return number == when.count if when.count else bool(when.every) and number % (when.every or 1) == 0
    if trigger is Trigger.STREAK:
        return _completes_streak(state, program, when.months or 0, happening.at)
    if trigger is Trigger.TIER_CHANGED:
        direction = "up" if happening.rises else "down"
        return when.direction in ("any", direction) and (not when.tiers or happening.subject in when.tiers)
    if trigger is Trigger.ACTIVITY_RECORDED:
        return not when.activities or happening.subject in when.activities
    return trigger is not Trigger.REFERRAL_COMPLETED or when.side == happening.subject


def _completes_streak(state: MemberState, program: Program, months: int, at: datetime) -> bool:
    """Return whether exactly so many months in a row, this one the last, have orders that count."""
    counts = list(_orders_by_month(state, program, months + 1, at))
    return all(counts[:months]) and not counts[months]


def _orders_by_month(state: MemberState, program: Program, months: int, at: datetime) -> Iterator[int]:
    """Yield the orders of this month, the one before it and so on."""
    first = local_date(at, program.time_zone).replace(day=1)
    for back in range(months):
        start = day_start(add_months(first, -back), program.time_zone)
        end = day_start(add_months(first, 1 - back), program.time_zone)
        yield state.tally.sum(start, end - MOMENT).orders


def withdraw_unreached(state: MemberState, program: Program, versions: Versions, at: datetime) -> None:
    """Withdraw what the figures net of all refunds so far no longer reach; unused, it may be earned once more."""
    for bonus in list(state.bonuses.values()):
        given_by = versions.numbered(bonus.version)
        if bonus.withdrawn or given_by is None or _is_reached(state, given_by, bonus):
            continue
        base = bonus.cause.partition("~")[0]
        state.lost[base] = state.lost.get(base, 0) + 1
        if giving.withdraw(state, program, bonus, at) and state.ran.get(bonus.key) == bonus.occasion:
            del state.ran[bonus.key]


def _is_reached(state: MemberState, program: Program, bonus: Bonus) -> bool:
    happening = bonus.happening
    automation = program.automation(bonus.key)
    if automation is None or not giving.may_be_withdrawn(bonus):
        return True
    if happening.trigger is Trigger.ORDER_COUNT:
        return state.tally.sum(None, happening.at).orders >= int(happening.cause)
    if happening.trigger is Trigger.STREAK:
        return all(_orders_by_month(state, program, automation.when.months or 0, happening.at))
    if happening.trigger is Trigger.TIER_CHANGED:
        return giving.reaches_tier(state, program, happening.subject, happening.at)
    file = state.orders.get(happening.order_key)
    minimum = automation.when.minimum_order or 0
    return file is not None and bool(file.counts) and file.net_base >= minimum

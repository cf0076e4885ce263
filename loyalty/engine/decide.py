"""The fold: a member's events in order become movements, lots, tiers and coupons;
law: reads no clock, database or network.

`decide` holds all loyalty rules (DESIGN §1). The same function serves live work, late arrivals, rebuild
and verification:
it either continues from the head of a timeline, or starts from a blank member with all his events.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from loyalty.engine import orders, tiering
from loyalty.engine.state import MemberState, Period
from loyalty.engine.timeline import (
    AdjustPoints,
    Event,
    EventKey,
    EventType,
    Rank,
    command_event,
    order_events,
)
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.program import Program, Versions
from loyalty.programs.terms import NegativeBalance
from loyalty.tiers.qualification import Metrics

_LAST = "￿"


def all_events(state: MemberState, versions: Versions) -> list[Event]:
    """Return every event of a member's orders and commands in their places."""
    events = [command_event(command) for command in state.commands]
    for file in state.orders.values():
        if file.snapshot is not None:
            events += order_events(file.ref, file.snapshot, file.deleted_at, versions)
    return sorted(events, key=lambda event: event.key)


def decide(state: MemberState, events: Iterable[Event], versions: Versions, until: datetime) -> MemberState:
    """Apply events that lie after the state's head, in order, then everything due up to `until`; return the state."""
    for event in events:
        program = versions.at(event.key.at)
        if program is None:
            continue
        settle(state, event.key.at)
        _apply(state, event, program, versions)
        state.head = event.key
    settle(state, until)
    return state


def refold(state: MemberState, versions: Versions, until: datetime) -> MemberState:
    """Fold a member from nothing: all his orders and commands (RULES §2)."""
    fresh = state.blank()
    return decide(fresh, all_events(fresh, versions), versions, until)


def settle(state: MemberState, until: datetime) -> None:
    """Let lots mature into debt and expire, each at its own instant, up to `until`."""
    due = state.wallet.next_due(until)
    while due is not None:
        at, expires, lot = due
        if expires:
            _expire(state, lot, at)
        else:
            state.wallet.pay_debt(lot, at)
        place = EventKey(at, Rank.EXPIRY if expires else Rank.MATURITY, 0, 0, _LAST)
        state.head = max(state.head, place) if state.head else place
        due = state.wallet.next_due(until)


def _expire(state: MemberState, lot: Lot, at: datetime) -> None:
    points = state.wallet.take(lot, lot.remaining, "expiry")
    lot.expired += points
    expired = sum(old.points for old in state.movements if old.cause == f"expiry:{lot.cause}")
    state.movements = [old for old in state.movements if old.cause != f"expiry:{lot.cause}"]
    state.movements.append(
        Movement(f"expiry:{lot.cause}", EntryKind.EXPIRY, expired - points, at, "expired", lot.order_key)
    )


def _apply(state: MemberState, event: Event, program: Program, versions: Versions) -> None:
    if event.type is EventType.ADJUST:
        _adjust(state, event, program)
        return
    file = state.orders[event.order_key]
    if event.type is EventType.AWARD:
        if not _may_be_awarded(state, program):
            return
        _join(state, event, program)
        orders.award_order(state, file, event, versions)
        tiering.upgrade(state, event, program)
        return
    if file.award_at is None:
        return
    orders.refund_order(state, file, event, program, versions)
    tiering.withdraw_unreached(state, event, program, versions)


def _may_be_awarded(state: MemberState, program: Program) -> bool:
    """Return whether the version lets this person earn; refunds of what he earned before count all the same (U2)."""
    if program.enrolment.mode == "explicit" and state.joined_at is None:
        return False
    return state.may_earn(program.enrolment)


def _join(state: MemberState, event: Event, program: Program) -> None:
    if state.joined_at is not None:
        return
    state.joined_at = event.key.at
    state.periods.append(Period(program.tiers[0].key, 1, event.key.at, "joined"))


def _adjust(state: MemberState, event: Event, program: Program) -> None:
    command = event.command
    assert command is not None
    _join(state, event, program)
    cause = f"adjustment:{command.number}"
    points = command.points
    if points > 0:
        state.wallet.open_lot(_manual_lot(state, cause, points, event.key.at, program), event.key.at)
    else:
        points = -_spend(state, -points, event.key.at, cause, program)
    if points:
        _note_adjustment(state, event, command, points, program)
    if command.counts_toward_tier:
        state.tally.add(event.key.at, Metrics(points=points))
        tiering.upgrade(state, event, program)


def _note_adjustment(
    state: MemberState, event: Event, command: AdjustPoints, points: int, program: Program
) -> None:
    explanation = {"text": command.reason, "actor": command.actor, "asked": command.points}
    cause, at = f"adjustment:{command.number}", event.key.at
    movement = Movement(
        cause, EntryKind.ADJUSTMENT, points, at, "adjusted", version=program.version, explanation=explanation
    )
    state.movements.append(movement)


def _manual_lot(state: MemberState, cause: str, points: int, at: datetime, program: Program) -> Lot:
    end = program.expiry.lot_end(at, program.time_zone)
    return Lot(cause, state.wallet.next_sequence, at, at, end, points, points)


def _spend(state: MemberState, points: int, at: datetime, cause: str, program: Program) -> int:
    """Take points by spending order, pending last; the rest becomes debt, or is cut off (RULES §9 (20))."""
    found = state.wallet.take_from_others(points, at, cause)
    if program.refunds.negative_balance is NegativeBalance.FLOOR:
        return found
    state.wallet.debt += points - found
    return points

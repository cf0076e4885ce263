"""The fold: a member's events in order become movements, lots, tiers and coupons;
law: reads no clock, database or network.

`decide` holds all loyalty rules (DESIGN §1). The same function serves live work, late arrivals, rebuild
and verification:
it either continues from the head of a timeline, or starts from a blank member with all his events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from loyalty.engine import automating, memberships, orders, redeeming, spending, tiering
from loyalty.engine.commands import ImportMember, MergeMember, RedeemReward, SpendCredit, UndoImport
from loyalty.engine.due import settle
from loyalty.engine.expiring import note_award, redate_refilled
from loyalty.engine.obeying import obey
from loyalty.engine.state import MemberState
from loyalty.engine.timeline import Event, EventType, command_event, order_events, use_events
from loyalty.engine.uniting import unite
from loyalty.programs.program import Program, Versions


def all_events(state: MemberState, versions: Versions) -> list[Event]:
    """Return every event of a member's orders and commands in their places, and of everybody merged into him those
    after the merge.
    """
    return sorted(_events(state, state.parts, versions), key=lambda event: event.key)


def _events(state: MemberState, parts: Mapping[str, MemberState], versions: Versions) -> list[Event]:
    merges = state.merges()
    is_over = {command.number for command in state.commands if isinstance(command, MergeMember)}
    is_over -= {merge.number for merge in merges}
    is_over |= _undone_imports(state)
    events = [command_event(command) for command in state.commands if command.number not in is_over]
    for file in state.orders.values():
        if file.snapshot is not None:
            events += order_events(file.ref, file.snapshot, file.deleted_at, versions)
    for command in state.commands:
        if isinstance(command, RedeemReward | SpendCredit):
            for file in state.code_users.get(command.number, ()):
                events += use_events(
                    command.number, command.accepted_at, file.ref, file.snapshot, file.deleted_at
                )
    for merge in merges:
        key = command_event(merge).key
        others = _events(parts[merge.other], parts, versions)
        events += [event for event in others if event.key > key]
    return events


def _undone_imports(state: MemberState) -> set[int]:
    """Return the numbers of imports that were undone, and of what undid them: neither ever happened."""
    imports = {command.number for command in state.commands if isinstance(command, ImportMember)}
    undoing = [command for command in state.commands if isinstance(command, UndoImport)]
    return {command.number for command in undoing} | imports & {command.imported for command in undoing}


def decide(state: MemberState, events: Iterable[Event], versions: Versions, until: datetime) -> MemberState:
    """Apply events that lie after the state's head, in order, then everything due up to `until`; return the state."""
    for event in events:
        program = versions.at(event.key.at)
        if program is None and not isinstance(event.command, MergeMember):
            continue
        settle(state, event.key.at, versions)
        _apply(state, event, program, versions)
        automating.follow_happenings(state, versions)
        state.head = event.key
    settle(state, until, versions)
    state.credit.mature(until)
    return state


def refold(state: MemberState, versions: Versions, until: datetime) -> MemberState:
    """Fold a member from nothing: all his orders and commands, with the allocations that they have (RULES §2)."""
    fresh = state.blank()
    decide(fresh, all_events(fresh, versions), versions, until)
    fresh.allotments.release(fresh.orders)
    return fresh


def _apply(state: MemberState, event: Event, program: Program | None, versions: Versions) -> None:
    if isinstance(event.command, MergeMember):
        _merge(state, event.command, program, versions)
        return
    assert program is not None
    if event.command is not None:
        obey(state, event.command, program)
    elif event.type in (EventType.USE, EventType.RESTORE, EventType.FREE):
        _use_code(state, event, program)
    elif event.type is EventType.AWARD:
        _award(state, event, program, versions)
    elif state.orders[event.order_key].award_at is not None:
        _take_back(state, event, program, versions)


def _use_code(state: MemberState, event: Event, program: Program) -> None:
    """An order uses the code of a redemption, or one of store credit, gives back from it, or dies with it."""
    number, order_key, at = event.redemption, event.order_key, event.key.at
    is_credit = number in state.credit.codes
    ref = f"refund:{event.refund.id}" if event.refund else "end"
    if event.type is EventType.USE:
        use = spending.use if is_credit else redeeming.use
        use(state, number, order_key, program, at)
    elif event.type is EventType.RESTORE:
        restore = spending.restore if is_credit else redeeming.restore
        restore(state, number, order_key, event.share, ref, program, at)
    elif not is_credit:  # what a dead order took of credit has come back whole
        redeeming.free(state, number, order_key, program, at)


def _merge(state: MemberState, merge: MergeMember, program: Program | None, versions: Versions) -> None:
    """Fold the other one up to the merge, by himself, and take over what he has then."""
    key = command_event(merge).key
    other = state.parts[merge.other].blank()
    other.parts, other.allotments, other.used_causes = state.parts, state.allotments, state.used_causes
    before = [event for event in all_events(other, versions) if event.key < key]
    decide(other, before, versions, merge.accepted_at)
    unite(state, other, program, merge.accepted_at)


def _award(state: MemberState, event: Event, program: Program, versions: Versions) -> None:
    if not state.may_be_awarded(program.enrolment):
        return
    file, at = state.orders[event.order_key], event.key.at
    grants, periods = set(state.grants), len(state.periods)
    tiering.join(state, program, at)
    orders.award_order(state, file, event, versions)
    note_award(state, file, program, versions, at)
    tiering.upgrade(state, program, at, event.order_key)
    memberships.begin(state, file, program, at)
    automating.note_order(state, file, program, at)
    if orders.belongs_to_past(file, versions):
        _forgo(state, grants, periods)


def _forgo(state: MemberState, grants: set[str], periods: int) -> None:
    """Forget what an order of the past would cause beside its figures: rewards of entering a tier, automations."""
    state.happenings.clear()
    for cause in state.grants.keys() - grants:
        del state.grants[cause]
    state.periods[periods:] = [period._replace(rewarded=False) for period in state.periods[periods:]]


def _take_back(state: MemberState, event: Event, program: Program, versions: Versions) -> None:
    file, at = state.orders[event.order_key], event.key.at
    orders.refund_order(state, file, event, program, versions)
    redate_refilled(state, program, at)
    tiering.withdraw_unreached(state, program, versions)
    automating.withdraw_unreached(state, program, versions, at)
    tiering.reconsider(state, program, at)
    memberships.end_refunded(state, file, program, versions, at)

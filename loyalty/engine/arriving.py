"""A member who comes from another system with what he has there; law: moving in gives nothing and takes nothing: no
welcome, no entry reward, and the tier holds until its own end.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from loyalty.credit.entries import CreditKind, CreditMovement
from loyalty.credit.purse import Pending
from loyalty.engine import tiering
from loyalty.engine.commands import ImportMember
from loyalty.engine.expiring import redate_refilled
from loyalty.engine.opening import OpeningTier
from loyalty.engine.state import MemberState
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.program import Program
from loyalty.tiers.holding import Holding, Judgement, hold, period_end
from loyalty.tiers.qualification import Metrics, earned_tier
from loyalty.values import exact


def arrive(state: MemberState, command: ImportMember, program: Program) -> None:
    """Give a member what he brings along, at the accepted time, by the rules in force then."""
    _join(state, command, program)
    _count(state, command)
    _open_lots(state, command, program)
    _open_credit(state, command, program)
    _hold_tier(state, command, program)
    state.tags |= set(command.opening.tags)


def _join(state: MemberState, command: ImportMember, program: Program) -> None:
    is_new = state.joined_at is None
    tiering.join(state, program, command.accepted_at)
    if is_new:
        state.happenings.clear()  # he joined elsewhere: nobody welcomes him
    known, told = state.joined_at, command.opening.joined_at
    if known is not None and told is not None:
        state.joined_at = min(known, told)


def _count(state: MemberState, command: ImportMember) -> None:
    opening = command.opening
    for figure in opening.figures:
        metrics = Metrics(exact(figure.spend), figure.orders, figure.points, figure.activity, figure.events)
        state.tally.add(figure.at, metrics)
    state.order_count += opening.orders
    if opening.last_order_at is not None:
        state.last_order_at = max(state.last_order_at or opening.last_order_at, opening.last_order_at)
    for key, at in opening.rewarded:
        state.rewarded[key] = max(state.rewarded.get(key, at), at)


def _open_lots(state: MemberState, command: ImportMember, program: Program) -> None:
    """Open a lot for each that he brings; what he owes there is owed here, and usable points pay it."""
    at, opening = command.accepted_at, command.opening
    state.wallet.debt += opening.debt
    _note(state, command, program, "debt", -opening.debt)
    for place, lot in enumerate(opening.lots, 1):
        _note(state, command, program, str(place), lot.points)
        cause, sequence = f"opening:{command.number}:{place}", state.wallet.next_sequence
        dates = lot.earned_at, lot.available_from, lot.expires_at
        state.wallet.open_lot(Lot(cause, sequence, *dates, lot.points, lot.points), at)
    for known in state.wallet.spendable(at):
        state.wallet.pay_debt(known, at)
    active = opening.active_at or at
    state.last_activity = max(state.last_activity or active, active)
    redate_refilled(state, program, at)


def _note(state: MemberState, command: ImportMember, program: Program, part: str, points: int) -> None:
    if not points:
        return
    cause, at = f"opening:{command.number}:{part}", command.accepted_at
    explanation = {"text": command.reason, "actor": command.actor}
    reason = "opening" if points > 0 else "opening_debt"
    movement = Movement(cause, EntryKind.OPENING, points, at, reason, None, program.version, explanation)
    state.movements.append(movement)


def _open_credit(state: MemberState, command: ImportMember, program: Program) -> None:
    at, explanation = command.accepted_at, {"text": command.reason, "actor": command.actor}
    for place, part in enumerate(command.opening.credit, 1):
        cause, amount = f"opening:{command.number}:{place}", Decimal(part.amount)
        state.credit.move(
            CreditMovement(
                cause, CreditKind.OPENING, amount, at, "opening", None, program.version, explanation
            )
        )
        if part.usable_from is not None:
            state.credit.wait(cause, Pending(part.usable_from, amount), at)


def _hold_tier(state: MemberState, command: ImportMember, program: Program) -> None:
    """Hold him in the tier that he had, in a higher one where he has that here; without one, as his figures say."""
    at, told = command.accepted_at, command.opening.tier
    held = state.held
    assert held is not None, "he has joined"
    if told is None or not program.has_tier(told.key):
        earned = earned_tier(program, tiering.metrics_at(state, program, at)).key
        if program.tier_rank(earned) > program.tier_rank(held.tier_key):
            state.held = hold(program, earned, at, tiering.judgement_at(state, program, at))
    elif program.tier_rank(told.key) >= program.tier_rank(held.tier_key):
        state.held = _holding(told, program, at)
    begun = [term._replace(begun=term.begun or term.start <= at) for term in command.opening.terms]
    known = {term.cause for term in begun}
    state.terms = [*(term for term in state.terms if term.cause not in known), *begun]
    tiering.follow(state, program, at, tiering.IMPORTED)


def _holding(told: OpeningTier, program: Program, at: datetime) -> Holding:
    """Return the tier as it is held here: until its own end, else until the one that the rules here give it."""
    if told.falls_at is not None:
        judged = Judgement(told.since, told.until or at, by_keep=True)
        return Holding(told.key, told.since, told.until, judged, told.falls_to, told.falls_at)
    until = told.until or period_end(program, told.key, told.since)
    if until is not None and until <= at:
        until = period_end(program, told.key, at)
    return Holding(told.key, told.since, until)

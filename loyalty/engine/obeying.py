"""What an accepted command does to a member; law: it happens at its accepted time, by the rules in force then."""

from __future__ import annotations

from datetime import datetime

from loyalty.engine import tiering
from loyalty.engine.commands import (
    AdjustPoints,
    Command,
    MergeMember,
    OpenBalance,
    RecordActivity,
    SetTier,
    TagMember,
    UnmergeMember,
)
from loyalty.engine.expiring import note_activity
from loyalty.engine.state import MemberState
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.program import Program
from loyalty.programs.terms import NegativeBalance
from loyalty.tiers.holding import Term
from loyalty.tiers.qualification import Metrics


def obey(state: MemberState, command: Command, program: Program) -> None:
    """Carry out a command; whoever is named by one is a member from then on. Merges are united, not obeyed."""
    if isinstance(command, MergeMember | UnmergeMember):
        return
    at = command.accepted_at
    tiering.join(state, program, at)
    if isinstance(command, AdjustPoints):
        _adjust(state, command, program)
    elif isinstance(command, SetTier):
        _set_tier(state, command, program)
    elif isinstance(command, RecordActivity):
        state.tally.add(at, Metrics(activity=command.score, events=int(command.is_event)))
        tiering.upgrade(state, program, at)
    elif isinstance(command, OpenBalance):
        _open_balance(state, command, program)
    elif isinstance(command, TagMember):
        state.tags = (state.tags | set(command.add)) - set(command.remove)


def _set_tier(state: MemberState, command: SetTier, program: Program) -> None:
    at, by = command.accepted_at, command.by.value
    if command.tier_key is None:
        tiering.end_terms(state, program, at, by)
        return
    term = Term(f"{by}:{command.number}", by, command.tier_key, at, command.until)
    tiering.put_term(state, program, term, at)


def _adjust(state: MemberState, command: AdjustPoints, program: Program) -> None:
    cause, points, at = f"adjustment:{command.number}", command.points, command.accepted_at
    if points > 0:
        state.wallet.open_lot(_manual_lot(state, cause, points, at, program), at)
        note_activity(state, program, at)
    else:
        points = -_spend(state, -points, at, cause, program)
    if points:
        _note_adjustment(state, command, points, program)
    if command.counts_toward_tier:
        state.tally.add(at, Metrics(points=points))
        tiering.upgrade(state, program, at)


def _open_balance(state: MemberState, command: OpenBalance, program: Program) -> None:
    cause, at = f"opening:{command.number}", command.accepted_at
    lot = _manual_lot(state, cause, command.points, at, program)
    lot.expires_at = command.expires_at or lot.expires_at
    state.wallet.open_lot(lot, at)
    note_activity(state, program, at)
    explanation = {"text": command.reason, "actor": command.actor}
    movement = Movement(
        cause, EntryKind.OPENING, command.points, at, "opening", None, program.version, explanation
    )
    state.movements.append(movement)


def _note_adjustment(state: MemberState, command: AdjustPoints, points: int, program: Program) -> None:
    explanation = {"text": command.reason, "actor": command.actor, "asked": command.points}
    cause, at = f"adjustment:{command.number}", command.accepted_at
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

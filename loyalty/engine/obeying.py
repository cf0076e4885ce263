"""What an accepted command does to a member; law: it happens at its accepted time, by the rules in force then."""

from __future__ import annotations

from datetime import datetime

from loyalty.engine import arriving, crediting, giving, redeeming, spending, tiering
from loyalty.engine.commands import (
    AdjustCredit,
    AdjustPoints,
    Command,
    EndRedemption,
    ImportMember,
    MergeMember,
    OpenBalance,
    RecordActivity,
    RedeemReward,
    RunActions,
    SetTier,
    Source,
    SpendCredit,
    TagMember,
    UndoActions,
    UndoImport,
    UnmergeMember,
)
from loyalty.engine.expiring import note_activity
from loyalty.engine.state import Bonus, Happening, MemberState
from loyalty.ledger.entries import EntryKind, Movement
from loyalty.ledger.lots import Lot
from loyalty.programs.automations import Action, GiveCoupon, Trigger
from loyalty.programs.program import Program
from loyalty.programs.terms import NegativeBalance
from loyalty.tiers.holding import Term
from loyalty.tiers.qualification import Metrics


def obey(state: MemberState, command: Command, program: Program) -> None:
    """Carry out a command; whoever is named by one is a member from then on. Merges are united, not obeyed, and an
    import that is undone is no event at all.
    """
    if isinstance(command, MergeMember | UnmergeMember | UndoImport):
        return
    if isinstance(command, ImportMember):
        arriving.arrive(state, command, program)
        return
    at = command.accepted_at
    tiering.join(state, program, at)
    if isinstance(command, AdjustPoints):
        _adjust(state, command, program)
    elif isinstance(command, SetTier):
        _set_tier(state, command, program)
    elif isinstance(command, RecordActivity):
        _record(state, command, program)
    elif isinstance(command, OpenBalance):
        _open_balance(state, command, program)
    elif isinstance(command, TagMember):
        state.tags = (state.tags | set(command.add)) - set(command.remove)
    elif isinstance(command, RunActions):
        _run_actions(state, command, program)
    elif isinstance(command, UndoActions):
        _undo_actions(state, command, program)
    else:
        _exchange(state, command, program)


def _record(state: MemberState, command: RecordActivity, program: Program) -> None:
    at, cause = command.accepted_at, f"{command.kind}:{command.key}"
    state.tally.add(at, Metrics(activity=command.score, events=int(command.is_event)))
    state.happenings.append(Happening(Trigger.ACTIVITY_RECORDED, at, cause, subject=command.kind))
    tiering.upgrade(state, program, at)


def _exchange(state: MemberState, command: Command, program: Program) -> None:
    """Carry out a command that turns points into rewards, or is about store credit."""
    if isinstance(command, RedeemReward):
        redeeming.redeem(state, command, program)
    elif isinstance(command, EndRedemption) and command.redemption in state.credit.codes:
        spending.end(state, command)
    elif isinstance(command, EndRedemption):
        redeeming.end(state, command, program)
    elif isinstance(command, AdjustCredit):
        crediting.adjust(state, command, program)
    elif isinstance(command, SpendCredit):
        spending.hold(state, command, program)


def _run_actions(state: MemberState, command: RunActions, program: Program) -> None:
    trigger, actions = _what_to_run(state, command, program)
    happening = Happening(
        trigger, command.accepted_at, command.occasion, subject=command.key, data=command.data
    )
    if actions:
        cause = _cause(command)
        giving.give(
            state, program, Bonus(cause, actions, happening, program.version, command.key, command.occasion)
        )
    if command.source is Source.REFERRAL:
        state.happenings.append(happening)


def _what_to_run(
    state: MemberState, command: RunActions, program: Program
) -> tuple[Trigger, tuple[Action, ...]]:
    """Return the actions by the rules in force at the command's time; none when these no longer have any."""
    if command.source is Source.BIRTHDAY:
        reward = program.tier(state.tier_key).benefits.birthday_reward
        return Trigger.BIRTHDAY, (GiveCoupon(reward),) if reward else ()
    if command.source is Source.REFERRAL:
        referral = program.referral
        actions = referral.referrer if command.key == "referrer" else referral.friend
        return Trigger.REFERRAL_COMPLETED, actions
    automation = program.automation(command.key)
    return (automation.trigger, automation.actions) if automation else (Trigger.BIRTHDAY, ())


def _undo_actions(state: MemberState, command: UndoActions, program: Program) -> None:
    """Withdraw what was given for the occasion, also to somebody who is merged into the member since."""
    for bonus in list(state.bonuses.values()):
        if bonus.cause == _cause(command) and not bonus.withdrawn:
            giving.withdraw(state, program, bonus, command.accepted_at)


def _cause(command: RunActions | UndoActions) -> str:
    return f"{command.source}:{command.key}:{command.occasion}"


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

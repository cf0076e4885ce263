"""What orders, redemptions and staff do to a member's store credit;
law: of an order the entitlement of its present state, never more; what was spent of it is owed or forgiven (RULES §4).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from loyalty.credit.entries import CreditKind, CreditMovement
from loyalty.credit.purse import NOTHING, Pending
from loyalty.earning.cash_back import cash_back
from loyalty.engine.commands import AdjustCredit
from loyalty.engine.state import MemberState, OrderFile
from loyalty.programs.catalogue import Reward
from loyalty.programs.program import Program
from loyalty.programs.terms import NegativeBalance
from loyalty.rewards.redemption import Redemption
from loyalty.values import ZERO, decimal_floor, fraction_text, plain_text


def credit_order(
    state: MemberState, file: OrderFile, cause: str, usable_from: datetime, at: datetime
) -> None:
    """Credit an order's cash back at its award."""
    assert file.rating is not None
    amount = cash_back(file.rating, file.net_base)
    if amount:
        _note_order(state, file, cause, CreditKind.CASH_BACK, amount, at, "cash_back")
        state.credit.wait(file.ref.key, Pending(usable_from, amount), at)


def credit_again(
    state: MemberState,
    file: OrderFile,
    base: Fraction,
    cause: str,
    usable_from: datetime,
    program: Program,
    at: datetime,
) -> None:
    """Bring an order's cash back from what it was for an earlier net base to what it is now."""
    assert file.rating is not None
    before, after = cash_back(file.rating, base), cash_back(file.rating, file.net_base)
    if after < before:
        _take_from_order(state, file, cause, before - after, program, at)
    elif after > before:
        _note_order(state, file, cause, CreditKind.CASH_BACK, after - before, at, "cash_back_again")
        _cancel_forgiveness(state, file, cause, after - before, at)
    else:
        return
    state.credit.wait(file.ref.key, Pending(usable_from, after), at)


def _take_from_order(
    state: MemberState, file: OrderFile, cause: str, taken: Decimal, program: Program, at: datetime
) -> None:
    """Take an order's credit back; what is forgiven of it belongs to the order."""
    lacking = forgivable(state, taken, program)
    _note_order(state, file, cause, CreditKind.REVERSAL, -taken, at, "reversed")
    _note_order(state, file, f"{cause}:forgiven", CreditKind.FORGIVENESS, lacking, at, "forgiven")
    if lacking:
        state.credit.forgiven[file.ref.key] = state.credit.forgiven.get(file.ref.key, NOTHING) + lacking


def _cancel_forgiveness(
    state: MemberState, file: OrderFile, cause: str, given: Decimal, at: datetime
) -> None:
    forgiven = state.credit.forgiven.pop(file.ref.key, NOTHING)
    cancelled = min(forgiven, given)
    if forgiven > cancelled:
        state.credit.forgiven[file.ref.key] = forgiven - cancelled
    kind, reason = CreditKind.FORGIVENESS, "forgiveness_cancelled"
    _note_order(state, file, f"{cause}:forgiven", kind, -cancelled, at, reason)


def forgivable(state: MemberState, amount: Decimal, program: Program) -> Decimal:
    """Return how much is forgiven of an amount that is about to be taken: nothing where credit may be negative."""
    if program.refunds.negative_balance is NegativeBalance.ALLOW:
        return NOTHING
    return state.credit.lacks(amount)


def credit_worth(reward: Reward, program: Program) -> str:
    """Return the money of a credit reward as a decimal text."""
    return plain_text(decimal_floor(reward.amount or ZERO, program.decimals))


def buy(state: MemberState, redemption: Redemption, at: datetime) -> None:
    """Credit what a redemption of points was for."""
    _note_redemption(
        state, redemption, redemption.cause, CreditKind.PURCHASE, Decimal(redemption.amount), at, "bought"
    )


def take_back(state: MemberState, redemption: Redemption, cause: str, program: Program, at: datetime) -> None:
    """The redemption is taken back, and so is what it credited; what was spent of that is owed or forgiven."""
    amount = Decimal(redemption.amount)
    lacking, forgives = forgivable(state, amount, program), CreditKind.FORGIVENESS
    _note_redemption(state, redemption, cause, CreditKind.REVERSAL, -amount, at, "purchase_cancelled")
    _note_redemption(state, redemption, f"{cause}:forgiven", forgives, lacking, at, "purchase_forgiven")


def adjust(state: MemberState, command: AdjustCredit, program: Program) -> None:
    """Give or take credit by hand; where balances do not fall below 0, no more than there is."""
    asked = Decimal(command.amount)
    amount = asked + (forgivable(state, -asked, program) if asked < 0 else NOTHING)
    explanation = {"text": command.reason, "actor": command.actor, "asked": command.amount}
    movement = CreditMovement(
        f"adjustment:{command.number}", CreditKind.ADJUSTMENT, amount, command.accepted_at, "adjusted",
        version=program.version, explanation=explanation,
    )  # fmt: skip
    state.credit.move(movement)


def _note_order(
    state: MemberState,
    file: OrderFile,
    cause: str,
    kind: CreditKind,
    amount: Decimal,
    at: datetime,
    reason: str,
) -> None:
    assert file.rating is not None
    percent = file.rating.program.cash_back.percent_of(file.rating.tier_key)
    explanation: Mapping[str, Any] = {
        "base": fraction_text(file.net_base),
        "percent": fraction_text(percent),
        "tier": file.rating.tier_key,
    }
    state.credit.move(
        CreditMovement(cause, kind, amount, at, reason, file.ref.key, file.version, explanation)
    )


def _note_redemption(
    state: MemberState,
    redemption: Redemption,
    cause: str,
    kind: CreditKind,
    amount: Decimal,
    at: datetime,
    reason: str,
) -> None:
    explanation = {"reward": redemption.reward_key, "redemption": redemption.number}
    state.credit.move(CreditMovement(cause, kind, amount, at, reason, None, redemption.version, explanation))

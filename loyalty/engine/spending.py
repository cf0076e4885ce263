"""What codes of store credit do: credit is set aside, spent by the order that uses the code, and given back;
law: an order takes what its discount really was, what it did not take is free at once, and refunds give back no more
than was taken (RULES §4, U14).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from loyalty.credit.entries import CreditKind, CreditMovement
from loyalty.credit.purse import NOTHING, CodeUse, CreditCode
from loyalty.engine.commands import Ending, EndRedemption, SpendCredit
from loyalty.engine.crediting import forgivable
from loyalty.engine.state import Grant, MemberState
from loyalty.programs.program import Program


def hold(state: MemberState, command: SpendCredit, program: Program) -> None:
    """Set credit aside for a code, or to go over to the shop's own."""
    code = CreditCode(
        number=command.number,
        at=command.accepted_at,
        amount=Decimal(command.amount),
        until=command.hold_until,
        version=program.version,
        store=command.store,
    )
    state.credit.codes[code.number] = code
    if code.is_sent:
        if not _is_refused(state, code.number):
            state.credit.sent[code.store] = state.credit.sent.get(code.store, NOTHING) + code.amount
        return
    state.grants[code.cause] = Grant(
        cause=code.cause,
        reward_key="",
        version=code.version,
        granted_at=code.at,
        tier_key="",
        store=code.store,
        judged=False,
        amount=command.amount,
        until=code.until,
    )


def _is_refused(state: MemberState, number: int) -> bool:
    """Return whether credit on its way never arrived: in a fold from nothing it is known from the beginning."""
    known = (*state.commands, *(each for part in state.parts.values() for each in part.commands))
    ends = (each for each in known if isinstance(each, EndRedemption) and each.redemption == number)
    return any(each.ending is not Ending.CAPTURED for each in ends)


def end(state: MemberState, command: EndRedemption) -> None:
    """What an unused code holds is free again; that the shop has it changes nothing, unless it is credit of its own."""
    code = state.credit.codes[command.redemption]
    if command.ending is not Ending.CAPTURED:
        release(state, code)
    elif code.is_sent and code.is_held:
        code.is_held = False
        cause, at = f"{code.cause}:sent", command.accepted_at
        _note(state, code, cause, CreditKind.SPEND, -code.amount, None, at, "sent")


def release(state: MemberState, code: CreditCode) -> None:
    """An unused code ends: by hand, because the shop refused it, or by time."""
    code.is_held = False
    _follow(state, code)


def use(state: MemberState, number: int, order_key: str, program: Program, at: datetime) -> None:
    """An order used a code: it takes what its discount was, at most the code's worth; each further use as well."""
    code = state.credit.codes[number]
    code.is_held = False
    taken = min(code.amount, _discount(state, code, order_key, program))
    cause, lacking = f"{code.cause}:use:{order_key}", forgivable(state, taken, program)
    _note(state, code, cause, CreditKind.SPEND, -taken, order_key, at, "spent")
    _note(state, code, f"{cause}:forgiven", CreditKind.FORGIVENESS, lacking, order_key, at, "spend_forgiven")
    code.uses[order_key] = CodeUse(taken - lacking)
    _follow(state, code)


def _discount(state: MemberState, code: CreditCode, order_key: str, program: Program) -> Decimal:
    """Return what a code took off an order with tax; in another currency nobody can tell, then all of it."""
    file = next(file for file in state.code_users[code.number] if file.ref.key == order_key)
    order = file.snapshot
    assert order is not None
    if order.currency != program.currency:
        return code.amount
    text = state.code_texts[code.number]
    uses = (use for use in order.coupons if use.code.casefold() == text)
    return sum((use.discount + use.discount_tax for use in uses), NOTHING)


def restore(
    state: MemberState, number: int, order_key: str, share: Fraction, ref: str, program: Program, at: datetime
) -> None:
    """Give back what this refunded share of an order returns of the credit that it took (U14, U16)."""
    code = state.credit.codes[number]
    used = code.uses.get(order_key)
    if used is None:
        return
    more = used.give_back(share, program.decimals)
    cause = f"{code.cause}:returned:{order_key}:{ref}"
    _note(state, code, cause, CreditKind.RETURN, more, order_key, at, "returned")
    _follow(state, code)


def _follow(state: MemberState, code: CreditCode) -> None:
    """Let the coupon be what its code has become."""
    grant = state.grants.get(code.cause)
    if grant is not None:
        grant.used, grant.withdrawn = bool(code.uses), code.is_over


def _note(
    state: MemberState,
    code: CreditCode,
    cause: str,
    kind: CreditKind,
    amount: Decimal,
    order_key: str | None,
    at: datetime,
    reason: str,
) -> None:
    explanation = {"code": code.number}
    movement = CreditMovement(cause, kind, amount, at, reason, order_key, code.version, explanation)
    state.credit.move(movement)

"""What shops answer about codes, as it concerns the redemptions behind them;
law: a reward that is there is paid, one that cannot be had costs nothing (RULES §7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_numbers
from loyalty.db import Row
from loyalty.engine.apply import carry_out_many, fold_again
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Ending, EndRedemption
from loyalty.engine.issuing import COUPON_SUBJECT, disable_again
from loyalty.engine.rounds import rounds
from loyalty.incidents import repository as incidents
from loyalty.members.repository import lock_members
from loyalty.outbox.repository import NewPush, add_pushes
from loyalty.pushes import DisableCoupon
from loyalty.rewards import redemption_repository as redemptions
from loyalty.rewards.redemption import OPEN, RedemptionState, is_of_credit, number_of
from loyalty.rewards.repository import settle_coupons
from loyalty.values import StoreId

Found = Mapping[Any, Any]
BY = "shop"
FAILED, CREDIT_FAILED = "redemption_failed", "credit_code_failed"
IN_USE = "in_use"


@dataclass(frozen=True, slots=True)
class CodeAnswer:
    """What became of a code: it was put into a shop or disabled there, or not for the reason `failure`."""

    code: str
    puts: bool
    external_id: str = ""
    uses: int = 0
    failure: str = ""
    is_unsure: bool = False
    """The shop never answered: the code may be there all the same."""
    is_refused: bool = False
    """The shop will not have it as it was asked for, however often it is asked."""


@dataclass(frozen=True, slots=True)
class _End:
    """What becomes of a redemption, or of a code of credit, because of an answer."""

    answer: CodeAnswer
    member: UUID
    redemption: int
    ending: Ending

    def command(self, number: int, now: datetime) -> EndRedemption:
        return EndRedemption(number, now, self.redemption, self.ending, self.answer.failure or "answered", BY)


@dataclass(frozen=True, slots=True)
class _Case:
    """An answer with the redemption that it is about, and the member who stands for the redeemer."""

    answer: CodeAnswer
    row: Mapping[Any, Any]
    member: UUID

    @property
    def is_cancelling(self) -> bool:
        return not self.answer.puts and self.row["cancel_asked_at"] is not None

    def is_unwanted(self) -> bool:
        """Return whether the code is in the shop, or may be, and nobody is to have it."""
        is_over = not self.answer.failure and self.row["state"] not in OPEN
        return self.answer.puts and (self.answer.is_unsure or is_over)

    def end(self) -> _End | None:
        """Return what becomes of the redemption, None: nothing yet."""
        ending = self._ending()
        return _End(self.answer, self.member, self.row["number"], ending) if ending else None

    def _ending(self) -> Ending | None:
        held = self.row["state"] == RedemptionState.HELD
        if self.answer.puts and held:
            waits = self.row["hold_until"] is not None
            return Ending.RELEASED if self.answer.failure else None if waits else Ending.CAPTURED
        if self.answer.puts:
            unused = self.row["state"] == RedemptionState.CAPTURED and not self.row["uses"]
            return Ending.CANCELLED if self.answer.failure and unused else None
        if self.is_cancelling and not self.answer.failure and not self.answer.uses:
            return Ending.CANCELLED
        return None


def take_answers(
    connection: Connection, book: AccountBook, store: StoreId, answers: Sequence[CodeAnswer], now: datetime
) -> None:
    """Write what shops made of codes, and end the redemptions that depend on it; pushes may follow for the store."""
    causes = redemptions.list_causes(connection, [answer.code for answer in answers]) if answers else {}
    asked = sum(answer.code in causes for answer in answers)
    numbers = iter(next_command_numbers(connection, asked) if asked else ())
    lock_members(connection, {member for _, member in causes.values()})
    cases, refused = _cases(connection, answers, causes), _refused_credit(answers, causes)
    cancelled = {case.answer.code for case in cases if case.is_cancelling}
    endings = [*(each for case in cases if (each := case.end()) is not None), *refused]
    steps = list(rounds(endings, lambda each: each.member))
    later = {each.answer.code for step in steps[1:] for each in step}
    live = _settle(connection, [answer for answer in answers if answer.code not in later], cancelled)
    for place, step in enumerate(steps):
        if place:  # a code goes out of use with its redemption: folding the member before would revive it
            live += _settle(connection, [each.answer for each in step], cancelled)
        commands = {each.member: each.command(next(numbers), now) for each in step}
        carry_out_many(connection, book, commands, now)
    _note_failures(connection, book, cases, refused, now)
    _reopen(connection, book, [case for case in cases if case.is_cancelling and case.answer.uses], now)
    unwanted: list[_Case | _End] = [case for case in cases if case.is_unwanted()]
    unwanted += [each for each in refused if each.answer.is_unsure]
    pushes = {push.subject: push for push in (_disabling(store, each, now) for each in unwanted)}
    pushes |= {push.subject: push for push in (disable_again(row, now) for row in live)}
    if pushes:
        add_pushes(connection, book.id, list(pushes.values()))


def _cases(
    connection: Connection, answers: Sequence[CodeAnswer], causes: Mapping[str, tuple[str, UUID]]
) -> list[_Case]:
    named = ((code, cause) for code, (cause, _) in causes.items() if not is_of_credit(cause))
    numbers = {code: number_of(cause) or 0 for code, cause in named}
    if not numbers:
        return []
    rows = {row["number"]: row for row in redemptions.list_numbered(connection, numbers.values())}
    return [
        _Case(answer, rows[numbers[answer.code]], causes[answer.code][1])
        for answer in answers
        if answer.code in numbers
    ]


def _refused_credit(answers: Sequence[CodeAnswer], causes: Mapping[str, tuple[str, UUID]]) -> list[_End]:
    """Return the codes of credit that a shop did not make: what was set aside for them is free again."""
    found = ((answer, *causes[answer.code]) for answer in answers if answer.code in causes)
    return [
        _End(answer, member, number_of(cause) or 0, Ending.RELEASED)
        for answer, cause, member in found
        if is_of_credit(cause) and answer.puts and answer.failure
    ]


def _settle(connection: Connection, answers: Sequence[CodeAnswer], cancelled: Set[str]) -> list[Found]:
    """Write the answers; return the coupons that serve in the shop, or may, and must not."""
    puts = {answer.code: answer for answer in answers if answer.puts}
    rows = settle_coupons(connection, [_settled(answer, answer.code in cancelled) for answer in answers])
    return [row for row in rows if row["code"] in puts and _is_live_still(row, puts[row["code"]])]


def _is_live_still(row: Found, answer: CodeAnswer) -> bool:
    """Return whether a coupon that is out of use serves in the shop all the same: a slow worker put it there after it
    had been disabled, or it is a standing code that the shop has on older terms and refused on the present ones.
    """
    if row["state"] == "cancelled":
        return answer.is_unsure or not answer.failure
    is_there = row["reusable"] and bool(row["external_id"])
    return is_there and row["state"] == "failed" and answer.is_refused


def _settled(answer: CodeAnswer, cancels: bool) -> Row:
    """Return a coupon's next state; one that was withdrawn or used meanwhile stays so."""
    if answer.puts:
        before, state = ["requested"], "failed" if answer.failure else "issued"
    else:
        live = ["requested", "issued"] if cancels and not answer.failure else []
        before, state = ["cancelled", *live], "cancelled"
    return {
        "code": answer.code,
        "before": before,
        "state": state,
        "external_id": answer.external_id,
        "failure": answer.failure or None,
    }


def _note_failures(
    connection: Connection, book: AccountBook, cases: Sequence[_Case], refused: Sequence[_End], now: datetime
) -> None:
    """Tell why a redemption failed, or could not be cancelled, where the merchant looks."""
    failed = [case for case in cases if case.answer.failure]
    if failed:
        redemptions.note_failures(connection, {case.row["number"]: case.answer.failure for case in failed})
    rows = [
        _incident(case, FAILED, f"redemption:{case.row['number']}", now, reward=case.row["reward_key"])
        for case in failed
    ]
    rows += [
        _incident(each, CREDIT_FAILED, f"credit:{each.redemption}", now, code=each.answer.code)
        for each in refused
    ]
    if rows:
        incidents.note_incidents(connection, book.id, rows)


def _incident(of: _Case | _End, kind: str, subject: str, now: datetime, **data: str) -> Row:
    return {
        "kind": kind,
        "subject": subject,
        "member_id": of.member,
        "order_key": "",
        "data": {**data, "failure": of.answer.failure},
        "noticed_at": now,
    }


def _reopen(connection: Connection, book: AccountBook, cases: Sequence[_Case], now: datetime) -> None:
    """An order has the code: it is not cancelled, and serves again."""
    if cases:
        numbers = [case.row["number"] for case in cases]
        redemptions.note_requests(connection, numbers, cancel_asked_at=None, failure=IN_USE)
        fold_again(connection, book, {case.member for case in cases}, now)


def _disabling(store: StoreId, of: _Case | _End, now: datetime) -> NewPush:
    code, kind = of.answer.code, str(of.row["kind"]) if isinstance(of, _Case) else ""
    return NewPush(
        store, of.member, COUPON_SUBJECT + code, DisableCoupon(code, now, kind, of.answer.external_id)
    )

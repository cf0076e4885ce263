"""Services that people carry out: what they ask for, and the steps from open to done or refused;
law: what is refused costs nothing, what is done is final (S59, S62).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_number
from loyalty.community.questions import Question, QuestionKind, check_answers
from loyalty.community.refusals import refusal
from loyalty.engine import tickets
from loyalty.engine.apply import carry_out
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Ending, EndRedemption
from loyalty.engine.tickets import Seat
from loyalty.errors import NotPermitted, RedemptionEnded, StepNotPossible
from loyalty.members.repository import lock_members
from loyalty.programs.catalogue import CONTENT, EXTERNAL, Reward
from loyalty.rewards import redemption_repository as redemptions
from loyalty.rewards.redemption import OPEN, Fulfilment, RedemptionState

_QUESTIONS = {"text": QuestionKind.TEXT, "choice": QuestionKind.SINGLE, "date": QuestionKind.DATE}
Found = Mapping[Any, Any]


def check_request(reward: Reward, request: Mapping[str, Any]) -> None:
    """Raise Invalid with the path of each mistake in a form; where a reward has none, anything may be asked for."""
    if reward.form:
        questions = [
            Question(each.key, _QUESTIONS[each.kind], each.label, each.options, is_required=each.required)
            for each in reward.form
        ]
        check_answers(questions, request, "request", "field")


def fulfil(
    connection: Connection,
    book: AccountBook,
    redemption: UUID,
    step: Fulfilment,
    note: str,
    now: datetime,
    actor: str,
) -> frozenset[UUID]:
    """Take a service a step further; refused, its points return. The same step again changes nothing. Return the
    stores with pushes. Raises NotFound, RedemptionEnded, StepNotPossible.
    """
    number = next_command_number(connection)
    seat = tickets.lock_seat(connection, redemption)
    lock_members(connection, [redemptions.get_redemption(connection, redemption)["survivor"]])
    row = redemptions.get_redemption(connection, redemption)
    if row["fulfilment"] == step:
        return frozenset()
    _check_step(row, seat, step, now)
    stores: frozenset[UUID] = frozenset()
    ending = _ending(row, step)
    if ending is not None:
        command = EndRedemption(number, now, row["number"], ending, note or str(step), actor)
        stores = carry_out(connection, book, row["survivor"], command, now)[1]
    elif step is Fulfilment.REFUSED:
        redemptions.close_claim(connection, redemption, now)
    if seat is not None:
        tickets.give_up(connection, book, seat, now)
    redemptions.note_fulfilment(connection, redemption, step, note)
    return stores


def _check_step(row: Found, seat: Seat | None, step: Fulfilment, now: datetime) -> None:
    """Refuse what does not follow; a seat comes and goes with the event, people may only refuse it."""
    now_at = row["fulfilment"]
    if row["state"] not in OPEN and now_at in (None, Fulfilment.CANCELLED):
        raise RedemptionEnded
    is_next = now_at is not None and Fulfilment(now_at).may_become(step)
    if not is_next or (seat is not None and step is not Fulfilment.REFUSED):
        raise StepNotPossible(told={"fulfilment": now_at})
    if row["number"] is not None and row["ends_at"] is not None and row["ends_at"] <= now:
        raise RedemptionEnded


def _ending(row: Found, step: Fulfilment) -> Ending | None:
    """Return what a step is to the points; None: nothing, as with what a rule gave."""
    if row["number"] is None:
        return None
    if step is Fulfilment.REFUSED:
        return Ending.CANCELLED
    return Ending.FULFILLED if row["ends_at"] is not None else None


def check_cancel(row: Found, seat: Seat | None, now: datetime, *, by_staff: bool) -> None:
    """Refuse that anybody takes back what a rule gave, or a member what was used or people have begun, or his seat once
    the event has begun; staff may. Content counts as used: it was there to be seen.

    Raises StepNotPossible, NotPermitted, ParticipationRefused.
    """
    if row["number"] is None:
        raise StepNotPossible("A rule gave it, so it cost nothing: it is refused, not cancelled.")
    if by_staff:
        return
    if row["kind"] == CONTENT or (row["kind"], row["state"]) == (EXTERNAL, RedemptionState.CAPTURED):
        raise NotPermitted("It was used, or may have been: only staff may take it back.")
    if row["fulfilment"] != Fulfilment.ACCEPTED:
        return
    if seat is None:
        raise NotPermitted("It is being carried out: only staff may cancel it now.")
    if now >= seat.event["starts_at"]:
        raise refusal("too_late")

"""Store credit that goes over to the credit which the shop itself keeps of its customer;
law: it leaves once the shop has it, and is free again once the shop refuses it, never both (RULES §7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_number, next_command_numbers
from loyalty.db import Row
from loyalty.engine import codec
from loyalty.engine.apply import carry_out, carry_out_many
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Ending, EndRedemption, SpendCredit
from loyalty.engine.credit_commands import require_program, require_spare, require_whole_coins
from loyalty.engine.rounds import rounds
from loyalty.engine.timeline import parse_order_key
from loyalty.engine.work import MemberWork, Word
from loyalty.errors import Conflict, Invalid, NotFound, TransferOpen
from loyalty.incidents import repository as incidents
from loyalty.members.repository import find_survivors, lock_members
from loyalty.members.shown import list_customers_of
from loyalty.outbox.repository import NewPush, add_pushes, give_up_pushes, list_credited
from loyalty.pushes import AddStoreCredit
from loyalty.rewards.redemption import number_of
from loyalty.values import StoreId, plain_text

KEEPERS = frozenset({"shopify"})
"""Platforms whose shops keep credit of their customers."""
BY = "shop"
SUBJECT = "credit:"
REFUSED, UNSURE = "credit_not_sent", "credit_maybe_sent"


def send_credit(
    connection: Connection,
    book: AccountBook,
    member: UUID,
    amount: Decimal,
    store: StoreId,
    now: datetime,
    actor: str,
) -> int:
    """Set credit aside and let a shop add it to the credit that it keeps of its customer; return its number.

    One is on its way at a time: a shop has no key against repetition, and is looked at before each further try. Raises
    NotFound, MemberMerged, ProgramNotPublished, Invalid, NotEnoughCredit, TransferOpen; then the transaction must be
    rolled back.
    """
    program = require_program(connection, book, now)
    require_whole_coins(amount, program)
    number, place = next_command_number(connection), book.store_numbers[store]
    command = SpendCredit(number, now, plain_text(amount), place, None, "to the shop's own credit", actor)
    work, _ = carry_out(connection, book, member, command, now)
    require_spare(work.state.credit, amount, program, now)
    _require_alone(work, number)
    known = list_credited(connection, work.roots)
    subject = f"{SUBJECT}{number}"
    customer = _customer(connection, work.id, place)
    push = AddStoreCredit(subject, customer, work.email, amount, book.currency, now, known)
    add_pushes(connection, book.id, [NewPush(store, member, subject, push)])
    return number


def _customer(connection: Connection, member: UUID, place: int) -> str:
    """Return as which customer of a store a member is known, if any; each try asks for the same one."""
    named = (parse_order_key(value) for _, value in list_customers_of(connection, [member]))
    return max((it.external_id for it in named if it.store == place), default="")


def settle_transfer(
    connection: Connection,
    book: AccountBook,
    member: UUID,
    number: int,
    word: Word,
    now: datetime,
    *,
    arrived: bool,
) -> None:
    """Staff looked at what the shop shows: credit on its way is there, or it is not and never will be.

    Raises NotFound, MemberMerged, and Conflict while it is being delivered.
    """
    command = next_command_number(connection)
    rows = lock_members(connection, [member])
    codes = codec.member_state(rows[0]).credit.codes if rows else {}
    if number not in codes or not codes[number].is_sent:
        raise NotFound("The member has no credit of that number on its way.", number=str(number))
    if not give_up_pushes(connection, f"{SUBJECT}{number}", now):
        raise Conflict("The credit is being delivered just now; ask again in some minutes.")
    ending = Ending.CAPTURED if arrived else Ending.RELEASED
    carry_out(
        connection, book, member, EndRedemption(command, now, number, ending, word.reason, word.actor), now
    )


def _require_alone(work: MemberWork, number: int) -> None:
    """Raise TransferOpen while other credit of the member is on its way, and Invalid when no shop could find him."""
    if any(it.is_sent and it.is_held and it.number != number for it in work.state.credit.codes.values()):
        raise TransferOpen
    if not work.email:
        message = "The member has no e-mail to find the customer by."
        raise Invalid(message, {"/member/email": [message]})


@dataclass(frozen=True, slots=True)
class CreditAnswer:
    """What became of credit on its way to a shop."""

    reference: str
    member: UUID
    failure: str = ""
    is_unsure: bool = False
    """The shop never answered: it may have it all the same."""


def take_credit_answers(
    connection: Connection, book: AccountBook, answers: Sequence[CreditAnswer], now: datetime
) -> None:
    """Let credit leave that a shop has, and free what it refused; what nobody knows stays set aside until the push is
    tried again and the shop is looked at.
    """
    sure = [each for each in answers if not each.is_unsure]
    numbers = iter(next_command_numbers(connection, len(sure)) if sure else ())
    survivors = find_survivors(connection, [each.member for each in answers])
    lock_members(connection, survivors.values())
    for step in rounds(sure, lambda each: survivors[each.member]):
        commands = {survivors[each.member]: _ending(next(numbers), each, now) for each in step}
        carry_out_many(connection, book, commands, now)
    failed = [_incident(each, now) for each in answers if each.failure]
    if failed:
        incidents.note_incidents(connection, book.id, failed)


def _ending(number: int, answer: CreditAnswer, now: datetime) -> EndRedemption:
    ending = Ending.RELEASED if answer.failure else Ending.CAPTURED
    return EndRedemption(
        number, now, number_of(answer.reference) or 0, ending, answer.failure or "answered", BY
    )


def _incident(answer: CreditAnswer, now: datetime) -> Row:
    return {
        "kind": UNSURE if answer.is_unsure else REFUSED,
        "subject": answer.reference,
        "member_id": answer.member,
        "order_key": "",
        "data": {"failure": answer.failure},
        "noticed_at": now,
    }

"""Credit by hand, and codes of store credit; law: judged on the locked member as the fold leaves him, so that nobody
spends what he does not have, however many ask at once (RULES §7).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_number
from loyalty.clock import day_end, local_date
from loyalty.credit.purse import NOTHING, CreditFigures, Purse
from loyalty.engine.apply import carry_out
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import AdjustCredit, SpendCredit
from loyalty.engine.work import Word
from loyalty.errors import Invalid, NotEnoughCredit, ProgramNotPublished
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions
from loyalty.rewards.coupon import coupon_code
from loyalty.values import StoreId, decimal_floor, exact, plain_text

VALID_DAYS = 30


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The command's number, what it moved, the member's credit with it, and the stores with pushes."""

    number: int
    amount: Decimal
    figures: CreditFigures
    stores: frozenset[UUID]


def adjust_credit(
    connection: Connection, book: AccountBook, member: UUID, amount: Decimal, word: Word, now: datetime
) -> Adjusted:
    """Give or take store credit by hand. Raises NotFound, MemberMerged, ProgramNotPublished, Invalid."""
    require_whole_coins(amount, require_program(connection, book, now))
    number = next_command_number(connection)
    command = AdjustCredit(number, now, plain_text(amount), word.reason, word.actor)
    work, stores = carry_out(connection, book, member, command, now)
    moved = (each.amount for each in work.credit_drafts if each.cause == f"adjustment:{number}")
    return Adjusted(number, sum(moved, NOTHING), work.state.credit.figures(now), stores)


@dataclass(frozen=True, slots=True)
class MadeCode:
    """A code that the shop will have soon, and the member's credit with it set aside."""

    number: int
    code: str
    amount: Decimal
    expires_at: datetime
    figures: CreditFigures
    stores: frozenset[UUID]
    """Those with pushes."""


def make_credit_code(
    connection: Connection,
    book: AccountBook,
    member: UUID,
    amount: Decimal,
    store: StoreId,
    now: datetime,
    actor: str,
) -> MadeCode:
    """Set credit aside for a single-use code in a store; it ends with the day that lies 30 days ahead.

    Raises NotFound, MemberMerged, ProgramNotPublished, Invalid, NotEnoughCredit; then the transaction must be rolled
    back.
    """
    program = require_program(connection, book, now)
    require_whole_coins(amount, program)
    until = day_end(local_date(now, program.time_zone) + timedelta(days=VALID_DAYS), program.time_zone)
    number, place = next_command_number(connection), book.store_numbers[store]
    command = SpendCredit(number, now, plain_text(amount), place, until, "a code", actor)
    work, stores = carry_out(connection, book, member, command, now)
    require_spare(work.state.credit, amount, program, now)
    if not work.email:
        message = "The member has no e-mail to bind a code to."
        raise Invalid(message, {"/member/email": [message]})
    code = coupon_code(book.coupon_key, work.state.credit.codes[number].cause)
    return MadeCode(number, code, amount, until, work.state.credit.figures(now), stores)


def require_spare(purse: Purse, amount: Decimal, program: Program, now: datetime) -> None:
    """Raise NotEnoughCredit when an amount that was just set aside is more than there was."""
    spare = purse.spare(now)
    if spare < 0:
        there = decimal_floor(exact(max(NOTHING, spare + amount)), program.decimals)
        raise NotEnoughCredit(f"The member has {there:f} to spend.", told={"available": f"{there:f}"})


def require_program(connection: Connection, book: AccountBook, now: datetime) -> Program:
    """Return the program in force; raises ProgramNotPublished."""
    program = load_versions(connection, book.id).at(now)
    if program is None:
        raise ProgramNotPublished
    return program


def require_whole_coins(amount: Decimal, program: Program) -> None:
    """Raise Invalid for money with more decimals than the account's currency has."""
    if decimal_floor(exact(amount), program.decimals) != amount:
        message = f"{program.currency} has {program.decimals} decimals here."
        raise Invalid(message, {"/amount": [message]})

"""Tell a shop again what it shows otherwise of its customers' tiers and points; law: moves no point and no tier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.engine.book import AccountBook
from loyalty.engine.timeline import parse_order_key
from loyalty.members.shown import list_matured_customers
from loyalty.outbox.repository import NewPush, add_pushes, list_waiting
from loyalty.programs.program import Program, text_in
from loyalty.programs.service import load_versions
from loyalty.pushes import SetMemberTier
from loyalty.values import StoreId

Row = Mapping[Any, Any]
PAGE = 500


def retell_tiers(
    connection: Connection, book: AccountBook, store: StoreId, rows: Sequence[Row], shown: Mapping[str, str],
    now: datetime,
) -> list[str]:  # fmt: skip
    """Push the tier of each customer of whom the shop shows another; return their ids there.

    `rows` are customers with their tiers, `shown` is what the shop says. A shop is not told of the first tier by
    itself, so that nothing and the first tier are the same; of whom it has not there is nothing to tell.
    """
    program = load_versions(connection, book.id).at(now)
    if program is None:
        return []
    odd = [row for row in rows if _is_odd(program, row, shown)]
    return [_customer(row) for row in _tell(connection, book, store, program, odd)]


@dataclass(frozen=True, slots=True)
class Told:
    """How many customers of a page a shop is told of, and where the next page begins; None: there is none."""

    told: int
    next: str | None


def tell_matured(
    connection: Connection, book: AccountBook, store: StoreId, since: datetime, now: datetime, after: str
) -> Told:
    """Push what the customers that follow `after` have now, of whom points became usable in `(since, now]`."""
    number = book.store_numbers[store]
    rows = list_matured_customers(connection, number, since, now, after, PAGE)
    program = load_versions(connection, book.id).at(now) if rows else None
    told = _tell(connection, book, store, program, rows) if program else []
    return Told(len(told), rows[-1]["value"] if len(rows) == PAGE else None)


def _tell(
    connection: Connection, book: AccountBook, store: StoreId, program: Program, rows: Sequence[Row]
) -> list[Row]:
    """Push the tiers of customers, and with them their figures; return those of whom no push waits already."""
    waiting = list_waiting(connection, [_subject(row) for row in rows])
    told = [row for row in rows if _subject(row) not in waiting]
    if told:
        add_pushes(connection, book.id, [_push(program, store, row) for row in told])
    return told


def _is_odd(program: Program, row: Row, shown: Mapping[str, str]) -> bool:
    if _customer(row) not in shown:
        return False
    has, first = shown[_customer(row)], program.tiers[0].key
    return (has or first) != program.tier(row["tier_key"]).key


def _push(program: Program, store: StoreId, row: Row) -> NewPush:
    tier = program.tier(row["tier_key"])
    command = SetMemberTier(_customer(row), tier.key, text_in(tier.name, "zh-TW"), tier.benefits.words())
    return NewPush(store, row["member_id"], _subject(row), command)


def _customer(row: Row) -> str:
    return parse_order_key(row["value"]).external_id


def _subject(row: Row) -> str:
    return f"tier:{row['value']}"

"""Which orders a shop shall mark for the service of their member's tier, such as priority shipping (S55);
law: each order once, and none that is awarded late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection

from loyalty.commerce import OrderState
from loyalty.engine.book import AccountBook
from loyalty.engine.state import OrderFile
from loyalty.engine.telling import LATE
from loyalty.engine.work import MemberWork
from loyalty.outbox.repository import NewPush, list_marked
from loyalty.programs.program import Versions
from loyalty.pushes import MarkOrder

TILL = "till"
"""The platform of stores that only tell of orders: nothing can be marked there."""


def mark_orders(
    connection: Connection, book: AccountBook, works: Sequence[MemberWork], versions: Versions, now: datetime
) -> list[NewPush]:
    """Return the pushes that mark a batch's orders; one statement, and only where a tier serves orders."""
    if not versions.serve_orders():
        return []
    wanted = {push.subject: push for work in works for push in _marks(book, work, versions, now)}
    known = list_marked(connection, list(wanted)) if wanted else set()
    return [push for subject, push in wanted.items() if subject not in known]


def _marks(book: AccountBook, work: MemberWork, versions: Versions, now: datetime) -> Iterator[NewPush]:
    for key, file in work.state.orders.items():
        words = _words(file, versions)
        if not words or not _is_fresh(file, now):
            continue
        store = book.store(file.ref.store)
        if book.platforms[store] != TILL:
            yield NewPush(store, work.id, f"order:{key}", MarkOrder(file.ref.external_id, words))


def _is_fresh(file: OrderFile, now: datetime) -> bool:
    """Return whether an order stands and was awarded lately: a backfill marks nothing."""
    order = file.snapshot
    stands = order is not None and order.state is OrderState.LIVE and not order.test and not file.ended
    return stands and file.award_at is not None and now - file.award_at < LATE


def _words(file: OrderFile, versions: Versions) -> tuple[str, ...]:
    """Return the services that the order's tier has by the version at its payment."""
    program = versions.numbered(file.version) if file.version is not None else None
    return program.tier(file.tier_key).benefits.order_words() if program is not None else ()

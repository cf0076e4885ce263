"""By what one person in two roles may be known: keyed digests of what orders say, kept while friends are paid for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from sqlalchemy import Connection

from loyalty.commerce import Buyer, OrderSnapshot
from loyalty.engine.book import AccountBook
from loyalty.programs.program import Program
from loyalty.referrals.code import trace
from loyalty.referrals.repository import add_traces


def note_traces(
    connection: Connection,
    book: AccountBook,
    orders: Iterable[tuple[UUID, OrderSnapshot]],
    program: Program | None,
) -> None:
    """Keep by what one person in two roles may be known, as keyed digests; nothing while friends are not paid for."""
    if program is not None and program.referral.is_offered:
        found = ((member, one) for member, order in orders for one in _traces(book.coupon_key, order.buyer))
        add_traces(connection, book.id, found)


def _traces(key: bytes, buyer: Buyer) -> Iterator[str]:
    values = (("email", buyer.email), ("phone", buyer.phone), ("address", buyer.address), ("ip", buyer.ip))
    for kind, value in values:
        found = trace(key, kind, value)
        if found is not None:
            yield found

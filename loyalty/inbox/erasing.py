"""What the inbox knows of a person; law: a message is his by what it is about, or by whom it names as the buyer, never
by a word in it. Bodies can be emptied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Text

from loyalty.values import MessageId, StoreId

# A quote within a text is escaped in JSON, so that nothing a person typed passes for a key. The first id in the body of
# a shop is that of the order, customer or coupon that it is about, the first address that of the buyer.
_PATTERNS = {
    "id": r'"id"\s*:\s*"?([0-9]+)',
    "order": r'"order_id"\s*:\s*([0-9]+)',
    "customer": r'"customer(?:_id)?"\s*:\s*(?:\{\s*"id"\s*:\s*)?"?(?:gid://shopify/Customer/)?([^",}\s]+)',
    "email": r'"email"\s*:\s*"\s*([^"\s]+)\s*"',
    "phone": r'"phone"\s*:\s*"([^"]+)"',
    "separators": r"[\s().-]",
}
# Shopify's own messages about refunds and payments name their order apart; a till's may name lines before.
_ORDER = (
    "case when topic in ('refunds/create', 'order_transactions/create') then substring(said from :order)"
    " when source = 'api' then delivery_id when topic like '%order%' then substring(said from :id) end"
)
_CUSTOMER = (
    "case when topic like '%customer%' then substring(said from :id)"
    " else nullif(nullif(substring(said from :customer), '0'), 'null') end"
)
_COUPON = "case when topic like '%coupon%' then substring(said from :id) end"
_IS_HIS = (
    "coalesce(store_id || ' order ' || order_id = any(:subjects), false)"
    " or coalesce(store_id || ' customer ' || customer_id = any(:subjects), false)"
    " or coalesce(store_id || ' coupon ' || coupon_id = any(:subjects), false)"
)
_NAMES_GUEST = (
    "topic like '%order%' and customer_id is null and coalesce(lower(substring(said from :email)) = any(:emails),"
    " regexp_replace(substring(said from :phone), :separators, '', 'g') = any(:phones))"
)
_FIND = text(
    "select id, store_id, coalesce(order_id, '') as order_id, is_his from inbox_messages"
    " cross join lateral (select encode(body, 'escape') as said offset 0) as told"
    f" cross join lateral (select {_ORDER} as order_id, {_CUSTOMER} as customer_id, {_COUPON} as coupon_id"
    "   offset 0) as meant"
    f" cross join lateral (select {_IS_HIS} as is_his offset 0) as judged"
    f" where octet_length(body) > 0 and (is_his or {_NAMES_GUEST}) order by id"
).bindparams(
    *(bindparam(name, pattern, Text) for name, pattern in _PATTERNS.items()),
    *(bindparam(name, type_=ARRAY(Text)) for name in ("subjects", "emails", "phones")),
)
_IDS = bindparam("ids", type_=ARRAY(BigInteger))


@dataclass(frozen=True, slots=True)
class Traces:
    """By what a person is recognised in messages: what is his by store, and what names him as a guest."""

    orders: tuple[tuple[UUID, str], ...]
    customers: tuple[tuple[UUID, str], ...]
    coupons: tuple[tuple[UUID, str], ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]

    def values(self) -> dict[str, Any]:
        """Return the values of a statement."""
        subjects = [f"{store} order {id}" for store, id in self.orders]
        subjects += [f"{store} customer {id}" for store, id in self.customers]
        subjects += [f"{store} coupon {id}" for store, id in self.coupons]
        return {"subjects": subjects, "emails": list(self.emails), "phones": list(self.phones)}


class Found(NamedTuple):
    """A message that may be a person's; one that only names him as a guest is his unless its order is somebody's."""

    id: MessageId
    store: StoreId
    order: str
    is_his: bool


def find_messages(connection: Connection, traces: Traces) -> list[Found]:
    """Return the stored messages about a person's orders, customers and coupons, and those that name him as their
    buyer.
    """
    return [Found(*row) for row in connection.execute(_FIND, traces.values())]


def empty_bodies(connection: Connection, messages: Sequence[MessageId]) -> int:
    """Empty those of these messages that were taken or failed, or that wait for a read, which does not need them;
    return how many. They are recognised all the same when they are delivered again.
    """
    statement = text(
        "update inbox_messages set body = '', reason = 'erased'"
        " where id = any(:ids) and status <> 'pending' and octet_length(body) > 0"
    ).bindparams(_IDS)
    return connection.execute(statement, {"ids": list(messages)}).rowcount


def empty_messages(connection: Connection, messages: Sequence[MessageId]) -> None:
    """Empty messages of the batch that is being taken: they name persons and have nothing more to say."""
    statement = text("update inbox_messages set body = '' where id = any(:ids)").bindparams(_IDS)
    connection.execute(statement, {"ids": list(messages)})


def forget_store(connection: Connection, store: UUID) -> int:
    """Empty all stored messages of a store, and wait for none of them any longer; return how many."""
    statement = text(
        "update inbox_messages set body = '', reason = 'erased',"
        " status = case when status in ('pending', 'reading') then 'ignored' else status end"
        " where store_id = :store and (octet_length(body) > 0 or status in ('pending', 'reading'))"
    )
    return connection.execute(statement, {"store": store}).rowcount


def list_bodies(connection: Connection, messages: Sequence[MessageId]) -> Iterable[dict[str, Any]]:
    """Return these messages, oldest first, with their bodies as text."""
    statement = text(
        "select received_at, source, topic, status, body from inbox_messages where id = any(:ids) order by id"
    ).bindparams(_IDS)
    rows = connection.execute(statement, {"ids": list(messages)}).mappings()
    return [{**row, "body": bytes(row["body"]).decode(errors="replace")} for row in rows]

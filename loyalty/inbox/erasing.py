"""What the inbox knows of a person: found by his addresses, his orders and his customer ids; bodies can be emptied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Text

from loyalty.values import MessageId

# The first id in the body of a shop is that of the order or customer that it is about; a till's may name lines before.
_ABOUT = (
    "(exists (select from unnest(:words) as word where position(word in lower(encode(body, 'escape'))) > 0)"
    " or store_id::text || case when topic like '%order%' then ' order ' else ' customer ' end"
    "   || case when source = 'api' then delivery_id"
    "     else substring(encode(body, 'escape') from '\"id\"\\s*:\\s*\"?([0-9]+)') end = any(:subjects)"
    # Shopify's own messages about refunds and payments name their order apart.
    " or topic in ('refunds/create', 'order_transactions/create') and store_id::text || ' order '"
    "   || substring(encode(body, 'escape') from '\"order_id\"\\s*:\\s*([0-9]+)') = any(:subjects))"
).replace("::", r"\:\:")


@dataclass(frozen=True, slots=True)
class Traces:
    """By what a person is recognised in messages: words in lower case, and orders and customers by store."""

    words: tuple[str, ...]
    orders: tuple[tuple[UUID, str], ...]
    customers: tuple[tuple[UUID, str], ...]

    def values(self) -> dict[str, Any]:
        """Return the values of a statement."""
        subjects = [f"{store} order {id}" for store, id in self.orders]
        subjects += [f"{store} customer {id}" for store, id in self.customers]
        return {"words": list(self.words), "subjects": subjects}


def empty_bodies(connection: Connection, traces: Traces) -> int:
    """Empty the stored messages about a person that were taken, or that wait for a read, which does not need them;
    return how many. They are recognised all the same when they are delivered again.
    """
    statement = _bound(
        "update inbox_messages set body = '', reason = 'erased'"
        f" where status <> 'pending' and octet_length(body) > 0 and {_ABOUT}"
    )
    return connection.execute(statement, traces.values()).rowcount


def empty_messages(connection: Connection, messages: Sequence[MessageId]) -> None:
    """Empty messages of the batch that is being taken: they name persons and have nothing more to say."""
    statement = text("update inbox_messages set body = '' where id = any(:ids)").bindparams(
        bindparam("ids", type_=ARRAY(BigInteger))
    )
    connection.execute(statement, {"ids": list(messages)})


def forget_store(connection: Connection, store: UUID) -> int:
    """Empty all stored messages of a store, and wait for none of them any longer; return how many."""
    statement = text(
        "update inbox_messages set body = '', reason = 'erased',"
        " status = case when status in ('pending', 'reading') then 'ignored' else status end"
        " where store_id = :store and (octet_length(body) > 0 or status in ('pending', 'reading'))"
    )
    return connection.execute(statement, {"store": store}).rowcount


def list_bodies(connection: Connection, traces: Traces) -> Iterable[dict[str, Any]]:
    """Return the stored messages about a person, oldest first, with their bodies as text."""
    statement = _bound(
        "select received_at, source, topic, status, body from inbox_messages"
        f" where octet_length(body) > 0 and {_ABOUT} order by id"
    )
    rows = connection.execute(statement, traces.values()).mappings()
    return [{**row, "body": bytes(row["body"]).decode(errors="replace")} for row in rows]


def _bound(statement: str) -> Any:
    return text(statement).bindparams(
        bindparam("words", type_=ARRAY(Text)), bindparam("subjects", type_=ARRAY(Text))
    )

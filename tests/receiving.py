"""Deliveries to a real database and what became of them, in few words."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from builders import Shop, make_shop, woo_body
from sqlalchemy import Connection, text

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.accounts.service import next_command_number
from loyalty.backfills.repository import Wish, find_backfill
from loyalty.clock import utc_now
from loyalty.engine.apply import carry_out
from loyalty.engine.commands import AdjustPoints
from loyalty.engine.past import ask_for_past
from loyalty.engine.verify import verify_ledger
from loyalty.inbox.repository import accept
from loyalty.stores.service import get_store
from workers.backfilling import run_backfill
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.reconciling import reconcile_store
from workers.runtime import Runtime

Row = dict[str, Any]


@dataclass(slots=True)
class Desk:
    """One shop of a test: deliver to it, drain it, read what it holds, prove its ledger."""

    runtime: Runtime
    shop: Shop
    numbers: Iterator[int] = field(default_factory=count)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self.runtime.database.transaction(self.shop.account) as connection:
            yield connection

    def deliver(self, order: Row, topic: str = "order.updated") -> None:
        """Accept a delivery of an order, as new each time."""
        body, delivery = woo_body(order), str(next(self.numbers))
        key = hashlib.sha256(f"{topic}/{delivery}".encode() + body).digest()
        with self.connect() as connection:
            accept(
                connection, self.shop.account, self.shop.store.id, key=key, source="webhook", topic=topic,
                delivery_id=delivery, body=body,
            )  # fmt: skip

    def drain(self, batch: int = 400) -> int:
        return drain_account(self.runtime, self.shop.account, batch=batch)

    def read_again(self) -> None:
        """Ask the shop for what waits for a read, and take the answers."""
        fetch_store(self.runtime, self.shop.account, self.shop.store.id)
        self.drain()

    def reconcile(self, kind: str = "deep", now: datetime | None = None, **more: Any) -> int | None:
        """Make a pass over the shop, to its end; return how many differences it found."""
        return reconcile_store(self.runtime, self.shop.account, self.shop.store.id, kind, now, **more)

    def backfill(self, now: datetime | None = None, **wish: Any) -> Row:
        """Ask for the past of the shop, read it to the end; return the backfill's row."""
        with self.connect() as connection:
            store = get_store(connection, self.runtime.vault, self.shop.store.id)
            asked = ask_for_past(
                connection, self.shop.account, store, Wish(**wish), now or utc_now(), "staff"
            )
        run_backfill(self.runtime, self.shop.account, self.shop.store.id, force=True)
        with self.connect() as connection:
            return dict(find_backfill(connection, asked) or {})

    def signal(self, order_id: int) -> None:
        """Deliver a message that only names an order, read the order and take the answer."""
        self.deliver({"id": order_id})
        self.drain()
        self.read_again()

    def adjust(self, points: int, at: datetime | None = None, member: UUID | None = None) -> None:
        """Adjust the points of a member, by default of the only one."""
        now = at or utc_now()
        with self.connect() as connection:
            book = self.runtime.book(connection, self.shop.account, set())
            whose = member or connection.execute(text("select id from members")).scalar_one()
            command = AdjustPoints(next_command_number(connection), now, points, "by hand", False, "staff")
            carry_out(connection, book, whose, command, now)

    def rows(self, statement: str) -> list[Row]:
        with self.connect() as connection:
            return [dict(row) for row in connection.execute(text(statement)).mappings()]

    def figures(self) -> list[Row]:
        """What every member holds: without ids and times of posting."""
        return self.rows(
            "select key, points_sum, debt, tier_key, joined_at, order_count, lifetime_spend, lifetime_orders,"
            " lifetime_points, (select sum(remaining) from lots where lots.member_id = members.id) as rest"
            " from members order by key"
        )

    def entries(self) -> list[int]:
        return [row["points"] for row in self.rows("select points from ledger_entries order by sequence")]

    def differences(self) -> list[Any]:
        """What the ledger's proof finds, folded again from nothing."""
        with self.connect() as connection:
            return verify_ledger(connection, self.shop.account, rebuild=True).differences


def make_desk(
    runtime: Runtime, document: Row | None, sandbox: SandboxShop | None = None, **more: Any
) -> Desk:
    """A connected shop with a program; its reads go to the sandbox."""
    if sandbox is not None:
        keys = {"consumer_key": sandbox.consumer_key, "consumer_secret": sandbox.consumer_secret}
        more |= {"url": sandbox.url, "credentials": keys}
    return Desk(runtime, make_shop(runtime, document, **more))

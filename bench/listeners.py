"""Accounts that hear of sandbox shops without a network in between, and what they make of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import text

from bench.chronicle import Message
from bench.merchants import Reach, join_shop, open_merchant
from loyalty.engine.merging import merge_members
from loyalty.engine.verify import verify_ledger
from loyalty.engine.work import Word
from loyalty.inbox.repository import accept
from loyalty.values import AccountId, StoreId
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.reconciling import reconcile_store
from workers.runtime import Runtime

_MEMBERS = (
    "select i.value, coalesce(m.merged_into, m.id) from member_identities i join members m on m.id = i.member_id"
    " where i.kind = 'customer'"
)
PROVED = Word("He proved in both shops that he reads the same mail.", "link")


@dataclass(slots=True)
class Listener:
    """An account with a store of each of some shops, by their platforms."""

    runtime: Runtime
    account: AccountId
    stores: Mapping[str, StoreId]
    numbers: Any = field(default_factory=count)

    def hear(self, platform: str, message: Message) -> None:
        """Accept a message of a shop as new."""
        number = str(next(self.numbers))
        key = hashlib.sha256(f"{message.topic}/{number}".encode() + message.body).digest()
        with self.runtime.database.transaction(self.account) as connection:
            accept(
                connection, self.account, self.stores[platform], key=key, source="webhook", topic=message.topic,
                delivery_id=number, body=message.body,
            )  # fmt: skip

    def work(self) -> None:
        """Take what waits, read what it names, take the answers."""
        drain_account(self.runtime, self.account)
        if sum(fetch_store(self.runtime, self.account, store) for store in self.stores.values()):
            drain_account(self.runtime, self.account)

    def reconcile(self) -> int:
        """Look over the shops in depth; return how many differences there were."""
        found = 0
        for store in self.stores.values():
            here = reconcile_store(self.runtime, self.account, store, "deep", seconds=float("inf"))
            if here is None:
                raise RuntimeError("the shop could not be looked over")
            found += here
        return found

    def unite(self, customers: list[tuple[str, str]], at: datetime) -> None:
        """Let customers `<store number>:<id>` of two shops be one person from an instant on."""
        members = dict(self.ask(_MEMBERS))
        with self.runtime.database.transaction(self.account) as connection:
            book = self.runtime.book(connection, self.account, set(self.stores.values()))
            for one, other in customers:
                merge_members(connection, book, members[one], members[other], PROVED, at)

    def ask(self, question: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a question to the account."""
        with self.runtime.database.transaction(self.account) as connection:
            return [tuple(row) for row in connection.execute(text(question), values)]

    def was_connected(self, at: datetime) -> None:
        """Let the shops have been connected at an instant."""
        with self.runtime.database.transaction(self.account) as connection:
            connection.execute(text("update stores set created_at = :at"), {"at": at})

    def differences(self) -> int:
        """Return in how much the ledger differs from its rebuild."""
        with self.runtime.database.transaction(self.account) as connection:
            return len(verify_ledger(connection, self.account, rebuild=True).differences)


def open_listener(runtime: Runtime, document: dict[str, Any], shops: Mapping[str, Reach]) -> Listener:
    """Write an account that has a store of each of these shops."""
    (first, reach), *others = shops.items()
    merchant = open_merchant(runtime, document, reach)
    stores = {first: merchant.store}
    stores |= {platform: join_shop(runtime, merchant.account, other) for platform, other in others}
    return Listener(runtime, merchant.account, stores)

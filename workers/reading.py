"""What every reading of a shop shares: its tools, and that what waits is taken first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from connectors.base import Connector, StoreAccess
from loyalty.clock import utc_now
from loyalty.engine.book import AccountBook
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.pushes import TokenRefused
from loyalty.stores.service import Store, get_store
from loyalty.values import AccountId, StoreId
from workers import draining, fetching
from workers.access import access_anew
from workers.runtime import Runtime

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Reader:
    """A store that is read, and how: a reading may last longer than a token, so that `access` changes meanwhile."""

    runtime: Runtime
    store: Store
    connector: Connector
    access: StoreAccess
    book: AccountBook
    versions: Versions
    as_of: datetime | None = None
    """The time that counts as now; None: the clock's."""

    @property
    def with_products(self) -> bool:
        """Return whether orders must be read with facts of their products."""
        return self.book.needs_products(self.store.id, self.versions)

    def now(self) -> datetime:
        """Return the time that counts as now."""
        return self.as_of or utc_now()

    def ask(self, call: Callable[[StoreAccess], Answer]) -> Answer:
        """Return what the shop answers, by a token that serves; one that it refuses is had anew once.

        Raises PushError.
        """
        if not self.connector.is_fresh(self.access, utc_now()):
            self.access = self.runtime.access(self.store)
        try:
            return call(self.access)
        except TokenRefused:
            self.access = access_anew(self.runtime, self.store, self.access)
            return call(self.access)


def open_reader(
    runtime: Runtime, account: AccountId, store_id: StoreId, as_of: datetime | None
) -> Reader | None:
    """Return how a store is read, None for one that cannot be: a till, or one that is not connected."""
    with runtime.database.transaction(account) as connection:
        store = get_store(connection, runtime.vault, store_id)
        if store.is_till or not store.is_connected:
            return None
        book = runtime.book(connection, account, {store_id})
        versions = load_versions(connection, account)
    connector = runtime.connectors[store.platform]
    return Reader(runtime, store, connector, runtime.access(store), book, versions, as_of)


def take_what_waits(reader: Reader) -> None:
    """Take all messages of the account that wait, and read for this store what they only name: what is done here the
    usual way needs no other.
    """
    runtime, account, at = reader.runtime, reader.store.account, reader.as_of
    draining.refold_account(runtime, account, at)
    draining.drain_account(runtime, account, now=at)
    if fetching.fetch_store(runtime, account, reader.store.id, at):
        draining.drain_account(runtime, account, now=at)

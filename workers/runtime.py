"""What jobs share in one process: database, keys, connectors, wake-ups; built at the first job, after the fork."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from connectors.all import make_connectors
from connectors.base import Connector, StoreAccess
from loyalty.config import Settings, ensure_secrets, load_settings
from loyalty.crypto import Vault
from loyalty.db import Database
from loyalty.engine.book import AccountBook, load_book
from loyalty.logs import configure_logging
from loyalty.stores.service import Store
from loyalty.values import AccountId, StoreId
from workers.access import open_access
from workers.queues import DELIVER_PUSHES, FETCH, Queues, WakeUps

BOOK_SECONDS = 60.0


@dataclass(slots=True)
class Runtime:
    """The tools of a job."""

    settings: Settings
    database: Database
    vault: Vault
    wakes: WakeUps
    connectors: dict[str, Connector]
    books: dict[AccountId, tuple[float, AccountBook]] = field(default_factory=dict)

    def book(self, connection: Connection, account: AccountId, stores: set[StoreId]) -> AccountBook:
        """Return the account's book, read again each minute and when it lacks one of these stores."""
        read_at, book = self.books.get(account, (0.0, None))
        if (
            book is not None
            and time.monotonic() - read_at < BOOK_SECONDS
            and stores <= set(book.store_numbers)
        ):
            return book
        book = load_book(connection, self.vault, account)
        self.books[account] = time.monotonic(), book
        return book

    def wake_store(self, queue: str, account: AccountId, store: StoreId) -> None:
        """Have a store's reads or pushes done soon."""
        function = {Queues.FETCH: FETCH, Queues.PUSH: DELIVER_PUSHES}[queue]
        self.wakes.wake_now(queue, function, store, account, store)

    def access(self, store: Store, now: datetime | None = None) -> StoreAccess:
        """Return how a connector reaches a store; in no transaction, as the shop may be asked for a fresh token."""
        return open_access(self, store, now)


def calm_garbage_collector() -> None:
    """Look for garbage seldom: a batch makes some 100,000 values that all go at its end, and nearly none in cycles."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)


def build_runtime(settings: Settings) -> Runtime:
    """Return the tools of a process with these settings."""
    settings = ensure_secrets(settings)
    calm_garbage_collector()
    return Runtime(
        settings=settings,
        database=Database(settings.database_url, assume_role=not settings.database_owner_url),
        vault=Vault(settings.encryption_keys),
        wakes=WakeUps(settings.redis_url),
        connectors=make_connectors(allow_private=settings.allow_private_shops),
    )


@lru_cache(maxsize=1)
def runtime() -> Runtime:
    """Return the tools of this process, built from the environment at the first call."""
    settings = load_settings(os.environ, need_servers=True)
    configure_logging(settings.log_level)
    return build_runtime(settings)

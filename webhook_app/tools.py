"""What the requests of one process share: database, keys, connectors, wake-ups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from flask import current_app

from connectors.all import make_connectors
from connectors.base import Connector
from loyalty.config import Settings, ensure_secrets
from loyalty.crypto import Vault
from loyalty.db import Database
from loyalty.values import AccountId, StoreId
from workers.queues import (
    CONTINUE_BACKFILL,
    DELIVER_MAILS,
    DELIVER_PUSHES,
    DRAIN_INBOX,
    RETURN_POINTS,
    RUN_IMPORTS,
    Queues,
    WakeUps,
)

SETTINGS = "laurel.settings"
TOOLS = "laurel.tools"


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of a request or a command."""

    settings: Settings
    database: Database
    vault: Vault
    wakes: WakeUps
    connectors: dict[str, Connector]

    def wake_inbox(self, account: AccountId) -> None:
        """Have an account's inbox and its members that must be folded again taken soon."""
        self.wakes.wake_now(Queues.DRAIN, DRAIN_INBOX, account, account)

    def wake_pushes(self, account: AccountId, stores: Iterable[UUID]) -> None:
        """Have the pushes of these stores delivered soon."""
        for store in stores:
            self.wakes.wake_now(Queues.PUSH, DELIVER_PUSHES, store, account, store)

    def wake_backfill(self, account: AccountId, store: StoreId) -> None:
        """Have the past of a store read on soon."""
        self.wakes.wake_now(Queues.READING, CONTINUE_BACKFILL, f"backfill:{store}", account, store)

    def wake_imports(self, account: AccountId) -> None:
        """Have the files of an account taken soon."""
        self.wakes.wake_now(Queues.DRAIN, RUN_IMPORTS, f"import:{account}", account)

    def wake_returns(self, account: AccountId) -> None:
        """Have points given back soon for tickets of events that were called off."""
        self.wakes.wake_now(Queues.DRAIN, RETURN_POINTS, f"tickets:{account}", account)

    def wake_mails(self, account: AccountId) -> None:
        """Have the mails of an account sent soon."""
        self.wakes.wake_now(Queues.PUSH, DELIVER_MAILS, f"mail:{account}", account)


def build_tools(settings: Settings) -> Tools:
    """Return the tools of a process; connects to nothing yet."""
    settings = ensure_secrets(settings)
    return Tools(
        settings=settings,
        database=Database(settings.database_url, assume_role=not settings.database_owner_url),
        vault=Vault(settings.encryption_keys),
        wakes=WakeUps(settings.redis_url),
        connectors=make_connectors(allow_private=settings.allow_private_shops),
    )


def tools() -> Tools:
    """Return the tools of the running application."""
    return cast(Tools, current_app.extensions[TOOLS])

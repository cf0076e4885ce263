"""What waits, across all accounts: for the sweeper, /readyz and /metrics."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from loyalty.values import AccountId, StoreId


@dataclass(frozen=True, slots=True)
class Due:
    """Work that waits: `drain` of an account, `read` or `push` of a store."""

    kind: str
    account: AccountId
    store: StoreId | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits, and since when the oldest message does."""

    oldest_message: datetime | None
    messages: int
    failed_messages: int
    pushes: int
    failed_pushes: int

    def age(self, now: datetime) -> float:
        """Return for how many seconds the oldest message has waited, 0 when none does."""
        return (now - self.oldest_message).total_seconds() if self.oldest_message else 0.0


@dataclass(frozen=True, slots=True)
class Alarms:
    """How many incidents nobody has looked at, and in how many accounts discounts were above their limit last."""

    open_incidents: int
    discounts_above: int


@dataclass(frozen=True, slots=True)
class Lookout:
    """How well the shops are looked over: differences found and passes that failed in a day, and since when the shop
    that waits longest was not looked over.
    """

    found: int
    failed: int
    oldest_look: datetime | None


def list_due(connection: Connection, now: datetime) -> list[Due]:
    """Return everything that may be worked on now; works without an account."""
    rows = connection.execute(
        text("select kind, account_id, store_id from laurel_due_work(:now)"), {"now": now}
    )
    return [Due(kind, AccountId(account), StoreId(store) if store else None) for kind, account, store in rows]


def list_due_members(connection: Connection, now: datetime) -> list[Due]:
    """Return the accounts with members whose `tier` or `points` change by themselves; works without an account."""
    rows = connection.execute(text("select kind, account_id from laurel_due_members(:now)"), {"now": now})
    return [Due(kind, AccountId(account), None) for kind, account in rows]


def list_due_imports(connection: Connection) -> list[AccountId]:
    """Return the accounts with files that wait for a worker; works without an account."""
    rows = connection.execute(text("select account_id from laurel_due_imports()"))
    return [AccountId(row.account_id) for row in rows]


def read_waiting(connection: Connection) -> Waiting:
    """Return the figures of all accounts together; works without an account."""
    row = connection.execute(text("select * from laurel_waiting()")).one()
    return Waiting(*row)


def read_alarms(connection: Connection) -> Alarms:
    """Return what somebody should look at in all accounts together; works without an account."""
    row = connection.execute(text("select * from laurel_alarms()")).one()
    return Alarms(*row)


def read_lookout(connection: Connection) -> Lookout:
    """Return how well the shops of all accounts are looked over; works without an account."""
    row = connection.execute(text("select * from laurel_reconciled()")).one()
    return Lookout(*row)

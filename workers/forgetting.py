"""Forget the persons of a shop that wants it: everybody who is known by no other store, then its keys.

Each person is one transaction, and who is forgotten already is passed over: it may be stopped and begun again anywhere.
"""

from __future__ import annotations

from datetime import datetime
from time import monotonic
from uuid import UUID

import structlog

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.erasing import BY_SHOP, erase_member
from loyalty.errors import LoyaltyError
from loyalty.inbox.erasing import forget_store
from loyalty.reports.only_here import list_only_here
from loyalty.stores.lifecycle import hold_to_erase, list_to_erase, throw_keys_away
from loyalty.stores.service import Store, get_store
from loyalty.values import AccountId
from workers.runtime import Runtime

PAGE = 500
SECONDS_AT_ONCE = 240.0
NOBODY = UUID(int=0)

log = structlog.get_logger(__name__)


def forget_shops(
    runtime: Runtime, account: AccountId, now: datetime | None = None, *, seconds: float = SECONDS_AT_ONCE
) -> int:
    """Forget the persons of an account's shops that want it; return how many. The next call goes on after some time."""
    with runtime.database.transaction(account) as connection:
        stores = [get_store(connection, runtime.vault, each) for each in list_to_erase(connection)]
    deadline = monotonic() + seconds
    return sum(_forget(runtime, store, now or utc_now(), deadline) for store in stores)


def _forget(runtime: Runtime, store: Store, now: datetime, deadline: float) -> int:
    """Forget the persons of a store, up to a deadline or until it is connected again; one who cannot be forgotten stops
    nobody else, and is tried again by the next job: the keys stay until then.
    """
    if not _begin(runtime, store):
        return 0
    done, failed = 0, 0
    after: UUID | None = NOBODY
    while after is not None:
        with runtime.database.transaction(store.account) as connection:
            members, after = list_only_here(connection, store, after, PAGE)
        for member in members:
            if monotonic() > deadline:
                return done
            try:
                if not _erase(runtime, store, member, now):
                    return done
            except LoyaltyError as error:
                failed += 1
                log.error(
                    "member_not_forgotten", store=str(store.id), member=str(member), why=type(error).__name__
                )
            else:
                done += 1
    if not failed:
        _end(runtime, store, done)
    return done


def _begin(runtime: Runtime, store: Store) -> bool:
    with runtime.database.transaction(store.account) as connection:
        if not hold_to_erase(connection, store.id):
            return False
        forget_store(connection, store.id)
    return True


def _erase(runtime: Runtime, store: Store, member: UUID, now: datetime) -> bool:
    """Forget a person unless the shop came back meanwhile; raises LoyaltyError."""
    with runtime.database.transaction(store.account) as connection:
        if not hold_to_erase(connection, store.id):
            return False
        book = load_book(connection, runtime.vault, store.account)
        erase_member(connection, book, member, BY_SHOP, now)
    return True


def _end(runtime: Runtime, store: Store, done: int) -> None:
    with runtime.database.transaction(store.account) as connection:
        if not hold_to_erase(connection, store.id):
            return
        throw_keys_away(connection, runtime.vault, store.id)
        note(connection, store.account, BY_SHOP.actor, "store.erased", store.key)
    log.info("shop_forgotten", store=str(store.id), members=done)

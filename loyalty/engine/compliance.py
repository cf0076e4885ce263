"""What a shop passes on of its persons and of itself; law: whatever comes, in any order and however often, the ledger
stays as it is, and none of it needs the shop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.activity.service import note
from loyalty.commerce import CustomerDataRequested, CustomerErased, Fact, ShopErased, StoreUninstalled
from loyalty.db import Row
from loyalty.engine.book import AccountBook
from loyalty.engine.erasing import BY_SHOP, erase_member, find_person
from loyalty.inbox.erasing import empty_messages
from loyalty.incidents.repository import note_incidents
from loyalty.privacy.repository import DataRequest, add_request
from loyalty.stores.lifecycle import note_erasure_wish, note_uninstalled
from loyalty.values import MessageId

NAMES_PERSONS = (CustomerErased, CustomerDataRequested)
"""Their deliveries name somebody and say nothing more once they were taken."""


def obey_shops(
    connection: Connection, book: AccountBook, facts: Sequence[tuple[MessageId, Fact]], now: datetime
) -> None:
    """Act on what shops pass on: erase persons, note requests, let go of stores."""
    for _, fact in facts:
        if isinstance(fact, CustomerErased):
            _erase(connection, book, fact, now)
        elif isinstance(fact, CustomerDataRequested):
            _note_request(connection, book, fact, now)
        elif isinstance(fact, StoreUninstalled):
            _let_go(connection, book, fact, now)
        elif isinstance(fact, ShopErased):
            _note_wish(connection, book, fact)
    named = [message for message, fact in facts if isinstance(fact, NAMES_PERSONS)]
    if named:
        empty_messages(connection, named)


def _erase(connection: Connection, book: AccountBook, fact: CustomerErased, now: datetime) -> None:
    """Erase whom the shop means by his id, and the guest of his address; who is none needs nothing."""
    for member in _meant(connection, book, fact):
        erase_member(connection, book, member, BY_SHOP, now)


def _meant(
    connection: Connection, book: AccountBook, fact: CustomerErased | CustomerDataRequested
) -> Iterable[UUID]:
    to_erase = isinstance(fact, CustomerErased)
    return dict.fromkeys(
        find_person(connection, book, fact.store_id, fact.external_id, fact.email, to_erase=to_erase)
    )


def _note_request(
    connection: Connection, book: AccountBook, fact: CustomerDataRequested, now: datetime
) -> None:
    """Note for the merchant who wants to know what is stored of him, once; he has a month to answer."""
    members: list[UUID | None] = list(_meant(connection, book, fact))
    for place, member in enumerate(members or [None]):
        asked = f"{fact.request_id or fact.external_id}{f'-{place}' if place else ''}"
        request = DataRequest(fact.store_id, asked, fact.external_id, member, fact.observed_at)
        if add_request(connection, book.id, request):
            number = book.store_numbers[fact.store_id]
            data = {"store": number, "request": asked}
            row = _incident("data_request", f"{number}:{asked}", data, now, member)
            note_incidents(connection, book.id, [row])


def _let_go(connection: Connection, book: AccountBook, fact: StoreUninstalled, now: datetime) -> None:
    """Disconnect a store whose app was taken out; its data stay, as the merchant may come back."""
    key = note_uninstalled(connection, fact.store_id, fact.observed_at)
    if key is None:
        return
    note(connection, book.id, BY_SHOP.actor, "store.uninstalled", key)
    subject = f"{key}:{fact.observed_at.isoformat()}"
    note_incidents(connection, book.id, [_incident("store_uninstalled", subject, {"store": key}, now)])


def _note_wish(connection: Connection, book: AccountBook, fact: ShopErased) -> None:
    """Have a job forget the persons of a shop: there may be very many."""
    key = note_erasure_wish(connection, fact.store_id, fact.observed_at)
    if key is not None:
        note(connection, book.id, BY_SHOP.actor, "store.erasure_asked", key)


def _incident(kind: str, subject: str, data: Row, now: datetime, member: UUID | None = None) -> Row:
    return {
        "kind": kind, "subject": subject, "member_id": member, "order_key": "", "data": data, "noticed_at": now,
    }  # fmt: skip

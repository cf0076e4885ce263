"""Persons of a shop that wants them forgotten: each for himself, as long as it wants it, in the time of one job."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import DOMAIN, make_shopify
from sqlalchemy import Connection, text

from loyalty.engine.book import AccountBook
from loyalty.engine.erasing import erase_member
from loyalty.engine.people import enrol
from loyalty.engine.work import Word
from loyalty.errors import Conflict
from loyalty.inbox.repository import accept
from loyalty.members.identity import customer_identity
from loyalty.reports.only_here import list_only_here
from loyalty.stores.service import Store, get_store
from loyalty.values import AccountId
from workers import forgetting, jobs
from workers.forgetting import forget_shops
from workers.runtime import Runtime

PERSONS = 3


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    return Desk(runtime, make_shop(runtime, make_document()))


@pytest.fixture
def store(desk: Desk) -> Store:
    """A shop with three customers that wants them forgotten."""
    store = make_shopify(desk.runtime, desk.shop.account)
    with desk.connect() as connection:
        people = [customer_identity(store.number, str(number)) for number in range(PERSONS)]
        enrol(connection, desk.shop.account, people)
    say(desk, store, "state = 'disconnected', erase_at = now()")
    return store


def say(desk: Desk, store: Store, values: str) -> None:
    with desk.connect() as connection:
        connection.execute(text(f"update stores set {values} where id = :id"), {"id": store.id})


def erased(desk: Desk) -> int:
    return len(desk.rows("select 1 from members where erased_at is not null"))


def keys(desk: Desk, store: Store) -> tuple[str | None, bool]:
    """Its domain, and whether it has credentials."""
    with desk.connect() as connection:
        known = get_store(connection, desk.runtime.vault, store.id)
    return known.shop_domain, bool(known.credentials)


def test_one_who_cannot_be_forgotten_stops_nobody_and_is_tried_again(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[UUID] = []

    def erase(connection: Connection, book: AccountBook, member: UUID, word: Word, now: datetime) -> None:
        tried.append(member)
        if len(tried) == 1:
            raise Conflict("Something of him is under way.")
        erase_member(connection, book, member, word, now)

    monkeypatch.setattr(forgetting, "erase_member", erase)
    assert (forget_shops(desk.runtime, desk.shop.account), erased(desk)) == (PERSONS - 1, PERSONS - 1)
    assert keys(desk, store) == (DOMAIN, True)
    assert (forget_shops(desk.runtime, desk.shop.account), erased(desk)) == (1, PERSONS)
    assert (tried.count(tried[0]), len(tried)) == (2, PERSONS + 1)
    assert keys(desk, store) == (None, False)


@pytest.mark.parametrize("body", [b"{}", b""])
@pytest.mark.parametrize("status", ["pending", "reading"])
def test_no_message_of_a_forgotten_shop_waits_also_where_it_was_emptied_before(
    desk: Desk, store: Store, status: str, body: bytes
) -> None:
    with desk.connect() as connection:
        accept(
            connection, desk.shop.account, store.id, key=bytes(32), source="webhook", topic="orders/paid",
            delivery_id="", body=body,
        )  # fmt: skip
    desk.rows(f"update inbox_messages set status = '{status}' returning id")
    forget_shops(desk.runtime, desk.shop.account)
    (row,) = desk.rows("select status, reason, octet_length(body) as bytes from inbox_messages")
    assert tuple(row.values()) == ("ignored", "erased", 0)


def test_a_shop_that_comes_back_meanwhile_keeps_who_is_left(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def list_then_return(*given: Any) -> Any:
        found = list_only_here(*given)
        say(desk, store, "state = 'connected', erase_at = null")
        return found

    monkeypatch.setattr(forgetting, "list_only_here", list_then_return)
    assert (forget_shops(desk.runtime, desk.shop.account), erased(desk)) == (0, 0)
    say(desk, store, "state = 'disconnected'")
    assert keys(desk, store) == (DOMAIN, True)
    assert desk.rows("select 1 from activities where action = 'store.erased'") == []


def test_nobody_connects_a_shop_while_one_of_its_persons_is_forgotten(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[int] = []

    def erase(*given: Any) -> None:
        statement = text("select 1 from stores where id = :id for no key update skip locked")
        with desk.connect() as connection:
            free.append(len(connection.execute(statement, {"id": store.id}).all()))
        erase_member(*given)

    monkeypatch.setattr(forgetting, "erase_member", erase)
    assert forget_shops(desk.runtime, desk.shop.account) == PERSONS
    assert free == [0] * PERSONS


def test_the_shops_of_all_accounts_share_the_time_of_one_job(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = make_shop(desk.runtime, make_document())
    given: list[float] = []

    def forget(runtime: Runtime, account: AccountId, **how: float) -> int:
        given.append(how["seconds"])
        return forget_shops(runtime, account, **how)

    monkeypatch.setattr(jobs, "runtime", lambda: desk.runtime)
    monkeypatch.setattr(forgetting, "forget_shops", forget)
    assert (second.account != desk.shop.account, jobs.forget_shops(), erased(desk)) == (
        True,
        PERSONS,
        PERSONS,
    )
    assert forgetting.SECONDS_AT_ONCE > given[0] > given[1]


def test_who_is_erased_but_for_an_excluded_domain_is_passed_over(desk: Desk, store: Store) -> None:
    with desk.connect() as connection:
        connection.execute(text("update members set erased_at = now(), email = '@ourshop.example'"))
        connection.execute(text("update members set name = 'Amy' where right(key, 1) = '1'"))
        connection.execute(text("update members set email = 'bo@ourshop.example' where right(key, 1) = '2'"))
    with desk.connect() as connection:
        listed, _ = list_only_here(connection, store, UUID(int=0), 10)
    keys = {row["id"]: row["key"] for row in desk.rows("select id, key from members")}
    assert sorted(keys[member].rpartition(":")[2] for member in listed) == ["1", "2"]

"""Who was a guest before an import is one after it is undone, unless somebody else registered him since."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from loyalty.commerce import Buyer, Fact
from loyalty.db import Row
from loyalty.engine.apply import apply_facts
from loyalty.engine.book import load_book
from loyalty.engine.importing import undo_import
from loyalty.engine.joining import Newcomer, join_program
from loyalty.engine.merging import merge_members
from loyalty.engine.work import Word
from loyalty.members.identity import Identity
from loyalty.members.repository import find_members
from loyalty.values import MessageId, StoreId
from tests.builders import Shop, make_document, make_order, make_shop
from tests.moving import NOW, assert_proven, bring, standings
from workers.draining import refold_account
from workers.importing import run_imports
from workers.runtime import Runtime

GUEST = Buyer(email="amy@x.com")
CUSTOMER = Buyer(customer_id="7", email="amy@x.com")
FILE = "email,points\namy@x.com,5\n"
NAMED = "email,customer_ids,proven_emails,points\namy@x.com,1:7,amy@x.com,5\n"
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return make_shop(runtime, make_document(enrolment={"guests": False}))


def place(runtime: Runtime, shop: Shop, id: str, buyer: Buyer, *, days: int = -9, total: str = "100") -> None:
    at = NOW + timedelta(days=days)
    order: Fact = make_order(id, total, at=at, buyer=buyer, store_id=StoreId(shop.store.id))
    with runtime.database.transaction(shop.account) as connection:
        book = load_book(connection, runtime.vault, shop.account)
        apply_facts(connection, book, [(MessageId(int(id)), order)], max(NOW, at))


def undo(runtime: Runtime, shop: Shop, done: Row) -> None:
    refold_account(runtime, shop.account, NOW)
    with runtime.database.transaction(shop.account) as connection:
        undo_import(connection, shop.account, done["id"], "test")
    run_imports(runtime, shop.account, LATER)
    refold_account(runtime, shop.account, LATER)
    assert_proven(runtime, shop)


def amy(runtime: Runtime, shop: Shop) -> dict[str, Any]:
    """What is stored of whoever stands for Amy's address."""
    refold_account(runtime, shop.account, NOW)
    with runtime.database.transaction(shop.account) as connection:
        person = find_members(connection, [Identity("email", "amy@x.com")])[Identity("email", "amy@x.com")]
        row = connection.execute(
            text(
                "select registered, enrolled, points_sum, order_count, joined_at from members where id = :id"
            ),
            {"id": person.survivor},
        )
        return dict(row.mappings().one())


def test_the_past_orders_of_a_guest_earn_nothing_again(runtime: Runtime, shop: Shop) -> None:
    place(runtime, shop, "1", GUEST)
    before = amy(runtime, shop)
    assert (before["points_sum"], before["registered"]) == (0, False)
    done = bring(runtime, shop, FILE)
    imported = amy(runtime, shop)
    assert (imported["points_sum"], imported["registered"], imported["enrolled"]) == (105, True, True)
    undo(runtime, shop, done)
    assert amy(runtime, shop) == before
    again = bring(runtime, shop, FILE, LATER)
    assert (again["valid"], amy(runtime, shop)["points_sum"]) == (1, 105)


def test_whom_the_shop_registered_since_keeps_what_his_orders_earn(runtime: Runtime, shop: Shop) -> None:
    place(runtime, shop, "1", GUEST)
    done = bring(runtime, shop, NAMED)
    place(runtime, shop, "2", CUSTOMER, days=0, total="30")
    undo(runtime, shop, done)
    left = amy(runtime, shop)
    assert (left["points_sum"], left["registered"], left["enrolled"]) == (130, True, True)


def test_who_signed_up_since_stays_a_member(runtime: Runtime, shop: Shop) -> None:
    place(runtime, shop, "1", GUEST)
    done = bring(runtime, shop, FILE)
    refold_account(runtime, shop.account, NOW)
    with runtime.database.transaction(shop.account) as connection:
        book = load_book(connection, runtime.vault, shop.account)
        for _ in range(2):
            joined = join_program(connection, book, Newcomer("amy@x.com"), NOW, "test")
            assert not joined.is_new
        commands = text("select count(*) from commands where kind = 'join'")
        assert connection.execute(commands).scalar_one() == 1
    assert amy(runtime, shop)["points_sum"] == 105
    undo(runtime, shop, done)
    left = amy(runtime, shop)
    assert (left["points_sum"], left["registered"], left["enrolled"]) == (100, True, True)


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_imports_the_one_that_stands_keeps_him_registered(
    runtime: Runtime, shop: Shop, first: int
) -> None:
    place(runtime, shop, "1", GUEST)
    before = amy(runtime, shop)
    done = [bring(runtime, shop, FILE, key=key) for key in ("import", "other")]
    assert amy(runtime, shop)["points_sum"] == 110
    undo(runtime, shop, done[first])
    assert (amy(runtime, shop)["points_sum"], amy(runtime, shop)["registered"]) == (105, True)
    undo(runtime, shop, done[1 - first])
    assert amy(runtime, shop) == before


def test_a_row_that_says_guest_registers_nobody(runtime: Runtime, shop: Shop) -> None:
    place(runtime, shop, "1", GUEST)
    first = bring(runtime, shop, FILE)
    bring(runtime, shop, "email,points,registered\namy@x.com,7,no\n", key="other")
    undo(runtime, shop, first)
    left = amy(runtime, shop)
    assert (left["points_sum"], left["registered"]) == (7, False)


def test_a_guest_who_is_merged_since_is_a_guest_again_within_the_merge(runtime: Runtime, shop: Shop) -> None:
    place(runtime, shop, "1", GUEST)
    place(runtime, shop, "2", Buyer(customer_id="8", email="bo@x.com"))
    done = bring(runtime, shop, FILE)
    refold_account(runtime, shop.account, NOW)
    found = standings(runtime, shop)
    with runtime.database.transaction(shop.account) as connection:
        book = load_book(connection, runtime.vault, shop.account)
        word = Word("one person", "test")
        merge_members(connection, book, found["bo@x.com"].id, found["amy@x.com"].id, word, NOW)
    assert amy(runtime, shop)["points_sum"] == 205
    undo(runtime, shop, done)
    assert amy(runtime, shop)["points_sum"] == 100


@pytest.mark.parametrize(("file", "buyer", "stays"), [(FILE, GUEST, False), (NAMED, CUSTOMER, True)])
def test_whom_the_import_made_is_a_member_only_by_what_he_did_since(
    runtime: Runtime, shop: Shop, file: str, buyer: Buyer, stays: bool
) -> None:
    done = bring(runtime, shop, file)
    place(runtime, shop, "1", buyer, days=1)
    assert amy(runtime, shop)["points_sum"] == 105
    undo(runtime, shop, done)
    left = amy(runtime, shop)
    assert (left["registered"], left["enrolled"], left["joined_at"] is not None) == (stays, stays, stays)
    assert left["points_sum"] == (100 if stays else 0)

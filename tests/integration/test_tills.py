"""Orders of tills through the database: what they cause is kept in a shop; a till is neither asked nor told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_sale, make_till, make_woo_order, sign
from ladders import REWARDS, ladder, tier
from receiving import Desk, make_desk

from connectors.woocommerce.sandbox import SandboxShop
from loyalty.engine.book import AccountBook
from loyalty.engine.people import enrol
from loyalty.inbox.repository import accept
from loyalty.members.identity import Identity
from loyalty.stores.service import Store, set_state
from loyalty.values import AccountId, StoreId
from workers.fetching import fetch_store
from workers.pushing import push_store
from workers.runtime import Runtime

GOLD = make_document(tiers=ladder(tier("gold", "500", entry_reward="gift")), rewards=REWARDS)
AMY = {"email": "amy@example.test"}
DAY = "2026-03-11T12:00:00+08:00"


@pytest.fixture
def woo_shop() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def tell(desk: Desk, till: Store, drain: bool = True, **more: Any) -> None:
    """Store what a till says of an order as the API does, and take it."""
    body = json.dumps(make_sale(**more)).encode()
    key = desk.runtime.connectors["till"].message_key("order", {}, body)
    with desk.connect() as connection:
        accept(
            connection, desk.shop.account, till.id, key=key, source="api", topic="order",
            delivery_id=more.get("id", "R-1"), body=body,
        )  # fmt: skip
    if drain:
        desk.drain()


def push(desk: Desk, *stores: StoreId) -> int:
    return sum(push_store(desk.runtime, desk.shop.account, store) for store in stores)


def coupons(desk: Desk) -> list[tuple[str, str | None]]:
    rows = desk.rows("select state, failure from coupons order by id")
    return [(row["state"], row["failure"]) for row in rows]


def test_a_coupon_that_a_sale_caused_is_made_in_the_shop_and_withdrawn_there(
    runtime: Runtime, woo_shop: SandboxShop
) -> None:
    desk = make_desk(runtime, GOLD, woo_shop)
    till = make_till(runtime, desk.shop.account)
    tell(desk, till, buyer=AMY)
    assert desk.rows("select store_id from pushes") == [{"store_id": desk.shop.store.id}]
    assert push(desk, desk.shop.store.id, till.id) == 1
    assert coupons(desk) == [("issued", None)]
    (coupon,) = woo_shop.call("GET", "coupons")
    assert (coupon["email_restrictions"], coupon["amount"]) == (["amy@example.test"], "100.00")  # type: ignore[index]
    tell(desk, till, state="refunded", modified_at=DAY, buyer=AMY)
    assert push(desk, desk.shop.store.id, till.id) == 1
    assert coupons(desk) == [("cancelled", None)]
    assert woo_shop.call("GET", "coupons")[0]["date_expires_gmt"] is not None  # type: ignore[index]
    tell(desk, till, modified_at="2026-03-12T12:00:00+08:00", buyer=AMY)
    assert push(desk, desk.shop.store.id, till.id) == 1
    assert coupons(desk) == [("issued", None)]
    assert desk.differences() == []


def test_without_a_shop_the_grant_stays_and_says_why(runtime: Runtime) -> None:
    desk = make_desk(runtime, GOLD)
    till = make_till(runtime, desk.shop.account)
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, {till.id})
    only = replace(book, store_numbers={till.id: 2}, platforms={till.id: "till"}, tills=frozenset({till.id}))
    assert only.shop(2) == till.id
    desk.runtime.books[desk.shop.account] = (float("inf"), only)
    tell(desk, till, buyer=AMY)
    assert coupons(desk) == [("failed", "the account has no shop that keeps coupons")]
    assert desk.rows("select id from pushes") == []
    assert [row["tier_key"] for row in desk.figures()] == ["gold"]
    tell(desk, till, state="refunded", modified_at=DAY, buyer=AMY)
    assert (desk.entries(), coupons(desk)[0][0]) == ([1000, -1000], "failed")
    assert desk.differences() == []


FIRST, SECOND, COUNTER = (StoreId(UUID(int=number)) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("caused_in", "closed", "kept_in"),
    [
        (1, set(), FIRST), (2, set(), SECOND), (3, set(), FIRST), (0, set(), FIRST),
        (1, {FIRST}, FIRST), (3, {FIRST}, SECOND), (3, {FIRST, SECOND}, FIRST), (0, {FIRST}, SECOND),
        (0, {FIRST, SECOND}, FIRST),
    ],
)  # fmt: skip
def test_what_a_till_causes_is_kept_in_the_first_shop_that_is_connected(
    caused_in: int, closed: set[StoreId], kept_in: StoreId
) -> None:
    numbers = {COUNTER: 3, SECOND: 2, FIRST: 1}
    book = AccountBook(
        AccountId(UUID(int=9)), b"", numbers, {}, tills=frozenset({COUNTER}), closed=frozenset(closed)
    )
    assert book.shop(caused_in) == kept_in


@pytest.mark.parametrize(
    ("closed", "caller"),
    [(set(), FIRST), ({FIRST}, SECOND), ({FIRST, SECOND}, COUNTER), ({FIRST, SECOND, COUNTER}, FIRST)],
)
def test_other_systems_are_called_while_any_store_is_connected(closed: set[StoreId], caller: StoreId) -> None:
    numbers = {COUNTER: 3, SECOND: 2, FIRST: 1}
    book = AccountBook(
        AccountId(UUID(int=9)), b"", numbers, {}, tills=frozenset({COUNTER}), closed=frozenset(closed)
    )
    assert book.caller == caller


def test_what_a_till_that_came_first_causes_is_kept_in_a_shop(runtime: Runtime) -> None:
    book = AccountBook(AccountId(UUID(int=9)), b"", {COUNTER: 1, FIRST: 2}, {}, tills=frozenset({COUNTER}))
    assert (book.shop(0), book.shop(1), book.store(0)) == (FIRST, FIRST, COUNTER)


def test_a_shop_learns_the_tier_of_its_customer_and_a_till_nothing(runtime: Runtime) -> None:
    desk = make_desk(runtime, GOLD)
    till = make_till(runtime, desk.shop.account)
    tell(desk, till, buyer={"customer_id": "55", **AMY})
    assert [row["kind"] for row in desk.rows("select kind from pushes")] == ["put_coupon"]
    desk.deliver(make_woo_order())
    desk.drain()
    stores = desk.rows("select store_id from pushes where kind = 'set_member_tier'")
    assert stores == [{"store_id": desk.shop.store.id}]


def test_a_member_whom_nobody_has_fails_alone(runtime: Runtime) -> None:
    desk = make_desk(runtime, GOLD)
    till = make_till(runtime, desk.shop.account)
    tell(desk, till, drain=False, buyer={"member": str(UUID(int=5))})
    tell(desk, till, id="R-2", buyer=AMY)
    messages = desk.rows("select status, reason from inbox_messages order by id")
    assert [row["status"] for row in messages] == ["failed", "processed"]
    assert "no member of that id" in messages[0]["reason"]
    assert desk.entries() == [1000]


@pytest.mark.parametrize("batch", [1, 400])
def test_an_order_keeps_the_products_that_were_told_first(runtime: Runtime, batch: int) -> None:
    desk = make_desk(runtime, make_document(earning={"base": {"sale_items": False}}))
    till = make_till(runtime, desk.shop.account)
    line = {"id": "1", "total": "1000"}
    tell(desk, till, drain=False, lines=[{**line, "on_sale": False}], buyer=AMY)
    tell(desk, till, drain=False, lines=[{**line, "on_sale": True}], modified_at=DAY, buyer=AMY)
    desk.drain(batch)
    assert sum(desk.entries()) == 1000
    assert desk.differences() == []


@pytest.mark.parametrize("batch", [1, 400])
def test_what_a_later_sale_leaves_out_of_its_buyer_stays_known(runtime: Runtime, batch: int) -> None:
    desk = make_desk(runtime, GOLD)
    till = make_till(runtime, desk.shop.account)
    said = ({**AMY, "name": "Amy"}, {"phone": "+886912345678"}, {})
    for number, buyer in enumerate(said):
        at = f"2026-03-1{number}T12:00:00+08:00"
        buyer = {"customer_id": "55", **buyer}
        tell(desk, till, False, id=f"R-{number}", placed_at=at, modified_at=at, buyer=buyer)
    desk.drain(batch)
    assert desk.rows("select email, phone, name, profile_at from members") == [
        {"email": "amy@example.test", "phone": "+886912345678", "name": "Amy",
         "profile_at": datetime(2026, 3, 11, 4, tzinfo=UTC)}
    ]  # fmt: skip


def test_a_sale_to_a_member_changes_nothing_of_who_he_is(runtime: Runtime) -> None:
    desk = make_desk(runtime, GOLD)
    till = make_till(runtime, desk.shop.account)
    with desk.connect() as connection:
        identity = Identity("email", "amy@example.test")
        member = enrol(connection, desk.shop.account, [identity])[identity].id
    before = desk.rows("select email, region, registered, profile_at from members")
    tell(desk, till, buyer={"member": str(member), "region": "TW"})
    assert desk.rows("select email, region, registered, profile_at from members") == before
    assert desk.rows("select kind, member_id from member_identities") == [
        {"kind": "email", "member_id": member}
    ]
    assert desk.entries() == [1000]


def test_a_till_that_was_disconnected_is_neither_asked_nor_told(runtime: Runtime) -> None:
    desk = make_desk(runtime, GOLD)
    till = make_till(runtime, desk.shop.account)
    tell(desk, till, buyer=AMY)
    with desk.connect() as connection:
        set_state(connection, till.id, "disconnected")
    assert fetch_store(runtime, desk.shop.account, till.id) == 0
    assert push(desk, till.id) == 0
    assert not runtime.connectors["till"].is_authentic([sign(b"")], {}, b"")

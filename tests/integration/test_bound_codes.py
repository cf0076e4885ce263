"""Codes that a Shopify store binds to customers: who serves whom is compared by customers, whose e-mails may change."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import make_reachable

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.engine.redemptions import Wish, redeem_reward
from loyalty.inbox.repository import accept
from workers.fetching import fetch_store
from workers.pushing import push_store
from workers.runtime import Runtime

OFF = {"key": "off", "kind": "fixed_discount", "points": 100, "amount": "50", "valid_days": 30}
Row = dict[str, Any]


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: ShopifySandbox) -> Desk:
    shop = make_shop(runtime, make_document(rewards=[OFF]))
    store = make_reachable(runtime, shop.account, sandbox)
    return Desk(runtime, replace(shop, store=store))


@pytest.fixture
def amy(desk: Desk, sandbox: ShopifySandbox) -> int:
    """A customer who redeemed her points for a code."""
    amy = int(sandbox.add_customer("amy@example.test")["id"])
    order = sandbox.place_order((sandbox.add_product("Mug", 100)["id"], 1), customer=amy)
    tell(desk, "orders/edited", {"order_edit": {"order_id": order["id"]}})
    now = utc_now()
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, {desk.shop.store.id})
        member = UUID(str(desk.rows("select id from members")[0]["id"]))
        redeem_reward(connection, book, member, Wish("off", store=desk.shop.store.id), now, "amy")
    push_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    assert [row["customers"] for row in sandbox.state.discounts.values()] == [[amy]]
    return amy


def tell(desk: Desk, topic: str, body: Row) -> None:
    """Deliver, drain, read, drain."""
    raw = json.dumps(body).encode()
    with desk.connect() as connection:
        accept(
            connection, desk.shop.account, desk.shop.store.id, key=hashlib.sha256(raw).digest(), source="webhook",
            topic=topic, delivery_id="", body=raw,
        )  # fmt: skip
    desk.drain()
    desk.read_again()


def change(sandbox: ShopifySandbox, **more: Any) -> Row:
    """Change the only discount as a merchant does; return what Shopify would deliver of it."""
    (discount,) = sandbox.state.discounts.values()
    discount |= more
    return {
        "admin_graphql_api_id": f"gid://shopify/DiscountCodeNode/{discount['id']}",
        "title": discount["title"],
        "status": "ACTIVE",
    }


def incidents(desk: Desk) -> list[tuple[str, list[str]]]:
    return [(row["kind"], row["data"]["changed"]) for row in desk.rows("select kind, data from incidents")]


def test_a_member_who_changes_his_email_keeps_a_code_that_nobody_changed(
    desk: Desk, sandbox: ShopifySandbox, amy: int
) -> None:
    sandbox.change_customer(amy, email="amy.lin@example.test")
    tell(desk, "discounts/update", change(sandbox))
    assert desk.reconcile() == 0
    assert incidents(desk) == []


@pytest.mark.parametrize("bound", ["nobody", "another", "two"])
def test_a_code_that_a_merchant_bound_otherwise_is_told(
    desk: Desk, sandbox: ShopifySandbox, amy: int, bound: str
) -> None:
    ben = int(sandbox.add_customer("ben@example.test")["id"])
    customers = {"nobody": [], "another": [ben], "two": [amy, ben]}[bound]
    tell(desk, "discounts/update", change(sandbox, customers=customers))
    assert incidents(desk) == [("coupon_changed", ["customer"])]


def test_a_code_of_a_customer_who_was_merged_serves_the_one_he_became(
    desk: Desk, sandbox: ShopifySandbox, amy: int
) -> None:
    other = int(sandbox.add_customer("amy.lin@example.test")["id"])
    order = sandbox.place_order((sandbox.add_product("Cup", 100)["id"], 1), customer=other)
    tell(desk, "orders/edited", {"order_edit": {"order_id": order["id"]}})
    sandbox.merge_customers(other, amy)
    merged = [f"gid://shopify/Customer/{each}" for each in (other, amy)]
    names = ("admin_graphql_api_customer_kept_id", "admin_graphql_api_customer_deleted_id")
    tell(
        desk,
        "customers/merge",
        {**dict(zip(names, merged, strict=True)), "status": "completed", "errors": []},
    )
    tell(desk, "discounts/update", change(sandbox, customers=[other]))
    assert incidents(desk) == []
    assert len(desk.rows("select 1 from members where merged_into is not null")) == 1
    fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    assert desk.differences() == []

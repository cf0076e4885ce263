"""Orders that a Shopify store does not show without the right to read all of them: what a delivery states counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import make_reachable

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.inbox.repository import accept
from loyalty.stores.service import Store
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.reconciling import reconcile_store
from workers.runtime import Runtime


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    return Desk(runtime, make_shop(runtime, make_document()))


@pytest.fixture
def store(desk: Desk, sandbox: ShopifySandbox) -> Store:
    return make_reachable(desk.runtime, desk.shop.account, sandbox)


def tell(desk: Desk, store: Store, topic: str, body: dict[str, Any]) -> None:
    """Deliver, drain, read, drain."""
    raw = json.dumps(body).encode()
    key = hashlib.sha256(topic.encode() + raw).digest()
    with desk.connect() as connection:
        accept(
            connection, desk.shop.account, store.id, key=key, source="webhook", topic=topic, delivery_id="", body=raw
        )  # fmt: skip
    drain_account(desk.runtime, desk.shop.account)
    fetch_store(desk.runtime, desk.shop.account, store.id)
    drain_account(desk.runtime, desk.shop.account)


def points(desk: Desk) -> list[int]:
    return [row["points_sum"] for row in desk.rows("select points_sum from members")]


def test_the_refund_of_an_order_that_is_too_old_to_be_read_takes_its_points_back(
    desk: Desk, store: Store, sandbox: ShopifySandbox
) -> None:
    amy = sandbox.add_customer("amy@example.test")["id"]
    mug = sandbox.add_product("Mug", 500)["id"]
    old = sandbox.place_order((mug, 2), customer=amy)
    tell(desk, store, "orders/paid", old)
    assert points(desk) == [1000]
    sandbox.place_order((mug, 1))
    sandbox.grant("read_orders", "read_products", "read_customers")
    line = old["line_items"][0]["id"]
    sandbox.now = lambda: utc_now() + timedelta(days=90)
    sandbox.refund(old["id"], [(line, 1)])
    said = sandbox.order(old["id"])
    sandbox.cancel(old["id"], refund=False)
    sandbox.delete(old["id"])
    tell(desk, store, "orders/updated", said)
    assert points(desk) == [500]
    tell(desk, store, "orders/delete", {"id": old["id"]})
    assert (points(desk), desk.differences()) == ([500], [])


def test_a_right_that_is_taken_back_while_the_token_lives_deletes_no_order(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    scopes = "read_all_orders,read_products,write_customers,write_discounts,write_orders"
    store = make_reachable(desk.runtime, desk.shop.account, sandbox, scopes=scopes)
    amy = sandbox.add_customer("amy@example.test")["id"]
    mug = sandbox.add_product("Mug", 500)["id"]
    old = sandbox.place_order((mug, 2), customer=amy)
    tell(desk, store, "orders/paid", old)
    sandbox.now = lambda: utc_now() + timedelta(days=90)
    sandbox.place_order((mug, 1))
    sandbox.grant("read_products", "write_customers", "write_discounts", "write_orders")
    reconcile_store(desk.runtime, desk.shop.account, store.id, "deep")
    fetch_store(desk.runtime, desk.shop.account, store.id)
    drain_account(desk.runtime, desk.shop.account)
    assert (points(desk), desk.differences()) == ([1000], [])

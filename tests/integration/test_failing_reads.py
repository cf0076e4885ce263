"""One order at which a shop always fails delays no other: neither of a batch of reads, nor of a pass over the shop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import make_shopify

from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.inbox.repository import accept
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.runtime import Runtime

HOUR = timedelta(hours=1)


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: ShopifySandbox) -> Desk:
    shop = make_shop(runtime, make_document())
    store = make_shopify(
        runtime, shop.account, sandbox.shop, url=sandbox.url, access_token=sandbox.access_token
    )
    return Desk(runtime, replace(shop, store=store))


def place(sandbox: ShopifySandbox, count: int) -> list[int]:
    """Orders of 100 each, all of one buyer."""
    amy = sandbox.add_customer("amy@example.test")["id"]
    mug = sandbox.add_product("Mug", 100)["id"]
    return [int(sandbox.place_order((mug, 1), customer=amy)["id"]) for _ in range(count)]


def tell(desk: Desk, *orders: int) -> None:
    """Deliver a signal for each order, which states nothing by itself, and read them."""
    for order in orders:
        body = json.dumps({"order_edit": {"order_id": order}}).encode()
        key = hashlib.sha256(body).digest()
        with desk.connect() as connection:
            accept(
                connection, desk.shop.account, desk.shop.store.id, key=key, source="webhook",
                topic="orders/edited", delivery_id="", body=body,
            )  # fmt: skip
    desk.drain()
    fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    desk.drain()


def points(desk: Desk) -> list[int]:
    return [row["points_sum"] for row in desk.rows("select points_sum from members")]


def waiting(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows(
        "select read_ids, attempts, reason from inbox_messages where status = 'reading' order by id"
    )


def test_one_order_that_always_fails_leaves_the_rest_of_its_batch_alone(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    numbers = place(sandbox, 12)
    sandbox.state.failing.add(numbers[5])
    tell(desk, *numbers)
    assert points(desk) == [1100]
    (late,) = waiting(desk)
    assert (late["read_ids"], late["attempts"]) == (str(numbers[5]), 1)
    assert late["reason"].startswith("unreachable: ")


def test_an_order_that_failed_counts_once_the_shop_answers(desk: Desk, sandbox: ShopifySandbox) -> None:
    numbers = place(sandbox, 2)
    sandbox.state.failing.add(numbers[1])
    tell(desk, *numbers)
    sandbox.state.failing.clear()
    desk.rows("update inbox_messages set not_before = null where status = 'reading' returning id")
    fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    drain_account(desk.runtime, desk.shop.account)
    assert (points(desk), waiting(desk), desk.differences()) == ([200], [], [])


def test_a_throttled_shop_is_asked_for_all_at_once(desk: Desk, sandbox: ShopifySandbox) -> None:
    numbers = place(sandbox, 12)
    sandbox.fail_next(status=429, body=b"{}")
    tell(desk, *numbers)
    assert [each.status for each in sandbox.requests] == [429]
    assert [each["read_ids"] for each in waiting(desk)] == [str(each) for each in numbers]


def test_a_pass_goes_on_past_an_order_that_fails_and_finds_it_again_however_late(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    desk.rows("update stores set created_at = now() - interval '1 day' returning id")
    sandbox.now = lambda: utc_now() - HOUR
    numbers = place(sandbox, 2)
    sandbox.now = utc_now
    sandbox.fulfil(numbers[1])
    sandbox.state.failing.add(numbers[0])
    assert desk.reconcile("poll") == 2
    assert points(desk) == [100]
    sandbox.state.failing.clear()
    assert desk.reconcile("poll") == 1
    assert (points(desk), desk.reconcile("poll")) == ([200], 0)

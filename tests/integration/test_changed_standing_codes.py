"""Standing codes whose tier offers something else: changed in a Shopify store, or switched off where it refuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_document, make_shop
from ladders import ladder, tier
from receiving import Desk
from shopify_stores import make_reachable

from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.sandbox.discount_checks import Checks
from loyalty.clock import utc_now
from loyalty.engine.publishing import publish_program
from loyalty.engine.retrying import retry_all
from loyalty.engine.standing import make_standing_code
from loyalty.inbox.repository import accept
from workers.pushing import TRIES, push_store
from workers.runtime import Runtime
from workers.settling import close_tier_periods

PERCENT, SHIPPING = {"discount_percent": "20"}, {"free_shipping": True}
BOTH = {**PERCENT, **SHIPPING}
"""No discount of Shopify gives both."""
Row = dict[str, Any]


def rules(**benefits: Any) -> Row:
    return make_document(tiers=ladder(tier("gold", "1000", **benefits)))


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: ShopifySandbox) -> Desk:
    """A shop whose only customer is gold and has asked for the code, which takes 20 percent off."""
    shop = make_shop(runtime, rules(**PERCENT))
    store = make_reachable(runtime, shop.account, sandbox)
    desk = Desk(runtime, replace(shop, store=store))
    amy = int(sandbox.add_customer("amy@example.test")["id"])
    order = sandbox.place_order((sandbox.add_product("Mug", 1500)["id"], 1), customer=amy)
    raw = json.dumps({"order_edit": {"order_id": order["id"]}}).encode()
    with desk.connect() as connection:
        accept(
            connection, desk.shop.account, store.id, key=hashlib.sha256(raw).digest(), source="webhook",
            topic="orders/edited", delivery_id="", body=raw,
        )  # fmt: skip
    desk.drain()
    desk.read_again()
    ask(desk)
    push(desk)
    assert (served(sandbox), stored(desk)) == (["DiscountCodeBasic"], ("issued", 20))
    return desk


def ask(desk: Desk) -> None:
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, {desk.shop.store.id})
        member = desk.rows("select id from members where tier_key = 'gold'")[0]["id"]
        make_standing_code(connection, book, member, desk.shop.store.id, utc_now())


def publish(desk: Desk, **benefits: Any) -> None:
    now = datetime.now(UTC)
    with desk.connect() as connection:
        publish_program(
            connection, desk.shop.account, rules(**benefits), effective_from=now, now=now, actor="test"
        )
    close_tier_periods(desk.runtime, desk.shop.account, now)


def push(desk: Desk, hours: int = 1) -> None:
    """Push now and in each of the hours after."""
    for hour in range(hours + 1):
        push_store(desk.runtime, desk.shop.account, desk.shop.store.id, now=utc_now() + timedelta(hours=hour))


def served(sandbox: ShopifySandbox) -> list[str]:
    """The kinds of the discounts that serve in the shop."""
    now = utc_now() + timedelta(seconds=1)
    rows = sandbox.state.discounts.values()
    return [row["kind"] for row in rows if row["endsAt"] is None or row["endsAt"] > now]


def stored(desk: Desk) -> tuple[str, int]:
    (row,) = desk.rows("select state, amount from coupons")
    return row["state"], int(row["amount"])


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_tier_that_frees_shipping_instead_has_the_same_code_changed_in_the_shop(
    desk: Desk, sandbox: ShopifySandbox, is_refused: bool
) -> None:
    (code,) = desk.rows("select code from coupons")
    if is_refused:
        publish(desk, **BOTH)
        push(desk)
    publish(desk, **SHIPPING)
    if is_refused:
        ask(desk)
    push(desk)
    assert (served(sandbox), stored(desk)) == (["DiscountCodeFreeShipping"], ("issued", 0))
    assert desk.rows("select code from coupons") == [code]
    assert desk.differences() == []


def test_a_code_that_the_shop_cannot_have_as_the_tier_offers_it_now_serves_no_more(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    publish(desk, **BOTH)
    push(desk)
    assert (served(sandbox), stored(desk)) == ([], ("failed", 20))
    (row,) = desk.rows("select failure from coupons")
    assert row["failure"].startswith("configuration: ")
    publish(desk, discount_percent="5")
    ask(desk)
    push(desk)
    assert (served(sandbox), stored(desk)) == (["DiscountCodeBasic"], ("issued", 5))
    assert desk.differences() == []


def without_right(sandbox: ShopifySandbox) -> Callable[[], None]:
    granted = sandbox.office.granted
    sandbox.grant("read_all_orders", "write_customers", "write_orders")
    return lambda: sandbox.grant(*granted)


def away(sandbox: ShopifySandbox) -> Callable[[], None]:
    sandbox.fail_next(times=500, path="graphql")
    return sandbox.recover


def full(_: ShopifySandbox) -> Callable[[], None]:
    """The shop has as many discounts as it takes, whatever becomes of one."""
    patch = pytest.MonkeyPatch()
    too_many = [{"field": None, "code": "MAX_APP_DISCOUNTS", "message": "Too many discounts."}]
    patch.setattr(Checks, "errors", property(lambda _: too_many, lambda *_: None), raising=False)
    return patch.undo


@pytest.mark.parametrize(
    ("hinder", "why"), [(without_right, "permission"), (away, "exhausted"), (full, "limit")]
)
def test_what_may_pass_leaves_the_code_to_be_changed_when_it_is_tried_again(
    desk: Desk, sandbox: ShopifySandbox, hinder: Callable[[ShopifySandbox], Callable[[], None]], why: str
) -> None:
    mend = hinder(sandbox)
    publish(desk, discount_percent="5")
    push(desk, hours=TRIES)
    assert (served(sandbox), stored(desk)) == (["DiscountCodeBasic"], ("failed", 5))
    mend()
    with desk.connect() as connection:
        assert retry_all(connection, why) > 0
    push(desk)
    assert (served(sandbox), stored(desk)) == (["DiscountCodeBasic"], ("issued", 5))
    assert [row["percentage"] * 20 for row in sandbox.state.discounts.values()] == [1]

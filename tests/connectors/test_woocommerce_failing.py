"""What fails alone in a WooCommerce store fails alone: orders that are read, commands that are carried out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import FetchedMessage, RawMessage, StoreAccess
from connectors.halving import MOST_IN_A_ROW
from connectors.http import Door
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.api import batch
from connectors.woocommerce.auth import auth_for
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.commerce import CustomerSnapshot, NeedsRead, OrderSnapshot, Read
from loyalty.pushes import (
    DisableCoupon,
    OneFailed,
    OneTooSlow,
    PushCommand,
    PushError,
    PushReceipt,
    PutCoupon,
    SetMemberTier,
)

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
START = NOW - timedelta(days=1)
GIFT = PutCoupon("LR-0", "fixed_discount", Decimal(100), Decimal(0), None, "amy@example.test", "gift")
Push = Callable[[Sequence[PushCommand]], list[PushReceipt | PushError]]


def place(shop: SandboxShop, count: int) -> list[str]:
    """Orders one after the other, a second apart."""
    mug = shop.add_product()["id"]
    placed = []
    for number in range(count):
        shop.now = lambda at=NOW + timedelta(seconds=number): at  # type: ignore[misc]
        placed.append(str(shop.place_order((mug, 1))["id"]))
    return placed


def fail_at(shop: SandboxShop, kind: str, *names: str) -> None:
    shop.state.failing |= {(kind, int(each)) for each in names}


def fetch(
    woo: WooCommerceConnector, access: StoreAccess, ids: list[str], *, with_products: bool = False
) -> dict[str, FetchedMessage]:
    messages = woo.fetch(access, Read.ORDER, ids, with_products=with_products, now=NOW)
    return {each.key_id: each for each in messages}


def paths(shop: SandboxShop) -> list[str]:
    return [seen.path.rpartition("/v3/")[2] for seen in shop.requests]


def test_order_whose_refunds_fail_is_told_with_the_failure_and_each_is_asked_for_once(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    placed = place(woo_shop, 6)
    for each in placed[:4]:
        woo_shop.refund(int(each), 100)
    fail_at(woo_shop, "refunds", placed[1])
    found = fetch(woo, woo_access, placed)
    assert [each for each in placed if found[each].failure] == [placed[1]]
    assert sorted(paths(woo_shop)) == ["orders", *[f"orders/{each}/refunds" for each in placed[:4]]]
    late = found[placed[1]]
    raw = RawMessage("fetch", late.topic, late.body, late.observed_at)
    assert isinstance(woo.parse(woo_access.store_id, raw, with_products=False), NeedsRead)


def test_shop_that_fails_at_all_refunds_is_asked_for_a_few_other_ones_each_time(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    placed = place(woo_shop, 40)
    for each in placed:
        woo_shop.refund(int(each), 100)
    fail_at(woo_shop, "refunds", *placed)
    asked = []
    for seconds in (0, 20):
        woo_shop.requests.clear()
        at = NOW + timedelta(seconds=seconds)
        found = woo.fetch(woo_access, Read.ORDER, placed, with_products=False, now=at)
        assert all(isinstance(each.failure, OneFailed) for each in found)
        asked.append({path for path in paths(woo_shop) if path.endswith("refunds")})
        assert len(asked[-1]) == MOST_IN_A_ROW + 1
    assert not asked[0] & asked[1]


def test_order_with_a_product_that_fails_is_told_with_the_failure(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    bad, good = (woo_shop.add_product(name)["id"] for name in ("Bad", "Good"))
    mixed, fine = (str(woo_shop.place_order((good, 1), *more)["id"]) for more in ([(bad, 1)], []))
    fail_at(woo_shop, "products", bad)
    found = fetch(woo, woo_access, [mixed, fine], with_products=True)
    assert [each for each, message in found.items() if message.failure] == [mixed]


@pytest.mark.parametrize("status", [429, 502, 503, 504, 401])
def test_refusal_of_the_whole_shop_among_the_refunds_is_one(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop, status: int
) -> None:
    placed = place(woo_shop, 3)
    for each in placed:
        woo_shop.refund(int(each), 100)
    woo_shop.fail_next(status=status, path="/refunds", body=b"{}")
    with pytest.raises(PushError) as caught:
        fetch(woo, woo_access, placed)
    assert not isinstance(caught.value, OneFailed)
    assert len(woo_shop.requests) == 2


def test_list_of_changes_goes_past_an_order_that_fails(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    placed = place(woo_shop, 130)
    fail_at(woo_shop, "orders", placed[7], placed[110])
    found, cursor = {}, None
    while True:
        page = woo.list_changed(woo_access, START, cursor)
        found |= {each.external_id: each for each in page.sightings}
        cursor = page.next
        if cursor is None:
            break
    assert list(found) == placed
    assert [each for each in placed if not found[each].is_whole] == [placed[7], placed[110]]
    assert found[placed[7]].modified_at == NOW + timedelta(seconds=7)
    assert len(woo_shop.requests) < 45


def test_list_of_changes_that_fails_whole_is_given_up(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    fail_at(woo_shop, "orders", *place(woo_shop, 60))
    with pytest.raises(OneFailed):
        woo.list_changed(woo_access, START, None)
    assert len(woo_shop.requests) <= 2 * MOST_IN_A_ROW + 3


def test_page_of_dates_that_is_empty_meanwhile_asks_for_nothing(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    place(woo_shop, 2)
    woo_shop.fail_next(status=500, path="/orders")
    woo_shop.fail_next(status=200, path="/orders", body=b"[]")
    assert woo.list_changed(woo_access, START, None).sightings == ()
    assert len(woo_shop.requests) == 2


def test_past_names_the_orders_and_customers_that_fail(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    people = [str(woo_shop.add_customer(f"c{each}@example.test")["id"]) for each in range(5)]
    placed = place(woo_shop, 9)
    woo_shop.refund(int(placed[2]), 100)
    fail_at(woo_shop, "customers", people[3])
    fail_at(woo_shop, "orders", placed[4])
    fail_at(woo_shop, "refunds", placed[2])
    found, cursor = [], None
    while True:
        page = woo.read_past(woo_access, None, cursor, with_products=False, now=NOW)
        found += [
            woo.parse(woo_access.store_id, RawMessage("fetch", it.topic, it.body, NOW), with_products=False)
            for it in page.messages
        ]
        cursor = page.next
        if cursor is None:
            break
    late = [(each.kind, each.external_ids) for each in found if isinstance(each, NeedsRead)]
    assert late == [(Read.CUSTOMER, (people[3],)), (Read.ORDER, (placed[2],)), (Read.ORDER, (placed[4],))]
    facts = [fact for each in found if isinstance(each, tuple) for fact in each]
    assert len([fact for fact in facts if isinstance(fact, CustomerSnapshot)]) == 4
    assert [fact.external_id for fact in facts if isinstance(fact, OrderSnapshot)] == [
        each for each in placed if each not in (placed[2], placed[4])
    ]


@pytest.fixture
def push(woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop) -> Push:
    return lambda commands: woo.push(woo_access, commands)


def tiers(shop: SandboxShop, count: int) -> list[SetMemberTier]:
    people = [str(shop.add_customer(f"c{each}@example.test")["id"]) for each in range(count)]
    return [SetMemberTier(each, "gold", "Gold") for each in people]


def failed_at(outcomes: Sequence[PushReceipt | PushError]) -> list[int]:
    return [place for place, each in enumerate(outcomes) if isinstance(each, PushError)]


def test_customer_whose_saving_fails_fails_alone(push: Push, woo_shop: SandboxShop) -> None:
    commands = tiers(woo_shop, 100)
    fail_at(woo_shop, "customers", commands[41].customer_id)
    outcomes = push(commands)
    assert failed_at(outcomes) == [41]
    assert [each.external_id for each in outcomes if isinstance(each, PushReceipt)] == [
        each.customer_id for each in commands if each is not commands[41]
    ]
    shown = [each for each in woo_shop.state.customers.values() if each["meta_data"][-1]["value"] == ""]
    assert len(shown) == 99
    assert len(woo_shop.requests) < 20


def test_coupons_of_a_batch_that_died_in_its_middle_are_made_once(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.state.failing.add(("coupons", "lr-5"))
    commands = [replace(GIFT, code=f"LR-{each}") for each in range(12)]
    assert failed_at(push(commands)) == [5]
    codes = [each["code"] for each in woo_shop.state.coupons.values()]
    assert sorted(codes) == sorted(each.code.lower() for each in commands)
    woo_shop.state.failing.clear()
    assert failed_at(push(commands)) == []
    assert len(woo_shop.state.coupons) == 12


def test_coupon_that_cannot_be_looked_for_keeps_no_other_alive(push: Push, woo_shop: SandboxShop) -> None:
    commands = [replace(GIFT, code=f"LR-{each}") for each in range(6)]
    push(commands)
    woo_shop.requests.clear()
    woo_shop.state.failing.add(("coupons", "lr-2"))
    outcomes = push([DisableCoupon(each.code, NOW) for each in commands])
    assert failed_at(outcomes) == [2]
    ended = [each["code"] for each in woo_shop.state.coupons.values() if each["date_expires"]]
    assert ended == [f"lr-{each}" for each in range(6) if each != 2]
    assert [path for path in paths(woo_shop) if path == "coupons/batch"] == ["coupons/batch"]


@pytest.mark.parametrize("kind", ["tiers", "put", "disable"])
def test_shop_that_fails_at_everything_is_asked_a_few_times(
    push: Push, woo_shop: SandboxShop, kind: str
) -> None:
    codes = [f"LR-{each}" for each in range(100)]
    commands: dict[str, list[PushCommand]] = {
        "tiers": list(tiers(woo_shop, 100)),
        "put": [replace(GIFT, code=each) for each in codes],
        "disable": [DisableCoupon(each, NOW) for each in codes],
    }
    woo_shop.fail_next(500, 500)
    outcomes = push(commands[kind])
    assert failed_at(outcomes) == list(range(100))
    assert len(woo_shop.requests) <= 2 * MOST_IN_A_ROW + 1


def test_shop_that_fails_at_the_codes_it_has_is_asked_for_a_few(push: Push, woo_shop: SandboxShop) -> None:
    commands = [replace(GIFT, code=f"LR-{each}") for each in range(50)]
    push(commands)
    woo_shop.requests.clear()
    woo_shop.state.failing |= {("coupons", each.code.lower()) for each in commands[1:]}
    outcomes = push(commands)
    assert failed_at(outcomes) == list(range(1, 50))
    assert not any(each.permanent for each in outcomes if isinstance(each, PushError))
    assert len(woo_shop.requests) == 1 + 1 + MOST_IN_A_ROW + 1
    woo_shop.state.failing.clear()
    assert failed_at(push(commands)) == []


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503, 504])
def test_refusal_of_the_whole_shop_is_no_reason_to_halve(
    push: Push, woo_shop: SandboxShop, status: int
) -> None:
    commands = tiers(woo_shop, 8)
    woo_shop.fail_next(status=status, body=b"{}")
    outcomes = push(commands)
    assert (failed_at(outcomes), len(woo_shop.requests)) == (list(range(8)), 1)


def test_refusal_after_a_batch_that_died_is_passing_and_leaves_what_was_done(
    push: Push, woo_shop: SandboxShop
) -> None:
    """The batch may have made the coupon: that the key is refused now says nothing about it."""
    commands = [replace(GIFT, code=f"LR-{each}") for each in range(8)]
    woo_shop.fail_next(status=500, path="coupons/batch", after=True)
    woo_shop.fail_next(status=401, path="coupons/batch", body=b"{}", text='"LR-4"')
    outcomes = push(commands)
    assert failed_at(outcomes) == [4, 5, 6, 7]
    refused: Any = outcomes[4]
    assert (refused.permanent, refused.reason) == (False, "permission")
    assert len(woo_shop.state.coupons) == 8
    assert failed_at(push(commands)) == []


@pytest.mark.parametrize(("action", "requests", "failed"), [("create", 1, 8), ("update", 5, 0)])
def test_batch_that_takes_too_long_is_halved_where_it_makes_nothing(
    woo_shop: SandboxShop, action: str, requests: int, failed: int
) -> None:
    """What a shop makes still must not be made beside it a second time."""
    auth = auth_for(woo_shop.url, woo_shop.consumer_key, woo_shop.consumer_secret)
    door = Door(woo_shop.url, auth=auth, allow_private=True, timeout=(3.0, 1.5), fails_at_things=True)
    items = [{"code": f"LR-{each}", "amount": "5"} for each in range(8)]
    made = door.call("POST", "wp-json/wc/v3/coupons/batch", payload={"create": items}).data["create"]
    asked = {"create": items, "update": [{"id": each["id"], "amount": "7"} for each in made]}[action]
    woo_shop.requests.clear()
    woo_shop.fail_next(times=2, path="coupons/batch", status=200, delay=2.5, after=True)
    outcomes = batch(door, "coupons", action, asked)
    assert sum(isinstance(each, OneTooSlow) for each in outcomes) == failed
    time.sleep(1.5)
    assert len(woo_shop.requests) == requests
    assert len(woo_shop.state.coupons) == 8


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, OneFailed),
        ({"status": 200}, OneFailed),
        ({"status": 200, "delay": 2.0, "body": b"{}"}, OneTooSlow),
        ({"status": 200, "headers": {"Content-Encoding": "gzip"}, "body": b"no"}, OneFailed),
        ({"status": 501}, PushError),
        ({"status": 503}, PushError),
        ({"status": 301, "headers": {"Location": "/"}}, PushError),
    ],
)
@pytest.mark.parametrize("fails_at_things", [True, False])
def test_what_a_thing_may_be_to_blame_for(
    woo_shop: SandboxShop, fault: dict[str, Any], kind: type[PushError], *, fails_at_things: bool
) -> None:
    woo_shop.fail_next(**fault)
    door = Door(woo_shop.url, allow_private=True, timeout=(3.0, 1.0), fails_at_things=fails_at_things)
    with pytest.raises(PushError) as caught:
        door.get("wp-json/")
    assert type(caught.value) is (kind if fails_at_things else PushError)


def test_shop_that_does_not_listen_is_to_blame_itself(woo_shop: SandboxShop) -> None:
    woo_shop.stop()
    with pytest.raises(PushError) as caught:
        Door(woo_shop.url, allow_private=True, fails_at_things=True).get("wp-json/")
    assert type(caught.value) is PushError

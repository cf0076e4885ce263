"""Failures of other systems with deliveries: twice, late, in any order, in parallel, or never."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest
from builders import NOON, make_document, make_woo_order
from receiving import make_desk

from connectors.woocommerce.sandbox import SandboxShop
from workers.runtime import Runtime

CUPS = [{"key": "gift", "kind": "fixed_discount", "amount": "100"}]
ENTER = {"any": [{"metric": "spend", "at_least": "1500"}]}
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold"}, "enter": ENTER, "benefits": {"multiplier": "2", "entry_reward": "gift"},
    },
]  # fmt: skip
PLAIN = make_document()
TIERED = make_document(tiers=TIERS, rewards=CUPS)


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def at(minute: int, **more: Any) -> dict[str, Any]:
    """The order as the shop states it so many minutes after its payment."""
    return make_woo_order(date_modified_gmt=f"2026-03-10T05:{minute:02}:00", **more)


def bought(sandbox: SandboxShop, price: int, **product: Any) -> dict[str, Any]:
    """A paid order of one product in the sandbox."""
    goods = sandbox.add_product("Mug", price, **product)
    return sandbox.place_order((goods["id"], 1), email="amy@example.test")


def test_u20_deleted_refund_gives_the_points_again_when_the_order_is_read(
    runtime: Runtime, sandbox: SandboxShop
) -> None:
    desk, order = make_desk(runtime, PLAIN, sandbox), bought(sandbox, 1000)["id"]
    refund = sandbox.refund(order, 400)
    desk.signal(order)
    assert desk.entries() == [1000, -400]
    sandbox.delete_refund(order, refund["id"])
    desk.signal(order)
    assert (sum(desk.entries()), desk.differences()) == (1000, [])


def test_u23_status_toggled_twenty_times_is_one_award(runtime: Runtime) -> None:
    desk = make_desk(runtime, PLAIN)
    for minute in range(20):
        desk.deliver(at(minute, status="completed" if minute % 2 else "processing"))
        desk.drain()
    assert (desk.entries(), desk.differences()) == ([1000], [])


def test_u23_order_cancelled_and_paid_again_stands_once(runtime: Runtime) -> None:
    desk = make_desk(runtime, PLAIN)
    for minute, status in enumerate(["processing", "cancelled", "processing", "cancelled", "completed"]):
        desk.deliver(at(minute, status=status))
        desk.drain()
    assert (sum(desk.entries()), desk.differences()) == (1000, [])


DEAR = {"total": "1600", "line_items": make_woo_order(total="1600")["line_items"]}
STORY = [
    at(0, status="pending", date_paid_gmt=None),
    at(1),
    at(2, **DEAR),
    at(3, status="cancelled", **DEAR),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_u25_every_arrival_order_ends_the_same(runtime: Runtime, order: tuple[int, ...]) -> None:
    desk = make_desk(runtime, TIERED)
    desk.deliver(make_woo_order(26, "700", date_paid_gmt="2026-03-10T06:00:00"))
    for place in order:
        desk.deliver(STORY[place])
        desk.drain()
    names = ("points_sum", "tier_key", "lifetime_spend", "order_count")
    assert [desk.figures()[0][name] for name in names] == [1400, "gold", "700", 1]
    assert desk.differences() == []


def test_u25_update_that_precedes_the_creation_is_enough(runtime: Runtime) -> None:
    desk = make_desk(runtime, PLAIN)
    desk.deliver(at(1))
    desk.drain()
    desk.deliver(at(0, status="pending", date_paid_gmt=None), "order.created")
    desk.drain()
    assert (desk.entries(), desk.differences()) == ([1000], [])


@pytest.mark.parametrize("together", [True, False])
def test_u28_two_transitions_of_one_payment_are_one_award(runtime: Runtime, together: bool) -> None:
    desk = make_desk(runtime, PLAIN)
    for _ in range(2):
        desk.deliver(make_woo_order())
        if not together:
            desk.drain()
    desk.drain()
    assert (desk.entries(), desk.differences()) == ([1000], [])


@pytest.mark.parametrize("backwards", [False, True])
def test_u28_two_bodies_of_one_second_are_read_from_the_shop(
    runtime: Runtime, sandbox: SandboxShop, backwards: bool
) -> None:
    sandbox.now = lambda: NOON
    paid = bought(sandbox, 1000)
    bodies = [sandbox.order(paid["id"]), sandbox.set_status(paid["id"], "cancelled")]
    desk = make_desk(runtime, PLAIN, sandbox)
    for body in sorted(bodies, key=lambda each: each["status"], reverse=backwards):
        desk.deliver(body)
        desk.drain()
    desk.read_again()
    assert (sum(desk.entries()), desk.differences()) == (0, [])


@pytest.mark.parametrize("stale", [{"status": "cancelled"}, {"status": "pending", "date_paid_gmt": None}])
def test_u32_older_payload_never_moves_an_order_back(runtime: Runtime, stale: dict[str, Any]) -> None:
    desk = make_desk(runtime, PLAIN)
    for body in (at(5, status="completed"), at(4, **stale)):
        desk.deliver(body)
        desk.drain()
    assert (desk.entries(), desk.differences()) == ([1000], [])


@pytest.mark.parametrize("customer", [7, 0])
def test_u33_parallel_first_orders_make_one_member(runtime: Runtime, customer: int) -> None:
    desk = make_desk(runtime, PLAIN)
    for number in range(20):
        desk.deliver(make_woo_order(100 + number, "10", customer_id=customer))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: desk.drain(batch=1), range(8)))
    assert [row["points_sum"] for row in desk.figures()] == [200]
    assert desk.differences() == []


def test_u56_bought_gift_card_earns_nothing(runtime: Runtime, sandbox: SandboxShop) -> None:
    order = bought(sandbox, 500, type="gift-card")
    desk = make_desk(runtime, PLAIN, sandbox, sells_gift_cards=True)
    desk.deliver(sandbox.order(order["id"]))
    desk.drain()
    desk.read_again()
    assert (sum(desk.entries()), desk.differences()) == (0, [])


@pytest.mark.parametrize(("refund", "state"), [(100, "requested"), (101, "cancelled")])
def test_refund_below_the_threshold_withdraws_the_unused_entry_coupon(
    runtime: Runtime, sandbox: SandboxShop, refund: int, state: str
) -> None:
    desk, order = make_desk(runtime, TIERED, sandbox), bought(sandbox, 1600)["id"]
    desk.signal(order)
    sandbox.refund(order, refund)
    desk.signal(order)
    assert [row["state"] for row in desk.rows("select state from coupons")] == [state]
    assert (desk.figures()[0]["tier_key"], desk.differences()) == ("gold", [])


def test_desk_serves_one_account_only(runtime: Runtime) -> None:
    amy, stranger = make_desk(runtime, PLAIN), make_desk(runtime, PLAIN)
    amy.deliver(make_woo_order())
    amy.drain()
    assert (stranger.figures(), stranger.entries()) == ([], [])

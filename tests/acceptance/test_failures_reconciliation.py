"""Failures of other systems that trust what a shop sends: webhooks that never come, or are switched off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from builders import make_document
from receiving import Desk, make_desk

from bench.losses import Outcome, run
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from workers.checking import check_store
from workers.runtime import Runtime

PLAIN = make_document()
MOST_FAILURES = 7


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


def buy(sandbox: SandboxShop, price: int = 1000) -> int:
    goods = sandbox.add_product("Mug", price)
    order: int = sandbox.place_order((goods["id"], 1), email="amy@example.test")["id"]
    return order


@pytest.mark.parametrize("kind", ["recent", "deep"])
def test_u20_deleted_refund_gives_the_points_again_in_the_next_cycle(
    runtime: Runtime, sandbox: SandboxShop, kind: str
) -> None:
    desk, order = make_desk(runtime, PLAIN, sandbox), buy(sandbox)
    refund = sandbox.refund(order, 400)
    desk.signal(order)
    assert sum(desk.entries()) == 600
    sandbox.delete_refund(order, refund["id"])
    assert desk.reconcile(kind) == 1
    assert (sum(desk.entries()), desk.differences(), desk.reconcile(kind)) == (1000, [], 0)
    (row,) = desk.rows("select differences from reconciliations where found > 0")
    assert row["differences"] == {"refund_deleted": 1}


def test_u20_refund_deleted_long_ago_is_found_in_the_night(runtime: Runtime, sandbox: SandboxShop) -> None:
    sandbox.now = lambda: utc_now() - timedelta(days=200)
    desk, order = make_desk(runtime, PLAIN, sandbox), buy(sandbox)
    refund = sandbox.refund(order, 400)
    desk.signal(order)
    sandbox.delete_refund(order, refund["id"])
    sandbox.now = utc_now
    assert [desk.reconcile("recent"), sum(desk.entries())] == [0, 600]
    assert [desk.reconcile("deep"), sum(desk.entries())] == [1, 1000]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shop", "seed"),
    [("woocommerce", 20261), ("woocommerce", 20262), ("shopify", 20261), ("both", 20262)],
)
def test_u26_dropped_doubled_and_delayed_webhooks_end_as_without_losses(
    runtime: Runtime, shop: str, seed: int
) -> None:
    outcome: Outcome = run(runtime, 200, seed, shop)
    assert outcome.complaints() == []
    assert outcome.found > outcome.untold


def test_u26_order_whose_webhook_never_came_is_read_once(runtime: Runtime, sandbox: SandboxShop) -> None:
    desk = make_desk(runtime, PLAIN, sandbox)
    buy(sandbox)
    assert [desk.reconcile("recent"), desk.reconcile("deep")] == [1, 0]
    assert (desk.entries(), desk.differences()) == ([1000], [])


def registered(runtime: Runtime, sandbox: SandboxShop) -> Desk:
    """A connected shop with its webhooks, of which nobody answers."""
    desk = make_desk(runtime, PLAIN, sandbox)
    runtime.connectors["woocommerce"].register_webhooks(runtime.access(desk.shop.store))
    return desk


def statuses(sandbox: SandboxShop) -> dict[Any, Any]:
    return {each["topic"]: each["status"] for each in sandbox.state.webhooks.values()}


def test_u27_webhook_that_the_shop_disabled_is_put_back_told_and_filled(
    runtime: Runtime, sandbox: SandboxShop
) -> None:
    desk = registered(runtime, sandbox)
    for _ in range(MOST_FAILURES):
        buy(sandbox)
        sandbox.deliver()
    assert statuses(sandbox)["order.updated"] == "disabled"
    mended = check_store(runtime, desk.shop.account, desk.shop.store.id)
    assert "reactivated order.updated" in mended
    assert set(statuses(sandbox).values()) == {"active"}
    (incident,) = desk.rows("select kind, data from incidents")
    assert (incident["kind"], incident["data"]["changed"]) == ("webhooks_restored", mended)
    assert desk.reconcile("recent") == MOST_FAILURES
    assert (sum(desk.entries()), desk.differences()) == (MOST_FAILURES * 1000, [])


def test_u27_webhook_that_the_shop_lost_is_made_again(runtime: Runtime, sandbox: SandboxShop) -> None:
    desk = registered(runtime, sandbox)
    sandbox.state.webhooks.clear()
    assert "created order.updated" in check_store(runtime, desk.shop.account, desk.shop.store.id)
    assert statuses(sandbox)["order.updated"] == "active"
    assert check_store(runtime, desk.shop.account, desk.shop.store.id) == []


def test_u27_webhook_that_is_put_back_is_told_though_the_shop_then_answers_no_more(
    runtime: Runtime, sandbox: SandboxShop
) -> None:
    desk = registered(runtime, sandbox)
    sandbox.state.webhooks.clear()
    sandbox.fail_next(status=503, path="/settings")
    assert "created order.updated" in check_store(runtime, desk.shop.account, desk.shop.store.id)
    assert [row["kind"] for row in desk.rows("select kind from incidents")] == ["webhooks_restored"]


OLD = {
    "key": "old",
    "name": {"en": "Old friend"},
    "enter": {"any": [{"metric": "spend", "at_least": "1500"}]},
}
TIERED = make_document(
    tiers=[{"key": "regular", "name": {"en": "Regular"}}, OLD], tier_policy={"window": {"kind": "lifetime"}}
)


def bought_before(sandbox: SandboxShop, months: int) -> None:
    """One order a month until now."""
    for month in range(months, 0, -1):
        sandbox.now = lambda at=month: utc_now() - timedelta(days=30 * at)  # type: ignore[misc]
        buy(sandbox, 100)
    sandbox.now = utc_now


def test_u82_past_purchases_are_previewed_awarded_and_never_twice(
    runtime: Runtime, sandbox: SandboxShop
) -> None:
    bought_before(sandbox, 24)
    desk = make_desk(runtime, TIERED, sandbox, effective_from=utc_now())
    cost = desk.backfill(preview=True)["figures"]
    assert (cost["orders"], cost["points"], cost["points_at_most"], desk.figures()) == (24, 2400, 2400, [])
    for _ in range(2):
        desk.backfill()
        assert (sum(desk.entries()), desk.figures()[0]["tier_key"]) == (2400, "old")
    assert desk.differences() == []


def test_u82_past_purchases_from_a_date(runtime: Runtime, sandbox: SandboxShop) -> None:
    bought_before(sandbox, 24)
    desk = make_desk(runtime, TIERED, sandbox, effective_from=utc_now())
    since = utc_now() - timedelta(days=30 * 12 + 1)
    assert desk.backfill(preview=True, since=since)["figures"]["points"] == 1200
    desk.backfill(since=since)
    assert (sum(desk.entries()), desk.figures()[0]["tier_key"]) == (1200, "regular")


def test_u82_past_purchases_may_count_toward_tiers_only(runtime: Runtime, sandbox: SandboxShop) -> None:
    bought_before(sandbox, 24)
    desk = make_desk(runtime, TIERED, sandbox, effective_from=utc_now())
    assert desk.backfill(preview=True, tiers_only=True)["figures"]["points"] == 0
    desk.backfill(tiers_only=True)
    assert (desk.entries(), desk.figures()[0]["tier_key"], desk.differences()) == ([], "old", [])

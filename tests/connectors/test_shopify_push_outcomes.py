"""Each command in a Shopify store has the outcome of its own requests, whatever became of others of its batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.pushes import DisableCoupon, PushCommand, PushError, PushReceipt, PutCoupon, SetMemberTier


@pytest.fixture
def amy(shopify_shop: ShopifySandbox) -> str:
    return str(shopify_shop.add_customer("amy@example.test")["id"])


def coupon(code: str, amy: str, kind: str = "fixed_discount", **more: Any) -> PutCoupon:
    amount = Decimal(0 if kind == "free_shipping" else 100)
    return PutCoupon(
        code, kind, amount, Decimal(0), None, "amy@example.test", "gift", customer_id=amy,
        free_shipping=kind == "free_shipping", **more,
    )  # fmt: skip


def told(outcomes: Sequence[PushReceipt | PushError]) -> list[str]:
    """What became of each: done, or why not and whether that stays."""
    return [
        "done" if isinstance(it, PushReceipt) else f"{it.reason}{' for good' if it.permanent else ''}"
        for it in outcomes
    ]


def test_what_an_earlier_request_made_is_done_though_a_later_one_is_refused_for_good(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, amy: str
) -> None:
    shopify_shop.fail_next(status=404, body=b"{}", text="PutFreeShipping")
    both = [coupon("lr1", amy), coupon("lr2", amy, "free_shipping")]
    assert told(shopify.push(shopify_access, both)) == ["done", "configuration for good"]
    assert told(shopify.push(shopify_access, both)) == ["done", "done"]


def test_a_request_that_is_refused_for_good_leaves_those_before_and_after_it_alone(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, amy: str
) -> None:
    shopify_shop.fail_next(status=404, body=b"{}", text='"lr30"')
    commands: list[PushCommand] = [coupon(f"lr{each}", amy) for each in range(50)]
    outcomes = told(shopify.push(shopify_access, commands))
    failed = [place for place, outcome in enumerate(outcomes) if outcome != "done"]
    assert set(outcomes) == {"done", "configuration for good"}
    assert (failed[0] > 0, 30 in failed, len(failed) < 50) == (True, True, True)
    assert failed == list(range(failed[0], failed[-1] + 1))
    assert len(shopify_shop.state.discounts) == 50 - len(failed)


def test_where_the_shop_is_away_the_rest_waits_unasked_and_what_was_made_is_done(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, amy: str
) -> None:
    shopify_shop.fail_next(status=503, text='"lr30"')
    commands: list[PushCommand] = [coupon(f"lr{each}", amy) for each in range(50)]
    outcomes = told(shopify.push(shopify_access, commands))
    done = outcomes.count("done")
    assert outcomes == ["done"] * done + ["unreachable"] * (50 - done)
    assert 0 < done <= 30
    assert len(shopify_shop.state.discounts) == done
    assert shopify_shop.requests[-1].status == 503


def test_only_a_product_that_is_given_needs_its_price(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, amy: str
) -> None:
    mug = str(shopify_shop.add_product("Mug", 500)["id"])
    shopify_shop.fail_next(status=404, body=b"{}", text="ProductPrices")
    both = [coupon("lr1", amy, "free_product", product_ids=(mug,)), coupon("lr2", amy)]
    assert told(shopify.push(shopify_access, both)) == ["configuration for good", "done"]


def test_a_customer_at_whom_the_shop_fails_leaves_others_their_tiers(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, amy: str
) -> None:
    ben = str(shopify_shop.add_customer("ben@example.test")["id"])
    shopify_shop.state.failing.add(int(ben))
    tiers = [SetMemberTier(each, "gold", "Gold") for each in (amy, ben, "424242")]
    assert told(shopify.push(shopify_access, tiers)) == ["done", "unreachable", "done"]
    assert shopify_shop.state.customers[int(amy)]["tags"] == ["laurel-tier:gold"]


def test_a_code_that_is_off_is_told_off_though_the_uses_of_another_cannot_be_read(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox, amy: str
) -> None:
    commands: list[PushCommand] = [coupon(f"lr{each}", amy) for each in range(50)]
    shopify.push(shopify_access, commands)
    shopify_shop.fail_next(status=404, body=b"{}", text="lr30'")
    off = [DisableCoupon(f"lr{each}", datetime(2026, 11, 22, tzinfo=UTC)) for each in range(50)]
    outcomes = told(shopify.push(shopify_access, off))
    assert (outcomes[0], outcomes[30]) == ("done", "configuration for good")

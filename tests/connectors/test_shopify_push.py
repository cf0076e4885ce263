"""Commands in a Shopify store: each code once, bound to its member, whatever is lost, taken or throttled."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders import STORE

from connectors.base import StoreAccess
from connectors.shopify import ShopifyConnector, coupons, refusals
from connectors.shopify.sandbox import ShopifySandbox, discounts
from loyalty.pushes import (
    DisableCoupon,
    MarkOrder,
    PushCommand,
    PushError,
    PushReceipt,
    PutCoupon,
    SetMemberTier,
)

EXPIRES = datetime(2027, 1, 31, 16, 0, tzinfo=UTC)
AMY = "amy@example.test"
Outcomes = list[PushReceipt | PushError]
Push = Callable[..., Outcomes]


def ten_off(code: str = "lrab23", **more: Any) -> PutCoupon:
    known: dict[str, Any] = {"kind": "fixed_discount", "amount": Decimal("100"), "expires_at": EXPIRES}
    known |= {"minimum_subtotal": Decimal("300"), "email": AMY, "description": "gift"}
    return PutCoupon(code, **{**known, **more})


@pytest.fixture
def push(shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox) -> Push:
    shopify_shop.add_customer(AMY)
    return lambda *commands: shopify.push(shopify_access, commands)


def refusal(outcomes: Outcomes) -> tuple[bool, str]:
    (error,) = outcomes
    assert isinstance(error, PushError)
    return error.permanent, error.reason


def stored(shop: ShopifySandbox, code: str = "lrab23") -> dict[str, Any]:
    found = shop.discount(code)
    assert found is not None
    return found


def customer_id(shop: ShopifySandbox) -> str:
    return str(next(iter(shop.state.customers)))


def asked(shop: ShopifySandbox, operation: str) -> int:
    return sum(operation in str(seen.body) for seen in shop.requests)


def test_a_code_is_a_discount_of_its_own_bound_to_its_member(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    (receipt,) = push(ten_off())
    discount = stored(shopify_shop)
    assert receipt == PushReceipt(str(discount["id"]))
    assert discount["customers"] == [int(customer_id(shopify_shop))]
    assert (discount["usageLimit"], discount["appliesOncePerCustomer"]) == (1, True)
    assert (discount["amount"], discount["minimum"]) == (100, ("subtotal", 300))
    assert discount["title"] == "Laurel lrab23"
    assert discount["endsAt"] == datetime(2027, 1, 31, 15, 59, 59, tzinfo=UTC)
    assert not any(discount["combinesWith"].values())


def test_a_known_customer_is_not_looked_for_by_his_email(push: Push, shopify_shop: ShopifySandbox) -> None:
    (receipt,) = push(ten_off(email="another@example.test", customer_id=customer_id(shopify_shop)))
    assert isinstance(receipt, PushReceipt)
    assert asked(shopify_shop, "CustomerByEmail") == 0


def test_who_is_no_customer_gets_no_code_that_would_serve_everybody(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    assert refusal(push(ten_off(email="nobody@example.test"))) == (True, "rejected")
    assert shopify_shop.discount("lrab23") is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (ten_off(kind="percent_discount", amount=Decimal("12.5")), {"percentage": Decimal("0.125")}),
        (ten_off(reusable=True), {"usageLimit": None, "appliesOncePerCustomer": False}),
        (ten_off(expires_at=None), {"endsAt": None}),
        (
            ten_off(combinable=True),
            {
                "combinesWith": dict.fromkeys(
                    ("orderDiscounts", "productDiscounts", "shippingDiscounts"), True
                )
            },
        ),
        (
            ten_off(kind="free_shipping", amount=Decimal(0), free_shipping=True, combinable=True),
            {
                "kind": "DiscountCodeFreeShipping",
                "combinesWith": {
                    "orderDiscounts": True,
                    "productDiscounts": True,
                    "shippingDiscounts": False,
                },
            },
        ),
    ],
)
def test_what_is_asked_is_what_the_shop_keeps(
    push: Push, shopify_shop: ShopifySandbox, command: PutCoupon, expected: dict[str, Any]
) -> None:
    (receipt,) = push(command)
    assert isinstance(receipt, PushReceipt)
    assert {key: stored(shopify_shop)[key] for key in expected} == expected


def test_a_free_product_is_the_price_of_one_piece_of_it(push: Push, shopify_shop: ShopifySandbox) -> None:
    mug = shopify_shop.add_product("Mug", 450)
    gift = ten_off(kind="free_product", amount=Decimal(100), product_ids=(str(mug["id"]),))
    (receipt,) = push(gift)
    assert isinstance(receipt, PushReceipt)
    discount = stored(shopify_shop)
    assert (discount["amount"], discount["products"], discount["onEachItem"]) == (450, [mug["id"]], False)
    (again,) = push(gift)
    assert again == receipt


def test_a_discount_may_be_bound_to_a_collection(push: Push, shopify_shop: ShopifySandbox) -> None:
    cups = shopify_shop.add_collection("Cups")
    (receipt,) = push(ten_off(category_ids=(str(cups["id"]),)))
    assert isinstance(receipt, PushReceipt)
    assert stored(shopify_shop)["collections"] == [cups["id"]]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (ten_off(kind="raffle_ticket"), (True, "rejected")),
        (ten_off(email=" "), (True, "rejected")),
        (ten_off(kind="free_product"), (True, "rejected")),
        (ten_off(product_ids=("1",), category_ids=("2",)), (True, "configuration")),
        (ten_off(product_ids=("mug",)), (True, "configuration")),
        (ten_off(free_shipping=True), (True, "configuration")),
    ],
)
def test_what_shopify_cannot_store_as_asked_is_never_sent(
    push: Push, shopify_shop: ShopifySandbox, command: PutCoupon, expected: tuple[bool, str]
) -> None:
    assert refusal(push(command)) == expected
    assert asked(shopify_shop, "PutBasic") == 0


def test_a_repeat_changes_nothing(push: Push, shopify_shop: ShopifySandbox) -> None:
    first, second = push(ten_off())[0], push(ten_off())[0]
    assert first == second
    assert len(shopify_shop.state.discounts) == 1


def test_a_lost_answer_makes_no_second_code(push: Push, shopify_shop: ShopifySandbox) -> None:
    shopify_shop.fail_next(status=502, text="PutBasic", after=True)
    assert refusal(push(ten_off())) == (False, "unreachable")
    (receipt,) = push(ten_off())
    assert receipt == PushReceipt(str(stored(shopify_shop)["id"]))
    assert len(shopify_shop.state.discounts) == 1


def test_a_code_that_somebody_else_made_is_left_alone(push: Push, shopify_shop: ShopifySandbox) -> None:
    make_foreign(shopify_shop, "Summer sale")
    assert refusal(push(ten_off())) == (True, "rejected")
    assert stored(shopify_shop)["title"] == "Summer sale"


def make_foreign(shop: ShopifySandbox, title: str, **more: Any) -> None:
    discount = {
        "title": title, "code": "LRAB23", "startsAt": "2026-01-01T00:00:00Z", "context": {"all": "ALL"},
        "customerGets": {"value": {"percentage": 0.5}, "items": {"all": True}}, **more,
    }  # fmt: skip
    query = "mutation M($d: DiscountCodeBasicInput!) { discountCodeBasicCreate(basicCodeDiscount: $d) {"
    answer = shop.ask(f"{query} userErrors {{ message }} }} }}", {"d": discount})
    assert answer["data"]["discountCodeBasicCreate"]["userErrors"] == []


def test_one_of_ours_that_was_disabled_serves_again(push: Push, shopify_shop: ShopifySandbox) -> None:
    (receipt,) = push(ten_off())
    push(DisableCoupon("lrab23", datetime.now(UTC)))
    assert stored(shopify_shop)["endsAt"] < datetime.now(UTC)
    assert push(ten_off()) == [receipt]
    assert stored(shopify_shop)["endsAt"] == datetime(2027, 1, 31, 15, 59, 59, tzinfo=UTC)


def test_one_of_ours_that_a_merchant_opened_to_all_is_bound_again(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    push(ten_off())
    shopify_shop.state.discounts[stored(shopify_shop)["id"]]["customers"] = None
    (receipt,) = push(ten_off())
    assert isinstance(receipt, PushReceipt)
    assert stored(shopify_shop)["customers"] == [int(customer_id(shopify_shop))]


def test_a_discount_that_the_shop_stored_unbound_is_deleted_at_once(
    push: Push, shopify_shop: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = discounts._row

    def forget(*given: Any) -> Any:
        return kept(*given) | {"customers": None}

    monkeypatch.setattr(discounts, "_row", forget)
    assert refusal(push(ten_off())) == (True, "rejected")
    assert shopify_shop.discount("lrab23") is None


def test_each_command_of_many_has_its_own_outcome(push: Push) -> None:
    outcomes = push(
        ten_off("lr1"), ten_off("lr2", email="nobody@example.test"), ten_off("lr3", kind="raffle_ticket"),
        ten_off("lr4", kind="free_shipping", amount=Decimal(0), free_shipping=True), ten_off("lr5"),
    )  # fmt: skip
    assert [isinstance(each, PushReceipt) for each in outcomes] == [True, False, False, True, True]


def test_disabling_ends_a_code_and_tells_its_uses(push: Push, shopify_shop: ShopifySandbox) -> None:
    mug = shopify_shop.add_product("Mug", 450)
    push(ten_off())
    shopify_shop.lag()
    amy = int(customer_id(shopify_shop))
    shopify_shop.place_order((mug["id"], 1), customer=amy, codes=("LRAB23",))
    (receipt,) = push(DisableCoupon("lrab23", datetime.now(UTC)))
    assert receipt == PushReceipt(str(stored(shopify_shop)["id"]), uses=1)
    assert push(DisableCoupon("lrunknown", datetime.now(UTC))) == [PushReceipt()]


def test_disabling_leaves_a_foreign_code_alone(push: Push, shopify_shop: ShopifySandbox) -> None:
    make_foreign(shopify_shop, "Summer sale")
    assert refusal(push(DisableCoupon("lrab23", datetime.now(UTC)))) == (True, "rejected")
    assert stored(shopify_shop)["endsAt"] is None


def gold(customer: str, **more: Any) -> SetMemberTier:
    return SetMemberTier(customer, "gold", "金卡會員", ("priority_support", "discount:5"), **more)


def test_a_tier_takes_the_place_of_the_old_one_and_foreign_tags_stay(
    push: Push, shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox
) -> None:
    amy = customer_id(shopify_shop)
    shopify_shop.change_customer(int(amy), tags=["VIP", "laurel-tier:silver", "laurel-benefit:old"])
    assert shopify.sight_tiers(shopify_access, [amy]) == {amy: ""}
    assert push(gold(amy, points=1250, progress="500")) == [PushReceipt(amy)]
    assert sorted(shopify_shop.customer(int(amy))["tags"]) == [
        "VIP",
        "laurel-benefit:discount:5",
        "laurel-benefit:priority_support",
        "laurel-tier:gold",
    ]
    assert shopify.sight_tiers(shopify_access, [amy, "999"]) == {amy: "gold"}
    changes = len(shopify_shop.requests)
    assert push(gold(amy, points=1250, progress="500")) == [PushReceipt(amy)]
    assert len(shopify_shop.requests) == changes + 1


def test_a_tag_keeps_within_forty_characters_and_is_recognised(
    push: Push, shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox
) -> None:
    amy = customer_id(shopify_shop)
    long = SetMemberTier(amy, "g" * 60, "Long")
    assert push(long) == [PushReceipt(amy)]
    (tag,) = shopify_shop.customer(int(amy))["tags"]
    assert len(tag) == 40
    assert shopify.sight_tiers(shopify_access, [amy]) == {amy: "g" * 60}


def test_of_a_customer_who_is_gone_nobody_needs_be_told(push: Push) -> None:
    assert push(gold("424242")) == [PushReceipt()]
    assert refusal(push(gold("amy"))) == (True, "rejected")


def test_an_order_bears_the_services_that_are_done_to_it(push: Push, shopify_shop: ShopifySandbox) -> None:
    mug = shopify_shop.add_product("Mug", 450)
    order = shopify_shop.place_order((mug["id"], 1))
    assert push(MarkOrder(str(order["id"]), ("priority_shipping", "gift_wrap"))) == [
        PushReceipt(str(order["id"]))
    ]
    assert push(MarkOrder(str(order["id"]), ("gift_wrap",))) == [PushReceipt(str(order["id"]))]
    assert shopify_shop.order(order["id"])["tags"] == "laurel:gift_wrap"


def test_a_missing_right_is_told_as_such(push: Push, shopify_shop: ShopifySandbox) -> None:
    shopify_shop.grant("read_customers", "write_customers", "read_orders")
    assert refusal(push(ten_off())) == (True, "permission")


def test_many_codes_within_the_points_of_a_small_plan_take_no_longer_than_the_bucket_asks() -> None:
    """Scaled down: a bucket of 150 points that fills with 200 a second."""
    with ShopifySandbox(bucket=150, restore_rate=200) as shop:
        shop.add_customer(AMY)
        keys = {"mode": "legacy", "access_token": shop.access_token, "scopes": ""}
        access = StoreAccess(STORE, shop.url, keys, "UTC")
        connector = ShopifyConnector(allow_private=True, per_second=10_000)
        amy = customer_id(shop)
        commands: list[PushCommand] = [ten_off(f"lr{each}", customer_id=amy) for each in range(60)]
        started = time.monotonic()
        outcomes = connector.push(access, commands)
        took = time.monotonic() - started
    assert all(isinstance(each, PushReceipt) for each in outcomes)
    assert len(shop.state.discounts) == 60
    allowed = (60 * 10 - 150) / 200
    assert took <= 1.2 * allowed + 2.0


def test_another_users_of_the_bucket_are_waited_for(push: Push, shopify_shop: ShopifySandbox) -> None:
    push(ten_off("lr1"))
    shopify_shop.bucket.drain()
    (receipt,) = push(ten_off("lr2"))
    assert isinstance(receipt, PushReceipt)


def test_a_code_of_ours_is_mended_when_it_is_asked_for_otherwise(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    (first,) = push(ten_off())
    assert push(replace(ten_off(), amount=Decimal("50"))) == [first]
    assert stored(shopify_shop)["amount"] == 50


SHIPPING = {
    "kind": "free_shipping",
    "amount": Decimal(0),
    "minimum_subtotal": Decimal(0),
    "free_shipping": True,
}
PERCENT = {"kind": "percent_discount", "amount": Decimal(5), "minimum_subtotal": Decimal(0)}


@pytest.mark.parametrize(("before", "after"), [(PERCENT, SHIPPING), (SHIPPING, PERCENT)])
def test_a_standing_code_of_another_kind_is_made_anew_though_it_was_used(
    push: Push, shopify_shop: ShopifySandbox, before: dict[str, Any], after: dict[str, Any]
) -> None:
    push(ten_off(reusable=True, **before))
    mug = shopify_shop.add_product("Mug", 500)["id"]
    amy = int(customer_id(shopify_shop))
    shopify_shop.place_order((mug, 1), customer=amy, codes=["lrab23"], shipping=60)
    old = stored(shopify_shop)
    many = [ten_off(f"lrcd{each}", reusable=True, **after) for each in range(3)]
    outcomes = push(*many, ten_off(reusable=True, **after))
    assert [isinstance(each, PushReceipt) for each in outcomes] == [True, True, True, False]
    assert refusal(outcomes[3:]) == (False, "unreachable")
    (receipt,) = push(ten_off(reusable=True, **after))
    new = stored(shopify_shop)
    assert (receipt, new["id"] != old["id"]) == (PushReceipt(str(new["id"])), True)
    assert (new["kind"] != old["kind"], new["usageLimit"]) == (True, None)


def test_a_code_for_one_use_keeps_its_discount_and_with_it_the_count_of_its_uses(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    push(ten_off(reusable=True, **PERCENT))
    old = stored(shopify_shop)
    assert refusal(push(ten_off(**SHIPPING))) == (True, "rejected")
    assert stored(shopify_shop)["id"] == old["id"]


def test_of_a_discount_that_cannot_be_deleted_the_failure_is_told(
    push: Push, shopify_shop: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(ten_off(reusable=True, **PERCENT))
    monkeypatch.setattr(coupons, "user_refusal", lambda _: refusals.refused("not now", "limit"))
    assert refusal(push(ten_off(reusable=True, **SHIPPING))) == (True, "limit")


def test_a_code_of_ours_that_was_used_is_given_to_nobody_else(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    """After a restored dump the same code may come up again; a reusable code has no last use."""
    mug = shopify_shop.add_product("Mug", 500)["id"]
    (first,) = push(ten_off())
    shopify_shop.check_out((mug, 1), customer=int(customer_id(shopify_shop)), codes=[ten_off().code])
    assert push(ten_off()) == [first]
    assert refusal(push(replace(ten_off(), amount=Decimal("50")))) == (True, "rejected")
    assert stored(shopify_shop)["amount"] == 100
    assert push(ten_off(reusable=True)) == [first]


def test_a_code_of_ours_that_an_order_used_while_it_was_disabled_is_still_whose_it_was(
    push: Push, shopify_shop: ShopifySandbox
) -> None:
    mug = shopify_shop.add_product("Mug", 500)["id"]
    (first,) = push(ten_off())
    shopify_shop.check_out((mug, 1), customer=int(customer_id(shopify_shop)), codes=[ten_off().code])
    push(DisableCoupon(ten_off().code, datetime.now(UTC)))
    assert push(ten_off()) == [first]

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import StoreAccess
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.coupons import coupon_content
from connectors.woocommerce.sandbox import RestError, SandboxShop
from loyalty.pushes import (
    AddStoreCredit,
    DisableCoupon,
    MarkOrder,
    PushCommand,
    PushError,
    PushReceipt,
    PutCoupon,
    SetMemberTier,
)

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
EXPIRES = datetime(2027, 1, 31, 16, 0, tzinfo=UTC)
TEN_OFF = PutCoupon(
    "LR-AB23", "fixed_discount", Decimal("100"), Decimal("300"), EXPIRES, "Amy@example.test", "gift"
)
Push = Any


@pytest.fixture
def push(woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop) -> Push:
    woo_shop.now = lambda: NOW
    return lambda *commands: woo.push(woo_access, commands)


def refusal(outcomes: list[PushReceipt | PushError]) -> tuple[bool, str]:
    (error,) = outcomes
    assert isinstance(error, PushError)
    return error.permanent, error.reason


def test_coupon_is_stored_as_asked(push: Push, woo_shop: SandboxShop) -> None:
    (receipt,) = push(TEN_OFF)
    coupon = woo_shop.coupon("lr-ab23")
    assert coupon is not None
    assert receipt == PushReceipt(str(coupon["id"]))
    assert (coupon["discount_type"], coupon["amount"], coupon["minimum_amount"]) == (
        "fixed_cart",
        "100.00",
        "300.00",
    )
    assert (coupon["usage_limit"], coupon["usage_limit_per_user"], coupon["individual_use"]) == (1, 1, True)
    assert coupon["email_restrictions"] == ["amy@example.test"]
    assert coupon["meta_data"][0]["key"] == "laurel"


def test_coupon_ends_with_the_last_second_before_its_expiry(push: Push, woo_shop: SandboxShop) -> None:
    push(TEN_OFF)
    coupon = woo_shop.coupon("LR-AB23")
    assert coupon is not None
    assert (coupon["date_expires"], coupon["date_expires_gmt"]) == (
        "2027-01-31T23:59:59",
        "2027-01-31T15:59:59",
    )


@pytest.mark.parametrize(("seconds", "accepted"), [(-1, True), (0, False), (1, False)])
def test_shop_accepts_the_code_until_just_before_its_expiry(
    push: Push, woo_shop: SandboxShop, seconds: int, accepted: bool
) -> None:
    mug = woo_shop.add_product()
    push(TEN_OFF)
    woo_shop.now = lambda: EXPIRES + timedelta(seconds=seconds)
    assert is_accepted(woo_shop, mug["id"]) is accepted


def test_percent_coupon_without_end(push: Push, woo_shop: SandboxShop) -> None:
    push(replace(TEN_OFF, kind="percent_discount", amount=Decimal("12.5"), expires_at=None))
    coupon = woo_shop.coupon("LR-AB23")
    assert coupon is not None
    assert (coupon["discount_type"], coupon["amount"], coupon["date_expires"]) == ("percent", "12.50", None)


def test_repeat_changes_nothing(push: Push, woo_shop: SandboxShop) -> None:
    assert push(TEN_OFF) == push(TEN_OFF)
    assert [seen.method for seen in woo_shop.requests] == ["POST", "POST", "GET"]


def test_repeat_after_a_lost_answer_is_success(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=504, after=True)
    assert refusal(push(TEN_OFF)) == (False, "unreachable")
    assert isinstance(push(TEN_OFF)[0], PushReceipt)


def test_unbound_coupon_is_deleted_at_once(push: Push, woo_shop: SandboxShop) -> None:
    assert refusal(push(replace(TEN_OFF, email="not-an-email"))) == (True, "rejected")
    assert woo_shop.coupon("LR-AB23") is None


def test_unbound_coupon_that_could_not_be_deleted_is_tried_again(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(path="/coupons/1", status=503)
    unbound = replace(TEN_OFF, email="not-an-email")
    assert refusal(push(unbound)) == (False, "unreachable")
    assert refusal(push(unbound)) == (True, "rejected")
    assert woo_shop.coupon("LR-AB23") is None


@pytest.mark.parametrize("change", [{"email": " "}, {"kind": "free_product"}])
def test_coupon_that_must_not_be_made_is_never_sent(
    push: Push, woo_shop: SandboxShop, change: dict[str, str]
) -> None:
    assert refusal(push(replace(TEN_OFF, **change))) == (True, "rejected")
    assert woo_shop.requests == []


def test_code_of_somebody_else_is_refused_and_left_alone(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.add_coupon("LR-AB23", 999)
    assert refusal(push(TEN_OFF)) == (True, "rejected")
    assert woo_shop.coupon("LR-AB23") is not None


def test_own_disabled_coupon_is_revived(push: Push, woo_shop: SandboxShop) -> None:
    mug = woo_shop.add_product()
    push(TEN_OFF, DisableCoupon("LR-AB23", NOW))
    assert not is_accepted(woo_shop, mug["id"])
    assert isinstance(push(TEN_OFF)[0], PushReceipt)
    assert is_accepted(woo_shop, mug["id"])


def test_own_coupon_that_was_used_is_given_to_nobody_else(push: Push, woo_shop: SandboxShop) -> None:
    """After a restored dump the same code may come up again; a reusable code has no last use."""
    mug = woo_shop.add_product()
    (first,) = push(TEN_OFF)
    assert is_accepted(woo_shop, mug["id"])
    assert push(TEN_OFF) == [first]
    assert refusal(push(replace(TEN_OFF, email="bo@example.test"))) == (True, "rejected")
    coupon = woo_shop.coupon("LR-AB23")
    assert coupon is not None
    assert (coupon["email_restrictions"], coupon["usage_count"]) == (["amy@example.test"], 1)
    assert push(replace(TEN_OFF, reusable=True)) == [first]


def test_own_coupon_that_an_order_used_while_it_was_disabled_is_still_whose_it_was(
    push: Push, woo_shop: SandboxShop
) -> None:
    mug = woo_shop.add_product()
    (first,) = push(TEN_OFF)
    assert is_accepted(woo_shop, mug["id"])
    push(DisableCoupon("LR-AB23", NOW))
    assert push(TEN_OFF) == [first]


def test_amount_that_the_shop_refuses_is_permanent(push: Push) -> None:
    over = replace(TEN_OFF, kind="percent_discount", amount=Decimal(150))
    assert refusal(push(over)) == (True, "rejected")


STANDING = replace(
    TEN_OFF,
    kind="percent_discount",
    amount=Decimal(10),
    minimum_subtotal=Decimal(0),
    free_shipping=True,
    reusable=True,
)


def test_a_reusable_code_with_free_shipping_serves_its_member_at_every_checkout(
    push: Push, woo_shop: SandboxShop
) -> None:
    mug = woo_shop.add_product(price=500)
    (receipt,) = push(STANDING)
    coupon = woo_shop.coupon("LR-AB23")
    assert coupon is not None
    assert receipt == PushReceipt(str(coupon["id"]))
    assert (coupon["usage_limit"], coupon["usage_limit_per_user"], coupon["free_shipping"]) == (
        None,
        None,
        True,
    )
    for _ in range(3):
        order = woo_shop.check_out((mug["id"], 2), email="amy@example.test", coupons=["LR-AB23"])
        assert (order["discount_total"], order["shipping_total"], order["total"]) == ("100", "0", "900")
    with pytest.raises(RestError):
        woo_shop.check_out((mug["id"], 2), email="bob@example.test", coupons=["LR-AB23"])


@pytest.mark.parametrize("expires_at", [EXPIRES, None])
def test_repeating_a_reusable_code_changes_nothing(
    push: Push, woo_shop: SandboxShop, expires_at: datetime | None
) -> None:
    standing = replace(STANDING, expires_at=expires_at)
    assert push(standing) == push(standing)
    assert [seen.method for seen in woo_shop.requests] == ["POST", "POST", "GET"]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Decimal(15)},
        {"free_shipping": False},
        {"reusable": False},
        {"expires_at": None},
        {"kind": "free_shipping", "amount": Decimal(0)},
    ],
)
def test_a_code_of_ours_takes_new_terms(push: Push, woo_shop: SandboxShop, change: dict[str, Any]) -> None:
    push(STANDING)
    push(replace(STANDING, **change))
    methods = [seen.method for seen in woo_shop.requests]
    assert isinstance(push(replace(STANDING, **change))[0], PushReceipt)
    assert methods[-1] == "PUT"
    assert [seen.method for seen in woo_shop.requests][len(methods) :] == ["POST", "GET"]


def test_free_shipping_alone_is_a_code_that_takes_off_nothing_else(push: Push, woo_shop: SandboxShop) -> None:
    mug = woo_shop.add_product(price=500)
    push(replace(TEN_OFF, kind="free_shipping", amount=Decimal(0), free_shipping=True))
    order = woo_shop.check_out((mug["id"], 1), email="amy@example.test", coupons=["LR-AB23"])
    assert (order["discount_total"], order["shipping_total"], order["total"]) == ("0", "0", "500")
    assert woo_shop.check_out((mug["id"], 1))["shipping_total"] == "60"


def test_a_code_whose_free_shipping_the_shop_dropped_is_deleted(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.add_coupon("LR-AB23")
    stored = {**woo_shop.call("GET", "coupons/11"), **coupon_as_asked(STANDING), "free_shipping": False}
    body = json.dumps({"create": [stored]}).encode()
    woo_shop.fail_next(path="coupons/batch", status=200, body=body)
    assert refusal(push(STANDING)) == (True, "rejected")
    assert woo_shop.coupon("LR-AB23") is None


def test_a_disabled_code_without_end_is_revived_without_end(push: Push, woo_shop: SandboxShop) -> None:
    endless = replace(STANDING, expires_at=None)
    push(endless, DisableCoupon("LR-AB23", NOW))
    assert isinstance(push(endless)[0], PushReceipt)
    coupon = woo_shop.coupon("LR-AB23")
    assert coupon is not None
    assert coupon["date_expires"] is None


def coupon_as_asked(command: PutCoupon) -> dict[str, Any]:
    asked = coupon_content(command, "Asia/Taipei")
    assert isinstance(asked, dict)
    return asked


def test_disabled_code_is_refused_by_the_shop(push: Push, woo_shop: SandboxShop) -> None:
    mug = woo_shop.add_product()
    push(TEN_OFF)
    (receipt,) = push(DisableCoupon("LR-AB23", NOW))
    assert isinstance(receipt, PushReceipt)
    assert not is_accepted(woo_shop, mug["id"])


def test_disabling_what_the_shop_does_not_have_is_success(push: Push) -> None:
    assert push(DisableCoupon("NOPE", NOW)) == [PushReceipt("")]


def test_coupon_of_somebody_else_is_not_disabled(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.add_coupon("SUMMER")
    assert refusal(push(DisableCoupon("SUMMER", NOW))) == (True, "rejected")


def test_tier_is_written_as_meta_data(push: Push, woo_shop: SandboxShop) -> None:
    amy = woo_shop.add_customer()
    command = SetMemberTier(str(amy["id"]), "gold", "金卡會員", ("priority_support", "early_access:tea"))
    assert push(command) == [PushReceipt(str(amy["id"]))]
    meta = {row["key"]: row["value"] for row in woo_shop.customer(amy["id"])["meta_data"]}
    assert (meta["laurel_tier"], meta["laurel_tier_name"]) == ("gold", "金卡會員")
    assert meta["laurel_benefits"] == "priority_support,early_access:tea"


def test_benefits_are_cleared_with_the_tier(push: Push, woo_shop: SandboxShop) -> None:
    amy = woo_shop.add_customer()
    push(SetMemberTier(str(amy["id"]), "gold", "Gold", ("priority_support",)))
    push(SetMemberTier(str(amy["id"]), "regular", "Regular"))
    meta = {row["key"]: row["value"] for row in woo_shop.customer(amy["id"])["meta_data"]}
    assert (meta["laurel_tier"], meta["laurel_benefits"]) == ("regular", "")


@pytest.mark.parametrize("customer_id", ["999", "gid://x"])
def test_tier_of_an_unknown_customer_is_permanently_rejected(push: Push, customer_id: str) -> None:
    assert refusal(push(SetMemberTier(customer_id, "gold", "Gold"))) == (True, "rejected")


def marks(shop: SandboxShop, order: int) -> dict[str, str]:
    return {row["key"]: row["value"] for row in shop.order(order)["meta_data"]}


def test_s55_order_is_marked_as_meta_data_and_stays_what_it_is(push: Push, woo_shop: SandboxShop) -> None:
    mug = woo_shop.add_product()
    gift = [{"key": "gift_wrap", "value": "yes"}]
    order = woo_shop.place_order((mug["id"], 2), meta_data=gift)
    assert push(MarkOrder(str(order["id"]), ("priority_shipping",))) == [PushReceipt(str(order["id"]))]
    assert marks(woo_shop, order["id"]) == {"gift_wrap": "yes", "laurel_service": "priority_shipping"}
    same = ("status", "total", "date_paid_gmt", "line_items", "coupon_lines")
    stored = woo_shop.order(order["id"])
    assert {name: stored[name] for name in same} == {name: order[name] for name in same}


def test_marking_again_leaves_one_mark(push: Push, woo_shop: SandboxShop) -> None:
    mug = woo_shop.add_product()
    order = woo_shop.place_order((mug["id"], 1))["id"]
    for _ in range(2):
        assert isinstance(push(MarkOrder(str(order), ("priority_shipping",)))[0], PushReceipt)
    assert marks(woo_shop, order) == {"laurel_service": "priority_shipping"}


def test_orders_are_marked_in_one_batch_and_a_missing_one_fails_alone(
    push: Push, woo_shop: SandboxShop
) -> None:
    mug = woo_shop.add_product()
    orders = [str(woo_shop.place_order((mug["id"], 1))["id"]) for _ in range(2)]
    outcomes = push(*[MarkOrder(each, ("priority_shipping",)) for each in (orders[0], "999", "x", orders[1])])
    assert [type(each).__name__ for each in outcomes] == [
        "PushReceipt",
        "PushError",
        "PushError",
        "PushReceipt",
    ]
    assert [refusal([each]) for each in outcomes[1:3]] == [(True, "rejected")] * 2
    assert [(seen.method, seen.path.rpartition("/v3/")[2]) for seen in woo_shop.requests] == [
        ("POST", "orders/batch")
    ]


def test_outcomes_stand_in_the_order_of_the_commands(push: Push, woo_shop: SandboxShop) -> None:
    amy = str(woo_shop.add_customer()["id"])
    commands: list[PushCommand] = [
        SetMemberTier(amy, "gold", "Gold"),
        SetMemberTier("999", "gold", "Gold"),
        TEN_OFF,
    ]
    outcomes = push(*commands, DisableCoupon("NOPE", NOW), SetMemberTier(amy, "vip", "VIP"))
    kinds = [type(each).__name__ for each in outcomes]
    assert kinds == ["PushReceipt", "PushError", "PushReceipt", "PushReceipt", "PushReceipt"]


def test_more_than_a_hundred_commands_go_in_several_batches(push: Push, woo_shop: SandboxShop) -> None:
    outcomes = push(*[replace(TEN_OFF, code=f"LR-{number}") for number in range(150)])
    assert all(isinstance(each, PushReceipt) for each in outcomes)
    assert [len(seen.body["create"]) for seen in woo_shop.requests] == [100, 50]


def test_batch_that_fails_as_a_whole_fails_each_command_for_now(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=503, headers={"Retry-After": "30"})
    outcomes = push(TEN_OFF, replace(TEN_OFF, code="LR-2"))
    assert [refusal([each]) for each in outcomes] == [(False, "unreachable")] * 2
    assert outcomes[0].retry_after == 30.0


def test_read_only_key_is_a_matter_of_permission(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.gate.permissions = "read"
    assert refusal(push(TEN_OFF)) == (True, "permission")


def test_switched_off_plugin_is_tried_again(push: Push, woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=404, body=b'{"code": "rest_no_route", "message": "", "data": {"status": 404}}')
    assert refusal(push(TEN_OFF)) == (False, "configuration")


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"create": []}', b'{"create": [7]}', b"null"])
def test_answer_of_another_form_is_tried_again(push: Push, woo_shop: SandboxShop, body: bytes) -> None:
    woo_shop.fail_next(status=200, body=body)
    assert refusal(push(TEN_OFF)) == (False, "unreachable")


def is_accepted(shop: SandboxShop, product: int) -> bool:
    try:
        shop.place_order((product, 2), email="amy@example.test", coupons=["LR-AB23"])
    except RestError:
        return False
    return True


def test_what_woocommerce_does_not_have_is_refused_for_good(push: Push, woo_shop: SandboxShop) -> None:
    credit = AddStoreCredit("credit:17", "", "amy@example.test", Decimal(5), "TWD", EXPIRES)
    assert refusal(push(credit)) == (True, "rejected")
    assert refusal(push(replace(TEN_OFF, kind="gift_card", currency="TWD"))) == (True, "rejected")
    assert push(DisableCoupon("LRCARD000001", EXPIRES, "gift_card")) == [PushReceipt()]
    assert woo_shop.coupon("LR-AB23") is None

"""The sandbox Shopify keeps Shopify's accounts: the derived story, and the traps of the platform's facts, section 6."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from shopify_sandbox import PAYLOADS, Clock, ask, coupon, gid

from connectors.shopify.sandbox import ShopifySandbox

STATED = (
    "total_price",
    "subtotal_price",
    "total_discounts",
    "total_line_items_price",
    "current_subtotal_price",
    "current_total_price",
    "current_total_discounts",
    "total_outstanding",
    "financial_status",
    "discount_codes",
    "discount_applications",
)
MONEY = "{ shopMoney { amount } }"
READ = f"""query($id: ID!) {{ order(id: $id) {{
  displayFinancialStatus totalPriceSet {MONEY} totalTaxSet {MONEY} currentTotalPriceSet {MONEY} totalRefundedSet {MONEY}
  totalReceivedSet {MONEY} totalOutstandingSet {MONEY} netPaymentSet {MONEY} refundDiscrepancySet {MONEY}
  refunds {{ totalRefundedSet {MONEY}
    refundLineItems(first: 5) {{ nodes {{ quantity restockType subtotalSet {MONEY} totalTaxSet {MONEY} }} }}
    refundShippingLines(first: 2) {{ nodes {{ subtotalAmountSet {MONEY} }} }}
    orderAdjustments(first: 2) {{ nodes {{ reason amountSet {MONEY} }} }}
    transactions(first: 2) {{ nodes {{ status amountSet {MONEY} }} }} }} }} }}"""


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[ShopifySandbox]:
    with ShopifySandbox("EUR", 2, "Europe/Berlin", now=clock) as running:
        yield running


def sample(name: str) -> Any:
    return json.loads((PAYLOADS / "webhooks" / "derived" / f"{name}.json").read_text(encoding="utf-8"))


def sell(shop: ShopifySandbox, **more: Any) -> Any:
    """The order of the derived story: two pans and a brush, ten percent off, 5.00 of shipping, 99.50 in all."""
    pan, brush = shop.add_product("Cast iron pan", 40), shop.add_product("Oil brush", 25)
    mira = shop.add_customer("mira@example.com")
    ask(shop, "DiscountCodeBasicCreate", basicCodeDiscount=coupon("LOY-7F3K-9Q2M"))
    items = ((pan["id"], 2), (brush["id"], 1))
    given = {"customer": mira["id"], "shipping": 5, "codes": ["LOY-7F3K-9Q2M"], **more}
    return shop.check_out(*items, **given)


def stated(order: Any) -> Any:
    return {name: order[name] for name in STATED}


def read(shop: ShopifySandbox, order: Any) -> Any:
    return _plain(ask(shop, READ, id=gid("Order", order["id"]))["order"])


def _plain(value: Any) -> Any:
    """Return a node with its sets of money as plain amounts."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "shopMoney" in value:
        return Decimal(value["shopMoney"]["amount"])
    return _plain(value["nodes"]) if "nodes" in value else {key: _plain(each) for key, each in value.items()}


def test_the_unpaid_order_of_the_story_has_its_figures(shop: ShopifySandbox) -> None:
    assert stated(sell(shop, paid=False)) == stated(sample("orders_create_unpaid"))


def test_the_paid_order_of_the_story_has_its_figures(shop: ShopifySandbox) -> None:
    assert stated(sell(shop)) == stated(sample("orders_paid"))


def test_one_piece_given_back_has_the_figures_of_the_story(shop: ShopifySandbox) -> None:
    order = sell(shop)
    refund = shop.refund(order["id"], [(order["line_items"][0]["id"], 1)])
    given = sample("refunds_create_partial_one_unit")
    assert refund["refund_line_items"][0]["subtotal"] == given["refund_line_items"][0]["subtotal"] == 36.0
    assert refund["transactions"][0]["amount"] == given["transactions"][0]["amount"] == "36.00"
    assert refund["order_adjustments"] == given["order_adjustments"] == []
    assert stated(shop.order(order["id"])) == stated(sample("orders_updated_after_partial_refund"))


def test_all_given_back_has_the_figures_of_the_story_and_shipping_twice(shop: ShopifySandbox) -> None:
    order = sell(shop)
    lines = [(each["id"], each["quantity"]) for each in order["line_items"]]
    refund, given = shop.refund(order["id"], lines, shipping=5), sample("refunds_create_full_with_shipping")
    assert [each["subtotal"] for each in refund["refund_line_items"]] == [72.0, 22.5]
    assert refund["transactions"][0]["amount"] == given["transactions"][0]["amount"] == "99.50"
    for each in (refund, given):
        (shipping,) = each["order_adjustments"]
        assert (shipping["kind"], shipping["amount"]) == ("shipping_refund", "-5.00")
        assert each["refund_shipping_lines"][0]["subtotal_amount_set"]["shop_money"]["amount"] == "5.00"
    node = read(shop, order)
    assert node["displayFinancialStatus"] == "REFUNDED"
    assert node["refunds"][0]["orderAdjustments"] == []
    assert node["refunds"][0]["refundShippingLines"] == [{"subtotalAmountSet": Decimal("5.0")}]


def test_a_pending_refund_is_balanced_and_counts_nothing_until_it_settles(shop: ShopifySandbox) -> None:
    order = sell(shop)
    refund = shop.refund(order["id"], [(order["line_items"][0]["id"], 1)], pending=True)
    node = read(shop, order)
    assert node["totalRefundedSet"] == node["refunds"][0]["totalRefundedSet"] == 0
    assert node["displayFinancialStatus"] == "PAID"
    booked = {"reason": "PENDING_REFUND_DISCREPANCY", "amountSet": Decimal("36.0")}
    assert node["refunds"][0]["orderAdjustments"] == [booked]
    shop.settle_refund(order["id"], refund["id"])
    node = read(shop, order)
    assert node["totalRefundedSet"] == Decimal("36.0")
    assert node["refunds"][0]["orderAdjustments"] == []
    assert node["displayFinancialStatus"] == "PARTIALLY_REFUNDED"


def test_a_pending_refund_that_fails_gave_nothing(shop: ShopifySandbox) -> None:
    order = sell(shop)
    refund = shop.refund(order["id"], [(order["line_items"][0]["id"], 1)], pending=True)
    shop.settle_refund(order["id"], refund["id"], is_paid=False)
    node = read(shop, order)
    assert node["refunds"][0]["transactions"] == [{"status": "FAILURE", "amountSet": Decimal("36.0")}]
    assert node["totalRefundedSet"] == 0


@pytest.mark.parametrize(
    ("money", "booked"), [("35.99", "0.01"), ("36.00", None), ("36.01", "-0.01"), ("0", "36.0")]
)
def test_what_a_refund_gives_less_or_more_than_it_names_is_booked(
    shop: ShopifySandbox, money: str, booked: str | None
) -> None:
    order = sell(shop)
    shop.refund(order["id"], [(order["line_items"][0]["id"], 1)], amount=money)
    rows = read(shop, order)["refunds"][0]["orderAdjustments"]
    assert [each["amountSet"] for each in rows] == ([] if booked is None else [Decimal(booked)])


def test_goodwill_is_money_without_lines(shop: ShopifySandbox) -> None:
    order = sell(shop)
    refund = shop.refund(order["id"], amount=10)
    assert refund["refund_line_items"] == []
    assert [(each["kind"], each["amount"]) for each in refund["order_adjustments"]] == [
        ("refund_discrepancy", "-10.00")
    ]
    node = read(shop, order)
    assert node["refundDiscrepancySet"] == Decimal("-10.0")
    assert node["currentTotalPriceSet"] == node["netPaymentSet"] == Decimal("89.5")


def test_money_is_what_is_named_less_adjustments_in_every_refund(shop: ShopifySandbox) -> None:
    """The identity that holds in observed payloads (facts of the platform, section 6)."""
    order = sell(shop)
    pan, brush = (each["id"] for each in order["line_items"])
    shop.refund(order["id"], [(pan, 1)], amount=30)
    shop.refund(order["id"], [(brush, 1)], shipping=5, amount="40.50")
    shop.refund(order["id"], amount=3)
    for refund in read(shop, order)["refunds"]:
        named = sum(each["subtotalSet"] for each in refund["refundLineItems"])
        named += sum(each["subtotalAmountSet"] for each in refund["refundShippingLines"])
        booked = sum(each["amountSet"] for each in refund["orderAdjustments"])
        assert named - booked == refund["totalRefundedSet"]


def test_a_removed_line_is_a_refund_without_a_payment_and_its_money_comes_later(shop: ShopifySandbox) -> None:
    order = sell(shop)
    shop.edit(order["id"], remove=[(order["line_items"][1]["id"], 1)])
    node = read(shop, order)
    assert node["refunds"][0]["refundLineItems"][0]["restockType"] == "CANCEL"
    assert node["refunds"][0]["transactions"] == node["refunds"][0]["orderAdjustments"] == []
    assert node["totalOutstandingSet"] == Decimal("-22.5")
    shop.refund(order["id"], amount="22.50")
    node = read(shop, order)
    assert node["refunds"][1]["refundLineItems"] == node["refunds"][1]["orderAdjustments"] == []
    assert node["totalOutstandingSet"] == 0


def test_an_added_line_makes_a_paid_order_partially_paid(shop: ShopifySandbox) -> None:
    order = sell(shop)
    shop.edit(order["id"], add=[(order["line_items"][1]["product_id"], 1)])
    assert read(shop, order)["displayFinancialStatus"] == "PARTIALLY_PAID"
    shop.pay(order["id"])
    assert read(shop, order)["displayFinancialStatus"] == "PAID"


@pytest.mark.parametrize(
    ("deeds", "status"),
    [
        ([], "PENDING"),
        (["authorize"], "AUTHORIZED"),
        (["authorize", "expire"], "EXPIRED"),
        (["authorize", "void"], "VOIDED"),
        (["authorize", "cancel"], "VOIDED"),
        (["authorize", "capture"], "PAID"),
        (["cancel"], "VOIDED"),
        (["pay"], "PAID"),
        (["pay", "cancel"], "REFUNDED"),
    ],
)
def test_the_money_of_an_order_has_a_status(shop: ShopifySandbox, deeds: list[str], status: str) -> None:
    order = sell(shop, paid=False)
    for deed in deeds:
        getattr(shop, deed)(order["id"])
    assert read(shop, order)["displayFinancialStatus"] == status
    assert shop.order(order["id"])["financial_status"] == status.lower()


def test_a_part_is_not_all(shop: ShopifySandbox) -> None:
    order = sell(shop, paid=False)
    shop.pay(order["id"], "99.49")
    assert read(shop, order)["displayFinancialStatus"] == "PARTIALLY_PAID"
    shop.pay(order["id"], "0.01")
    assert read(shop, order)["displayFinancialStatus"] == "PAID"


def test_what_costs_nothing_is_paid(shop: ShopifySandbox) -> None:
    sample_ = shop.add_product("Sample", 0)
    order = shop.place_order((sample_["id"], 1))
    assert (order["financial_status"], order["total_price"]) == ("paid", "0.00")


@pytest.mark.parametrize(
    ("taxes_included", "total", "tax", "subtotal", "refunded"),
    [(False, "120.00", "20.00", "40.0", "48.0"), (True, "100.00", "16.67", "40.0", "40.0")],
)
def test_tax_stands_beside_prices_or_within_them(
    clock: Clock, taxes_included: bool, total: str, tax: str, subtotal: str, refunded: str
) -> None:
    shop = ShopifySandbox("EUR", 2, taxes_included=taxes_included, tax_rate="20", now=clock)
    pan, brush = shop.add_product("Pan", 40), shop.add_product("Brush", 60)
    with shop:
        order = shop.place_order((pan["id"], 1), (brush["id"], 1))
        assert (order["total_price"], order["total_tax"]) == (total, tax)
        shop.refund(order["id"], [(order["line_items"][0]["id"], 1)])
        (refund,) = read(shop, order)["refunds"]
    assert refund["refundLineItems"][0]["subtotalSet"] == Decimal(subtotal)
    assert refund["totalRefundedSet"] == Decimal(refunded)


def test_the_buyers_currency_stands_beside_the_shops(shop: ShopifySandbox) -> None:
    pan = shop.add_product("Pan", 40)
    order = shop.place_order((pan["id"], 1), currency="USD", rate="1.25")
    assert order["total_price"] == "40.00"
    assert order["total_price_set"]["presentment_money"] == {"amount": "50.00", "currency_code": "USD"}
    refund = shop.refund(order["id"], [(order["line_items"][0]["id"], 1)])
    assert refund["transactions"][0]["amount"] == "50.00"
    assert refund["refund_line_items"][0]["subtotal"] == 40.0


def test_money_may_come_of_a_gift_card_and_go_to_store_credit(shop: ShopifySandbox) -> None:
    order = sell(shop, paid=False)
    shop.pay(order["id"], 50, gateway="gift_card")
    shop.pay(order["id"])
    assert shop.order(order["id"])["payment_gateway_names"] == ["bogus", "gift_card"]
    refund = shop.refund(order["id"], amount=20, gateway="shopify_store_credit")
    assert refund["transactions"][0]["gateway"] == "shopify_store_credit"
    assert read(shop, order)["totalRefundedSet"] == 20

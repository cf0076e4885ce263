"""Whatever is refunded in the sandbox Shopify, its books balance: what is left to pay is what edits made it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.shopify.sandbox import ShopifySandbox

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
DEEDS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(0, 3),
        st.one_of(st.none(), st.integers(0, 3000)),
        st.booleans(),
        st.booleans(),
    ),
    max_size=5,
)


def carry_out(shop: ShopifySandbox, number: int, deed: tuple[int, int, int | None, bool, bool]) -> None:
    """Refund some pieces of a line, or none, with or without shipping, for what they come to or for another amount."""
    place, count, cents, has_shipping, is_pending = deed
    order = shop.order(number)
    line = order["line_items"][place]
    pieces = min(count, line["current_quantity"])
    left = Decimal(order["current_shipping_price_set"]["shop_money"]["amount"])
    how: dict[str, Any] = {"shipping": left if has_shipping else 0, "pending": is_pending}
    if cents is not None:
        how["amount"] = Decimal(cents).scaleb(-2)
    refund = shop.refund(number, [(line["id"], pieces)] if pieces else [], **how)
    check_identity(shop.order(number), refund["id"])
    if is_pending:
        shop.settle_refund(number, refund["id"])
        check_identity(shop.order(number), refund["id"])


def check_identity(order: Any, refund_id: int) -> None:
    """Money that moved is what is named less the adjustments (observed payloads; taxes apart as the shop has them)."""
    refund = next(each for each in order["refunds"] if each["id"] == refund_id)
    with_tax = not order["taxes_included"]
    named = sum(_money(each, "subtotal_set") for each in refund["refund_line_items"])
    named += sum(_money(each, "total_tax_set") for each in refund["refund_line_items"]) if with_tax else 0
    booked = sum(_money(each, "amount_set") for each in refund["order_adjustments"])
    booked += sum(_money(each, "tax_amount_set") for each in refund["order_adjustments"]) if with_tax else 0
    moved = sum(Decimal(each["amount"]) for each in refund["transactions"] if each["status"] == "success")
    assert named - booked == moved


def _money(row: Any, key: str) -> Decimal:
    return Decimal(row[key]["shop_money"]["amount"])


@pytest.mark.parametrize("taxes_included", [False, True])
@settings(max_examples=25)
@given(deeds=DEEDS, tax=st.sampled_from(["0", "5", "19"]))
def test_the_books_balance_after_any_refunds(taxes_included: bool, deeds: list[Any], tax: str) -> None:
    shop = ShopifySandbox("EUR", 2, taxes_included=taxes_included, tax_rate=tax, now=lambda: NOW)
    try:
        goods = [
            shop.add_product(f"Thing {number}", price)["id"] for number, price in enumerate(("9.99", 7, 100))
        ]
        shop.add_discount("OFF", 0.15)
        items = [(each, count) for each, count in zip(goods, (3, 1, 2), strict=True)]
        order = shop.check_out(*items, codes=["OFF"], shipping="4.90")
        for deed in deeds:
            carry_out(shop, order["id"], deed)
        assert shop.order(order["id"])["total_outstanding"] == "0.00"
        for line in shop.order(order["id"])["line_items"]:
            if line["current_quantity"]:
                shop.refund(order["id"], [(line["id"], line["current_quantity"])])
        assert Decimal(shop.order(order["id"])["current_subtotal_price"]) == 0
    finally:
        shop._server.server_close()

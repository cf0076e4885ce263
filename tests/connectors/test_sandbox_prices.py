"""Holds the sums of the sandbox against the recorded orders."""

from __future__ import annotations

from typing import Any

from woocommerce_recordings import rest

from connectors.woocommerce.sandbox import SandboxShop

SUMS = ("subtotal", "subtotal_tax", "total", "total_tax")


def sums_of(order: dict[str, Any]) -> list[Any]:
    lines = [[line[key] for key in SUMS] for line in order["line_items"]]
    return [order["total"], order["total_tax"], order["discount_total"], lines]


def test_percent_coupon_rounds_as_the_recording_does() -> None:
    with SandboxShop("USD", 2) as shop:
        tea = shop.add_product("Tea", 240)
        shirt = shop.add_product("Shirt", 455)
        shop.add_coupon("third", "33.33", discount_type="percent")
        extras = {"shipping_lines": [{"total": "7.50"}], "fee_lines": [{"total": "1.25"}]}
        order = shop.place_order((tea["id"], 3), (shirt["id"], 1), coupons=["third"], **extras)
    assert sums_of(order) == sums_of(rest("usd-orders-get").answer)


def test_fixed_coupon_is_spread_as_recorded(woo_lab: SandboxShop) -> None:
    woo_lab.add_coupon("gold", 100)
    assert sums_of(woo_lab.place_order((11, 2), coupons=["gold"])) == sums_of(
        rest("orders-create-coupon").answer
    )


def test_prices_with_tax_make_net_lines_and_a_gross_total() -> None:
    with SandboxShop(prices_include_tax=True, tax_rate="5") as shop:
        order = shop.place_order((shop.add_product("Mug", 500)["id"], 2))
    (line,) = order["line_items"]
    assert (order["total"], line["total"], line["total_tax"], line["price"]) == (
        "1000",
        "952",
        "48",
        476.190476,
    )


def test_prices_without_tax_put_it_on_top() -> None:
    with SandboxShop("USD", 2, tax_rate="5") as shop:
        order = shop.place_order((shop.add_product("Mug", "9.99")["id"], 1))
    assert (order["total"], order["total_tax"]) == ("10.49", "0.50")


def test_edited_lines_let_the_total_fall_without_a_refund(woo_lab: SandboxShop) -> None:
    order = woo_lab.place_order((11, 2), (12, 1))
    changes = [{"id": order["line_items"][1]["id"], "quantity": 0}]
    edited = woo_lab.call("PUT", f"orders/{order['id']}", {"line_items": changes})
    assert (edited["total"], len(edited["line_items"]), edited["refunds"]) == ("1000", 1, [])


def test_changed_since_is_strictly_greater_and_local_without_a_zone(woo_lab: SandboxShop) -> None:
    order = woo_lab.place_order((11, 1))
    gmt, local = order["date_modified_gmt"], order["date_modified"]
    query = {"modified_after": gmt, "dates_are_gmt": "true"}
    assert woo_lab.call("GET", "orders", query=query) == []
    assert woo_lab.call("GET", "orders", query={"modified_after": local}) == []
    assert len(woo_lab.call("GET", "orders", query={"modified_after": gmt})) == 1

"""U54: what a variable discount is worth is taken off exactly, in currencies of no, two and three decimals.

WooCommerce keeps a coupon's amount as it is written and tells two decimals of it.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest

from connectors.base import StoreAccess
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.coupons import coupon_content
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.programs.catalogue import Reward
from loyalty.pushes import PushError, PushReceipt, PutCoupon
from loyalty.rewards.eligibility import price
from loyalty.values import StoreId

CODE = "lrab23cd45ef"
OFF = PutCoupon(CODE, "fixed_discount", Decimal(100), Decimal(0), None, "amy@example.test", "gift")
WORTH_OF_100 = {"TWD": "5", "JPY": "7.5", "USD": "0.35", "KWD": "0.0123"}
Push = Any


def push_to(woo: WooCommerceConnector, shop: SandboxShop) -> Push:
    keys = {"consumer_key": shop.consumer_key, "consumer_secret": shop.consumer_secret}
    access = StoreAccess(StoreId(UUID(int=7)), shop.url, keys, "Asia/Taipei")
    return lambda *commands: woo.push(access, commands)


def total_with_the_code(shop: SandboxShop, price_of_it: int) -> str:
    """The total of one thing of that price."""
    item = shop.add_product("Thing", price_of_it)["id"]
    return str(shop.place_order((item, 1), coupons=[CODE], email="amy@example.test")["total"])


@pytest.mark.parametrize(
    ("currency", "decimals", "points", "amount", "paid", "told"),
    [
        ("TWD", 0, 100, "5", "995", "5.00"),
        ("TWD", 0, 130, "6", "994", "6.00"),
        ("JPY", 0, 100, "7", "993", "7.00"),
        ("JPY", 0, 199, "14", "986", "14.00"),
        ("USD", 2, 100, "0.35", "999.65", "0.35"),
        ("USD", 2, 130, "0.45", "999.55", "0.45"),
        ("KWD", 3, 100, "0.012", "999.988", "0.01"),
        ("KWD", 3, 1000, "0.123", "999.877", "0.12"),
        ("KWD", 3, 10041, "1.235", "998.765", "1.24"),
    ],
)
def test_u54_variable_discount_is_exact_in_the_decimals_of_the_shop(
    woo: WooCommerceConnector, currency: str, decimals: int, points: int, amount: str, paid: str, told: str
) -> None:
    reward = Reward("any", "variable_discount", points=100, amount=Fraction(WORTH_OF_100[currency]))
    spent, worth = price(reward, decimals, points=points, amount=None)
    assert (spent, f"{worth:f}") == (points, amount)
    with SandboxShop(currency, decimals) as shop:
        push = push_to(woo, shop)
        for _ in range(2):
            assert isinstance(push(replace(OFF, amount=worth))[0], PushReceipt)
        coupon = shop.coupon(CODE)
        assert coupon is not None
        assert coupon["amount"] == told
        assert total_with_the_code(shop, 1000) == paid


def test_third_decimal_that_the_shop_does_not_tell_is_written_again(woo: WooCommerceConnector) -> None:
    with SandboxShop("KWD", 3) as shop:
        push = push_to(woo, shop)
        push(replace(OFF, amount=Decimal("1.231")))
        assert isinstance(push(replace(OFF, amount=Decimal("1.234")))[0], PushReceipt)
        assert [seen.method for seen in shop.requests] == ["POST", "POST", "GET", "PUT"]
        assert total_with_the_code(shop, 10) == "8.766"


def test_third_decimal_of_somebody_elses_code_is_not_taken_for_ours(woo: WooCommerceConnector) -> None:
    with SandboxShop("KWD", 3) as shop:
        push = push_to(woo, shop)
        command = replace(OFF, amount=Decimal("1.234"))
        asked = coupon_content(command, "Asia/Taipei")
        assert isinstance(asked, dict)
        shop.call("POST", "coupons", {**asked, "amount": "1.231", "meta_data": []})
        (error,) = push(command)
    assert isinstance(error, PushError)
    assert (error.permanent, error.reason) == (True, "rejected")

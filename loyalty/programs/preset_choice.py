"""Which preset fits a business (S7): how often a customer buys, and for how much.

Frequent and small purchases are led by the number of orders, rare and dear ones by status.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from loyalty.programs.ladder import Text
from loyalty.programs.presets import Preset, find_preset, words

OFTEN = 4
"""Orders of a customer in a year, from which on purchases are frequent."""
DEAR = 2000
"""A basket from which on purchases are dear, in the money of the presets (Taiwan dollars)."""
_CHOICES: dict[tuple[bool, bool], tuple[str, Text]] = {
    (True, False): (
        "visits3",
        words(
            "顧客常買而單價低：依訂單數升級，每次購買都看得到進展。",
            "顾客常买而单价低：按订单数升级，每次购买都看得到进展。",
            "Customers buy often and little: tiers by orders let every purchase show.",
        ),
    ),
    (False, True): (
        "black3",
        words(
            "顧客少買而單價高：以消費換取身分與專屬服務，不靠購買次數。",
            "顾客少买而单价高：以消费换取身份与专属服务，不靠购买次数。",
            "Customers buy rarely and dear: status and service reward the amount, not the number of visits.",
        ),
    ),
    (True, True): (
        "cards4",
        words(
            "顧客常買而單價高：四級消費門檻讓大客戶有目標可追。",
            "顾客常买而单价高：四级消费门槛让大客户有目标可追。",
            "Customers buy often and dear: four steps by spend keep a goal before the best of them.",
        ),
    ),
    (False, False): (
        "cards3",
        words(
            "顧客少買而單價低：三級就夠；發布前請先用自己的訂單試算門檻是否達得到。",
            "顾客少买而单价低：三级就够；发布前请先用自己的订单试算门槛是否达得到。",
            "Customers buy rarely and little: three tiers are enough; try on your own orders whether they are reached.",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A preset and why it fits."""

    preset: Preset
    reason: Text


def suggest_preset(orders_per_year: Fraction, basket: Fraction) -> Suggestion:
    """Return the preset for a customer's usual orders in a year and basket (money of the presets)."""
    key, reason = _CHOICES[orders_per_year >= OFTEN, basket >= DEAR]
    return Suggestion(find_preset(key), reason)

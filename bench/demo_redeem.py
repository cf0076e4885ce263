"""One member of the demonstration redeems a reward, uses its code, and gets his share back with a refund."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from bench.app import wait_for
from bench.demo_people import BAG, PRODUCTS, REDEEMER, REWARD
from bench.demo_steps import SECONDS_TO_SETTLE, Demo
from bench.shop_client import Coupon, Order, ShopRefused

REFUSED = "(not made)"
NO_ORDER = Order(0, 0, 0)


@dataclass(slots=True)
class Redeemer:
    """The member who redeems, and what is known of it."""

    demo: Demo
    points_before: int = 0
    redemption: dict[str, Any] = field(default_factory=dict)
    order: Order = NO_ORDER

    def redeem(self) -> None:
        """Exchange points for a code, and see it appear in the shop."""
        demo, member = self.demo, self.demo.member(REDEEMER)
        self.points_before = member["balance"]["available"]
        self.redemption = demo.app.post(
            f"/api/v1/members/{member['id']}/redemptions", {"reward": REWARD}, demo.store["api_key"]
        )
        done = wait_for(lambda: self._look()["state"] == "issued", SECONDS_TO_SETTLE)
        reward, balance = self._reward(), demo.member(REDEEMER)["balance"]
        demo.report.line(
            f"{REDEEMER.name}: {reward['name']['zh-TW']} → {self._code()}  "
            f"({self.points_before} → {balance['available']} 積分 points)"
        )
        spent = self.points_before - balance["available"] == reward["points"] and not balance["held"]
        is_there = [(each.emails, each.is_live) for each in self._coupons()] == [((REDEEMER.email,), True)]
        demo.report.claim(
            done and spent and is_there,
            "代碼已在商店,積分已扣除",
            "the code is in the shop, the points are spent",
        )

    def use(self) -> None:
        """Buy with the code; the shop takes it once."""
        demo = self.demo
        self.order = self._buy()
        demo.report.line(
            f"訂單 order #{self.order.number}: NT${PRODUCTS[BAG]} − 折抵 → NT${self.order.total}"
        )
        demo.settle()
        demo.report.claim(
            self._look()["state"] == "used", "兌換已標記為使用", "the redemption is known to be used"
        )
        try:
            self._buy()
        except ShopRefused:
            is_refused = True
        else:
            is_refused = False
        demo.report.claim(is_refused, "同一代碼無法再次使用", "the shop does not take the code again")

    def refund_half(self) -> None:
        """Refund half of what was paid: half of what the order earned goes, half of what it used comes back."""
        demo = self.demo
        demo.shop.refund(self.order, self.order.total // 2)
        demo.settle()
        is_off = [each.is_live for each in self._coupons()] == [False]
        demo.report.claim(is_off, "退款後代碼已停用", "after the refund the code is out of use")

    def show_statement(self) -> None:
        """Print the member's statement line by line, and add it up."""
        demo, member = self.demo, self.demo.member(REDEEMER)
        path = f"/api/v1/members/{member['id']}/entries?limit=100"
        entries = list(reversed(demo.app.get(path, demo.store["api_key"])["data"]))
        rows, total, adds_up = [], 0, True
        for entry in entries:
            total += entry["points"]
            adds_up &= total == entry["balance_after"]
            rows.append(
                (f"{entry['points']:+}", entry["balance_after"], entry["kind"], entry["reason"]["zh-TW"])
            )
        demo.report.table(("積分 points", "餘額 balance", "類別 kind", "原因 reason"), rows)
        owed = self.points_before - self._reward()["points"] // 2 + self._kept()
        demo.report.claim(adds_up, "對帳單逐筆相符", "the statement adds up line by line")
        agrees = total == member["balance"]["available"] == owed
        demo.report.claim(agrees, f"餘額 {owed} 積分", f"the balance is {owed} points")

    def _kept(self) -> int:
        """Return what the half of the order that was not refunded earns in his tier."""
        own = self.demo.member(REDEEMER)["tier"]["key"]
        tier = next(each for each in self.demo.document["tiers"] if each["key"] == own)
        left = self.order.total - self.order.total // 2
        return int(left * Fraction(tier["benefits"]["multiplier"]))

    def _buy(self) -> Order:
        demo = self.demo
        return demo.shop.buy([(demo.products[BAG], 1)], demo.buyers[REDEEMER.email], self._code())

    def _coupons(self) -> list[Coupon]:
        return [each for each in self.demo.shop.coupons() if each.code == self._code()]

    def _look(self) -> dict[str, Any]:
        found: dict[str, Any] = self.demo.app.get(
            f"/api/v1/redemptions/{self.redemption['id']}", self.demo.store["api_key"]
        )
        self.redemption = found
        return found

    def _code(self) -> str:
        coupon = self.redemption["coupon"]
        return str(coupon["code"]) if coupon else REFUSED

    def _reward(self) -> dict[str, Any]:
        return next(each for each in self.demo.document["rewards"] if each["key"] == REWARD)

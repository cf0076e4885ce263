"""The steps of the demonstration: connect a shop, let people buy, look at what they got, refund, prove the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from bench.app import App, is_drained, wait_for
from bench.demo_people import PEOPLE, PRODUCTS, REFUNDED, Person, expect
from bench.demo_print import Report
from bench.shop_client import Buyer, Coupon, Order, ShopClient
from bench.stage import PROJECT
from loyalty.values import plain_text

PROGRAM = PROJECT / "docs" / "examples" / "demo-program.json"
SECONDS_TO_SETTLE = 30.0
QUIET_LOOKS = 4


@dataclass(slots=True)
class Demo:
    """The running program, the shop, and what is known of both."""

    app: App
    shop: ShopClient
    report: Report
    document: dict[str, Any]
    store: dict[str, Any] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)
    buyers: dict[str, Buyer] = field(default_factory=dict)
    orders: dict[str, list[Order]] = field(default_factory=dict)
    """Products by name; buyers and their orders by e-mail."""

    def connect(self) -> None:
        """Connect the shop and publish the program by the command line."""
        self.store = self.app.command("store", "connect", *self.shop.connecting())
        start = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
        self.app.command("program", "publish", self.store["store"], str(PROGRAM), "--effective-from", start)
        self.report.line(f"商店 shop {self.shop.url}  →  {self.store['webhook_url']}")
        hooks = self.shop.count_webhooks()
        self.report.line(
            f"{hooks} 個 webhook 已註冊 webhooks registered; 方案 program {PROGRAM.name} 已發布 published"
        )

    def buy(self) -> None:
        """Let everybody buy in the shop."""
        self.products = {name: self.shop.add_product(name, price) for name, price in PRODUCTS.items()}
        rows = []
        for person in PEOPLE:
            buyer = self.buyers[person.email] = self._buyer(person)
            for wanted in person.orders:
                items = [(self.products[product], quantity) for product, quantity in wanted]
                order = self.shop.buy(items, buyer)
                self.orders.setdefault(person.email, []).append(order)
                kind = "會員 customer" if buyer.customer else "訪客 guest"
                rows.append((f"#{order.number}", person.name, kind, f"NT${order.total}"))
        self.report.table(("訂單 order", "姓名 name", "身分 kind", "金額 total"), rows)

    def settle(self) -> None:
        """Wait until the shop has delivered everything and nothing waits any more."""
        quiet = 0

        def is_quiet() -> bool:
            nonlocal quiet
            quiet = quiet + 1 if self.shop.is_silent() and is_drained(self.app) else 0
            return quiet >= QUIET_LOOKS

        done = wait_for(is_quiet, SECONDS_TO_SETTLE, pause=0.2)
        self.report.claim(done, "所有通知都已處理", "every delivery is processed")

    def member(self, person: Person) -> dict[str, Any]:
        """Return a member as the REST API states him; empty when there is none."""
        found = self.app.get(f"/api/v1/members?email={quote(person.email)}", self.store["api_key"])["data"]
        return dict(found[0]) if found else {}

    def coupons(self) -> list[Coupon]:
        """Print the coupons that are in the shop; return them."""
        coupons = self.shop.coupons()
        rows = [
            (each.code, f"NT${plain_text(each.amount)}", ", ".join(each.emails), _state(each))
            for each in coupons
        ]
        self.report.table(("折價券 coupon", "金額 amount", "會員 member", "狀態 state"), rows)
        return coupons

    def show_members(self) -> None:
        """Print the members and compare them with what the program owes them."""
        rows, agrees = [], True
        for person in PEOPLE:
            member, expected = self.member(person), expect(person, self.document)
            if not member:
                agrees = False
                continue
            balance, tier = member["balance"], member["tier"] or {"key": "", "name": {"zh-TW": "-"}}
            rows.append(
                (person.name, person.email, balance["available"], tier["name"].get("zh-TW"), tier["key"])
            )
            agrees &= (balance["available"], tier["key"]) == (expected.points, expected.tier)
        self.report.table(("姓名 name", "e-mail", "積分 points", "等級 tier", ""), rows)
        self.report.claim(agrees, "積分與等級和逐筆計算相符", "points and tiers are what the program owes")

    def show_coupons(self) -> None:
        """Print the coupons and compare them with what the program owes."""
        coupons = self.coupons()
        owed = sorted(
            ((person.email,), Decimal(amount))
            for person in PEOPLE
            for amount in expect(person, self.document).coupons
        )
        there = sorted((each.emails, each.amount) for each in coupons if each.is_live)
        self.report.claim(
            there == owed, "升級禮券已在商店中", "the coupons of the tier entries are in the shop"
        )

    def refund(self) -> None:
        """Refund the order that lifted a member into his tier, and see what it gave taken back."""
        order = self.orders[REFUNDED.email][0]
        self.shop.refund(order)
        self.report.line(f"退款 refunded #{order.number} NT${order.total} ({REFUNDED.name})")
        self.settle()
        points = self.member(REFUNDED)["balance"]
        self.report.line(f"{REFUNDED.name}: {points['available']} 積分 points, 欠點 debt {points['debt']}")
        self.report.claim(points["available"] == points["debt"] == 0, "積分已收回", "the points are back")
        own = [each for each in self.coupons() if each.emails == (REFUNDED.email,)]
        is_off = bool(own) and not any(each.is_live for each in own)
        self.report.claim(is_off, "未使用的禮券已在商店停用", "the unused coupon is disabled in the shop")

    def verify(self) -> None:
        """Fold the whole ledger again from nothing and compare."""
        found = self.app.command("ledger", "verify", self.store["store"], "--rebuild", ok=(0, 1))
        self.report.line(
            f"members: {found['members']}  entries: {found['entries']}  differences: {found['differences']}"
        )
        self.report.claim(
            found["differences"] == 0, "帳本重算無差異", "the rebuilt ledger has no differences"
        )

    def _buyer(self, person: Person) -> Buyer:
        customer = self.shop.register(person.email, person.name) if person.registered else 0
        return Buyer(person.email, person.name, customer)


def _state(coupon: Coupon) -> str:
    return "可使用 usable" if coupon.is_live else "已停用 disabled"

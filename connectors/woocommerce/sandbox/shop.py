"""A small WooCommerce over real HTTP, with handles for tests and demonstrations."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

from connectors.sandbox import RunningShop
from connectors.woocommerce.sandbox import routes, webhooks
from connectors.woocommerce.sandbox.authentication import Gate
from connectors.woocommerce.sandbox.coupon_uses import count_use, enter_codes
from connectors.woocommerce.sandbox.coupons import find_by_code, stated
from connectors.woocommerce.sandbox.query import Request
from connectors.woocommerce.sandbox.server import ShopServer
from connectors.woocommerce.sandbox.shipping import cheapest_line, first_zones
from connectors.woocommerce.sandbox.state import Json, Now, Options, State, as_fraction
from connectors.woocommerce.sandbox.statuses import find_order, restore
from loyalty.clock import utc_now

API = routes.API
Amount = str | int | Decimal
KEPT_KEYS = ("line_items", "shipping_lines", "fee_lines", "tax_lines")


class SandboxShop(RunningShop):
    """A running shop; use it as a context manager, or call `start` and `stop`."""

    def __init__(
        self,
        currency: str = "TWD",
        decimals: int = 0,
        time_zone: str = "Asia/Taipei",
        *,
        prices_include_tax: bool = False,
        tax_rate: str = "0",
        auto_deliver: bool = False,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        now: Now = utc_now,
        consumer_key: str = "ck_sandbox",
        consumer_secret: str = "cs_sandbox",
    ) -> None:
        options = Options(currency, decimals, time_zone, prices_include_tax, tax_rate)
        self.state = State(options, now, zones=first_zones())
        self.gate = Gate(consumer_key, consumer_secret)
        self.consumer_key, self.consumer_secret = consumer_key, consumer_secret
        server = ShopServer(("127.0.0.1", port), self.state, self.gate)
        super().__init__(server, self.state.queued, tls=tls, auto_deliver=auto_deliver)

    @property
    def now(self) -> Now:
        """The shop's clock; set it to any function without arguments."""
        return self.state.now

    @now.setter
    def now(self, clock: Now) -> None:
        """Set the shop's clock."""
        self.state.now = clock

    def let_through(self, code: str, times: int = 1) -> None:
        """Let the next orders with a code that is used up have it, as a shop does to orders that arrive together: it
        checks each of them before it counts the use of another.
        """
        with self.state.lock:
            self.state.early_checks[code.lower()] = times

    def add_product(self, name: str = "Mug", price: Amount = 500, **more: Any) -> Json:
        """Make a product; `more` are REST fields (sku, categories, tags, sale_price, parent_id)."""
        return self.call("POST", "products", {"name": name, "regular_price": str(price), **more})

    def add_customer(self, email: str = "amy@example.test", **more: Any) -> Json:
        """Make a customer."""
        return self.call("POST", "customers", {"email": email, **more})

    def add_coupon(self, code: str, amount: Amount = 100, **more: Any) -> Json:
        """Make a coupon as a merchant would."""
        return self.call("POST", "coupons", {"code": code, "amount": str(amount), **more})

    def place_order(
        self,
        *items: tuple[int, int],
        customer: int = 0,
        email: str = "guest@example.test",
        coupons: Sequence[str] = (),
        paid: bool = True,
        **more: Any,
    ) -> Json:
        """Place an order of (product id, quantity) pairs; `more` are REST fields."""
        body: Json = {"line_items": [{"product_id": product, "quantity": count} for product, count in items]}
        body |= {
            "customer_id": customer,
            "set_paid": paid,
            "coupon_lines": [{"code": code} for code in coupons],
        }
        return self.call("POST", "orders", {**body, "billing": {"email": email, "country": "TW"}, **more})

    def check_out(self, *items: tuple[int, int], coupons: Sequence[str] = (), **more: Any) -> Json:
        """Place an order as a buyer does at the checkout, who enters the codes one after the other and pays for the
        cheapest shipping; `more` as before. Raises RestError.
        """
        with self.state.lock:
            codes = enter_codes(self.state, coupons)
            prices = [(as_fraction(self.state.products[product]["price"]), count) for product, count in items]
            line = cheapest_line(
                self.state, codes, sum((price * count for price, count in prices), Fraction(0))
            )
        return self.place_order(*items, coupons=codes, shipping_lines=[line], **more)

    def set_status(self, order_id: int, status: str) -> Json:
        """Move an order to a status."""
        return self.call("PUT", f"orders/{order_id}", {"status": status})

    def refund(self, order_id: int, amount: Amount | None = None, lines: Sequence[Json] = ()) -> Json:
        """Refund by amount, by lines ({id, quantity, refund_total}), or both."""
        body: Json = {"line_items": list(lines)} | ({} if amount is None else {"amount": str(amount)})
        return self.call("POST", f"orders/{order_id}/refunds", body)

    def delete_refund(self, order_id: int, refund_id: int) -> Json:
        """Delete a refund, of which nothing tells."""
        return self.call("DELETE", f"orders/{order_id}/refunds/{refund_id}", query={"force": "true"})

    def trash(self, order_id: int) -> Json:
        """Put an order in the trash."""
        return self.call("DELETE", f"orders/{order_id}")

    def restore(self, order_id: int) -> None:
        """Take an order out of the trash."""
        with self.state.lock:
            restore(self.state, find_order(self.state, order_id))

    def delete(self, order_id: int) -> Json:
        """Remove an order for good."""
        return self.call("DELETE", f"orders/{order_id}", query={"force": "true"})

    def order(self, order_id: int) -> Json:
        """Return an order as the shop states it."""
        return self.call("GET", f"orders/{order_id}")

    def customer(self, customer_id: int) -> Json:
        """Return a customer as the shop states him."""
        return self.call("GET", f"customers/{customer_id}")

    def coupon(self, code: str) -> Json | None:
        """Return the coupon of a code as it is stored, or None."""
        with self.state.lock:
            coupon = find_by_code(self.state, code)
            return copy.deepcopy(stated(self.state, coupon)) if coupon else None

    def put_order(self, order: Json, refunds: Sequence[Json] | None = None) -> Json:
        """Load a recorded order with the recorded answer of its refunds; without one they are by amount only."""
        row = {key: value for key, value in copy.deepcopy(order).items() if key not in ("refunds", "_links")}
        given = [_by_amount(row, each) for each in order.get("refunds", ())] if refunds is None else refunds
        with self.state.lock:
            self.state.orders[row["id"]] = row
            for refund in copy.deepcopy(sorted(given, key=lambda each: int(each["id"]))):
                refund.pop("_links", None)
                self.state.refunds[refund["id"]] = {**refund, "parent_id": row["id"]}
            count_use(self.state, row)
        return self.order(row["id"])

    def deliver(self) -> int:
        """Deliver every waiting webhook call, each rendered now; return how many were taken from the queue."""
        return sum(1 for _ in iter(self._deliver_next, False))

    def call(
        self, method: str, path: str, body: Json | None = None, query: dict[str, str] | None = None
    ) -> Json:
        """Do what a REST call on one thing does, without the network; raises RestError."""
        request = Request(method, f"{API}/{path}", query or {}, body or {}, self.url)
        with self.state.lock:
            reply = routes.answer(self.state, request)
        if reply.ping is not None:
            reply.ping()
        done: Json = copy.deepcopy(reply.body)
        return done

    def _deliver_next(self) -> bool:
        return webhooks.deliver_next(self.state, partial(routes.rendered, self.state, self.url), self.url)


def _by_amount(order: Json, summary: Json) -> Json:
    dates = {"date_created": order["date_modified"], "date_created_gmt": order["date_modified_gmt"]}
    row: Json = {"id": summary["id"], **dates, "amount": str(summary["total"]).lstrip("-")}
    row |= {"reason": summary["reason"], "refunded_by": 1, "refunded_payment": False, "meta_data": []}
    return row | {key: [] for key in KEPT_KEYS}

"""A small Shopify over real HTTP, with handles for tests and demonstrations."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Sequence
from typing import Any

from connectors.sandbox import RunningShop
from connectors.shopify.sandbox import (
    bulk,
    catalogue,
    discounts,
    people,
    purses,
    refunding,
    selling,
    tendering,
    webhooks,
)
from connectors.shopify.sandbox.bucket import Bucket
from connectors.shopify.sandbox.executing import answer
from connectors.shopify.sandbox.oauth import Office
from connectors.shopify.sandbox.payloads import order_payload, refund_payload
from connectors.shopify.sandbox.played import uninstall
from connectors.shopify.sandbox.selling import Basket
from connectors.shopify.sandbox.server import ShopifyServer
from connectors.shopify.sandbox.state import VERSION, Amount, Delivery, Json, Now, Options, State
from loyalty.clock import utc_now


class ShopifySandbox(RunningShop):
    """A running shop; use it as a context manager, or call `start` and `stop`. Ids are numbers, as in webhooks."""

    def __init__(
        self,
        currency: str = "TWD",
        decimals: int = 0,
        time_zone: str = "Asia/Taipei",
        *,
        taxes_included: bool = False,
        tax_rate: str = "0",
        auto_deliver: bool = False,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        now: Now = utc_now,
        shop: str = "laurel-test.myshopify.com",
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-secret",
        access_token: str = "shpat_sandbox",
        bucket: float = 2000,
        restore_rate: float = 100,
    ) -> None:
        self.state = State(
            Options(currency, decimals, time_zone, taxes_included, tax_rate, shop, client_id, client_secret),
            now,
        )
        self.shop, self.client_id, self.client_secret = shop, client_id, client_secret
        self.access_token, self.bucket = access_token, Bucket(bucket, restore_rate)
        self.office = Office(self.state, access_token)
        server = ShopifyServer(("127.0.0.1", port), self.state, self.bucket, self.office)
        super().__init__(server, self.state.queued, tls=tls, auto_deliver=auto_deliver)
        self.state.base = self.url

    @property
    def now(self) -> Now:
        """The shop's clock; set it to any function without arguments."""
        return self.state.now

    @now.setter
    def now(self, clock: Now) -> None:
        """Set the shop's clock."""
        self.state.now = clock

    def grant(self, *scopes: str) -> None:
        """Let the app do just this from now on, with the tokens it has, too."""
        with self.state.lock:
            self.office.granted = frozenset(scopes)
            for token in self.office.tokens.values():
                token.scopes = self.office.granted

    def let_through(self, code: str, times: int = 1) -> None:
        """Let the next checkouts with a code that is used up have it, as a shop does to those that arrive together: it
        checks each of them before it counts the use of another.
        """
        with self.state.lock:
            self.state.early_checks[code.casefold()] = times

    def lag(self) -> None:
        """Let `asyncUsageCount` say what it says now until `catch_up`."""
        discounts.lag(self.state)

    def catch_up(self) -> None:
        """Let `asyncUsageCount` tell the uses again."""
        with self.state.lock:
            self.state.usage_lags = False

    def add_product(self, title: str = "Mug", price: Amount = 500, **more: Any) -> Json:
        """Make a product; `more` are tags, collections (ids), compare_at_price, gift_card, sku."""
        with self.state.lock:
            return copy.deepcopy(catalogue.add_product(self.state, title, price, **more))

    def add_collection(self, title: str = "Cups") -> Json:
        """Make a collection."""
        with self.state.lock:
            return copy.deepcopy(catalogue.add_collection(self.state, title))

    def add_customer(self, email: str | None = "amy@example.test", **more: Any) -> Json:
        """Make a customer; `more` are fields of GraphQL (firstName, tags, state, verifiedEmail)."""
        with self.state.action():
            return copy.deepcopy(people.add(self.state, email, **more))

    def add_discount(self, code: str, percentage: float = 0.1, **more: Any) -> Json:
        """Make a code discount as a merchant would; `more` are fields of DiscountCodeBasicInput. Raises ValueError."""
        given = {"title": code, "code": code, "startsAt": "2020-01-01T00:00:00Z", "context": {"all": "ALL"}}
        gets = {"customerGets": {"value": {"percentage": percentage}, "items": {"all": True}}}
        told = self.ask(discounts.MAKE, {"given": given | gets | more})
        errors = told.get("errors") or told["data"]["discountCodeBasicCreate"]["userErrors"]
        if errors:
            raise ValueError(errors[0]["message"])
        return self.discount(code) or {}

    def change_customer(self, customer: int, **more: Any) -> None:
        """Change fields of a customer."""
        with self.state.action():
            people.change(self.state, self.state.customers[customer], **more)

    def place_order(
        self,
        *items: tuple[int, int],
        paid: bool = True,
        gift_cards: Sequence[str] = (),
        store_credit: Amount = 0,
        **more: Any,
    ) -> Json:
        """Place an order of (product id, quantity) pairs, paid by the cards of these codes, by so much store credit and
        the rest by money; `more` are the fields of `Basket`: customer, email, codes, shipping, tip, test, source,
        country, province, currency, rate. Raises CheckoutError.
        """
        with self.state.action():
            basket = Basket(items, **more)
            order = tendering.check_out(self.state, basket, gift_cards, store_credit, paid=paid)
            return order_payload(self.state, order)

    check_out = place_order

    def pay(self, order: int, amount: Amount | None = None, gateway: str = "bogus") -> int:
        """Pay what is owed, or an amount; returns the transaction's id."""
        return int(selling.pay(self.state, self._order(order), amount, gateway=gateway)["id"])

    def authorize(self, order: int) -> int:
        """Reserve the total; returns the transaction's id."""
        return int(selling.authorize(self.state, self._order(order))["id"])

    def capture(self, order: int, amount: Amount | None = None) -> int:
        """Take what was reserved; returns the transaction's id."""
        return int(selling.pay(self.state, self._order(order), amount, "CAPTURE")["id"])

    def void(self, order: int) -> None:
        """Give up what was reserved."""
        selling.void(self.state, self._order(order))

    def fulfil(self, order: int, *, is_all: bool = True) -> None:
        """Send the goods."""
        selling.fulfil(self.state, self._order(order), is_all=is_all)

    def refund(self, order: int, lines: Sequence[tuple[int, int]] = (), **how: Any) -> Json:
        """Refund (line id, quantity) pairs; `how`: shipping, amount (the money when it is not what is named), pending,
        restock, gateway, note.
        """
        with self.state.action():
            row = self._order(order)
            return refund_payload(self.state, row, refunding.refund(self.state, row, lines, **how))

    def refund_all(self, order: int, **how: Any) -> Json:
        """Refund all that is left."""
        with self.state.action():
            row = self._order(order)
            return refund_payload(self.state, row, refunding.refund_all(self.state, row, **how))

    def settle_refund(self, order: int, refund: int, *, is_paid: bool = True) -> None:
        """Let the pending payment of a refund succeed or fail."""
        row = self._order(order)
        found = next(each for each in row["refunds"] if each["id"] == refund)
        refunding.settle(self.state, row, found, is_paid=is_paid)

    def cancel(
        self, order: int, *, refund: bool = True, reason: str = "CUSTOMER", pending: bool = False
    ) -> None:
        """Cancel an order; what was paid is given back unless `refund` is False."""
        refunding.cancel(self.state, self._order(order), reason, refund=refund, pending=pending)

    def edit(
        self, order: int, *, add: Sequence[tuple[int, int]] = (), remove: Sequence[tuple[int, int]] = ()
    ) -> None:
        """Edit the lines of an order: `add` (product id, quantity), `remove` (line id, quantity)."""
        selling.edit(self.state, self._order(order), add, remove)

    def delete(self, order: int) -> None:
        """Remove an order for good."""
        with self.state.action():
            selling.delete(self.state, self._order(order))

    def expire(self, order: int) -> None:
        """Let the reservation of an order run out."""
        selling.expire(self.state, self._order(order))

    def merge_customers(self, kept: int, lost: int) -> None:
        """Merge a customer into another."""
        people.merge(self.state, self.state.customers[kept], self.state.customers[lost])

    def delete_customer(self, customer: int) -> None:
        """Remove a customer for good."""
        with self.state.action():
            people.delete(self.state, self.state.customers[customer])

    def request_data(self, customer: int) -> None:
        """Send customers/data_request."""
        people.request_data(self.state, self._person(customer))

    def redact_customer(self, customer: int) -> None:
        """Send customers/redact."""
        people.redact(self.state, self._person(customer))

    def uninstall(self) -> None:
        """Take the app off the shop."""
        with self.state.action():
            uninstall(self.state)

    def install(self) -> None:
        """Put the app on the shop again; the tokens that it had are good again, too."""
        with self.state.lock:
            self.state.installed = True

    def redact_shop(self) -> None:
        """Send shop/redact."""
        people.redact_shop(self.state)

    def order(self, order: int) -> Json:
        """Return an order as webhooks state it now."""
        with self.state.lock:
            return copy.deepcopy(order_payload(self.state, self._order(order)))

    def customer(self, customer: int) -> Json:
        """Return what the shop keeps of a customer, with his tags."""
        with self.state.lock:
            return copy.deepcopy(self.state.customers[customer])

    def discount(self, code: str) -> Json | None:
        """Return what the shop keeps of the discount of a code, with its `uses`; None when there is none."""
        with self.state.lock:
            return copy.deepcopy(discounts.find_by_code(self.state, code))

    def gift_card(self, code: str) -> Json | None:
        """Return what the shop keeps of the gift card of a code, with its `balance`; None when there is none."""
        with self.state.lock:
            return copy.deepcopy(purses.find_card(self.state, code))

    def ask(self, query: str, variables: Json | None = None, scopes: frozenset[str] | None = None) -> Json:
        """Do what a GraphQL request does, without the network and without a point of the app's bucket."""
        given = {"query": query, "variables": variables or {}}
        with self.state.lock:
            return answer(self.state, Bucket(1000, 0), scopes or self.office.granted, VERSION, given)

    def deliver(self) -> int:
        """Deliver every webhook call that is due; return how many were tried."""
        with self.state.lock:
            bulk.finish(self.state)
        return sum(1 for _ in iter(lambda: webhooks.deliver_next(self.state), False))

    def configure(self, uri: str, *topics: str) -> None:
        """Subscribe as the app's configuration does; `topics` as GraphQL names them. The API neither lists nor removes
        these.
        """
        with self.state.lock:
            for topic in topics:
                webhooks.configure(self.state, topic, uri)

    def take(self) -> list[Delivery]:
        """Take the waiting webhook calls as they are, instead of delivering them."""
        with self.state.lock:
            bulk.finish(self.state)
            taken = list(self.state.queue)
            self.state.queue.clear()
            return taken

    def redeliver(self) -> int:
        """Try every waiting webhook call once, also those whose next try is hours away; return how many."""
        with self.state.lock:
            waiting = len(self.state.queue)
        return sum(webhooks.deliver_next(self.state, even_early=True) for _ in range(waiting))

    def _person(self, customer: int) -> Json:
        with self.state.lock:
            return {**self.state.former, **self.state.customers}[customer]

    def _order(self, order: int) -> Json:
        with self.state.lock:
            return self.state.orders[order]

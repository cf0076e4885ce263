"""The receiver: a signed delivery is stored as it came and answered at once; nothing else happens in the request."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from flask import Flask, abort, request
from sqlalchemy import Connection

from connectors.base import Connector
from connectors.shopify.compliance import COMPLIANCE, LAST_TOPICS, happened_at, names_shop
from connectors.shopify.signature import SHOP, WEBHOOK_ID, shop_domain
from loyalty.clock import utc_now
from loyalty.inbox import repository as inbox
from loyalty.stores.addresses import Address, find_address, find_address_of_shop
from webhook_app.metrics import count_delivery
from webhook_app.tools import Tools, tools

ENDPOINTS = frozenset({"receive_woocommerce", "receive_shopify"})
TOPIC = "x-wc-webhook-topic"
DELIVERY_ID = "x-wc-webhook-delivery-id"
SHOPIFY_TOPIC = "x-shopify-topic"
KEPT_SECONDS = 30.0
_TOKEN = re.compile(r"[0-9a-f]{32}")
Headers = dict[str, str]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AddressBook:
    """The webhook addresses that this process looked up in the last seconds; unknown ones are never kept."""

    _known: dict[str, tuple[float, Address]] = field(default_factory=dict)

    def find(self, shared: Tools, token: str) -> Address | None:
        """Return whose address a token is, None when it is nobody's."""
        if not _TOKEN.fullmatch(token):
            return None
        return self._find(shared, token, lambda it: find_address(it, shared.vault, token, utc_now()))

    def find_shop(self, shared: Tools, domain: str) -> Address | None:
        """Return the store of a shop of Shopify, None when it is nobody's."""
        return self._find(
            shared, domain, lambda it: find_address_of_shop(it, shared.vault, domain, utc_now())
        )

    def _find(
        self, shared: Tools, name: str, look_up: Callable[[Connection], Address | None]
    ) -> Address | None:
        until, address = self._known.get(name, (0.0, None))
        if address is not None and time.monotonic() < until:
            return address
        address = shared.database.single_statement(look_up)
        if address is None:
            self._known.pop(name, None)
        else:
            self._known[name] = (time.monotonic() + KEPT_SECONDS, address)
        return address


def register(app: Flask) -> None:
    """Add the receiver of each platform."""
    book = AddressBook()

    @app.post("/webhooks/woocommerce/<token>")
    def receive_woocommerce(token: str) -> tuple[str, int]:
        return _receive_woocommerce(book, token)

    @app.post("/webhooks/shopify")
    def receive_shopify() -> tuple[str, int]:
        return _receive_shopify(book)


def _receive_woocommerce(book: AddressBook, token: str) -> tuple[str, int]:
    shared = tools()
    address = book.find(shared, token)
    if address is None or address.platform != "woocommerce":
        abort(404, "There is no store at this address.")
    connector = shared.connectors["woocommerce"]
    body = request.get_data(cache=False)
    headers = _headers(request.environ)
    if connector.is_authentic(address.webhook_secrets, headers, body):
        topic, delivery_id = headers.get(TOPIC, ""), headers.get(DELIVERY_ID, "")
        _store(shared, connector, address, headers, body, topic, delivery_id)
    elif connector.is_ping(headers, body):
        count_delivery("ping")
    else:
        _refuse(str(address.store), body)
    return "", 200


def _receive_shopify(book: AddressBook) -> tuple[str, int]:
    """Shops share one address and name themselves in a header that is not signed: the signature must be of that very
    shop's app. Nobody without a secret learns which shops there are.
    """
    shared = tools()
    body = request.get_data(cache=False)
    headers = _headers(request.environ)
    domain = shop_domain(headers.get(SHOP, ""))
    address = book.find_shop(shared, domain) if domain else None
    connector = shared.connectors["shopify"]
    if not connector.is_authentic(_secrets(shared, address), headers, body):
        _refuse(str(address.store) if address else "none", body)
    topic = headers.get(SHOPIFY_TOPIC, "")
    if topic in COMPLIANCE and not names_shop(body, domain):
        _refuse(str(address.store) if address else "none", body)
    if address is not None and (address.is_connected or topic in LAST_TOPICS):
        at = happened_at(topic, headers, utc_now())
        _store(shared, connector, address, headers, body, topic, headers.get(WEBHOOK_ID, ""), at)
    elif topic not in COMPLIANCE:
        abort(404, "This shop is not connected.")
    return "", 200


def _secrets(shared: Tools, address: Address | None) -> tuple[str, ...]:
    """Return what may sign for a store; an empty secret stands for the installation's own app."""
    own = address.webhook_secrets if address else ("",)
    return own + shared.settings.shopify_api_secrets if "" in own else own


def _refuse(store: str, body: bytes) -> None:
    count_delivery("refused")
    log.info("delivery_refused", store=store, bytes=len(body))
    abort(401, "The signature does not fit.")


def _headers(environ: Mapping[str, Any]) -> Headers:
    """Return the headers by their names in small letters; ten times faster than to copy werkzeug's."""
    return {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _store(
    shared: Tools, connector: Connector, address: Address, headers: Headers, body: bytes, topic: str, id: str,
    happened_at: datetime | None = None,
) -> None:  # fmt: skip
    """Make the delivery durable in one statement, then wake whoever works on it."""
    key = connector.message_key(topic, headers, body)
    is_new = shared.database.single_statement(
        lambda it: inbox.accept(
            it, address.account, address.store, key=key, source="webhook", topic=topic,
            delivery_id=id, body=body, observed_at=happened_at,
        )
    )  # fmt: skip
    shared.wakes.wake(address.account)
    count_delivery("accepted" if is_new else "repeated")

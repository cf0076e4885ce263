"""The receiver: a signed delivery is stored as it came and answered at once; nothing else happens in the request."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Flask, abort, request

from connectors.base import Connector
from loyalty.clock import utc_now
from loyalty.inbox import repository as inbox
from loyalty.stores.addresses import Address, find_address
from webhook_app.metrics import count_delivery
from webhook_app.tools import Tools, tools

ENDPOINT = "receive_woocommerce"
TOPIC = "x-wc-webhook-topic"
DELIVERY_ID = "x-wc-webhook-delivery-id"
KEPT_SECONDS = 30.0
_TOKEN = re.compile(r"[0-9a-f]{32}")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AddressBook:
    """The webhook addresses that this process looked up in the last seconds; unknown ones are never kept."""

    _known: dict[str, tuple[float, Address]] = field(default_factory=dict)

    def find(self, shared: Tools, token: str) -> Address | None:
        """Return whose address a token is, None when it is nobody's."""
        until, address = self._known.get(token, (0.0, None))
        if address is not None and time.monotonic() < until:
            return address
        if not _TOKEN.fullmatch(token):
            return None
        address = shared.database.single_statement(
            lambda it: find_address(it, shared.vault, token, utc_now())
        )
        if address is None:
            self._known.pop(token, None)
        else:
            self._known[token] = (time.monotonic() + KEPT_SECONDS, address)
        return address


def register(app: Flask) -> None:
    """Add the receiver of each platform."""
    book = AddressBook()

    @app.post("/webhooks/woocommerce/<token>", endpoint=ENDPOINT)
    def receive_woocommerce(token: str) -> tuple[str, int]:
        return _receive(book, "woocommerce", token)


def _receive(book: AddressBook, platform: str, token: str) -> tuple[str, int]:
    shared = tools()
    address = book.find(shared, token)
    if address is None or address.platform != platform:
        abort(404, "There is no store at this address.")
    connector = shared.connectors[platform]
    body = request.get_data(cache=False)
    headers = _headers(request.environ)
    if connector.is_authentic(address.webhook_secrets, headers, body):
        _store(shared, connector, address, headers, body)
    elif connector.is_ping(headers, body):
        count_delivery("ping")
    else:
        count_delivery("refused")
        log.info("delivery_refused", store=str(address.store), bytes=len(body))
        abort(401, "The signature does not fit.")
    return "", 200


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers by their names in small letters; ten times faster than to copy werkzeug's."""
    return {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _store(
    shared: Tools, connector: Connector, address: Address, headers: dict[str, str], body: bytes
) -> None:
    """Make the delivery durable in one statement, then wake whoever works on it."""
    topic, delivery_id = headers.get(TOPIC, ""), headers.get(DELIVERY_ID, "")
    key = connector.message_key(topic, headers, body)
    is_new = shared.database.single_statement(
        lambda it: inbox.accept(
            it, address.account, address.store, key=key, source="webhook", topic=topic,
            delivery_id=delivery_id, body=body,
        )
    )  # fmt: skip
    shared.wakes.wake(address.account)
    count_delivery("accepted" if is_new else "repeated")

"""The webhooks of the sandbox shop: shop-specific subscriptions, the queue, signed delivery, retries."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, timedelta
from typing import Any
from uuid import uuid4

from connectors.sandbox.posting import post
from connectors.shopify.sandbox.fields import Fields, Session, connect, own_id
from connectors.shopify.sandbox.state import Delivery, Json, State, number_of

SECONDS = 5
RETRY_AFTER = tuple(timedelta(minutes=each) for each in (1, 2, 4, 8, 15, 30, 60, 120))
"""Eight retries over four hours, ever longer apart (verify-deliveries); the single waits are not documented."""
MOST_FAILURES = 8
DOTTED = ("CUSTOMER_TAGS_ADDED", "CUSTOMER_TAGS_REMOVED", "CUSTOMER_JOINED_SEGMENT", "CUSTOMER_LEFT_SEGMENT")
TWO_WORDS = ("ORDER_TRANSACTIONS", "BULK_OPERATIONS", "FULFILLMENT_EVENTS", "DRAFT_ORDERS")


def topic_of(name: str) -> str:
    """Return a topic as headers state it, of its name in GraphQL."""
    words = name.lower()
    if name in DOTTED:
        return words.replace("customer_", "customer.", 1)
    head = next((each.lower() for each in TWO_WORDS if name.startswith(f"{each}_")), words.partition("_")[0])
    return f"{head}/{words[len(head) + 1 :]}"


def emit(state: State, topic: str, render: Callable[[], Json]) -> None:
    """Queue a delivery to every subscription of a topic, rendered now: a retry carries the same bytes."""
    known = (*state.subscriptions.values(), *(state.configured if state.installed else ()))
    rows = [each for each in known if topic_of(each["topic"]) == topic]
    if not rows:
        return
    with state.action():
        payload = render()
        for row in rows:
            wanted = row["includeFields"]
            shown = {key: payload[key] for key in payload if key in wanted} if wanted else payload
            _queue(state, topic, row["uri"], shown, row)


def emit_compliance(state: State, topic: str, payload: Json) -> None:
    """Queue a compliance topic, which the app's configuration addresses and no subscription."""
    with state.action():
        if state.compliance_url:
            _queue(state, topic, state.compliance_url, payload, None)


def configure(state: State, topic: str, uri: str) -> None:
    """Subscribe as the app's configuration does (shopify.app.toml); `topic` as GraphQL names it."""
    row: Json = {"id": None, "topic": topic, "uri": uri, "name": None, "includeFields": []}
    state.configured.append(row | {"version": state.versions[-1]})


def deliver_next(state: State, *, even_early: bool = False) -> bool:
    """Try the oldest call that is due, or any when `even_early`; return False when there is none."""
    with state.lock:
        now = state.now()
        waiting = next((each for each in state.queue if even_early or each.due <= now), None)
        if waiting is None:
            state.queued.clear()
            return False
        state.queue.remove(waiting)
    status = post(waiting.uri, waiting.body, waiting.headers, SECONDS)
    with state.lock:
        _settle(state, waiting, 200 <= status < 300)
    return True


def create(session: Session, _root: Any, topic: str, webhookSubscription: Json) -> Json:  # noqa: N803
    """Subscribe; the address of a topic may stand once for each app."""
    state, now = session.state, session.state.now()
    row: Json = {"id": state.new_id(), "topic": topic, "uri": "", "name": None, "format": "JSON"}
    row |= {"filter": None, "includeFields": [], "metafieldNamespaces": [], "failures": 0}
    row |= {"createdAt": now, "updatedAt": now, "version": session.version}
    row |= {key: value for key, value in webhookSubscription.items() if key in row and value is not None}
    errors = _refusals(state, row)
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    state.subscriptions[row["id"]] = row
    return {"webhookSubscription": row, "userErrors": []}


def update(session: Session, _root: Any, id: str, webhookSubscription: Json) -> Json:  # noqa: N803
    """Change a subscription."""
    row = session.state.subscriptions.get(number_of(id, "WebhookSubscription") or 0)
    if row is None:
        return {"webhookSubscription": None, "userErrors": [_missing()]}
    changed = row | {key: value for key, value in webhookSubscription.items() if key in row}
    errors = _refusals(session.state, changed)
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    row |= changed | {"updatedAt": session.state.now()}
    return {"webhookSubscription": row, "userErrors": []}


def delete(session: Session, _root: Any, id: str) -> Json:
    """Remove a subscription."""
    if session.state.subscriptions.pop(number_of(id, "WebhookSubscription") or 0, None) is None:
        return {"deletedWebhookSubscriptionId": None, "userErrors": [_missing()]}
    return {"deletedWebhookSubscriptionId": id, "userErrors": []}


def list_(session: Session, _root: Any, topics: Any = None, uri: str | None = None, **page: Any) -> Json:
    """List the subscriptions."""
    rows = [
        each
        for each in session.state.subscriptions.values()
        if (not topics or each["topic"] in topics) and uri in (None, each["uri"])
    ]
    cut = {name: page[name] for name in ("first", "last", "after", "before", "reverse") if name in page}
    return connect(session, rows, **cut)


def _queue(state: State, topic: str, uri: str, payload: Json, row: Json | None) -> None:
    body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    digest = hmac.digest(state.options.client_secret.encode(), body, "sha256")
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Shop-Domain": state.options.domain,
        "X-Shopify-API-Version": row["version"] if row else state.versions[-1],
        "X-Shopify-Webhook-Id": str(uuid4()),
        "X-Shopify-Event-Id": str(state.event_id),
        "X-Shopify-Triggered-At": state.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
    }
    headers |= {"X-Shopify-Name": row["name"]} if row and row["name"] else {}
    state.queue.append(Delivery(row["id"] if row else None, uri, headers, body, state.now()))
    state.queued.set()


def _settle(state: State, tried: Delivery, is_taken: bool) -> None:
    """Count a try; eight failures in a row remove a subscription that the API made."""
    row = state.subscriptions.get(tried.subscription or 0)
    if row is not None:
        row["failures"] = 0 if is_taken else row["failures"] + 1
        if row["failures"] >= MOST_FAILURES:
            del state.subscriptions[row["id"]]
    if not is_taken and tried.attempts < len(RETRY_AFTER):
        tried.due = state.now() + RETRY_AFTER[tried.attempts]
        tried.attempts += 1
        state.queue.append(tried)


def _refusals(state: State, row: Json) -> list[Json]:
    if not str(row["uri"]).startswith(("http://", "https://")):
        return [{"field": ["webhookSubscription", "uri"], "message": "Address is invalid"}]
    if row["filter"]:
        return [{"field": ["webhookSubscription", "filter"], "message": "The sandbox plays no filters."}]
    same = (each for each in state.subscriptions.values() if each["id"] != row["id"])
    if any(each["topic"] == row["topic"] and each["uri"] == row["uri"] for each in same):
        message = "Address for this topic has already been taken"
        return [{"field": ["webhookSubscription", "uri"], "message": message}]
    return []


def _missing() -> Json:
    return {"field": ["id"], "message": "Webhook subscription does not exist"}


def _version(_session: Session, row: Json) -> Json:
    return {"handle": row["version"], "displayName": row["version"], "supported": True}


WEBHOOK_TYPES: dict[str, Fields] = {
    "WebhookSubscription": {"id": own_id("WebhookSubscription"), "apiVersion": _version}
}

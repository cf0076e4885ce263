"""The webhooks of the sandbox shop: their REST API, the queue that coalesces, and the signed delivery."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from connectors.sandbox.posting import post
from connectors.woocommerce.sandbox.errors import RestError, invalid_id
from connectors.woocommerce.sandbox.query import Reply, Request, links_of, page_of
from connectors.woocommerce.sandbox.state import Delivery, Json, State

RESOURCES = ("coupon", "customer", "order", "product")
EVENTS = ("created", "updated", "deleted", "restored")
MOST_FAILURES = 5
SECONDS = 10
AGENT = "WooCommerce/11.0.1 Hookshot (WordPress/7.1)"
Render = Callable[[str, int], Any]
"""Returns the body that the REST API gives of a resource, or its error."""


def emit(state: State, topic: str, resource: int) -> None:
    """Queue a delivery to every active webhook of the topic, unless one of this resource waits already."""
    for webhook in state.webhooks.values():
        if webhook["topic"] != topic or webhook["status"] != "active":
            continue
        if not any(each.webhook_id == webhook["id"] and each.resource == resource for each in state.queue):
            state.queue.append(Delivery(webhook["id"], topic, resource))
            state.queued.set()


def create(state: State, request: Request) -> Reply:
    """Make a webhook; the ping leaves before the answer does (rest webhooks-create)."""
    body = request.body
    topic = str(body.get("topic", ""))
    if not _is_topic(topic):
        message = "Webhook topic is required and must be valid."
        raise RestError(400, "woocommerce_rest_shop_webhook_invalid_topic", message)
    resource, _, event = topic.partition(".")
    webhook: Json = {
        "id": state.new_id(state.hooks, state.webhooks),
        "name": body.get("name") or f"Webhook created on {state.now():%b %d, %Y @ %I:%M %p}",
        "status": body.get("status", "active"),
        "topic": topic,
        "resource": resource,
        "event": event,
        "hooks": [event if resource == "action" else f"woocommerce_{event}_{resource}"],
        "delivery_url": str(body.get("delivery_url", "")),
        "secret": body.get("secret") or "made-up-by-the-shop",
        "failures": 0,
    }
    state.stamp(webhook, "date_created")
    webhook |= {"date_modified": None, "date_modified_gmt": None}
    state.webhooks[webhook["id"]] = webhook
    return Reply(201, render(request, webhook), ping=lambda: _ping(webhook))


def render(request: Request, webhook: Json) -> Json:
    """Return a webhook as the REST API states it: never its secret."""
    shown = {key: value for key, value in webhook.items() if key not in ("secret", "failures")}
    return {**shown, "_links": links_of(request, "webhooks", webhook["id"])}


def list_(state: State, request: Request) -> Reply:
    """List the webhooks."""
    return page_of(request, [render(request, each) for each in state.webhooks.values()])


def get(state: State, request: Request, number: int) -> Reply:
    """Return one webhook."""
    return Reply(200, render(request, _find(state, number)))


def update(state: State, request: Request, number: int) -> Reply:
    """Change a webhook; waking it leaves its count of failures as it is (:577)."""
    webhook = _find(state, number)
    known = ("name", "status", "topic", "delivery_url", "secret")
    webhook |= {key: request.body[key] for key in known if key in request.body}
    state.stamp(webhook, "date_modified")
    return Reply(200, render(request, webhook))


def delete(state: State, request: Request, number: int) -> Reply:
    """Remove a webhook."""
    webhook = _find(state, number)
    del state.webhooks[number]
    return Reply(200, render(request, webhook))


def deliver_next(state: State, render_resource: Render, source: str) -> bool:
    """Deliver the oldest waiting call, rendered now; return False when nothing waits."""
    with state.lock:
        if not state.queue:
            state.queued.clear()
            return False
        waiting = state.queue.pop(0)
        webhook = state.webhooks.get(waiting.webhook_id)
        if webhook is None or webhook["status"] != "active":
            return True
        body = (
            json.dumps(_payload(waiting, render_resource), separators=(",", ":")).replace("/", "\\/").encode()
        )
    status = post(webhook["delivery_url"], body, _headers(state, webhook, body, source), SECONDS)
    with state.lock:
        _count(state, webhook, status)
    return True


def _payload(waiting: Delivery, render_resource: Render) -> Any:
    resource, _, event = waiting.topic.partition(".")
    if resource == "action":
        return {"action": event, "arg": waiting.resource}
    if event == "deleted":
        return {"id": waiting.resource}
    return render_resource(resource, waiting.resource)


def _headers(state: State, webhook: Json, body: bytes, source: str) -> dict[str, str]:
    signature = hmac.digest(str(webhook["secret"]).encode(), body, "sha256")
    # Of webhook and second only, so that it repeats within a second (class-wc-webhook.php:490).
    delivery = hashlib.md5(f"{webhook['id']}{int(state.now().timestamp())}".encode(), usedforsecurity=False)
    return {
        "User-Agent": AGENT,
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": f"{source}/",
        "X-WC-Webhook-Topic": webhook["topic"],
        "X-WC-Webhook-Resource": webhook["resource"],
        "X-WC-Webhook-Event": webhook["event"],
        "X-WC-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-WC-Webhook-ID": str(webhook["id"]),
        "X-WC-Webhook-Delivery-ID": delivery.hexdigest(),
    }


def _ping(webhook: Json) -> None:
    headers = {"User-Agent": AGENT, "Content-Type": "application/x-www-form-urlencoded"}
    post(webhook["delivery_url"], f"webhook_id={webhook['id']}".encode(), headers, SECONDS)


def _count(state: State, webhook: Json, status: int) -> None:
    """200 to 302 is success; the seventh failure in a row disables (:559, :577)."""
    if 200 <= status <= 302:
        webhook["failures"] = 0
    elif webhook["failures"] > MOST_FAILURES:
        webhook["status"] = "disabled"
        state.stamp(webhook, "date_modified")
    else:
        webhook["failures"] += 1


def _is_topic(topic: str) -> bool:
    resource, _, event = topic.partition(".")
    if resource == "action":
        return event.startswith(("woocommerce_", "wc_"))
    return resource in RESOURCES and event in EVENTS and topic != "customer.restored"


def _find(state: State, number: int) -> Json:
    if number not in state.webhooks:
        raise invalid_id("shop_webhook")
    return state.webhooks[number]

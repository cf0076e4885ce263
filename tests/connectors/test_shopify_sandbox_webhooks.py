"""The sandbox Shopify delivers as Shopify does: signed, one event id a deed, retried with the same bytes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from shopify_sandbox import Clock, ask, gid, refusals

from connectors.shopify.sandbox import ShopifySandbox

ORDER_TOPICS = ("ORDERS_CREATE", "ORDERS_PAID", "ORDERS_UPDATED", "ORDERS_CANCELLED", "REFUNDS_CREATE")


class Receiver(ThreadingHTTPServer):
    """An app that keeps what it gets and answers as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_address[1]}/webhooks/shopify"

    def topics(self) -> list[str]:
        return [headers["x-shopify-topic"] for headers, _ in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.got.append((headers, body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def app() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Iterator[ShopifySandbox]:
    with ShopifySandbox(now=clock) as running:
        yield running


def subscribe(shop: ShopifySandbox, app: Receiver, *topics: str, **more: Any) -> list[str]:
    made = []
    for topic in topics:
        given = {"uri": app.url, "name": f"laurel-{topic.lower()}", **more}
        told = ask(shop, "WebhookSubscriptionCreate", topic=topic, webhookSubscription=given)
        made.append(told["webhookSubscriptionCreate"]["webhookSubscription"]["id"])
    return made


def subscriptions(shop: ShopifySandbox) -> list[str]:
    return [
        each["id"] for each in ask(shop, "WebhookSubscriptions", first=50)["webhookSubscriptions"]["nodes"]
    ]


def test_a_delivery_is_signed_over_its_bytes_and_says_where_it_comes_from(
    shop: ShopifySandbox, app: Receiver
) -> None:
    subscribe(shop, app, "ORDERS_PAID")
    order = shop.place_order((shop.add_product("烏龍茶")["id"], 1))
    assert shop.deliver() == 1
    ((headers, body),) = app.got
    digest = hmac.new(shop.client_secret.encode(), body, hashlib.sha256).digest()
    assert headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()
    assert (headers["x-shopify-topic"], headers["x-shopify-shop-domain"]) == ("orders/paid", shop.shop)
    assert (headers["x-shopify-api-version"], headers["x-shopify-name"]) == ("2026-10", "laurel-orders_paid")
    assert headers["x-shopify-triggered-at"] == "2026-11-20T09:00:00.000000000Z"
    assert json.loads(body) == order


def test_all_deliveries_of_one_deed_share_an_event_id_and_no_webhook_id(
    shop: ShopifySandbox, app: Receiver
) -> None:
    subscribe(shop, app, *ORDER_TOPICS)
    order = shop.place_order((shop.add_product()["id"], 1))
    shop.deliver()
    assert app.topics() == ["orders/create", "orders/paid", "orders/updated"]
    events = {headers["x-shopify-event-id"] for headers, _ in app.got}
    assert len(events) == 1
    assert len({headers["x-shopify-webhook-id"] for headers, _ in app.got}) == 3
    shop.cancel(order["id"])
    shop.deliver()
    assert sorted(set(app.topics()[3:])) == ["orders/cancelled", "orders/updated", "refunds/create"]
    later = {headers["x-shopify-event-id"] for headers, _ in app.got[3:]}
    assert len(later) == 1
    assert later.isdisjoint(events)


def test_a_request_with_several_mutations_is_one_deed(shop: ShopifySandbox, app: Receiver) -> None:
    subscribe(shop, app, "CUSTOMER_TAGS_ADDED", "CUSTOMER_TAGS_REMOVED")
    ask(shop, "Tags", id=gid("Customer", shop.add_customer()["id"]), tags=["laurel-tier:gold"])
    shop.deliver()
    assert app.topics() == ["customer.tags_added", "customer.tags_removed"]
    assert len({headers["x-shopify-event-id"] for headers, _ in app.got}) == 1


def test_a_retry_carries_the_bytes_of_its_time_under_the_same_webhook_id(
    shop: ShopifySandbox, app: Receiver, clock: Clock
) -> None:
    subscribe(shop, app, "ORDERS_PAID")
    order = shop.place_order((shop.add_product()["id"], 1))
    app.status = 503
    assert shop.deliver() == 1
    shop.refund_all(order["id"])
    app.status = 200
    clock.pass_(seconds=59)
    assert shop.deliver() == 0
    clock.pass_(seconds=1)
    assert shop.deliver() == 1
    (first, body), (second, again) = app.got
    assert first["x-shopify-webhook-id"] == second["x-shopify-webhook-id"]
    assert body == again
    assert json.loads(again)["financial_status"] == "paid"


@pytest.mark.parametrize("status", [301, 400, 401, 500])
def test_only_a_2xx_counts(shop: ShopifySandbox, app: Receiver, status: int) -> None:
    subscribe(shop, app, "ORDERS_CREATE")
    app.status = status
    shop.place_order((shop.add_product()["id"], 1))
    shop.deliver()
    app.status = 204
    assert shop.redeliver() == 1
    assert shop.redeliver() == 0


def test_a_delivery_is_tried_eight_times_more(shop: ShopifySandbox, app: Receiver, clock: Clock) -> None:
    shop.state.compliance_url = app.url
    app.status = 500
    shop.redact_shop()
    for _ in range(12):
        shop.deliver()
        clock.pass_(hours=2)
    assert len(app.got) == 9
    assert shop.state.queue == []


def test_eight_failures_in_a_row_remove_a_subscription_of_the_api(
    shop: ShopifySandbox, app: Receiver
) -> None:
    made = subscribe(shop, app, "ORDERS_CREATE")
    mug = shop.add_product()["id"]
    app.status = 500
    for _ in range(7):
        shop.place_order((mug, 1), paid=False)
    shop.deliver()
    assert subscriptions(shop) == made
    shop.place_order((mug, 1), paid=False)
    shop.deliver()
    assert subscriptions(shop) == []


def test_a_success_ends_a_row_of_failures(shop: ShopifySandbox, app: Receiver) -> None:
    made = subscribe(shop, app, "ORDERS_CREATE")
    mug = shop.add_product()["id"]
    for status in (500, 200, 500):
        app.status = status
        for _ in range(7 if status == 500 else 1):
            shop.place_order((mug, 1), paid=False)
        shop.deliver()
    assert subscriptions(shop) == made


def test_an_address_stands_once_for_a_topic_and_may_be_changed(shop: ShopifySandbox, app: Receiver) -> None:
    (made,) = subscribe(shop, app, "ORDERS_PAID")
    same = {"topic": "ORDERS_PAID", "webhookSubscription": {"uri": app.url}}
    assert refusals(shop, "WebhookSubscriptionCreate", **same) == [("webhookSubscription.uri", None)]
    other = f"{app.url}/other"
    ask(shop, "WebhookSubscriptionUpdate", id=made, webhookSubscription={"uri": other})
    found = ask(shop, "WebhookSubscriptions", first=5, uri=other)["webhookSubscriptions"]["nodes"]
    assert [each["id"] for each in found] == [made]
    ask(shop, "WebhookSubscriptionDelete", id=made)
    assert subscriptions(shop) == []
    assert refusals(shop, "WebhookSubscriptionDelete", id=made) == [("id", None)]


def test_only_the_named_fields_are_sent(shop: ShopifySandbox, app: Receiver) -> None:
    subscribe(shop, app, "ORDERS_CREATE", includeFields=["id", "updated_at"])
    shop.place_order((shop.add_product()["id"], 1))
    shop.deliver()
    assert set(json.loads(app.got[0][1])) == {"id", "updated_at"}


def test_an_uninstall_is_told_and_takes_the_subscriptions_away(shop: ShopifySandbox, app: Receiver) -> None:
    subscribe(shop, app, "APP_UNINSTALLED", "ORDERS_CREATE")
    shop.uninstall()
    shop.place_order((shop.add_product()["id"], 1))
    shop.deliver()
    assert app.topics() == ["app/uninstalled"]


def test_a_pending_refund_that_settles_is_told_by_its_transaction(
    shop: ShopifySandbox, app: Receiver
) -> None:
    subscribe(shop, app, "ORDER_TRANSACTIONS_CREATE")
    order = shop.place_order((shop.add_product()["id"], 1))
    refund = shop.refund(order["id"], [(order["line_items"][0]["id"], 1)], pending=True)
    shop.settle_refund(order["id"], refund["id"])
    shop.deliver()
    told = [json.loads(body) for _, body in app.got]
    assert [(each["kind"], each["status"]) for each in told] == [
        ("sale", "success"),
        ("refund", "pending"),
        ("refund", "success"),
    ]


def test_a_shop_that_delivers_by_itself_needs_no_word_and_retries_when_time_has_come(
    app: Receiver, clock: Clock
) -> None:
    app.status = 500
    with ShopifySandbox(auto_deliver=True, now=clock) as shop:
        subscribe(shop, app, "ORDERS_CREATE")
        shop.place_order((shop.add_product()["id"], 1))
        wait_for(app, 1)
        app.status = 200
        clock.pass_(minutes=1)
        wait_for(app, 2)
    assert app.topics() == ["orders/create"] * 2


def wait_for(app: Receiver, count: int) -> None:
    until = time.monotonic() + 30
    while len(app.got) < count and time.monotonic() < until:
        time.sleep(0.02)


def test_a_customer_who_is_gone_can_still_be_redacted(shop: ShopifySandbox, app: Receiver) -> None:
    shop.state.compliance_url = app.url
    amy = shop.add_customer("amy@example.test")["id"]
    shop.delete_customer(amy)
    shop.redact_customer(amy)
    shop.deliver()
    told = json.loads(app.got[0][1])
    assert told["customer"] == {"id": amy, "email": "amy@example.test", "phone": None}


def test_an_app_that_comes_back_has_no_subscriptions(shop: ShopifySandbox, app: Receiver) -> None:
    subscribe(shop, app, "ORDERS_CREATE")
    shop.uninstall()
    shop.install()
    assert subscriptions(shop) == []


def test_a_topic_of_the_configuration_and_of_the_api_comes_twice_with_one_event_id(
    shop: ShopifySandbox, app: Receiver
) -> None:
    shop.configure(app.url, "ORDERS_CREATE")
    made = subscribe(shop, app, "ORDERS_CREATE")
    shop.place_order((shop.add_product()["id"], 1))
    shop.deliver()
    one, other = (headers for headers, _ in app.got)
    assert one["x-shopify-event-id"] == other["x-shopify-event-id"]
    assert one["x-shopify-webhook-id"] != other["x-shopify-webhook-id"]
    assert subscriptions(shop) == made


def test_failures_do_not_remove_what_the_configuration_names(shop: ShopifySandbox, app: Receiver) -> None:
    shop.configure(app.url, "ORDERS_CREATE")
    mug = shop.add_product()["id"]
    app.status = 500
    for _ in range(9):
        shop.place_order((mug, 1))
    shop.deliver()
    shop.take()
    shop.place_order((mug, 1))
    assert [each.headers["X-Shopify-Topic"] for each in shop.take()] == ["orders/create"]
    assert shop.deliver() == 0

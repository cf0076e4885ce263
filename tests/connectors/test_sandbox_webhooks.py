"""Holds what the sandbox sends, and when, against woocommerce.md §1 and §2."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from sandbox_contract import differences
from woocommerce_recordings import delivery

from connectors.woocommerce.sandbox import SandboxShop

TOPICS = [
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "coupon.created",
    "coupon.updated",
    "coupon.deleted",
    "product.deleted",
    "action.woocommerce_delete_order",
    "action.woocommerce_order_refunded",
    "action.woocommerce_refund_created",
    "action.woocommerce_order_status_completed",
]


class Receiver(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keeper)
        self.got: list[tuple[dict[str, str], Any]] = []

    def take(self) -> list[str]:
        topics = [
            headers["X-WC-Webhook-Topic"].removeprefix("action.woocommerce_") for headers, _ in self.got
        ]
        self.got.clear()
        return topics


class Keeper(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "X-WC-Webhook-Topic" in self.headers:
            self.server.got.append((dict(self.headers), json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver(woo_lab: SandboxShop) -> Iterator[Receiver]:
    with Receiver() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        subscribe(woo_lab, server)
        yield server
        server.shutdown()


@pytest.fixture
def sent(woo_lab: SandboxShop, receiver: Receiver) -> Callable[[], list[str]]:
    def deliver() -> list[str]:
        woo_lab.deliver()
        return receiver.take()

    return deliver


def subscribe(shop: SandboxShop, receiver: Receiver) -> None:
    for topic in TOPICS:
        url = f"http://127.0.0.1:{receiver.server_address[1]}/"
        shop.call("POST", "webhooks", {"topic": topic, "delivery_url": url, "secret": "s"})


Sent = Callable[[], list[str]]


def test_life_of_an_order(woo_lab: SandboxShop, sent: Sent) -> None:
    order = woo_lab.place_order((11, 2))
    assert sent() == ["order.created", "order.updated"]
    woo_lab.set_status(order["id"], "completed")
    assert sorted(sent()) == ["order.updated", "order_status_completed"]
    woo_lab.refund(order["id"], 100)
    assert sent() == ["order.updated", "refund_created", "order_refunded"]
    woo_lab.trash(order["id"])
    assert sent() == ["order.deleted"]
    woo_lab.restore(order["id"])
    assert sent() == ["order.restored", "order_status_completed"]
    woo_lab.delete(order["id"])
    assert sent() == ["delete_order"]


def test_change_of_nothing_is_sent_all_the_same(woo_lab: SandboxShop, sent: Sent) -> None:
    order = woo_lab.place_order((11, 2))
    sent()
    woo_lab.set_status(order["id"], "processing")
    assert sent() == ["order.updated"]


def test_deleted_refund_sends_nothing_and_moves_no_date(woo_lab: SandboxShop, sent: Sent) -> None:
    order = woo_lab.place_order((11, 2))
    refund = woo_lab.refund(order["id"], 100)
    before = woo_lab.order(order["id"])["date_modified_gmt"]
    sent()
    woo_lab.delete_refund(order["id"], refund["id"])
    assert (sent(), woo_lab.order(order["id"])["date_modified_gmt"]) == ([], before)


def test_life_of_a_customer(woo_lab: SandboxShop, sent: Sent) -> None:
    amy = woo_lab.add_customer()
    assert sent() == ["customer.created", "customer.updated"]
    order = woo_lab.place_order((11, 1), customer=amy["id"])
    woo_lab.set_status(order["id"], "completed")
    assert "customer.updated" in sent(), "the first completion makes a paying customer"
    woo_lab.call("DELETE", f"customers/{amy['id']}", query={"force": "true"})
    assert sent() == ["customer.deleted"]


def test_trashed_coupon_leaks_and_use_of_one_is_silent(woo_lab: SandboxShop, sent: Sent) -> None:
    coupon = woo_lab.add_coupon("x", 10)
    assert sent() == ["coupon.created"]
    woo_lab.place_order((11, 1), coupons=["x"])
    assert sent() == ["order.created", "order.updated"]
    woo_lab.call("DELETE", f"coupons/{coupon['id']}")
    assert sent() == ["coupon.deleted", "product.deleted"]


def test_several_events_before_the_queue_runs_are_one_delivery(
    woo_lab: SandboxShop, receiver: Receiver
) -> None:
    order = woo_lab.place_order((11, 2))
    woo_lab.set_status(order["id"], "completed")
    woo_lab.refund(order["id"], 300)
    woo_lab.deliver()
    bodies = [body for headers, body in receiver.got if headers["X-WC-Webhook-Resource"] == "order"]
    assert [(body["status"], body["refunds"][0]["total"]) for body in bodies] == [("completed", "-300")] * 2
    assert differences(json.loads(delivery("101").body), bodies[0]) == []


def test_body_of_a_vanished_order_is_the_shops_error(woo_lab: SandboxShop, receiver: Receiver) -> None:
    woo_lab.delete(woo_lab.place_order((11, 1))["id"])
    woo_lab.deliver()
    assert receiver.got[0][1] == json.loads(delivery("114").body)
    assert receiver.got[2][1]["action"] == json.loads(delivery("116").body)["action"]


def test_headers_are_the_recorded_ones(woo_lab: SandboxShop, receiver: Receiver) -> None:
    woo_lab.place_order((11, 1))
    woo_lab.deliver()
    recorded = {name for name in delivery("024").headers if name.startswith("X-WC")}
    assert {name for name in receiver.got[0][0] if name.startswith("X-WC")} == recorded


def test_background_delivery_needs_no_call() -> None:
    with SandboxShop(auto_deliver=True) as shop, Receiver() as receiver:
        Thread(target=receiver.serve_forever, args=(0.02,), daemon=True).start()
        subscribe(shop, receiver)
        shop.place_order((shop.add_product()["id"], 1))
        until = time.monotonic() + 5
        while len(receiver.got) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        receiver.shutdown()
    assert receiver.take() == ["order.created", "order.updated"]

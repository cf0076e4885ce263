from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from connectors.base import RawMessage, StoreAccess
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.connect import TOPICS
from connectors.woocommerce.sandbox import SandboxShop
from connectors.woocommerce.shipping import NO_FREE_SHIPPING
from loyalty.commerce import OrderSnapshot, ShopSettings
from loyalty.pushes import PushError


class Receiver(ThreadingHTTPServer):
    """Stands for our webhook address: keeps what comes, answers as told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keeper)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_address[1]}/hook"


class Keeper(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def access(woo_access: StoreAccess, receiver: Receiver) -> StoreAccess:
    return replace(woo_access, webhook_url=receiver.url, webhook_secrets=("s3cret",))


@pytest.mark.parametrize(
    ("time_zone", "read"),
    [
        ("Asia/Taipei", "Asia/Taipei"),
        ("UTC", "Etc/GMT"),
        ("Etc/GMT-8", "Etc/GMT-8"),
        ("Etc/GMT+5", "Etc/GMT+5"),
    ],
)
def test_settings_are_read(
    woo: WooCommerceConnector, woo_access: StoreAccess, time_zone: str, read: str
) -> None:
    with SandboxShop("USD", 2, time_zone, prices_include_tax=True) as shop:
        settings = woo.read_settings(replace(woo_access, url=shop.url))
    assert settings == ShopSettings("USD", read, 2, True)


def test_half_hour_offset_without_a_city_warns(woo: WooCommerceConnector, woo_access: StoreAccess) -> None:
    with SandboxShop() as shop:
        shop.fail_next(path="settings/general", status=200, body=general())
        shop.fail_next(
            path="settings/tax", status=200, body=b'[{"id":"woocommerce_prices_include_tax","value":"no"}]'
        )
        shop.fail_next(path="/wp-json/", status=200, body=b'{"timezone_string": "", "gmt_offset": 5.5}')
        settings = woo.read_settings(replace(woo_access, url=shop.url))
    assert (settings.time_zone, len(settings.warnings)) == ("UTC", 1)


def test_missing_rights_say_so(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    woo_shop.fail_next(status=401, body=b'{"code": "woocommerce_rest_cannot_view"}')
    with pytest.raises(PushError) as caught:
        woo.read_settings(woo_access)
    assert (caught.value.permanent, caught.value.reason) == (True, "permission")


@pytest.mark.parametrize(
    ("change", "warnings"),
    [
        ({"settings": {"requires": "coupon"}}, 0),
        ({"settings": {"requires": "either"}}, 0),
        ({"settings": {"requires": "both"}}, 0),
        ({"settings": {"requires": "min_amount"}}, 1),
        ({"settings": {"requires": ""}}, 1),
        ({"enabled": False}, 1),
    ],
)
def test_a_shop_where_no_coupon_frees_the_shipping_warns(
    woo: WooCommerceConnector,
    woo_access: StoreAccess,
    woo_shop: SandboxShop,
    change: dict[str, object],
    warnings: int,
) -> None:
    woo_shop.call("PUT", "shipping/zones/1/methods/2", change)
    found = woo.read_settings(woo_access).warnings
    assert list(found) == [NO_FREE_SHIPPING] * warnings


def test_locations_not_covered_by_other_zones_count_too(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    rest, everywhere = woo_shop.state.zones[0]["methods"], woo_shop.state.zones[1]["methods"]
    rest[2] = everywhere.pop(2)
    assert woo.read_settings(woo_access).warnings == ()


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403, "body": b'{"code": "woocommerce_rest_cannot_view"}'},
        {"status": 404, "body": b'{"code": "rest_no_route", "message": "Shipping is disabled."}'},
        {"status": 503},
        {"status": 200, "body": b"{}"},
    ],
)
@pytest.mark.parametrize("path", ["shipping/zones", "shipping/zones/1/methods"])
def test_shipping_that_cannot_be_read_is_a_warning_only(
    woo: WooCommerceConnector,
    woo_access: StoreAccess,
    woo_shop: SandboxShop,
    path: str,
    fault: dict[str, Any],
) -> None:
    woo_shop.fail_next(path=path, **fault)
    settings = woo.read_settings(woo_access)
    assert settings.currency == "TWD"
    assert [warning.startswith("Whether codes with free shipping work") for warning in settings.warnings] == [
        True
    ]


def test_wrong_secret_is_a_matter_of_permission(woo: WooCommerceConnector, woo_access: StoreAccess) -> None:
    wrong = {"consumer_key": "ck_sandbox", "consumer_secret": "wrong"}
    with pytest.raises(PushError) as caught:
        woo.read_settings(replace(woo_access, credentials=wrong))
    assert caught.value.reason == "permission"


def test_every_webhook_is_made_and_pings(
    woo: WooCommerceConnector, access: StoreAccess, receiver: Receiver
) -> None:
    assert woo.register_webhooks(access) == [f"created {topic}" for topic in TOPICS]
    assert len(receiver.got) == len(TOPICS)
    assert all(woo.is_ping(headers, body) for headers, body in receiver.got)


def test_second_registration_does_nothing(woo: WooCommerceConnector, access: StoreAccess) -> None:
    woo.register_webhooks(access)
    assert woo.register_webhooks(access) == []


def test_sleeping_webhook_is_woken_and_foreign_ones_are_left_alone(
    woo: WooCommerceConnector, access: StoreAccess, woo_shop: SandboxShop
) -> None:
    foreign = woo_shop.call(
        "POST", "webhooks", {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/x"}
    )
    woo.register_webhooks(access)
    woo_shop.call("PUT", f"webhooks/{foreign['id']}", {"status": "disabled"})
    woo_shop.call("PUT", f"webhooks/{foreign['id'] + 1}", {"status": "paused"})
    assert woo.register_webhooks(access) == ["reactivated order.created"]
    assert woo_shop.call("GET", f"webhooks/{foreign['id']}")["status"] == "disabled"


def test_own_webhook_is_found_behind_a_hundred_others(
    woo: WooCommerceConnector, access: StoreAccess, woo_shop: SandboxShop
) -> None:
    for _ in range(105):
        woo_shop.call("POST", "webhooks", {"topic": "order.created", "delivery_url": "http://127.0.0.1:9/x"})
    woo.register_webhooks(access)
    assert woo.register_webhooks(access) == []


def test_without_a_secret_nothing_is_registered(
    woo: WooCommerceConnector, access: StoreAccess, woo_shop: SandboxShop
) -> None:
    with pytest.raises(PushError) as caught:
        woo.register_webhooks(replace(access, webhook_secrets=()))
    assert (caught.value.reason, woo_shop.requests) == ("configuration", [])


def test_delivery_is_signed_coalesced_and_as_new_as_its_delivery(
    woo: WooCommerceConnector, access: StoreAccess, woo_shop: SandboxShop, receiver: Receiver
) -> None:
    woo.register_webhooks(access)
    receiver.got.clear()
    order = woo_shop.place_order((woo_shop.add_product()["id"], 2))
    woo_shop.set_status(order["id"], "completed")
    assert woo_shop.deliver() == 2
    headers, body = receiver.got[0]
    assert woo.is_authentic(["s3cret"], headers, body)
    raw = RawMessage("webhook", headers["X-WC-Webhook-Topic"], body)
    (snapshot,) = woo.parse(access.store_id, raw, with_products=False)  # type: ignore[misc]
    assert isinstance(snapshot, OrderSnapshot)
    assert (headers["X-WC-Webhook-Topic"], snapshot.status) == ("order.created", "completed")


def test_seventh_failure_in_a_row_disables_and_waking_allows_one_more(
    woo: WooCommerceConnector, access: StoreAccess, woo_shop: SandboxShop, receiver: Receiver
) -> None:
    woo_shop.add_customer()
    woo.register_webhooks(access)
    receiver.status = 500
    for number in range(7):
        assert is_active(woo_shop), f"after {number} failures"
        change(woo_shop)
    assert not is_active(woo_shop)
    assert "reactivated customer.updated" in woo.register_webhooks(access)
    change(woo_shop)
    assert not is_active(woo_shop)


def change(shop: SandboxShop) -> None:
    shop.call("PUT", "customers/2", {})
    shop.deliver()


def is_active(shop: SandboxShop) -> bool:
    return any(
        each["topic"] == "customer.updated" and each["status"] == "active"
        for each in shop.state.webhooks.values()
    )


def general() -> bytes:
    return (
        b'[{"id":"woocommerce_currency","value":"INR"},{"id":"woocommerce_price_num_decimals","value":"2"}]'
    )

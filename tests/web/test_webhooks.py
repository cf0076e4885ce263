"""The receiver: what is stored, what is refused, and what is answered."""

from __future__ import annotations

import time
from typing import Any

import pytest
from flask.testing import FlaskClient

from loyalty.inbox.repository import list_messages
from loyalty.stores.service import set_state
from tests.builders import Shop, make_document, make_shop, make_woo_order, sign, woo_body
from tests.web.conftest import deliver, drain
from webhook_app import LARGEST_BODY, webhooks
from workers.runtime import Runtime

BODY = woo_body(make_woo_order())


def stored(runtime: Runtime, shop: Shop) -> list[dict[str, Any]]:
    with runtime.database.transaction(shop.account) as connection:
        return list_messages(connection, None, None, 100)


def test_a_signed_delivery_is_stored_and_answered_empty(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    answer = deliver(client, shop, BODY)
    assert (answer.status_code, answer.data) == (200, b"")
    message = stored(runtime, shop)[0]
    assert message["topic"] == "order.updated"
    assert message["delivery_id"] == "abc"
    assert message["status"] == "pending"
    assert message["bytes"] == len(BODY)


def test_a_repeated_delivery_is_stored_once(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    assert [deliver(client, shop, BODY).status_code for _ in range(3)] == [200, 200, 200]
    assert len(stored(runtime, shop)) == 1


def test_a_wrong_signature_stores_nothing(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    answer = deliver(client, shop, BODY, X_WC_Webhook_Signature=sign(BODY, "other"))
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert stored(runtime, shop) == []


def test_a_missing_signature_stores_nothing(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    assert deliver(client, shop, BODY, X_WC_Webhook_Signature="").status_code == 401
    assert stored(runtime, shop) == []


@pytest.mark.parametrize("token", ["0" * 32, "short", "Z" * 32, "0" * 33])
def test_an_unknown_address_is_404(client: FlaskClient, token: str) -> None:
    assert client.post(f"/webhooks/woocommerce/{token}", data=BODY).status_code == 404


def test_another_shops_signature_does_not_open_an_address(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    other = make_shop(runtime, make_document())
    assert deliver(client, other, BODY, X_WC_Webhook_Signature=sign(BODY, "a-secret")).status_code == 401
    assert stored(runtime, shop) == stored(runtime, other) == []


def test_a_ping_is_answered_and_not_stored(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    answer = client.post(
        f"/webhooks/woocommerce/{shop.store.webhook_token}",
        data=b"webhook_id=12",
        content_type="application/x-www-form-urlencoded",
    )
    assert (answer.status_code, answer.data) == (200, b"")
    assert stored(runtime, shop) == []


@pytest.mark.parametrize("body", [b"webhook_id=", b"webhook_id=1&a=b", b"webhook_id=" + b"1" * 60])
def test_what_only_resembles_a_ping_is_refused(client: FlaskClient, shop: Shop, body: bytes) -> None:
    assert deliver(client, shop, body, X_WC_Webhook_Signature="").status_code == 401


def test_the_largest_body_is_taken_and_one_byte_more_is_413(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    assert deliver(client, shop, b"x" * LARGEST_BODY).status_code == 200
    assert deliver(client, shop, b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert len(stored(runtime, shop)) == 1


def test_malformed_json_is_accepted_and_fails_in_the_drain(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    assert deliver(client, shop, b"{").status_code == 200
    drain(runtime, shop)
    assert stored(runtime, shop)[0]["status"] == "failed"


def test_an_unknown_topic_is_accepted_and_ignored_by_the_drain(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    body = woo_body({"id": 3, "code": "ten", "discount_type": "percent"})
    assert deliver(client, shop, body, X_WC_Webhook_Topic="coupon.created").status_code == 200
    drain(runtime, shop)
    assert stored(runtime, shop)[0]["status"] == "ignored"


def test_a_disconnected_shop_is_unknown_once_the_address_is_forgotten(
    runtime: Runtime, client: FlaskClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "KEPT_SECONDS", 0.0)
    assert deliver(client, shop, BODY).status_code == 200
    with runtime.database.transaction(shop.account) as connection:
        set_state(connection, shop.store.id, "disconnected")
    assert deliver(client, shop, BODY).status_code == 404


def test_an_unknown_address_works_as_soon_as_it_exists(runtime: Runtime, client: FlaskClient) -> None:
    assert client.post(f"/webhooks/woocommerce/{'0' * 32}", data=BODY).status_code == 404
    assert deliver(client, make_shop(runtime), BODY).status_code == 200


def test_a_delivery_wakes_the_drain(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    deliver(client, shop, BODY)
    mark = f"wake:drain:{shop.account}"
    end = time.monotonic() + 5
    while time.monotonic() < end and not runtime.wakes._connection.exists(mark):
        time.sleep(0.01)
    assert runtime.wakes._connection.exists(mark)


def test_get_is_not_allowed(client: FlaskClient, shop: Shop) -> None:
    answer = client.get(f"/webhooks/woocommerce/{shop.store.webhook_token}")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]

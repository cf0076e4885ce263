"""The receiver of Shopify: signed by the app of the very shop that the header names, stored once, in one statement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from loyalty.inbox.repository import list_messages
from loyalty.stores.service import set_state
from loyalty.stores.webhook_secrets import WebhookSecret, put_secrets
from tests.builders import Shop, make_document, make_shop
from tests.shopify_stores import (
    DOMAIN,
    SECRET,
    deliver_shopify,
    make_shopify,
    of_person,
    sample,
    shopify_body,
    sign_shopify,
)
from webhook_app import LARGEST_BODY, create_app, webhooks
from webhook_app.tools import TOOLS
from workers.runtime import Runtime

ORDER = sample("derived/orders_paid")
OTHER = "other-shop.myshopify.com"
INSTALLED = ("shpss_installation_new_secret_000000000", "shpss_installation_old_secret_000000000")


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "KEPT_SECONDS", 0.0)


@pytest.fixture
def store(runtime: Runtime, shop: Shop) -> Any:
    return make_shopify(runtime, shop.account)


@pytest.fixture
def installed(runtime: Runtime) -> Any:
    """An installation with an app of its own, whose secret was changed."""
    settings = replace(runtime.settings, shopify_api_key="app", shopify_api_secrets=INSTALLED)
    app: Flask = create_app(settings)
    yield app.test_client()
    app.extensions[TOOLS].database.dispose()


def stored(runtime: Runtime, shop: Shop) -> list[dict[str, Any]]:
    with runtime.database.transaction(shop.account) as connection:
        return list_messages(connection, None, None, 100)


@pytest.mark.usefixtures("store")
def test_a_signed_delivery_is_stored_with_its_topic_and_id(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    answer = deliver_shopify(client, "orders/paid", ORDER, X_Shopify_Webhook_Id="w-1")
    assert (answer.status_code, answer.data) == (200, b"")
    (message,) = stored(runtime, shop)
    told = {name: message[name] for name in ("source", "topic", "delivery_id", "status")}
    assert told == {"source": "webhook", "topic": "orders/paid", "delivery_id": "w-1", "status": "pending"}
    assert message["bytes"] == len(shopify_body(ORDER))


@pytest.mark.usefixtures("store")
def test_u25_retries_are_one_message_and_topics_of_one_event_are_several(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    """Deduplicated on the webhook id: the event id is shared by all topics of one action."""
    for topic, webhook in (("orders/create", "w-1"), ("orders/paid", "w-2"), ("orders/create", "w-1")):
        named = {"X_Shopify_Webhook_Id": webhook, "X_Shopify_Event_Id": "e-1"}
        assert deliver_shopify(client, topic, ORDER, **named).status_code == 200
    assert sorted(each["topic"] for each in stored(runtime, shop)) == ["orders/create", "orders/paid"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "header", ["", "x", "é", sign_shopify(b"other"), sign_shopify(shopify_body(ORDER), "other secret")]
)
def test_a_wrong_signature_is_401_and_stores_nothing(
    runtime: Runtime, client: FlaskClient, shop: Shop, header: str
) -> None:
    answer = deliver_shopify(client, "orders/paid", ORDER, X_Shopify_Hmac_Sha256=header)
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
    assert stored(runtime, shop) == []


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    "domain", ["", OTHER, "tea-shop.myshopify.com.evil.example", "evil.example", "TEA", "\x00", "*"]
)
def test_without_a_secret_nobody_learns_which_shops_there_are(client: FlaskClient, domain: str) -> None:
    answers = [
        deliver_shopify(client, "orders/paid", ORDER, name, secret="guessed") for name in (domain, DOMAIN)
    ]
    assert [it.status_code for it in answers] == [401, 401]
    assert answers[0].data == answers[1].data


@pytest.mark.usefixtures("store")
def test_the_domain_is_compared_in_small_letters(runtime: Runtime, client: FlaskClient, shop: Shop) -> None:
    assert deliver_shopify(client, "orders/paid", ORDER, DOMAIN.upper()).status_code == 200
    assert len(stored(runtime, shop)) == 1


@pytest.mark.usefixtures("store")
def test_the_secret_of_one_shop_signs_nothing_for_another(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    stranger = make_shop(runtime, make_document())
    make_shopify(runtime, stranger.account, OTHER, secret="another app's secret")
    assert deliver_shopify(client, "orders/paid", ORDER, OTHER).status_code == 401
    assert stored(runtime, shop) == stored(runtime, stranger) == []


def test_older_secrets_and_the_key_of_the_settings_page_sign_too(
    runtime: Runtime, client: FlaskClient, shop: Shop, store: Any
) -> None:
    secrets = [WebhookSecret("current"), WebhookSecret("older"), WebhookSecret("notification key")]
    with runtime.database.transaction(shop.account) as connection:
        put_secrets(connection, runtime.vault, store.id, secrets)
    for each in secrets:
        assert deliver_shopify(client, "orders/paid", ORDER, secret=each.value).status_code == 200
    assert deliver_shopify(client, "orders/paid", ORDER, secret=SECRET).status_code == 401


@pytest.mark.parametrize("secret", INSTALLED)
def test_a_store_without_an_app_of_its_own_is_signed_for_by_the_installations(
    runtime: Runtime, installed: FlaskClient, shop: Shop, secret: str
) -> None:
    make_shopify(runtime, shop.account, secret="")
    assert deliver_shopify(installed, "orders/paid", ORDER, secret=secret).status_code == 200
    assert deliver_shopify(installed, "orders/paid", ORDER, secret="").status_code == 401
    assert len(stored(runtime, shop)) == 1


def test_the_installations_app_signs_nothing_for_a_store_with_its_own(
    runtime: Runtime, installed: FlaskClient, shop: Shop
) -> None:
    make_shopify(runtime, shop.account)
    assert deliver_shopify(installed, "orders/paid", ORDER, secret=INSTALLED[0]).status_code == 401


def test_a_shop_that_is_not_connected_is_404_for_who_can_sign(installed: FlaskClient) -> None:
    answer = deliver_shopify(installed, "orders/paid", ORDER, OTHER, secret=INSTALLED[0])
    assert answer.status_code == 404


def test_a_disconnected_shop_takes_only_what_persons_and_its_end_ask_for(
    runtime: Runtime, client: FlaskClient, shop: Shop, store: Any
) -> None:
    with runtime.database.transaction(shop.account) as connection:
        set_state(connection, store.id, "disconnected")
    assert deliver_shopify(client, "orders/paid", ORDER).status_code == 404
    body = of_person("customers_redact", id=7, email="amy@example.test")
    assert deliver_shopify(client, "customers/redact", body).status_code == 200
    assert [each["topic"] for each in stored(runtime, shop)] == ["customers/redact"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("named", [OTHER, "", None, 7, f"{DOMAIN}.evil.example"])
def test_a_person_is_not_erased_in_a_shop_that_only_the_header_names(
    runtime: Runtime, client: FlaskClient, shop: Shop, named: Any
) -> None:
    body = {**of_person("customers_redact", id=7), "shop_domain": named}
    assert deliver_shopify(client, "customers/redact", body).status_code == 401
    assert deliver_shopify(client, "customers/redact", b"[]").status_code == 401
    assert stored(runtime, shop) == []


@pytest.mark.usefixtures("store")
def test_the_largest_body_is_taken_and_one_byte_more_is_413(
    runtime: Runtime, client: FlaskClient, shop: Shop
) -> None:
    assert deliver_shopify(client, "orders/paid", b"x" * LARGEST_BODY).status_code == 200
    assert deliver_shopify(client, "orders/paid", b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert len(stored(runtime, shop)) == 1


@pytest.mark.usefixtures("store")
def test_a_delivery_of_a_known_shop_is_one_statement(
    runtime: Runtime, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "KEPT_SECONDS", 30.0)
    client, statements = app.test_client(), []
    assert deliver_shopify(client, "orders/paid", ORDER).status_code == 200
    alone = app.extensions[TOOLS].database._alone
    event.listen(alone, "before_cursor_execute", lambda *given: statements.append(given[2]))
    event.listen(
        app.extensions[TOOLS].database.engine,
        "before_cursor_execute",
        lambda *given: statements.append(given[2]),
    )
    assert deliver_shopify(client, "orders/paid", ORDER).status_code == 200
    accepted = [each for each in statements if "laurel_accept" in each]
    assert len(accepted) == 1
    assert [each for each in statements if "laurel_find" in each] == []


def test_one_shop_belongs_to_one_account(runtime: Runtime, shop: Shop) -> None:
    make_shopify(runtime, shop.account)
    with pytest.raises(Exception, match="ix_stores_shop_domain"):
        make_shopify(runtime, make_shop(runtime, make_document()).account)


def test_get_is_not_allowed(client: FlaskClient) -> None:
    assert client.get("/webhooks/shopify").status_code == 405

"""Signatures of Shopify: published vectors pass, everything that differs from them does not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from connectors.shopify import signature

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads" / "shopify"
VECTORS: dict[str, Any] = json.loads((PAYLOADS / "vectors.json").read_text())
HUSH = VECTORS["secret"]
BODY = (PAYLOADS / VECTORS["webhook"]["body_file"]).read_bytes()
HEADERS = {
    "x-shopify-hmac-sha256": VECTORS["webhook"]["value"],
    "x-shopify-shop-domain": "some-shop.myshopify.com",
    "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    "x-shopify-event-id": "98880550-7158-44d4-b7cd-2c97c8a091b5",
}
OAUTH_AT = datetime.fromtimestamp(1337178173, UTC)
PROXY_AT = datetime.fromtimestamp(1317327555, UTC)
LOGGED_IN, ANONYMOUS = (VECTORS[f"app_proxy_{name}"]["query"] for name in ("logged_in", "anonymous"))
QUERY = VECTORS["oauth_query"]["query"]


def proxied(message: str, query: str, secret: str = HUSH) -> str:
    """A query with the signature of a message."""
    return f"{query}&signature={hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()}"


def test_the_vector_of_a_webhook_fits() -> None:
    assert signature.is_authentic([HUSH], HEADERS, BODY)


def test_an_older_secret_and_the_key_of_the_settings_page_fit_too() -> None:
    assert signature.is_authentic(["new", HUSH], HEADERS, BODY)
    assert signature.is_authentic(["new", "older", HUSH], HEADERS, BODY)


@pytest.mark.parametrize("secrets", [[], [""], ["other"], ["", "other"]])
def test_without_the_secret_nothing_fits(secrets: list[str]) -> None:
    assert not signature.is_authentic(secrets, HEADERS, BODY)


def test_an_empty_secret_lets_nobody_sign() -> None:
    signed = base64.b64encode(hmac.digest(b"", BODY, "sha256")).decode()
    assert not signature.is_authentic([""], {"x-shopify-hmac-sha256": signed}, BODY)


@pytest.mark.parametrize("body", [BODY + b" ", BODY[:-1], b"", json.dumps(json.loads(BODY)).encode()])
def test_another_body_does_not_fit(body: bytes) -> None:
    assert not signature.is_authentic([HUSH], HEADERS, body)


@pytest.mark.parametrize(
    "header",
    [
        "", "é", "☃" * 44, "not base64!", VECTORS["webhook"]["value"][:-1], VECTORS["webhook"]["value"] + "=",
        f" {VECTORS['webhook']['value']}", hmac.new(HUSH.encode(), BODY, hashlib.sha256).hexdigest(),
    ],
)  # fmt: skip
def test_a_header_that_is_no_strict_base64_is_a_plain_no(header: str) -> None:
    assert not signature.is_authentic([HUSH], {"x-shopify-hmac-sha256": header}, BODY)


def test_a_missing_header_is_a_plain_no() -> None:
    assert not signature.is_authentic([HUSH], {}, BODY)


def test_a_retry_is_known_by_shop_and_webhook_id() -> None:
    key = signature.message_key("orders/create", HEADERS, BODY)
    assert len(key) == 32
    assert signature.message_key("orders/create", HEADERS, BODY + b" ") == key
    upper = {**HEADERS, "x-shopify-shop-domain": "Some-Shop.myshopify.com"}
    assert signature.message_key("orders/create", upper, BODY) == key


@pytest.mark.parametrize("name", ["x-shopify-webhook-id", "x-shopify-shop-domain"])
def test_another_delivery_or_another_shop_is_another_message(name: str) -> None:
    key = signature.message_key("orders/create", HEADERS, BODY)
    assert signature.message_key("orders/create", {**HEADERS, name: "other"}, BODY) != key


def test_deliveries_of_one_event_are_several_messages() -> None:
    """Who deduplicates on the event id drops orders/paid after orders/create."""
    paid = {**HEADERS, "x-shopify-webhook-id": "c5"}
    assert signature.message_key("orders/paid", paid, BODY) != signature.message_key(
        "orders/create", HEADERS, BODY
    )


def test_without_a_webhook_id_topic_and_body_tell_messages_apart() -> None:
    bare = {"x-shopify-shop-domain": "some-shop.myshopify.com"}
    keys = {signature.message_key(topic, bare, body) for topic in ("a", "b") for body in (b"1", b"2")}
    assert len(keys) == 4


@pytest.mark.parametrize("given", ["some-shop.myshopify.com", "Some-Shop.MyShopify.com", "0.myshopify.com"])
def test_a_shop_domain_is_returned_in_small_letters(given: str) -> None:
    assert signature.shop_domain(given) == given.lower()


@pytest.mark.parametrize(
    "given",
    [
        "", "myshopify.com", ".myshopify.com", "-a.myshopify.com", "a.myshopify.com.evil.example",
        "evil.example/a.myshopify.com", "a.myshopify.com\n", "a.myshopify.com ", "a.b.myshopify.com",
        "a_b.myshopify.com", "a.myshopify.comx", "axmyshopify.com", "https://a.myshopify.com",
        "a.myshopify.com:443", "\u212aa.myshopify.com", "é.myshopify.com", "a" * 250 + ".myshopify.com",
    ],
)  # fmt: skip
def test_everything_else_is_no_shop(given: str) -> None:
    assert signature.shop_domain(given) is None


def test_the_published_query_of_oauth_fits() -> None:
    found = signature.signed_query([HUSH], QUERY, OAUTH_AT)
    assert found == {
        "code": "0907a61c0c8d55e99db179b68161bc00", "shop": "some-shop.myshopify.com",
        "state": "0.6784241404160823", "timestamp": "1337178173",
    }  # fmt: skip
    assert signature.signed_query(["new", HUSH], QUERY, OAUTH_AT) == found
    backwards = "&".join(reversed(QUERY.split("&")))
    assert signature.signed_query([HUSH], backwards, OAUTH_AT) == found


@pytest.mark.parametrize(
    "query",
    [
        "", QUERY.replace("code=0", "code=1"), QUERY + "&extra=1", QUERY + "&shop=other.myshopify.com",
        QUERY.replace("hmac=7", "hmac=8"), QUERY.replace("hmac=", "mac="), QUERY.replace("hmac=7", "hmac=%E9"),
        QUERY.replace("&timestamp=1337178173", ""), "&".join(["a=1"] * 101), QUERY + "&shop=some-shop.myshopify.com",
    ],
)  # fmt: skip
def test_any_other_query_of_oauth_does_not(query: str) -> None:
    assert signature.signed_query([HUSH], query, OAUTH_AT) is None


def oauth_query(message: str) -> str:
    return f"{message}&hmac={hmac.new(HUSH.encode(), message.encode(), hashlib.sha256).hexdigest()}"


def test_a_signed_query_without_a_proper_shop_does_not_fit() -> None:
    assert signature.signed_query([HUSH], oauth_query("shop=a.myshopify.com&timestamp=1337178173"), OAUTH_AT)
    evil = oauth_query("shop=a.myshopify.com.evil.example&timestamp=1337178173")
    assert signature.signed_query([HUSH], evil, OAUTH_AT) is None


@pytest.mark.parametrize(
    ("seconds", "fits"), [(-86401, False), (-86400, True), (86400, True), (86401, False)]
)
def test_a_query_of_oauth_is_good_for_a_day(seconds: int, fits: bool) -> None:
    found = signature.signed_query([HUSH], QUERY, OAUTH_AT + timedelta(seconds=seconds))
    assert (found is not None) == fits


def test_the_published_queries_of_the_app_proxy_fit() -> None:
    """Repeated parameters are joined by a comma, and an empty customer is part of what is signed."""
    shop, prefix = "shop-name.myshopify.com", "/apps/awesome_reviews"
    expected = {LOGGED_IN: "1", ANONYMOUS: ""}
    for query, customer in expected.items():
        found = signature.proxy_request([HUSH], query, PROXY_AT)
        assert found == signature.ProxyRequest(shop, customer, prefix)


@pytest.mark.parametrize(
    "query",
    [
        LOGGED_IN.replace("logged_in_customer_id=1", "logged_in_customer_id=2"),
        LOGGED_IN.replace("&logged_in_customer_id=1", ""),
        ANONYMOUS.replace("&logged_in_customer_id=", ""),
        LOGGED_IN.replace("extra=1&extra=2", "extra=2&extra=1"),
        LOGGED_IN.replace("extra=1&extra=2", "extra=1"),
        LOGGED_IN + "&more=1", LOGGED_IN + "&signature=" + "0" * 64, LOGGED_IN.partition("&signature")[0], "",
    ],
)  # fmt: skip
def test_a_changed_query_of_the_app_proxy_does_not(query: str) -> None:
    assert signature.proxy_request([HUSH], query, PROXY_AT) is None


@pytest.mark.parametrize(("seconds", "fits"), [(-91, False), (-90, True), (0, True), (90, True), (91, False)])
def test_a_request_of_the_app_proxy_is_good_for_90_seconds(seconds: int, fits: bool) -> None:
    found = signature.proxy_request([HUSH], LOGGED_IN, PROXY_AT + timedelta(seconds=seconds))
    assert (found is not None) == fits


def test_parameters_are_sorted_by_their_bytes() -> None:
    message = "B=1_=2a=3shop=a.myshopify.comtimestamp=1317327555é=4"
    query = f"a=3&_=2&B=1&{quote('é')}=4&shop=a.myshopify.com&timestamp=1317327555"
    assert signature.proxy_request([HUSH], proxied(message, query), PROXY_AT)


@pytest.mark.parametrize(
    ("message", "query"),
    [
        (
            "shop=a.myshopify.com,b.myshopify.comtimestamp=1317327555",
            "shop=a.myshopify.com&shop=b.myshopify.com&timestamp=1317327555",
        ),
        ("shop=evil.exampletimestamp=1317327555", "shop=evil.example&timestamp=1317327555"),
        ("timestamp=1317327555", "timestamp=1317327555"),
        ("shop=a.myshopify.com", "shop=a.myshopify.com"),
        ("shop=a.myshopify.comtimestamp=now", "shop=a.myshopify.com&timestamp=now"),
    ],
)
def test_a_signed_query_that_names_no_one_shop_and_time_does_not_fit(message: str, query: str) -> None:
    assert signature.proxy_request([HUSH], proxied(message, query), PROXY_AT) is None


def test_of_two_customers_none_is_believed() -> None:
    message = "logged_in_customer_id=1,2shop=a.myshopify.comtimestamp=1317327555"
    query = "logged_in_customer_id=1&logged_in_customer_id=2&shop=a.myshopify.com&timestamp=1317327555"
    found = signature.proxy_request([HUSH], proxied(message, query), PROXY_AT)
    assert found == signature.ProxyRequest("a.myshopify.com", "", "")


def test_letters_outside_of_unicode_are_compared_as_they_came() -> None:
    assert signature.proxy_request([HUSH], "shop=%FF&signature=%FF&timestamp=1", PROXY_AT) is None

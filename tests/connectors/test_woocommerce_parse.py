from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from woocommerce_recordings import Delivery, deliveries, delivery

from connectors.base import RawMessage
from connectors.woocommerce.parse import parse
from loyalty.commerce import (
    CustomerDeleted,
    CustomerSnapshot,
    Ignored,
    NeedsRead,
    OrderDeleted,
    Parsed,
    Read,
)
from loyalty.errors import MalformedMessage
from loyalty.values import StoreId

STORE = StoreId(UUID(int=7))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
WITH_REFUNDS = ("046", "049", "052", "055", "101", "102", "303", "306", "355")


def parsed(topic: str, body: bytes | dict[str, Any], *, with_products: bool = False) -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse(STORE, RawMessage("webhook", topic, raw), with_products=with_products)


def fetched(topic: str, **body: Any) -> Parsed:
    return parse(STORE, RawMessage("fetch", topic, json.dumps(body).encode(), NOW), with_products=False)


def outcome(answer: Parsed) -> str:
    if isinstance(answer, Ignored):
        return "ignored"
    if isinstance(answer, NeedsRead):
        return f"read {answer.kind} {answer.reason}"
    return type(answer[0]).__name__


def expected(one: Delivery) -> str:
    resource, _, event = one.topic.partition(".")
    if resource in ("coupon", "product") or event == "woocommerce_refund_created":
        return "ignored"
    if one.name[:3] in ("114", "115"):
        return "ignored"
    if resource == "action" or event == "deleted":
        return f"read {'customer' if resource == 'customer' else 'order'} id only"
    if one.name[:3] in WITH_REFUNDS:
        return "read order refunds"
    return "OrderSnapshot" if resource == "order" else "CustomerSnapshot"


@pytest.mark.parametrize("one", [each for each in deliveries() if each.topic], ids=lambda one: one.name)
def test_recorded_delivery_is_what_the_findings_say(one: Delivery) -> None:
    assert outcome(parsed(one.topic, one.body)) == expected(one)


def test_not_a_number_is_no_json() -> None:
    with pytest.raises(MalformedMessage, match="NaN"):
        parsed("order.updated", b'{"id": 1, "line_items": [], "total": NaN}')


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parsed("order.updated", body)


@pytest.mark.parametrize(
    ("topic", "number"),
    [
        ("customer.updated", "042"),
        ("order.updated", "003"),
        ("coupon.updated", "042"),
        ("order.updated", "048"),
    ],
)
def test_body_of_another_kind_than_the_unsigned_topic_is_malformed(topic: str, number: str) -> None:
    with pytest.raises(MalformedMessage, match="The topic says"):
        parsed(topic, delivery(number).body)


def test_action_under_another_name_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="action"):
        parsed("action.woocommerce_delete_order", delivery("048").body)


def test_action_on_an_id_that_is_none_is_malformed() -> None:
    with pytest.raises(MalformedMessage, match="arg: Not an id"):
        parsed("action.woocommerce_delete_order", {"action": "woocommerce_delete_order", "arg": 0})


@pytest.mark.parametrize(
    "topic", ["subscription.created", "action.woocommerce_new_thing", "nonsense", "product.deleted"]
)
def test_topic_without_points_is_ignored(topic: str) -> None:
    assert isinstance(parsed(topic, {"id": 5}), Ignored)


def test_signed_error_that_names_an_id_asks_for_it() -> None:
    error = {"code": "gone", "message": "Gone.", "data": {"status": 404, "id": 12}}
    assert parsed("order.updated", error) == NeedsRead(Read.ORDER, ("12",), "error body")


def test_delivery_without_product_facts_asks_for_them_when_rules_need_them() -> None:
    one = delivery("042")
    assert parsed(one.topic, one.body, with_products=True) == NeedsRead(Read.ORDER, ("30",), "products")


def test_customer_is_read_with_role_phone_and_region() -> None:
    one = delivery("003")
    (customer,) = parsed(one.topic, one.body)  # type: ignore[misc]
    assert customer == CustomerSnapshot(
        STORE, "2", "amy@example.test", "0922333444", "Amy Chen", "customer",
        datetime(2026, 11, 21, 21, 9, 32, tzinfo=UTC), datetime(2026, 11, 21, 21, 9, 32, tzinfo=UTC), "TW",
    )  # fmt: skip


def test_customer_never_modified_is_as_new_as_his_registration() -> None:
    one = delivery("011")
    (customer,) = parsed(one.topic, one.body)  # type: ignore[misc]
    assert isinstance(customer, CustomerSnapshot)
    assert (customer.role, customer.modified_at) == ("subscriber", customer.registered_at)


def test_what_the_shop_no_longer_has_is_deleted() -> None:
    assert fetched("fetch.order", id="30", order=None) == (OrderDeleted(STORE, "30", NOW),)
    assert fetched("fetch.customer", id="2", customer=None) == (CustomerDeleted(STORE, "2", NOW),)


@pytest.mark.parametrize(
    "told", ["20266-01-01T00:00:00", "9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00"]
)
def test_time_that_no_calendar_of_ours_has_is_malformed(told: str) -> None:
    coupon = {"amount": "5.00", "minimum_amount": "0.00", "date_expires_gmt": told}
    with pytest.raises(MalformedMessage, match="date_expires_gmt: Not a time"):
        fetched("fetch.coupon", id="3", coupon=coupon)


def test_fetched_answer_must_say_when_the_shop_was_asked() -> None:
    with pytest.raises(MalformedMessage, match="observed_at"):
        parse(STORE, RawMessage("fetch", "fetch.order", b'{"id": "1", "order": null}'), with_products=False)

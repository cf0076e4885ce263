"""What Shopify's deliveries say: every sample is read or refused with a reason, and no topic is believed by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import STORE
from shopify_nodes import ASKED, PAYLOADS, delivery, signal

from connectors.base import RawMessage
from connectors.shopify.parse import parse
from connectors.shopify.restate import restate
from loyalty.commerce import (
    CustomerDataRequested,
    CustomerErased,
    CustomersMerged,
    Ignored,
    NeedsRead,
    Read,
    ShopErased,
    StoreUninstalled,
)
from loyalty.errors import MalformedMessage

ORDER, PERSON = "820982911946154508", "706405506930370084"
READS = {
    "orders_create": ("orders/create", Read.ORDER, ORDER),
    "orders_paid": ("orders/paid", Read.ORDER, ORDER),
    "orders_updated": ("orders/updated", Read.ORDER, ORDER),
    "orders_cancelled": ("orders/cancelled", Read.ORDER, ORDER),
    "orders_fulfilled": ("orders/fulfilled", Read.ORDER, ORDER),
    "orders_partially_fulfilled": ("orders/partially_fulfilled", Read.ORDER, ORDER),
    "orders_edited": ("orders/edited", Read.ORDER, ORDER),
    "orders_delete": ("orders/delete", Read.ORDER, ORDER),
    "refunds_create": ("refunds/create", Read.ORDER, ORDER),
    "order_transactions_create": ("order_transactions/create", Read.ORDER, ORDER),
    "customers_create": ("customers/create", Read.CUSTOMER, PERSON),
    "customers_update": ("customers/update", Read.CUSTOMER, PERSON),
    "customers_delete": ("customers/delete", Read.CUSTOMER, PERSON),
    "customers_enable": ("customers/enable", Read.CUSTOMER, PERSON),
    "customers_disable": ("customers/disable", Read.CUSTOMER, PERSON),
    "discounts_redeemcode_removed": ("discounts/redeemcode_removed", Read.COUPON, "1"),
}
IGNORED = {
    "customer_tags_added": "customer.tags_added",
    "customer_tags_removed": "customer.tags_removed",
    "customers_merge": "customers/merge",
    "customers_purchasing_summary": "customers/purchasing_summary",
    "discounts_create": "discounts/create",
    "discounts_delete": "discounts/delete",
    "discounts_redeemcode_added": "discounts/redeemcode_added",
    "discounts_update": "discounts/update",
    "disputes_create": "disputes/create",
    "draft_orders_update": "draft_orders/update",
    "returns_approve": "returns/approve",
    "returns_close": "returns/close",
    "shop_update": "shop/update",
    "app_scopes_update": "app/scopes_update",
    "bulk_operations_finish": "bulk_operations/finish",
}
FACTS = {
    "app_uninstalled": ("app/uninstalled", StoreUninstalled(STORE, ASKED)),
    "shop_redact": ("shop/redact", ShopErased(STORE, ASKED)),
    "customers_redact": ("customers/redact", CustomerErased(STORE, "191167", ASKED, "john@example.com")),
    "customers_data_request": (
        "customers/data_request",
        CustomerDataRequested(STORE, "191167", "john@example.com", "9999", ASKED),
    ),
}


@pytest.mark.parametrize("name", sorted(READS))
def test_a_delivery_is_a_signal_to_read(name: str) -> None:
    topic, kind, number = READS[name]
    said = signal(topic, delivery(name))
    assert isinstance(said, NeedsRead)
    assert (said.kind, said.external_ids) == (kind, (number,))


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_what_says_nothing_about_points_is_left_with_a_reason(name: str) -> None:
    said = signal(IGNORED[name], delivery(name))
    assert isinstance(said, Ignored)
    assert said.reason


@pytest.mark.parametrize("name", sorted(FACTS))
def test_what_cannot_be_read_is_a_fact(name: str) -> None:
    topic, fact = FACTS[name]
    assert signal(topic, delivery(name)) == (fact,)


def test_every_sample_has_a_case() -> None:
    samples = {path.stem for path in (PAYLOADS / "webhooks").glob("*.json")}
    assert samples == READS.keys() | IGNORED.keys() | FACTS.keys()


@pytest.mark.parametrize(
    "path", sorted((PAYLOADS / "webhooks" / "derived").glob("*.json")), ids=lambda it: it.stem
)
def test_the_story_of_an_order_is_all_signals(path: Path) -> None:
    topic = "refunds/create" if path.stem.startswith("refunds") else "orders/updated"
    said = signal(topic, path.read_bytes())
    assert isinstance(said, NeedsRead)
    body = json.loads(path.read_bytes())
    assert said.external_ids == (str(body.get("order_id") or body["id"]),)


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("orders/paid", "customers_create"),
        ("orders/delete", "orders_create"),
        ("customers/redact", "customers_data_request"),
        ("customers/merge", "customers_update"),
        ("customers/create", "orders_delete"),
        ("refunds/create", "order_transactions_create"),
        ("app/uninstalled", "shop_redact"),
        ("shop/redact", "app_uninstalled"),
        ("discounts/update", "bulk_operations_finish"),
    ],
)
def test_a_topic_that_contradicts_its_body_is_refused(topic: str, name: str) -> None:
    with pytest.raises(MalformedMessage) as raised:
        signal(topic, delivery(name))
    assert topic in raised.value.message


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"nonsense", b'{"id": true}', b'{"id": -1}'])
@pytest.mark.parametrize("topic", ["orders/delete", "orders/paid", "customers/redact", "shop/redact"])
def test_a_body_that_cannot_be_read_is_refused(topic: str, body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        signal(topic, body)


def test_a_merge_that_is_completed_names_who_is_kept() -> None:
    def complete(body: dict[str, Any]) -> None:
        body["status"] = "completed"

    assert signal("customers/merge", delivery("customers_merge", complete)) == (
        CustomersMerged(STORE, "1", "2", ASKED),
    )


@pytest.mark.parametrize(
    ("number", "email", "expected"),
    [(None, "a@example.test", ("", "a@example.test")), (5, None, ("5", "")), (None, None, None)],
)
def test_whom_to_erase_may_be_named_by_id_or_by_email(
    number: int | None, email: str | None, expected: tuple[str, str] | None
) -> None:
    def rename(body: dict[str, Any]) -> None:
        body["customer"] = {"id": number, "email": email}

    body = delivery("customers_redact", rename)
    if expected is None:
        with pytest.raises(MalformedMessage):
            signal("customers/redact", body)
        return
    assert signal("customers/redact", body) == (CustomerErased(STORE, expected[0], ASKED, expected[1]),)


@pytest.mark.parametrize(
    ("change", "is_read"),
    [
        ({"title": "Laurel lrab23"}, True),
        ({"title": "Summer sale"}, False),
        ({"title": "Laurel lrab23", "admin_graphql_api_id": "gid://shopify/DiscountAutomaticNode/7"}, False),
    ],
)
def test_only_a_discount_that_bears_our_mark_is_read_again(change: dict[str, str], is_read: bool) -> None:
    body = {"admin_graphql_api_id": "gid://shopify/DiscountCodeNode/7", "status": "ACTIVE", **change}
    said = signal("discounts/update", json.dumps(body).encode())
    assert isinstance(said, NeedsRead) is is_read


def test_a_fact_without_a_time_of_its_own_needs_the_time_it_came() -> None:
    with pytest.raises(MalformedMessage):
        parse(STORE, RawMessage("webhook", "app/uninstalled", delivery("app_uninstalled")))


def test_only_the_delivery_of_a_whole_order_states_it() -> None:
    for name in ("orders_edited", "orders_delete", "refunds_create", "customers_create", "shop_redact"):
        topic = (READS.get(name) or FACTS.get(name) or ("",))[0]
        assert restate(RawMessage("webhook", topic, delivery(name))) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "1", "order": null}',
        b'{"id": "x", "order": null}',
        b'{"id": "1"}',
        b'{"id": "1", "order": {"id": "gid://shopify/Order/1"}}',
    ],
)
def test_an_answer_that_nobody_asked_for_or_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(STORE, RawMessage("fetch", "fetch.order", body))


@pytest.mark.parametrize("kind", ["DiscountCodeBxgy", "DiscountCodeApp"])
def test_a_code_of_a_discount_that_we_never_make_is_left_alone(kind: str) -> None:
    """A removed code names its discount by the number only, and of other kinds the shop is asked for the kind only."""
    assert isinstance(
        signal("discounts/redeemcode_removed", delivery("discounts_redeemcode_removed")), NeedsRead
    )
    body = json.dumps({"id": "1", "coupon": {"__typename": kind}}).encode()
    assert isinstance(parse(STORE, RawMessage("fetch", "fetch.coupon", body, ASKED)), Ignored)


@pytest.mark.parametrize("coupon", ['{"__typename": "DiscountCodeBasic"}', "7", "[]"])
def test_a_discount_of_a_kind_of_ours_that_tells_too_little_is_refused(coupon: str) -> None:
    body = f'{{"id": "1", "coupon": {coupon}}}'.encode()
    with pytest.raises(MalformedMessage):
        parse(STORE, RawMessage("fetch", "fetch.coupon", body, ASKED))

"""What other than money paid an order of Shopify: which cards, how much of each, and store credit."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders import STORE
from shopify_nodes import bag, delivery, order, payment, read, stated

from connectors.base import FetchedMessage, RawMessage, StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.receipts import card_of
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.commerce import OrderSnapshot, Read, Tender
from loyalty.pushes import AddStoreCredit, PutCoupon

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AMY = "amy@example.test"


def paid(amount: str, gateway: str, receipt: Any = None, **more: Any) -> dict[str, Any]:
    return {**payment(amount), "gateway": gateway, "receiptJson": receipt, **more}


def tenders(*payments: dict[str, Any]) -> tuple[Tender, ...]:
    return read(order(transactions=list(payments))).tenders


@pytest.mark.parametrize(
    "receipt",
    [
        '{"gift_card_id": 41, "gift_card_last_characters": "ab23"}',
        {"gift_card_id": 41, "gift_card_last_characters": "ab23"},
        {"gift_card_id": "41"},
        {"gift_card_id": "gid://shopify/GiftCard/41"},
    ],
)
def test_the_receipt_of_a_card_names_it(receipt: Any) -> None:
    assert tenders(paid("10.00", "gift_card", receipt)) == (Tender("gift_card", Decimal("10.00"), "41"),)


@pytest.mark.parametrize(
    "receipt",
    [None, "", "{", "[41]", "41", "[" * 100_000, [], {}, {"gift_card_id": None}, {"gift_card_id": {"id": 41}},
     {"gift_card_id": 4.5}, {"gift_card_id": True}, {"gift_card_id": "gid://shopify/GiftCard/x"}],
)  # fmt: skip
def test_an_unreadable_receipt_is_that_of_a_card_without_a_name(receipt: Any) -> None:
    assert card_of(receipt) == ""
    assert tenders(paid("10.00", "gift_card", receipt)) == (Tender("gift_card", Decimal("10.00")),)


def test_money_and_its_receipt_are_no_tender() -> None:
    assert tenders(paid("105.00", "shopify_payments", {"gift_card_id": 41}), paid("1.00", "manual")) == ()


def test_the_sum_of_each_card_counts_and_store_credit_is_one() -> None:
    one, other = {"gift_card_id": 41}, {"gift_card_id": 7}
    found = tenders(
        paid("10.00", "gift_card", one), paid("20.00", "gift_card", other, kind="CAPTURE"),
        paid("5.00", "gift_card", one), paid("3.00", "shopify_store_credit"),
        paid("2.00", "shopify_store_credit", one), paid("65.00", "bogus"),
    )  # fmt: skip
    assert found == (
        Tender("gift_card", Decimal("15.00"), "41"),
        Tender("gift_card", Decimal("20.00"), "7"),
        Tender("store_credit", Decimal("5.00")),
    )


def test_only_what_was_taken_counts_and_what_was_given_back_is_not_taken_off() -> None:
    card = {"gift_card_id": 41}
    found = tenders(
        paid("40.00", "gift_card", card),
        paid("9.00", "gift_card", card, status="FAILURE"),
        paid("9.00", "gift_card", card, status="PENDING"),
        paid("9.00", "gift_card", card, kind="AUTHORIZATION"),
        paid("9.00", "gift_card", card, kind="REFUND"),
    )
    assert found == (Tender("gift_card", Decimal("40.00"), "41"),)


def test_money_of_the_shop_counts_and_not_what_the_buyer_saw() -> None:
    seen = paid("1.00", "gift_card", {"gift_card_id": 41}, amountSet=bag("10.00", "1366.02"))
    assert tenders(seen) == (Tender("gift_card", Decimal("10.00"), "41"),)


def test_an_order_that_was_read_by_an_earlier_release_has_none() -> None:
    assert read(order()).tenders == ()


def test_a_delivery_tells_of_no_tender() -> None:
    assert stated("orders/paid", delivery("derived/orders_paid")).tenders == ()


@pytest.fixture
def cards(
    shopify: ShopifyConnector, shopify_access: StoreAccess, shopify_shop: ShopifySandbox
) -> tuple[str, str]:
    """The ids of two cards of Amy, of 100 and 50; she has 30 of store credit, too."""
    shopify_shop.add_customer(AMY)
    made = shopify.push(
        shopify_access,
        [
            *[
                PutCoupon(f"LRCARD{amount:06}", "gift_card", Decimal(amount), Decimal(0), None, AMY, "", currency="TWD")
                for amount in (100, 50)
            ],
            AddStoreCredit("credit:1", "", AMY, Decimal(30), "TWD", NOW),
        ],
    )  # fmt: skip
    first, second = (getattr(each, "external_id", "") for each in made[:2])
    return first, second


def fetched(shopify: ShopifyConnector, access: StoreAccess, number: int) -> FetchedMessage:
    (message,) = shopify.fetch(access, Read.ORDER, [str(number)], with_products=False, now=NOW)
    return message


def snapshot(shopify: ShopifyConnector, message: FetchedMessage) -> OrderSnapshot:
    raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
    parsed = shopify.parse(STORE, raw, with_products=False)
    assert isinstance(parsed, tuple)
    (fact,) = parsed
    assert isinstance(fact, OrderSnapshot)
    return fact


def test_two_cards_store_credit_and_money_pay_an_order(
    shopify: ShopifyConnector,
    shopify_access: StoreAccess,
    shopify_shop: ShopifySandbox,
    cards: tuple[str, str],
) -> None:
    pan = shopify_shop.add_product("Pan", 500)["id"]
    placed = shopify_shop.place_order(
        (pan, 1), email=AMY, gift_cards=["LRCARD000100", "lrcard000050"], store_credit=30
    )
    found = snapshot(shopify, fetched(shopify, shopify_access, placed["id"]))
    assert set(found.tenders) == {
        Tender("gift_card", Decimal("100.0"), cards[0]),
        Tender("gift_card", Decimal("50.0"), cards[1]),
        Tender("store_credit", Decimal("30.0")),
    }
    assert found.paid_at is not None


def test_a_refund_to_the_card_takes_nothing_off_what_it_paid(
    shopify: ShopifyConnector,
    shopify_access: StoreAccess,
    shopify_shop: ShopifySandbox,
    cards: tuple[str, str],
) -> None:
    pan = shopify_shop.add_product("Pan", 80)["id"]
    placed = shopify_shop.place_order((pan, 1), email=AMY, gift_cards=["LRCARD000100"])
    shopify_shop.refund(placed["id"], amount=60, gateway="gift_card")
    found = snapshot(shopify, fetched(shopify, shopify_access, placed["id"]))
    assert found.tenders == (Tender("gift_card", Decimal("80.0"), cards[0]),)
    assert [each.amount for each in found.refunds] == [Decimal("60.0")]


def test_of_a_receipt_nothing_is_kept_but_the_card(
    shopify: ShopifyConnector,
    shopify_access: StoreAccess,
    shopify_shop: ShopifySandbox,
    cards: tuple[str, str],
) -> None:
    pan = shopify_shop.add_product("Pan", 120)["id"]
    placed = shopify_shop.place_order((pan, 1), email=AMY, gift_cards=["LRCARD000100"])
    row = shopify_shop.state.orders[placed["id"]]["transactions"][-1]
    row["receipt"] = {"card_holder": "Amelia Chen"}
    kept = json.loads(fetched(shopify, shopify_access, placed["id"]).body)["order"]["transactions"]
    assert [each["receiptJson"] for each in kept] == [{"gift_card_id": cards[0]}, None]


def test_the_past_tells_of_tenders_too(
    shopify: ShopifyConnector,
    shopify_access: StoreAccess,
    shopify_shop: ShopifySandbox,
    cards: tuple[str, str],
) -> None:
    pan = shopify_shop.add_product("Pan", 500)["id"]
    shopify_shop.place_order((pan, 1), email=AMY, gift_cards=["LRCARD000050"])
    cursor, messages = None, []
    while True:
        page = shopify.read_past(shopify_access, None, cursor, with_products=False, now=NOW)
        messages += [each for each in page.messages if each.topic == "fetch.order"]
        cursor = page.next
        if cursor is None:
            break
    (found,) = [snapshot(shopify, each) for each in messages]
    assert found.tenders == (Tender("gift_card", Decimal("50.0"), cards[1]),)


def test_of_an_order_of_many_payments_all_tenders_are_read(
    shopify: ShopifyConnector,
    shopify_access: StoreAccess,
    shopify_shop: ShopifySandbox,
    cards: tuple[str, str],
) -> None:
    """More payments than the first question asks for are read on."""
    pan = shopify_shop.add_product("Pan", 500)["id"]
    placed = shopify_shop.place_order(
        (pan, 1), email=AMY, paid=False, gift_cards=["LRCARD000100"], store_credit=20
    )
    for _ in range(5):
        shopify_shop.pay(placed["id"], 76)
    found = snapshot(shopify, fetched(shopify, shopify_access, placed["id"]))
    assert {each.amount for each in found.tenders} == {Decimal("100.0"), Decimal("20.0")}

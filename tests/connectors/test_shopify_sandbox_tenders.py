"""Gift cards and store credit pay in the sandbox Shopify, and get back what is refunded."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from shopify_sandbox import START, ask, gid, post

from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.sandbox.checkout import CheckoutError

AMY = "amy@example.test"
ACCOUNTS = """query($id: ID!) { customer(id: $id) { storeCreditAccounts(first: 3, query: "currency_code:EUR") { nodes {
  balance { amount } transactions(first: 9, sortKey: CREATED_AT%s) { nodes { event amount { amount } } } } } } }"""


@pytest.fixture
def shop() -> Iterator[ShopifySandbox]:
    with ShopifySandbox("EUR", 2, "Europe/Berlin", now=lambda: START) as running:
        running.add_customer(AMY)
        yield running


def amy(shop: ShopifySandbox) -> str:
    return gid("Customer", next(iter(shop.state.customers)))


def card(shop: ShopifySandbox, code: str = "GIFT0001", amount: str = "30", **more: Any) -> str:
    given = {"code": code, "initialAmount": {"amount": amount, "currencyCode": "EUR"}, **more}
    made = ask(shop, "GiftCardCreate", input=given)["giftCardCreate"]["giftCard"]
    return str(made["id"])


def credit(shop: ShopifySandbox, amount: str = "20") -> None:
    given = {"creditAmount": {"amount": amount, "currencyCode": "EUR"}}
    ask(shop, "StoreCreditAccountCredit", id=amy(shop), creditInput=given)


def left(shop: ShopifySandbox, code: str = "GIFT0001") -> Fraction:
    found = shop.gift_card(code)
    assert found is not None
    return Fraction(found["balance"])


def movements(shop: ShopifySandbox, more: str = "") -> list[tuple[str, str]]:
    (account,) = ask(shop, ACCOUNTS % more, id=amy(shop))["customer"]["storeCreditAccounts"]["nodes"]
    return [(each["event"], each["amount"]["amount"]) for each in account["transactions"]["nodes"]]


def payments(shop: ShopifySandbox, order: dict[str, Any]) -> list[tuple[str, str, str]]:
    query = "query($id: ID!) { order(id: $id) { transactions { kind gateway amountSet { shopMoney { amount } } } } }"
    rows = ask(shop, query, id=gid("Order", order["id"]))["order"]["transactions"]
    return [(each["kind"], each["gateway"], each["amountSet"]["shopMoney"]["amount"]) for each in rows]


def sell(shop: ShopifySandbox, price: int = 100, **how: Any) -> dict[str, Any]:
    return shop.place_order((shop.add_product("Pan", price)["id"], 1), email=AMY, **how)


def test_cards_pay_first_then_store_credit_then_money(shop: ShopifySandbox) -> None:
    card(shop)
    card(shop, "GIFT0002", "15.50")
    credit(shop)
    order = sell(shop, gift_cards=["gift0001", "GIFT0002"], store_credit=20)
    assert payments(shop, order) == [
        ("SALE", "gift_card", "30.0"),
        ("SALE", "gift_card", "15.5"),
        ("SALE", "shopify_store_credit", "20.0"),
        ("SALE", "bogus", "34.5"),
    ]
    assert (left(shop), left(shop, "GIFT0002")) == (0, 0)
    assert movements(shop) == [("ADJUSTMENT", "20.0"), ("ORDER_PAYMENT", "-20.0")]
    assert order["financial_status"] == "paid"


def test_no_more_is_taken_than_is_owed(shop: ShopifySandbox) -> None:
    card(shop)
    credit(shop)
    order = sell(shop, 10, gift_cards=["GIFT0001"], store_credit=5)
    assert payments(shop, order) == [("SALE", "gift_card", "10.0")]
    assert (left(shop), order["financial_status"]) == (20, "paid")


def test_an_order_that_a_card_pays_only_in_part_waits_for_the_rest(shop: ShopifySandbox) -> None:
    card(shop)
    order = sell(shop, paid=False, gift_cards=["GIFT0001"])
    assert order["financial_status"] == "partially_paid"


@pytest.mark.parametrize("code", ["GIFT0009", "ENDED001", "EMPTY001", "OVER0001"])
def test_a_card_that_does_not_serve_stops_the_checkout(shop: ShopifySandbox, code: str) -> None:
    ask(shop, "GiftCardDeactivate", id=card(shop, "ENDED001"))
    card(shop, "OVER0001", expiresOn="2026-11-19")
    card(shop, "EMPTY001", "10")
    card(shop)
    sell(shop, 10, gift_cards=["EMPTY001"])
    before = len(shop.state.orders)
    with pytest.raises(CheckoutError):
        sell(shop, gift_cards=["GIFT0001", code])
    assert (len(shop.state.orders), left(shop)) == (before, 30)


def test_nobody_pays_by_store_credit_that_he_does_not_have(shop: ShopifySandbox) -> None:
    credit(shop)
    pan = shop.add_product("Pan", 100)["id"]
    for who, wanted in ((AMY, 21), ("guest@example.test", 1)):
        with pytest.raises(CheckoutError):
            shop.place_order((pan, 1), email=who, store_credit=wanted)
    assert shop.state.orders == {}


def test_a_receipt_names_the_card_as_a_text_of_json(shop: ShopifySandbox) -> None:
    number = card(shop).rpartition("/")[2]
    order = sell(shop, gift_cards=["GIFT0001"])
    query = "query($id: ID!) { order(id: $id) { transactions { receiptJson } } }"
    rows = ask(shop, query, id=gid("Order", order["id"]))["order"]["transactions"]
    assert [each["receiptJson"] for each in rows] == [
        f'{{"gift_card_id": {number}, "gift_card_last_characters": "0001"}}', "{}",
    ]  # fmt: skip


def test_a_refund_gives_the_card_its_money_back(shop: ShopifySandbox) -> None:
    number = card(shop).rpartition("/")[2]
    order = sell(shop, 25, gift_cards=["GIFT0001"])
    refund = shop.refund(order["id"], amount=10)
    (row,) = refund["transactions"]
    assert (row["kind"], row["gateway"], row["amount"]) == ("refund", "gift_card", "10.00")
    assert row["receipt"]["gift_card_id"] == int(number)
    assert left(shop) == 15


def test_a_whole_refund_gives_each_back_what_it_paid(shop: ShopifySandbox) -> None:
    card(shop)
    credit(shop)
    order = sell(shop, gift_cards=["GIFT0001"], store_credit=20)
    shop.refund_all(order["id"])
    assert payments(shop, order)[3:] == [
        ("REFUND", "bogus", "50.0"),
        ("REFUND", "shopify_store_credit", "20.0"),
        ("REFUND", "gift_card", "30.0"),
    ]
    assert left(shop) == 30
    assert movements(shop)[-1] == ("ORDER_REFUND", "20.0")
    assert shop.order(order["id"])["financial_status"] == "refunded"


def test_refunds_one_after_the_other_fill_the_cards_no_further_than_they_paid(shop: ShopifySandbox) -> None:
    card(shop)
    card(shop, "GIFT0002")
    order = sell(shop, 50, gift_cards=["GIFT0001", "GIFT0002"])
    for _ in range(2):
        shop.refund(order["id"], amount=25, gateway="gift_card")
    assert (left(shop), left(shop, "GIFT0002")) == (30, 30)


def test_a_pending_refund_of_money_leaves_the_cards_alone(shop: ShopifySandbox) -> None:
    card(shop)
    order = sell(shop, gift_cards=["GIFT0001"])
    refund = shop.refund(order["id"], amount=40, pending=True)
    assert [(each["gateway"], each["status"]) for each in refund["transactions"]] == [("bogus", "pending")]
    assert left(shop) == 0


def test_a_search_finds_a_card_by_its_whole_code_and_by_words_of_its_note(shop: ShopifySandbox) -> None:
    first, second = card(shop, note="for Ben"), card(shop, "GIFT0002", note="for Amy")
    query = "query($q: String) { giftCards(first: 5, query: $q) { nodes { id } } }"
    found = [
        [each["id"] for each in ask(shop, query, q=asked)["giftCards"]["nodes"]]
        for asked in ("gift0001", "'GIFT0002'", "for", "gift0001 OR Amy", "")
    ]
    assert found == [[first], [second], [first, second], [first, second], [first, second]]


def test_of_an_account_the_credits_may_be_listed_alone(shop: ShopifySandbox) -> None:
    credit(shop)
    sell(shop, store_credit=5)
    credit(shop, "1")
    assert movements(shop, ', query: "type:credit"') == [("ADJUSTMENT", "20.0"), ("ADJUSTMENT", "1.0")]


@pytest.mark.parametrize(
    ("query", "scope"),
    [
        ("{ giftCards(first: 1) { nodes { id } } }", "read_gift_cards"),
        ('{ giftCard(id: "gid://shopify/GiftCard/1") { id } }', "read_gift_cards"),
        (
            '{ storeCreditAccount(id: "gid://shopify/StoreCreditAccount/1") { id } }',
            "read_store_credit_accounts",
        ),
    ],
)
def test_what_the_app_was_not_granted_is_denied(shop: ShopifySandbox, query: str, scope: str) -> None:
    shop.grant("read_orders", "write_customers")
    (error,) = post(shop, query).json()["errors"]
    assert error["extensions"]["requiredAccess"] == f"`{scope}` access scope."
    shop.grant(scope)
    assert "errors" not in post(shop, query).json()

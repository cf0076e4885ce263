"""What pays at the checkout of the sandbox shop beside money, gift cards and store credit, and how it is given back."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from connectors.shopify.sandbox import selling, sums
from connectors.shopify.sandbox.checkout import CheckoutError
from connectors.shopify.sandbox.purses import (
    account_of,
    find_account,
    find_card,
    is_enabled,
    move_card,
    move_credit,
)
from connectors.shopify.sandbox.selling import Basket
from connectors.shopify.sandbox.state import Amount, Json, State

GIFT_CARD, STORE_CREDIT = "gift_card", "shopify_store_credit"
NOTHING = Fraction(0)


def check_out(
    state: State,
    basket: Basket,
    gift_cards: Sequence[str] = (),
    store_credit: Amount = 0,
    *,
    paid: bool = True,
) -> Json:
    """Place an order and pay it: by the cards in their order, by store credit, and unless `paid` is False the rest by
    money. Raises CheckoutError and then does nothing.
    """
    with state.action():
        cards = [_admitted(state, code) for code in dict.fromkeys(each.casefold() for each in gift_cards)]
        credit = Fraction(store_credit)
        customer = selling.customer_of(state, basket)
        if credit and _balance(state, customer) < credit:
            raise CheckoutError("Your store credit does not cover that.")
        order = selling.place(state, basket)
        for card in cards:
            _pay_by_card(state, order, card)
        if credit:
            _pay_by_credit(state, order, credit)
        if paid and sums.received_of(order) < order["originalTotal"]:
            selling.pay(state, order)
        return order


def give_back(state: State, order: Json, money: Fraction, gateway: str | None, status: str) -> list[Json]:
    """Return the payments of a refund: by one gateway, or None: each gives back what it took, the last first."""
    if gateway is not None:
        return _give_by(state, order, money, gateway, status)
    rows: list[Json] = []
    for name in dict.fromkeys(each["gateway"] for each in reversed(_received(order))):
        part = min(money, _kept_by(order, name))
        if part > 0:
            rows += _give_by(state, order, part, name, status)
            money -= part
    return rows + ([selling.add_transaction(state, order, "REFUND", money, "bogus", status)] if money else [])


def _give_by(state: State, order: Json, money: Fraction, gateway: str, status: str) -> list[Json]:
    if gateway == GIFT_CARD:
        return _give_to_cards(state, order, money)
    if gateway == STORE_CREDIT and order["customer"]:
        row = selling.add_transaction(state, order, "REFUND", money, gateway)
        account = account_of(state, order["customer"], order["currencyCode"])
        move_credit(state, account, money, "ORDER_REFUND")
        return [row]
    return [selling.add_transaction(state, order, "REFUND", money, gateway, status)]


def _give_to_cards(state: State, order: Json, money: Fraction) -> list[Json]:
    """Fill the cards again that paid, each up to what it paid; what is beyond that goes to none."""
    rows: list[Json] = []
    for paid in _received(order):
        number = paid["receipt"].get("gift_card_id")
        part = min(money, paid["amount"] - _returned(order, paid))
        if paid["gateway"] == GIFT_CARD and part > 0:
            row = selling.add_transaction(
                state, order, "REFUND", part, GIFT_CARD, receipt=paid["receipt"], parent=paid["id"]
            )
            rows.append(row)
            money -= part
            if number is not None:
                move_card(state, state.gift_cards[number], part)
    return rows


def _admitted(state: State, code: str) -> Json:
    card = find_card(state, code)
    if card is None or not is_enabled(state, card):
        raise CheckoutError("Enter a valid discount code or gift card")
    if not card["balance"]:
        raise CheckoutError("This gift card has no balance left")
    return card


def _pay_by_card(state: State, order: Json, card: Json) -> None:
    amount = min(card["balance"], order["originalTotal"] - sums.received_of(order))
    if amount:
        receipt = {"gift_card_id": card["id"], "gift_card_last_characters": card["code"][-4:]}
        move_card(state, card, -amount)
        selling.pay(state, order, amount, gateway=GIFT_CARD, receipt=receipt)


def _pay_by_credit(state: State, order: Json, credit: Fraction) -> None:
    amount = min(credit, order["originalTotal"] - sums.received_of(order))
    if amount:
        selling.pay(state, order, amount, gateway=STORE_CREDIT)
        account = account_of(state, order["customer"], order["currencyCode"])
        move_credit(state, account, -amount, "ORDER_PAYMENT")


def _balance(state: State, customer: int | None) -> Fraction:
    account = find_account(state, customer, state.options.currency)
    return account["balance"] if account else NOTHING


def _received(order: Json) -> list[Json]:
    return [
        each
        for each in order["transactions"]
        if each["kind"] in sums.RECEIVED and each["status"] == "SUCCESS"
    ]


def _kept_by(order: Json, gateway: str) -> Fraction:
    """Return what a gateway took and did not give back."""
    moved = [
        each for each in order["transactions"] if each["gateway"] == gateway and each["status"] != "FAILURE"
    ]
    taken = sums.total(each["amount"] for each in moved if each["kind"] in sums.RECEIVED)
    return taken - sums.total(each["amount"] for each in moved if each["kind"] == "REFUND")


def _returned(order: Json, paid: Json) -> Fraction:
    return sums.total(
        each["amount"]
        for each in order["transactions"]
        if (each["kind"], each["gateway"], each["parent"]) == ("REFUND", paid["gateway"], paid["id"])
    )

"""What holds money in the sandbox shop: gift cards by their codes, and a customer's store credit by its currency."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from connectors.shopify.sandbox.state import Json, State

CREDITED, DEBITED = "StoreCreditAccountCreditTransaction", "StoreCreditAccountDebitTransaction"


def find_card(state: State, code: str) -> Json | None:
    """Return the gift card of a code, whatever its case."""
    folded = code.casefold()
    return next((each for each in state.gift_cards.values() if each["code"] == folded), None)


def is_enabled(state: State, card: Json) -> bool:
    """Return whether a gift card still serves: it was not switched off, and its last day is not over."""
    last = card["expiresOn"]
    is_over = last is not None and date.fromisoformat(last) < state.now().date()
    return card["deactivatedAt"] is None and not is_over


def move_card(state: State, card: Json, amount: Fraction) -> None:
    """Add to the balance of a gift card, or take off."""
    card |= {"balance": card["balance"] + amount, "updatedAt": state.now()}


def find_account(state: State, customer: int | None, currency: str) -> Json | None:
    """Return the store credit of a customer in a currency."""
    return next(
        (
            each
            for each in state.credit_accounts.values()
            if each["customer"] == customer and each["currency"] == currency
        ),
        None,
    )


def account_of(state: State, customer: int, currency: str) -> Json:
    """Return the store credit of a customer in a currency; it is opened where there is none."""
    known = find_account(state, customer, currency)
    if known is not None:
        return known
    row: Json = {"id": state.new_id(), "customer": customer, "currency": currency, "balance": Fraction(0)}
    state.credit_accounts[row["id"]] = row | {"movements": []}
    return state.credit_accounts[row["id"]]


def move_credit(
    state: State, account: Json, amount: Fraction, event: str, expires_at: str | None = None
) -> Json:
    """Add to an account, or take off, and return the row of that; `event` as in StoreCreditSystemEvent."""
    account["balance"] += amount
    row: Json = {"id": state.new_id(), "__typename": CREDITED if amount > 0 else DEBITED, "event": event}
    row |= {"account": account["id"], "amount": amount, "after": account["balance"]}
    row |= {"createdAt": state.now(), "expiresAt": expires_at}
    account["movements"].append(row)
    return row

"""Gift cards and store credit in the sandbox shop: no idempotency keys, but the code of a gift card must be free."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from connectors.shopify.sandbox.fields import Fields, Session, amount_of, connect, own_id
from connectors.shopify.sandbox.purses import account_of, find_card, is_enabled, move_credit
from connectors.shopify.sandbox.search import PLAIN, Read, matcher
from connectors.shopify.sandbox.state import Json, number_of

CODE = re.compile(r"[a-z0-9]{8,20}")
SEARCH: Mapping[str, Read] = {
    "id": lambda row: row["id"],
    "created_at": lambda row: row["createdAt"],
    "customer_id": lambda row: row["customer"] or 0,
    # Whole codes, and the words of a note; Shopify does not say which other fields it looks at.
    PLAIN: lambda row: [row["code"], *(row["note"] or "").split()],
}


def create_card(session: Session, _root: Any, input: Json) -> Json:
    """Make a gift card."""
    state = session.state
    code = (input.get("code") or secrets.token_hex(8)).lower()
    amount = Fraction(str((input.get("initialAmount") or {}).get("amount", input.get("initialValue") or 0)))
    refusal = _refusal(session, input, code, amount)
    if refusal:
        return {"giftCard": None, "giftCardCode": None, "userErrors": [refusal]}
    now, number = state.now(), state.new_id()
    row: Json = {"id": number, "__typename": "GiftCard", "code": code, "note": input.get("note")}
    row |= {"balance": amount, "initialValue": amount, "expiresOn": input.get("expiresOn")}
    row["currency"] = (input.get("initialAmount") or {}).get("currencyCode", state.options.currency)
    row |= {"createdAt": now, "updatedAt": now, "deactivatedAt": None}
    row["customer"] = number_of(input.get("customerId") or "", "Customer")
    state.gift_cards[number] = row
    return {"giftCard": row, "giftCardCode": code, "userErrors": []}


def list_cards(session: Session, _root: Any, query: str | None = None, **page: Any) -> Json:
    """Return a page of the gift cards that a search finds."""
    fits = matcher(query, SEARCH, session.state.options.time_zone)
    cut = {name: page[name] for name in ("first", "last", "after", "before", "reverse") if name in page}
    return connect(session, [each for each in session.state.gift_cards.values() if fits(each)], **cut)


def deactivate_card(session: Session, _root: Any, id: str) -> Json:
    """Make a gift card worthless; this cannot be undone."""
    row = session.state.gift_cards.get(number_of(id, "GiftCard") or 0)
    if row is None:
        error = {
            "field": ["id"],
            "code": "GIFT_CARD_NOT_FOUND",
            "message": "The gift card could not be found.",
        }
        return {"giftCard": None, "userErrors": [error]}
    row["deactivatedAt"] = row["deactivatedAt"] or session.state.now()
    return {"giftCard": row, "userErrors": []}


def credit(session: Session, _root: Any, id: str, creditInput: Json) -> Json:  # noqa: N803
    """Add to the store credit of a customer, or of an account."""
    state, money = session.state, creditInput["creditAmount"]
    amount = Fraction(str(money["amount"]))
    account = _account(session, id, money["currencyCode"])
    refusal = _credit_refusal(session, account, amount, creditInput)
    if refusal:
        return {"storeCreditAccountTransaction": None, "userErrors": [refusal]}
    assert account is not None
    row = move_credit(state, account, amount, "ADJUSTMENT", creditInput.get("expiresAt"))
    return {"storeCreditAccountTransaction": row, "userErrors": []}


def _account(session: Session, id: str, currency: str) -> Json | None:
    state, customer = session.state, number_of(id, "Customer")
    if customer is None:
        return state.credit_accounts.get(number_of(id, "StoreCreditAccount") or 0)
    return account_of(state, customer, currency) if customer in state.customers else None


def _credit_refusal(session: Session, account: Json | None, amount: Fraction, given: Json) -> Json | None:
    if account is None:
        return _error(["id"], "OWNER_NOT_FOUND", "Owner does not exist")
    if amount <= 0:
        message = "A positive amount must be used to credit a store credit account"
        return _error(["creditInput", "creditAmount", "amount"], "NEGATIVE_OR_ZERO_AMOUNT", message)
    if given["creditAmount"]["currencyCode"] != account["currency"]:
        message = "The currency provided does not match the currency of the store credit account"
        return _error(["creditInput", "creditAmount", "currencyCode"], "MISMATCHING_CURRENCY", message)
    return None


def _refusal(session: Session, given: Json, code: str, amount: Fraction) -> Json | None:
    if not CODE.fullmatch(code):
        kind = "TOO_SHORT" if len(code) < 8 else "TOO_LONG" if len(code) > 20 else "INVALID"
        return _error(["input", "code"], kind, "Code must be 8 to 20 letters and digits")
    if find_card(session.state, code) is not None:
        return _error(["input", "code"], "TAKEN", "Code has already been taken")
    if amount <= 0:
        return _error(["input", "initialAmount"], "GREATER_THAN", "Initial amount must be greater than 0")
    customer = given.get("customerId")
    if customer is not None and number_of(customer, "Customer") not in session.state.customers:
        return _error(["input", "customerId"], "CUSTOMER_NOT_FOUND", "The customer could not be found.")
    return None


def _error(field: list[str], code: str, message: str) -> Json:
    return {"field": field, "code": code, "message": message}


GIVING_TYPES: dict[str, Fields] = {
    "GiftCard": {
        "id": own_id("GiftCard"),
        "balance": lambda session, row: amount_of(session, row["balance"], row["currency"]),
        "initialValue": lambda session, row: amount_of(session, row["initialValue"], row["currency"]),
        "lastCharacters": lambda _session, row: row["code"][-4:],
        "maskedCode": lambda _session, row: f"•••• •••• •••• {row['code'][-4:]}",
        "enabled": lambda session, row: is_enabled(session.state, row),
        "customer": lambda session, row: session.state.customers.get(row["customer"]),
    }
}

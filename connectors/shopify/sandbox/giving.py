"""Gift cards and store credit in the sandbox shop: no idempotency keys, but the code of a gift card must be free."""

from __future__ import annotations

import re
import secrets
from datetime import date
from fractions import Fraction
from typing import Any

from connectors.shopify.sandbox.fields import Fields, Session, amount_of, own_id
from connectors.shopify.sandbox.state import Json, number_of

CODE = re.compile(r"[a-z0-9]{8,20}")


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
    row |= {"createdAt": now, "updatedAt": now, "deactivatedAt": None}
    row["customer"] = number_of(input.get("customerId") or "", "Customer")
    state.gift_cards[number] = row
    return {"giftCard": row, "giftCardCode": code, "userErrors": []}


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
    account["balance"] += amount
    row: Json = {"id": state.new_id(), "__typename": "StoreCreditAccountCreditTransaction"}
    row |= {"account": account["id"], "amount": amount, "after": account["balance"], "event": "ADJUSTMENT"}
    row |= {"createdAt": state.now(), "expiresAt": creditInput.get("expiresAt")}
    account["movements"].append(row)
    return {"storeCreditAccountTransaction": row, "userErrors": []}


def _account(session: Session, id: str, currency: str) -> Json | None:
    state, customer = session.state, number_of(id, "Customer")
    if customer is None:
        return state.credit_accounts.get(number_of(id, "StoreCreditAccount") or 0)
    if customer not in state.customers:
        return None
    own = (
        each
        for each in state.credit_accounts.values()
        if each["customer"] == customer and each["currency"] == currency
    )
    found = next(own, None)
    if found is None:
        found = {"id": state.new_id(), "customer": customer, "currency": currency, "balance": Fraction(0)}
        found["movements"] = []
        state.credit_accounts[found["id"]] = found
    return found


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
    if any(each["code"] == code for each in session.state.gift_cards.values()):
        return _error(["input", "code"], "TAKEN", "Code has already been taken")
    if amount <= 0:
        return _error(["input", "initialAmount"], "GREATER_THAN", "Initial amount must be greater than 0")
    customer = given.get("customerId")
    if customer is not None and number_of(customer, "Customer") not in session.state.customers:
        return _error(["input", "customerId"], "CUSTOMER_NOT_FOUND", "The customer could not be found.")
    return None


def _error(field: list[str], code: str, message: str) -> Json:
    return {"field": field, "code": code, "message": message}


def _is_enabled(session: Session, row: Json) -> bool:
    is_over = (
        row["expiresOn"] is not None and date.fromisoformat(row["expiresOn"]) < session.state.now().date()
    )
    return row["deactivatedAt"] is None and not is_over


GIVING_TYPES: dict[str, Fields] = {
    "GiftCard": {
        "id": own_id("GiftCard"),
        "balance": lambda session, row: amount_of(session, row["balance"]),
        "initialValue": lambda session, row: amount_of(session, row["initialValue"]),
        "lastCharacters": lambda _session, row: row["code"][-4:],
        "maskedCode": lambda _session, row: f"•••• •••• •••• {row['code'][-4:]}",
        "enabled": _is_enabled,
        "customer": lambda session, row: session.state.customers.get(row["customer"]),
    }
}

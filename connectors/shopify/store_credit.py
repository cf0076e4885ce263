"""Adds to the store credit of a Shopify store's customers, each sum once.

storeCreditAccountCredit has neither a key against repetition nor a note (schema 2026-10). So before each try the latest
credits of the customer are looked at: one of the very amount since the sum was asked for is an earlier try of ours,
whose answer was lost. What is known to be another sum of ours is none; that a merchant credits the same by hand within
that time is the doubt that stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from connectors.shopify.buyers import find_buyers
from connectors.shopify.client import Shopify
from connectors.shopify.ids import is_number, tail
from connectors.shopify.refusals import refusal_of, refused, user_errors
from connectors.values import instant, money
from loyalty.pushes import AddStoreCredit, PushError, PushReceipt

Json = dict[str, Any]
Outcome = PushReceipt | PushError
CLOCKS = timedelta(minutes=2)
"""By which the shop's clock may be behind ours; it tells whole seconds."""
CREDIT, BY_HAND = "StoreCreditAccountCreditTransaction", "ADJUSTMENT"
"""What a credit is that no order caused: such are refunds to store credit, which are never ours."""
MADE, ASKED = 25, 10
"""How many are credited, or looked at, at once until the shop has told what they cost."""


def add_store_credit(shop: Shopify, commands: Sequence[AddStoreCredit]) -> list[Outcome]:
    """Credit what was not credited by an earlier try; the receipt names the shop's transaction."""
    refusals = [_why_not(command) for command in commands]
    sound = [command for command, why in zip(commands, refusals, strict=True) if why is None]
    seen = _look(shop, sound, find_buyers(shop, sound))
    wanted = [(it, one) for it, one in zip(sound, seen, strict=True) if isinstance(one, str)]
    rows = [{"id": buyer, "credit": _input(command)} for command, buyer in wanted]
    made = iter(shop.each("add_store_credit", "storeCreditAccountCredit", rows, MADE))
    settled = iter([_settle(next(made)) if isinstance(one, str) else one for one in seen])
    return [why or next(settled) for why in refusals]


def _why_not(command: AddStoreCredit) -> PushError | None:
    if command.amount <= 0 or not command.currency:
        return refused("Store credit needs an amount of a currency.", "rejected")
    if not command.email.strip() and not is_number(command.customer_id):
        return refused("Store credit needs the member's e-mail.", "rejected")
    return None


def _look(
    shop: Shopify, commands: Sequence[AddStoreCredit], buyers: Sequence[str | PushError]
) -> list[str | Outcome]:
    """Return for each command the customer to credit, the receipt of an earlier try, or why neither.

    One credit is the earlier try of one command only.
    """
    wanted = [(it, buyer) for it, buyer in zip(commands, buyers, strict=True) if isinstance(buyer, str)]
    rows = [{"id": buyer, "accounts": f"currency_code:{it.currency}"} for it, buyer in wanted]
    found = iter(shop.each("store_credits", "customer", rows, ASKED))
    used: set[str] = set()
    return [
        _seen(shop, it, buyer, next(found), used) if isinstance(buyer, str) else buyer
        for it, buyer in zip(commands, buyers, strict=True)
    ]


def _seen(
    shop: Shopify, command: AddStoreCredit, buyer: str, customer: Json | PushError | None, used: set[str]
) -> str | Outcome:
    if isinstance(customer, PushError):
        return customer
    if customer is None:
        return refused("The shop does not have the customer.", "rejected")
    try:
        earlier = _earlier(shop, command, customer, used)
    except PushError as error:
        return error
    used.update(earlier)
    return PushReceipt(earlier[0]) if earlier else buyer


def _earlier(shop: Shopify, command: AddStoreCredit, customer: Json, used: set[str]) -> list[str]:
    """Return the number of the credit that an earlier try made, or nothing; raises PushError."""
    for credit in _credits(shop, command, customer):
        number = tail(credit["id"]) if _is_alike(credit, command) else ""
        if number and number not in used.union(command.known):
            return [number]
    return []


def _credits(shop: Shopify, command: AddStoreCredit, customer: Json) -> Iterator[Json]:
    """Yield the movements of a customer's accounts, the latest first, back to when the sum was asked for."""
    for account in customer["storeCreditAccounts"]["nodes"]:
        page: Json | None = account["transactions"]
        while page is not None:
            recent = [row for row in page["nodes"] if _is_recent(row, command)]
            yield from recent
            goes_on = len(recent) == len(page["nodes"]) and page["pageInfo"]["hasNextPage"]
            page = _more(shop, account["id"], page["pageInfo"]["endCursor"]) if goes_on else None


def _more(shop: Shopify, account: str, after: str) -> Json:
    found = shop.ask_for("more_store_credits", {"id": account, "after": after}).get("storeCreditAccount")
    if not isinstance(found, dict):
        raise PushError("What was read on is gone meanwhile.", permanent=False, reason="unreachable")
    page: Json = found["transactions"]
    return page


def _is_recent(row: Json, command: AddStoreCredit) -> bool:
    return instant(row["createdAt"]) >= command.since - CLOCKS


def _is_alike(row: Json, command: AddStoreCredit) -> bool:
    amount = row["amount"]
    is_credit = row["__typename"] == CREDIT and row["event"] == BY_HAND
    return is_credit and (money(amount["amount"]), amount["currencyCode"]) == (
        command.amount,
        command.currency,
    )


def _input(command: AddStoreCredit) -> Json:
    return {"creditAmount": {"amount": f"{command.amount:f}", "currencyCode": command.currency}}


def _settle(answer: Any) -> Outcome:
    try:
        errors = user_errors(answer)
    except PushError as error:
        return error
    if errors:
        return refusal_of(errors)
    made = answer.get("storeCreditAccountTransaction")
    if made is None:
        return PushError("The shop does not tell what it stored.", permanent=False, reason="unreachable")
    return PushReceipt(tail(made["id"]))

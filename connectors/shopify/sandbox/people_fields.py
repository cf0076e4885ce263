"""How GraphQL states the customers and products of the sandbox shop, their metafields and store credit."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from connectors.shopify.sandbox import sums
from connectors.shopify.sandbox.fields import Fields, Session, amount_of, connect, own_id, plain
from connectors.shopify.sandbox.metafields import namespace_of
from connectors.shopify.sandbox.purses import CREDITED, DEBITED
from connectors.shopify.sandbox.search import matcher
from connectors.shopify.sandbox.state import Json, gid, short_text


def find_by_identifier(session: Session, _root: Any, identifier: Json) -> Json | None:
    """Return the customer of an exact id or address, whatever the case of its letters."""
    customers = session.state.customers
    if "id" in identifier:
        return customers.get(int(identifier["id"].rpartition("/")[2]))
    address = str(identifier.get("emailAddress", "")).casefold()
    fits = (each for each in customers.values() if address and (each["email"] or "").casefold() == address)
    return next(fits, None)


def metafield(session: Session, owner: str, key: str, namespace: str | None) -> Json | None:
    """Return one metafield of an owner."""
    return session.state.metafields.get((owner, namespace_of(namespace), key))


def metafields(session: Session, owner: str, namespace: str | None, keys: Any, page: Json) -> Json:
    """Return a page of the metafields of an owner."""
    rows = [
        row
        for (whose, space, _), row in session.state.metafields.items()
        if whose == owner and (namespace is None or space == namespace_of(namespace))
    ]
    wanted = {tuple(key.rpartition(".")[::2]) for key in keys or ()}
    return connect(
        session, [row for row in rows if not wanted or (row["namespace"], row["key"]) in wanted], **page
    )


def orders_of(session: Session, customer: Json) -> list[Json]:
    """Return the orders of a customer."""
    return [each for each in session.state.orders.values() if each["customer"] == customer["id"]]


def _spent(session: Session, customer: Json) -> Json:
    paid = (sums.received_of(each) - sums.refunded_of(each) for each in orders_of(session, customer))
    return amount_of(session, sums.total(paid))


def _display_name(_session: Session, customer: Json) -> str:
    names = " ".join(each for each in (customer["firstName"], customer["lastName"]) if each)
    return names or str(customer["email"] or customer["phone"] or "")


def _email(_session: Session, customer: Json) -> Json | None:
    if not customer["email"]:
        return None
    return {"emailAddress": customer["email"], "marketingState": "NOT_SUBSCRIBED"}


def _accounts(session: Session, customer: Json, query: str | None = None, **page: Any) -> Json:
    fits = matcher(query, {"currency_code": lambda row: row["currency"]}, session.state.options.time_zone)
    rows = [each for each in session.state.credit_accounts.values() if each["customer"] == customer["id"]]
    return connect(session, [each for each in rows if fits(each)], **page)


def _movements(session: Session, account: Json, query: str | None = None, **page: Any) -> Json:
    fits = matcher(query, {"type": _type_of}, session.state.options.time_zone)
    rows = [each for each in account["movements"] if fits(each)]
    return connect(session, rows, lambda each: each["createdAt"], **_only_page(page))


def _type_of(movement: Json) -> str:
    return "credit" if movement["__typename"] == CREDITED else "debit"


def _credit_of(session: Session, row: Json) -> Json:
    return amount_of(session, row["balance"], row["currency"])


def _account_of(session: Session, row: Json) -> Json:
    return session.state.credit_accounts[row["account"]]


def _movement(name: str) -> Any:
    return lambda session, row: amount_of(session, row[name], _account_of(session, row)["currency"])


def _collections(session: Session, product: Json, **page: Any) -> Json:
    rows = [session.state.collections[number] for number in product["collections"]]
    return connect(session, rows, **_only_page(page))


def _only_page(page: Json) -> Json:
    return {name: page[name] for name in ("first", "last", "after", "before", "reverse") if name in page}


def _price_range(session: Session, product: Json) -> Json:
    price = amount_of(session, product["variant"]["price"])
    return {"minVariantPrice": price, "maxVariantPrice": price}


def _price(amount: Fraction | None) -> str | None:
    return None if amount is None else short_text(amount)


CUSTOMER: Fields = {
    "id": own_id("Customer"),
    "legacyResourceId": plain("id"),
    "displayName": _display_name,
    "defaultEmailAddress": _email,
    "defaultPhoneNumber": lambda _session, row: {"phoneNumber": row["phone"]} if row["phone"] else None,
    "numberOfOrders": lambda session, row: len(orders_of(session, row)),
    "amountSpent": _spent,
    "metafield": lambda session, row, key, namespace=None: metafield(
        session, gid("Customer", row["id"]), key, namespace
    ),
    "metafields": lambda session, row, namespace=None, keys=None, **page: metafields(
        session, gid("Customer", row["id"]), namespace, keys, page
    ),
    "storeCreditAccounts": _accounts,
}
METAFIELD: Fields = {"id": own_id("Metafield")}
PRODUCT: Fields = {
    "id": own_id("Product"),
    "legacyResourceId": plain("id"),
    "collections": _collections,
    "priceRangeV2": _price_range,
    "variants": lambda session, row, **page: connect(session, [row["variant"]], **_only_page(page)),
}
VARIANT: Fields = {
    "id": own_id("ProductVariant"),
    "price": lambda _session, row: _price(row["price"]),
    "compareAtPrice": lambda _session, row: _price(row["compareAtPrice"]),
}
COLLECTION: Fields = {"id": own_id("Collection")}
CREDIT_ACCOUNT: Fields = {
    "id": own_id("StoreCreditAccount"),
    "balance": _credit_of,
    "transactions": _movements,
}
MOVEMENT: Fields = {
    "account": _account_of,
    "amount": _movement("amount"),
    "balanceAfterTransaction": _movement("after"),
}
PEOPLE_TYPES: dict[str, Fields] = {
    "Customer": CUSTOMER,
    "Metafield": METAFIELD,
    "Product": PRODUCT,
    "ProductVariant": VARIANT,
    "Collection": COLLECTION,
    "StoreCreditAccount": CREDIT_ACCOUNT,
    CREDITED: {**MOVEMENT, "id": own_id(CREDITED)},
    DEBITED: {**MOVEMENT, "id": own_id(DEBITED)},
}

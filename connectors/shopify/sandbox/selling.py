"""What buyers and merchants do with the orders of the sandbox shop: place, pay, void, cancel, fulfil, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from connectors.shopify.sandbox import sums
from connectors.shopify.sandbox.checkout import use_codes
from connectors.shopify.sandbox.payloads import order_payload
from connectors.shopify.sandbox.payments_shape import transaction_payload
from connectors.shopify.sandbox.people import address_row, customer_of_email
from connectors.shopify.sandbox.state import Amount, Json, State
from connectors.shopify.sandbox.webhooks import emit

NOTHING = Fraction(0)


@dataclass(frozen=True, slots=True)
class Basket:
    """What a buyer brings to the checkout; `items` are (product id, quantity), `rate` the buyer's currency per ours."""

    items: Sequence[tuple[int, int]]
    customer: int | None = None
    email: str | None = None
    codes: Sequence[str] = ()
    shipping: Amount = 0
    tip: Amount = 0
    test: bool = False
    source: str = "web"
    country: str = "TW"
    province: str | None = None
    currency: str | None = None
    rate: Amount = 1


def place(state: State, basket: Basket) -> Json:
    """Make an order that is not paid yet; raises CheckoutError."""
    with state.action():
        order = _blank(state, basket)
        order["lines"] = [_line(state, order, product, count) for product, count in basket.items]
        if Fraction(basket.shipping) or not _is_immaterial(order):
            order["shipping"] = [_shipping_line(state, order, basket.shipping)]
        use_codes(state, order, basket.codes)
        order["originalTotal"] = sums.total_of(state, order)
        state.orders[order["id"]] = order
        emit(state, "orders/create", lambda: order_payload(state, order))
        if not order["originalTotal"]:
            emit(state, "orders/paid", lambda: order_payload(state, order))
        return order


def pay(
    state: State,
    order: Json,
    amount: Amount | None = None,
    kind: str = "SALE",
    gateway: str = "bogus",
    receipt: Json | None = None,
) -> Json:
    """Take money for an order: all that is owed, or an amount."""
    with state.action():
        before = sums.financial_status(state, order)
        owed = sums.present_total_of(state, order) - sums.received_of(order) + sums.refunded_of(order)
        taken = owed if amount is None else Fraction(amount)
        row = add_transaction(state, order, kind, taken, gateway, receipt=receipt)
        touch(state, order)
        if before not in ("PAID", "PARTIALLY_REFUNDED") and sums.financial_status(state, order) == "PAID":
            emit(state, "orders/paid", lambda: order_payload(state, order))
        tell_update(state, order)
        return row


def authorize(state: State, order: Json) -> Json:
    """Reserve the total without taking it."""
    with state.action():
        row = add_transaction(state, order, "AUTHORIZATION", sums.total_of(state, order), "bogus")
        touch(state, order)
        tell_update(state, order)
        return row


def void(state: State, order: Json) -> None:
    """Give up what was reserved."""
    with state.action():
        add_transaction(state, order, "VOID", NOTHING, "bogus")
        touch(state, order)
        tell_update(state, order)


def cancel(state: State, order: Json, reason: str = "CUSTOMER") -> None:
    """Cancel an order without giving money back; what was only reserved is given up."""
    with state.action():
        if sums.financial_status(state, order) == "AUTHORIZED":
            add_transaction(state, order, "VOID", NOTHING, "bogus")
        now = state.now()
        order |= {"cancelledAt": now, "closedAt": now, "cancelReason": reason}
        touch(state, order)
        emit(state, "orders/cancelled", lambda: order_payload(state, order))
        tell_update(state, order)


def expire(state: State, order: Json) -> None:
    """Let the reservation of an order run out."""
    with state.action():
        order["expired"] = True
        touch(state, order)
        tell_update(state, order)


def fulfil(state: State, order: Json, *, is_all: bool = True) -> None:
    """Send the goods."""
    with state.action():
        now = state.now()
        row: Json = {"id": state.new_id(), "createdAt": now, "updatedAt": now, "status": "SUCCESS"}
        order["fulfillments"].append(row | {"is_all": is_all, "deliveredAt": None, "order": order["id"]})
        touch(state, order)
        topic = "orders/fulfilled" if is_all else "orders/partially_fulfilled"
        emit(state, topic, lambda: order_payload(state, order))
        tell_update(state, order)


def delete(state: State, order: Json) -> None:
    """Remove an order for good; the webhook has nothing but its id."""
    del state.orders[order["id"]]
    emit(state, "orders/delete", lambda: {"id": order["id"]})


def edit(
    state: State, order: Json, add: Sequence[tuple[int, int]], remove: Sequence[tuple[int, int]]
) -> None:
    """Change the lines: `add` are (product, quantity), `remove` (line, quantity). Lines are never deleted; what was
    removed stands in a refund without a payment, restocked as `cancel`.
    """
    with state.action():
        added = [_line(state, order, product, count) for product, count in add]
        order["lines"] += added
        removed = [(_find_line(order, line), count) for line, count in remove]
        if removed:
            order["refunds"].append(_removal(state, order, removed))
        order["edited"] = True
        touch(state, order)
        emit(state, "orders/edited", lambda: _edited(state, order, added, removed))
        tell_update(state, order)


def add_transaction(
    state: State,
    order: Json,
    kind: str,
    amount: Fraction,
    gateway: str,
    status: str = "SUCCESS",
    *,
    receipt: Json | None = None,
    parent: int | None = None,
) -> Json:
    """Note a movement of money and tell of it; `parent` is the first one unless it is named."""
    now, rows = state.now(), order["transactions"]
    row: Json = {"id": state.new_id(), "order": order["id"], "kind": kind, "status": status, "amount": amount}
    row |= {"gateway": gateway, "test": order["test"], "createdAt": now, "processedAt": now}
    first = rows[0]["id"] if rows and kind not in ("SALE", "AUTHORIZATION") else None
    row |= {"receipt": receipt or {}, "parent": parent or first}
    rows.append(row)
    emit(state, "order_transactions/create", lambda: transaction_payload(state, order, row))
    return row


def tell_update(state: State, order: Json) -> None:
    """Tell that an order changed."""
    emit(state, "orders/updated", lambda: order_payload(state, order))


def touch(state: State, order: Json) -> None:
    """Note that an order changed now."""
    order["updatedAt"] = state.now()


def refund_line(state: State, order: Json, line: Json, count: int, restock: str) -> Json:
    """Return the line of a refund of some pieces, which are removed from the order by that."""
    subtotal = sums.part_of(state, sums.discounted_of(line), line, line["removed"], count)
    tax = sums.part_of(state, sums.tax_of_line(state, order, line), line, line["removed"], count)
    line["removed"] += count
    row: Json = {"id": state.new_id(), "order": order["id"], "line": line["id"], "quantity": count}
    return row | {"restockType": restock, "subtotal": subtotal, "tax": tax}


def customer_of(state: State, basket: Basket) -> int | None:
    """Return the customer who brings a basket, None for a guest."""
    return basket.customer or customer_of_email(state, basket.email)


def _blank(state: State, basket: Basket) -> Json:
    now, number = state.now(), 1001 + len(state.orders)
    customer = customer_of(state, basket)
    email = basket.email or (state.customers[customer]["email"] if customer else None)
    address = address_row(state, basket.country, basket.province)
    order: Json = {"id": state.new_id(), "__typename": "Order", "name": f"#{number}", "number": number}
    order |= dict.fromkeys(("createdAt", "processedAt", "updatedAt"), now)
    order |= dict.fromkeys(("cancelledAt", "closedAt", "cancelReason", "phone", "note"))
    order |= {"confirmationNumber": f"C{number}", "confirmed": True, "test": basket.test, "edited": False}
    order |= {
        "sourceName": basket.source,
        "channel": "Online Store",
        "customerLocale": "en",
        "clientIp": None,
    }
    order |= {"currencyCode": state.options.currency, "taxesIncluded": state.options.taxes_included}
    order["presentmentCurrencyCode"] = basket.currency or state.options.currency
    order |= {
        "rate": Fraction(basket.rate),
        "email": email,
        "customer": customer,
        "tags": [],
        "expired": False,
    }
    order |= {"billingAddress": address, "shippingAddress": address, "tip": state.round(basket.tip)}
    order |= {name: [] for name in ("applications", "codes", "lines", "shipping", "customAttributes")}
    return order | {name: [] for name in ("transactions", "refunds", "fulfillments")}


def _line(state: State, order: Json, product_id: int, count: int) -> Json:
    product = state.products[product_id]
    row: Json = {"id": state.new_id(), "order": order["id"], "product": product_id, "quantity": count}
    row |= {"variant": product["variant"]["id"], "title": product["title"], "sku": product["variant"]["sku"]}
    row |= {
        "price": product["variant"]["price"],
        "removed": 0,
        "allocations": [],
        "vendor": product["vendor"],
    }
    row |= {"isGiftCard": product["isGiftCard"], "taxable": not product["isGiftCard"], "variantTitle": None}
    return row | {
        "requiresShipping": not product["isGiftCard"],
        "customAttributes": [],
        "__typename": "LineItem",
    }


def _is_immaterial(order: Json) -> bool:
    return all(each["isGiftCard"] for each in order["lines"])


def _shipping_line(state: State, order: Json, price: Amount) -> Json:
    row: Json = {"id": state.new_id(), "order": order["id"], "title": "Standard", "code": "Standard"}
    row |= {"source": "shopify", "isRemoved": False, "allocations": []}
    return row | {"price": state.round(price)}


def _find_line(order: Json, number: int) -> Json:
    return next(each for each in order["lines"] if each["id"] == number)


def _removal(state: State, order: Json, removed: list[tuple[Json, int]]) -> Json:
    now = state.now()
    row: Json = {"id": state.new_id(), "__typename": "Refund", "order": order["id"], "note": None}
    row |= dict.fromkeys(("createdAt", "processedAt", "updatedAt"), now)
    row["lines"] = [refund_line(state, order, line, count, "CANCEL") for line, count in removed]
    return row | {"shipping": [], "adjustments": [], "transactions": []}


def _edited(state: State, order: Json, added: list[Json], removed: list[tuple[Json, int]]) -> Json:
    """Return what orders/edited carries: ids and deltas, no price."""
    now = state.local(state.now())
    changes = {
        "additions": [{"id": each["id"], "delta": each["quantity"]} for each in added],
        "removals": [{"id": line["id"], "delta": count} for line, count in removed],
    }
    none: Json = {"additions": [], "removals": []}
    shown: Json = {"id": state.new_id(), "app_id": None, "created_at": now, "committed_at": now}
    shown |= {"notify_customer": False, "order_id": order["id"], "staff_note": "", "user_id": None}
    shown |= {"line_items": changes, "discounts": {"line_item": none}, "shipping_lines": none}
    return {"order_edit": shown}

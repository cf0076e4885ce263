"""What webhooks of the sandbox shop say of payments and of the differences that refunds leave."""

from __future__ import annotations

from fractions import Fraction

from connectors.shopify.sandbox.payload_money import Writer
from connectors.shopify.sandbox.state import Json, State, gid

WORDS = {
    "REFUND_DISCREPANCY": "Refund discrepancy",
    "PENDING_REFUND_DISCREPANCY": "Pending refund discrepancy",
}


def adjustments(order: Json, refund: Json, write: Writer) -> list[Json]:
    """Return the adjustments of a refund: here, and not in GraphQL, shipping is one of them."""
    zero = Fraction(0)
    rows = [
        _adjustment(order, refund, write, each["id"] + 1, -each["amount"], -each["tax"], "shipping_refund")
        for each in refund["shipping"]
    ]
    rows += [
        _adjustment(
            order,
            refund,
            write,
            each["id"],
            each["amount"],
            zero,
            "refund_discrepancy",
            WORDS[each["reason"]],
        )
        for each in refund["adjustments"]
    ]
    return rows


def transaction_payload(state: State, order: Json, row: Json) -> Json:
    """Return a payment as order_transactions/create carries it; its amount is in the currency of the transaction."""
    write = Writer(state, order)
    shown: Json = {"id": row["id"], "order_id": order["id"], "kind": row["kind"].lower()}
    shown |= {"gateway": row["gateway"], "status": row["status"].lower(), "message": None}
    shown |= {"created_at": state.local(row["createdAt"]), "test": row["test"], "authorization": None}
    shown |= {"location_id": None, "user_id": None, "parent_id": row["parent"]}
    shown |= {"processed_at": state.local(row["processedAt"]), "device_id": None, "error_code": None}
    shown |= {"source_name": order["sourceName"], "payment_details": None, "receipt": row["receipt"]}
    shown |= {"amount": write.paid(row["amount"]), "currency": order["presentmentCurrencyCode"]}
    shown["payment_id"] = f"{order['name']}.1"
    shown["total_unsettled_set"] = write.bag(Fraction(0), "currency")
    shown |= {"manual_payment_gateway": row["gateway"] == "manual", "amount_rounding": None}
    return shown | {"admin_graphql_api_id": gid("OrderTransaction", row["id"])}


def refund_transaction(state: State, order: Json, row: Json) -> Json:
    """Return a payment as it stands in a refund."""
    shown = transaction_payload(state, order, row)
    del shown["payment_details"]
    return shown | {"message": "", "currency_exchange_adjustment": None, "source_name": "1830279"}


def _adjustment(
    order: Json,
    refund: Json,
    write: Writer,
    number: int,
    amount: Fraction,
    tax: Fraction,
    kind: str,
    reason: str = "",
) -> Json:
    shown: Json = {"id": number, "order_id": order["id"], "refund_id": refund["id"]}
    shown |= {"amount": write.text(amount), "tax_amount": write.text(tax), "kind": kind}
    shown["reason"] = reason or "Shipping refund"
    return shown | {"amount_set": write.bag(amount), "tax_amount_set": write.bag(tax)}

"""What the webhooks of the sandbox shop carry: the REST shape of the documentation samples (API 2026-07)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from connectors.shopify.sandbox import payload_blanks as blanks
from connectors.shopify.sandbox import payments_shape, sums
from connectors.shopify.sandbox.payload_money import Writer
from connectors.shopify.sandbox.state import Json, State, gid


def order_payload(state: State, order: Json) -> Json:
    """Return an order as orders/* carry it."""
    write = Writer(state, order)
    shown: Json = dict(blanks.ORDER)
    shown |= _head(state, order) | _amounts(state, order, write)
    shown["billing_address"] = address_payload(order["billingAddress"])
    shown["shipping_address"] = address_payload(order["shippingAddress"])
    customer = state.customers.get(order["customer"])
    shown["customer"] = customer and customer_payload(state, customer, in_order=True)
    shown["discount_applications"] = [_application(each) for each in order["applications"]]
    shown["discount_codes"] = [_code(order, each, write) for each in order["applications"]]
    shown["fulfillments"] = [_fulfillment(state, order, each) for each in order["fulfillments"]]
    shown["line_items"] = [line_payload(state, order, each) for each in order["lines"]]
    shown["refunds"] = [refund_payload(state, order, each) for each in order["refunds"]]
    shown["shipping_lines"] = [_shipping(state, order, each, write) for each in order["shipping"]]
    shown["tax_lines"] = write.tax_lines(sums.tax_of(state, order))
    return shown


def refund_payload(state: State, order: Json, refund: Json) -> Json:
    """Return a refund as refunds/create carries it: a refund of shipping stands in it twice."""
    write = Writer(state, order)
    shown: Json = {
        "id": refund["id"],
        "order_id": order["id"],
        "created_at": state.local(refund["createdAt"]),
    }
    shown |= {"note": refund["note"] or "", "user_id": 1, "processed_at": state.local(refund["processedAt"])}
    shown |= {"duties": [], "total_duties_set": write.bag(Fraction(0)), "return": None}
    shown["refund_shipping_lines"] = [_refunded_shipping(order, each, write) for each in refund["shipping"]]
    shown["restock"] = any(each["restockType"] in ("RETURN", "CANCEL") for each in refund["lines"])
    shown["admin_graphql_api_id"] = gid("Refund", refund["id"])
    shown["order_adjustments"] = payments_shape.adjustments(order, refund, write)
    shown["refund_line_items"] = [_refund_line(state, order, each, write) for each in refund["lines"]]
    rows = [each for each in order["transactions"] if each["id"] in refund["transactions"]]
    shown["transactions"] = [payments_shape.refund_transaction(state, order, each) for each in rows]
    return shown


def line_payload(state: State, order: Json, line: Json) -> Json:
    """Return a line of an order."""
    write = Writer(state, order)
    shown: Json = dict(blanks.LINE)
    shown |= {"id": line["id"], "admin_graphql_api_id": gid("LineItem", line["id"])}
    shown |= {"quantity": line["quantity"], "current_quantity": line["quantity"] - line["removed"]}
    shown |= {"fulfillable_quantity": line["quantity"] - line["removed"], "gift_card": line["isGiftCard"]}
    shown |= {"name": line["title"], "title": line["title"], "sku": line["sku"], "taxable": line["taxable"]}
    shown |= {"price": write.text(line["price"]), "price_set": write.bag(line["price"])}
    product = state.products.get(line["product"])
    shown |= {"product_exists": product is not None, "product_id": line["product"] if product else None}
    shown |= {"variant_id": product["variant"]["id"] if product else None, "vendor": line["vendor"]}
    # Discounts of codes stand in the allocations, not here (seen in the samples).
    shown |= {"total_discount": write.text(Fraction(0)), "total_discount_set": write.bag(Fraction(0))}
    shown["tax_lines"] = write.tax_lines(sums.tax_of_line(state, order, line)) if line["taxable"] else []
    shown["discount_allocations"] = [write.allocation(each) for each in line["allocations"]]
    return shown


def customer_payload(state: State, customer: Json, *, in_order: bool = False) -> Json:
    """Return a customer; tags, counts and consents are in none since 2025-01."""
    shown: Json = {"id": customer["id"], "created_at": state.local(customer["createdAt"])}
    shown |= {"updated_at": state.local(customer["updatedAt"]), "first_name": customer["firstName"]}
    shown |= {"last_name": customer["lastName"], "state": customer["state"].lower(), "note": customer["note"]}
    shown |= {"verified_email": customer["verifiedEmail"], "multipass_identifier": None, "tax_exempt": False}
    shown |= {"email": customer["email"], "phone": customer["phone"], "currency": state.options.currency}
    if not in_order:
        shown["addresses"] = []
    shown |= {"tax_exemptions": [], "admin_graphql_api_id": gid("Customer", customer["id"])}
    if customer["defaultAddress"]:
        address = address_payload(customer["defaultAddress"]) or {}
        kept = {key: value for key, value in address.items() if key not in ("latitude", "longitude")}
        more = {"id": customer["defaultAddress"]["number"], "customer_id": customer["id"], "default": True}
        shown["default_address"] = more | kept | {"country_name": address["country"]}
    return shown


def address_payload(address: Json | None) -> Json | None:
    """Return an address."""
    if address is None:
        return None
    plain = ("address1", "phone", "city", "zip", "province", "country", "address2", "company", "name")
    shown = {key: address[key] for key in plain} | {"latitude": None, "longitude": None}
    shown |= {"first_name": address["firstName"], "last_name": address["lastName"]}
    return shown | {"country_code": address["countryCodeV2"], "province_code": address["provinceCode"]}


def _head(state: State, order: Json) -> Json:
    times = ("created_at", "processed_at", "updated_at", "cancelled_at", "closed_at")
    names = ("createdAt", "processedAt", "updatedAt", "cancelledAt", "closedAt")
    shown: Json = {"id": order["id"], "admin_graphql_api_id": gid("Order", order["id"])}
    shown |= {time: state.local(order[name]) for time, name in zip(times, names, strict=True)}
    shown |= {"cancel_reason": (order["cancelReason"] or "").lower() or None, "email": order["email"]}
    shown |= {"contact_email": order["email"], "confirmed": order["confirmed"], "test": order["test"]}
    shown |= {"confirmation_number": order["confirmationNumber"], "currency": order["currencyCode"]}
    shown |= {"presentment_currency": order["presentmentCurrencyCode"], "name": order["name"]}
    shown |= {"number": order["number"] - 1000, "order_number": order["number"], "phone": order["phone"]}
    shown["financial_status"] = sums.financial_status(state, order).lower()
    shown["fulfillment_status"] = _fulfilled(order)
    shown["payment_gateway_names"] = sorted({each["gateway"] for each in order["transactions"]})
    shown |= {"source_name": order["sourceName"], "tags": ", ".join(order["tags"]), "note": order["note"]}
    return shown | {"taxes_included": order["taxesIncluded"], "token": f"{order['id']:x}"}


def _amounts(state: State, order: Json, write: Writer) -> Json:
    lines = sums.total(sums.original_of(each) for each in order["lines"])
    paid = sums.received_of(order) - sums.refunded_of(order)
    present_discounts = (sums.present_of(state, sums.allocated(each), each) for each in order["lines"])
    doubled = {
        "current_subtotal_price": sums.present_subtotal_of(state, order),
        "current_total_discounts": sums.total(present_discounts),
        "current_total_price": sums.present_total_of(state, order),
        "current_total_tax": sums.present_tax_of(state, order),
        "subtotal_price": sums.subtotal_of(order),
        "total_discounts": sums.discounts_of(order),
        "total_line_items_price": lines,
        "total_price": sums.total_of(state, order),
        "total_tax": sums.tax_of(state, order),
    }
    shown: Json = {name: write.text(amount) for name, amount in doubled.items()}
    shown |= {f"{name}_set": write.bag(amount) for name, amount in doubled.items()}
    shown["current_shipping_price_set"] = write.bag(sums.present_shipping_of(order))
    shown["total_shipping_price_set"] = write.bag(sums.total(each["price"] for each in order["shipping"]))
    shown["total_cash_rounding_payment_adjustment_set"] = write.bag(Fraction(0))
    shown["total_cash_rounding_refund_adjustment_set"] = write.bag(Fraction(0))
    shown["total_outstanding"] = write.text(doubled["current_total_price"] - paid)
    return shown | {"total_tip_received": write.text(order["tip"])}


def _fulfilled(order: Json) -> str | None:
    if not order["fulfillments"]:
        return None
    return "fulfilled" if order["fulfillments"][-1]["is_all"] else "partial"


def _application(row: Json) -> Json:
    percentage = row["value"].get("percentage")
    return {
        "target_type": row["targetType"].lower(),
        "type": "discount_code",
        "value": f"{percentage}" if percentage is not None else row["value"]["amount"],
        "value_type": "percentage" if percentage is not None else "fixed_amount",
        "allocation_method": row["allocationMethod"].lower(),
        "target_selection": row["targetSelection"].lower(),
        "code": row["code"],
    }


def _code(order: Json, row: Json, write: Writer) -> Json:
    rows = (*order["lines"], *order["shipping"])
    amounts = (each for line in rows for each in line["allocations"] if each["index"] == row["index"])
    kind = "percentage" if "percentage" in row["value"] else "fixed_amount"
    kind = "shipping" if row["targetType"] == "SHIPPING_LINE" else kind
    return {
        "code": row["code"],
        "amount": write.text(sums.total(each["amount"] for each in amounts)),
        "type": kind,
    }


def _fulfillment(state: State, order: Json, row: Json) -> Json:
    shown: Json = {"id": row["id"], "order_id": order["id"], "created_at": state.local(row["createdAt"])}
    shown |= {"updated_at": state.local(row["updatedAt"]), "status": "success", "name": f"{order['name']}.1"}
    return shown | {"admin_graphql_api_id": gid("Fulfillment", row["id"])}


def _shipping(state: State, order: Json, row: Json, write: Writer) -> Json:
    left = row["price"] - sums.allocated(row)
    shown: Json = {"id": row["id"], "carrier_identifier": None, "code": row["code"]}
    shown |= {"current_discounted_price_set": write.bag(left), "discounted_price": write.text(left)}
    shown |= {"discounted_price_set": write.bag(left), "is_removed": row["isRemoved"], "phone": None}
    shown |= {"price": write.text(row["price"]), "price_set": write.bag(row["price"])}
    shown |= {"requested_fulfillment_service_id": None, "source": row["source"], "title": row["title"]}
    shown["tax_lines"] = write.tax_lines(sums.tax_in(state, order, left))
    return shown | {"discount_allocations": [write.allocation(each) for each in row["allocations"]]}


def _refunded_shipping(order: Json, row: Json, write: Writer) -> Json:
    line = next(each for each in order["shipping"] if each["id"] == row["shippingLine"])
    left = line["price"] - sums.allocated(line)
    shown: Json = {"id": line["id"], "title": line["title"], "price": write.text(line["price"])}
    shown |= {"price_set": write.bag(line["price"]), "discounted_price": write.text(left)}
    shown |= {"discounted_price_set": write.bag(left), "tax_lines": write.tax_lines(row["tax"])}
    shown["discount_allocations"] = [write.allocation(each) for each in line["allocations"]]
    whole: Json = {"id": row["id"], "shipping_line_id": line["id"]}
    return whole | {"subtotal_amount_set": write.bag(row["amount"]), "shipping_line": shown}


def _refund_line(state: State, order: Json, row: Json, write: Writer) -> Json:
    line = next(each for each in order["lines"] if each["id"] == row["line"])
    shown: Json = {"id": row["id"], "quantity": row["quantity"], "line_item_id": line["id"]}
    shown |= {"location_id": 63239716993, "restock_type": row["restockType"].lower()}
    # As recorded: these two are JSON numbers, the sets beside them are texts.
    shown |= {"subtotal": number(row["subtotal"]), "total_tax": number(row["tax"])}
    shown |= {"subtotal_set": write.bag(row["subtotal"]), "total_tax_set": write.bag(row["tax"])}
    return shown | {"line_item": line_payload(state, order, line)}


def number(amount: Fraction) -> Any:
    """Return an amount as a JSON number."""
    return float(amount) if amount else 0

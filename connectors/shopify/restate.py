"""What the delivery of an order states by itself, in the form of an answer, for use while the shop cannot be asked.

A delivery has the shape of the old REST API (https://shopify.dev/docs/api/admin-rest/latest/resources/order): it lacks
the payments, so that a paid order counts as paid when it was processed, until the shop is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from marshmallow import ValidationError

from connectors.base import FetchedMessage, RawMessage
from connectors.bodies import Body, read_object
from connectors.late import FETCHED_ORDER
from connectors.shopify.ids import gid
from connectors.shopify.shapes import SHAPES, TOPICS, Shape
from connectors.values import money
from loyalty.errors import MalformedMessage
from loyalty.values import plain_text

Json = dict[str, Any]
REASONS = {"refund_discrepancy": "REFUND_DISCREPANCY"}
SAME = {
    "name": "name",
    "test": "test",
    "confirmed": "confirmed",
    "createdAt": "created_at",
    "updatedAt": "updated_at",
    "cancelledAt": "cancelled_at",
    "sourceName": "source_name",
    "currencyCode": "currency",
    "taxesIncluded": "taxes_included",
    "email": "email",
    "phone": "phone",
    "clientIp": "browser_ip",
}
ADDRESS = {
    "name": "name",
    "phone": "phone",
    "address1": "address1",
    "city": "city",
    "zip": "zip",
    "provinceCode": "province_code",
    "countryCodeV2": "country_code",
}


def restate(message: RawMessage) -> FetchedMessage | None:
    """Return the order that a delivery states, None where it states none, or one in money that is not the shop's.

    Raises MalformedMessage.
    """
    if Shape.ORDER not in TOPICS.get(message.topic, ()):
        return None
    body = read_object(message.body)
    if not SHAPES[Shape.ORDER](body) or not _states_all_money(body):
        return None
    number = str(body["id"])
    try:
        content = {"id": number, "order": _order(body), "products": None}
    except ValidationError as error:
        raise MalformedMessage(f"order: {error.messages[0]}") from None
    text = json.dumps(content, default=str, ensure_ascii=False, separators=(",", ":"))
    return FetchedMessage(FETCHED_ORDER, number, text.encode("utf-8", "replace"), None)


def _states_all_money(body: Body) -> bool:
    """Return whether all refunded money is told in the shop's currency: transactions are in their own."""
    own = body.get("currency")
    for refund in _list(body, "refunds"):
        for each in _list(refund, "transactions"):
            if (each.get("currency") or body.get("presentment_currency")) != own:
                return False
    return True


def _order(body: Body) -> Json:
    applications = _list(body, "discount_applications")
    return {
        **{name: body.get(old) for name, old in SAME.items()},
        "id": _gid("Order", body.get("id")),
        "processedAt": body.get("processed_at") or body.get("created_at"),
        "displayFinancialStatus": _upper(body.get("financial_status")),
        "displayFulfillmentStatus": _upper(body.get("fulfillment_status") or "unfulfilled"),
        "discountCodes": [each.get("code") for each in _list(body, "discount_codes")],
        "customer": _named("Customer", body.get("customer")),
        "billingAddress": _address(body.get("billing_address")),
        "shippingAddress": _address(body.get("shipping_address")),
        "totalPriceSet": _bag(body.get("total_price_set")),
        "totalTipReceivedSet": _plain(body.get("total_tip_received") or "0"),
        "transactions": [],
        "fulfillments": [_fulfillment(each) for each in _list(body, "fulfillments")],
        "lineItems": {"nodes": [_line(each, applications) for each in _list(body, "line_items")]},
        "shippingLines": {
            "nodes": [_shipping(each) for each in _list(body, "shipping_lines") if not each.get("is_removed")]
        },
        "refunds": [_refund(each) for each in _list(body, "refunds")],
    }


def _line(line: Body, applications: list[Body]) -> Json:
    return {
        "id": _gid("LineItem", line.get("id")),
        "sku": line.get("sku"),
        "quantity": line.get("quantity"),
        "isGiftCard": line.get("gift_card"),
        "product": _of("Product", line.get("product_id")),
        "variant": _of("ProductVariant", line.get("variant_id")),
        "originalTotalSet": _times(_bag(line.get("price_set")), line.get("quantity")),
        "discountAllocations": [
            _allocation(each, applications) for each in _list(line, "discount_allocations")
        ],
        "taxLines": _taxes(line),
    }


def _shipping(line: Body) -> Json:
    return {
        "id": _gid("ShippingLine", line.get("id")),
        "originalPriceSet": _bag(line.get("price_set")),
        "discountedPriceSet": _bag(line.get("discounted_price_set")),
        "taxLines": _taxes(line),
    }


def _allocation(each: Body, applications: list[Body]) -> Json:
    place = each.get("discount_application_index")
    known = isinstance(place, int) and 0 <= place < len(applications)
    application = applications[place] if known else {}  # type: ignore[index]
    code = application.get("code") if application.get("type") == "discount_code" else None
    return {
        "allocatedAmountSet": _bag(each.get("amount_set")),
        "discountApplication": {"code": code} if code else {},
    }


def _refund(refund: Body) -> Json:
    return {
        "id": _gid("Refund", refund.get("id")),
        "createdAt": refund.get("created_at"),
        "processedAt": refund.get("processed_at"),
        "refundLineItems": {"nodes": [_refund_line(each) for each in _list(refund, "refund_line_items")]},
        "refundShippingLines": {
            "nodes": [_refund_shipping(each) for each in _list(refund, "refund_shipping_lines")]
        },
        "orderAdjustments": {
            "nodes": [
                _adjustment(each)
                for each in _list(refund, "order_adjustments")
                if each.get("kind") in REASONS
            ]
        },
        "transactions": {"nodes": [_payment(each) for each in _list(refund, "transactions")]},
    }


def _refund_line(item: Body) -> Json:
    return {
        "quantity": item.get("quantity"),
        "lineItem": {"id": _gid("LineItem", item.get("line_item_id"))},
        "subtotalSet": _bag(item.get("subtotal_set")),
        "totalTaxSet": _bag(item.get("total_tax_set")),
    }


def _refund_shipping(item: Body) -> Json:
    """Its tax stands with the shipping line that it names."""
    line = item.get("shipping_line")
    return {
        "shippingLine": _of("ShippingLine", item.get("shipping_line_id")),
        "subtotalAmountSet": _bag(item.get("subtotal_amount_set")),
        "taxAmountSet": _bag(item.get("tax_amount_set"))
        or _sum(_taxes(line if isinstance(line, dict) else {})),
    }


def _adjustment(each: Body) -> Json:
    """Shipping is not told again: it has lines of its own."""
    return {
        "reason": REASONS[str(each.get("kind"))],
        "amountSet": _bag(each.get("amount_set")),
        "taxAmountSet": _bag(each.get("tax_amount_set")),
    }


def _payment(each: Body) -> Json:
    return {
        "kind": _upper(each.get("kind")),
        "status": _upper(each.get("status")),
        "createdAt": each.get("created_at"),
        "processedAt": each.get("processed_at"),
        "amountSet": _plain(each.get("amount")),
    }


def _fulfillment(each: Body) -> Json:
    return {"createdAt": each.get("created_at"), "status": _upper(each.get("status"))}


def _taxes(line: Body) -> list[Json]:
    return [
        {"rate": each.get("rate"), "priceSet": _bag(each.get("price_set"))}
        for each in _list(line, "tax_lines")
    ]


def _address(value: object) -> Json | None:
    return {name: value.get(old) for name, old in ADDRESS.items()} if isinstance(value, dict) else None


def _bag(value: object) -> Json | None:
    shop = value.get("shop_money") if isinstance(value, dict) else None
    return _plain(shop.get("amount")) if isinstance(shop, dict) else None


def _plain(amount: object) -> Json:
    return {"shopMoney": {"amount": amount}}


def _times(bag: Json | None, quantity: object) -> Json | None:
    """Return the price of so many pieces; what is no amount is refused when it is read."""
    if bag is None or not isinstance(quantity, int):
        return None
    return _plain(plain_text(money(bag["shopMoney"]["amount"]) * quantity))


def _sum(taxes: Iterable[Json]) -> Json | None:
    amounts = [money(each["priceSet"]["shopMoney"]["amount"]) for each in taxes if each["priceSet"]]
    return _plain(plain_text(sum(amounts[1:], amounts[0]))) if amounts else None


def _of(kind: str, number: object) -> Json | None:
    return {"id": _gid(kind, number)} if number else None


def _named(kind: str, value: object) -> Json | None:
    return _of(kind, value.get("id")) if isinstance(value, dict) else None


def _gid(kind: str, number: object) -> str | None:
    return gid(kind, str(number)) if number else None


def _upper(value: object) -> str:
    return str(value or "").upper()


def _list(body: Mapping[str, Any], name: str) -> list[Body]:
    found = body.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

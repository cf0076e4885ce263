"""What a payment's receipt says of the gift card that paid; all else in it is nothing of ours, and is not kept.

`receiptJson` differs by gateway and is no stable contract (schema 2026-10, OrderTransaction.receiptJson): that of a
gift card is seen to be a text of JSON with `gift_card_id` and `gift_card_last_characters`. What cannot be read names no
card.
"""

from __future__ import annotations

import json
from typing import Any

from marshmallow import ValidationError

from connectors.shopify.ids import PREFIX, tail
from connectors.values import key

Json = dict[str, Any]
GIFT_CARD = "gift_card"
"""The gateway of a payment by gift card."""
CARD_ID = "gift_card_id"


def card_of(receipt: Any) -> str:
    """Return the number of the card that a receipt names, given as text of JSON or as an object; else empty."""
    content = _object(receipt)
    named = content.get(CARD_ID) if content else None
    try:
        return tail(named) if str(named).startswith(PREFIX) else key(named)
    except ValidationError:
        return ""


def forget_receipts(order: Json) -> None:
    """Leave of the receipts of an order's payments nothing but which gift card paid: others tell of people."""
    for payment in order["transactions"]:
        card = card_of(payment.get("receiptJson")) if payment.get("gateway") == GIFT_CARD else ""
        payment["receiptJson"] = {CARD_ID: card} if card else None


def _object(receipt: Any) -> Json | None:
    if isinstance(receipt, dict):
        return receipt
    if not isinstance(receipt, str):
        return None
    try:
        content = json.loads(receipt)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None

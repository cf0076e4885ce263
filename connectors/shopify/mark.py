"""The marks by which we know our own discounts and tags again in a Shopify store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from loyalty.values import plain_text

NAME = "Laurel"
"""How the note of each of our gift cards begins."""
TITLE = f"{NAME} "
"""How the title of each of our discounts begins; its code follows."""
TAG = "laurel"
PRODUCT_TAG = "laurel-product:"
"""Of a discount that gives a product: the price of one piece follows."""
TIER = "laurel-tier:"
BENEFIT = "laurel-benefit:"
SERVICE = "laurel:"
"""Of an order: a service that is done to it follows."""
NAMESPACE = "$app:laurel"
"""Of metafields: the app's own, which nobody else can write."""
LONGEST_TAG = 40
DIGEST = 8
LONGEST_NOTE = 255


def is_ours(discount: Mapping[str, Any], code: str) -> bool:
    """Return whether a discount bears our mark: its title, or its tag where a merchant gave it another title."""
    title = str(discount.get("title") or "")
    return title.casefold() == f"{TITLE}{code}".casefold() or TAG in (discount.get("tags") or ())


def note_of(description: str) -> str:
    """Return the note of a gift card of ours; staff may read it, so that it never has the code."""
    note = description if description.startswith(NAME) else f"{NAME}: {description}"
    return note[:LONGEST_NOTE]


def is_our_card(card: Mapping[str, Any]) -> bool:
    """Return whether a gift card bears our mark: how its note begins."""
    return str(card.get("note") or "").startswith(NAME)


def product_tag(price: Decimal) -> str:
    """Return the tag of a discount that gives a product of this price."""
    return f"{PRODUCT_TAG}{plain_text(price)}"


def tag(prefix: str, word: str) -> str:
    """Return a tag, cut to the 40 characters that a shop keeps; what was cut off is told apart by a digest."""
    whole = f"{prefix}{word}"
    if len(whole) <= LONGEST_TAG:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:DIGEST]
    return f"{whole[: LONGEST_TAG - DIGEST]}{digest}"

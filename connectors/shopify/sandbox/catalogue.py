"""The products and collections of the sandbox shop."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from connectors.shopify.sandbox.state import Amount, Json, State


def add_product(
    state: State,
    title: str,
    price: Amount,
    *,
    tags: Sequence[str] = (),
    collections: Sequence[int] = (),
    compare_at_price: Amount | None = None,
    gift_card: bool = False,
    sku: str = "",
) -> Json:
    """Make a product of one variant; with `compare_at_price` above its price it is on sale."""
    number = state.new_id()
    variant: Json = {"id": state.new_id(), "__typename": "ProductVariant", "title": "Default Title"}
    variant |= {"price": Fraction(price), "sku": sku or None, "product": number}
    variant["compareAtPrice"] = None if compare_at_price is None else Fraction(compare_at_price)
    row: Json = {"id": number, "__typename": "Product", "title": title, "tags": sorted(tags)}
    row |= {"handle": title.lower().replace(" ", "-"), "productType": "", "vendor": "Laurel Test"}
    row |= {"status": "ACTIVE", "isGiftCard": gift_card, "collections": list(collections), "variant": variant}
    state.products[number] = row
    return row


def add_collection(state: State, title: str) -> Json:
    """Make a collection."""
    number = state.new_id()
    row: Json = {"id": number, "__typename": "Collection", "title": title, "handle": title.lower()}
    state.collections[number] = row
    return row

"""What Shopify passes on of persons and of the end of a shop; such a delivery names its shop in the signed body too."""

from __future__ import annotations

from connectors.bodies import read_object
from loyalty.errors import MalformedMessage

COMPLIANCE = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
LAST_TOPICS = COMPLIANCE | {"app/uninstalled"}
"""What is taken also of a shop that is not connected any more."""


def names_shop(body: bytes, domain: str | None) -> bool:
    """Return whether the body of a delivery about persons is of this shop: headers are not signed."""
    try:
        named = read_object(body).get("shop_domain")
    except MalformedMessage:
        return False
    return isinstance(named, str) and domain is not None and named.lower() == domain

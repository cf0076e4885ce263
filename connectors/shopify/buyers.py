"""Finds the customers of a shop that commands are about: by the shop's own id, else by their exact e-mail."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.shopify.client import Shopify
from connectors.shopify.ids import gid, is_number
from connectors.shopify.refusals import refused
from loyalty.pushes import AddStoreCredit, PushError, PutCoupon

LOOKED_UP = 20
"""How many are looked up at once until the shop has told what that costs."""


def find_buyers(shop: Shopify, commands: Sequence[PutCoupon | AddStoreCredit]) -> list[str | PushError]:
    """Return whom each command is about, in order, as global ids, or why nobody."""
    emails = [each.email.strip() for each in commands if not is_number(each.customer_id)]
    rows = [{"email": each} for each in emails if each]
    found = iter(shop.each("customer_by_email", "customerByIdentifier", rows, LOOKED_UP))
    nobody = refused("The shop has no customer of the member's e-mail.", "rejected")
    buyers: list[str | PushError] = []
    for command in commands:
        if is_number(command.customer_id):
            buyers.append(gid("Customer", command.customer_id))
            continue
        one = next(found) if command.email.strip() else None
        buyers.append(one["id"] if isinstance(one, dict) else one or nobody)
    return buyers

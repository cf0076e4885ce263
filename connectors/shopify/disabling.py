"""Takes codes out of use in a Shopify store, and says on how many orders they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.shopify.client import Shopify
from connectors.shopify.coupons import find_discounts
from connectors.shopify.ids import tail
from connectors.shopify.mark import is_ours
from connectors.shopify.refusals import refused, user_refusal
from loyalty.pushes import DisableCoupon, PushError, PushReceipt

Json = dict[str, Any]
Outcome = PushReceipt | PushError
CHANGED, SEARCHED = 25, 20


def disable_coupons(shop: Shopify, commands: Sequence[DisableCoupon]) -> list[Outcome]:
    """Switch the discounts of these codes off, then read their uses; a foreign one is left alone."""
    found = dict(zip(commands, find_discounts(shop, [each.code for each in commands]), strict=True))
    ours = {
        command: node
        for command, node in found.items()
        if isinstance(node, dict) and is_ours(node["codeDiscount"], command.code)
    }
    rows = [{"id": node["id"]} for node in ours.values()]
    answers = shop.each("deactivate", "discountCodeDeactivate", rows, CHANGED)
    orders = shop.each("orders_with_code", "orders", [_search(command) for command in ours], SEARCHED)
    done = {
        command: _outcome(command, answer, listed)
        for command, answer, listed in zip(ours, answers, orders, strict=True)
    }
    return [done.get(command) or _without(found[command]) for command in commands]


def _search(command: DisableCoupon) -> Mapping[str, str]:
    quoted = command.code.replace("\\", "\\\\").replace("'", "\\'")
    return {"query": f"discount_code:'{quoted}'"}


def _without(node: Json | PushError | None) -> Outcome:
    if node is None or isinstance(node, PushError):
        return node or PushReceipt()
    return refused("The code belongs to a discount that is not ours.", "rejected")


def _outcome(command: DisableCoupon, answer: Any, listed: Any) -> Outcome:
    """The shop's own count lags behind, and its search sees the first code of an order only: the larger one counts."""
    refusal = user_refusal(answer) or (listed if isinstance(listed, PushError) else None)
    if refusal is not None:
        return refusal
    node = answer.get("codeDiscountNode")
    if not node or not node.get("codeDiscount"):
        return PushError("The shop does not tell what it stored.", permanent=False, reason="unreachable")
    counted = int(node["codeDiscount"].get("asyncUsageCount") or 0)
    used = [row for row in (listed or {}).get("nodes") or () if _bears(row, command.code)]
    return PushReceipt(tail(node["id"]), uses=max(counted, len(used)))


def _bears(order: Json, code: str) -> bool:
    return any(str(each).casefold() == code.casefold() for each in order.get("discountCodes") or ())

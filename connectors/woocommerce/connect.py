"""What happens once when a store is connected: its settings are read and our webhooks are made."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

from connectors.base import StoreAccess
from connectors.http import Door
from connectors.woocommerce.api import API, expect, list_all, objects, one_object
from connectors.woocommerce.fetch import GIFT_CARD_TYPES
from connectors.woocommerce.shipping import shipping_warnings
from loyalty.clock import is_zone
from loyalty.commerce import ShopSettings
from loyalty.pushes import PushError

TOPICS = (
    "order.created",
    "order.updated",
    "order.deleted",
    "order.restored",
    # A forced deletion sends no order.deleted (woocommerce#28541).
    "action.woocommerce_delete_order",
    "action.woocommerce_order_refunded",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "coupon.updated",
    "coupon.deleted",
)
UNKNOWN_ZONE = (
    "The shop names no city as its time zone, so UTC is used: choose one in the settings of WordPress."
)


def read_settings(door: Door) -> ShopSettings:
    """Return currency, zone, decimals and tax of the shop, and what does not work there; raises PushError."""
    general = _group(door, "general")
    tax = _group(door, "tax")
    index = one_object(expect(door.get("wp-json/", {"_fields": "timezone_string,gmt_offset"})))
    time_zone = _time_zone(index.get("timezone_string"), index.get("gmt_offset"))
    return ShopSettings(
        currency=str(_setting(general, "woocommerce_currency")),
        time_zone=time_zone or "UTC",
        decimals=_whole(_setting(general, "woocommerce_price_num_decimals")),
        prices_include_tax=_setting(tax, "woocommerce_prices_include_tax") == "yes",
        sells_gift_cards=any(_sells(door, kind) for kind in sorted(GIFT_CARD_TYPES)),
        warnings=(*(() if time_zone else (UNKNOWN_ZONE,)), *shipping_warnings(door)),
    )


def _sells(door: Door, product_type: str) -> bool:
    """A type that no plugin registers is refused with 400 (the enum of the products controller)."""
    answer = door.get(f"{API}/products", {"type": product_type, "per_page": "1"})
    return answer.status != HTTPStatus.BAD_REQUEST and bool(objects(expect(answer)))


def register_webhooks(door: Door, access: StoreAccess) -> list[str]:
    """Make what is missing, wake what sleeps, leave foreign webhooks alone; return what was done. Raises PushError."""
    ours = {row.get("topic"): row for row in _ours(door, access)}
    done = [_ensure(door, access, topic, ours.get(topic)) for topic in TOPICS]
    return [line for line in done if line]


def sign_anew(door: Door, access: StoreAccess) -> int:
    """Have all our webhooks sign with the current secret; return how many. Raises PushError."""
    ours = _ours(door, access)
    for webhook in ours:
        payload = {"secret": access.webhook_secrets[0]}
        expect(door.call("PUT", f"{API}/webhooks/{webhook['id']}", payload=payload))
    return len(ours)


def _ours(door: Door, access: StoreAccess) -> list[dict[str, Any]]:
    if not access.webhook_url or not access.webhook_secrets:
        raise PushError("The store has no webhook address or secret.", permanent=True, reason="configuration")
    return [row for row in list_all(door, "webhooks", {}) if row.get("delivery_url") == access.webhook_url]


def _ensure(door: Door, access: StoreAccess, topic: str, webhook: dict[str, Any] | None) -> str:
    """Without a secret of ours the shop would make one up and never tell it (v1 webhooks controller:357)."""
    secret = access.webhook_secrets[0]
    if webhook is None:
        content = {
            "name": f"Laurel {topic}",
            "topic": topic,
            "delivery_url": access.webhook_url,
            "secret": secret,
        }
        expect(door.call("POST", f"{API}/webhooks", payload=content))
        return f"created {topic}"
    if webhook.get("status") == "active":
        return ""
    expect(
        door.call("PUT", f"{API}/webhooks/{webhook['id']}", payload={"status": "active", "secret": secret})
    )
    return f"reactivated {topic}"


def _group(door: Door, name: str) -> dict[str, Any]:
    rows = objects(expect(door.get(f"{API}/settings/{name}", {"_fields": "id,value"})))
    return {str(row.get("id")): row.get("value") for row in rows}


def _setting(group: dict[str, Any], key: str) -> Any:
    if group.get(key) in (None, ""):
        raise PushError(f"The shop does not state {key}.", permanent=True, reason="configuration")
    return group[key]


def _whole(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise PushError(
            f"{value} is no number of decimals.", permanent=True, reason="configuration"
        ) from None


def _time_zone(name: Any, offset: Any) -> str:
    """Return an IANA name: the site's city, or the zone of a whole-hour offset, whose sign POSIX turns round."""
    if isinstance(name, str) and name and is_zone(name):
        return name
    try:
        hours = Decimal(str(offset))
    except InvalidOperation:
        return ""
    fixed = f"Etc/GMT{-int(hours):+d}" if hours else "Etc/GMT"
    return fixed if hours == int(hours) and is_zone(fixed) else ""

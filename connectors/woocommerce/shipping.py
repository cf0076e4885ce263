"""Whether a WooCommerce store lets a coupon free an order of its shipping: one of its zones must offer that."""

from __future__ import annotations

from typing import Any

from connectors.http import Door
from connectors.woocommerce.api import API, expect, objects
from loyalty.pushes import PushError

ELSEWHERE = 0
"""The zone of the locations that no other zone covers; it cannot be deleted."""
BY_COUPON = ("coupon", "either", "both")
NO_FREE_SHIPPING = (
    "No shipping zone has a Free shipping method that requires a coupon, so codes with free shipping change nothing:"
    " add the method in WooCommerce, Settings, Shipping."
)
NOT_READ = "Whether codes with free shipping work is not known: {}"


def shipping_warnings(door: Door) -> tuple[str, ...]:
    """Return what the merchant should know of codes with free shipping; a shop that does not tell is no error."""
    try:
        return () if _frees_by_coupon(door) else (NO_FREE_SHIPPING,)
    except PushError as error:
        return (NOT_READ.format(error.message),)


def _frees_by_coupon(door: Door) -> bool:
    zones = objects(expect(door.get(f"{API}/shipping/zones", {"_fields": "id"})))
    known = {ELSEWHERE, *(zone["id"] for zone in zones if isinstance(zone.get("id"), int))}
    return any(
        _is_by_coupon(method) for zone in sorted(known, reverse=True) for method in _methods(door, zone)
    )


def _methods(door: Door, zone: int) -> list[dict[str, Any]]:
    return objects(expect(door.get(f"{API}/shipping/zones/{zone}/methods")))


def _is_by_coupon(method: dict[str, Any]) -> bool:
    settings = method.get("settings")
    requires = settings.get("requires") if isinstance(settings, dict) else None
    value = requires.get("value") if isinstance(requires, dict) else None
    return method.get("method_id") == "free_shipping" and method.get("enabled") is True and value in BY_COUPON

"""The shipping zones of the sandbox shop, and what its checkout asks for shipping (class-wc-shipping-free-shipping.php,
class-wc-rest-shipping-zone-methods-v2-controller.php).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from connectors.woocommerce.sandbox.coupons import find_by_code
from connectors.woocommerce.sandbox.errors import RestError
from connectors.woocommerce.sandbox.query import Reply, Request
from connectors.woocommerce.sandbox.state import Json, State, as_fraction

TITLES = {"flat_rate": "Flat rate", "free_shipping": "Free shipping"}
ZONE = "/wp-json/wc/v3/shipping/zones"


def first_zones(flat_rate: str = "60") -> dict[int, Json]:
    """Return the zones of a new shop: everywhere a flat rate, and free shipping with a coupon."""
    flat = _method(1, "flat_rate", {"cost": flat_rate})
    free = _method(2, "free_shipping", {"requires": "coupon", "min_amount": "0", "ignore_discounts": "yes"})
    elsewhere = {"id": 0, "name": "Locations not covered by your other zones", "order": 0, "methods": {}}
    return {0: elsewhere, 1: {"id": 1, "name": "Everywhere", "order": 0, "methods": {1: flat, 2: free}}}


def list_zones(state: State, request: Request) -> Reply:
    """List the zones on one page, the one that covers the rest first."""
    rows = [{key: zone[key] for key in ("id", "name", "order")} for zone in state.zones.values()]
    shown = [{**row, "_links": _links(request, f"{ZONE}/{row['id']}", ZONE)} for row in rows]
    return Reply(200, shown, {"X-WP-Total": str(len(shown)), "X-WP-TotalPages": "1"})


def list_methods(state: State, request: Request, zone: int) -> Reply:
    """List the methods of a zone on one page."""
    shown = [_render(request, zone, method) for method in _zone(state, zone)["methods"].values()]
    return Reply(200, shown, {"X-WP-Total": str(len(shown)), "X-WP-TotalPages": str(int(bool(shown)))})


def update_method(state: State, request: Request, zone: int, instance: int) -> Reply:
    """Switch a method on or off, or change its settings."""
    methods = _zone(state, zone)["methods"]
    if instance not in methods:
        raise _missing("shipping_zone_method_invalid")
    method, body = methods[instance], request.body
    method["enabled"] = body.get("enabled", method["enabled"])
    method["settings"] |= {
        key: value for key, value in body.get("settings", {}).items() if key in method["settings"]
    }
    return Reply(200, _render(request, zone, method))


def cheapest_line(state: State, codes: Sequence[str], subtotal: Fraction) -> Json:
    """Return the shipping line that a buyer takes at the checkout with these codes: the cheapest offered."""
    methods = [
        method for zone in state.zones.values() for method in zone["methods"].values() if method["enabled"]
    ]
    offers = [
        (as_fraction(method["settings"].get("cost")), method)
        for method in methods
        if _is_offered(state, method, codes, subtotal)
    ]
    cost, method = min(offers, key=lambda offer: offer[0])
    return {"method_id": method["method_id"], "method_title": method["title"], "total": state.money(cost)}


def _is_offered(state: State, method: Json, codes: Sequence[str], subtotal: Fraction) -> bool:
    requires = method["settings"].get("requires", "")
    coupons = [find_by_code(state, code) for code in codes]
    has_coupon = any(coupon is not None and coupon["free_shipping"] for coupon in coupons)
    has_amount = subtotal >= as_fraction(method["settings"].get("min_amount"))
    met = {"coupon": has_coupon, "min_amount": has_amount, "both": has_coupon and has_amount}
    return {**met, "either": has_coupon or has_amount}.get(requires, True)


def _method(instance: int, method_id: str, settings: Json) -> Json:
    title = TITLES[method_id]
    return {
        "id": instance, "instance_id": instance, "title": title, "order": instance, "enabled": True,
        "method_id": method_id, "method_title": title, "method_description": f"<p>{title}</p>\n", "settings": settings,
    }  # fmt: skip


def _render(request: Request, zone: int, method: Json) -> Json:
    base = f"{ZONE}/{zone}"
    links = _links(request, f"{base}/methods/{method['id']}", f"{base}/methods")
    values = {"title": method["title"], **method["settings"]}
    return {
        **method,
        "settings": {name: _setting(name, value) for name, value in values.items()},
        "_links": links,
    }


def _setting(name: str, value: str) -> Json:
    row = {"id": name, "label": name, "description": "", "type": "text", "value": value, "default": ""}
    return {**row, "tip": "", "placeholder": ""}


def _links(request: Request, own: str, collection: str) -> Json:
    places = {"self": own, "collection": collection}
    return {name: [{"href": f"{request.base}{path}"}] for name, path in places.items()}


def _zone(state: State, zone: int) -> Json:
    if zone not in state.zones:
        raise _missing("shipping_zone_invalid")
    return state.zones[zone]


def _missing(code: str) -> RestError:
    return RestError(404, f"woocommerce_rest_{code}", "Resource does not exist.")

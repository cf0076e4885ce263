"""What the sandbox shop says of itself: settings, currency, the index of WordPress, order totals."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo

from connectors.woocommerce.sandbox.errors import RestError
from connectors.woocommerce.sandbox.query import Reply, Request
from connectors.woocommerce.sandbox.state import SYMBOLS, Json, State
from connectors.woocommerce.sandbox.statuses import STATUSES


def list_group(state: State, request: Request, group: str) -> Reply:
    """List the settings of a group."""
    return Reply(200, list(_group(state, request, group).values()))


def get_setting(state: State, request: Request, group: str, name: str) -> Reply:
    """Return one setting (rest settings-general-currency)."""
    rows = _group(state, request, group)
    if name not in rows:
        raise RestError(404, "rest_setting_setting_invalid", "Invalid setting.")
    return Reply(200, {**rows[name], "group_id": group})


def currency(state: State, request: Request) -> Reply:
    """Return the store's currency (rest data-currencies-current)."""
    code = state.options.currency
    base = f"{request.base}/wp-json/wc/v3/data/currencies"
    links = {
        "self": [{"href": f"{base}/{code}", "targetHints": {"allow": ["GET"]}}],
        "collection": [{"href": base}],
    }
    return Reply(200, {"code": code, "name": code, "symbol": SYMBOLS.get(code, code), "_links": links})


def index(state: State, request: Request) -> Reply:
    """Return the index of WordPress, which everybody may read: a fixed offset shows no city."""
    name = state.options.time_zone
    offset = state.now().astimezone(ZoneInfo(name)).utcoffset()
    hours = offset.total_seconds() / 3600 if offset else 0
    is_city = "/" in name and not name.startswith("Etc/")
    body = {"name": "Sandbox", "description": "", "url": request.base, "home": request.base}
    zone = {
        "gmt_offset": str(int(hours) if hours == int(hours) else hours),
        "timezone_string": name if is_city else "",
    }
    return Reply(200, {**body, **zone, "namespaces": ["wp/v2", "wc/v3"], "routes": {}})


def order_totals(state: State, request: Request) -> Reply:
    """Return how many orders stand in each status (rest orders-statuses)."""
    counts = Counter(order["status"] for order in state.orders.values())
    shown = [each for each in STATUSES if each != "auto-draft"]
    return Reply(200, [{"slug": each, "name": each.capitalize(), "total": counts[each]} for each in shown])


def _group(state: State, request: Request, group: str) -> dict[str, Json]:
    options = state.options
    values = {
        "general": {
            "woocommerce_currency": options.currency,
            "woocommerce_price_num_decimals": str(options.decimals),
            "woocommerce_calc_taxes": "no" if options.tax_rate == "0" else "yes",
        },
        "tax": {"woocommerce_prices_include_tax": "yes" if options.prices_include_tax else "no"},
    }
    if group not in values:
        raise RestError(404, "rest_setting_setting_group_invalid", "Invalid setting group.")
    return {name: _row(request, group, name, value) for name, value in values[group].items()}


def _row(request: Request, group: str, name: str, value: str) -> Json:
    base = f"{request.base}/wp-json/wc/v3/settings/{group}"
    hints = {"allow": ["GET", "POST", "PUT", "PATCH"]}
    row: Json = {"id": name, "label": name, "description": name, "type": "select", "default": "", "tip": name}
    row |= {"options": dict.fromkeys((value,), value), "value": value}
    return {
        **row,
        "_links": {
            "self": [{"href": f"{base}/{name}", "targetHints": hints}],
            "collection": [{"href": base}],
        },
    }

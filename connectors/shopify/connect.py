"""What happens when a store is connected: its settings are read and our webhooks are made."""

from __future__ import annotations

from typing import Any

from connectors.base import StoreAccess
from connectors.shopify.auth import NEEDED, missing_scopes
from connectors.shopify.client import Shopify
from connectors.shopify.fetch import OLD_TOO, rights_of
from connectors.shopify.refusals import user_errors
from loyalty.clock import is_zone
from loyalty.commerce import ShopSettings
from loyalty.pushes import PushError

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_PAID",
    "ORDERS_UPDATED",
    "ORDERS_EDITED",
    "ORDERS_CANCELLED",
    "ORDERS_DELETE",
    "REFUNDS_CREATE",
    # A pending refund settles without any other word.
    "ORDER_TRANSACTIONS_CREATE",
    "CUSTOMERS_CREATE",
    "CUSTOMERS_UPDATE",
    "CUSTOMERS_DELETE",
    "CUSTOMERS_MERGE",
    "APP_UNINSTALLED",
    "APP_SCOPES_UPDATE",
    "SHOP_UPDATE",
    "DISCOUNTS_UPDATE",
    "DISCOUNTS_DELETE",
    "DISCOUNTS_REDEEMCODE_REMOVED",
)
"""The compliance topics are not among them: they are set in the app's own configuration only."""
OPTIONAL = frozenset({"CUSTOMERS_MERGE"})
"""Needs a right that a merchant may not give (read_customer_merge)."""
PAGE, MADE = 100, 20
WITHOUT_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
     "XPF")
)  # fmt: skip
WITH_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
"""ISO 4217; Shopify does not state the decimals of its currency."""
UNKNOWN_ZONE = "The shop names no time zone that is known here, so UTC is used."
ONLY_NEW = (
    "The app may read the orders of the last 60 days only, so that what is missed of older ones is not found again:"
    " grant it read_all_orders."
)


def read_settings(shop: Shopify) -> ShopSettings:
    """Return currency, zone, decimals and tax of the shop, and which rights are missing; raises PushError."""
    data = shop.ask_for("shop")
    it, rights = data["shop"], rights_of(data)
    currency, zone = str(it["currencyCode"]), str(it["ianaTimezone"])
    return ShopSettings(
        currency=currency,
        time_zone=zone if is_zone(zone) else "UTC",
        decimals=decimals_of(currency, str((it.get("currencyFormats") or {}).get("moneyFormat"))),
        prices_include_tax=it["taxesIncluded"] is True,
        rights=rights,
        warnings=(*(() if is_zone(zone) else (UNKNOWN_ZONE,)), *_missing(",".join(rights))),
    )


def decimals_of(currency: str, shown: str = "") -> int:
    """Return how many decimals the amounts of a currency have (ISO 4217); none where the shop shows none.

    `shown` is the shop's way to write money, such as `${{amount_no_decimals}}` of many shops in Taiwan.
    """
    if currency in WITHOUT_DECIMALS or "amount_no_decimals" in shown:
        return 0
    return 3 if currency in WITH_THREE else 2


def register_webhooks(shop: Shopify, access: StoreAccess) -> list[str]:
    """Make the webhooks that are missing; return their topics. Raises PushError when the shop refuses one we need.

    A shop deletes one to which it could not deliver eight times in a row.
    """
    if not access.webhook_url:
        raise PushError("The store has no webhook address.", permanent=True, reason="configuration")
    known = _list_topics(shop, access.webhook_url)
    missing = [topic for topic in TOPICS if topic not in known]
    content = {"uri": access.webhook_url, "format": "JSON"}
    rows = [{"topic": topic, "webhook": content} for topic in missing]
    answers = shop.each("make_webhook", "webhookSubscriptionCreate", rows, MADE)
    refused: list[dict[str, Any]] = []
    done: list[str] = []
    for topic, answer in zip(missing, answers, strict=True):
        errors = user_errors(answer)
        if not errors:
            done.append(f"created {topic}")
        elif topic not in OPTIONAL:
            refused += errors
    if refused:
        raise _refusal(refused)
    return done


def _refusal(errors: list[dict[str, Any]]) -> PushError:
    """Return why webhooks were not made; Shopify has no codes for that, and names a right, or an approval of the app to
    read protected customer data, in words.
    """
    words = "; ".join(dict.fromkeys(str(each.get("message", ""))[:200] for each in errors))
    is_right = "permission" in words or "approved" in words
    reason = "permission" if is_right else "configuration"
    return PushError(f"The shop makes no webhook: {words}", permanent=True, reason=reason)


def _list_topics(shop: Shopify, uri: str) -> set[str]:
    found: set[str] = set()
    after: str | None = None
    while True:
        page = shop.ask_for("webhooks", {"first": PAGE, "after": after, "uri": uri})["webhookSubscriptions"]
        found |= {str(row["topic"]) for row in page["nodes"] if row["uri"] == uri}
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return found


def _missing(scopes: str) -> list[str]:
    lacking = missing_scopes(scopes, NEEDED)
    told = [f"The app lacks rights: {', '.join(lacking)}."] if lacking else []
    return [*told, *([] if OLD_TOO in scopes.split(",") else [ONLY_NEW])]

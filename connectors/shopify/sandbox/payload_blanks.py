"""What every webhook of an order has and the sandbox has nothing to say of."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

UNKNOWN = (
    "app_id",
    "browser_ip",
    "cart_token",
    "checkout_token",
    "client_details",
    "current_total_additional_fees_set",
    "current_total_duties_set",
    "device_id",
    "landing_site",
    "landing_site_ref",
    "location_id",
    "merchant_of_record_app_id",
    "original_total_additional_fees_set",
    "original_total_duties_set",
    "payment_terms",
    "po_number",
    "reference",
    "referring_site",
    "source_identifier",
    "source_url",
    "user_id",
)
ORDER: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(UNKNOWN),
        "buyer_accepts_marketing": False,
        "customer_locale": "en",
        "duties_included": False,
        "estimated_taxes": False,
        "line_item_groups": [],
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "note_attributes": [],
        "order_status_url": "https://laurel-test.myshopify.com/orders/status",
        "returns": [],
        "tax_exempt": False,
        "total_weight": 0,
    }
)
LINE: Mapping[str, Any] = MappingProxyType(
    {
        "attributed_staffs": [],
        "duties": [],
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "grams": 100,
        "properties": [],
        "requires_shipping": True,
        "sales_line_item_group_id": None,
        "variant_inventory_management": None,
        "variant_title": None,
    }
)

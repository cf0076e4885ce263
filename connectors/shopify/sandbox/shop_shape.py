"""What webhooks of the sandbox shop say of the shop itself: app/uninstalled and shop/update."""

from __future__ import annotations

from types import MappingProxyType

from connectors.shopify.sandbox.state import Json, State

SHOP_ID = 548380009
UNKNOWN = (
    "address2",
    "auto_configure_tax_inclusivity",
    "county_taxes",
    "created_at",
    "google_apps_domain",
    "google_apps_login_enabled",
    "latitude",
    "longitude",
    "password_enabled",
    "source",
    "tax_shipping",
    "updated_at",
)
SHOP = MappingProxyType(
    {
        **dict.fromkeys(UNKNOWN),
        "address1": "1 Market Street",
        "checkout_api_supported": True,
        "city": "Taipei",
        "country": "TW",
        "country_code": "TW",
        "country_name": "Taiwan",
        "customer_email": "owner@laurel-test.example",
        "eligible_for_payments": True,
        "email": "owner@laurel-test.example",
        "finances": True,
        "has_discounts": True,
        "has_gift_cards": True,
        "has_storefront": True,
        "marketing_sms_consent_enabled_at_checkout": False,
        "multi_location_enabled": True,
        "name": "Laurel Test",
        "phone": None,
        "plan_display_name": "Basic",
        "plan_name": "basic",
        "pre_launch_enabled": False,
        "primary_locale": "en",
        "primary_location_id": 655441491,
        "province": None,
        "province_code": None,
        "requires_extra_payments_agreement": False,
        "setup_required": False,
        "shop_owner": "Laurel Owner",
        "transactional_sms_disabled": False,
        "weight_unit": "kg",
        "zip": "100",
    }
)


def shop_payload(state: State) -> Json:
    """Return the shop as webhooks carry it."""
    options = state.options
    formats = ("money_format", "money_in_emails_format")
    full = ("money_with_currency_format", "money_with_currency_in_emails_format")
    shown: Json = {**SHOP, "id": SHOP_ID, "domain": options.domain, "myshopify_domain": options.domain}
    shown |= {"currency": options.currency, "enabled_presentment_currencies": [options.currency]}
    shown |= {"timezone": options.time_zone, "iana_timezone": options.time_zone}
    shown |= dict.fromkeys(formats, "${{amount}}")
    shown |= dict.fromkeys(full, f"${{{{amount}}}} {options.currency}")
    return shown | {"taxes_included": options.taxes_included}

"""A small Shopify over real HTTP: GraphQL executed on Shopify's own schema, webhooks, OAuth, bulk operations."""

from connectors.sandbox import Fault, Seen
from connectors.shopify.sandbox.checkout import CheckoutError
from connectors.shopify.sandbox.shop import ShopifySandbox

__all__ = ["CheckoutError", "Fault", "Seen", "ShopifySandbox"]

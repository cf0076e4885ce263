"""A small WooCommerce over real HTTP that behaves as the recordings of WooCommerce 11.0.1 show."""

from connectors.woocommerce.sandbox.errors import RestError
from connectors.woocommerce.sandbox.server import Fault, Seen
from connectors.woocommerce.sandbox.shop import SandboxShop

__all__ = ["Fault", "RestError", "SandboxShop", "Seen"]

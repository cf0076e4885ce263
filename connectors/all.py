"""Every connector there is, by the name of its platform."""

from __future__ import annotations

from connectors.base import Connector
from connectors.shopify import ShopifyConnector
from connectors.till import TillConnector
from connectors.woocommerce import WooCommerceConnector


def make_connectors(*, allow_private: bool) -> dict[str, Connector]:
    """Return the connectors of a process; `allow_private` lets them call shops on private addresses."""
    made: tuple[Connector, ...] = (
        WooCommerceConnector(allow_private=allow_private),
        ShopifyConnector(allow_private=allow_private),
        TillConnector(),
    )
    return {connector.platform: connector for connector in made}

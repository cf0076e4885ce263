"""An order that could not be read is a message that every platform reads back as one to be read."""

from __future__ import annotations

import pytest
from builders import NOON, STORE

from connectors.base import Connector, RawMessage
from connectors.late import late_message
from connectors.shopify import ShopifyConnector
from connectors.woocommerce import WooCommerceConnector
from loyalty.commerce import NeedsRead, Read


@pytest.mark.parametrize("connector", [ShopifyConnector(), WooCommerceConnector()])
@pytest.mark.parametrize("with_products", [True, False])
def test_a_late_order_must_be_read(connector: Connector, *, with_products: bool) -> None:
    told = late_message("1041", NOON)
    raw = RawMessage("fetch", told.topic, told.body, told.observed_at)
    parsed = connector.parse(STORE, raw, with_products=with_products)
    assert (told.key_id, parsed) == ("1041", NeedsRead(Read.ORDER, ("1041",), "failed before"))

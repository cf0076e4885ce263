"""Sandbox shops over real HTTP, and the connectors that call them."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from connectors.base import StoreAccess
from connectors.shopify import ShopifyConnector
from connectors.shopify.sandbox import ShopifySandbox
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.values import StoreId

STORE = StoreId(UUID(int=7))


@pytest.fixture
def woo_shop() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.fixture
def woo() -> WooCommerceConnector:
    return WooCommerceConnector(allow_private=True, per_second=10_000)


@pytest.fixture
def woo_access(woo_shop: SandboxShop) -> StoreAccess:
    keys = {"consumer_key": woo_shop.consumer_key, "consumer_secret": woo_shop.consumer_secret}
    return StoreAccess(STORE, woo_shop.url, keys, "Asia/Taipei")


@pytest.fixture
def woo_lab(woo_shop: SandboxShop) -> SandboxShop:
    """The lab's catalogue: product 11 is the mug, 12 the tea, 13 the gift, 14 to 16 the shirt; next id 17."""
    for name, price in (("Mug", 500), ("Oolong Tea 烏龍茶", 240), ("E-Gift", 1000), ("T-Shirt", 0)):
        woo_shop.add_product(name, price, sku=f"{name[:3].upper()}-1")
    for size, price in (("S", 455), ("M", 400)):
        woo_shop.add_product(f"T-Shirt - {size}", price, type="variation", parent_id=14, sku=f"TS-{size}")
    return woo_shop


@pytest.fixture
def shopify_shop() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def shopify() -> ShopifyConnector:
    return ShopifyConnector(allow_private=True, per_second=10_000)


@pytest.fixture
def shopify_access(shopify_shop: ShopifySandbox) -> StoreAccess:
    keys = {
        "mode": "legacy",
        "access_token": shopify_shop.access_token,
        "shop": shopify_shop.shop,
        "scopes": "",
    }
    return StoreAccess(
        STORE, shopify_shop.url, keys, "Asia/Taipei", "https://laurel.example/webhooks/shopify"
    )

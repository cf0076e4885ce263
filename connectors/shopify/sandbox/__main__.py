"""Runs the sandbox Shopify alone, with a few products and a customer to begin with."""

from __future__ import annotations

import argparse
import threading

from connectors.shopify.sandbox.shop import ShopifySandbox


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9001)
    parser.add_argument("--currency", default="TWD")
    parser.add_argument("--decimals", type=int, default=0)
    parser.add_argument("--time-zone", default="Asia/Taipei")
    given = parser.parse_args()
    shop = ShopifySandbox(given.currency, given.decimals, given.time_zone, port=given.port, auto_deliver=True)
    shop.add_product("Mug", 500, sku="MUG-1")
    shop.add_product("Oolong Tea 烏龍茶", 240, sku="TEA-1")
    shop.add_customer("amy@example.test", firstName="Amy", lastName="Chen")
    with shop:
        print(f"Sandbox Shopify {shop.shop} at {shop.url}, access token {shop.access_token}", flush=True)
        wait_for_interrupt()


def wait_for_interrupt() -> None:
    """Return on Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()

"""Runs the sandbox shop alone, with a few products and a customer to begin with."""

from __future__ import annotations

import argparse
import threading

from connectors.woocommerce.sandbox.shop import SandboxShop


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--currency", default="TWD")
    parser.add_argument("--decimals", type=int, default=0)
    parser.add_argument("--time-zone", default="Asia/Taipei")
    given = parser.parse_args()
    shop = SandboxShop(given.currency, given.decimals, given.time_zone, port=given.port, auto_deliver=True)
    shop.add_product("Mug", 500, sku="MUG-1")
    shop.add_product("Oolong Tea 烏龍茶", 240, sku="TEA-1")
    shop.add_customer("amy@example.test", first_name="Amy", last_name="Chen")
    with shop:
        print(
            f"Sandbox shop at {shop.url}, key {shop.consumer_key}, secret {shop.consumer_secret}", flush=True
        )
        wait_for_interrupt()


def wait_for_interrupt() -> None:
    """Return on Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()

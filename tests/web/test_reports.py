"""What somebody should look at, by API."""

from __future__ import annotations

from flask.testing import FlaskClient

from loyalty.commerce import ShopSettings
from loyalty.stores.service import NewStore, get_store, revive_store, set_state
from tests.builders import Shop, make_woo_order, woo_body
from tests.web.conftest import Caller, deliver, drain
from workers.runtime import Runtime


def test_order_in_a_foreign_currency_earns_nothing_and_is_listed(
    runtime: Runtime, client: FlaskClient, shop: Shop, caller: Caller, stranger: Caller
) -> None:
    deliver(client, shop, woo_body(make_woo_order(25, "1000")))
    deliver(client, shop, woo_body(make_woo_order(26, "30", currency="USD")))
    drain(runtime, shop)
    listed = caller.get("/reports/orders-to-review").json
    assert [(row["id"], row["reason"], row["currency"], row["total"]) for row in listed["data"]] == [
        ("26", "currency", "USD", "30")
    ]
    assert caller.get("/members").json["data"][0]["balance"]["available"] == 1000
    assert stranger.get("/reports/orders-to-review").json["data"] == []


def test_store_of_the_same_address_comes_back_to_life(shop: Shop, runtime: Runtime) -> None:
    with runtime.database.transaction(shop.account) as connection:
        set_state(connection, shop.store.id, "disconnected")
        new = NewStore(
            "other",
            "Other",
            "woocommerce",
            shop.store.url,
            {"consumer_key": "k", "consumer_secret": "s"},
            "x",
        )
        settings = ShopSettings("TWD", "Asia/Taipei", 0, prices_include_tax=False)
        revive_store(
            connection, runtime.vault, get_store(connection, runtime.vault, shop.store.id), new, settings
        )
        revived = get_store(connection, runtime.vault, shop.store.id)
    assert (revived.number, revived.state, revived.credentials["consumer_key"]) == (1, "connected", "k")
    assert revived.webhook_secrets == ("x", *shop.store.webhook_secrets)

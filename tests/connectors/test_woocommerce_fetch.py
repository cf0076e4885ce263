from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from woocommerce_recordings import rest

from connectors.base import FetchedMessage, RawMessage, StoreAccess
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.commerce import (
    CustomerDeleted,
    CustomerSnapshot,
    OrderDeleted,
    OrderSnapshot,
    OrderState,
    ProductFacts,
    Read,
)
from loyalty.pushes import PushError

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
Facts = Callable[..., list[Any]]


@pytest.fixture
def facts(woo: WooCommerceConnector, woo_access: StoreAccess) -> Facts:
    def read(kind: Read, *ids: int, with_products: bool = False) -> list[Any]:
        texts = [str(each) for each in ids]
        messages = woo.fetch(woo_access, kind, texts, with_products=with_products, now=NOW)
        assert [message.key_id for message in messages] == list(dict.fromkeys(texts))
        return [fact for message in messages for fact in facts_of(woo, woo_access, message)]

    return read


def facts_of(woo: WooCommerceConnector, access: StoreAccess, message: FetchedMessage) -> Any:
    raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
    return woo.parse(access.store_id, raw, with_products=True)


def test_order_is_read_with_its_refunds(facts: Facts, woo_shop: SandboxShop) -> None:
    mug = woo_shop.add_product()
    order = woo_shop.place_order((mug["id"], 2))
    woo_shop.refund(
        order["id"], lines=[{"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": 500}]
    )
    woo_shop.refund(order["id"], 100)
    (snapshot,) = facts(Read.ORDER, order["id"])
    assert isinstance(snapshot, OrderSnapshot)
    assert [(refund.amount, len(refund.lines)) for refund in snapshot.refunds] == [(100, 0), (500, 1)]
    assert snapshot.observed_at == NOW


def test_recorded_order_survives_the_round_trip(facts: Facts, woo_shop: SandboxShop) -> None:
    woo_shop.put_order(rest("usd-orders-get").answer, rest("usd-orders-refunds").answer)
    (snapshot,) = facts(Read.ORDER, 80)
    assert [str(refund.amount) for refund in snapshot.refunds] == ["0.01", "160.01"]
    assert [str(line.total) for line in snapshot.lines] == ["480.03", "303.34", "7.50", "1.25"]


def test_living_trashed_drafted_and_deleted_orders_are_told_apart(
    facts: Facts, woo_shop: SandboxShop
) -> None:
    mug = woo_shop.add_product()
    living, trashed, draft, gone = [woo_shop.place_order((mug["id"], 1))["id"] for _ in range(4)]
    woo_shop.trash(trashed)
    woo_shop.set_status(draft, "checkout-draft")
    woo_shop.delete(gone)
    found = facts(Read.ORDER, gone, living, draft, trashed)
    assert isinstance(found[0], OrderDeleted)
    assert [each.state for each in found[1:]] == [OrderState.LIVE, OrderState.OPEN, OrderState.DEAD]


def test_hundred_and_fifty_orders_take_two_reads(facts: Facts, woo_shop: SandboxShop) -> None:
    mug = woo_shop.add_product()
    ids = [woo_shop.place_order((mug["id"], 1))["id"] for _ in range(150)]
    assert [int(each.external_id) for each in facts(Read.ORDER, *ids)] == ids
    assert len(woo_shop.requests) == 2


def test_same_id_twice_is_read_once(facts: Facts, woo_shop: SandboxShop) -> None:
    order = woo_shop.place_order((woo_shop.add_product()["id"], 1))
    assert len(facts(Read.ORDER, order["id"], order["id"])) == 1


def test_many_refunds_are_read_page_by_page(facts: Facts, woo_shop: SandboxShop) -> None:
    order = woo_shop.place_order((woo_shop.add_product()["id"], 1))
    for _ in range(130):
        woo_shop.refund(order["id"], 1)
    assert len(facts(Read.ORDER, order["id"])[0].refunds) == 130


def test_deleted_refund_is_gone_after_the_next_read(facts: Facts, woo_shop: SandboxShop) -> None:
    order = woo_shop.place_order((woo_shop.add_product()["id"], 2))
    refund = woo_shop.refund(order["id"], 100)
    woo_shop.delete_refund(order["id"], refund["id"])
    assert facts(Read.ORDER, order["id"])[0].refunds == ()


def test_products_are_read_once_and_put_on_their_lines(facts: Facts, woo_shop: SandboxShop) -> None:
    tea = woo_shop.add_product("Tea", 240, categories=[{"id": 17}], tags=[{"slug": "hot"}], sale_price="200")
    card = woo_shop.add_product("Card", 1000, type="pw-gift-card")
    orders = [woo_shop.place_order((tea["id"], 1), (card["id"], 1), (999, 1))["id"] for _ in range(2)]
    snapshot = facts(Read.ORDER, *orders, with_products=True)[1]
    assert [line.product for line in snapshot.lines] == [
        ProductFacts(("17",), ("hot",), False, True),
        ProductFacts(gift_card=True),
        ProductFacts(),
    ]
    assert [seen.path.rpartition("/")[2] for seen in woo_shop.requests] == ["orders", "products"]


def test_variation_has_the_facts_of_its_parent(facts: Facts, woo_shop: SandboxShop) -> None:
    shirt = woo_shop.add_product("Shirt", 400, categories=[{"id": 5}])
    small = woo_shop.add_product("Shirt - S", 455, type="variation", parent_id=shirt["id"])
    order = woo_shop.place_order((small["id"], 1))
    (line,) = facts(Read.ORDER, order["id"], with_products=True)[0].lines
    assert (line.product_id, line.variation_id, line.product.category_ids) == (
        str(shirt["id"]),
        str(small["id"]),
        ("5",),
    )


def test_customers_of_any_role_and_gone_ones(facts: Facts, woo_shop: SandboxShop) -> None:
    amy = woo_shop.add_customer(first_name="Amy")
    boss = woo_shop.add_customer("boss@example.test", role="administrator")
    found = facts(Read.CUSTOMER, amy["id"], boss["id"], 999)
    assert [type(each) for each in found] == [CustomerSnapshot, CustomerSnapshot, CustomerDeleted]
    assert (found[0].name, found[1].role, found[2].observed_at) == ("Amy", "administrator", NOW)


def test_message_keeps_no_more_than_is_read_back(woo: WooCommerceConnector, woo_access: StoreAccess) -> None:
    with SandboxShop() as shop:
        amy = shop.add_customer(meta_data=[{"key": "history", "value": "x" * 50_000}])
        access = StoreAccess(woo_access.store_id, shop.url, woo_access.credentials, "Asia/Taipei")
        (message,) = woo.fetch(access, Read.CUSTOMER, [str(amy["id"])], with_products=False, now=NOW)
    assert len(message.body) < 1000


@pytest.mark.parametrize("kind", [Read.ORDER, Read.CUSTOMER])
def test_404_for_another_reason_is_no_deletion(facts: Facts, woo_shop: SandboxShop, kind: Read) -> None:
    woo_shop.fail_next(path="/999", status=404, body=b'{"code": "rest_no_route", "data": {"status": 404}}')
    with pytest.raises(PushError) as caught:
        facts(kind, 999)
    assert (caught.value.permanent, caught.value.reason) == (False, "configuration")


def test_shop_in_trouble_cannot_be_asked(facts: Facts, woo_shop: SandboxShop) -> None:
    woo_shop.fail_next(status=500)
    with pytest.raises(PushError, match="500"):
        facts(Read.ORDER, 1)

"""How a shop is looked over: lists that move under the reader, the trash, refunds that nobody tells of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connectors.base import RawMessage, StoreAccess
from connectors.till import TillConnector
from connectors.woocommerce import WooCommerceConnector
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.commerce import CustomerSnapshot, OrderSnapshot
from loyalty.pushes import PushError

START = datetime(2026, 3, 10, 4, tzinfo=UTC)


def place(shop: SandboxShop, count: int, every: timedelta = timedelta(seconds=1)) -> list[str]:
    """Orders one after the other, the first a second after the start."""
    mug = shop.add_product()["id"]
    placed = []
    for number in range(count):
        shop.now = lambda at=START + timedelta(seconds=1) + number * every: at  # type: ignore[misc]
        placed.append(str(shop.place_order((mug, 1))["id"]))
    return placed


def changed(woo: WooCommerceConnector, access: StoreAccess, since: datetime = START) -> list[str]:
    found, cursor = [], None
    for _ in range(50):
        page = woo.list_changed(access, since, cursor)
        found += [seen.external_id for seen in page.sightings]
        cursor = page.next
        if cursor is None:
            return found
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=1), timedelta(minutes=1)])
def test_every_changed_order_is_seen(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop, count: int, every: timedelta
) -> None:
    placed = place(woo_shop, count, every)
    assert list(dict.fromkeys(changed(woo, woo_access))) == placed


@pytest.mark.parametrize(("since", "seen"), [(-1, True), (0, True), (1, False)])
def test_changed_after_is_strictly_later(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop, since: int, seen: bool
) -> None:
    placed = place(woo_shop, 1)
    found = changed(woo, woo_access, START + timedelta(seconds=since))
    assert found == (placed if seen else [])


def test_order_that_changes_between_two_pages_hides_no_other(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    placed = place(woo_shop, 220)
    first = woo.list_changed(woo_access, START, None)
    woo_shop.now = lambda: START + timedelta(hours=1)
    for number in placed[:30]:
        woo_shop.set_status(int(number), "completed")
    found, cursor = [seen.external_id for seen in first.sightings], first.next
    while cursor is not None:
        page = woo.list_changed(woo_access, START, cursor)
        found += [seen.external_id for seen in page.sightings]
        cursor = page.next
    assert set(placed) <= set(found)


def test_trashed_orders_are_listed_too(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    kept, trashed = place(woo_shop, 2)
    woo_shop.trash(int(trashed))
    assert changed(woo, woo_access) == [kept, trashed]
    seen = {each.external_id: each.status for each in woo.sight_orders(woo_access, [kept, trashed, "999"])}
    assert seen == {kept: "processing", trashed: "trash"}


def test_deleted_refund_is_seen_though_the_order_says_nothing_of_a_change(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    (order,) = place(woo_shop, 1)
    refund = woo_shop.refund(int(order), 100)
    before = woo.sight_orders(woo_access, [order])[0]
    woo_shop.delete_refund(int(order), refund["id"])
    after = woo.sight_orders(woo_access, [order])[0]
    assert before.refunds == {(str(refund["id"]), Decimal(100))}
    assert (after.refunds, after.modified_at) == (frozenset(), before.modified_at)


def test_tiers_are_seen_at_customers_of_any_role(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    meta = [{"key": "laurel_tier", "value": "gold"}]
    amy = woo_shop.add_customer(meta_data=meta)["id"]
    boss = woo_shop.add_customer("boss@example.test", role="administrator")["id"]
    assert woo.sight_tiers(woo_access, [str(amy), str(boss), "999"]) == {str(amy): "gold", str(boss): ""}


@pytest.mark.parametrize("since", [None, START + timedelta(seconds=120)])
def test_past_is_customers_and_then_orders_from_an_instant(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop, since: datetime | None
) -> None:
    placed = place(woo_shop, 250)
    woo_shop.refund(int(placed[-1]), 100)
    for number in range(130):
        woo_shop.add_customer(f"c{number}@example.test")
    wanted = placed if since is None else placed[119:]
    facts, cursor = [], None
    while True:
        page = woo.read_past(woo_access, since, cursor, with_products=False, now=START)
        for message in page.messages:
            raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
            facts += woo.parse(woo_access.store_id, raw, with_products=False)  # type: ignore[arg-type]
        cursor = page.next
        if cursor is None:
            break
    orders = {fact.external_id: fact for fact in facts if isinstance(fact, OrderSnapshot)}
    assert len({fact.external_id for fact in facts if isinstance(fact, CustomerSnapshot)}) == 130
    assert list(orders) == wanted
    assert len(orders[placed[-1]].refunds) == 1
    assert woo.count_past(woo_access, since) == 130 + len(wanted)


def test_order_that_cannot_be_read_is_not_taken_for_missing(
    woo: WooCommerceConnector, woo_access: StoreAccess, woo_shop: SandboxShop
) -> None:
    woo_shop.fail_next(status=200, body=b'[{"id": 5, "status": "processing", "total": "x"}]')
    with pytest.raises(PushError, match="cannot be read"):
        woo.list_changed(woo_access, START, None)


def test_till_cannot_be_looked_over(woo_access: StoreAccess) -> None:
    till = TillConnector()
    for ask in (
        lambda: till.list_changed(woo_access, START, None),
        lambda: till.sight_orders(woo_access, ["1"]),
        lambda: till.sight_tiers(woo_access, ["1"]),
        lambda: till.count_past(woo_access, None),
        lambda: till.read_past(woo_access, None, None, with_products=False, now=START),
    ):
        with pytest.raises(PushError, match="till"):
            ask()

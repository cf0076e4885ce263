"""The past of a Shopify store: what it counts for, that a worker lets go while the file is written, and goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import make_reachable

from connectors.halving import MOST_IN_A_ROW
from connectors.shopify import past
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.backfills.repository import Wish, find_backfill
from loyalty.clock import utc_now
from loyalty.engine.past import ask_for_past
from loyalty.inbox.repository import accept
from loyalty.pushes import PushError
from loyalty.stores.service import Store
from workers.backfilling import run_backfill
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.runtime import Runtime

DAY = timedelta(days=1)


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: ShopifySandbox) -> Desk:
    """Amy bought for 1000, 500 and 300 in the shop's past, and had 200 of the first back."""
    amy = sandbox.add_customer("amy@example.test")["id"]
    for age, price in ((40, 1000), (20, 500), (2, 300)):
        sandbox.now = lambda age=age: utc_now() - age * DAY
        mug = sandbox.add_product("Mug", price)["id"]
        order = sandbox.place_order((mug, 1), customer=amy)["id"]
        if price == 1000:
            sandbox.refund(order, amount=200)
    sandbox.now = utc_now
    return Desk(runtime, make_shop(runtime, make_document(), effective_from=utc_now() - timedelta(seconds=1)))


@pytest.fixture
def store(desk: Desk, sandbox: ShopifySandbox) -> Store:
    return make_reachable(desk.runtime, desk.shop.account, sandbox)


def ask(desk: Desk, store: Store, **wish: Any) -> Any:
    with desk.connect() as connection:
        return ask_for_past(connection, desk.shop.account, store, Wish(**wish), utc_now(), "staff")


def row_of(desk: Desk, asked: Any) -> dict[str, Any]:
    with desk.connect() as connection:
        return dict(find_backfill(connection, asked) or {})


def points(desk: Desk) -> list[int]:
    return [row["points_sum"] for row in desk.rows("select points_sum from members where points_sum <> 0")]


def test_the_past_counts_with_its_refunds(desk: Desk, store: Store) -> None:
    asked = ask(desk, store)
    assert run_backfill(desk.runtime, desk.shop.account, store.id, force=True) is True
    done = row_of(desk, asked)
    assert (done["state"], done["seen"], done["percent"]) == ("done", 4, 100)
    assert (points(desk), desk.differences()) == ([1600], [])


def test_a_worker_lets_go_while_the_shop_writes_its_file_and_goes_on_later(
    desk: Desk, store: Store, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "SHORTEST_WAIT", 30.0)
    sandbox.state.bulk_seconds = 3600
    asked = ask(desk, store)
    place = (desk.runtime, desk.shop.account, store.id)
    assert run_backfill(*place) is False
    (waiting,) = desk.rows("select cursor, not_before, leased_until from backfills")
    assert waiting["cursor"].startswith("wait ")
    assert waiting["leased_until"] is None
    assert utc_now() < waiting["not_before"] <= utc_now() + timedelta(seconds=31)
    assert run_backfill(*place) is None
    sandbox.now = lambda: utc_now() + timedelta(hours=2)
    assert run_backfill(*place, force=True) is True
    assert (row_of(desk, asked)["state"], points(desk)) == ("done", [1600])
    assert len(sandbox.state.bulks) == 1


def test_an_order_that_was_deleted_while_the_file_waited_stays_deleted(
    desk: Desk, store: Store, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "SHORTEST_WAIT", 30.0)
    sandbox.state.bulk_seconds = 3600
    ask(desk, store)
    place = (desk.runtime, desk.shop.account, store.id)
    assert run_backfill(*place) is False
    last = max(sandbox.state.orders)
    sandbox.cancel(last, refund=False)
    sandbox.delete(last)
    signal(desk, store, last)
    sandbox.now = lambda: utc_now() + timedelta(hours=2)
    assert run_backfill(*place, force=True) is True
    assert (points(desk), desk.differences()) == ([1300], [])


def test_an_order_at_which_the_shop_fails_holds_no_past_up_and_counts_later(
    desk: Desk, store: Store, sandbox: ShopifySandbox
) -> None:
    """The one with a refund is read again, as a file does not tell all of it."""
    refunded = min(sandbox.state.orders)
    sandbox.state.failing.add(refunded)
    ask(desk, store)
    assert run_backfill(desk.runtime, desk.shop.account, store.id, force=True) is True
    assert points(desk) == [800]
    (late,) = desk.rows("select read_ids, attempts from inbox_messages where status = 'reading'")
    assert (late["read_ids"], late["attempts"] >= 1) == (str(refunded), True)
    sandbox.state.failing.clear()
    desk.rows("update inbox_messages set not_before = null where status = 'reading' returning id")
    fetch_store(desk.runtime, desk.shop.account, store.id)
    drain_account(desk.runtime, desk.shop.account)
    assert (points(desk), desk.differences()) == ([1600], [])


def test_a_past_whose_only_order_always_fails_ends(runtime: Runtime, sandbox: ShopifySandbox) -> None:
    mug = sandbox.add_product("Mug", 1000)["id"]
    order = sandbox.place_order((mug, 1), customer=sandbox.add_customer("amy@example.test")["id"])["id"]
    sandbox.refund(order, amount=200)
    desk = Desk(runtime, make_shop(runtime, make_document(), effective_from=utc_now() - timedelta(seconds=1)))
    store = make_reachable(runtime, desk.shop.account, sandbox)
    sandbox.state.failing.add(order)
    ask(desk, store)
    assert run_backfill(runtime, desk.shop.account, store.id, force=True) is True
    (late,) = desk.rows("select read_ids from inbox_messages where status = 'reading'")
    assert late["read_ids"] == str(order)


def test_a_shop_that_fails_at_every_order_is_asked_again_later(
    desk: Desk, store: Store, sandbox: ShopifySandbox
) -> None:
    mug = sandbox.add_product("Mug", 200)["id"]
    for _ in range(MOST_IN_A_ROW):
        sandbox.place_order((mug, 1), customer=next(iter(sandbox.state.customers)))
    for order in list(sandbox.state.orders)[1:]:
        sandbox.refund(order, amount=100)
    sandbox.state.failing.update(sandbox.state.orders)
    asked = ask(desk, store)
    assert run_backfill(desk.runtime, desk.shop.account, store.id, force=True) is False
    assert row_of(desk, asked)["problem"].startswith("unreachable: ")
    assert desk.rows("select 1 from inbox_messages where status = 'reading'") == []
    sandbox.state.failing.clear()
    assert run_backfill(desk.runtime, desk.shop.account, store.id, force=True) is True
    assert points(desk) == [1400 + 100 * MOST_IN_A_ROW]


def signal(desk: Desk, store: Store, order: int) -> None:
    """Deliver that an order was deleted; the shop is asked and has none."""
    body = json.dumps({"id": order}).encode()
    with desk.connect() as connection:
        accept(
            connection, desk.shop.account, store.id, key=hashlib.sha256(body).digest(), source="webhook",
            topic="orders/delete", delivery_id="", body=body,
        )  # fmt: skip
    drain_account(desk.runtime, desk.shop.account)
    fetch_store(desk.runtime, desk.shop.account, store.id)
    drain_account(desk.runtime, desk.shop.account)


def test_a_backfill_that_was_cut_off_at_any_page_reads_nothing_twice_to_anybodys_advantage(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "SLICE", 2000)
    ask(desk, store)
    connector: Any = desk.runtime.connectors["shopify"]
    read, calls = connector.read_past, iter(range(1000))

    def cut_off(*given: Any, **more: Any) -> Any:
        if next(calls) % 2:
            raise PushError("cut off", permanent=False, reason="unreachable")
        return read(*given, **more)

    monkeypatch.setattr(connector, "read_past", cut_off)
    runs = [run_backfill(desk.runtime, desk.shop.account, store.id, force=True) for _ in range(12)]
    assert runs.index(True) > 2
    drain_account(desk.runtime, desk.shop.account)
    assert (points(desk), desk.differences()) == ([1600], [])

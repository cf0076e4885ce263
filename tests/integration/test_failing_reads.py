"""One order at which a shop always fails delays no other: neither of a batch of reads, nor of a pass over the shop."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from builders import make_document, make_shop
from receiving import Desk
from shopify_stores import make_reachable, sample
from sqlalchemy import event

from connectors.shopify import reconcile
from connectors.shopify.sandbox import ShopifySandbox
from loyalty.clock import utc_now
from loyalty.inbox.repository import accept
from workers import reconciling
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.runtime import Runtime

HOUR = timedelta(hours=1)
PAID = sample("derived/orders_paid")


@pytest.fixture
def sandbox() -> Iterator[ShopifySandbox]:
    with ShopifySandbox() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: ShopifySandbox) -> Desk:
    shop = make_shop(runtime, make_document())
    store = make_reachable(runtime, shop.account, sandbox)
    return Desk(runtime, replace(shop, store=store))


def place(sandbox: ShopifySandbox, count: int) -> list[int]:
    """Orders of 100 each, all of one buyer."""
    amy = next(iter(sandbox.state.customers), None) or sandbox.add_customer("amy@example.test")["id"]
    mug = sandbox.add_product("Mug", 100)["id"]
    return [int(sandbox.place_order((mug, 1), customer=amy)["id"]) for _ in range(count)]


def tell(desk: Desk, *orders: int) -> None:
    """Deliver a signal for each order, which states nothing by itself, and read them."""
    for order in orders:
        body = json.dumps({"order_edit": {"order_id": order}}).encode()
        key = hashlib.sha256(body).digest()
        with desk.connect() as connection:
            accept(
                connection, desk.shop.account, desk.shop.store.id, key=key, source="webhook",
                topic="orders/edited", delivery_id="", body=body,
            )  # fmt: skip
    desk.drain()
    fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    desk.drain()


def points(desk: Desk) -> list[int]:
    return [row["points_sum"] for row in desk.rows("select points_sum from members")]


def waiting(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows(
        "select read_ids, attempts, reason from inbox_messages where status = 'reading' order by id"
    )


def test_one_order_that_always_fails_leaves_the_rest_of_its_batch_alone(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    numbers = place(sandbox, 12)
    sandbox.state.failing.add(numbers[5])
    tell(desk, *numbers)
    assert points(desk) == [1100]
    (late,) = waiting(desk)
    assert (late["read_ids"], late["attempts"]) == (str(numbers[5]), 1)
    assert late["reason"].startswith("unreachable: ")


def accepted(desk: Desk, first: int, count: int) -> list[int]:
    """Deliver so many orders and have them read; return how many messages each statement stored."""
    for number in range(first, first + count):
        body = json.dumps(
            {**PAID, "id": number, "admin_graphql_api_id": f"gid://shopify/Order/{number}"}
        ).encode()
        with desk.connect() as connection:
            accept(
                connection, desk.shop.account, desk.shop.store.id, key=hashlib.sha256(body).digest(),
                source="webhook", topic="orders/paid", delivery_id="", body=body,
            )  # fmt: skip
    desk.drain()
    stored: list[int] = []

    def note(*given: Any) -> None:
        if "laurel_accept" in given[2] or "into inbox_messages" in given[2]:
            stored.append(given[1].rowcount)

    event.listen(desk.runtime.database.engine, "after_cursor_execute", note)
    fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    event.remove(desk.runtime.database.engine, "after_cursor_execute", note)
    desk.drain()
    return stored


def test_answers_and_what_deliveries_state_are_stored_by_one_statement_whatever_their_number(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    """The shop may have these orders and does not show them to us, so that both are stored."""
    sandbox.grant("read_orders", "read_products", "read_customers")
    assert (accepted(desk, 700, 1), accepted(desk, 800, 30)) == ([1, 1], [30, 30])
    sources = desk.rows("select source, count(*) as number from inbox_messages group by 1 order by 1")
    assert [tuple(row.values()) for row in sources] == [("fetch", 31), ("restate", 31), ("webhook", 31)]


def test_an_order_that_failed_counts_once_the_shop_answers(desk: Desk, sandbox: ShopifySandbox) -> None:
    numbers = place(sandbox, 2)
    sandbox.state.failing.add(numbers[1])
    tell(desk, *numbers)
    answer_again(desk, sandbox)
    assert (points(desk), waiting(desk), desk.differences()) == ([200], [], [])


def test_a_throttled_shop_is_asked_for_all_at_once(desk: Desk, sandbox: ShopifySandbox) -> None:
    numbers = place(sandbox, 12)
    sandbox.fail_next(status=429, body=b"{}")
    tell(desk, *numbers)
    assert [each.status for each in sandbox.requests] == [429]
    assert [each["read_ids"] for each in waiting(desk)] == [str(each) for each in numbers]


def placed_before(desk: Desk, sandbox: ShopifySandbox, age: timedelta, count: int) -> list[int]:
    """Orders that were placed so long ago, after the store was connected, of which nothing arrived."""
    desk.rows("update stores set created_at = now() - interval '9 days' returning id")
    sandbox.now = lambda: utc_now() - age
    numbers = place(sandbox, count)
    sandbox.now = utc_now
    return numbers


def looked_until(desk: Desk) -> datetime:
    (row,) = desk.rows(f"select looked_until from stores where id = '{desk.shop.store.id}'")
    return cast(datetime, row["looked_until"])


def answer_again(desk: Desk, sandbox: ShopifySandbox) -> None:
    """Let the shop answer whatever it is asked for, and its messages be read now."""
    sandbox.state.failing.clear()
    desk.rows("update inbox_messages set not_before = null where status = 'reading' returning id")
    fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    drain_account(desk.runtime, desk.shop.account)


def test_a_pass_goes_on_past_an_order_that_fails_which_is_read_by_itself_however_late(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    numbers = placed_before(desk, sandbox, HOUR, 2)
    sandbox.fulfil(numbers[1])
    sandbox.state.failing.add(numbers[0])
    assert desk.reconcile("poll") == 2
    assert (points(desk), utc_now() - looked_until(desk) < HOUR / 2) == ([100], True)
    assert [desk.reconcile("poll"), desk.reconcile("deep")] == [0, 1]
    assert [each["read_ids"] for each in waiting(desk)] == [str(numbers[0])]
    answer_again(desk, sandbox)
    assert (points(desk), waiting(desk), desk.differences()) == ([200], [], [])
    assert desk.reconcile("deep") == 0


def test_an_order_that_fails_again_later_is_read_again(desk: Desk, sandbox: ShopifySandbox) -> None:
    (number,) = placed_before(desk, sandbox, HOUR, 1)
    sandbox.state.failing.add(number)
    desk.reconcile("poll")
    answer_again(desk, sandbox)
    sandbox.refund(number, amount=40)
    sandbox.state.failing.add(number)
    assert desk.reconcile("poll") == 1
    answer_again(desk, sandbox)
    assert (points(desk), waiting(desk)) == ([60], [])


def test_a_pass_that_was_interrupted_behind_an_order_that_fails_does_not_lose_it(
    desk: Desk, sandbox: ShopifySandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lies so far back that no later pass would list it."""
    (lost,) = placed_before(desk, sandbox, timedelta(days=5), 1)
    for days in (4, 3):
        placed_before(desk, sandbox, timedelta(days=days), 1)
    monkeypatch.setattr(reconcile, "PAGE", 1)
    sandbox.state.failing.add(lost)
    times = iter([0.0] * 5)
    monkeypatch.setattr(reconciling, "monotonic", lambda: next(times, 1e9))
    assert desk.reconcile("poll") is None
    monkeypatch.undo()
    (run,) = desk.rows("select cursor from reconciliations")
    assert run["cursor"] > f"{utc_now() - timedelta(days=4, hours=1):%Y-%m-%dT%H}"
    desk.reconcile("poll")
    assert (points(desk), looked_until(desk) > utc_now() - timedelta(days=3, hours=1)) == ([200], True)
    assert [each["read_ids"] for each in waiting(desk)] == [str(lost)]
    answer_again(desk, sandbox)
    assert (points(desk), desk.reconcile("deep")) == ([300], 0)


def test_a_refund_that_fails_holds_no_pass_up(desk: Desk, sandbox: ShopifySandbox) -> None:
    numbers = placed_before(desk, sandbox, HOUR, 2)
    assert desk.reconcile("recent") == 2
    refund = sandbox.refund(numbers[0], amount=40)["id"]
    sandbox.state.failing.add(refund)
    sandbox.cancel(numbers[1])
    assert desk.reconcile("recent") == 2
    assert (points(desk), utc_now() - looked_until(desk) < HOUR / 2) == ([100], True)
    answer_again(desk, sandbox)
    assert (points(desk), desk.reconcile("deep"), desk.differences()) == ([60], 0, [])


def test_a_refund_that_fails_later_leaves_what_is_known_of_it(desk: Desk, sandbox: ShopifySandbox) -> None:
    numbers = placed_before(desk, sandbox, HOUR, 2)
    refund = sandbox.refund(numbers[0], amount=40)["id"]
    desk.reconcile("poll")
    sandbox.state.failing.add(refund)
    assert desk.reconcile("deep") == 2
    (report,) = desk.rows("select state, seen, differences from reconciliations where kind = 'deep'")
    assert (report["state"], report["differences"], points(desk)) == ("done", {"unread": 2}, [160])
    assert [each["read_ids"] for each in waiting(desk)] == [str(numbers[0])]


def test_an_order_that_fails_hides_no_deleted_one_and_is_not_gone(
    desk: Desk, sandbox: ShopifySandbox
) -> None:
    numbers = placed_before(desk, sandbox, HOUR, 3)
    desk.reconcile("poll")
    sandbox.delete(numbers[2])
    sandbox.state.failing.add(numbers[0])
    assert desk.reconcile("deep") == 1
    (report,) = desk.rows("select state, seen, differences from reconciliations where kind = 'deep'")
    assert (points(desk), report["state"], report["differences"]) == ([200], "done", {"gone": 1})


def test_a_customer_who_fails_hides_no_other_who_shows_another_tier(
    runtime: Runtime, sandbox: ShopifySandbox
) -> None:
    first = {"key": "first", "name": {"en": "First"}}
    second = {
        "key": "second", "name": {"en": "Second"}, "enter": {"any": [{"metric": "spend", "at_least": "50"}]},
    }  # fmt: skip
    shop = make_shop(runtime, make_document(tiers=[first, second]))
    store = make_reachable(runtime, shop.account, sandbox)
    desk = Desk(runtime, replace(shop, store=store))
    desk.rows("update stores set created_at = now() - interval '9 days' returning id")
    mug = sandbox.add_product("Mug", 100)["id"]
    people = [sandbox.add_customer(f"{each}@example.test")["id"] for each in range(3)]
    for each in people:
        sandbox.place_order((mug, 1), customer=each)
    desk.reconcile("poll")
    desk.rows("delete from pushes returning id")
    sandbox.state.failing.add(people[1])
    assert desk.reconcile("deep") == 2
    told = desk.rows("select subject from pushes order by subject")
    assert [each["subject"].rpartition(":")[2] for each in told] == [str(people[0]), str(people[2])]

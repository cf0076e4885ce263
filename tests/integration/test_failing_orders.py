"""One order at which a WooCommerce shop always fails delays no other: neither of a batch of reads, nor of a pass over
the shop, nor of its past.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from builders import make_document
from receiving import Desk, make_desk

from connectors.halving import MOST_IN_A_ROW
from connectors.woocommerce.sandbox import SandboxShop
from loyalty.clock import utc_now
from workers.draining import drain_account
from workers.fetching import fetch_store
from workers.pushing import push_store
from workers.runtime import Runtime

HOUR = timedelta(hours=1)


@pytest.fixture
def sandbox() -> Iterator[SandboxShop]:
    with SandboxShop() as shop:
        yield shop


@pytest.fixture
def desk(runtime: Runtime, sandbox: SandboxShop) -> Desk:
    desk = make_desk(runtime, make_document(), sandbox)
    desk.rows("update stores set created_at = now() - interval '9 days' returning id")
    return desk


def place(sandbox: SandboxShop, count: int, age: timedelta = HOUR) -> list[int]:
    """Orders of 100 each, all of one buyer, placed so long ago, of which nothing arrived."""
    amy = next(iter(sandbox.state.customers), None) or sandbox.add_customer("amy@example.test")["id"]
    mug = sandbox.add_product("Mug", 100)["id"]
    sandbox.now = lambda: utc_now() - age
    placed = [int(sandbox.place_order((mug, 1), customer=amy)["id"]) for _ in range(count)]
    sandbox.now = utc_now
    return placed


def tell(desk: Desk, *orders: int) -> None:
    """Deliver messages that only name orders, and read these."""
    for order in orders:
        desk.deliver({"id": order})
    desk.drain()
    desk.read_again()


def points(desk: Desk) -> int:
    return sum(row["points_sum"] for row in desk.rows("select points_sum from members"))


def waiting(desk: Desk) -> list[dict[str, Any]]:
    return desk.rows(
        "select read_ids, attempts, reason from inbox_messages where status = 'reading' order by id"
    )


def looked_until(desk: Desk) -> datetime:
    (row,) = desk.rows(f"select looked_until from stores where id = '{desk.shop.store.id}'")
    return cast(datetime, row["looked_until"])


def report(desk: Desk) -> tuple[str, dict[str, int]]:
    (row,) = desk.rows("select state, differences from reconciliations order by id desc limit 1")
    return row["state"], row["differences"]


def answer_again(desk: Desk, sandbox: SandboxShop) -> None:
    """Let the shop answer whatever it is asked for, and its messages be read now."""
    sandbox.state.failing.clear()
    desk.rows("update inbox_messages set not_before = null where status = 'reading' returning id")
    fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    drain_account(desk.runtime, desk.shop.account)


@pytest.mark.parametrize("kind", ["orders", "refunds"])
def test_one_order_that_always_fails_leaves_the_rest_of_its_batch_alone(
    desk: Desk, sandbox: SandboxShop, kind: str
) -> None:
    numbers = place(sandbox, 12)
    for each in numbers:
        sandbox.refund(each, 40)
    sandbox.state.failing.add((kind, numbers[5]))
    tell(desk, *numbers)
    assert points(desk) == 11 * 60
    (late,) = waiting(desk)
    assert (late["read_ids"], late["attempts"]) == (str(numbers[5]), 1)
    assert late["reason"].startswith("unreachable: ")
    answer_again(desk, sandbox)
    assert (points(desk), waiting(desk), desk.differences()) == (12 * 60, [], [])


def test_order_that_goes_on_failing_waits_longer_each_time(desk: Desk, sandbox: SandboxShop) -> None:
    (number,) = place(sandbox, 1)
    sandbox.refund(number, 40)
    sandbox.state.failing.add(("refunds", number))
    tell(desk, number)
    for _ in range(3):
        desk.rows("update inbox_messages set not_before = null where status = 'reading' returning id")
        fetch_store(desk.runtime, desk.shop.account, desk.shop.store.id)
    assert [each["attempts"] for each in waiting(desk)] == [4]
    assert len(desk.rows("select id from inbox_messages")) == 1


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_shop_that_is_away_is_asked_for_all_at_once(desk: Desk, sandbox: SandboxShop, status: int) -> None:
    numbers = place(sandbox, 12)
    sandbox.fail_next(status=status, body=b"{}")
    tell(desk, *numbers)
    assert [each.status for each in sandbox.requests] == [status]
    assert [each["read_ids"] for each in waiting(desk)] == [str(each) for each in numbers]


def test_a_shop_that_fails_at_everything_is_not_asked_for_each(desk: Desk, sandbox: SandboxShop) -> None:
    numbers = place(sandbox, 150)
    sandbox.fail_next(times=900, status=500)
    tell(desk, *numbers)
    assert len(sandbox.requests) <= 2 * MOST_IN_A_ROW + 1
    assert {each["attempts"] for each in waiting(desk)} == {1}
    sandbox.recover()
    answer_again(desk, sandbox)
    assert (points(desk), waiting(desk)) == (15000, [])


@pytest.mark.parametrize("kind", ["orders", "refunds"])
def test_a_pass_goes_on_past_an_order_that_fails_which_is_read_by_itself_however_late(
    desk: Desk, sandbox: SandboxShop, kind: str
) -> None:
    numbers = place(sandbox, 3)
    sandbox.refund(numbers[0], 40)
    sandbox.set_status(numbers[2], "completed")
    sandbox.state.failing.add((kind, numbers[0]))
    assert desk.reconcile("poll") == 3
    assert (points(desk), utc_now() - looked_until(desk) < HOUR / 2) == (200, True)
    assert [desk.reconcile("recent"), desk.reconcile("deep")] == [1, 1]
    assert report(desk) == ("done", {"missing": 1})
    assert [each["read_ids"] for each in waiting(desk)] == [str(numbers[0])]
    answer_again(desk, sandbox)
    assert (points(desk), waiting(desk), desk.differences()) == (260, [], [])
    assert desk.reconcile("deep") == 0


def test_known_order_that_fails_hides_no_deleted_one_and_is_not_gone(
    desk: Desk, sandbox: SandboxShop
) -> None:
    numbers = place(sandbox, 3)
    desk.reconcile("poll")
    sandbox.delete(numbers[2])
    sandbox.state.failing.add(("orders", numbers[0]))
    assert desk.reconcile("deep") == 2
    assert (points(desk), report(desk)) == (200, ("done", {"gone": 1, "unread": 1}))


def test_refund_that_fails_holds_no_pass_up(desk: Desk, sandbox: SandboxShop) -> None:
    numbers = place(sandbox, 2)
    assert desk.reconcile("recent") == 2
    sandbox.refund(numbers[0], 40)
    sandbox.state.failing.add(("refunds", numbers[0]))
    sandbox.set_status(numbers[1], "cancelled")
    assert desk.reconcile("recent") == 2
    assert (points(desk), utc_now() - looked_until(desk) < HOUR / 2) == (100, True)
    answer_again(desk, sandbox)
    assert (points(desk), desk.reconcile("deep"), desk.differences()) == (60, 0, [])


def test_customer_who_fails_hides_no_other_who_shows_another_tier(
    runtime: Runtime, sandbox: SandboxShop
) -> None:
    first = {"key": "first", "name": {"en": "First"}}
    second = {
        "key": "second", "name": {"en": "Second"}, "enter": {"any": [{"metric": "spend", "at_least": "50"}]},
    }  # fmt: skip
    desk = make_desk(runtime, make_document(tiers=[first, second]), sandbox)
    mug = sandbox.add_product("Mug", 100)["id"]
    people = [int(sandbox.add_customer(f"{each}@example.test")["id"]) for each in range(3)]
    for each in people:
        desk.signal(sandbox.place_order((mug, 1), customer=each)["id"])
    sandbox.state.failing.add(("customers", people[1]))
    push_store(runtime, desk.shop.account, desk.shop.store.id)
    states = desk.rows("select status from pushes where kind = 'set_member_tier' order by id")
    assert [each["status"] for each in states] == ["done", "waiting", "done"]
    desk.rows("delete from pushes returning id")
    for each in (people[0], people[2]):
        sandbox.call("PUT", f"customers/{each}", {"meta_data": [{"key": "laurel_tier", "value": "first"}]})
    assert desk.reconcile("deep") == 2
    told = desk.rows("select subject from pushes order by subject")
    assert [each["subject"].rpartition(":")[2] for each in told] == [str(people[0]), str(people[2])]


def test_past_is_read_beyond_what_fails(desk: Desk, sandbox: SandboxShop) -> None:
    desk.rows("update stores set created_at = now() returning id")
    numbers = place(sandbox, 4, timedelta(days=3))
    sandbox.refund(numbers[1], 40)
    sandbox.state.failing |= {("orders", numbers[2]), ("refunds", numbers[1]), ("customers", 2)}
    done = desk.backfill()
    assert (done["state"], points(desk)) == ("done", 200)
    assert {each["read_ids"] for each in waiting(desk)} == {"2", str(numbers[1]), str(numbers[2])}
    answer_again(desk, sandbox)
    assert (points(desk), waiting(desk), desk.differences()) == (360, [], [])


def test_preview_tells_what_it_could_not_read(desk: Desk, sandbox: SandboxShop) -> None:
    orders = place(sandbox, 5, timedelta(days=3))
    sandbox.state.failing.add(("orders", orders[2]))
    figures = desk.backfill(preview=True)["figures"]
    assert (figures["orders"], figures["unread"], figures["points"]) == (4, 1, 400)


def test_past_waits_for_a_shop_that_fails_at_what_belongs_to_every_order(
    desk: Desk, sandbox: SandboxShop
) -> None:
    for order in place(sandbox, 3, timedelta(days=3)):
        sandbox.refund(order, "10")
    sandbox.fail_next(times=50, path="/refunds", status=500)
    waiting_one = desk.backfill(preview=True)
    assert (waiting_one["state"], waiting_one["problem"].partition(":")[0]) == ("running", "unreachable")

"""Many workers give points of one limited campaign at once: never more than it has, and what was given stays given."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from builders import Shop, make_document, make_runtime, make_shop
from test_drains import (
    MOST_STATEMENTS,
    WORKERS,
    differences,
    drain_in_spite_of_deadlocks,
    life,
    order_body,
    statements_of_a_drain,
    store,
)

from bench.dumps import rows, statuses
from embedded import ServerUrls
from loyalty.logs import configure_logging
from loyalty.members.repository import mark_all_for_refold
from workers.draining import drain_account, refold_account
from workers.runtime import Runtime

ORDERS = 60
MEMBERS = 12
WINDOW = {"from": "2026-01-01T00:00", "until": "2027-01-01T00:00"}
FIRST = {**WINDOW, "key": "first", "multiplier": "2", "budget": 1234, "per_member": 450}
SECOND = {**WINDOW, "key": "second", "bonus": 30, "budget": 777}
PROGRAM = make_document(campaigns=[FIRST, SECOND])


@pytest.fixture
def runtime(database: Any, servers: ServerUrls) -> Iterator[Runtime]:
    configure_logging("critical")
    made = make_runtime(database.app_url, database.owner_url, servers.redis)
    yield made
    made.database.dispose()


def read(runtime: Runtime, shop: Shop, statement: str) -> list[tuple[Any, ...]]:
    with runtime.database.transaction(shop.account) as connection:
        return rows(connection, statement)


def in_use(runtime: Runtime, shop: Shop) -> dict[str, int]:
    statement = "select campaign_key, sum(granted - returned) from campaign_allocations group by 1"
    return {key: int(points) for key, points in read(runtime, shop, statement)}


def counted(runtime: Runtime, shop: Shop) -> dict[str, int]:
    return {
        key: int(used) for key, used in read(runtime, shop, "select campaign_key, used from campaign_budgets")
    }


def drain_with_many(runtime: Runtime, shop: Shop) -> int:
    refusals: list[str] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(
            pool.map(
                lambda worker: drain_in_spite_of_deadlocks(runtime, shop, 1 + worker, refusals),
                range(WORKERS),
            )
        )


def test_eight_workers_give_all_that_a_campaign_has_and_no_more(runtime: Runtime) -> None:
    shop = make_shop(runtime, PROGRAM)
    for id in range(1, ORDERS + 1):
        store(runtime, shop, order_body(id, 1 + id % MEMBERS, minutes=1))
    drain_with_many(runtime, shop)

    assert in_use(runtime, shop) == counted(runtime, shop) == {"first": 1234, "second": 777}
    extra = "select sum(points) - 100 * count(*) from orders"
    assert read(runtime, shop, extra) == [(1234 + 777,)]
    of_members = (
        "select max(sum) from (select sum(granted) from campaign_allocations where campaign_key = 'first'"
    )
    assert read(runtime, shop, f"{of_members} group by member_id) x") <= [(450,)]
    none = "select count(*) > 0 from campaign_allocations where granted = 0"
    assert read(runtime, shop, none) == [(True,)]
    assert differences(runtime, shop) == []


def test_orders_that_come_and_go_under_eight_workers_leave_no_budget_overdrawn(runtime: Runtime) -> None:
    shop = make_shop(runtime, PROGRAM)
    bodies = [body for id in range(1, ORDERS + 1) for body in life(id, 1 + id % MEMBERS)]
    Random(11).shuffle(bodies)
    for number, body in enumerate(bodies + bodies):
        store(runtime, shop, body, str(number))
    drain_with_many(runtime, shop)

    assert statuses(runtime, shop.account) == [("processed", 2 * 3 * ORDERS)]
    used = in_use(runtime, shop)
    assert used == counted(runtime, shop)
    assert 0 < used["first"] <= 1234
    assert 0 < used["second"] <= 777
    assert differences(runtime, shop) == []


def test_folding_everybody_again_moves_no_point_and_no_allocation(runtime: Runtime) -> None:
    shop = make_shop(runtime, PROGRAM)
    for id in range(1, ORDERS + 1):
        store(runtime, shop, order_body(id, 1 + id % MEMBERS, minutes=1))
    drain_with_many(runtime, shop)
    kept = "select order_key, campaign_key, granted, returned from campaign_allocations order by 1, 2"
    before = read(runtime, shop, kept), read(runtime, shop, "select count(*) from ledger_entries")
    with runtime.database.transaction(shop.account) as connection:
        mark_all_for_refold(connection)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda _: refold_account(runtime, shop.account), range(WORKERS)))

    assert (read(runtime, shop, kept), read(runtime, shop, "select count(*) from ledger_entries")) == before
    assert differences(runtime, shop) == []


def test_a_cancelled_order_gives_back_to_those_who_come_afterwards(runtime: Runtime) -> None:
    shop = make_shop(runtime, make_document(campaigns=[{**FIRST, "budget": 100}]))
    for body in (order_body(1, 1, minutes=1), order_body(2, 2, minutes=1)):
        store(runtime, shop, body)
        drain_account(runtime, shop.account)
    store(runtime, shop, order_body(1, 1, "cancelled", minutes=9))
    drain_account(runtime, shop.account)
    store(runtime, shop, order_body(3, 3, minutes=1))
    drain_account(runtime, shop.account)

    kept = "select order_key, granted, returned from campaign_allocations order by 1"
    assert read(runtime, shop, kept) == [("1:1", 100, 100), ("1:2", 0, 0), ("1:3", 100, 0)]
    store(runtime, shop, order_body(1, 1, "completed", minutes=12))
    drain_account(runtime, shop.account)
    assert read(runtime, shop, kept)[0] == ("1:1", 0, 0), "somebody else has its points now, for good"
    assert counted(runtime, shop) == {"first": 100}
    assert differences(runtime, shop) == []


def test_an_order_that_moves_to_another_member_takes_its_allocation_along(runtime: Runtime) -> None:
    shop = make_shop(runtime, make_document(campaigns=[FIRST]))
    for body in (order_body(1, 1, minutes=1), order_body(1, 2, minutes=3)):
        store(runtime, shop, body)
        drain_account(runtime, shop.account)

    owner = "select m.key, granted, returned from campaign_allocations a join members m on m.id = a.member_id"
    assert read(runtime, shop, owner) == [("customer:1:2", 100, 0)]
    assert counted(runtime, shop) == {"first": 100}
    assert differences(runtime, shop) == []


def test_verify_finds_an_allocation_that_somebody_changed(runtime: Runtime) -> None:
    shop = make_shop(runtime, make_document(campaigns=[FIRST]))
    store(runtime, shop, order_body(1, 1, minutes=1))
    drain_account(runtime, shop.account)
    with runtime.database.transaction(shop.account) as connection:
        connection.exec_driver_sql("update campaign_allocations set granted = 40")

    found = [(each.what, each.stored, each.expected) for each in differences(runtime, shop)]  # type: ignore[attr-defined]
    assert ("points of order 1:1", "200", "140") in found


def test_verify_finds_a_count_of_points_in_use_that_somebody_changed(runtime: Runtime) -> None:
    shop = make_shop(runtime, make_document(campaigns=[FIRST]))
    store(runtime, shop, order_body(1, 1, minutes=1))
    drain_account(runtime, shop.account)
    with runtime.database.transaction(shop.account) as connection:
        connection.exec_driver_sql("update campaign_budgets set used = 40")

    (found,) = differences(runtime, shop)
    assert (found.member, found.what, found.stored, found.expected) == (  # type: ignore[attr-defined]
        None, "points in use of campaign first", "40", "100",
    )  # fmt: skip


def test_limits_cost_a_batch_as_many_statements_for_two_hundred_orders_as_for_one(runtime: Runtime) -> None:
    shop = make_shop(runtime, PROGRAM)
    statements_of_a_drain(runtime, shop, range(1, 2))
    one = statements_of_a_drain(runtime, shop, range(2, 3))
    many = statements_of_a_drain(runtime, shop, range(3, 203))

    assert len(many) == len(one)
    assert len([each for each in many if "campaign_" in each]) == 3
    assert len(many) <= MOST_STATEMENTS + 3


@pytest.mark.parametrize(
    ("campaigns", "asked"),
    [
        ([{**WINDOW, "key": "free", "multiplier": "2"}], 0),
        ([{**FIRST, "until": "2026-02-01T00:00"}], 1),
    ],
    ids=["without limits", "in another time"],
)
def test_no_budget_is_locked_where_none_can_be_given(
    runtime: Runtime, campaigns: list[dict[str, Any]], asked: int
) -> None:
    shop = make_shop(runtime, make_document(campaigns=campaigns))
    statements_of_a_drain(runtime, shop, range(1, 2))
    again = statements_of_a_drain(runtime, shop, range(2, 3))

    assert len([each for each in again if "campaign_allocations" in each]) == asked
    assert [each for each in again if "campaign_budgets" in each] == []

"""Members are merged and freed while workers drain their orders: nothing is lost, nothing counts twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from builders import Shop, make_document, make_shop
from sqlalchemy.exc import OperationalError
from test_drains import drain_in_spite_of_deadlocks, order_body, store

from bench.dumps import rows, statuses
from loyalty.clock import utc_now
from loyalty.engine.merging import list_merges, merge_members, undo_merge
from loyalty.engine.verify import verify_ledger
from loyalty.engine.work import Word
from loyalty.errors import LoyaltyError
from workers.runtime import Runtime

MEMBERS = 6
ORDERS = 90
WORD = Word("x", "staff")


def merge_or_free(runtime: Runtime, shop: Shop, random: Random) -> None:
    """Merge two members, or free one; what two do at once is refused to one of them."""
    with runtime.database.transaction(shop.account) as connection:
        book = runtime.book(connection, shop.account, set())
        alone = [row[0] for row in rows(connection, "select id from members where merged_into is null")]
        merges = [
            (one, each["number"])
            for one in alone
            for each in list_merges(connection, one)
            if not each["undone_at"]
        ]
        if merges and random.random() < 0.4:
            undo_merge(connection, book, *random.choice(merges), WORD, utc_now())
        elif len(alone) > 1:
            merge_members(connection, book, *random.sample(alone, 2), WORD, utc_now())


def merge_again_and_again(runtime: Runtime, shop: Shop, seed: int) -> int:
    random, done = Random(seed), 0
    for _ in range(15):
        try:
            merge_or_free(runtime, shop, random)
            done += 1
        except (LoyaltyError, OperationalError):
            continue
    return done


@pytest.mark.parametrize("batch", [1, 20])
def test_orders_arrive_while_members_are_merged(runtime: Runtime, batch: int) -> None:
    shop = make_shop(runtime, make_document())
    for id in range(1, MEMBERS + 1):
        store(runtime, shop, order_body(id, id))
    drain_in_spite_of_deadlocks(runtime, shop, 400, [])
    for id in range(100, 100 + ORDERS):
        store(runtime, shop, order_body(id, 1 + id % MEMBERS))
    refusals: list[str] = []
    with ThreadPoolExecutor(6) as pool:
        merging = [pool.submit(merge_again_and_again, runtime, shop, seed) for seed in range(2)]
        draining = [
            pool.submit(drain_in_spite_of_deadlocks, runtime, shop, batch, refusals) for _ in range(4)
        ]
        assert sum(each.result() for each in merging) > 5
        assert sum(each.result() for each in draining) > 0
    drain_in_spite_of_deadlocks(runtime, shop, 400, refusals)
    assert dict(statuses(runtime, shop.account)).keys() == {"processed"}
    with runtime.database.transaction(shop.account) as connection:
        assert verify_ledger(connection, shop.account, rebuild=True).differences == []
        total = rows(connection, "select sum(points) from ledger_entries")
    assert total == [((MEMBERS + ORDERS) * 100,)]

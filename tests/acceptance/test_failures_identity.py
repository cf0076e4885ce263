"""Failures of other systems with who is who: guests, merges, erasure, opening balances, birthdays."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk

from loyalty.clock import utc_now
from loyalty.commerce import CustomersMerged
from loyalty.engine.apply import apply_facts
from loyalty.engine.merging import list_merges, undo_merge
from loyalty.engine.work import Word
from loyalty.values import MessageId
from workers.runtime import Runtime

GOLD: dict[str, Any] = {
    "tiers": [
        {"key": "regular", "name": {"en": "Regular"}},
        {
            "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "500"}]},
            "benefits": {"entry_reward": "ten-off"},
        },
    ],
    "rewards": [{"key": "ten-off", "kind": "fixed_discount", "amount": "10"}],
}  # fmt: skip


@pytest.fixture
def desk(runtime: Runtime) -> Desk:
    """Customer 7 with 100 points, customer 8 with 700 who is gold."""
    desk = make_desk(runtime, make_document(**GOLD))
    desk.deliver(make_woo_order(25, "100"))
    desk.deliver(make_woo_order(26, "700", customer_id=8))
    desk.drain()
    return desk


def shop_merges(desk: Desk, kept: str, gone: str) -> None:
    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        fact = CustomersMerged(desk.shop.store.id, kept, gone, utc_now())
        apply_facts(connection, book, [(MessageId(1), fact)], utc_now())


def test_u75_a_merge_by_the_shop_moves_lots_tier_and_codes(desk: Desk) -> None:
    before = desk.figures()
    code = desk.rows("select code, state from coupons")
    shop_merges(desk, "7", "8")
    kept, gone = desk.figures()
    assert (kept["points_sum"], kept["rest"], kept["tier_key"]) == (800, 800, "gold")
    assert (gone["points_sum"], gone["rest"], gone["tier_key"]) == (0, None, None)
    assert desk.rows("select code, state from coupons") == code
    told = desk.rows("select distinct subject from pushes where subject like 'tier:%' order by subject")
    assert [row["subject"] for row in told] == ["tier:1:7", "tier:1:8"]
    assert desk.differences() == []

    shop_merges(desk, "7", "8")
    assert len(desk.rows("select 1 from commands")) == 1

    with desk.connect() as connection:
        book = desk.runtime.book(connection, desk.shop.account, set())
        member = desk.rows("select id from members where key = 'customer:1:7'")[0]["id"]
        number = list_merges(connection, member)[0]["number"]
        undo_merge(connection, book, member, number, Word("a mistake", "staff"), utc_now())
    assert desk.figures() == before
    assert desk.rows("select code, state from coupons") == code
    log = desk.rows("select action, actor from activities order by id")
    assert [(row["action"], row["actor"]) for row in log][-2:] == [
        ("members.merged", "shop"), ("members.unmerged", "staff"),
    ]  # fmt: skip
    assert desk.differences() == []


def test_u75_a_merge_of_customers_whom_nobody_knows_yet_counts_for_their_orders(desk: Desk) -> None:
    shop_merges(desk, "20", "21")
    desk.deliver(make_woo_order(27, "40", customer_id=21))
    desk.drain()
    figures = {row["key"]: row["points_sum"] for row in desk.figures()}
    assert (figures["customer:1:20"], figures["customer:1:21"]) == (40, 0)
    assert desk.differences() == []

"""Failures of other systems with what is stored: balances without entries, caches that cannot be rebuilt."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from loyalty.clock import add_months, utc_now
from loyalty.members.repository import mark_all_for_refold
from loyalty.programs.program import text_in
from loyalty.programs.service import load_versions
from workers.draining import refold_account
from workers.runtime import Runtime

FIRST = datetime(2024, 4, 10, 4, tzinfo=UTC)
ENTER = {"any": [{"metric": "spend", "at_least": "6000"}]}
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {"key": "gold", "name": {"en": "Gold"}, "enter": ENTER, "benefits": {"multiplier": "2"}},
]
DOCUMENT = make_document(
    tiers=TIERS,
    expiry={"mode": "lot", "after": {"months": 3}},
    earning={"pending_days": 7},
    refunds={"negative_balance": "floor"},
)


def monthly(number: int, **more: Any) -> dict[str, Any]:
    """The order of 500 of the n-th month."""
    when = datetime.combine(add_months(FIRST.date(), number), FIRST.time()).isoformat()
    dates = dict.fromkeys(("date_created_gmt", "date_modified_gmt", "date_paid_gmt"), when)
    return make_woo_order(100 + number, "500", **{**dates, **more})


def make_history(runtime: Runtime) -> Desk:
    """Two years of orders, of which the last was cancelled, and two adjustments."""
    desk = make_desk(runtime, DOCUMENT)
    for number in range(24):
        desk.deliver(monthly(number))
    desk.drain()
    desk.adjust(700)
    desk.adjust(-300)
    desk.deliver(monthly(23, status="cancelled", date_modified_gmt="2026-11-01T00:00:00"))
    desk.drain()
    return desk


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_entries set points = points + 1",
        "delete from ledger_entries",
        "truncate ledger_entries",
        "update commands set reason = 'another'",
        "delete from commands",
        "delete from activities",
        "update program_versions set effective_from = now()",
    ],
)
def test_u35_app_may_not_change_what_is_posted(runtime: Runtime, statement: str) -> None:
    desk = make_desk(runtime, DOCUMENT)
    desk.deliver(make_woo_order())
    desk.drain()
    desk.adjust(10)
    with pytest.raises(ProgrammingError, match="permission denied"), desk.connect() as connection:
        connection.execute(text(statement))
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("reason", "actor"),
    [("''", "'staff'"), ("'gift'", "''"), ("null", "'staff'"), ("'gift'", "null"), ("' '", "' '")],
)
def test_u35_adjustment_needs_a_reason_and_an_actor(runtime: Runtime, reason: str, actor: str) -> None:
    desk = make_desk(runtime, DOCUMENT)
    desk.deliver(make_woo_order())
    desk.drain()
    insert = (
        "insert into commands (account_id, number, member_id, kind, accepted_at, data, reason, actor)"
        f" select account_id, 99, id, 'adjust', now(), jsonb_build_object('points', 5), {reason}, {actor} from members"
    )
    with pytest.raises(IntegrityError), desk.connect() as connection:
        connection.execute(text(insert))


def forget_figures(desk: Desk, *, with_sum: bool) -> None:
    """Throw away everything that can be derived."""
    with desk.connect() as connection:
        for statement in (
            "delete from lot_consumptions",
            "delete from lots",
            "delete from tier_periods",
            "update members set head = '{}', debt = 0, next_lot = 1, tier_key = null, joined_at = null,"
            " order_count = 0, lifetime_spend = '0', lifetime_orders = 0, lifetime_points = 0",
            f"update members set points_sum = {'0' if with_sum else 'points_sum'}",
            "update orders set award_at = null, taken = 0, points = 0, counted = 0, net_base = '0', counts = 0,"
            " forgiven = 0, dead = false, ended = false, refund_ids = '[]', nth = 0, tier_key = '', version = null",
        ):
            connection.execute(text(statement))
        mark_all_for_refold(connection)


@pytest.mark.parametrize("with_sum", [False, True])
def test_u40_figures_are_rebuilt_from_orders_and_commands(runtime: Runtime, with_sum: bool) -> None:
    desk = make_history(runtime)
    figures, entries = desk.figures(), desk.entries()
    forget_figures(desk, with_sum=with_sum)
    refold_account(runtime, desk.shop.account)
    assert (desk.figures(), desk.entries()) == (figures, entries)
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("part", "wrong"),
    [("held", None), ("periods", []), ("active", None), ("tags", ["vip"]), ("rules", 9)],
)
def test_u40_a_damaged_head_of_the_fold_is_found(runtime: Runtime, part: str, wrong: object) -> None:
    desk = make_history(runtime)
    with desk.connect() as connection:
        statement = text("update members set head = jsonb_set(head, array[:part], cast(:wrong as jsonb))")
        connection.execute(statement, {"part": part, "wrong": json.dumps(wrong)})
    assert [difference.what for difference in desk.differences()] == [part]


@pytest.mark.parametrize("batch", [400, 7, 1])
@pytest.mark.parametrize("backwards", [False, True])
def test_u70_tier_follows_from_orders_before_the_connection(
    runtime: Runtime, batch: int, backwards: bool
) -> None:
    desk = make_desk(runtime, make_document(tiers=TIERS))
    for number in sorted(range(24), reverse=backwards):
        desk.deliver(monthly(number))
    desk.drain(batch)
    periods = desk.rows("select tier_key, started_at from tier_periods order by number")
    gold_from = datetime(2025, 3, 10, 4, tzinfo=UTC)
    assert [tuple(row.values()) for row in periods] == [("regular", FIRST), ("gold", gold_from)]
    assert desk.figures()[0]["points_sum"] == 12 * 500 + 12 * 1000
    assert desk.differences() == []


@pytest.mark.parametrize("ahead", [timedelta(hours=-1), timedelta(hours=1)])
def test_adjustment_beside_an_order_of_a_shop_whose_clock_is_wrong(
    runtime: Runtime, ahead: timedelta
) -> None:
    desk = make_desk(runtime, make_document(refunds={"negative_balance": "floor"}))
    when = (utc_now() + ahead).replace(microsecond=0, tzinfo=None).isoformat()
    desk.deliver(make_woo_order(date_paid_gmt=when))
    desk.drain()
    desk.adjust(-300)
    assert desk.differences() == []


def test_missing_language_falls_back_to_the_first_given(runtime: Runtime) -> None:
    tiers = [{"key": "regular", "name": {"zh-TW": "普通會員", "en": "Regular"}}]
    desk = make_desk(runtime, make_document(tiers=tiers))
    with desk.connect() as connection:
        program = load_versions(connection, desk.shop.account).programs[0]
    assert text_in(program.tiers[0].name, "zh-CN") == "普通會員"

"""The jobs that visit members whom nobody loaded: expiry, tier periods, new rules, reminders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk

from loyalty.engine.publishing import publish_program
from loyalty.ledger.repository import claim_expired
from loyalty.reports.waiting import list_due_members
from workers.draining import drain_account
from workers.reminding import send_reminders
from workers.runtime import Runtime
from workers.settling import close_tier_periods, expire_points

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
END = datetime(2027, 3, 10, 16, tzinfo=UTC)
"""Midnight in Taipei after the day that lies a year after the order."""
MOMENT = timedelta(microseconds=1)
YEARLY = {"mode": "lot", "after": {"months": 12}, "remind_days": [30, 7]}
LADDER = [
    {"key": "regular", "name": {"zh-TW": "普通會員", "en": "Regular"}},
    {
        "key": "gold", "name": {"zh-TW": "金卡", "en": "Gold"},
        "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
        "keep": {"any": [{"metric": "spend", "at_least": "1500"}]},
    },
]  # fmt: skip
POLICY = {"validity": {"months": 12}, "notice_days": [30, 7]}


def desk_with(runtime: Runtime, *orders: dict[str, Any], **parts: Any) -> Desk:
    """A shop whose customer placed these orders, all drained at the time of the first."""
    desk = make_desk(runtime, make_document(**parts))
    for order in orders or (make_woo_order(),):
        desk.deliver(order)
    drain_account(runtime, desk.shop.account, now=PAID + 2 * DAY)
    return desk


@pytest.mark.parametrize(("at", "left"), [(END - MOMENT, 1000), (END, 0), (END + 90 * DAY, 0)])
def test_points_die_at_the_accounts_midnight_though_nobody_looks(
    runtime: Runtime, at: datetime, left: int
) -> None:
    desk = desk_with(runtime, expiry=YEARLY)
    assert expire_points(runtime, desk.shop.account, at) == (0 if left else 1)
    assert sum(desk.entries()) == left
    assert desk.differences() == []


def test_expiry_twice_or_late_is_the_same(runtime: Runtime) -> None:
    desk = desk_with(runtime, expiry=YEARLY)
    assert [expire_points(runtime, desk.shop.account, END + DAY * late) for late in (0, 0, 7)] == [1, 0, 0]
    assert desk.entries() == [1000, -1000]
    found = desk.rows("select effective_at from ledger_entries where kind = 'expiry'")
    assert found == [{"effective_at": END}]


def test_two_who_claim_at_once_find_different_members(runtime: Runtime) -> None:
    """Each sees the earliest only, so that those whom another has locked would hide all who come after them."""
    orders = [
        make_woo_order(number, customer_id=number, billing={"email": f"m{number}@example.test"})
        for number in range(1, 6)
    ]
    desk = desk_with(runtime, *orders, expiry=YEARLY)
    with desk.connect() as first, desk.connect() as second:
        claims = [claim_expired(connection, END, 2) for connection in (first, second)]
    found = [{row["id"] for row in claim} for claim in claims]
    assert [len(each) for each in found] == [2, 2]
    assert found[0] & found[1] == set()
    assert expire_points(runtime, desk.shop.account, END) == 5
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("at", "tier"), [(END - MOMENT, "gold"), (END, "regular"), (END + 9 * DAY, "regular")]
)
def test_a_tier_that_is_not_kept_ends_at_its_midnight(runtime: Runtime, at: datetime, tier: str) -> None:
    desk = desk_with(runtime, tiers=LADDER, tier_policy=POLICY)
    close_tier_periods(runtime, desk.shop.account, at)
    assert [row["tier_key"] for row in desk.figures()] == [tier]
    assert desk.differences() == []


def test_a_tier_that_is_kept_is_renewed_without_a_new_entry(runtime: Runtime) -> None:
    second = make_woo_order(26, "500", date_paid_gmt="2026-03-11T04:00:00")
    desk = desk_with(runtime, make_woo_order(), second, tiers=LADDER, tier_policy=POLICY)
    assert close_tier_periods(runtime, desk.shop.account, END) == 1
    periods = desk.rows("select tier_key, entry, reason, started_at from tier_periods order by number")
    assert [(row["tier_key"], row["entry"], row["reason"]) for row in periods] == [
        ("regular", 1, "joined"), ("gold", 1, "reached"), ("gold", 1, "renewed"),
    ]  # fmt: skip
    assert periods[-1]["started_at"] == END
    assert desk.differences() == []


@pytest.mark.parametrize(("change", "tier"), [("keep", "gold"), ("recalculate", "regular")])
def test_new_rules_reach_members_whom_nobody_loads(runtime: Runtime, change: str, tier: str) -> None:
    desk = desk_with(runtime, tiers=LADDER)
    harder = [LADDER[0], {**LADDER[1], "enter": {"any": [{"metric": "spend", "at_least": "2000"}]}}]
    document = make_document(tiers=harder, tier_policy={"on_change": change})
    start = datetime.now(UTC)
    with desk.connect() as connection:
        publish_program(
            connection, desk.shop.account, document, effective_from=start, now=start, actor="test"
        )
    assert close_tier_periods(runtime, desk.shop.account, start) == 1
    assert close_tier_periods(runtime, desk.shop.account, start + DAY) == 0
    assert [row["tier_key"] for row in desk.figures()] == [tier]
    assert desk.differences() == []


def reminded(desk: Desk) -> list[tuple[str, int, Any]]:
    rows = desk.rows("select kind, days, data from notices order by id")
    return [(row["kind"], row["days"], row["data"].get("points", row["data"].get("missing"))) for row in rows]


def test_s76_points_are_announced_thirty_and_seven_days_before_once_each(runtime: Runtime) -> None:
    desk = desk_with(runtime, make_woo_order(25, "300"), expiry=YEARLY)
    first, second = END - 31 * DAY, END - 8 * DAY
    found = [
        send_reminders(runtime, desk.shop.account, at)
        for at in (first - MOMENT, first, first + DAY, second - MOMENT, second, END - MOMENT, END)
    ]
    assert found == [0, 1, 0, 0, 1, 0, 0]
    assert reminded(desk) == [("points_expiring", 30, 300), ("points_expiring", 7, 300)]


def test_s76_nothing_is_announced_of_points_that_are_spent(runtime: Runtime) -> None:
    desk = desk_with(runtime, make_woo_order(25, "300"), expiry=YEARLY)
    desk.adjust(-300)
    assert send_reminders(runtime, desk.shop.account, END - 8 * DAY) == 0


def test_after_a_week_without_a_job_only_the_nearer_reminder_is_sent(runtime: Runtime) -> None:
    desk = desk_with(runtime, make_woo_order(25, "300"), expiry=YEARLY)
    send_reminders(runtime, desk.shop.account, END - 2 * DAY)
    assert reminded(desk) == [("points_expiring", 7, 300)]


def test_s31_who_may_lose_a_tier_is_told_what_is_missing(runtime: Runtime) -> None:
    desk = desk_with(runtime, tiers=LADDER, tier_policy=POLICY)
    assert [send_reminders(runtime, desk.shop.account, END - days * DAY) for days in (32, 31, 20)] == [
        0,
        1,
        0,
    ]
    assert reminded(desk) == [("tier_expiring", 30, [{"metric": "spend", "amount": "500"}])]
    text = desk.rows("select data->'text'->>'zh-TW' as words from notices")[0]["words"]
    assert text == "您的金卡資格即將到期,距離保級還差500元消費"


def test_s31_who_has_done_enough_is_left_alone(runtime: Runtime) -> None:
    second = make_woo_order(26, "500", date_paid_gmt="2026-03-11T04:00:00")
    desk = desk_with(runtime, make_woo_order(), second, tiers=LADDER, tier_policy=POLICY)
    assert send_reminders(runtime, desk.shop.account, END - 7 * DAY) == 0


def test_work_that_is_due_is_found_across_accounts(runtime: Runtime) -> None:
    desk = desk_with(runtime, expiry=YEARLY, tiers=LADDER, tier_policy=POLICY)
    with runtime.database.transaction(None) as connection:
        before = list_due_members(connection, END - MOMENT)
        after = {(due.kind, due.account) for due in list_due_members(connection, END)}
    assert desk.shop.account not in {due.account for due in before}
    assert {("tier", desk.shop.account), ("points", desk.shop.account)} <= after


def test_a_visit_for_the_tier_lets_the_lots_die_that_are_due_and_no_others(runtime: Runtime) -> None:
    later = make_woo_order(26, "300", date_paid_gmt="2026-03-12T04:00:00")
    desk = desk_with(runtime, make_woo_order(), later, expiry=YEARLY, tiers=LADDER, tier_policy=POLICY)
    assert close_tier_periods(runtime, desk.shop.account, END) == 1
    assert desk.entries() == [1000, 300, -1000]
    assert [(row["tier_key"], row["rest"]) for row in desk.figures()] == [("regular", 300)]
    assert desk.differences() == []


def test_a_visit_for_the_tier_pays_debt_from_points_that_matured_meanwhile(runtime: Runtime) -> None:
    desk = desk_with(runtime, tiers=LADDER, tier_policy=POLICY, earning={"pending_days": 30})
    desk.adjust(-1000, PAID + 3 * DAY)
    desk.deliver(make_woo_order(status="cancelled", date_modified_gmt="2026-03-14T04:00:00"))
    desk.deliver(make_woo_order(26, "300", date_paid_gmt="2026-03-20T04:00:00"))
    drain_account(runtime, desk.shop.account, now=PAID + 11 * DAY)
    assert [(row["debt"], row["rest"]) for row in desk.figures()] == [(1000, 300)]
    assert close_tier_periods(runtime, desk.shop.account, END) == 1
    assert [(row["debt"], row["rest"]) for row in desk.figures()] == [(700, 0)]
    assert desk.differences() == []


def test_rules_of_another_expiry_date_the_lots_of_members_whom_nobody_loads(runtime: Runtime) -> None:
    desk = desk_with(runtime, tiers=LADDER)
    document = make_document(tiers=LADDER, expiry={"mode": "inactivity", "after": {"months": 12}})
    start = datetime.now(UTC)
    with desk.connect() as connection:
        publish_program(
            connection, desk.shop.account, document, effective_from=start, now=start, actor="test"
        )
    assert close_tier_periods(runtime, desk.shop.account, start) == 1
    assert desk.rows("select expires_at is not null as dated from lots") == [{"dated": True}]
    assert desk.differences() == []


def test_points_that_lived_again_die_again(runtime: Runtime) -> None:
    desk = desk_with(runtime, expiry=YEARLY)
    expire_points(runtime, desk.shop.account, END)
    paid, modified = "2026-06-10T04:00:00", "2026-06-11T04:00:00"
    desk.deliver(make_woo_order(date_paid_gmt=paid, date_modified_gmt=modified))
    drain_account(runtime, desk.shop.account, now=END + DAY)
    assert [row["rest"] for row in desk.figures()] == [1000]
    assert expire_points(runtime, desk.shop.account, END + 200 * DAY) == 1
    assert desk.entries() == [1000, -1000, 1000, -1000]
    assert desk.differences() == []

"""Automations beside a real database: what events cause, what time causes, each once, whatever is late or repeated."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_document, make_woo_order
from receiving import Desk, make_desk

from loyalty.engine.apply import fold_again
from loyalty.engine.book import load_book
from loyalty.engine.publishing import publish_program
from workers.automating import run_automations
from workers.draining import drain_account
from workers.runtime import Runtime
from workers.settling import close_tier_periods

PAID = datetime(2026, 3, 10, 4, tzinfo=UTC)
MIDNIGHT = datetime(2026, 3, 10, 16, tzinfo=UTC)
"""The end of the order's day in Taipei."""
DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)
GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "100", "valid_days": 10}
HUNDRED = {"kind": "points", "points": 100}
COUPON = {"kind": "coupon", "reward": "gift"}
MAIL = {"kind": "message", "message": "hello"}
HELLO = {"hello": {"subject": {"en": "Hello {name}"}, "body": {"en": "{points} {points_name}"}}}


def rule(trigger: str, *actions: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"key": "a", "trigger": trigger, "actions": list(actions) or [HUNDRED], **parts}


def document(*automations: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return make_document(automations=list(automations), rewards=[GIFT], messages=HELLO, **parts)


def desk_with(runtime: Runtime, *automations: dict[str, Any], **parts: Any) -> Desk:
    """A shop whose customer paid 1000, drained on the next day."""
    desk = make_desk(runtime, document(*automations, **parts))
    return ordered(runtime, desk)


def ordered(runtime: Runtime, desk: Desk, *orders: dict[str, Any], at: datetime = PAID + DAY) -> Desk:
    for order in orders or (make_woo_order(),):
        desk.deliver(order)
    drain_account(runtime, desk.shop.account, now=at)
    return desk


def refunded(order: dict[str, Any]) -> dict[str, Any]:
    return {**order, "status": "refunded", "date_modified_gmt": "2026-03-12T04:00:00"}


def coupons(desk: Desk) -> list[str]:
    return [row["state"] for row in desk.rows("select state from coupons order by cause")]


def runs(desk: Desk) -> list[str]:
    rows = desk.rows("select data->>'occasion' as occasion from commands where kind = 'run' order by number")
    return [row["occasion"] for row in rows]


def test_bonus_is_posted_beside_the_order_and_withdrawn_with_it(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("order_count", HUNDRED, COUPON, when={"count": 1}))
    assert (desk.entries(), coupons(desk)) == ([1000, 100], ["requested"])
    ordered(runtime, desk, refunded(make_woo_order()), at=PAID + 3 * DAY)
    assert (sum(desk.entries()), coupons(desk)) == (0, ["cancelled"])
    assert desk.differences() == []


def test_the_entry_of_a_bonus_says_by_which_rule(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("member_joined", name={"en": "Welcome"}))
    (entry,) = desk.rows("select reason, explanation from ledger_entries where reason = 'bonus'")
    assert entry["explanation"]["key"] == "a"
    assert entry["explanation"]["name"] == {"en": "Welcome"}


def test_folding_again_gives_and_tells_nothing_twice(runtime: Runtime) -> None:
    call = {"kind": "webhook", "url": "https://crm.example.test/hook"}
    desk = desk_with(runtime, rule("order_paid", HUNDRED, MAIL, call))
    with runtime.database.transaction(desk.shop.account) as connection:
        book = load_book(connection, runtime.vault, desk.shop.account)
        ids = [row["id"] for row in desk.rows("select id from members")]
        fold_again(connection, book, ids, PAID + 2 * DAY)
    assert desk.entries() == [1000, 100]
    told = desk.rows("select kind, status from messages order by id")
    assert told == [{"kind": "message", "status": "queued"}, {"kind": "webhook", "status": "queued"}]
    assert len(desk.rows("select id from pushes where kind = 'post_webhook'")) == 1


def test_of_what_is_long_past_nobody_is_told(runtime: Runtime) -> None:
    desk = make_desk(runtime, document(rule("order_paid", HUNDRED, MAIL)))
    ordered(runtime, desk, at=PAID + 8 * DAY)
    assert sum(desk.entries()) == 1100
    assert desk.rows("select status from messages") == [{"status": "skipped"}]


LAPSED = MIDNIGHT + 29 * DAY
"""The first instant of the 30th day after the order's."""


@pytest.mark.parametrize(
    ("at", "times"), [(LAPSED - MOMENT, 0), (LAPSED, 1), (LAPSED + 3 * DAY, 1), (LAPSED + 32 * DAY, 0)]
)
def test_inactive_for_so_many_days_also_when_the_jobs_slept(
    runtime: Runtime, at: datetime, times: int
) -> None:
    desk = desk_with(runtime, rule("inactive_for", when={"days": 30}))
    assert run_automations(runtime, desk.shop.account, at) == times
    assert run_automations(runtime, desk.shop.account, at) == 0
    assert sum(desk.entries()) == 1000 + 100 * times
    assert desk.differences() == []


def test_who_bought_again_is_not_inactive(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("inactive_for", when={"days": 30}))
    ordered(runtime, desk, make_woo_order(26, date_paid_gmt="2026-04-01T04:00:00"), at=LAPSED - DAY)
    assert run_automations(runtime, desk.shop.account, LAPSED) == 0


def test_a_rule_means_nobody_who_lapsed_before_it_was_there(runtime: Runtime) -> None:
    desk = desk_with(runtime)
    with runtime.database.transaction(desk.shop.account) as connection:
        publish_program(
            connection, desk.shop.account, document(rule("inactive_for", when={"days": 30})),
            effective_from=LAPSED + DAY, now=LAPSED, actor="test",
        )  # fmt: skip
    assert run_automations(runtime, desk.shop.account, LAPSED + 2 * DAY) == 0


def test_conditions_of_dated_rules_are_judged_when_they_run(runtime: Runtime) -> None:
    condition = {"kind": "metric", "metric": "spend", "at_least": "1001"}
    desk = desk_with(runtime, rule("inactive_for", when={"days": 30}, conditions=[condition]))
    assert run_automations(runtime, desk.shop.account, LAPSED) == 0


def test_points_that_die_soon_are_answered_once(runtime: Runtime) -> None:
    expiry = {"mode": "lot", "after": {"days": 40}}
    desk = desk_with(runtime, rule("points_expiring", MAIL, when={"days": 7}), expiry=expiry)
    first = MIDNIGHT + 40 * DAY - 8 * DAY
    assert [
        run_automations(runtime, desk.shop.account, at) for at in (first - MOMENT, first, first + DAY)
    ] == [0, 1, 0]
    (told,) = desk.rows("select data from messages")
    assert told["data"]["expiring"] == 1000


def test_a_coupon_that_ends_soon_is_answered_unless_it_was_used(runtime: Runtime) -> None:
    rules = (rule("member_joined", COUPON, key="gift"), rule("coupon_expiring", MAIL, when={"days": 3}))
    desk = desk_with(runtime, *rules)
    desk.rows("update coupons set state = 'issued' returning id")
    near = MIDNIGHT + 6 * DAY
    assert run_automations(runtime, desk.shop.account, near - MOMENT) == 0
    assert run_automations(runtime, desk.shop.account, near) == 1


def test_a_tier_that_ends_soon_is_answered(runtime: Runtime) -> None:
    gold = {
        "key": "gold",
        "name": {"en": "Gold"},
        "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
    }
    tiers = [{"key": "regular", "name": {"en": "Regular"}}, gold]
    policy = {"validity": {"days": 60}}
    when = {"days": 10, "tiers": ["gold"]}
    desk = desk_with(runtime, rule("tier_expiring", when=when), tiers=tiers, tier_policy=policy)
    ends = MIDNIGHT + 60 * DAY
    assert run_automations(runtime, desk.shop.account, ends - 12 * DAY) == 0
    assert run_automations(runtime, desk.shop.account, ends - 10 * DAY) == 1


RECENT = {"kind": "metric", "metric": "orders", "at_least": 1, "window": {"kind": "rolling", "months": 1}}
FRESH = {"key": "fresh", "name": {"en": "Fresh"}, "all": [RECENT]}


def test_entering_a_segment_and_leaving_it_by_time(runtime: Runtime) -> None:
    entered = rule("segment_entered", key="in", when={"segment": "fresh"})
    left = rule("segment_left", {"kind": "points", "points": 7}, key="out", when={"segment": "fresh"})
    desk = desk_with(runtime, entered, left, segments=[FRESH])
    assert desk.rows("select segments from members") == [{"segments": ["fresh"]}]
    assert run_automations(runtime, desk.shop.account, PAID + DAY) == 1
    out = datetime(2026, 4, 10, 16, tzinfo=UTC)
    assert close_tier_periods(runtime, desk.shop.account, out - MOMENT) == 0
    assert close_tier_periods(runtime, desk.shop.account, out) == 1
    assert desk.rows("select segments from members") == [{"segments": []}]
    assert [run_automations(runtime, desk.shop.account, out) for _ in range(2)] == [1, 0]
    assert desk.entries() == [1000, 100, 7]
    assert desk.differences() == []


def test_who_is_to_be_folded_again_is_answered_afterwards(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("segment_entered", when={"segment": "fresh"}), segments=[FRESH])
    desk.rows("update members set must_refold = true returning id")
    assert run_automations(runtime, desk.shop.account, PAID + DAY) == 0
    desk.rows("update members set must_refold = false returning id")
    assert [run_automations(runtime, desk.shop.account, PAID + DAY) for _ in range(2)] == [1, 0]


def test_publishing_a_segment_judges_everybody(runtime: Runtime) -> None:
    desk = desk_with(runtime)
    start = PAID + 5 * DAY
    with runtime.database.transaction(desk.shop.account) as connection:
        publish_program(
            connection, desk.shop.account, document(segments=[FRESH]), effective_from=start,
            now=PAID + 2 * DAY, actor="test",
        )  # fmt: skip
    assert close_tier_periods(runtime, desk.shop.account, start) == 1
    assert desk.rows("select segments from members") == [{"segments": ["fresh"]}]
    assert desk.differences() == []


def test_jobs_beside_each_other_run_an_occasion_once(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("inactive_for", when={"days": 30}))
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: run_automations(runtime, desk.shop.account, LAPSED), range(8)))
    assert sum(done) == 1
    assert runs(desk) == [PAID.isoformat()]
    assert desk.differences() == []


def test_a_late_order_keeps_what_was_run(runtime: Runtime) -> None:
    """What time caused is recorded: it is at most once and never recalled (RULES §2)."""
    desk = desk_with(runtime, rule("inactive_for", when={"days": 30}))
    run_automations(runtime, desk.shop.account, LAPSED)
    ordered(runtime, desk, make_woo_order(24, "10", date_paid_gmt="2026-03-20T04:00:00"), at=LAPSED + DAY)
    assert sorted(desk.entries()) == [10, 100, 1000]
    assert desk.differences() == []


def born(desk: Desk, month: int, day: int, noted_at: datetime = PAID) -> None:
    desk.rows(
        f"update members set birth_month = {month}, birth_day = {day}, birthday_noted_at = '{noted_at}' returning id"
    )


def noon(text: str) -> datetime:
    """Noon of a day in Taipei."""
    return datetime.fromisoformat(f"{text}T04:00:00+00:00")


def test_each_birthday_is_kept_once_also_after_days_of_downtime(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("birthday"))
    born(desk, 5, 10)
    days = ("2026-05-09", "2026-05-13", "2026-05-14", "2027-05-10", "2027-05-11")
    assert [run_automations(runtime, desk.shop.account, noon(day)) for day in days] == [0, 1, 0, 1, 0]
    assert runs(desk) == ["2026", "2027"]
    assert desk.differences() == []


@pytest.mark.parametrize(
    ("today", "times"),
    [("2027-02-27", 0), ("2027-02-28", 1), ("2027-03-01", 1), ("2028-02-28", 0), ("2028-02-29", 1)],
)
def test_29_february_is_kept_on_28_in_common_years(runtime: Runtime, today: str, times: int) -> None:
    desk = desk_with(runtime, rule("birthday"))
    born(desk, 2, 29)
    assert run_automations(runtime, desk.shop.account, noon(today)) == times


def test_three_days_of_downtime_over_the_leap_day_grant_each_once(runtime: Runtime) -> None:
    desk = make_desk(runtime, document(rule("birthday")))
    for number, customer in enumerate((7, 8, 9)):
        desk.deliver(make_woo_order(30 + number, customer_id=customer))
    drain_account(runtime, desk.shop.account, now=PAID + DAY)
    for key, day in (("7", 28), ("8", 29), ("9", 27)):
        desk.rows(
            f"update members set birth_month = 2, birth_day = {day}, birthday_noted_at = '{PAID}'"
            f" where key = 'customer:1:{key}' returning id"
        )
    assert run_automations(runtime, desk.shop.account, noon("2027-02-26")) == 0
    assert run_automations(runtime, desk.shop.account, noon("2027-03-01")) == 3
    assert run_automations(runtime, desk.shop.account, noon("2027-03-02")) == 0


def test_u89_a_birthday_that_was_told_too_late_is_for_next_year(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("birthday"))
    born(desk, 5, 10, noted_at=noon("2026-05-12"))
    assert run_automations(runtime, desk.shop.account, noon("2026-05-12")) == 0
    assert run_automations(runtime, desk.shop.account, noon("2027-05-10")) == 1


def test_u89_another_date_brings_no_second_gift_in_a_year(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("birthday"))
    born(desk, 5, 10)
    run_automations(runtime, desk.shop.account, noon("2026-05-10"))
    born(desk, 6, 1)
    assert run_automations(runtime, desk.shop.account, noon("2026-06-01")) == 0
    assert runs(desk) == ["2026"]


def test_some_days_before_the_birthday(runtime: Runtime) -> None:
    desk = desk_with(runtime, rule("birthday", when={"days": 7}))
    born(desk, 1, 3)
    assert run_automations(runtime, desk.shop.account, noon("2026-12-26")) == 0
    assert run_automations(runtime, desk.shop.account, noon("2026-12-27")) == 1
    assert runs(desk) == ["2027"]


def test_the_birthday_reward_of_the_tier_held(runtime: Runtime) -> None:
    gold = {
        "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "1000"}]},
        "benefits": {"birthday_reward": "gift"},
    }  # fmt: skip
    desk = desk_with(runtime, tiers=[{"key": "regular", "name": {"en": "Regular"}}, gold])
    born(desk, 5, 10)
    assert [run_automations(runtime, desk.shop.account, noon("2026-05-10")) for _ in range(2)] == [1, 0]
    assert coupons(desk) == ["requested"]
    assert desk.differences() == []

"""Failures of other systems with expiry and time, through the fold and the jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import LONG_AGO, NOON, make_document, make_order, make_program, make_refund, make_woo_order
from folding import DAY, HOUR, balance, fold, make_command, make_two_versions, moved, movements_of, standing
from ladders import dated, instant, ladder, tier
from marshmallow import ValidationError
from receiving import Desk, make_desk

from loyalty.engine.publishing import publish_program
from loyalty.programs.program import Versions
from webhook_app.api.questions import AdjustmentRequest
from workers.draining import drain_account
from workers.reminding import send_reminders
from workers.runtime import Runtime
from workers.settling import close_tier_periods

SECOND = timedelta(seconds=1)
LOT = {"mode": "lot", "after": {"days": 10}}
INACTIVITY = {"mode": "inactivity", "after": {"days": 10}}
DEATH = instant("2026-03-20T16:00")
"""Ten days after noon of 10 March in Taipei, to the end of the day."""


@pytest.mark.parametrize("expiry", [LOT, INACTIVITY])
def test_u37_spent_points_are_not_taken_again_when_they_would_have_died(expiry: dict[str, Any]) -> None:
    orders = make_order("1"), make_order("2", total="50", at=NOON + 2 * DAY)
    state = fold(*orders, commands=[make_command(-100)], expiry=expiry, until=DEATH)
    assert balance(state, DEATH).available == 50


@pytest.mark.parametrize("expiry", [{}, {"mode": "none"}, {"mode": "none", "after": {"days": 1}}])
def test_u39_nothing_expires_in_ten_years_when_expiry_is_off(expiry: dict[str, Any]) -> None:
    until = NOON + 3653 * DAY
    state = fold(make_order(), commands=[make_command(30)], expiry=expiry, until=until)
    assert (moved(state), balance(state, until).available) == ([100, 30], 130)


def zones(second: str) -> Versions:
    """The account's zone becomes another one on 1 April, noon in Taipei."""
    parts: dict[str, Any] = {
        "expiry": LOT,
        "earning": {"caps": {"per_day": 150}},
        "tiers": ladder(tier("gold", "100")),
        "tier_policy": {"validity": {"days": 10}},
    }
    later = make_program(2, instant("2026-04-01T04:00"), time_zone=second, **parts)
    return Versions((make_program(1, LONG_AGO, **parts), later))


@pytest.mark.parametrize("second", ["Asia/Taipei", "America/New_York", "Pacific/Auckland"])
def test_u42_another_time_zone_leaves_closed_days_and_periods_as_they_were(second: str) -> None:
    """Two orders of one day in Taipei that lie on two days elsewhere, their cap, their death, the tier's end."""
    orders = make_order("1", at=instant("2026-03-10T03:00")), make_order("2", at=instant("2026-03-10T15:59"))
    state = fold(*orders, versions=zones(second), until=instant("2026-06-01T00:00"))
    assert standing(state) == [100, 50]
    assert {each.effective_at for each in movements_of(state, "expiry")} == {DEATH}
    assert dated(state)[:2] == [("gold", orders[0].paid_at), ("gold", DEATH)]


@pytest.mark.parametrize(
    ("second", "dies"), [("Asia/Taipei", "2026-04-20T16:00"), ("America/New_York", "2026-04-20T04:00")]
)
def test_u42_days_after_the_change_are_those_of_the_new_zone(second: str, dies: str) -> None:
    """Paid at 11 April 00:30 in Taipei, 10 April 12:30 in New York: ten days later is another day's end."""
    order = make_order(at=instant("2026-04-09T16:30"))
    state = fold(order, versions=zones(second), until=instant("2026-04-10T00:00"))
    assert state.wallet.lots["order:1:1:award"].expires_at == instant(dies)


@pytest.mark.parametrize(
    ("after", "dies"),
    [
        ({"days": 1}, "2026-03-11T16:00"),
        ({"days": 7}, "2026-03-17T16:00"),
        ({"months": 1}, "2026-04-10T16:00"),
        ({"years": 1}, "2027-03-10T16:00"),
    ],
)
def test_u43_every_source_of_points_lives_as_long_as_the_rules_say(after: dict[str, int], dies: str) -> None:
    """An order, an order with a campaign's bonus, an order that matures later, a manual credit."""
    bonus = {"key": "b", "from": "2026-03-10T13:00", "until": "2026-03-10T14:30", "bonus": 50}
    orders = make_order("1"), make_order("2", at=NOON + HOUR)
    state = fold(
        *orders, commands=[make_command(20)], until=NOON + 3 * HOUR, campaigns=[bonus],
        expiry={"mode": "lot", "after": after}, earning={"pending_days": 3},
    )  # fmt: skip
    lots = {cause: (lot.points, lot.expires_at) for cause, lot in state.wallet.lots.items()}
    assert lots == {
        "order:1:1:award": (100, instant(dies)),
        "order:1:2:award": (150, instant(dies)),
        "adjustment:1": (20, instant(dies)),
    }


@pytest.mark.parametrize(
    ("expiry", "left"), [(LOT, 100), (INACTIVITY, 200)], ids=["only the old lot", "all live on"]
)
def test_u45_a_new_order_prolongs_old_points_only_with_inactivity(expiry: dict[str, Any], left: int) -> None:
    orders = make_order("1"), make_order("2", at=NOON + 5 * DAY)
    assert balance(fold(*orders, expiry=expiry, until=DEATH), DEATH).available == left


@pytest.mark.parametrize("expiry", [LOT, INACTIVITY])
def test_u45_without_a_new_order_both_models_end_alike(expiry: dict[str, Any]) -> None:
    assert moved(fold(make_order(), expiry=expiry, until=DEATH)) == [100, -100]


ON = instant("2026-05-01T04:00")


@pytest.mark.parametrize(
    ("expiry", "lost"), [(LOT, 0), (INACTIVITY, 100), ({"mode": "inactivity", "after": {"months": 12}}, 0)]
)
def test_u46_what_switching_expiry_on_costs_is_known_before_and_happens_then(
    expiry: dict[str, Any], lost: int
) -> None:
    """Published for 1 May: until then nobody loses anything, and a fold to that day tells who would lose what."""
    versions = make_two_versions({}, {"expiry": expiry}, second_from=ON)
    today = fold(make_order(), versions=versions, until=ON - SECOND)
    preview = fold(make_order(), versions=versions, until=ON)
    assert balance(today, ON - SECOND).available == 100
    assert [(-each.points, each.effective_at) for each in movements_of(preview, "expiry")] == [
        (lost, ON)
    ] * bool(lost)


def test_u46_lots_given_before_expiry_of_lots_was_on_never_die() -> None:
    versions = make_two_versions({}, {"expiry": LOT}, second_from=ON)
    later = make_order("2", at=ON)
    state = fold(make_order(), later, versions=versions, until=ON + 400 * DAY)
    assert [each.order_key for each in movements_of(state, "expiry")] == ["1:2"]


def test_u46_switching_expiry_off_lets_open_points_live() -> None:
    versions = make_two_versions({"expiry": INACTIVITY}, {}, second_from=DEATH - DAY)
    assert moved(fold(make_order(), versions=versions, until=NOON + 4000 * DAY)) == [100]


NEVER: dict[str, Any] = {"mode": "none"}
LATER = {"mode": "inactivity", "after": {"days": 60}}
PUBLISHED = NOON + 3 * DAY
AHEAD = PUBLISHED + 40 * DAY


def announcing_desk(runtime: Runtime, expiry: dict[str, Any], before: dict[str, Any] = NEVER) -> Desk:
    """Two customers with 1000 and 300 points under the rules so far; another expiry is published for in 40 days."""
    desk = make_desk(runtime, make_document(expiry=before))
    desk.deliver(make_woo_order())
    desk.deliver(make_woo_order(26, "300", customer_id=8))
    drain_account(runtime, desk.shop.account, now=NOON + DAY)
    publish_for(desk, AHEAD, expiry)
    return desk


def publish_for(desk: Desk, start: datetime, expiry: dict[str, Any]) -> None:
    with desk.connect() as connection:
        publish_program(
            connection,
            desk.shop.account,
            make_document(expiry=expiry),
            effective_from=start,
            now=PUBLISHED,
            actor="test",
        )


def announced(desk: Desk) -> list[tuple[str, int, int, datetime]]:
    found = "select key, ends_at, days, data from notices join members on members.id = member_id order by key"
    rows = desk.rows(found)
    assert {(row["ends_at"], row["days"]) for row in rows} <= {(AHEAD, 0)}
    return [
        (
            row["key"], row["data"]["points_dying"], row["data"]["points_earlier"],
            datetime.fromisoformat(row["data"]["first_at"]),
        )
        for row in rows
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "dying", "earlier", "first"),
    [(10, 1, 0, AHEAD), (60, 0, 1, instant("2026-05-09T16:00"))],
    ids=["points die with the switch", "points die later"],
)
def test_u46_each_member_is_told_once_and_before_that_points_will_die_sooner(
    runtime: Runtime, days: int, dying: int, earlier: int, first: datetime
) -> None:
    desk = announcing_desk(runtime, {"mode": "inactivity", "after": {"days": days}})
    runs = PUBLISHED, PUBLISHED + HOUR, AHEAD - HOUR, AHEAD, AHEAD + DAY
    assert [send_reminders(runtime, desk.shop.account, at) for at in runs] == [2, 0, 0, 0, 0]
    assert announced(desk) == [
        ("customer:1:7", 1000 * dying, 1000 * earlier, first),
        ("customer:1:8", 300 * dying, 300 * earlier, first),
    ]


def test_u46_what_was_announced_is_what_happens(runtime: Runtime) -> None:
    desk = announcing_desk(runtime, INACTIVITY)
    send_reminders(runtime, desk.shop.account, AHEAD - HOUR)
    close_tier_periods(runtime, desk.shop.account, AHEAD)
    lost = "select key, sum(points) as lost, min(effective_at) as at from ledger_entries join members"
    rows = desk.rows(f"{lost} on members.id = member_id where kind = 'expiry' group by key order by key")
    assert [(row["key"], -row["lost"], 0, row["at"]) for row in rows] == announced(desk)
    assert desk.differences() == []


def test_u46_who_has_spent_his_points_is_told_nothing(runtime: Runtime) -> None:
    desk = make_desk(runtime, make_document())
    desk.deliver(make_woo_order())
    drain_account(runtime, desk.shop.account, now=NOON + DAY)
    publish_for(desk, AHEAD, INACTIVITY)
    desk.adjust(-1000, PUBLISHED)
    assert send_reminders(runtime, desk.shop.account, PUBLISHED) == 0


def test_u46_who_gets_points_after_the_first_announcement_is_told_too(runtime: Runtime) -> None:
    desk = announcing_desk(runtime, INACTIVITY)
    assert send_reminders(runtime, desk.shop.account, PUBLISHED) == 2
    paid = (PUBLISHED + DAY).replace(tzinfo=None).isoformat()
    desk.deliver(make_woo_order(27, "50", customer_id=9, date_paid_gmt=paid))
    drain_account(runtime, desk.shop.account, now=PUBLISHED + 2 * DAY)
    assert send_reminders(runtime, desk.shop.account, PUBLISHED + 2 * DAY) == 1
    assert announced(desk)[-1] == ("customer:1:9", 50, 0, AHEAD)


@pytest.mark.parametrize(
    ("before", "expiry"),
    [(NEVER, LOT), (LATER, NEVER), ({"mode": "lot", "after": {"days": 20}}, INACTIVITY)],
    ids=["old lots never die", "switched off", "the points die before the switch"],
)
def test_u46_who_loses_nothing_is_told_nothing(
    runtime: Runtime, before: dict[str, Any], expiry: dict[str, Any]
) -> None:
    desk = announcing_desk(runtime, expiry, before)
    assert send_reminders(runtime, desk.shop.account, AHEAD - HOUR) == 0


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_u46_announcements_go_on_where_a_batch_ends(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("workers.reminding.BATCH", batch)
    desk = announcing_desk(runtime, INACTIVITY)
    assert [send_reminders(runtime, desk.shop.account, PUBLISHED) for _ in range(2)] == [2, 0]


@pytest.mark.parametrize("points", [-50, 50])
def test_u47_adjustment_with_an_expiry_of_its_own_is_refused_by_name(points: int) -> None:
    asked = {"points": points, "reason": "by hand", "expires_at": "2026-12-01T00:00:00Z"}
    with pytest.raises(ValidationError) as refused:
        AdjustmentRequest().load(asked)
    assert refused.value.messages == {"expires_at": ["Unknown field."]}


def test_u47_negative_adjustment_is_taken_from_what_dies_first() -> None:
    orders = make_order("1"), make_order("2", at=NOON + 5 * DAY)
    spent = make_command(-130, at=NOON + 6 * DAY)
    assert moved(fold(*orders, commands=[spent], expiry=LOT, until=DEATH + 5 * DAY))[2:] == [-130, -70]


HOLD_ENDS = instant("2026-03-17T16:00")


@pytest.mark.parametrize(
    ("at", "pending", "available"), [(NOON, 100, 0), (HOLD_ENDS - SECOND, 100, 0), (HOLD_ENDS, 0, 100)]
)
def test_u48_pending_points_are_shown_and_not_spendable_until_the_hold_ends(
    at: datetime, pending: int, available: int
) -> None:
    figures = balance(fold(make_order(), earning={"pending_days": 7}, until=at), at)
    assert (figures.pending, figures.available) == (pending, available)


def test_u48_refund_in_the_hold_cancels_the_lot_and_leaves_no_debt() -> None:
    order = make_order(refunds=(make_refund(at=HOLD_ENDS - HOUR),))
    state = fold(
        order, make_order("2", total="40", at=NOON + DAY), earning={"pending_days": 7}, until=HOLD_ENDS
    )
    figures = balance(state, HOLD_ENDS)
    assert (figures.available, figures.pending, figures.debt) == (0, 40, 0)

"""What members do beside buying: activity, events, repeat rate, tags (RULES §6)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from builders import NOON, make_order, make_program, make_refund
from folding import DAY, HOUR, SOON, fold, moved, net
from ladders import dated, instant, ladder, story, tier

from loyalty.commerce import OrderState
from loyalty.engine.commands import RecordActivity, TagMember
from loyalty.engine.tiering import metrics_at
from loyalty.programs.terms import Metric
from loyalty.tiers.progress import progress_to_next

SECOND = timedelta(seconds=1)


def did(score: int = 0, *, event: bool = False, at: datetime = NOON, number: int = 1) -> RecordActivity:
    """The member did something."""
    return RecordActivity(number, at, "review", str(number), score, event, "", "api")


def tagged(*add: str, remove: Sequence[str] = (), at: datetime = NOON, number: int = 1) -> TagMember:
    return TagMember(number, at, add, tuple(remove), "", "api")


@pytest.mark.parametrize(
    ("metric", "least", "reached"),
    [
        ("activity", 11, False), ("activity", 10, True), ("activity", 9, True),
        ("events", 3, False), ("events", 2, True), ("events", 1, True),
    ],
)  # fmt: skip
def test_activity_and_events_reach_a_tier(metric: str, least: int, reached: bool) -> None:
    commands = [did(3, event=True), did(7, at=NOON + DAY, number=2), did(event=True, at=NOON + DAY, number=3)]
    state = fold(commands=commands, tiers=ladder(tier("gold", least, metric=metric)))
    assert (state.tier_key == "gold") is reached


def test_tier_by_activity_begins_with_what_reaches_it() -> None:
    commands = [did(5), did(5, at=NOON + DAY, number=2)]
    state = fold(commands=commands, tiers=ladder(tier("gold", 10, metric="activity")))
    assert dated(state) == [("gold", NOON + DAY)]


@pytest.mark.parametrize(
    ("second", "tier_key"),
    [(instant("2026-04-10T15:59:59"), "gold"), (instant("2026-04-10T16:00"), "regular")],
)
def test_activity_counts_in_its_window(second: datetime, tier_key: str) -> None:
    commands = [did(5), did(5, at=second, number=2)]
    policy = {"window": {"kind": "rolling", "months": 1}}
    state = fold(
        commands=commands, tiers=ladder(tier("gold", 10, metric="activity")), tier_policy=policy, until=second
    )
    assert state.tier_key == tier_key


@pytest.mark.parametrize(
    ("second", "after"),
    [
        (instant("2026-03-20T15:59:59"), ("gold", "renewed")),
        (instant("2026-03-20T16:00"), ("regular", "fell")),
    ],
    ids=["in the period", "after it"],
)
def test_activity_keeps_a_tier(second: datetime, after: tuple[str, str]) -> None:
    policy = {"validity": {"days": 10}}
    tiers = ladder(tier("gold", 10, keep=15, metric="activity"))
    commands = [did(10), did(5, at=second, number=2)]
    state = fold(commands=commands, tiers=tiers, tier_policy=policy, until=second + SECOND)
    assert story(state)[1] == after


def test_activity_moves_no_points() -> None:
    assert moved(fold(commands=[did(10, event=True)])) == []


@pytest.mark.parametrize(
    ("orders", "least", "reached"),
    [
        (0, "0", True), (1, "0", True), (1, "0.01", False), (2, "0.5", True), (2, "0.51", False),
        (3, "0.66", True), (3, "0.67", False), (4, "0.75", True), (4, "0.76", False),
    ],
)  # fmt: skip
def test_repeat_rate_is_the_share_of_orders_after_the_first(orders: int, least: str, reached: bool) -> None:
    bought = [make_order(str(number), at=NOON + number * HOUR) for number in range(orders)]
    state = fold(
        *bought, commands=[did(at=NOON + DAY)], tiers=ladder(tier("gold", least, metric="repeat_rate"))
    )
    assert (state.tier_key == "gold") is reached


@pytest.mark.parametrize("gone", ["refunded", "cancelled", "another currency"])
def test_repeat_rate_leaves_out_orders_that_do_not_count(gone: str) -> None:
    second = {
        "refunded": make_order("2", at=NOON + HOUR, refunds=(make_refund(at=NOON + 2 * HOUR),)),
        "cancelled": make_order("2", at=NOON + HOUR, state=OrderState.DEAD, modified_at=NOON + 2 * HOUR),
        "another currency": make_order("2", at=NOON + HOUR, currency="USD"),
    }[gone]
    state = fold(make_order(), second)
    figures = metrics_at(state, make_program(), SOON)
    assert (figures.orders, figures.value(Metric.REPEAT_RATE)) == (1, 0)


@pytest.mark.parametrize(
    ("orders", "missing"), [(1, "0.75"), (2, "0.25"), (3, "0.09")], ids=["0", "1/2", "2/3"]
)
def test_missing_repeat_rate_is_told_to_the_hundredth_and_never_too_low(orders: int, missing: str) -> None:
    program = make_program(tiers=ladder(tier("gold", "0.75", metric="repeat_rate")))
    state = fold(*[make_order(str(number), at=NOON + number * HOUR) for number in range(orders)])
    told = progress_to_next(program, "regular", metrics_at(state, program, SOON))
    assert [str(part.amount) for part in told.missing] == [missing]


EXCLUDED = {"enrolment": {"exclude": {"tags": ["staff"]}}}


@pytest.mark.parametrize(
    ("tag", "points"),
    [
        (tagged("staff", at=NOON - SECOND), 0),
        (tagged("staff", at=NOON), 100),
        (tagged("staff", at=NOON + SECOND), 100),
        (tagged("vip", at=NOON - SECOND), 100),
    ],
    ids=["before", "with the order, which goes first", "after", "another tag"],
)
def test_member_with_an_excluded_tag_does_not_earn(tag: TagMember, points: int) -> None:
    assert net(fold(make_order(), commands=[tag], **EXCLUDED)) == points


def test_member_without_the_tag_earns_again() -> None:
    commands = [tagged("staff", "vip", at=NOON - DAY), tagged(remove=["staff"], at=NOON - HOUR, number=2)]
    state = fold(make_order(), commands=commands, **EXCLUDED)
    assert (net(state), state.tags) == (100, {"vip"})


def test_refund_takes_back_what_was_earned_before_the_tag() -> None:
    order = make_order(refunds=(make_refund(at=NOON + DAY),))
    assert moved(fold(order, commands=[tagged("staff", at=NOON + HOUR)], **EXCLUDED)) == [100, -100]

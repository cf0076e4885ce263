"""When and for whom a campaign is: member days, regions, channels, tags, hold-out; and a program that is paused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from builders import NOON, STORE, make_document, make_order, make_program, make_refund, make_versions
from folding import DAY, HOUR, fold, make_file, make_two_versions, moved, standing

from loyalty.commerce import Buyer
from loyalty.engine.commands import TagMember
from loyalty.engine.news import is_ambiguous
from loyalty.engine.planning import Change, events_to_append
from loyalty.engine.state import MemberState
from loyalty.errors import Invalid
from loyalty.orders.snapshot import read_snapshot, snapshot_data
from loyalty.programs.campaigns import Campaign, Recurs
from loyalty.programs.document import check_document
from loyalty.programs.json_schema import program_json_schema

YEAR = {"key": "c", "from": "2026-01-01T00:00", "until": "2027-01-01T00:00", "multiplier": "2"}


def campaign(**more: Any) -> dict[str, Any]:
    return {**YEAR, **more}


def earned(paid: str, zone: str = "Asia/Taipei", **more: Any) -> int:
    order = make_order(at=datetime.fromisoformat(paid))
    return standing(fold(order, campaigns=[campaign(**more)], time_zone=zone, until=order.placed_at))[0]


@pytest.mark.parametrize(
    ("zone", "paid", "points"),
    [
        ("Asia/Taipei", "2026-12-03T15:59:59+00:00", 100),
        ("Asia/Taipei", "2026-12-03T16:00:00+00:00", 200),
        ("Asia/Taipei", "2026-12-04T15:59:59+00:00", 200),
        ("Asia/Taipei", "2026-12-04T16:00:00+00:00", 100),
        ("America/New_York", "2026-12-04T04:59:59+00:00", 100),
        ("America/New_York", "2026-12-04T05:00:00+00:00", 200),
        ("America/New_York", "2026-12-05T04:59:59+00:00", 200),
        ("America/New_York", "2026-12-05T05:00:00+00:00", 100),
        ("Pacific/Auckland", "2026-12-03T10:59:59+00:00", 100),
        ("Pacific/Auckland", "2026-12-03T11:00:00+00:00", 200),
        ("Pacific/Auckland", "2026-12-04T10:59:59+00:00", 200),
        ("Pacific/Auckland", "2026-12-04T11:00:00+00:00", 100),
    ],
)
def test_fridays_are_those_of_the_account(zone: str, paid: str, points: int) -> None:
    assert earned(paid, zone, recurs={"weekdays": [5]}) == points


@pytest.mark.parametrize(
    ("zone", "paid", "points"),
    [
        ("America/New_York", "2026-03-08T04:59:59+00:00", 100),
        ("America/New_York", "2026-03-08T05:00:00+00:00", 200),
        ("America/New_York", "2026-03-09T03:59:59+00:00", 200),
        ("America/New_York", "2026-03-09T04:00:00+00:00", 100),
        ("Pacific/Auckland", "2026-04-04T10:59:59+00:00", 100),
        ("Pacific/Auckland", "2026-04-04T11:00:00+00:00", 200),
        ("Pacific/Auckland", "2026-04-05T11:59:59+00:00", 200),
        ("Pacific/Auckland", "2026-04-05T12:00:00+00:00", 100),
    ],
)
def test_a_sunday_on_which_the_clocks_change_is_all_of_it_a_member_day(
    zone: str, paid: str, points: int
) -> None:
    assert earned(paid, zone, recurs={"weekdays": [7]}) == points


@pytest.mark.parametrize(
    ("zone", "paid", "points"),
    [
        ("Asia/Taipei", "2026-02-27T15:59:59+00:00", 100),
        ("Asia/Taipei", "2026-02-27T16:00:00+00:00", 200),
        ("Asia/Taipei", "2026-02-28T15:59:59+00:00", 200),
        ("Asia/Taipei", "2026-02-28T16:00:00+00:00", 100),
        ("America/New_York", "2026-05-01T03:59:59+00:00", 200),
        ("America/New_York", "2026-05-01T04:00:00+00:00", 100),
        ("Pacific/Auckland", "2026-03-30T10:59:59+00:00", 100),
        ("Pacific/Auckland", "2026-03-30T11:00:00+00:00", 200),
    ],
)
def test_the_31st_is_the_last_day_of_a_shorter_month(zone: str, paid: str, points: int) -> None:
    assert earned(paid, zone, recurs={"month_days": [31]}) == points


@pytest.mark.parametrize(
    ("recurs", "day", "named"),
    [
        (Recurs(month_days=frozenset({29})), date(2028, 2, 28), False),
        (Recurs(month_days=frozenset({29})), date(2028, 2, 29), True),
        (Recurs(month_days=frozenset({29})), date(2027, 2, 28), True),
        (Recurs(month_days=frozenset({30})), date(2026, 1, 30), True),
        (Recurs(month_days=frozenset({30})), date(2026, 1, 31), False),
        (Recurs(month_days=frozenset({1, 15})), date(2026, 2, 28), False),
        (Recurs(months=frozenset({6})), date(2026, 5, 31), False),
        (Recurs(months=frozenset({6})), date(2026, 6, 30), True),
        (Recurs(frozenset({1}), months=frozenset({6})), date(2026, 6, 1), True),
        (Recurs(frozenset({1}), months=frozenset({6})), date(2026, 6, 2), False),
        (Recurs(frozenset({5}), frozenset({13})), date(2026, 2, 13), True),
        (Recurs(frozenset({5}), frozenset({13})), date(2026, 2, 20), False),
        (Recurs(frozenset({5}), frozenset({13})), date(2026, 4, 13), False),
    ],
)
def test_days_that_recur(recurs: Recurs, day: date, named: bool) -> None:
    assert recurs.names(day) is named


def test_member_days_end_with_the_campaign() -> None:
    week = {"from": "2026-12-01T00:00", "until": "2026-12-04T12:00", "recurs": {"weekdays": [5]}}
    assert [earned(f"2026-12-04T{time}+08:00", **week) for time in ("11:59:59", "12:00:00")] == [200, 100]


@pytest.mark.parametrize(
    ("regions", "region", "points"),
    [
        ([], "", 200),
        (["US"], "", 100),
        (["US"], "US", 200),
        (["US"], "US-NY", 200),
        (["us-ny"], "US-NY", 200),
        (["US-NY"], "US-NJ", 100),
        (["US-NY"], "US", 100),
        (["TW", "US-NY"], "TW", 200),
        (["TW"], "TWX", 100),
    ],
)
def test_regions(regions: list[str], region: str, points: int) -> None:
    order = replace(make_order(), buyer=Buyer("7", region=region))
    assert moved(fold(order, campaigns=[campaign(scope={"regions": regions})])) == [points]


@pytest.mark.parametrize(("channel", "points"), [("checkout", 200), ("admin", 100), ("", 100)])
def test_channels(channel: str, points: int) -> None:
    listed = [campaign(scope={"channels": ["checkout", "pos"]})]
    assert moved(fold(make_order(channel=channel), campaigns=listed)) == [points]


def tags(number: int, at: datetime, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> TagMember:
    return TagMember(number, at, add, remove, "because", "staff")


def test_tags_are_those_that_the_member_wears_at_the_award() -> None:
    orders = [make_order(str(number), at=NOON + number * DAY) for number in range(3)]
    commands: list[Any] = [tags(1, NOON + HOUR, ("vip",)), tags(2, NOON + DAY + HOUR, remove=("vip",))]
    listed = [campaign(scope={"member_tags": ["vip", "press"]})]
    assert standing(fold(*orders, commands=commands, campaigns=listed)) == [100, 200, 100]


def test_all_that_a_scope_gives_must_hold() -> None:
    scope = {"regions": ["TW"], "channels": ["checkout"], "member_tags": ["vip"]}
    right = make_order(channel="checkout", buyer=Buyer("7", region="TW"), at=NOON + HOUR)
    wrong = [replace(right, channel="admin"), replace(right, buyer=Buyer("7", region="US"))]
    found = [
        moved(fold(order, commands=list[Any]([tags(1, NOON, ("vip",))]), campaigns=[campaign(scope=scope)]))
        for order in [right, *wrong]
    ]
    assert found == [[200], [100], [100]]


def test_excluded_tags_keep_a_member_from_earning_while_he_wears_them() -> None:
    orders = [make_order(str(number), at=NOON + number * DAY) for number in range(3)]
    commands: list[Any] = [tags(1, NOON + HOUR, ("staff",)), tags(2, NOON + DAY + HOUR, remove=("staff",))]
    enrolment = {"exclude": {"tags": ["staff"]}}
    assert standing(fold(*orders, commands=commands, enrolment=enrolment)) == [100, 0, 100]


@pytest.mark.parametrize(("percent", "points"), [(0, 200), (100, 100)])
def test_holding_out_nobody_and_everybody(percent: int, points: int) -> None:
    assert moved(fold(make_order(), campaigns=[campaign(holdout_percent=percent)])) == [points]


@pytest.mark.parametrize("percent", [1, 10, 50, 99])
def test_about_the_share_is_held_out_and_always_the_same(percent: int) -> None:
    one, other = (Campaign(key, NOON, NOON, holdout_percent=percent) for key in ("one", "other"))
    keys = [f"customer:1:{number}" for number in range(10_000)]
    held = {key for key in keys if one.holds_out(key)}

    assert abs(len(held) - percent * 100) < 200
    assert held == {key for key in keys if one.holds_out(key)}
    assert held != {key for key in keys if other.holds_out(key)}


def test_who_is_held_out_does_not_change_with_the_release() -> None:
    """Figures of earlier folds rest on it."""
    half = Campaign("spring", NOON, NOON, holdout_percent=50)
    held = [half.holds_out(f"customer:1:{number}") for number in range(8)]
    assert held == [True, True, True, False, False, True, True, True]


@pytest.mark.parametrize(
    ("minutes", "points"), [(29, [200]), (30, []), (31, [])], ids=["before", "at", "after"]
)
def test_orders_paid_while_the_program_is_paused_earn_nothing_but_count(
    minutes: int, points: list[int]
) -> None:
    versions = make_two_versions({"campaigns": [YEAR]}, {"campaigns": [YEAR], "paused": True})
    state = fold(make_order(at=NOON + minutes * HOUR / 60), versions=versions)
    assert moved(state) == points
    assert (state.tally.total.orders, state.tally.total.spend, state.order_count) == (1, 100, 1)


def test_what_was_earned_before_a_pause_is_taken_back_by_a_refund_in_it() -> None:
    order = make_order(refunds=(make_refund(amount="30", at=NOON + HOUR),))
    assert moved(fold(order, versions=make_two_versions({}, {"paused": True}))) == [100, -30]


def test_the_kept_snapshot_knows_region_and_channel_and_nothing_else_of_the_buyer() -> None:
    order = make_order(channel="checkout", buyer=Buyer("7", "amy@example.test", "1", "Amy", "US-NY"))
    data = snapshot_data(order)
    kept = read_snapshot(STORE, "1", data, None)
    assert (kept.channel, kept.buyer) == ("checkout", Buyer(region="US-NY"))
    assert "Amy" not in str(data)
    assert "amy" not in str(data)
    del data["region"]
    assert read_snapshot(STORE, "1", data, None).buyer == Buyer()


@pytest.mark.parametrize(
    ("buyer", "ambiguous"),
    [(Buyer("7", region="US"), True), (Buyer("8", "b@example.test", region="TW"), False)],
    ids=["region", "person"],
)
def test_two_regions_in_one_second_are_asked_for(buyer: Buyer, ambiguous: bool) -> None:
    known = make_order(buyer=Buyer("7", region="TW"))
    assert is_ambiguous(replace(known, buyer=buyer), known) is ambiguous


@pytest.mark.parametrize("more", [{"channel": "admin"}, {"buyer": Buyer("7", region="US")}])
def test_an_order_from_elsewhere_is_rated_again(more: dict[str, Any]) -> None:
    old, new = make_file(make_order(channel="checkout")), make_file(make_order(**more))
    assert events_to_append(MemberState("m"), [Change(old, new)], make_versions()) is None


@pytest.mark.parametrize(
    ("scope", "appended"), [({"member_tags": ["vip"]}, False), ({"tiers": ["regular"]}, True)]
)
def test_a_refund_of_an_order_in_a_campaign_by_tags_needs_the_whole_history(
    scope: dict[str, Any], appended: bool
) -> None:
    old, new = make_file(make_order()), make_file(make_order(refunds=(make_refund(),)))
    versions = make_versions(campaigns=[campaign(scope=scope)])
    assert (events_to_append(MemberState("m"), [Change(old, new)], versions) is not None) is appended


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"recurs": {"weekdays": [0]}}, "/recurs/weekdays/0"),
        ({"recurs": {"weekdays": [8]}}, "/recurs/weekdays/0"),
        ({"recurs": {"month_days": [32]}}, "/recurs/month_days/0"),
        ({"recurs": {"months": [13]}}, "/recurs/months/0"),
        ({"recurs": {"weekdays": []}}, "/recurs"),
        ({"recurs": {"weeks": [1]}}, "/recurs/weeks"),
        ({"scope": {"regions": ["Taiwan"]}}, "/scope/regions/0"),
        ({"scope": {"regions": ["TW-"]}}, "/scope/regions/0"),
        ({"holdout_percent": 101}, "/holdout_percent"),
        ({"holdout_percent": -1}, "/holdout_percent"),
        ({"budget": 0}, "/budget"),
        ({"per_member": 0}, "/per_member"),
    ],
)
def test_mistakes_of_a_campaign_are_named(more: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_document(make_document(campaigns=[campaign(**more)]))
    assert set(caught.value.attributes["fields"]) == {f"/campaigns/0{path}"}  # type: ignore[call-overload]


def test_every_key_of_a_campaign_arrives() -> None:
    more = {
        "recurs": {"weekdays": [1], "month_days": [2], "months": [3]}, "holdout_percent": 4, "budget": 5,
        "per_member": 6, "scope": {"regions": ["TW"], "channels": ["pos"], "member_tags": ["vip"]},
    }  # fmt: skip
    built = make_program(campaigns=[campaign(**more)]).campaigns[0]
    assert built.recurs == Recurs(frozenset({1}), frozenset({2}), frozenset({3}))
    assert (built.holdout_percent, built.budget, built.per_member) == (4, 5, 6)
    assert (built.scope.regions, built.scope.channels, built.scope.member_tags) == ({"TW"}, {"pos"}, {"vip"})


def test_the_json_schema_tells_the_limits() -> None:
    properties = program_json_schema()["properties"]
    described = properties["campaigns"]["items"]["properties"]
    assert described["holdout_percent"] == {"type": "integer", "minimum": 0, "maximum": 100, "default": 0}
    assert properties["paused"] == {"type": "boolean", "default": False}

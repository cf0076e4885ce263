"""Paid memberships: bought, renewed early and in the grace, lapsed, refunded (RULES §6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, make_line, make_order, make_refund
from folding import DAY, HOUR, fold, make_file, make_two_versions, standing
from ladders import REWARDS, dated, instant, ladder, story, tier

from loyalty.commerce import LineKind, OrderSnapshot, OrderState, Refund
from loyalty.engine.state import MemberState

SECOND = timedelta(seconds=1)
TIERS = ladder(tier("silver", "400"), tier("gold", "600"), tier("black", "1000"))
PAID_UNTIL = instant("2027-03-10T16:00")
"""The end of a year that was bought at noon of 10 March 2026 in Taipei."""


def plus(grace_days: int = 0, term: dict[str, int] | None = None, tier: str = "gold") -> dict[str, Any]:
    """A program that sells a year of gold as product `plus`, and other things."""
    sold = {
        "key": "plus", "match": {"product_ids": ["plus"]}, "tier": tier, "term": term or {"years": 1},
        "grace_days": grace_days,
    }  # fmt: skip
    return {"tiers": TIERS, "memberships": [sold]}


def bought(id: str = "1", at: datetime = NOON, price: str = "99", **more: Any) -> OrderSnapshot:
    """An order of the membership and a thing of 100."""
    lines = [make_line("1", price, product_id="plus"), make_line("2", "100")]
    return make_order(id, lines=more.pop("lines", lines), at=at, **more)


def lived(*orders: Any, until: datetime, **program: Any) -> MemberState:
    return fold(*orders, until=until, **{**plus(), **program})


@pytest.mark.parametrize(
    ("zone", "paid", "term", "end"),
    [
        ("Asia/Taipei", "2026-03-10T04:00", {"years": 1}, "2027-03-10T16:00"),
        ("Asia/Taipei", "2024-02-29T04:00", {"years": 1}, "2025-02-28T16:00"),
        ("Asia/Taipei", "2026-01-31T04:00", {"months": 1}, "2026-02-28T16:00"),
        ("America/New_York", "2026-10-01T04:30", {"months": 1}, "2026-11-02T05:00"),
        ("America/New_York", "2026-02-08T17:00", {"days": 28}, "2026-03-09T04:00"),
        ("Pacific/Auckland", "2026-03-05T11:30", {"days": 30}, "2026-04-05T12:00"),
    ],
)
@pytest.mark.parametrize(("early", "held"), [(SECOND, "gold"), (timedelta(), "regular")])
def test_membership_lasts_to_the_end_of_its_last_local_day(
    zone: str, paid: str, term: dict[str, int], end: str, early: timedelta, held: str
) -> None:
    state = lived(bought(at=instant(paid)), until=instant(end) - early, time_zone=zone, **plus(term=term))
    assert state.tier_key == held


def test_membership_begins_with_its_order_and_counts_from_the_next_one_on() -> None:
    program = {**plus(), "tiers": ladder(tier("gold", "9999", multiplier="2"))}
    orders = bought(), make_order("2", at=NOON + SECOND)
    assert standing(fold(*orders, **program)) == [199, 200]


def test_history_tells_what_was_bought_and_when_it_lapsed() -> None:
    state = lived(bought(), until=PAID_UNTIL)
    assert story(state) == [("gold", "membership"), ("regular", "membership_ended")]


@pytest.mark.parametrize(
    ("until", "held"),
    [(PAID_UNTIL, "gold"), (PAID_UNTIL + 5 * DAY - SECOND, "gold"), (PAID_UNTIL + 5 * DAY, "regular")],
)
def test_membership_lapses_after_its_grace(until: datetime, held: str) -> None:
    assert lived(bought(), until=until, **plus(grace_days=5)).tier_key == held


def test_grace_of_a_membership_lasts_local_days_over_the_change_of_clocks() -> None:
    """Paid until 7 March 2026, 00:00 in New York; three days later the clocks have changed."""
    program = plus(grace_days=3, term={"days": 30})
    order = bought(at=instant("2026-02-04T17:00"))
    lapse = instant("2026-03-10T04:00")
    zone = {"time_zone": "America/New_York"}
    assert lived(order, until=lapse - SECOND, **program, **zone).tier_key == "gold"
    assert lived(order, until=lapse, **program, **zone).tier_key == "regular"


TWO_YEARS = instant("2028-03-10T16:00")


@pytest.mark.parametrize(
    ("again", "end"),
    [
        (NOON + HOUR, TWO_YEARS),
        (PAID_UNTIL - SECOND, TWO_YEARS),
        (PAID_UNTIL, TWO_YEARS),
        (PAID_UNTIL + 5 * DAY - SECOND, TWO_YEARS),
        (PAID_UNTIL + 5 * DAY, instant("2028-03-15T16:00") + DAY),
    ],
    ids=["at once", "last second", "in the grace", "last second of the grace", "lapsed"],
)
def test_renewal_follows_what_was_paid_without_a_gap(again: datetime, end: datetime) -> None:
    lapse = end + 5 * DAY
    orders = bought(), bought("2", again)
    program = plus(grace_days=5)
    assert lived(*orders, until=lapse - SECOND, **program).tier_key == "gold"
    assert lived(*orders, until=lapse, **program).tier_key == "regular"


@pytest.mark.parametrize("again", [NOON + HOUR, PAID_UNTIL - SECOND, PAID_UNTIL + DAY])
def test_renewal_is_no_new_period(again: datetime) -> None:
    state = lived(bought(), bought("2", again), until=PAID_UNTIL + 90 * DAY, **plus(grace_days=5))
    assert story(state) == [("gold", "membership")]


def test_membership_bought_after_a_lapse_is_a_new_entry() -> None:
    state = lived(bought(), bought("2", PAID_UNTIL), until=PAID_UNTIL)
    assert dated(state) == [("gold", NOON), ("regular", PAID_UNTIL), ("gold", PAID_UNTIL)]
    assert [period.entry for period in state.periods if period.tier_key == "gold"] == [1, 2]


@pytest.mark.parametrize(
    ("price", "held"), [("400", "gold"), ("900", "black")], ids=["membership is higher", "earned is higher"]
)
def test_member_has_the_higher_of_what_is_paid_and_earned(price: str, held: str) -> None:
    assert lived(bought(price=price), until=NOON).tier_key == held


def test_earned_tier_goes_on_when_the_membership_lapses() -> None:
    assert lived(bought(price="400"), until=PAID_UNTIL).tier_key == "silver"


def by_line(amount: str, quantity_line: str = "1") -> Refund:
    return make_refund(amount=amount, at=NOON + DAY, lines={quantity_line: amount})


@pytest.mark.parametrize(
    ("refund", "held"),
    [
        (by_line("99"), "regular"),
        (by_line("98.99"), "gold"),
        (by_line("100", "2"), "gold"),
        (make_refund(amount="99", at=NOON + DAY), "gold"),
        (make_refund(amount="198.99", at=NOON + DAY), "gold"),
        (make_refund(amount="199", at=NOON + DAY), "regular"),
    ],
    ids=["its line", "nearly its line", "another line", "as much by amount", "nearly all", "all by amount"],
)
def test_membership_ends_when_its_line_is_refunded_in_full(refund: Refund, held: str) -> None:
    order = bought(refunds=(refund,))
    assert lived(order, until=NOON + DAY - SECOND).periods[1].tier_key == "gold"
    assert lived(order, until=NOON + DAY).tier_key == held


def test_refunds_of_its_line_in_parts_end_it_with_the_last_one() -> None:
    refunds = (
        make_refund("501", "50", at=NOON + DAY, lines={"1": "50"}),
        make_refund("502", "49", at=NOON + 2 * DAY, lines={"1": "49"}),
    )
    state = lived(bought(refunds=refunds), until=NOON + 3 * DAY)
    assert dated(state) == [("gold", NOON), ("regular", NOON + 2 * DAY)]


def test_line_made_cheaper_by_a_fee_is_refunded_in_full_by_what_it_cost() -> None:
    """Half of 200 was taken off by a fee: each line cost half, and 50 is all of the membership."""
    lines = [
        make_line("1", "100", product_id="plus"), make_line("2", "100"),
        make_line("3", "-100", kind=LineKind.FEE, product_id=""),
    ]  # fmt: skip
    order = bought(lines=lines, refunds=(by_line("50"),))
    assert lived(order, until=NOON + DAY).tier_key == "regular"


@pytest.mark.parametrize(
    "gone",
    [
        make_file(bought(state=OrderState.DEAD, modified_at=NOON + DAY)),
        make_file(bought(state=OrderState.REFUNDED, modified_at=NOON + DAY)),
        make_file(bought(), deleted_at=NOON + DAY),
    ],
    ids=["cancelled", "refunded", "deleted"],
)
def test_membership_ends_with_its_order(gone: Any) -> None:
    assert dated(lived(gone, until=NOON + DAY)) == [("gold", NOON), ("regular", NOON + DAY)]


def test_refund_of_the_renewal_leaves_the_first_term() -> None:
    again = bought("2", NOON + DAY, refunds=(make_refund(amount="199", at=NOON + 2 * DAY),))
    state = lived(bought(), again, until=PAID_UNTIL)
    assert dated(state) == [("gold", NOON), ("regular", PAID_UNTIL)]


@pytest.mark.parametrize(
    ("refunded_at", "lapse"),
    [
        (NOON + 2 * DAY, instant("2027-03-13T16:00")),
        (PAID_UNTIL - SECOND, TWO_YEARS),
        (PAID_UNTIL, TWO_YEARS),
    ],
    ids=["soon", "in the last second", "when it has begun"],
)
def test_term_that_waited_begins_when_the_one_before_is_refunded(
    refunded_at: datetime, lapse: datetime
) -> None:
    """Bought twice by mistake: the second is paid for and stands, and its year of 366 days begins at once."""
    twice = bought(refunds=(make_refund(amount="199", at=refunded_at),)), bought("2", NOON + DAY)
    assert dated(lived(*twice, until=lapse)) == [("gold", NOON), ("regular", lapse)]


def test_third_term_follows_the_first_when_the_second_is_refunded() -> None:
    second = bought("2", NOON + HOUR, refunds=(make_refund(amount="199", at=NOON + DAY),))
    orders = bought(), second, bought("3", NOON + 2 * HOUR)
    program = plus(grace_days=5, term={"days": 30})
    lapse = instant("2026-05-09T16:00") + 5 * DAY
    assert dated(lived(*orders, until=lapse, **program)) == [("gold", NOON), ("silver", lapse)]


def test_refund_of_another_line_after_the_product_changed_ends_nothing() -> None:
    """The version in force at the refund sells it as another product; what was bought is what the order bought."""
    sold = {**plus()["memberships"][0], "match": {"product_ids": ["newer"]}}
    versions = make_two_versions(plus(), {**plus(), "memberships": [sold]})
    state = fold(bought(refunds=(by_line("100", "2"),)), versions=versions, until=NOON + DAY)
    assert state.tier_key == "gold"


def test_membership_that_is_no_longer_sold_runs_on() -> None:
    versions = make_two_versions(plus(), {"tiers": TIERS})
    assert fold(bought(), versions=versions, until=PAID_UNTIL - SECOND).tier_key == "gold"
    assert fold(bought(), versions=versions, until=PAID_UNTIL).tier_key == "regular"


def test_order_without_the_product_buys_nothing() -> None:
    assert lived(make_order(), until=NOON).tier_key == "regular"


@pytest.mark.parametrize("more", [{"test": True}, {"currency": "USD"}])
def test_order_that_does_not_count_buys_no_membership(more: dict[str, Any]) -> None:
    assert lived(bought(**more), until=NOON).tier_key == "regular"


@pytest.mark.parametrize(("refund", "withdrawn"), [(by_line("99"), True), (by_line("100", "2"), False)])
def test_reward_of_a_bought_entry_goes_with_the_purchase(refund: Refund, withdrawn: bool) -> None:
    program = {**plus(), "tiers": ladder(tier("gold", "9999", entry_reward="gift")), "rewards": REWARDS}
    state = fold(bought(refunds=(refund,)), **program)
    assert [grant.withdrawn for grant in state.grants.values()] == [withdrawn]


def test_used_reward_of_a_bought_entry_stays() -> None:
    program = {**plus(), "tiers": ladder(tier("gold", "9999", entry_reward="gift")), "rewards": REWARDS}
    member = MemberState("customer:1:7", used_causes=frozenset({"tier:customer:1:7:gold:1"}))
    state = fold(bought(refunds=(by_line("99"),)), member=member, **program)
    assert [grant.withdrawn for grant in state.grants.values()] == [False]

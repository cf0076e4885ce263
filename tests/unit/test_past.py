"""The past of a shop: until when it counts toward tiers only, what it never gives, and what it would cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from builders import LONG_AGO, NOON, STORE, make_order, make_program, make_refund
from folding import fold

from loyalty.commerce import Buyer, OrderState
from loyalty.engine.estimating import Known, add_estimates, buyers, estimate
from loyalty.engine.state import MemberState, Period
from loyalty.members.identity import Identity
from loyalty.programs.program import Versions
from loyalty.values import StoreId

SECOND = timedelta(seconds=1)
LATER = NOON + timedelta(days=30)
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "300"}]},
        "benefits": {"multiplier": "2", "entry_reward": "gift"},
    },
]  # fmt: skip
GIFT = {"key": "gift", "kind": "fixed_discount", "amount": "10"}
WELCOME = {
    "key": "welcome", "trigger": "member_joined", "once_per": "member",
    "actions": [{"kind": "points", "points": 7}],
}  # fmt: skip
RULES: dict[str, Any] = {"tiers": TIERS, "rewards": [GIFT], "automations": [WELCOME]}

NOBODY_KNOWN = Known(1, frozenset(), {})
EXPLICIT: dict[str, Any] = {"mode": "explicit"}
NO_GUESTS: dict[str, Any] = {"guests": False}
NO_DOMAIN: dict[str, Any] = {"exclude": {"email_domains": ["example.test"]}}
NO_STAFF: dict[str, Any] = {"exclude": {"roles": ["shop_manager"]}}
AMY, GUEST = Buyer(customer_id="7", email="amy@example.test"), Buyer(email="amy@example.test")


def versions(points_from: datetime | None = None, **parts: Any) -> Versions:
    return Versions((make_program(**{**RULES, **parts}),), {STORE: points_from} if points_from else {})


@pytest.mark.parametrize(("shift", "points"), [(-SECOND, 0), (timedelta(0), 107), (SECOND, 107)])
def test_order_gives_points_from_that_instant_on(shift: timedelta, points: int) -> None:
    state = fold(make_order(at=NOON + shift), until=LATER, versions=versions(NOON))
    assert sum(movement.points for movement in state.movements) == points
    assert (state.tally.total.spend, state.tally.total.orders, state.joined_at) == (100, 1, NOON + shift)


def test_other_stores_have_no_such_past() -> None:
    other = Versions(versions().programs, {StoreId(UUID(int=9)): LATER})
    assert other.gives_points(STORE, NOON)


def test_past_raises_tiers_and_gives_no_reward_for_it() -> None:
    orders = [make_order(str(number), "200", at=NOON + number * SECOND) for number in range(1, 3)]
    state = fold(*orders, until=LATER, versions=versions(NOON + timedelta(hours=1)))
    assert (state.tier_key, state.movements, dict(state.grants)) == ("gold", [], {})
    assert not any(period.rewarded for period in state.periods)


def test_first_order_after_the_past_earns_in_the_tier_of_the_past() -> None:
    past = make_order("1", "300", at=NOON)
    state = fold(past, make_order("2", at=NOON + 2 * SECOND), until=LATER, versions=versions(NOON + SECOND))
    assert [movement.points for movement in state.movements] == [200]


def test_refund_of_a_past_order_takes_no_points_and_lowers_spend() -> None:
    order = make_order(refunds=(make_refund(amount="40"),))
    state = fold(order, until=LATER, versions=versions(LATER))
    assert (state.movements, state.tally.total.spend) == ([], 60)


def test_version_of_the_past_gives_points_and_nothing_else() -> None:
    first = make_program(2, NOON + timedelta(days=1), **RULES)
    past = replace(make_program(1, LONG_AGO, tiers=TIERS, rewards=[GIFT]), past=True)
    orders = [make_order(str(number), "200", at=NOON + number * SECOND) for number in range(1, 3)]
    state = fold(*orders, until=LATER, versions=Versions((past, first)))
    assert [movement.points for movement in state.movements] == [200, 200]
    assert (state.tier_key, dict(state.grants), state.rules) == ("gold", {}, 2)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_past_comes_to_the_same_in_every_order(order: tuple[int, ...]) -> None:
    orders = [make_order(str(number), "200", at=NOON + number * timedelta(days=1)) for number in range(1, 4)]
    state = fold(
        *[orders[place] for place in order], until=LATER, versions=versions(NOON + timedelta(days=2, hours=1))
    )
    assert [movement.points for movement in state.movements] == [400]


def test_estimate_is_of_the_first_and_of_the_best_tier() -> None:
    assert estimate(make_order(), versions(), LATER) == (100, 200, True)


@pytest.mark.parametrize(
    ("more", "points"),
    [
        ({"refunds": (make_refund(amount="40"),)}, 60),
        ({"refunds": (make_refund(amount="100"),)}, 0),
        ({"state": OrderState.DEAD}, 0),
        ({"state": OrderState.REFUNDED}, 0),
        ({"state": OrderState.OPEN}, 0),
        ({"paid_at": None}, 0),
        ({"currency": "USD"}, 0),
        ({"total": Decimal(0)}, 0),
    ],
)
def test_estimate_is_net_of_what_happened_since(more: dict[str, Any], points: int) -> None:
    assert estimate(make_order(**more), versions(), LATER)[0] == points


@pytest.mark.parametrize(("days", "is_alive"), [(9, True), (11, False)])
def test_estimate_knows_what_has_died(days: int, is_alive: bool) -> None:
    rules = versions(expiry={"mode": "lot", "after": {"days": 10}})
    assert estimate(make_order(), rules, NOON + timedelta(days=days))[2] is is_alive


def test_estimates_add_up_and_leave_out_what_counts_already() -> None:
    orders = [make_order("1"), make_order("2"), make_order("3", paid_at=None)]
    known = replace(NOBODY_KNOWN, orders=frozenset({"2"}))
    sums = add_estimates({"orders": 10, "points": 50}, orders, known, versions(), LATER)
    assert sums == {
        "orders": 13, "known": 1, "counting": 1, "points": 150, "points_at_most": 200, "points_alive": 100,
    }  # fmt: skip


def test_before_the_first_version_nothing_costs_anything() -> None:
    later = Versions((make_program(effective_from=datetime(2026, 3, 11, tzinfo=UTC)),))
    assert estimate(make_order(), later, LATER) == (0, 0, False)


@pytest.mark.parametrize(
    ("enrolment", "buyer", "points"),
    [
        ({}, AMY, 100),
        ({}, GUEST, 100),
        ({}, Buyer(phone="+886912345678"), 100),
        ({}, Buyer(), 0),
        (EXPLICIT, AMY, 0),
        (EXPLICIT, GUEST, 0),
        (NO_GUESTS, AMY, 100),
        (NO_GUESTS, GUEST, 0),
        (NO_DOMAIN, AMY, 0),
        (NO_DOMAIN, replace(AMY, email="amy@other.test"), 100),
    ],
)
def test_estimates_leave_out_who_cannot_earn(enrolment: dict[str, Any], buyer: Buyer, points: int) -> None:
    sums = add_estimates({}, [make_order(buyer=buyer)], NOBODY_KNOWN, versions(enrolment=enrolment), LATER)
    assert (sums["orders"], sums["points"], sums["counting"]) == (1, points, points // 100)


@pytest.mark.parametrize(
    ("enrolment", "known", "points"),
    [
        (EXPLICIT, {}, 0),
        (EXPLICIT, {"periods": [Period("regular", 1, NOON - SECOND, "joined")]}, 100),
        (EXPLICIT, {"periods": [Period("regular", 1, NOON, "joined")]}, 0),
        (EXPLICIT, {"periods": [Period("regular", 1, LATER, "joined")], "joined_at": LONG_AGO}, 0),
        (NO_GUESTS, {}, 100),
        (NO_GUESTS, {"guest": True}, 0),
        (NO_GUESTS, {"guest": True, "is_customer": True}, 0),
        (NO_DOMAIN, {"email_domain": "example.test"}, 0),
        (NO_STAFF, {"role": "shop_manager"}, 0),
        ({"exclude": {"tags": ["staff"]}}, {"tags": frozenset({"staff"})}, 100),
    ],
)
def test_estimates_judge_a_member_as_he_was_when_the_order_was_paid(
    enrolment: dict[str, Any], known: dict[str, Any], points: int
) -> None:
    """He joined with his first period, whatever an import says; tags and merges come after the past."""
    orders = [make_order(buyer=AMY)]
    (who,) = buyers(1, orders)
    assert who == Identity("customer", "1:7")
    members = replace(NOBODY_KNOWN, members={who: MemberState("customer:1:7", **known)})
    assert add_estimates({}, orders, members, versions(enrolment=enrolment), LATER)["points"] == points

"""Histories that a random search would seldom meet, each named by what makes it hard."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from builders import NOON, STORE, make_line, make_order, make_program, make_refund, make_versions
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import Ledger, Statement

from loyalty.commerce import OrderDeleted, OrderState
from loyalty.engine.commands import AdjustPoints
from loyalty.programs.program import Versions

HOUR = timedelta(hours=1)
LATER = NOON + timedelta(days=90)
INSTANTS = [LATER, LATER + timedelta(days=400)]
TIERS = [
    {"key": "regular", "name": {"en": "Regular"}},
    {
        "key": "gold", "name": {"en": "Gold"}, "enter": {"any": [{"metric": "spend", "at_least": "150"}]},
        "benefits": {"multiplier": "2"},
    },
]  # fmt: skip
DYING = {"mode": "lot", "after": {"days": 10}}


def ends(versions: Versions, *statements: Statement) -> dict[str, object]:
    """What a member stands at when these statements arrived one after the other, in this order."""
    ledger = Ledger(versions)
    for number, statement in enumerate(statements):
        ledger.take([statement], LATER + number * timedelta(seconds=1))
        ledger.check(LATER)
    return ledger.dump(INSTANTS)


def test_gone_twice_is_gone_at_the_same_time_whichever_answer_comes_first() -> None:
    versions = make_versions(tiers=TIERS)
    first, second = make_order("1"), make_order("2", at=NOON + 2 * HOUR)
    sooner, later = (OrderDeleted(STORE, "1", NOON + hours * HOUR) for hours in (1, 3))

    assert ends(versions, first, second, sooner, later) == ends(versions, first, second, later, sooner)


def test_gone_twice_in_one_batch_is_gone_as_in_two() -> None:
    versions = make_versions(tiers=TIERS)
    first, second = make_order("1"), make_order("2", at=NOON + 2 * HOUR)
    sooner, later = (OrderDeleted(STORE, "1", NOON + hours * HOUR) for hours in (1, 3))
    together = Ledger(versions)
    together.take([first, second, sooner, later], LATER)

    assert together.dump(INSTANTS) == ends(versions, first, second, sooner, later)


def test_an_order_that_is_gone_stays_gone_when_its_last_body_arrives_afterwards() -> None:
    versions = make_versions()
    order, gone = make_order(), OrderDeleted(STORE, "1", NOON + HOUR)

    assert ends(versions, gone, order)["orders"] == ends(versions, order, gone)["orders"]
    assert ends(versions, gone, order)["points"] == ends(versions, order, gone)["points"]


def test_seen_alive_between_two_answers_that_it_is_gone() -> None:
    versions = make_versions()
    order = make_order()
    alive = replace(order, observed_at=NOON + 2 * HOUR)
    sooner, later = (OrderDeleted(STORE, "1", NOON + hours * HOUR) for hours in (1, 3))

    assert ends(versions, order, sooner, later, alive) == ends(versions, order, sooner, alive, later)


def test_a_command_accepted_while_the_shops_clock_is_ahead() -> None:
    """The order's paid time lies some seconds after the acceptance of a command that comes after it."""
    versions = make_versions(refunds={"negative_balance": "floor"})
    command = AdjustPoints(1, NOON, -60, "because", False, "staff")
    ledger = Ledger(versions)
    ledger.take([make_order(at=NOON + timedelta(seconds=5))], NOON)
    ledger.accept(command, NOON)

    assert ledger.dump(INSTANTS)["points"] == ledger.dump_of_fold(INSTANTS, LATER)["points"]


def test_settling_at_an_earlier_time_than_before_leaves_what_a_fold_gives() -> None:
    """Two workers' clocks differ, or one waited for the other's lock with an older `now`."""
    ledger = Ledger(make_versions(expiry=DYING))
    ledger.take([make_order()], NOON)
    ledger.settle(LATER)
    ledger.settle(NOON + HOUR)
    assert ledger.settled_at is not None

    assert ledger.dump(INSTANTS)["points"] == ledger.dump_of_fold(INSTANTS, ledger.settled_at)["points"]


def test_an_order_whose_points_rise_by_a_refund_after_they_expired() -> None:
    """By amount first, then all of the line that earns nothing: the rest is the earning line's again."""
    versions = make_versions(
        expiry=DYING, earning={"excluded": {"product_ids": ["p2"]}}, refunds={"negative_balance": "floor"}
    )
    lines = [make_line("1", "50"), make_line("2", "50")]
    order = make_order(lines=lines)
    by_amount = make_refund("501", "50", at=NOON + HOUR)
    by_line = make_refund("502", "0.01", at=NOON + timedelta(days=20), lines={"2": "50"})
    one = replace(order, refunds=(by_amount,), modified_at=by_amount.created_at)
    both = replace(order, refunds=(by_amount, by_line), modified_at=by_line.created_at)

    assert ends(versions, order, one, both) == ends(versions, both, one, order)
    assert ends(versions, order, one, both)["orders"]["1:1"][0] == 49  # type: ignore[index]


def test_paid_unpaid_and_paid_again_is_one_award() -> None:
    order = make_order()
    unpaid = replace(order, state=OrderState.OPEN, status="pending", modified_at=NOON + HOUR)
    again = replace(order, modified_at=NOON + 2 * HOUR)

    found = ends(make_versions(), order, unpaid, again)
    assert found["points"] == {"order:1:1:award": 100}
    assert found == ends(make_versions(), again, order, unpaid)


@given(st.permutations(range(6)))
@settings(max_examples=100)
def test_cancelled_restored_and_cancelled_again(places: list[int]) -> None:
    order = make_order()
    states = [
        replace(order, state=OrderState.DEAD if n % 2 else OrderState.LIVE, modified_at=NOON + n * HOUR)
        for n in range(6)
    ]
    shuffled = ends(make_versions(), *(states[place] for place in places))

    assert shuffled == ends(make_versions(), *states)


def test_a_month_of_thirty_one_days_and_an_hour_is_remembered() -> None:
    """In New York the window of a month at the last minutes of 30 November begins 32 days and an hour before."""
    tiers = [TIERS[0], {**TIERS[1], "enter": {"any": [{"metric": "orders", "at_least": 3}]}}]
    policy = {"window": {"kind": "rolling", "months": 1}}
    ledger = Ledger(make_versions(tiers=tiers, tier_policy=policy, time_zone="America/New_York"))
    for number, text in enumerate(("2026-10-30T04:30", "2026-12-01T04:50", "2026-12-01T04:55"), 1):
        at = datetime.fromisoformat(text).replace(tzinfo=UTC)
        ledger.take([make_order(str(number), at=at)], at)

    assert (ledger.appended, ledger.row["tier_key"]) == (3, "gold")


def test_a_version_published_while_the_shops_clock_is_ahead() -> None:
    """The order's paid time lies after the start of a version that was published after the order was folded."""
    ledger = Ledger(make_versions(tiers=TIERS))
    ledger.take([make_order(total="200", at=NOON + timedelta(seconds=5))], NOON)
    later = make_program(
        2, NOON + timedelta(seconds=2), tiers=TIERS[:1], earning={"points_per_unit": "3"}, expiry=DYING
    )
    ledger.versions = Versions((*ledger.versions.programs, later))
    ledger.settle(NOON + HOUR)

    stored, rebuilt = ledger.dump(INSTANTS), ledger.dump_of_fold(INSTANTS, NOON + HOUR)
    assert {part: stored[part] for part in rebuilt} == rebuilt
    assert stored["points"] == {"order:1:1:award": 600}


def test_an_order_of_before_new_rules_that_arrives_after_they_took_effect() -> None:
    """They changed nothing of the member when they did; the order reaches a tier, which they give an end."""
    lasting = make_program(2, NOON + HOUR, tiers=TIERS, tier_policy={"validity": {"days": 10}})
    ledger = Ledger(Versions((*make_versions(tiers=TIERS).programs, lasting)))
    ledger.take([make_order("1", total="1")], NOON)
    ledger.settle(NOON + 2 * HOUR)
    ledger.take([make_order("2", total="200", at=NOON + HOUR / 2)], NOON + 2 * HOUR)

    assert ledger.dump(INSTANTS)["head"] == ledger.dump_of_fold(INSTANTS, NOON + 2 * HOUR)["head"]
    ledger.settle(LATER)
    assert ledger.row["tier_key"] == "regular"

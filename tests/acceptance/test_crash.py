"""Kill -9 of web, worker, clock, database, queue and supervisor in the middle of orders, a queue that forgets all,
deliveries that never come and a shop that is away for a day: nothing is lost or doubled.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.crash import FLUSHES, Outcome, Plan, run
from bench.victims import NAMES

PLAN = Plan(orders=320, kills=20, seed=20261)
PLANS = [PLAN, replace(PLAN, platform="shopify")]


@pytest.fixture(scope="module", params=PLANS, ids=lambda plan: plan.platform)
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One run of each platform for all tests of this file, in a folder with a space in its name."""
    return run(request.param, tmp_path_factory.mktemp("crash") / "a b")


@pytest.mark.slow
def test_every_kind_of_process_was_killed(outcome: Outcome) -> None:
    assert sum(outcome.kills.values()) == PLAN.kills
    assert set(outcome.kills) == set(NAMES)


@pytest.mark.slow
def test_the_queue_was_emptied_and_what_never_came_was_found(outcome: Outcome) -> None:
    assert outcome.flushes == FLUSHES
    assert outcome.found > 0 < outcome.dropped


@pytest.mark.slow
def test_every_delivery_was_answered_and_is_processed(outcome: Outcome) -> None:
    assert outcome.answered == outcome.deliveries > PLAN.orders / 2
    assert set(outcome.fates) == {"processed"}


@pytest.mark.slow
def test_points_are_the_plain_sum_of_all_orders(outcome: Outcome) -> None:
    assert outcome.points == outcome.expected_points > 0


@pytest.mark.slow
def test_the_rebuilt_ledger_has_no_differences(outcome: Outcome) -> None:
    assert outcome.differences == 0


@pytest.mark.slow
def test_no_coupon_is_lost_doubled_or_left_alive(outcome: Outcome) -> None:
    assert outcome.coupons
    assert outcome.wrong_coupons == []
    assert "requested" not in outcome.coupons.values()


@pytest.mark.slow
def test_nothing_outlives_the_program(outcome: Outcome) -> None:
    assert outcome.left_over == []

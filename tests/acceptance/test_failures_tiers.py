"""Failures of other systems with tiers, through the fold, and what publishing says."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise, product
from typing import Any

import pytest
from builders import LONG_AGO, NOON, make_document, make_mixed_order, make_order, make_program, make_shop
from folding import DAY, fold, make_command, make_two_versions, net, standing
from ladders import THREE, dated, ladder, story, tier

from loyalty.engine.publishing import publish_program
from loyalty.programs.program import Versions
from workers.runtime import Runtime

SECOND = timedelta(seconds=1)
GOLD_FROM_THE_START = [tier("gold")]


@pytest.mark.parametrize("on_refund", ["period_end", "at_once"])
@pytest.mark.parametrize("downgrade", ["recalculate", "one_step"])
def test_u64_tier_of_a_living_period_stays_when_all_points_are_redeemed(
    on_refund: str, downgrade: str
) -> None:
    tiers = ladder(tier("gold", 100, metric="points"), tier("black", 500, metric="points"))
    policy = {"validity": {"days": 30}, "on_refund": on_refund, "downgrade": downgrade}
    state = fold(
        make_order(total="500"), make_order("2", total="500", at=NOON + DAY), tiers=tiers, tier_policy=policy,
        commands=[make_command(-500), make_command(-500, number=2, at=NOON + 2 * DAY)], until=NOON + 40 * DAY,
    )  # fmt: skip
    assert (net(state), story(state)) == (0, [("black", "reached"), ("black", "renewed")])


def campaign(key: str, multiplier: str, stacking: str, **scope: Any) -> dict[str, Any]:
    return {
        "key": key, "from": "2026-01-01T00:00", "until": "2027-01-01T00:00", "multiplier": multiplier,
        "stacking": stacking, "scope": scope,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("general", "of_tier", "points"),
    [
        (("2", "best"), ("3", "best"), 300),
        (("3", "best"), ("2", "best"), 300),
        (("2", "best"), ("3", "add"), 400),
        (("2", "add"), ("3", "add"), 400),
    ],
)
def test_u68_rule_of_a_tier_and_one_for_all_follow_the_declared_stacking(
    general: tuple[str, str], of_tier: tuple[str, str], points: int
) -> None:
    campaigns = [campaign("all", *general), campaign("gold", *of_tier, tiers=["gold"])]
    assert net(fold(make_order(), tiers=GOLD_FROM_THE_START, campaigns=campaigns)) == points


@pytest.mark.parametrize(
    ("stacking", "outcome"), [("best", "the higher multiplier counts."), ("add", "both count.")]
)
def test_u68_publishing_names_rules_that_overlap_and_what_counts(
    runtime: Runtime, stacking: str, outcome: str
) -> None:
    campaigns = [
        campaign("all", "2", "best"),
        campaign("gold", "3", stacking, tiers=["gold"]),
        campaign("regular", "3", "best", tiers=["regular"], product_ids=["p1"]),
    ]
    document = make_document(tiers=ladder(tier("gold", "100")), campaigns=campaigns)
    shop = make_shop(runtime)
    with runtime.database.transaction(shop.account) as connection:
        published = publish_program(
            connection, shop.account, document, effective_from=None, now=NOON, actor="test"
        )
    assert [(warning.path, warning.message["en"]) for warning in published.warnings] == [
        ("/campaigns/1", f"The campaign gold may apply to the same order as all: {outcome}"),
        (
            "/campaigns/2",
            "The campaign regular may apply to the same order as all: the higher multiplier counts.",
        ),
    ]


def test_u68_rule_of_another_tier_gives_nothing() -> None:
    campaigns = [campaign("all", "2", "best"), campaign("black", "3", "add", tiers=["black"])]
    tiers = [*GOLD_FROM_THE_START, tier("black", "9999")]
    assert net(fold(make_order(), tiers=tiers, campaigns=campaigns)) == 200


HARDER = ladder(tier("silver", "600", multiplier="2"), tier("gold", "1200"), tier("black", "2000"))
CHANGE = NOON + 10 * DAY


def test_u69_new_rules_are_computed_beside_the_old_ones_before_they_act() -> None:
    """The same member with and without the draft: the difference is known, and nothing moved."""
    order = make_order(total="600")
    now = make_program(1, LONG_AGO, tiers=THREE)
    draft = make_program(2, CHANGE, tiers=HARDER, tier_policy={"on_change": "recalculate"})
    shadow = fold(order, versions=Versions((now, draft)), until=CHANGE)
    real = fold(order, versions=Versions((now,)), until=CHANGE)
    assert (story(real), story(shadow)) == (
        [("gold", "reached")], [("gold", "reached"), ("silver", "rules")],
    )  # fmt: skip
    assert real.movements == shadow.movements


def test_u69_rules_switch_in_one_instant_without_a_moment_of_no_tier() -> None:
    versions = make_two_versions(
        {"tiers": THREE}, {"tiers": HARDER, "tier_policy": {"on_change": "recalculate"}}, second_from=CHANGE
    )
    orders = [
        make_order("1", total="600"), make_order("2", at=CHANGE - SECOND), make_order("3", at=CHANGE),
    ]  # fmt: skip
    state = fold(*orders, versions=versions, until=CHANGE)
    assert dated(state)[1:] == [("silver", CHANGE)]
    assert standing(state) == [600, 100, 200]
    assert all(one.started_at <= two.started_at for one, two in pairwise(state.periods))


@pytest.mark.parametrize(
    ("tax", "deducted", "shipping", "gift_cards", "tips"), list(product([False, True], repeat=5))
)
@pytest.mark.parametrize(("above", "tier_key"), [("", "gold"), (".01", "regular")])
def test_u71_spending_for_tiers_has_the_same_switches_as_earning(
    tax: bool, deducted: bool, shipping: bool, gift_cards: bool, tips: bool, above: str, tier_key: str
) -> None:
    goods = {(False, True): 80, (True, True): 88, (False, False): 100, (True, False): 110}[tax, deducted]
    expected = goods + shipping * (8 if tax else 7) + gift_cards * 50 + tips * 3
    discounts = "deducted" if deducted else "ignored"
    base = {"tax": tax, "shipping": shipping, "discounts": discounts, "gift_cards": gift_cards, "tips": tips}
    tiers = ladder(tier("gold", f"{expected}{above}"))
    assert fold(make_mixed_order(), earning={"base": base}, tiers=tiers).tier_key == tier_key

"""The standing code of a tier: for whom, on which terms, until when, and what it is made of."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import LONG_AGO, NOON, make_order, make_program
from folding import DAY, fold
from ladders import instant, ladder, tier

from loyalty.engine.benefits import StandingCode, latest_end, standing_code
from loyalty.engine.commands import SetTier, TierBy
from loyalty.engine.state import MemberState
from loyalty.outbox.commands import command_data, read_command
from loyalty.programs.document import check_document
from loyalty.programs.lint import lint
from loyalty.programs.program import Versions
from loyalty.pushes import PutCoupon
from loyalty.rewards.coupon import coupon_terms
from tests.builders import make_document

BOTH = {"discount_percent": "7.5", "free_shipping": True}
YEAR = {"validity": {"months": 12}}
END = instant("2027-03-10T16:00")
"""Midnight in Taipei after the day that lies a year after the order."""


def member(policy: dict[str, Any] | None = None, **benefits: Any) -> tuple[MemberState, Versions]:
    return folded({"tiers": ladder(tier("gold", "100", "100", **benefits)), "tier_policy": policy or {}})


def folded(
    document: dict[str, Any], *commands: Any, until: datetime = NOON + DAY
) -> tuple[MemberState, Versions]:
    versions = Versions((make_program(1, LONG_AGO, **document),))
    return fold(make_order(), commands=commands, versions=versions, until=until), versions


def code_of(state: MemberState, versions: Versions) -> StandingCode:
    code = standing_code(state, versions, 1)
    assert code is not None
    return code


def test_discount_and_free_shipping_are_one_code() -> None:
    code = code_of(*member(**BOTH))
    assert code.cause == "standing:1:customer:1:7:gold:2026-03-10T04:00:00+00:00"
    terms = code.terms
    assert (terms.kind, terms.amount, terms.free_shipping, terms.reusable) == (
        "percent_discount", Decimal("7.5"), True, True,
    )  # fmt: skip


def test_free_shipping_alone_takes_off_nothing() -> None:
    terms = code_of(*member(free_shipping=True)).terms
    assert (terms.kind, terms.amount, terms.free_shipping) == ("free_shipping", 0, True)


@pytest.mark.parametrize("benefits", [{}, {"discount_percent": "0"}, {"service": ["priority"]}])
def test_a_tier_without_either_has_no_code(benefits: dict[str, Any]) -> None:
    state, versions = member(**benefits)
    assert standing_code(state, versions, 1) is None


def test_who_has_not_joined_has_no_code() -> None:
    versions = Versions((make_program(1, LONG_AGO, tiers=[tier("regular", **BOTH)]),))
    assert standing_code(fold(versions=versions), versions, 1) is None


@pytest.mark.parametrize(
    ("policy", "end"),
    [
        ({}, None),
        (YEAR, END),
        ({**YEAR, "grace_days": 14}, END + 14 * DAY),
    ],
)
def test_the_code_ends_with_the_period_and_its_days_of_grace(
    policy: dict[str, Any], end: datetime | None
) -> None:
    assert code_of(*member(policy, **BOTH)).terms.expires_at == end


def test_during_the_grace_the_code_ends_with_it() -> None:
    document = {
        "tiers": ladder(tier("gold", "100", "9999", **BOTH)), "tier_policy": {**YEAR, "grace_days": 14},
    }  # fmt: skip
    state, versions = folded(document, until=END + DAY)
    assert state.held is not None
    assert state.held.falls_at == END + 14 * DAY
    assert code_of(state, versions).terms.expires_at == END + 14 * DAY


def test_a_renewed_period_has_a_code_of_its_own() -> None:
    document = {"tiers": ladder(tier("gold", "100", "0", **BOTH)), "tier_policy": YEAR}
    first, second = (folded(document, until=until) for until in (END - timedelta(seconds=1), END))
    assert code_of(*first).cause != code_of(*second).cause
    assert code_of(*second).terms.expires_at == instant("2028-03-11T16:00")


@pytest.mark.parametrize(
    ("by", "until", "end"),
    [
        (TierBy.OVERRIDE, NOON + 30 * DAY, NOON + 30 * DAY),
        (TierBy.INVITATION, NOON + 30 * DAY, NOON + 30 * DAY),
        (TierBy.OVERRIDE, None, None),
    ],
)
def test_a_tier_on_another_ground_ends_its_code_with_the_term(
    by: TierBy, until: datetime | None, end: datetime | None
) -> None:
    document = {"tiers": ladder(tier("gold", "9999", **BOTH)), "tier_policy": {**YEAR, "grace_days": 14}}
    command = SetTier(1, NOON + timedelta(hours=2), by, "gold", until, "vip", "staff")
    assert code_of(*folded(document, command)).terms.expires_at == end


@pytest.mark.parametrize(("until", "end"), [(NOON + 30 * DAY, END), (END + 90 * DAY, END + 90 * DAY)])
def test_of_two_grounds_for_one_tier_the_later_end_counts(until: datetime, end: datetime) -> None:
    document = {"tiers": ladder(tier("gold", "100", **BOTH)), "tier_policy": YEAR}
    command = SetTier(1, NOON + timedelta(hours=2), TierBy.OVERRIDE, "gold", until, "vip", "staff")
    state, versions = folded(document, command)
    assert latest_end(state, versions.programs[0]) == end


def test_a_reward_of_free_shipping_is_a_coupon() -> None:
    rewards = [{"key": "ship", "kind": "free_shipping", "valid_days": 30, "amount": "60"}]
    document = {"tiers": ladder(tier("gold", "100", entry_reward="ship")), "rewards": rewards}
    state, versions = folded(document)
    (grant,) = state.grants.values()
    reward = versions.programs[0].reward("ship")
    assert grant.reward_key == "ship"
    assert reward is not None
    terms = coupon_terms(reward, versions.programs[0], grant.granted_at)
    assert (terms.kind, terms.amount, terms.free_shipping, terms.reusable) == (
        "free_shipping",
        0,
        True,
        False,
    )


def test_nothing_of_it_is_warned_of() -> None:
    rewards = [{"key": "ship", "kind": "free_shipping"}]
    tiers = ladder(tier("gold", "100", entry_reward="ship", **BOTH))
    assert lint(check_document(make_document(tiers=tiers, rewards=rewards))) == []


def test_a_push_of_an_earlier_release_is_still_read() -> None:
    put = PutCoupon("lr1", "fixed_discount", Decimal(5), Decimal(0), None, "a@example.test", "gift")
    data = command_data(put)
    del data["free_shipping"], data["reusable"]
    assert read_command("put_coupon", data) == put
    standing = PutCoupon("lr1", "free_shipping", Decimal(0), Decimal(0), NOON, "a@b.test", "", True, True)
    assert read_command("put_coupon", command_data(standing)) == standing

"""The program document: what is left out, and the path of every mistake."""

from __future__ import annotations

from typing import Any

import pytest
from builders import make_document, make_program

from loyalty.errors import Invalid
from loyalty.programs.document import build_program, check_document
from loyalty.programs.program import text_in
from loyalty.programs.terms import Duration

NAME = {"en": "Name"}
TIER = {"key": "gold", "name": NAME}
SPEND = {"metric": "spend", "at_least": "10"}
CAMPAIGN = {"key": "c", "from": "2026-12-01T00:00", "until": "2026-12-08T00:00", "multiplier": "2"}
REWARD = {"key": "ten-off", "kind": "fixed_discount", "amount": "100"}
EXAMPLE: dict[str, Any] = {
    "points_name": {"zh-TW": "積分", "zh-CN": "积分", "en": "points"},
    "enrolment": {"mode": "automatic", "guests": True,
        "exclude": {"roles": ["administrator", "shop_manager"], "tags": [], "email_domains": []}},
    "earning": {"award_on": "paid", "points_per_unit": "1", "unit": "1", "whole_units": False, "rounding": "floor",
        "base": {"tax": None, "shipping": False, "fees": False, "tips": False, "discounts": "deducted",
            "gift_cards": False, "sale_items": True},
        "minimum_order": "0", "pending_days": 0,
        "product_rules": [
            {"match": {"product_ids": [], "category_ids": [], "skus": [], "tags": []}, "multiplier": "3"}],
        "excluded": {"product_ids": [], "category_ids": [], "skus": [], "tags": []},
        "caps": {"per_order": None, "per_day": None, "per_month": None}},
    "expiry": {"mode": "lot", "after": {"months": 12}, "round_up_to": "day", "remind_days": [30, 7]},
    "refunds": {"negative_balance": "allow", "restore_redeemed": "proportional", "restore_min_days": 30},
    "tiers": [
        {"key": "regular", "name": {"zh-TW": "普通會員"}, "benefits": {"multiplier": "1"}},
        {"key": "gold", "name": {"zh-TW": "金卡會員"},
            "enter": {"any": [{"metric": "spend", "at_least": "10000"}, {"metric": "points", "at_least": 5000}]},
            "keep": {"any": [{"metric": "spend", "at_least": "6000"}]},
            "benefits": {"multiplier": "1.5", "entry_reward": "ten-off", "birthday_reward": "ten-off",
                "free_shipping": True, "discount_percent": "5", "service": ["priority_support"]}}],
    "tier_policy": {"window": {"kind": "rolling", "months": 12}, "validity": {"months": 12},
        "downgrade": "recalculate", "grace_days": 0, "notice_days": [30, 7], "on_refund": "period_end"},
    "rewards": [{"key": "ten-off", "kind": "fixed_discount", "points": 500, "amount": "100", "minimum_subtotal": "0",
        "valid_days": 60, "on_expiry": "return", "tiers": [], "stock": None, "per_member": None, "unit_cost": None}],
    "campaigns": [{"key": "anniversary", "from": "2026-12-01T00:00", "until": "2026-12-08T00:00", "multiplier": "2",
        "scope": {}, "counts_toward_tier": False, "stacking": "best"}],
    "automations": [{"key": "welcome", "trigger": "member_joined", "conditions": [],
        "actions": [{"kind": "points", "points": 100}], "once_per": "member"}],
}  # fmt: skip


def mistakes(document: object) -> list[str]:
    """The paths that a refusal names."""
    with pytest.raises(Invalid) as refused:
        check_document(document)
    return list(refused.value.fields)


def test_document_of_the_rules_page_is_right() -> None:
    assert check_document(EXAMPLE)["tiers"][1]["key"] == "gold"


@pytest.mark.parametrize("key", ["points_name", "tiers"])
def test_name_and_tiers_may_not_be_left_out(key: str) -> None:
    document = make_document()
    del document[key]
    assert mistakes(document) == [f"/{key}"]


@pytest.mark.parametrize("key", sorted(EXAMPLE.keys() - {"points_name", "tiers", "rewards"}))
def test_every_other_key_may_be_left_out(key: str) -> None:
    assert check_document({name: value for name, value in EXAMPLE.items() if name != key})


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"x": 1}, "/x"),
        ({"enrolment": {"x": 1}}, "/enrolment/x"),
        ({"enrolment": {"exclude": {"x": 1}}}, "/enrolment/exclude/x"),
        ({"earning": {"base": {"x": 1}}}, "/earning/base/x"),
        (
            {"earning": {"product_rules": [{"match": {"x": []}, "multiplier": "1"}]}},
            "/earning/product_rules/0/match/x",
        ),
        ({"tiers": [TIER, {"key": "a", "name": NAME, "x": 1}]}, "/tiers/1/x"),
        ({"tiers": [{**TIER, "enter": {"any": [{**SPEND, "x": 1}]}}]}, "/tiers/0/enter/any/0/x"),
        ({"tiers": [{**TIER, "benefits": {"x": 1}}]}, "/tiers/0/benefits/x"),
        ({"tier_policy": {"window": {"x": 1}}}, "/tier_policy/window/x"),
        ({"campaigns": [{**CAMPAIGN, "scope": {"x": []}}]}, "/campaigns/0/scope/x"),
        ({"rewards": [{**REWARD, "x": 1}]}, "/rewards/0/x"),
    ],
)
def test_unknown_key_is_named_by_its_path(parts: dict[str, Any], path: str) -> None:
    assert mistakes(make_document(**parts)) == [path]


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"tiers": []}, "/tiers"),
        ({"tiers": [TIER, TIER]}, "/tiers/1/key"),
        ({"tiers": [{"key": "Gold!", "name": NAME}]}, "/tiers/0/key"),
        ({"tiers": [{"key": "gold", "name": {}}]}, "/tiers/0/name"),
        ({"tiers": [{"key": "gold", "name": {"fr": "Or"}}]}, "/tiers/0/name/fr"),
        ({"tiers": [{**TIER, "enter": {}}]}, "/tiers/0/enter"),
        ({"tiers": [{**TIER, "enter": {"any": [SPEND], "all": [SPEND]}}]}, "/tiers/0/enter"),
        ({"tiers": [{**TIER, "enter": {"any": []}}]}, "/tiers/0/enter/any"),
        ({"tiers": [{**TIER, "enter": {"any": [{**SPEND, "metric": "x"}]}}]}, "/tiers/0/enter/any/0/metric"),
        ({"tiers": [{**TIER, "benefits": {"entry_reward": "none"}}]}, "/tiers/0/benefits/entry_reward"),
        ({"earning": {"points_per_unit": 1.5}}, "/earning/points_per_unit"),
        ({"earning": {"points_per_unit": "-1"}}, "/earning/points_per_unit"),
        ({"earning": {"points_per_unit": "1e3"}}, "/earning/points_per_unit"),
        ({"earning": {"unit": "0"}}, "/earning/unit"),
        ({"earning": {"rounding": "up"}}, "/earning/rounding"),
        ({"earning": {"pending_days": -1}}, "/earning/pending_days"),
        ({"earning": {"caps": {"per_day": "5"}}}, "/earning/caps/per_day"),
        ({"earning": {"base": {"discounts": "half"}}}, "/earning/base/discounts"),
        ({"expiry": {"mode": "lot", "after": {"weeks": 1}}}, "/expiry/after"),
        ({"expiry": {"mode": "lot", "after": {"days": 0}}}, "/expiry/after/days"),
        ({"tier_policy": {"window": {"kind": "fortnight"}}}, "/tier_policy/window/kind"),
        ({"campaigns": [{**CAMPAIGN, "until": CAMPAIGN["from"]}]}, "/campaigns/0/until"),
        ({"campaigns": [{**CAMPAIGN, "from": "2026-12-01T00:00Z"}]}, "/campaigns/0/from"),
        ({"campaigns": [{**CAMPAIGN, "multiplier": None}]}, "/campaigns/0/multiplier"),
        ({"campaigns": [{**CAMPAIGN, "scope": {"tiers": ["none"]}}]}, "/campaigns/0/scope/tiers"),
        ({"rewards": [{**REWARD, "amount": None}]}, "/rewards/0/amount"),
        ({"rewards": [{**REWARD, "kind": "percent_discount", "amount": "101"}]}, "/rewards/0/amount"),
    ],
)
def test_mistake_is_named_by_its_path(parts: dict[str, Any], path: str) -> None:
    assert mistakes(make_document(**parts)) == [path]


@pytest.mark.parametrize("document", [[], "x", None, 5])
def test_document_must_be_an_object(document: object) -> None:
    assert mistakes(document) == ["/"]


def test_all_mistakes_are_told_at_once() -> None:
    document = make_document(x=1, earning={"unit": "0"}, campaigns=[{**CAMPAIGN, "bonus": 0}])
    assert sorted(mistakes(document)) == ["/campaigns/0/bonus", "/earning/unit", "/x"]


def test_what_is_left_out_is_as_shown() -> None:
    program = make_program()
    assert (program.earning, program.refunds, program.enrolment) == (
        make_program(earning={**EXAMPLE["earning"], "product_rules": []}).earning,
        make_program(refunds=EXAMPLE["refunds"]).refunds,
        make_program(enrolment=EXAMPLE["enrolment"]).enrolment,
    )


def test_lists_expiry_and_validity_are_none_when_left_out() -> None:
    program = make_program()
    assert (program.expiry.mode, program.tier_policy.validity, program.expiry.remind_days) == (
        "none",
        None,
        (),
    )
    assert (program.rewards, program.campaigns) == ((), ())


def test_length_of_life_left_out_is_as_shown() -> None:
    assert make_program(expiry={"mode": "lot"}).expiry.after == Duration(months=12)


@pytest.mark.parametrize(
    ("zone", "opens"), [("Asia/Taipei", "2026-11-30T16:00"), ("America/New_York", "2026-12-01T05:00")]
)
def test_wall_times_are_of_the_account(zone: str, opens: str) -> None:
    campaign = make_program(campaigns=[CAMPAIGN], time_zone=zone).campaigns[0]
    assert campaign.opens.strftime("%Y-%m-%dT%H:%M") == opens


@pytest.mark.parametrize(("language", "word"), [("en", "points"), ("zh-TW", "積分"), ("zh-CN", "積分")])
def test_missing_language_is_the_first_given(language: str, word: str) -> None:
    assert text_in({"zh-TW": "積分", "en": "points"}, language) == word


def test_building_checks_too() -> None:
    program = make_program()
    context = (program.currency, program.time_zone, program.decimals)
    with pytest.raises(Invalid):
        build_program({}, context, 1, program.effective_from)  # type: ignore[arg-type]

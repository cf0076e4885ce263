"""Warnings of rewards that nobody gets or may have, and that the engine is of the same mind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import LONG_AGO, NOON, make_document, make_order, make_program
from folding import SOON, fold
from ladders import ladder, tier

from loyalty.engine.commands import RunActions, Source
from loyalty.engine.state import MemberState
from loyalty.programs.catalogue import CLAIM_KINDS, COUPON_KINDS, REWARD_KINDS
from loyalty.programs.design import list_advice
from loyalty.programs.document import check_document
from loyalty.programs.lint import Notice, lint
from loyalty.programs.lint_rewards import list_reward_warnings
from loyalty.programs.presets import get_preset, list_presets
from loyalty.programs.words import LANGUAGES

NAME = {"zh-TW": "禮", "zh-CN": "礼", "en": "Gift"}
PARTS: dict[str, dict[str, Any]] = {
    "fixed_discount": {"amount": "5"},
    "percent_discount": {"amount": "5"},
    "free_product": {"products": {"product_ids": ["1"]}},
    "variable_discount": {"points": 10, "amount": "5"},
    "gift_card": {"amount": "5"},
    "store_credit": {"amount": "5"},
    "content": {"url": "https://film.test"},
}
GIVEN: list[tuple[str, dict[str, Any]]] = [
    ("/tiers/1/benefits/entry_reward", {"tiers": ladder(tier("gold", "100", entry_reward="gift"))}),
    ("/tiers/1/benefits/birthday_reward", {"tiers": ladder(tier("gold", "100", birthday_reward="gift"))}),
    (
        "/automations/0/actions/1/reward",
        {
            "automations": [
                {
                    "key": "a",
                    "trigger": "member_joined",
                    "actions": [{"kind": "points", "points": 1}, {"kind": "coupon", "reward": "gift"}],
                }
            ]
        },
    ),
    ("/referral/friend/0/reward", {"referral": {"friend": [{"kind": "coupon", "reward": "gift"}]}}),
]
"""Each way in which rules give a reward, with the place where it is named."""


def reward(kind: str = "fixed_discount", **parts: Any) -> dict[str, Any]:
    return {"key": "gift", "kind": kind, "name": NAME, **PARTS.get(kind, {}), **parts}


def warned(**parts: Any) -> list[Notice]:
    return lint(check_document(make_document(**parts)))


def codes(notices: list[Notice]) -> list[tuple[str, str]]:
    return [(each.code, each.path) for each in notices]


def lived(**parts: Any) -> MemberState:
    """A member who joined with an order that reaches gold, had his birthday, and was brought by a friend."""
    run = {"accepted_at": NOON + timedelta(days=1), "data": {}, "reason": "r"}
    commands: list[Any] = [
        RunActions(1, source=Source.BIRTHDAY, key="", occasion="2026", **run),
        RunActions(2, source=Source.REFERRAL, key="friend", occasion="1", **run),
    ]
    return fold(make_order(), commands=commands, until=SOON, **parts)


@pytest.mark.parametrize(("path", "parts"), GIVEN, ids=[path for path, _ in GIVEN])
@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("kind", REWARD_KINDS)
def test_gift_that_rules_cannot_give_is_warned_of_and_not_given(
    kind: str, archived: bool, path: str, parts: dict[str, Any]
) -> None:
    parts = {**parts, "rewards": [reward(kind, archived=archived)]}
    is_given = kind in COUPON_KINDS | CLAIM_KINDS and not archived
    found = [each for each in codes(warned(**parts)) if each[0] != "not_offered"]
    assert found == ([] if is_given else [("given_in_vain", path)])
    assert [grant.reward_key for grant in lived(**parts).grants.values()] == (["gift"] if is_given else [])


def test_the_two_reasons_are_told_apart() -> None:
    tiers = ladder(tier("gold", "100", entry_reward="gift"))
    (vain,) = warned(tiers=tiers, rewards=[reward("event_ticket", event="tea")])
    (archived,) = warned(tiers=tiers, rewards=[reward(archived=True)])
    assert vain.message["en"] == (
        "Rules give codes of the shop, services and content; Gift is none of these, so members get nothing here."
    )
    assert archived.message["zh-TW"] == "「禮」已封存，不會再送出。"


def test_store_credit_is_kept_by_laurel_and_offered_everywhere() -> None:
    assert warned(rewards=[reward("store_credit", points=5)]) == []


@pytest.mark.parametrize("archived", [False, True])
def test_gift_cards_are_said_not_to_be_offered(archived: bool) -> None:
    notices = warned(rewards=[reward("gift_card", points=5, archived=archived)])
    assert codes(notices) == ([] if archived else [("not_offered", "/rewards/0/kind")])
    assert all("Shopify" in each.message[language] for each in notices for language in LANGUAGES)


def test_gift_cards_are_offered_where_a_shop_keeps_them() -> None:
    checked = check_document(make_document(rewards=[reward("gift_card", points=5)]))
    assert lint(checked, frozenset({"shopify"})) == []


@pytest.mark.parametrize(
    "scope", [{"category_ids": ["7"]}, {"product_ids": ["7"]}], ids=["categories", "products"]
)
@pytest.mark.parametrize("kind", ["fixed_discount", "percent_discount", "free_shipping", "variable_discount"])
def test_scope_of_a_code_needs_no_warning(kind: str, scope: dict[str, Any]) -> None:
    given = reward(kind, **{"points": 10, "products": scope})
    assert warned(rewards=[given]) == list_reward_warnings(make_program(rewards=[given])) == []


TIERS = [{"key": key, "name": NAME} for key in ("a", "b", "c")]
LIMITS: list[tuple[dict[str, Any], str | None]] = [
    ({}, None),
    ({"tiers": ["a"]}, None),
    ({"from_tier": "c"}, None),
    ({"tiers": ["a", "b"], "from_tier": "b"}, None),
    ({"tiers": ["a", "b"], "from_tier": "c"}, "/tiers"),
    ({"tiers": ["a"], "from_tier": "b", "archived": True}, None),
    ({"tiers": ["a"], "from_tier": "b", "points": None}, None),
    ({"stock": 1}, None),
    ({"stock": 0}, "/stock"),
]


@pytest.mark.parametrize(("parts", "path"), LIMITS)
def test_reward_that_nobody_may_have_is_named(parts: dict[str, Any], path: str | None) -> None:
    program = make_program(tiers=TIERS, rewards=[reward(**{"points": 5, **parts})])
    expected = [("nobody_may_have", f"/rewards/0{path}")] if path else []
    assert codes(list_reward_warnings(program)) == expected


@pytest.mark.parametrize(("seconds", "told"), [(-1, False), (0, True), (1, True)])
def test_reward_whose_time_is_over_before_the_rules_begin_is_named(seconds: int, told: bool) -> None:
    begins = datetime(2026, 6, 30, 16, tzinfo=UTC) + timedelta(seconds=seconds)
    program = make_program(1, begins, rewards=[reward(points=5, until="2026-07-01T00:00")])
    assert codes(list_reward_warnings(program)) == [("nobody_may_have", "/rewards/0/until")] * told


@pytest.mark.parametrize(
    ("currency", "decimals", "amount", "told"),
    [
        ("TWD", 0, "12", False), ("TWD", 0, "12.5", True), ("USD", 2, "0.05", False), ("USD", 2, "0.005", True),
        ("KWD", 3, "0.005", False), ("KWD", 3, "0.0005", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("kind", "is_money"), [("fixed_discount", True), ("percent_discount", False)])
def test_u54_amount_that_the_currency_cannot_pay_is_named(
    currency: str, decimals: int, amount: str, told: bool, kind: str, is_money: bool
) -> None:
    program = make_program(currency=currency, decimals=decimals, rewards=[reward(kind, amount=amount)])
    expected = [("finer_than_money", "/rewards/0/amount")] if told and is_money else []
    assert codes(list_reward_warnings(program)) == expected


def test_every_reason_is_told_in_three_languages() -> None:
    given = reward(points=5, tiers=["a"], from_tier="b", stock=0, until="2019-01-01T00:00")
    notices = list_reward_warnings(make_program(1, LONG_AGO, tiers=TIERS, rewards=[given]))
    assert [each.path.rpartition("/")[2] for each in notices] == ["tiers", "until", "stock"]
    for each in notices:
        assert each.severity == "warning"
        assert list(each.message) == list(LANGUAGES)
        assert all(NAME[language] in each.message[language] for language in LANGUAGES)


def test_terms_that_lack_a_language_are_advised_of() -> None:
    found = codes(list_advice(make_program(rewards=[reward(terms={"en": "Not on sale items"})])))
    assert ("missing_language", "/rewards/0/terms") in found


@pytest.mark.parametrize("key", list_presets())
def test_presets_need_no_warning(key: str) -> None:
    assert lint(check_document(get_preset(key))) == []
    assert list_reward_warnings(make_program(**get_preset(key))) == []

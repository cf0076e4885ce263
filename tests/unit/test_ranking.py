"""Which rewards are suggested first by what was bought, and why, in words (S89)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from builders import NOON, TIERS, make_program

from loyalty.programs.program import Program
from loyalty.rewards.eligibility import Refusal
from loyalty.rewards.ranking import Candidate, Purchase, Relation, Suggestion, Tie, find_tie, rank
from loyalty.rewards.refusal_words import UNKNOWN, reasons, refusal_text

DAY = timedelta(days=1)
LADDER = [
    *TIERS,
    {"key": "gold", "name": {"zh-TW": "金卡", "zh-CN": "金卡", "en": "Gold"}},
    {"key": "black", "name": {"zh-TW": "黑卡", "zh-CN": "黑卡", "en": "Black"}},
]
POOR = (Refusal("not_enough_points", 1),)
GONE = (Refusal("archived"),)


def make_rewards(**scopes: Any) -> Program:
    """A program whose rewards, by their keys, are codes for these products or categories; None: for whole orders."""
    rewards = [
        {"key": key, "kind": "fixed_discount", "points": 100, "amount": "10", "products": scope or {}}
        for key, scope in scopes.items()
    ]
    return make_program(rewards=rewards, tiers=LADDER)


MUG, TEA, HOME = {"product_ids": ["11"]}, {"product_ids": ["12"]}, {"category_ids": ["5"]}


def bought(order: str = "1:1", at: datetime = NOON, product: str = "11", *categories: str) -> Purchase:
    return Purchase(order, at, frozenset({product}), frozenset(categories))


def suggested(
    program: Program,
    *purchases: Purchase,
    refused: dict[str, tuple[Refusal, ...]] | None = None,
    available: dict[str, int] | None = None,
    needed: dict[str, int] | None = None,
) -> list[Suggestion]:
    candidates = [
        Candidate(
            each,
            (refused or {}).get(each.key, ()),
            (available or {}).get(each.key, 100),
            (needed or {}).get(each.key, 100),
        )
        for each in program.rewards
    ]
    return rank(candidates, purchases)


def keys(*asked: Any, **more: Any) -> list[str]:
    return [each.candidate.reward.key for each in suggested(*asked, **more)]


def test_same_product_then_same_category_then_the_rest() -> None:
    program = make_rewards(any=None, home=HOME, mug=MUG, tea=TEA)
    assert keys(program, bought("1:1", NOON, "11", "5")) == ["mug", "home", "any", "tea"]


def test_variation_and_product_both_tie() -> None:
    program = make_rewards(any=None, shirt={"product_ids": ["15"]})
    purchase = Purchase("1:1", NOON, frozenset({"14", "15"}))
    assert keys(program, purchase) == ["shirt", "any"]


def test_nothing_bought_leaves_the_catalogue_as_it_is() -> None:
    assert keys(make_rewards(tea=TEA, any=None, mug=MUG)) == ["tea", "any", "mug"]


def test_affordable_comes_before_near_and_near_before_far() -> None:
    program = make_rewards(far=None, near=None, paid=None)
    refused = {"far": POOR, "near": POOR}
    assert keys(program, refused=refused, available={"far": 10, "near": 99}) == ["paid", "near", "far"]


def test_near_reward_for_what_was_bought_comes_before_a_payable_one_for_anything() -> None:
    program = make_rewards(any=None, mug=MUG)
    assert keys(program, bought(), refused={"mug": POOR}, available={"mug": 1}) == ["mug", "any"]


def test_what_cannot_be_had_comes_last_whatever_was_bought() -> None:
    program = make_rewards(mug=MUG, any=None)
    found = suggested(program, bought(), refused={"mug": GONE})
    assert [(each.candidate.reward.key, each.score) for each in found] == [("any", 100), ("mug", 0)]


def test_more_orders_then_later_ones_then_the_cheaper_reward() -> None:
    program = make_rewards(cheap=None, mug=MUG, tea=TEA, pot={"product_ids": ["13"]})
    mugs = [bought("1:1"), bought("1:2", NOON + DAY)]
    tea, pot = bought("1:3", NOON + 3 * DAY, "12"), bought("1:4", NOON + 2 * DAY, "13")
    assert keys(program, *mugs, tea, pot) == ["mug", "tea", "pot", "cheap"]
    twins = make_rewards(dear=None, cheap=None)
    assert keys(twins, needed={"dear": 200, "cheap": 50}, available={"dear": 200}) == ["cheap", "dear"]


def test_two_lines_of_an_order_are_one_purchase() -> None:
    (reward,) = make_rewards(both={"product_ids": ["11", "12"]}).rewards
    tie = find_tie(reward, [bought(), bought(product="12"), bought("1:2", NOON + DAY)])
    assert tie == Tie(Relation.PRODUCT, 2, NOON + DAY)


@pytest.mark.parametrize(("available", "score"), [(-5, 400), (0, 400), (50, 449), (99, 498), (100, 499)])
def test_score_of_what_is_nearly_paid_is_the_share_that_is_there(available: int, score: int) -> None:
    program = make_rewards(mug=MUG)
    (found,) = suggested(program, bought(), refused={"mug": POOR}, available={"mug": available})
    assert found.score == score
    (paid,) = suggested(program, bought())
    assert paid.score == 500


def because(program: Program, *purchases: Purchase, **more: Any) -> list[dict[str, str]]:
    return list(reasons(suggested(program, *purchases, **more)[0], program))


def test_reasons_say_how_often_and_when_last_on_the_accounts_calendar() -> None:
    late = datetime(2026, 3, 10, 16, tzinfo=NOON.tzinfo)
    text, enough = because(make_rewards(mug=MUG), bought(), bought("1:2", late))
    assert text == {
        "zh-TW": "因為您買過它適用的商品：2 次，最近一次是 2026 年 3 月 11 日。",
        "zh-CN": "因为您买过它适用的商品：2 次，最近一次是 2026 年 3 月 11 日。",
        "en": "Because you bought what it is for: 2 times, last on 11 March 2026.",
    }
    assert enough["en"] == "You have enough points for it."
    assert because(make_rewards(mug=MUG), bought())[0]["en"].endswith("once, last on 10 March 2026.")


def test_reasons_of_a_category_and_of_nothing() -> None:
    home, _ = because(make_rewards(home=HOME), bought("1:1", NOON, "11", "5"))
    assert home["en"] == "Because you bought things of the same kind: once, last on 10 March 2026."
    assert because(make_rewards(mug=MUG), bought(), refused={"mug": GONE}) == []
    assert because(make_rewards(any=None), refused={"any": POOR}) == []
    (free,) = because(make_rewards(any=None), needed={"any": 0})
    assert free["en"] == "It costs no points."


def one_refused(code: str, missing: int | None = None, **parts: Any) -> dict[str, str]:
    reward = {"key": "off", "kind": "fixed_discount", "points": 100, "amount": "10", **parts}
    program = make_program(rewards=[reward], tiers=LADDER)
    return refusal_text(Refusal(code, missing), program, program.rewards[0])


DATES = {"from": "2026-03-10T12:00", "until": "2026-03-20T12:00"}
SAID: list[tuple[str, int | None, dict[str, Any], str, str]] = [
    ("not_redeemable", None, {}, "這項獎勵只作為贈禮，不能兌換。",
     "This reward is only a gift and cannot be redeemed."),
    ("not_offered", None, {}, "目前的商店還不能發放這種獎勵。", "No connected shop can issue this kind of reward yet."),
    ("archived", None, {}, "這項獎勵已經下架。", "This reward is no longer offered."),
    ("not_begun", None, DATES, "2026 年 3 月 10 日 12:00 起才能兌換。",
     "It can be redeemed from 12:00 on 10 March 2026."),
    ("over", None, DATES, "兌換已於 2026 年 3 月 20 日 12:00 截止。",
     "It could be redeemed until 12:00 on 20 March 2026."),
    ("out_of_stock", None, {}, "已經兌換完畢。", "All of them are taken."),
    ("discount_share", None, {}, "近期折扣總額過高，暫停兌換折扣。",
     "Discounts cannot be redeemed now, because too many were given lately."),
    ("tier", None, {"from_tier": "gold"}, "只開放給金卡或黑卡兌換。", "Only Gold or Black may redeem it."),
    ("tier", None, {"tiers": ["black"]}, "只開放給黑卡兌換。", "Only Black may redeem it."),
    ("used_up", None, {"per_member": {"uses": 2, "period": "month"}}, "本月可兌換的 2 次已用完。",
     "It was redeemed 2 times already this month, which is the most."),
    ("used_up", None, {"per_member": 3}, "可兌換的 3 次已用完。",
     "It was redeemed 3 times already, which is the most."),
    ("minimum_balance", 20, {"minimum_balance": 300}, "餘額須滿 300 積分才能兌換，還差 20 積分。",
     "A balance of 300 points is needed; 20 points are missing."),
    ("not_enough_points", 40, {}, "還差 40 積分。", "40 points are missing."),
    ("no_email", None, {}, "會員沒有可綁定優惠碼的電子郵件。", "The member has no e-mail to bind a code to."),
    (UNKNOWN, None, {}, "沒有這項獎勵。", "There is no such reward."),
]  # fmt: skip


@pytest.mark.parametrize(("code", "missing", "parts", "chinese", "english"), SAID)
def test_every_refusal_has_words(
    code: str, missing: int | None, parts: dict[str, Any], chinese: str, english: str
) -> None:
    text = one_refused(code, missing, **parts)
    assert (text["zh-TW"], text["en"]) == (chinese, english)
    assert list(text) == ["zh-TW", "zh-CN", "en"]
    assert not any(re.search(r"[{}]|None|  ", words) for words in text.values())


def test_reward_that_is_not_there_is_refused_in_words_too() -> None:
    assert refusal_text(Refusal(UNKNOWN), make_program(), None)["en"] == "There is no such reward."

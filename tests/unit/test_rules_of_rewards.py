"""The rewards in words: what each kind takes off, what it costs, and who may have it how often (S82-S88, S95)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from builders import make_program

from loyalty.programs.catalogue import ONLY_AT, REWARD_KINDS
from loyalty.programs.rules_page import rules_in_words

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LANGUAGES = ("zh-TW", "zh-CN", "en")
TIERS = [
    {"key": "regular", "name": {"zh-TW": "普通", "zh-CN": "普通", "en": "Regular"}},
    {"key": "gold", "name": {"zh-TW": "金卡", "zh-CN": "金卡", "en": "Gold"}},
]
NEEDED: dict[str, dict[str, Any]] = {
    "fixed_discount": {"amount": "5"},
    "percent_discount": {"amount": "5"},
    "variable_discount": {"points": 100, "amount": "5"},
    "store_credit": {"amount": "5"},
    "gift_card": {"amount": "5"},
    "free_product": {"products": {"product_ids": ["11"]}},
    "content": {"url": "https://film.test"},
}


def lines(
    kind: str,
    language: str = "en",
    *,
    now: datetime = NOW,
    currency: str = "USD",
    decimals: int = 2,
    **parts: Any,
) -> list[str]:
    """What is said of one reward of a kind."""
    reward = {"key": "it", "kind": kind, "points": 10, "name": {"en": "It"}, **NEEDED.get(kind, {}), **parts}
    program = make_program(currency=currency, decimals=decimals, tiers=TIERS, rewards=[reward])
    sections = rules_in_words(program, now)
    return [each[language] for section in sections if section.key == "rewards" for each in section.sentences]


def clauses(kind: str, **parts: Any) -> list[str]:
    """The clauses of the first English sentence, without the name."""
    return lines(kind, **parts)[0].removeprefix('"It": ').removesuffix(".").split("; ")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("zh-TW", "100 積分 = 5 美元，每次 100 到 1,000，以 100 為單位，未使用而到期時退回"),
        ("zh-CN", "100 积分 = 5 美元，每次 100 到 1,000，以 100 为单位，未使用而到期时退回"),
        ("en", "100 points = US$5, from 100 to 1,000 in steps of 100, and they come back if it ends unused"),
    ],
)
def test_s84_variable_discount_is_told_by_an_example(language: str, words: str) -> None:
    (line,) = lines("variable_discount", language, min=100, max=1000, step=100)
    assert words in line


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({}, "100 points = US$5, and they"),
        ({"min": 50}, "100 points = US$5, from 50 on, and they"),
        ({"max": 500}, "100 points = US$5, up to 500, and they"),
        ({"step": 20}, "100 points = US$5, in steps of 20, and they"),
        ({"max": 40, "step": 20}, "100 points = US$5, up to 40 in steps of 20, and they"),
        ({"points": 3}, "3 points = US$5, rounded down to a multiple of US$0.01, and they"),
        ({"points": 3, "step": 3}, "3 points = US$5, in steps of 3, and they"),
        ({"amount": "0.5"}, "100 points = US$0.50, rounded down to a multiple of US$0.01, and they"),
        ({"on_expiry": "forfeit"}, "100 points = US$5, and they are lost if it ends unused"),
    ],
)
def test_bounds_and_rounding_of_a_variable_discount(parts: dict[str, Any], words: str) -> None:
    assert clauses("variable_discount", **parts)[1].startswith(words)


@pytest.mark.parametrize(
    ("currency", "decimals", "rounded"), [("TWD", 0, "NT$1"), ("USD", 2, None), ("KWD", 3, None)]
)
def test_u54_rounding_is_told_where_the_currency_cannot_pay_a_point(
    currency: str, decimals: int, rounded: str | None
) -> None:
    told = clauses("variable_discount", currency=currency, decimals=decimals)[1]
    assert ("rounded down" in told) is (rounded is not None)
    assert rounded is None or f"a multiple of {rounded}," in told


@pytest.mark.parametrize(
    ("kind", "parts", "words"),
    [
        ("fixed_discount", {}, "US$5 off"),
        ("percent_discount", {}, "5% off"),
        ("free_shipping", {}, "free shipping"),
        ("variable_discount", {}, "a discount that grows with what is used"),
        ("sample", {"amount": "3"}, "a sample worth US$3"),
        ("event_ticket", {}, "a ticket to an event"),
        ("event_ticket", {"event": "tasting"}, "a ticket to the event tasting"),
        ("service", {}, "a service"),
        ("content", {}, "exclusive content"),
        ("external", {}, "an offer of a partner"),
    ],
)
def test_s95_what_a_reward_is(kind: str, parts: dict[str, Any], words: str) -> None:
    assert clauses(kind, **parts)[0] == words


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("fixed_discount", "US$5 off one piece of {what}"),
        ("percent_discount", "5% off {what}"),
        ("free_shipping", "free shipping for orders with {what}"),
        ("variable_discount", "a discount on one piece of {what} that grows with what is used"),
    ],
)
@pytest.mark.parametrize(
    ("scope", "what"),
    [
        ({"product_ids": ["11", "9"]}, "the products 9, 11"),
        ({"category_ids": ["21"]}, "products of the categories 21"),
    ],
)
def test_what_a_code_is_for(kind: str, words: str, scope: dict[str, Any], what: str) -> None:
    assert clauses(kind, products=scope)[0] == words.format(what=what)


def test_s82_free_product_is_named() -> None:
    assert clauses("free_product")[0] == "one piece of the products 11 free"
    assert lines("free_product", "zh-TW")[0].startswith("「It」：商品編號 11 其中一件免費；")


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (None, "only as a gift, not for points"),
        (0, "to be claimed without points"),
        (10, "for 10 points, and they come back if it ends unused"),
    ],
)
def test_what_a_reward_costs(points: int | None, words: str) -> None:
    assert clauses("service", points=points)[1] == words


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"tiers": ["gold"]}, "only for Gold"),
        ({"from_tier": "gold"}, "only for Gold and above"),
        ({"minimum_balance": 1500}, "with a balance of 1,500 points or more"),
        ({"from": "2026-01-02T03:04"}, "not before 03:04 on 2 January 2026"),
        ({"until": "2026-07-01T00:00"}, "until, but not including, 00:00 on 1 July 2026"),
        ({"stock": 30}, "30 in all"),
        ({"per_member": 1}, "at most 1 time for each member"),
        ({"per_member": {"uses": 2}}, "at most 2 times for each member"),
        ({"per_member": {"uses": 2, "period": "day"}}, "at most 2 times a day for each member"),
        (
            {"per_member": {"uses": 2, "period": "week"}},
            "at most 2 times a week, from Monday on, for each member",
        ),
        ({"per_member": {"uses": 2, "period": "month"}}, "at most 2 times a calendar month for each member"),
        ({"per_member": {"uses": 2, "period": "year"}}, "at most 2 times a calendar year for each member"),
    ],
)
def test_s86_s87_who_may_have_it_when_and_how_often(parts: dict[str, Any], words: str) -> None:
    assert clauses("service", **parts)[2:] == [words]
    assert len(clauses("service", points=None, **parts)) == 2


@pytest.mark.parametrize(
    ("combinable", "words"),
    [(True, "also together with other codes"), (False, "not together with other codes")],
)
def test_whether_a_code_goes_together_with_others(combinable: bool, words: str) -> None:
    assert clauses("fixed_discount", combinable=combinable)[-1] == words


def test_terms_are_a_sentence_of_their_own_in_the_words_of_the_merchant() -> None:
    terms = {"zh-TW": "不含{特價}商品。", "en": "Not on sale items. Ask us."}
    assert lines("service", terms=terms)[1:] == ['Terms of "It": Not on sale items. Ask us.']
    assert lines("service", "zh-TW", terms=terms)[1:] == ["「It」的使用條款：不含{特價}商品。"]
    assert lines("service", "zh-CN", terms=terms)[1:] == ["“It”的使用条款：不含{特價}商品。"]


@pytest.mark.parametrize("kind", REWARD_KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_archived_reward_is_not_listed_and_gift_cards_never_are(kind: str, language: str) -> None:
    assert lines(kind, language, archived=True) == []
    assert bool(lines(kind, language)) is (kind not in ONLY_AT)


@pytest.mark.parametrize(("passed", "listed"), [(-1, True), (0, False), (1, False)])
def test_reward_is_listed_until_its_time_is_over(passed: int, listed: bool) -> None:
    now = datetime(2026, 6, 30, 16, tzinfo=UTC) + timedelta(seconds=passed)
    assert bool(lines("service", now=now, until="2026-07-01T00:00")) is listed
    assert lines("service", now=now, until="2026-07-01T00:00", points=None)


def test_address_of_content_is_not_told() -> None:
    assert "film.test" not in "".join(lines("content", url="https://film.test/secret"))


def test_s88_two_tiers_read_of_different_rewards() -> None:
    rewards = [
        {"key": "a", "kind": "service", "points": 5, "tiers": ["regular"], "name": {"en": "Talk"}},
        {"key": "b", "kind": "service", "points": 5, "from_tier": "gold", "name": {"en": "Visit"}},
    ]
    sections = rules_in_words(make_program(tiers=TIERS, rewards=rewards), NOW)
    told = [each["en"] for section in sections if section.key == "rewards" for each in section.sentences]
    assert ["only for Regular." in told[0], "only for Gold and above." in told[1]] == [True, True]

"""The rules in words cannot disagree with the rules: every field is said or exempt, and every change is seen (S80)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any

import pytest
from builders import make_program
from hypothesis import given, settings
from hypothesis import strategies as st
from properties.documents import documents
from rich_program import RICH, name

from loyalty.programs import automations, campaigns, cash_back, catalogue, ladder, program, segments, terms
from loyalty.programs.automations import Trigger
from loyalty.programs.catalogue import CODE_KINDS, REWARD_KINDS
from loyalty.programs.presets import get_preset, list_presets
from loyalty.programs.program import Program
from loyalty.programs.rules_page import rules_in_words
from loyalty.programs.rules_words_tiers import benefits_ahead, ladder_words, policy

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXEMPT = {
    ("Program", "decimals"): "how money is written, not a rule",
    ("Program", "past"): "the rules of orders of before the program; the page tells those in force",
    ("Program", "messages"): "what is written to a member, not a rule",
    ("Message", "key"): "as the messages",
    ("Message", "subject"): "as the messages",
    ("Message", "body"): "as the messages",
    ("Campaign", "holdout_percent"): "who is held out must not know, or the effect could not be measured",
    ("Reward", "unit_cost"): "the shop's own cost",
    ("Reward", "url"): "whoever redeems the content is told where it lies",
    ("FormField", "kind"): "the form itself shows how an answer is given",
    ("FormField", "required"): "the form itself",
    ("FormField", "options"): "the form itself",
    ("Program", "gross_margin_percent"): "the shop's own figure",
    ("DiscountShare", "percent"): "the shop's own figure",
    ("DiscountShare", "days"): "the shop's own figure",
    ("ChangeTags", "add"): "tags are the shop's own notes",
    ("ChangeTags", "remove"): "tags are the shop's own notes",
    ("CallWebhook", "url"): "the shop's own machinery",
    ("SendMessage", "message"): "that one gets a message is said; which text it is, the message says",
}
"""Fields that members are not told, and why."""
NAMELESS_KEYS = {"Tier", "Reward", "Campaign", "Membership", "Segment", "Automation", "FormField"}
"""Their keys are for machines: people read the name, and the key only where there is none."""


def rich() -> Program:
    return make_program(7, datetime(2026, 1, 1, tzinfo=UTC), **RICH)


def page(of: Program) -> dict[str, str]:
    """The whole page by language."""
    sections = rules_in_words(of, NOW)
    texts = [text for section in sections for text in (section.title, *section.sentences)]
    return {language: "\n".join(text[language] for text in texts) for language in ("zh-TW", "zh-CN", "en")}


def changed(value: Any) -> Iterator[Any]:
    """Other values of the same sort."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, StrEnum):
        yield from (each for each in type(value) if each is not value and not isinstance(value, Trigger))
    elif isinstance(value, int | Fraction):
        yield value + 1
    elif isinstance(value, datetime):
        yield value + timedelta(days=1, hours=1)
    elif isinstance(value, str):
        yield f"{value}x"
    elif isinstance(value, dict):
        yield {language: f"{text}!" for language, text in value.items()}
    elif isinstance(value, frozenset):
        yield frozenset({1} if value and isinstance(next(iter(value)), int) else {"other"})


CHOICES: dict[tuple[str, str], tuple[str, ...]] = {
    ("Expiry", "mode"): ("none", "lot", "inactivity"),
    ("Refunds", "restore_redeemed"): ("proportional", "full", "none"),
    ("TierPolicy", "downgrade"): ("recalculate", "one_step"),
    ("TierPolicy", "on_refund"): ("period_end", "at_once"),
    ("TierPolicy", "on_change"): ("keep", "recalculate"),
    ("Enrolment", "mode"): ("automatic", "explicit"),
    ("Reward", "on_expiry"): ("return", "forfeit"),
    ("Reward", "kind"): REWARD_KINDS,
    ("Uses", "period"): ("day", "week", "month", "year", "lifetime"),
    ("OneOf", "kind"): ("tier", "tag", "region", "segment"),
    ("When", "direction"): ("up", "down", "any"),
    ("When", "side"): ("referrer", "friend"),
    ("Program", "currency"): ("TWD", "USD", "CHF"),
    ("Program", "time_zone"): ("Asia/Taipei", "America/New_York"),
}  # fmt: skip
OF_KINDS = {
    "step": {"variable_discount"},
    "products": CODE_KINDS,
    "combinable": CODE_KINDS,
    "on_expiry": frozenset(catalogue.REWARD_KINDS) - {catalogue.CONTENT},
}
"""Parts of a reward that the schema allows for some kinds only, or that mean nothing for others."""
Changed = tuple[str, str, str, Any]
"""The class, the field, what was changed to what, and the whole with the change."""


def changes(value: Any) -> Iterator[Changed]:
    """Every value within this one, changed at one place, with the class and the field of the place."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            for kind, field_, what, other in changes(item):
                yield kind, field_, what, (*value[:index], other, *value[index + 1 :])
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _of_field(value, each.name)


def _of_field(value: Any, name_: str) -> Iterator[Changed]:
    kind, old = type(value).__name__, getattr(value, name_)
    if kind == "Reward" and value.kind not in OF_KINDS.get(name_, {value.kind}):
        return
    for inner in changes(old):
        yield (*inner[:3], replace(value, **{name_: inner[3]}))
    if isinstance(old, tuple):
        others: list[Any] = [old[:-1]] if old else []
        others += [(*old[:-1], other) for other in changed(old[-1])] if old else []
    elif (kind, name_) in CHOICES:
        others = [choice for choice in CHOICES[kind, name_] if choice != old]
    else:
        others = list(changed(old))
    for other in others:
        yield kind, name_, f"{old!r} to {other!r}", replace(value, **{name_: other})


def is_exempt(kind: str, field_: str) -> bool:
    return (kind, field_) in EXEMPT or (kind in NAMELESS_KEYS and field_ == "key")


WHEN_OF_TRIGGER = {
    Trigger.ORDER_PAID: {"minimum_order"}, Trigger.ORDER_COUNT: {"count", "every"}, Trigger.STREAK: {"months"},
    Trigger.TIER_CHANGED: {"tiers", "direction"}, Trigger.ACTIVITY_RECORDED: {"activities"},
    Trigger.BIRTHDAY: {"days"}, Trigger.POINTS_EXPIRING: {"days"}, Trigger.TIER_EXPIRING: {"days", "tiers"},
    Trigger.COUPON_EXPIRING: {"days"}, Trigger.INACTIVE_FOR: {"days"}, Trigger.SEGMENT_ENTERED: {"segment"},
    Trigger.SEGMENT_LEFT: {"segment"}, Trigger.REFERRAL_COMPLETED: {"side"},
}  # fmt: skip
"""Which parts of `when` the schema allows for a trigger."""


def rich_changes() -> list[Changed]:
    """All changes of the rich program but those that its schema would refuse: a length has one unit only."""
    whole = rich()
    found = [
        each for each in changes(whole) if each[0] != "When" and each[0::2][:2] != ("Duration", "0 to 1")
    ]
    for index, automation in enumerate(whole.automations):
        for kind, field_, what, when in changes(automation.when):
            if field_ in WHEN_OF_TRIGGER.get(automation.trigger, set()):
                others = list(whole.automations)
                others[index] = replace(automation, when=when)
                found.append((kind, field_, what, replace(whole, automations=tuple(others))))
    return found


def test_every_change_of_a_rule_changes_the_page_in_every_language() -> None:
    before = page(rich())
    unseen = [
        f"{kind}.{field_}: {what} ({language})"
        for kind, field_, what, other in rich_changes()
        if not is_exempt(kind, field_)
        for language, text in page(other).items()
        if text == before[language]
    ]
    assert unseen == []


def cards(of: Program) -> dict[str, str]:
    """What stands on the cards of the tiers and below them, by language."""
    texts = [text for each in ladder_words(of) for text in (each.name, each.reach, each.keep, *each.offers)]
    return {
        language: "\n".join(text[language] for text in (*texts, *policy(of)))
        for language in ("zh-TW", "zh-CN", "en")
    }


def tier_sentences(of: Program) -> dict[str, str]:
    sentences = next(it.sentences for it in rules_in_words(of, NOW) if it.key == "tiers")
    return {
        language: "\n".join(text[language] for text in sentences) for language in ("zh-TW", "zh-CN", "en")
    }


def test_whatever_changes_the_sentences_of_tiers_changes_their_cards() -> None:
    sentences, shown = tier_sentences(rich()), cards(rich())
    seen = 0
    for kind, field_, what, other in rich_changes():
        said, now_shown = tier_sentences(other), cards(other)
        for language in sentences:
            if said[language] != sentences[language]:
                seen += 1
                assert now_shown[language] != shown[language], f"{kind}.{field_}: {what} ({language})"
    assert seen > 100


def test_what_is_exempt_stays_unsaid() -> None:
    before = page(rich())
    said = [
        f"{kind}.{field_}: {what}"
        for kind, field_, what, other in rich_changes()
        if (kind, field_) in EXEMPT and page(other) != before
    ]
    assert said == []


def test_every_field_of_the_program_is_changed_by_these_tests_or_exempt() -> None:
    """A rule that is new in a program must be said, or have a reason not to be."""
    modules = (program, catalogue, ladder, campaigns, cash_back, segments, automations, terms)
    kinds = {
        each
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and is_dataclass(each)
    } - {program.Versions}
    declared = {(kind.__name__, each.name) for kind in kinds for each in fields(kind)}
    tried = {(kind, field_) for kind, field_, _, _ in rich_changes()}
    composed = {
        (kind, each)
        for kind, each in declared - tried
        if any(
            isinstance(getattr(value, each), tuple) or is_dataclass(getattr(value, each))
            for value in values(kind)
        )
    }
    assert (
        declared - tried - composed - EXEMPT.keys()
        == {("Duration", "days"), ("Automation", "trigger")} - tried
    )


def values(kind: str) -> list[Any]:
    """All values of a class within the rich program."""
    found: list[Any] = []

    def walk(value: Any) -> None:
        if isinstance(value, tuple):
            for item in value:
                walk(item)
        elif is_dataclass(value):
            if type(value).__name__ == kind:
                found.append(value)
            for each in fields(value):
                walk(getattr(value, each.name))

    walk(rich())
    return found


@pytest.mark.parametrize("trigger", list(Trigger))
def test_every_trigger_has_words_of_its_own(trigger: Trigger) -> None:
    sentences = next(it.sentences for it in rules_in_words(rich(), NOW) if it.key == "automations")
    ours = [each["en"].partition(": ")[2] for each in sentences if f'"On {trigger}"' in each["en"]]
    others = [each["en"].partition(": ")[2] for each in sentences if f'"On {trigger}"' not in each["en"]]
    assert len(ours) == 1
    assert ours[0] not in others


NUMBERS = {
    ("Earning", "points_per_unit"), ("Earning", "unit"), ("Earning", "pending_days"), ("Earning", "minimum_order"),
    ("Condition", "at_least"), ("Benefits", "multiplier"), ("Caps", "per_order"), ("Caps", "per_day"),
    ("Caps", "per_month"), ("TierPolicy", "grace_days"), ("Reward", "amount"), ("Reward", "valid_days"),
    ("Membership", "grace_days"), ("Refunds", "restore_min_days"),
}  # fmt: skip


@given(documents(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_any_number_of_any_program_changes_the_page(document: dict[str, Any], random: Any) -> None:
    whole = make_program(**document)
    before = page(whole)
    numbers = {
        (kind, field_): other for kind, field_, _, other in changes(whole) if (kind, field_) in NUMBERS
    }
    if whole.refunds.restore_redeemed == "none":  # then nothing lives any longer
        numbers.pop(("Refunds", "restore_min_days"), None)
    place = random.choice(sorted(numbers))
    assert page(numbers[place]) != before, place


PROGRAMS = {"rich": RICH, **{key: get_preset(key) for key in list_presets()}}


@pytest.mark.parametrize("key", PROGRAMS)
def test_every_sentence_is_there_in_three_languages_complete_and_filled_in(key: str) -> None:
    for section in rules_in_words(make_program(**PROGRAMS[key]), NOW):
        assert section.sentences
        for text in (section.title, *section.sentences):
            assert list(text) == ["zh-TW", "zh-CN", "en"]
            assert all(
                words.strip() and not re.search(r"[{}]|None|Fraction|  ", words) for words in text.values()
            )
        for text in section.sentences:
            assert [text[language][-1] for language in text] == ["。", "。", "."], text


NAMES = {
    "Asia/Taipei", "VIP", "administrator", "shop_manager", "staff", "laurel.test", "MUG", "GIFT", "B", "new", "spring",
    "tailor", "TW", "JP", "pos", "fan", "rude", "review",
}  # fmt: skip


@pytest.mark.parametrize("key", PROGRAMS)
def test_chinese_pages_have_no_english_but_names(key: str) -> None:
    of = make_program(**PROGRAMS[key])
    given_names = set(re.findall(r"[A-Za-z_]+", str([RICH["tiers"], RICH["rewards"], RICH["campaigns"]])))
    given_names |= {word for each in RICH["automations"] for word in each["name"]["en"].split()}
    for language in ("zh-TW", "zh-CN"):
        text = page(of)[language]
        for known in sorted(NAMES | given_names | {"Plus", "Big"}, key=len, reverse=True):
            text = text.replace(known, "")
        assert re.findall(r"[A-Za-z]{2,}", text) == []


SIMPLIFIED_ONLY = "会员级单购买条达费银额积获订账号"
TRADITIONAL_ONLY = "會員級單購買條達費銀額積獲訂帳號"


@pytest.mark.parametrize("key", list_presets())
def test_the_two_ways_of_writing_chinese_are_not_mixed(key: str) -> None:
    texts = page(make_program(**get_preset(key)))
    assert not (set(SIMPLIFIED_ONLY) & set(texts["zh-TW"]))
    assert not (set(TRADITIONAL_ONLY) & set(texts["zh-CN"]))


def section(key: str, language: str = "en", **parts: Any) -> list[str]:
    found = [it.sentences for it in rules_in_words(make_program(**parts), NOW) if it.key == key]
    return [each[language] for each in found[0]] if found else []


def test_s30_both_standards_of_every_tier_are_printed() -> None:
    lines = section("tiers", "zh-TW", **get_preset("cards4"))
    for tier, enter, keep in (
        ("銀卡會員", "3,000", "1,500"),
        ("金卡會員", "10,000", "6,000"),
        ("鑽石會員", "30,000", "18,000"),
    ):
        assert f"{tier}的升級條件：最近 12 個月內消費滿新臺幣 {enter} 元。" in lines
        assert f"{tier}的保級條件：每 12 個月的有效期內消費滿新臺幣 {keep} 元。" in lines


def test_cards_say_what_reaches_and_what_keeps_a_tier_below_its_name() -> None:
    words = [
        (each.reach, each.keep, len(each.offers))
        for each in ladder_words(make_program(**get_preset("cards4")))
    ]
    assert [(reach["zh-TW"], keep["zh-TW"]) for reach, keep, _ in words[:2]] == [
        ("成為會員即享有", "沒有條件"),
        ("最近 12 個月內消費滿新臺幣 3,000 元", "每 12 個月的有效期內消費滿新臺幣 1,500 元"),
    ]
    assert words[1][0]["en"] == "spend NT$3,000 or more within the last 12 months"


@pytest.mark.parametrize(
    ("enter", "keep", "validity", "reach", "stays"),
    [
        (None, None, None, "every member begins here", "nothing is asked"),
        (5, None, None, "place 5 orders or more within the last 12 months (every member begins with it)",
         "nothing is asked"),
        (None, 3, {"days": 90}, "every member begins here",
         "place 3 orders or more; as Base does not end, nobody is judged by this now"),
    ],
)  # fmt: skip
def test_cards_of_the_first_tier(
    enter: int | None, keep: int | None, validity: Any, reach: str, stays: str
) -> None:
    tier: dict[str, Any] = {"key": "base", "name": name("Base")}
    for part, least in (("enter", enter), ("keep", keep)):
        if least:
            tier[part] = {"all": [{"metric": "orders", "at_least": least}]}
    of = make_program(tiers=[tier], tier_policy={"validity": validity} if validity else {})
    assert [(each.reach["en"], each.keep["en"]) for each in ladder_words(of)] == [(reach, stays)]


def test_s30_without_a_keep_rule_the_enter_rule_is_printed_as_what_keeps() -> None:
    gold = {"key": "gold", "name": name("Gold"), "enter": {"all": [{"metric": "orders", "at_least": 5}]}}
    lines = section("tiers", tiers=[RICH["tiers"][0], gold], tier_policy={"validity": {"days": 90}})
    assert "To keep Gold: place 5 orders or more within each period of 90 days." in lines


def test_s75_validity_is_stated_in_words() -> None:
    expiry = {"mode": "lot", "after": {"years": 1}, "round_up_to": "month", "remind_days": [7, 30]}
    assert section("expiry", "zh-TW", expiry=expiry) == [
        "每筆積分自獲得起 12 個月有效，用到期滿當月結束為止。", "到期前 30 天、7 天會提醒您。",
    ]  # fmt: skip
    assert section("expiry", "zh-CN") == ["积分不会过期。"]


def test_s41_benefits_of_the_next_tier_that_one_does_not_have() -> None:
    program_ = make_program(**get_preset("black3"))
    assert [each["en"] for each in benefits_ahead(program_, "regular")] == [
        "1.25 times the points", '"100 off" when you reach it',
    ]  # fmt: skip
    assert [each["zh-TW"] for each in benefits_ahead(program_, "gold")] == [
        "2 倍積分", "升級禮「折抵500元」", "專屬服務：優先客服",
    ]  # fmt: skip
    assert benefits_ahead(program_, "black") == ()


def test_s41_benefits_that_both_tiers_have_are_left_out() -> None:
    tiers = [
        {"key": key, "name": name(key), "benefits": {"free_shipping": True, "perks": perks}}
        for key, perks in (("a", []), ("b", [name("Tea")]))
    ]
    assert [each["en"] for each in benefits_ahead(make_program(tiers=tiers), "a")] == ["Tea"]


def test_campaigns_that_are_over_are_left_out_and_those_to_come_are_told() -> None:
    listed = [
        {
            "key": key,
            "name": name(key),
            "from": f"{year}-01-01T00:00",
            "until": f"{year}-02-01T00:00",
            "bonus": 5,
        }
        for key, year in (("past", 2026), ("coming", 2027))
    ]
    assert [line.partition(":")[0] for line in section("campaigns", campaigns=listed)] == ['"coming"']


def test_dates_are_those_of_the_accounts_zone() -> None:
    campaign = {
        "key": "a",
        "name": name("A"),
        "from": "2026-12-01T00:00",
        "until": "2026-12-08T10:30",
        "bonus": 5,
    }
    line = section("campaigns", time_zone="America/New_York", campaigns=[campaign])[0]
    assert "from 00:00 on 1 December 2026 until, but not including, 10:30 on 8 December 2026" in line


@pytest.mark.parametrize(
    ("currency", "value", "words"),
    [
        ("TWD", "1234567.5", "NT$1,234,567.5"),
        ("USD", "0.5", "US$0.50"),
        ("CHF", "0.123456789", "CHF 0.123456789"),
    ],
)
def test_numbers_are_exact(currency: str, value: str, words: str) -> None:
    decimals = 0 if currency == "TWD" else 2
    lines = section("earning", currency=currency, decimals=decimals, earning={"minimum_order": value})
    assert f"An order earns points from {words} on." in lines


def test_an_automation_that_only_notes_something_is_not_told() -> None:
    listed = [{"key": "a", "trigger": "member_joined", "actions": [{"kind": "tag", "add": ["x"]}]}]
    assert section("automations", automations=listed) == []


def test_names_with_braces_are_said_as_they_are() -> None:
    tiers = [{"key": "a", "name": {"en": "{tier} {0}"}}]
    assert "Every member begins as {tier} {0}." in section("tiers", tiers=tiers)

"""Which campaigns and product rules of a checked document can mean the same order at the same time, and what the
declared stacking makes of it; law: silent where their scopes are disjoint, warns, never refuses (U68).

Product rules and the tier multiply what campaigns give: that is their purpose, and nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from itertools import product
from typing import Any

from loyalty.programs.ladder import Text

Data = Mapping[str, Any]
SHORTEST_MONTH = 28
_ONE_OF_LINE = ("product_ids", "skus")
"""Lists of which a line of an order fits one entry; of categories and tags a product may have several."""
_MATCH = (*_ONE_OF_LINE, "category_ids", "tags")
_ONE_OF_ORDER = ("tiers", "channels")


class Outcome(Enum):
    """What becomes of rules that mean the same order."""

    HIGHER = "higher"
    HIGHER_AND_BONUSES = "higher_and_bonuses"
    BOTH = "both"


_ENDS = {
    Outcome.HIGHER: {
        "zh-TW": "倍數取較高者。",
        "zh-CN": "倍数取较高者。",
        "en": "the higher multiplier counts.",
    },
    Outcome.HIGHER_AND_BONUSES: {
        "zh-TW": "倍數取較高者,固定加贈都計入。",
        "zh-CN": "倍数取较高者,固定加赠都计入。",
        "en": "the higher multiplier counts, and every bonus.",
    },
    Outcome.BOTH: {"zh-TW": "兩者都計入。", "zh-CN": "两者都计入。", "en": "both count."},
}
_CAMPAIGNS = {
    "zh-TW": "活動 {this} 與 {others} 可能適用於同一筆訂單:",
    "zh-CN": "活动 {this} 与 {others} 可能适用于同一笔订单:",
    "en": "The campaign {this} may apply to the same order as {others}: ",
}
_RULES = {
    "zh-TW": "第 {this} 條商品規則與第 {others} 條可能適用於同一項商品:",
    "zh-CN": "第 {this} 条商品规则与第 {others} 条可能适用于同一项商品:",
    "en": "Product rule {this} may mean the same product as product rule {others}: ",
}


def conflicts(document: Data) -> Iterator[tuple[str, Text]]:
    """Yield for each product rule and campaign which earlier ones it overlaps, by JSON pointer."""
    yield from _rules(document["earning"]["product_rules"])
    campaigns = document["campaigns"]
    for index, campaign in enumerate(campaigns):
        for outcome in Outcome:
            met = [old["key"] for old in campaigns[:index] if _outcome(campaign, old) is outcome]
            if met:
                yield f"/campaigns/{index}", _text(_CAMPAIGNS, campaign["key"], met, outcome)


def _rules(rules: Sequence[Data]) -> Iterator[tuple[str, Text]]:
    matches = [rule["match"] for rule in rules]
    for index, match in enumerate(matches):
        met = [
            str(number)
            for number, old in enumerate(matches[:index], 1)
            if any(match.values()) and any(old.values()) and _share_lines(match, old)
        ]
        if met:
            yield f"/earning/product_rules/{index}", _text(_RULES, str(index + 1), met, Outcome.HIGHER)


def _text(words: Text, this: str, others: Sequence[str], outcome: Outcome) -> Text:
    return {
        language: text.format(this=this, others=", ".join(others)) + _ENDS[outcome][language]
        for language, text in words.items()
    }


def _outcome(one: Data, other: Data) -> Outcome | None:
    """Return what becomes of two campaigns on one order, None where they never meet."""
    if not (_share_time(one, other) and _share_orders(one, other)):
        return None
    multiply = one["multiplier"] is not None and other["multiplier"] is not None
    if not multiply or "add" in (one["stacking"], other["stacking"]):
        return Outcome.BOTH
    has_bonus = one["bonus"] is not None or other["bonus"] is not None
    return Outcome.HIGHER_AND_BONUSES if has_bonus else Outcome.HIGHER


def _share_time(one: Data, other: Data) -> bool:
    if one["opens"] >= other["closes"] or other["opens"] >= one["closes"]:
        return False
    days, others = one["recurs"], other["recurs"]
    return not (days and others) or (
        _meet(days["weekdays"], others["weekdays"])
        and _meet(days["months"], others["months"])
        and _meet(_in_any_month(days["month_days"]), _in_any_month(others["month_days"]))
    )


def _in_any_month(days: Sequence[int]) -> list[int]:
    """Return month days, those that a short month lacks as one: each of them may be its last day."""
    return [min(day, SHORTEST_MONTH) for day in days]


def _share_orders(one: Data, other: Data) -> bool:
    scope, others = one["scope"], other["scope"]
    return (
        all(_meet(scope[name], others[name]) for name in _ONE_OF_ORDER)
        and _share_regions(scope["regions"], others["regions"])
        and _meet(_numbers(one), _numbers(other))
        and _share_lines(scope, others)
    )


def _share_regions(ones: Sequence[str], others: Sequence[str]) -> bool:
    if not (ones and others):
        return True
    return any(_within(one, other) or _within(other, one) for one, other in product(ones, others))


def _within(region: str, other: str) -> bool:
    """Return whether a region is another one, or a state of it."""
    return region == other or region.startswith(f"{other}-")


def _numbers(campaign: Data) -> set[int]:
    """Return which of a member's orders are meant, nothing for all of them."""
    if campaign["first_order"]:
        return {1}
    return {campaign["nth_order"]} if campaign["nth_order"] is not None else set()


def _share_lines(one: Data, other: Data) -> bool:
    """Return whether a line may be in both scopes; the ids of a product and of its variation are taken for two."""
    given = [name for name in _MATCH if one[name] or other[name]]
    if len(given) != 1 or given[0] not in _ONE_OF_LINE:
        return True
    return _meet(one[given[0]], other[given[0]])


def _meet(ones: Any, others: Any) -> bool:
    """Return whether two lists share an entry; an empty one names everything."""
    return not ones or not others or not set(ones).isdisjoint(others)

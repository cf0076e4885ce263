"""The vocabulary of the rules in words: points, money, tiers, products, thresholds and conditions on members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from loyalty.programs.ladder import Condition, Conditions, Text, Window
from loyalty.programs.program import Program
from loyalty.programs.segments import Between, Criterion, Days, Figure, OneOf, Since
from loyalty.programs.terms import Match, Metric, RoundUp, WindowKind
from loyalty.programs.words import (
    HUNDRED,
    both,
    counted,
    days,
    either,
    joined,
    moment,
    money,
    named,
    number,
    ordered,
    say,
    together,
)

_FIGURES = {
    Metric.SPEND: ("消費金額", "消费金额", "spend"),
    Metric.ORDERS: ("訂單數", "订单数", "number of orders"),
    Metric.POINTS: ("獲得的{points}", "获得的{points}", "number of {points} earned"),
    Metric.ACTIVITY: ("活躍度", "活跃度", "activity score"),
    Metric.EVENTS: ("參加活動的次數", "参加活动的次数", "number of events taken part in"),
    Metric.REPEAT_RATE: ("回購率", "复购率", "repeat rate"),
}
_SINCE = {
    Since.JOINED: ("加入至今的天數", "加入至今的天数", "number of days since joining"),
    Since.LAST_ORDER: ("距上次訂單的天數", "距上次订单的天数", "number of days since the last order"),
}
_ROUND_UP = {
    RoundUp.DAY: ("當天", "当天", "day"),
    RoundUp.MONTH: ("當月", "当月", "month"),
    RoundUp.YEAR: ("當年", "当年", "year"),
}


def points(program: Program, value: int) -> Text:
    """Return so many points by their name."""
    return say("{n} {unit}", "{n} {unit}", "{n} {unit}", n=number(value), unit=program.points_name)


def amount(program: Program, value: Fraction) -> Text:
    """Return an amount in the program's currency."""
    return money(value, program.currency, program.decimals)


def tier_name(program: Program, key: str) -> Text:
    """Return the name of a tier, its key where the ladder has none of it."""
    found = [named(tier.name, key) for tier in program.tiers if tier.key == key]
    return found[0] if found else named({}, key)


def tier_names(program: Program, keys: Iterable[str]) -> Text:
    """Return tiers of which any is meant, lowest first."""
    return either(
        [tier_name(program, key) for key in sorted(keys, key=lambda it: (program.tier_rank(it), it))]
    )


def reward_name(program: Program, key: str) -> Text:
    """Return the name of a reward, in quotation marks."""
    reward = program.reward(key)
    return quoted(named(reward.name if reward else {}, key))


def quoted(name: Text) -> Text:
    """Return a name in the quotation marks of each language."""
    return say("「{name}」", "“{name}”", '"{name}"', name=name)


def end_of(unit: RoundUp) -> Text:
    """Return the day, month or year to whose end something lasts."""
    return say(*_ROUND_UP[unit])


def listed(words: Iterable[str]) -> Text:
    """Return words of a set of which any is meant."""
    return joined(ordered(words), (" 或 ", " 或 "), " or ")


def products(match: Match) -> Text | None:
    """Return which products are meant; None: none."""
    kinds = (
        (match.product_ids, ("商品編號 {ids}", "商品编号 {ids}", "the products {ids}")),
        (
            match.category_ids,
            ("分類編號 {ids} 的商品", "分类编号 {ids} 的商品", "products of the categories {ids}"),
        ),
        (match.skus, ("貨號 {ids}", "货号 {ids}", "the stock numbers {ids}")),
        (match.tags, ("商品標籤 {ids} 的商品", "商品标签 {ids} 的商品", "products with the tags {ids}")),
    )
    parts = [say(*words, ids=both(ordered(ids))) for ids, words in kinds if ids]
    return either(parts) if parts else None


def window_words(window: Window) -> Text:
    """Return over which time figures are summed up."""
    if window.kind is WindowKind.ROLLING:
        length = counted(window.months, "個月", "个月", "month")
        return say("最近 {length}內", "最近 {length}内", "within the last {length}", length=length)
    if window.kind is WindowKind.CALENDAR_YEAR:
        return say("同一曆年內", "同一日历年内", "within the calendar year")
    if window.kind is WindowKind.MEMBERSHIP_YEAR:
        return say(
            "同一會員年度內（自加入日起算）",
            "同一会员年度内（自加入日起算）",
            "within the year of membership, from joining on",
        )
    return say("累計至今", "累计至今", "over all time")


def standard(program: Program, conditions: Conditions) -> Text:
    """Return thresholds as what a member does: `spend NT$3,000 or place 5 orders`."""
    parts = [_threshold(program, each) for each in conditions.conditions]
    return either(parts) if conditions.any_of else together(parts)


def _threshold(program: Program, condition: Condition) -> Text:
    if not condition.at_least:
        return say("不設門檻", "不设门槛", "no threshold")
    value = _value(program, condition.metric, condition.at_least)
    words = {
        Metric.SPEND: ("消費滿 {value}", "消费满 {value}", "spend {value} or more"),
        Metric.ORDERS: ("訂單達 {value} 筆", "订单达 {value} 笔", "place {value} orders or more"),
        Metric.POINTS: ("獲得達 {value} {unit}", "获得达 {value} {unit}", "earn {value} {unit} or more"),
        Metric.ACTIVITY: ("活躍度達 {value}", "活跃度达 {value}", "reach an activity score of {value}"),
        Metric.EVENTS: (
            "參加活動達 {value} 次",
            "参加活动达 {value} 次",
            "take part in {value} events or more",
        ),
        Metric.REPEAT_RATE: ("回購率達 {value}", "复购率达 {value}", "reach a repeat rate of {value}"),
    }
    return say(*words[condition.metric], value=value, unit=program.points_name)


def _value(program: Program, metric: Metric, value: Fraction) -> Text | str:
    if metric is Metric.SPEND:
        return amount(program, value)
    return f"{number(value * HUNDRED)}%" if metric is Metric.REPEAT_RATE else number(value)


def criteria(program: Program, listed_: Iterable[Criterion], *, any_of: bool = False) -> Text:
    """Return conditions on a member, as clauses that may follow an `if`."""
    parts = [_criterion(program, each) for each in listed_]
    return either(parts) if any_of else together(parts)


def _criterion(program: Program, criterion: Criterion) -> Text:
    if isinstance(criterion, OneOf):
        return together(list(_one_of(program, criterion)))
    if isinstance(criterion, Figure):
        what = say(*_FIGURES[criterion.metric], points=program.points_name)
        whole = say(
            "{window}{what}",
            "{window}{what}",
            "{what} {window}",
            what=what,
            window=window_words(criterion.window),
        )
        bounds = criterion.at_least, criterion.below
        return _between(
            whole, *(None if it is None else _value(program, criterion.metric, it) for it in bounds)
        )
    if isinstance(criterion, Days):
        bounds_ = criterion.at_least, criterion.below
        return _between(
            say(*_SINCE[criterion.since]), *(None if it is None else number(it) for it in bounds_)
        )
    return _time(program, criterion)


def _one_of(program: Program, criterion: OneOf) -> Iterator[Text]:
    kinds = {
        "tier": ("等級", "等级", "tier"),
        "tag": ("會員標籤", "会员标签", "member's tag"),
        "region": ("地區", "地区", "region"),
        "segment": ("會員群組", "会员群组", "member's group"),
    }
    what = say(*kinds[criterion.kind])
    if criterion.any_of:
        names = _names(program, criterion.kind, criterion.any_of)
        yield say("{what}為 {names}", "{what}为 {names}", "the {what} is {names}", what=what, names=names)
    if criterion.none_of:
        names = _names(program, criterion.kind, criterion.none_of)
        yield say(
            "{what}不是 {names}", "{what}不是 {names}", "the {what} is not {names}", what=what, names=names
        )


def _names(program: Program, kind: str, keys: frozenset[str]) -> Text:
    if kind == "tier":
        return tier_names(program, keys)
    if kind == "segment":
        return segment_names(program, keys)
    return listed(keys)


def segment_names(program: Program, keys: Iterable[str]) -> Text:
    """Return groups of members of which any is meant."""
    found = [(key, program.segment(key)) for key in ordered(keys)]
    return either([quoted(named(segment.name if segment else {}, key)) for key, segment in found])


def _between(what: Text, at_least: Text | str | None, below: Text | str | None) -> Text:
    parts = []
    if at_least is not None:
        parts.append(say("至少 {value}", "至少 {value}", "at least {value}", value=at_least))
    if below is not None:
        parts.append(say("少於 {value}", "少于 {value}", "below {value}", value=below))
    return say(
        "{what}{bounds}", "{what}{bounds}", "the {what} is {bounds}", what=what, bounds=together(parts)
    )


def _time(program: Program, criterion: Between) -> Text:
    opens, closes = (moment(it, program.time_zone) for it in (criterion.opens, criterion.closes))
    return say(
        "時間在 {opens} 起至 {closes}（不含）之間",
        "时间在 {opens} 起至 {closes}（不含）之间",
        "the time is from {opens} until, but not including, {closes}",
        opens=opens,
        closes=closes,
    )


def before(listed_days: Iterable[int]) -> Text:
    """Return so many days before an end, farthest first."""
    return joined([days(value) for value in sorted(set(listed_days), reverse=True)], ("、", "、"), " and ")

"""Automations, groups of members, referral and activities in words; tags and calls of other systems are the shop's own
business, and a rule that does nothing else is not told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loyalty.programs.automations import (
    Action,
    ActivityLimit,
    Automation,
    GiveCoupon,
    GivePoints,
    HoldTier,
    OncePer,
    SendMessage,
    Trigger,
    When,
)
from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words import (
    amount,
    criteria,
    listed,
    points,
    quoted,
    reward_name,
    segment_names,
    tier_name,
    tier_names,
)
from loyalty.programs.words import both, clauses, counted, days, length, named, number, say

_ONCE = {
    OncePer.MEMBER: ("每位會員一次", "每位会员一次", "once for each member"),
    OncePer.YEAR: ("每年最多一次", "每年最多一次", "once a year at most"),
    OncePer.MONTH: ("每月最多一次", "每月最多一次", "once a month at most"),
    OncePer.WEEK: ("每週最多一次", "每周最多一次", "once a week at most"),
    OncePer.DAY: ("每天最多一次", "每天最多一次", "once a day at most"),
    OncePer.CAUSE: ("每次發生時各一次", "每次发生时各一次", "once each time"),
}
_TURNS = {
    "up": ("升級", "升级", "rising"),
    "down": ("降級", "降级", "falling"),
    "any": ("等級變更", "等级变更", "changing"),
}
_ENDING = {
    Trigger.POINTS_EXPIRING: ("{unit}到期", "{unit}到期", "your {unit} expire"),
    Trigger.COUPON_EXPIRING: ("優惠券到期", "优惠券到期", "a coupon ends"),
}


def automations(program: Program) -> Iterator[Text]:
    """Yield what members get or are told when something happens."""
    for each in program.automations:
        gets = list(_gets(program, each.actions))
        if gets:
            yield say(
                "{name}：{when}{condition}，{gets}；{once}。", "{name}：{when}{condition}，{gets}；{once}。",
                "{name}: {when}{condition}, {gets}; {once}.",
                name=quoted(named(each.name, each.key)), when=_when(program, each), condition=_condition(program, each),
                gets=both(gets), once=say(*_ONCE[each.once_per]),
            )  # fmt: skip


def _condition(program: Program, automation: Automation) -> Text:
    if not automation.conditions:
        return named({}, "")
    what = criteria(program, automation.conditions)
    return say("，且{what}", "，且{what}", " if {what}", what=what)


def _gets(program: Program, actions: Iterable[Action]) -> Iterator[Text]:
    for action in actions:
        if isinstance(action, GivePoints):
            yield _points(program, action)
        elif isinstance(action, GiveCoupon):
            gift = reward_name(program, action.reward)
            yield say("獲得{gift}", "获得{gift}", "you get {gift}", gift=gift)
        elif isinstance(action, HoldTier):
            yield _tier(program, action)
        elif isinstance(action, SendMessage):
            yield say("收到一則訊息", "收到一条消息", "you get a message")


def _points(program: Program, action: GivePoints) -> Text:
    given = points(program, action.points)
    if action.counts_toward_tier:
        return say(
            "獲得 {points}（計入會員等級）",
            "获得 {points}（计入会员等级）",
            "you get {points} that count toward tiers",
            points=given,
        )  # fmt: skip
    return say("獲得 {points}", "获得 {points}", "you get {points}", points=given)


def _tier(program: Program, action: HoldTier) -> Text:
    tier = tier_name(program, action.tier)
    if action.length is None:
        return say("至少享有{tier}", "至少享有{tier}", "you are at least {tier}", tier=tier)
    return say(
        "{length}內至少享有{tier}", "{length}内至少享有{tier}", "you are at least {tier} for {length}",
        tier=tier, length=length(action.length),
    )  # fmt: skip


def _when(program: Program, automation: Automation) -> Text:
    when, trigger = automation.when, automation.trigger
    if trigger is Trigger.ORDER_PAID:
        return _order_paid(program, when)
    if trigger is Trigger.ORDER_COUNT:
        return _order_count(when)
    if trigger in (Trigger.TIER_CHANGED, Trigger.TIER_EXPIRING):
        return _tier_event(program, trigger, when)
    if trigger in (Trigger.SEGMENT_ENTERED, Trigger.SEGMENT_LEFT):
        name = segment_names(program, [when.segment])
        if trigger is Trigger.SEGMENT_ENTERED:
            return say(
                "進入會員群組{name}時", "进入会员群组{name}时", "when you enter the group {name}", name=name
            )
        return say(
            "離開會員群組{name}時", "离开会员群组{name}时", "when you leave the group {name}", name=name
        )
    if trigger in _ENDING:
        what = say(*_ENDING[trigger], unit=program.points_name)
        return say(
            "{what}前 {days}", "{what}前 {days}", "{days} before {what}", what=what, days=days(when.days)
        )
    return _own(trigger, when)


def _own(trigger: Trigger, when: When) -> Text:
    if trigger is Trigger.STREAK:
        months = counted(when.months or 0, "個月", "个月", "month")
        return say(
            "連續 {n}每月都有訂單時",
            "连续 {n}每月都有订单时",
            "after an order in each of {n} in a row",
            n=months,
        )
    if trigger is Trigger.ACTIVITY_RECORDED:
        if not when.activities:
            return say("記錄到活動時", "记录到活动时", "when you do something that counts as an activity")
        kinds = listed(when.activities)
        return say("記錄到 {kinds} 時", "记录到 {kinds} 时", "when {kinds} is recorded of you", kinds=kinds)
    if trigger is Trigger.BIRTHDAY:
        if not when.days:
            return say("生日當天", "生日当天", "on your birthday")
        return say("生日前 {n}", "生日前 {n}", "{n} before your birthday", n=days(when.days))
    if trigger is Trigger.INACTIVE_FOR:
        return say("{n}沒有活動時", "{n}没有活动时", "after {n} without activity", n=days(when.days))
    if trigger is Trigger.REFERRAL_COMPLETED:
        if when.side == "friend":
            return say(
                "受邀加入的推薦完成時",
                "受邀加入的推荐完成时",
                "when your own referral is completed as the friend",
            )
        return say("您推薦好友完成時", "您推荐好友完成时", "when a referral of yours is completed")
    return say("加入會員時", "加入会员时", "when you join")


def _order_paid(program: Program, when: When) -> Text:
    if when.minimum_order is None:
        return say("每筆訂單付款後", "每笔订单付款后", "when an order is paid")
    least = amount(program, when.minimum_order)
    return say(
        "訂單滿 {least} 付款後",
        "订单满 {least} 付款后",
        "when an order of {least} or more is paid",
        least=least,
    )


def _order_count(when: When) -> Text:
    if when.every is not None:
        return say("每滿 {n} 筆訂單時", "每满 {n} 笔订单时", "with every {n} orders", n=number(when.every))
    return say("第 {n} 筆訂單時", "第 {n} 笔订单时", "with order number {n}", n=number(when.count or 0))


def _tier_event(program: Program, trigger: Trigger, when: When) -> Text:
    which = tier_names(program, when.tiers) if when.tiers else None
    if trigger is Trigger.TIER_EXPIRING:
        what = which or say("等級", "等级", "your tier")
        return say(
            "{what}到期前 {n}", "{what}到期前 {n}", "{n} before {what} ends", what=what, n=days(when.days)
        )
    turn = say(*_TURNS[when.direction])
    if which is None:
        return say("{turn}時", "{turn}时", "on {turn} to another tier", turn=turn)
    return say("{turn}為{which}時", "{turn}为{which}时", "on {turn} to {which}", turn=turn, which=which)


def segments(program: Program) -> Iterator[Text]:
    """Yield who belongs to each group of members."""
    for each in program.segments:
        yield say(
            "{name}：{who}的會員。", "{name}：{who}的会员。", "{name}: members of whom it holds that {who}.",
            name=quoted(named(each.name, each.key)), who=criteria(program, each.criteria, any_of=each.any_of),
        )  # fmt: skip


def referral(program: Program) -> Iterator[Text]:
    """Yield what bringing friends gives, and when."""
    terms = program.referral
    sides = (
        (terms.referrer, ("推薦人：{gets}。", "推荐人：{gets}。", "If you bring a friend: {gets}.")),
        (
            terms.friend,
            ("被推薦的好友：{gets}。", "被推荐的好友：{gets}。", "If you are the friend: {gets}."),
        ),
    )
    for actions, words in sides:
        gets = list(_gets(program, actions))
        if gets:
            yield say(*words, gets=both(gets))
    if terms.is_offered:
        yield from _referral_terms(program)


def _referral_terms(program: Program) -> Iterator[Text]:
    terms = program.referral
    yield say(
        "好友的首筆訂單付款滿 {days}後才發放。", "好友的首笔订单付款满 {days}后才发放。",
        "It is given {days} after the friend's first order was paid.", days=days(terms.hold_days),
    )  # fmt: skip
    if terms.minimum_order:
        yield say(
            "首筆訂單扣除退款後須滿 {least}。", "首笔订单扣除退款后须满 {least}。",
            "That order must be {least} or more after refunds.", least=amount(program, terms.minimum_order),
        )  # fmt: skip
    limits = (
        (terms.per_month, ("每月最多計 {n} 位好友。",
        "每月最多计 {n} 位好友。",
        "In a month {n} friends count at most.")),
        (terms.lifetime, ("累計最多 {n} 位好友。", "累计最多 {n} 位好友。", "In all {n} friends count at most.")),
    )  # fmt: skip
    for most, words in limits:
        if most is not None:
            yield say(*words, n=number(most))


def activities(program: Program) -> Iterator[Text]:
    """Yield what each activity counts and how often."""
    for each in program.activities:
        yield say(
            "{kind}：{terms}。", "{kind}：{terms}。", "{kind}: {terms}.",
            kind=each.kind, terms=clauses(list(_activity(each))),
        )  # fmt: skip


def _activity(limit: ActivityLimit) -> Iterator[Text]:
    yield say("活躍度加 {n}", "活跃度加 {n}", "adds {n} to the activity score", n=number(limit.score))
    if limit.is_event:
        yield say("算作參加一次活動", "算作参加一次活动", "counts as an event taken part in")
    limits = (
        (limit.per_day, ("每天最多 {n}", "每天最多 {n}", "at most {n} a day")),
        (limit.per_week, ("每週最多 {n}", "每周最多 {n}", "at most {n} a week")),
        (limit.per_month, ("每月最多 {n}", "每月最多 {n}", "at most {n} a month")),
        (limit.lifetime, ("累計最多 {n}", "累计最多 {n}", "at most {n} in all")),
    )
    for most, words in limits:
        if most is not None:
            yield say(*words, n=counted(most, "次", "次", "time"))

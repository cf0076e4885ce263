"""Campaigns that run or are to come, in words; who is held out is not told, or the effect could not be measured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from loyalty.programs.campaigns import Campaign, Recurs
from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words import amount, listed, points, products, quoted, segment_names, tier_names
from loyalty.programs.terms import Stacking
from loyalty.programs.words import MONTHS, both, clauses, moment, named, number, say

_WEEKDAYS = ("一", "二", "三", "四", "五", "六", "日")
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_STACKING = {
    Stacking.BEST: (
        "與其他活動同時符合時取倍數最高的一項", "与其他活动同时符合时取倍数最高的一项",
        "where campaigns of this sort meet, the highest multiplier counts",
    ),
    Stacking.ADD: ("倍數與其他活動累加", "倍数与其他活动累加", "its multiplier is added to those of others"),
}  # fmt: skip


def campaigns(program: Program, now: datetime) -> Iterator[Text]:
    """Yield each campaign that is not over at an instant and gives something."""
    for campaign in program.campaigns:
        if campaign.closes > now and campaign.gives_something:
            yield say(
                "{name}：{terms}。", "{name}：{terms}。", "{name}: {terms}.",
                name=quoted(named(campaign.name, campaign.key)), terms=clauses(list(_terms(program, campaign))),
            )  # fmt: skip


def _terms(program: Program, campaign: Campaign) -> Iterator[Text]:
    opens, closes = (moment(it, program.time_zone) for it in (campaign.opens, campaign.closes))
    yield say(
        "{opens} 起至 {closes} 前", "{opens} 起至 {closes} 前", "from {opens} until, but not including, {closes}",
        opens=opens, closes=closes,
    )  # fmt: skip
    yield both(list(_gifts(program, campaign)))
    if campaign.recurs is not None:
        yield say(
            "限會員日：{days}",
            "限会员日：{days}",
            "only on member days: {days}",
            days=both(list(_member_days(campaign.recurs))),
        )
    yield from _scope(program, campaign)
    yield from _orders(program, campaign)
    yield from _budget(program, campaign)


def _gifts(program: Program, campaign: Campaign) -> Iterator[Text]:
    if campaign.multiplier is not None:
        yield say(
            "{n} 倍{unit}", "{n} 倍{unit}", "{n} times the {unit}",
            n=number(campaign.multiplier), unit=program.points_name,
        )  # fmt: skip
    if campaign.bonus is not None:
        yield say("加贈 {points}", "加赠 {points}", "{points} on top", points=points(program, campaign.bonus))


def _member_days(recurs: Recurs) -> Iterator[Text]:
    if recurs.months:
        chinese = "、".join(str(month) for month in sorted(recurs.months)) + " 月"
        yield say(chinese, chinese, "in " + ", ".join(MONTHS[month - 1] for month in sorted(recurs.months)))
    if recurs.month_days:
        shown = "、".join(str(day) for day in sorted(recurs.month_days))
        yield say(
            f"每月 {shown} 日（當月沒有該日時為月底）", f"每月 {shown} 日（当月没有该日时为月底）",
            f"on day {shown.replace('、', ', ')} of the month (its last day where there is none)",
        )  # fmt: skip
    if recurs.weekdays:
        shown = "、".join(_WEEKDAYS[day - 1] for day in sorted(recurs.weekdays))
        names = ", ".join(_DAY_NAMES[day - 1] for day in sorted(recurs.weekdays))
        yield say(f"星期{shown}", f"星期{shown}", f"on {names}")


def _scope(program: Program, campaign: Campaign) -> Iterator[Text]:
    scope = campaign.scope
    what = products(scope.match)
    if what is not None:
        yield say("限{what}", "限{what}", "only for {what}", what=what)
    if scope.tiers:
        yield say("限{who}", "限{who}", "only for {who}", who=tier_names(program, scope.tiers))
    if scope.segments:
        who = segment_names(program, scope.segments)
        yield say("限會員群組{who}", "限会员群组{who}", "only for members of the group {who}", who=who)
    if scope.regions:
        yield say("限地區 {where}", "限地区 {where}", "only in {where}", where=listed(scope.regions))
    if scope.channels:
        yield say(
            "限通路 {where}", "限渠道 {where}", "only by the channel {where}", where=listed(scope.channels)
        )
    if scope.member_tags:
        yield say(
            "限會員標籤 {who}",
            "限会员标签 {who}",
            "only for members with the tag {who}",
            who=listed(scope.member_tags),
        )


def _orders(program: Program, campaign: Campaign) -> Iterator[Text]:
    if campaign.minimum_order is not None:
        least = amount(program, campaign.minimum_order)
        yield say("訂單須滿 {least}", "订单须满 {least}", "for orders from {least} on", least=least)
    if campaign.first_order:
        yield say("限首筆訂單", "限首笔订单", "only for the first order")
    if campaign.nth_order is not None:
        nth = number(campaign.nth_order)
        yield say(
            "限第 {nth} 筆訂單", "限第 {nth} 笔订单", "only for order number {nth} of a member", nth=nth
        )


def _budget(program: Program, campaign: Campaign) -> Iterator[Text]:
    if campaign.budget is not None:
        most = points(program, campaign.budget)
        yield say("總共送出 {most} 為止", "总共送出 {most} 为止", "until {most} are given in all", most=most)
    if campaign.per_member is not None:
        most = points(program, campaign.per_member)
        yield say("每位會員最多 {most}", "每位会员最多 {most}", "at most {most} for each member", most=most)
    if campaign.multiplier is not None:
        yield say(*_STACKING[campaign.stacking])
    if campaign.counts_toward_tier:
        yield say("計入會員等級", "计入会员等级", "what it gives counts toward tiers")
    else:
        yield say("不計入會員等級", "不计入会员等级", "what it gives does not count toward tiers")

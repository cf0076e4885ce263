"""What a reward costs, and who may redeem it when and how often, in words."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from loyalty.programs.catalogue import VARIABLE_DISCOUNT, Reward, Uses
from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words import amount, points, tier_name, tier_names
from loyalty.programs.words import counted, joined, moment, number, say
from loyalty.values import ZERO

_ON_EXPIRY = {
    "return": ("未使用而到期時退回", "未使用而到期时退回", "they come back if it ends unused"),
    "forfeit": ("未使用而到期時不退回", "未使用而到期时不退回", "they are lost if it ends unused"),
}
_PER_MEMBER = {
    "lifetime": ("每位會員最多 {most}", "每位会员最多 {most}", "at most {most} for each member"),
    "day": ("每位會員每天最多 {most}", "每位会员每天最多 {most}", "at most {most} a day for each member"),
    "week": (
        "每位會員每週（週一起算）最多 {most}", "每位会员每周（周一起算）最多 {most}",
        "at most {most} a week, from Monday on, for each member",
    ),
    "month": (
        "每位會員每個曆月最多 {most}", "每位会员每个日历月最多 {most}",
        "at most {most} a calendar month for each member",
    ),
    "year": (
        "每位會員每個曆年最多 {most}", "每位会员每个日历年最多 {most}",
        "at most {most} a calendar year for each member",
    ),
}  # fmt: skip


def price(program: Program, reward: Reward) -> Text:
    """Return what a reward costs, and what becomes of the points when it is not used."""
    if reward.points is None:
        return say(
            "不能兌換，只作為贈禮",
            "不能兑换，只作为赠礼",
            "only as a gift, not for {unit}",
            unit=program.points_name,
        )
    if not reward.points:
        return say(
            "不需{unit}即可領取",
            "无需{unit}即可领取",
            "to be claimed without {unit}",
            unit=program.points_name,
        )
    end = say(*_ON_EXPIRY["forfeit" if reward.forfeits else "return"])
    if reward.kind == VARIABLE_DISCOUNT:
        return say(
            "{rate}，{end}", "{rate}，{end}", "{rate}, and {end}", rate=_rate(program, reward), end=end
        )
    return say(
        "以 {points} 兌換，{end}", "以 {points} 兑换，{end}", "for {points}, and {end}",
        points=points(program, reward.points), end=end,
    )  # fmt: skip


def _rate(program: Program, reward: Reward) -> Text:
    """Return what points of a variable discount are worth: `100 points = US$5, from 100 to 1,000 in steps of 100`."""
    rate = say(
        "{points} = {worth}", "{points} = {worth}", "{points} = {worth}",
        points=points(program, reward.points or 0), worth=amount(program, reward.amount or ZERO),
    )  # fmt: skip
    bounds = [*_range(reward), *_steps(reward)]
    parts = [rate, *([joined(bounds, ("，", "，"), " ")] if bounds else []), *_rounding(program, reward)]
    return joined(parts, ("，", "，"), ", ")


def _rounding(program: Program, reward: Reward) -> Iterator[Text]:
    """Yield that money is rounded down, where a step of points may be worth less than the currency can pay."""
    smallest = Fraction(1, 10**program.decimals)
    step = (reward.amount or ZERO) * reward.step
    if Fraction(step, (reward.points or 1) * smallest).denominator != 1:
        yield say(
            "金額無條件捨去至 {smallest}的倍數", "金额向下取整至 {smallest}的倍数",
            "rounded down to a multiple of {smallest}", smallest=amount(program, smallest),
        )  # fmt: skip


def _range(reward: Reward) -> Iterator[Text]:
    bounds = {"least": number(reward.least or 0), "most": number(reward.most or 0)}
    if reward.least is not None and reward.most is not None:
        yield say("每次 {least} 到 {most}", "每次 {least} 到 {most}", "from {least} to {most}", **bounds)
    elif reward.least is not None:
        yield say("每次 {least} 起", "每次 {least} 起", "from {least} on", **bounds)
    elif reward.most is not None:
        yield say("每次最多 {most}", "每次最多 {most}", "up to {most}", **bounds)


def _steps(reward: Reward) -> Iterator[Text]:
    if reward.step > 1:
        yield say("以 {step} 為單位", "以 {step} 为单位", "in steps of {step}", step=number(reward.step))


def limits(program: Program, reward: Reward) -> Iterator[Text]:
    """Yield who may redeem a reward, when, and how often."""
    if reward.tiers:
        names = tier_names(program, reward.tiers)
        yield say("限{names}", "限{names}", "only for {names}", names=names)
    if reward.from_tier is not None:
        tier = tier_name(program, reward.from_tier)
        yield say("限{tier}及以上等級", "限{tier}及以上等级", "only for {tier} and above", tier=tier)
    if reward.minimum_balance:
        yield say(
            "須持有至少 {points}", "须持有至少 {points}", "with a balance of {points} or more",
            points=points(program, reward.minimum_balance),
        )  # fmt: skip
    yield from _time(program, reward)
    if reward.stock is not None:
        stock = number(reward.stock)
        yield say("限量 {stock} 份", "限量 {stock} 份", "{stock} in all", stock=stock)
    if reward.per_member is not None:
        yield _often(reward.per_member)


def _time(program: Program, reward: Reward) -> Iterator[Text]:
    if reward.opens is not None:
        opens = moment(reward.opens, program.time_zone)
        yield say("自 {opens} 起", "自 {opens} 起", "not before {opens}", opens=opens)
    if reward.closes is not None:
        closes = moment(reward.closes, program.time_zone)
        yield say(
            "至 {closes} 為止（不含）",
            "至 {closes} 为止（不含）",
            "until, but not including, {closes}",
            closes=closes,
        )


def _often(uses: Uses) -> Text:
    return say(*_PER_MEMBER[uses.period], most=counted(uses.uses, "份", "份", "time"))

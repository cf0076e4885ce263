"""Advice on the design of a program, from its rules alone (S16, S17, S90, S92); law: advises, never refuses."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from loyalty.programs.catalogue import Reward
from loyalty.programs.design_texts import list_untold, list_untranslated
from loyalty.programs.ladder import Conditions, Tier
from loyalty.programs.lint import Notice, advice
from loyalty.programs.program import Program
from loyalty.programs.terms import Metric
from loyalty.programs.words import named, number

MOST_TIERS = 4
"""More tiers than these confuse; two or three are best."""
LEAST_STEP = Fraction(3, 2)
"""A threshold should be at least so many times the one below it."""
LEAST_RETURN = Fraction(1)
"""What the points of a purchase buy should be worth at least so many percent of it."""
MOST_RULES = 12
"""Product rules, caps, campaigns, automations, memberships and sides of a referral that may be in force at once."""
MOST_CONDITIONS = 24
"""Thresholds of tiers, conditions of automations and limits of campaigns in all."""
HUNDRED = 100
_WORTH_MONEY = frozenset({"fixed_discount", "gift_card", "store_credit"})


def list_advice(program: Program) -> list[Notice]:
    """Return what of a program's design may disappoint members; campaigns that ended before it began do not count."""
    found = (*_ladder(program), *_small_returns(program), *_too_much(program))
    return [*found, *list_untold(program), *list_untranslated(program)]


def _ladder(program: Program) -> Iterator[Notice]:
    if len(program.tiers) > MOST_TIERS:
        yield advice(
            "too_many_tiers", "/tiers",
            "共有 {count} 個等級，超過 {most} 個容易讓會員混淆；建議 2 到 3 個。",
            "共有 {count} 个等级，超过 {most} 个容易让会员混淆；建议 2 到 3 个。",
            "There are {count} tiers; more than {most} confuse members, two or three are best.",
            count=len(program.tiers), most=MOST_TIERS,
        )  # fmt: skip
    for index, (lower, upper) in enumerate(pairwise(program.tiers), start=1):
        yield from _step(f"/tiers/{index}", lower, upper)
        if upper.keep is not None and program.tier_policy.validity is None:
            yield advice(
                "keep_without_validity", f"/tiers/{index}/keep",
                "等級沒有期限（未設定 validity），{tier}的保級條件不會被檢查。",
                "等级没有期限（未设置 validity），{tier}的保级条件不会被检查。",
                "Tiers never end because there is no validity, so what keeps {tier} is never judged.",
                tier=named(upper.name, upper.key),
            )  # fmt: skip


def _step(path: str, lower: Tier, upper: Tier) -> Iterator[Notice]:
    names = {"lower": named(lower.name, lower.key), "upper": named(upper.name, upper.key)}
    if lower.benefits == upper.benefits:
        yield advice(
            "equal_benefits", f"{path}/benefits",
            "{upper}的權益與{lower}相同，會員沒有升級的理由。",
            "{upper}的权益与{lower}相同，会员没有升级的理由。",
            "{upper} offers the same as {lower}, so there is no reason to climb.",
            **names,
        )  # fmt: skip
    for metric, low, high in _shared(lower.enter, upper.enter):
        if high < low * LEAST_STEP:
            yield advice(
                "small_gap", f"{path}/enter",
                "{upper}的門檻 {high} 與{lower}的門檻 {low} 太接近（指標 {metric}）；建議至少 {ratio} 倍。",
                "{upper}的门槛 {high} 与{lower}的门槛 {low} 太接近（指标 {metric}）；建议至少 {ratio} 倍。",
                "{upper} asks for {high} and {lower} for {low} ({metric}); it should be {ratio} times as much or more.",
                high=number(high), low=number(low), metric=metric.value, ratio=number(LEAST_STEP), **names,
            )  # fmt: skip


def _shared(
    lower: Conditions | None, upper: Conditions | None
) -> Iterator[tuple[Metric, Fraction, Fraction]]:
    """Yield the thresholds of two tiers on the same figure; a rate has no room for steps of a ratio."""
    if lower is None or upper is None:
        return
    below = {each.metric: each.at_least for each in lower.conditions}
    for each in upper.conditions:
        low = below.get(each.metric, Fraction(0))
        if low and each.metric is not Metric.REPEAT_RATE:
            yield each.metric, low, each.at_least


def return_percent(program: Program, reward: Reward) -> Fraction | None:
    """Return what a reward gives back of the spend that earns its points in the first tier, in percent.

    None where it has no price in points or no worth in money, or where spending earns nothing.
    """
    rate = Fraction(program.earning.points_per_unit, program.earning.unit)
    if reward.kind not in _WORTH_MONEY or not reward.points or not reward.amount or not rate:
        return None
    return HUNDRED * reward.amount * Fraction(rate, reward.points)


def _small_returns(program: Program) -> Iterator[Notice]:
    for index, reward in enumerate(program.rewards):
        found = return_percent(program, reward)
        if found is not None and found < LEAST_RETURN:
            yield advice(
                "small_return", f"/rewards/{index}",
                "以 {points} {unit}兌換「{reward}」，回饋率只有消費的 {rate}%；低於 {least}% 會員很難有感。",
                "以 {points} {unit}兑换“{reward}”，回馈率只有消费的 {rate}%；低于 {least}% 会员很难有感。",
                "{reward} for {points} {unit} gives back only {rate}% of the spend; below {least}% it hardly counts.",
                reward=named(reward.name, reward.key), points=number(reward.points or 0), rate=_shown(found),
                unit=program.points_name, least=number(LEAST_RETURN),
            )  # fmt: skip


def _shown(value: Fraction) -> str:
    """Return a percentage with two decimals at most, rounded down."""
    return number(Fraction((value * HUNDRED).__floor__(), HUNDRED))


def count_rules(program: Program) -> tuple[int, int]:
    """Return how many rules earn or act, and how many conditions a member would have to know."""
    caps, referral = program.earning.caps, program.referral
    campaigns = [each for each in program.campaigns if each.closes > program.effective_from]
    rules = sum(cap is not None for cap in (caps.per_order, caps.per_day, caps.per_month))
    rules += len(program.earning.product_rules) + len(campaigns) + len(program.memberships)
    rules += len(program.automations) + bool(referral.referrer) + bool(referral.friend)
    standards = [it for tier in program.tiers for it in (tier.enter, tier.keep) if it is not None]
    conditions = sum(len(it.conditions) for it in standards)
    conditions += sum(len(each.conditions) for each in program.automations)
    for each in campaigns:
        scope = each.scope
        limits = (
            scope.match, scope.tiers, scope.segments, scope.regions, scope.channels, scope.member_tags, each.recurs,
            each.minimum_order, each.first_order, each.nth_order, each.budget, each.per_member,
        )  # fmt: skip
        conditions += sum(bool(limit) for limit in limits)
    return rules, conditions


def _too_much(program: Program) -> Iterator[Notice]:
    rules, conditions = count_rules(program)
    if rules > MOST_RULES or conditions > MOST_CONDITIONS:
        yield advice(
            "too_many_rules", "/",
            "共有 {rules} 條規則、{conditions} 個條件；超過 {most} 條規則或 {limit} 個條件，會員難以理解。",
            "共有 {rules} 条规则、{conditions} 个条件；超过 {most} 条规则或 {limit} 个条件，会员难以理解。",
            "There are {rules} rules and {conditions} conditions; with more than {most} rules or {limit} conditions"
            " members lose track.",
            rules=rules, conditions=conditions, most=MOST_RULES, limit=MOST_CONDITIONS,
        )  # fmt: skip

"""What is missing to the next tier, in figures and in words of three languages (S37, S39)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from loyalty.programs.ladder import Condition, Conditions, Text, Tier
from loyalty.programs.program import LANGUAGES, Program, text_in
from loyalty.programs.terms import Metric
from loyalty.tiers.qualification import Metrics
from loyalty.values import decimal_floor


@dataclass(frozen=True, slots=True)
class Missing:
    """How much of a metric is missing: money in the account's currency, a rate in hundredths, or a whole number."""

    metric: Metric
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Progress:
    """The next tier with what is missing; `any_of` tells whether one of the parts is enough. None: at the top."""

    next_tier: Tier | None
    missing: tuple[Missing, ...]
    any_of: bool
    text: Text


def next_tier(program: Program, tier_key: str) -> Tier | None:
    """Return the nearest higher tier that has thresholds."""
    higher = program.tiers[program.tier_rank(tier_key) + 1 :]
    return next((tier for tier in higher if tier.enter is not None), None)


def progress_to_next(program: Program, tier_key: str, metrics: Metrics) -> Progress:
    """Return what a member still needs, points first, every missing part with `all`, each way with `any`."""
    goal = next_tier(program, tier_key)
    current = program.tier(tier_key)
    if goal is None or goal.enter is None:
        return Progress(None, (), True, {language: _top_text(language, current) for language in LANGUAGES})
    open_parts = missing_parts(goal.enter, metrics, program)
    any_of = goal.enter.any_of
    text = {language: _text(language, program, current, goal, open_parts, any_of) for language in LANGUAGES}
    return Progress(goal, open_parts, any_of, text)


def missing_parts(conditions: Conditions, metrics: Metrics, program: Program) -> tuple[Missing, ...]:
    """Return what the figures lack of each threshold that they do not reach, points first."""
    missing = (_missing(item, metrics, program.decimals) for item in _points_first(conditions.conditions))
    return tuple(part for part in missing if part.amount > 0)


def keep_text(program: Program, tier: Tier, missing: tuple[Missing, ...], *, any_of: bool) -> Text:
    """Return in each language what a member still needs to keep his tier; nothing he can do: that it ends."""
    return {
        language: (_KEEPS if missing else _ENDS)[language].format(
            current=text_in(tier.name, language), missing=_joined(language, program, missing, any_of)
        )
        for language in LANGUAGES
    }


def _points_first(conditions: tuple[Condition, ...]) -> list[Condition]:
    order = [Metric.POINTS, Metric.SPEND, Metric.ORDERS, Metric.ACTIVITY, Metric.EVENTS, Metric.REPEAT_RATE]
    return sorted(conditions, key=lambda item: order.index(item.metric))


def _missing(condition: Condition, metrics: Metrics, decimals: int) -> Missing:
    gap = condition.at_least - metrics.value(condition.metric)
    shown = {Metric.SPEND: decimals, Metric.REPEAT_RATE: 2}.get(condition.metric, 0)
    return Missing(condition.metric, max(Decimal(0), -decimal_floor(-gap, shown)))


_UNITS = {
    "zh-TW": {
        Metric.POINTS: "{amount}{points}",
        Metric.SPEND: "{amount}元消費",
        Metric.ORDERS: "{amount}筆訂單",
        Metric.ACTIVITY: "{amount}活躍度",
        Metric.EVENTS: "{amount}次活動",
        Metric.REPEAT_RATE: "{amount}回購率",
    },
    "zh-CN": {
        Metric.POINTS: "{amount}{points}",
        Metric.SPEND: "{amount}元消费",
        Metric.ORDERS: "{amount}笔订单",
        Metric.ACTIVITY: "{amount}活跃度",
        Metric.EVENTS: "{amount}次活动",
        Metric.REPEAT_RATE: "{amount}复购率",
    },
    "en": {
        Metric.POINTS: "{amount} {points}",
        Metric.SPEND: "{amount} {currency} of spending",
        Metric.ORDERS: "{amount} orders",
        Metric.ACTIVITY: "{amount} activity",
        Metric.EVENTS: "{amount} events",
        Metric.REPEAT_RATE: "{amount} repeat rate",
    },
}
_SENTENCES = {
    "zh-TW": "您目前是{current},距離升級為{next}還差{missing}",
    "zh-CN": "您目前是{current},距离升级为{next}还差{missing}",
    "en": "You are {current}; you are {missing} away from {next}",
}
_KEEPS = {
    "zh-TW": "您的{current}資格即將到期,距離保級還差{missing}",
    "zh-CN": "您的{current}资格即将到期,距离保级还差{missing}",
    "en": "Your {current} status ends soon; you are {missing} away from keeping it",
}
_ENDS = {
    "zh-TW": "您的{current}資格即將到期",
    "zh-CN": "您的{current}资格即将到期",
    "en": "Your {current} status ends soon",
}
_TOPS = {
    "zh-TW": "您目前是{current},已是最高等級",
    "zh-CN": "您目前是{current},已是最高等级",
    "en": "You are {current}, the highest tier",
}
_JOINS = {"zh-TW": ("/", "和"), "zh-CN": ("/", "和"), "en": (" or ", " and ")}


def _top_text(language: str, current: Tier) -> str:
    return _TOPS[language].format(current=text_in(current.name, language))


def _text(
    language: str, program: Program, current: Tier, goal: Tier, missing: tuple[Missing, ...], any_of: bool
) -> str:
    joined = _joined(language, program, missing, any_of)
    return _SENTENCES[language].format(
        current=text_in(current.name, language), next=text_in(goal.name, language), missing=joined
    )


def _joined(language: str, program: Program, missing: tuple[Missing, ...], any_of: bool) -> str:
    points = text_in(program.points_name, language)
    parts = [
        _UNITS[language][part.metric].format(
            amount=f"{part.amount:f}", points=points, currency=program.currency
        )
        for part in missing
    ]
    return _JOINS[language][0 if any_of else 1].join(parts)

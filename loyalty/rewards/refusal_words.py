"""Why a reward is refused, and why it is suggested, as sentences in three languages; law: words only, nothing is judged
here.
"""

from __future__ import annotations

from collections.abc import Mapping

from loyalty.programs.catalogue import Reward
from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words import points, tier_names
from loyalty.programs.words import day_text, moment, number, say
from loyalty.rewards import eligibility as codes
from loyalty.rewards.eligibility import Refusal
from loyalty.rewards.ranking import Relation, Suggestion, Tie

UNKNOWN = "unknown"
NO_EMAIL = "no_email"
_PLAIN: Mapping[str, tuple[str, str, str]] = {
    UNKNOWN: ("沒有這項獎勵。", "没有这项奖励。", "There is no such reward."),
    NO_EMAIL: (
        "會員沒有可綁定優惠碼的電子郵件。", "会员没有可绑定优惠码的电子邮件。",
        "The member has no e-mail to bind a code to.",
    ),
    codes.NOT_REDEEMABLE: (
        "這項獎勵只作為贈禮，不能兌換。", "这项奖励只作为赠礼，不能兑换。",
        "This reward is only a gift and cannot be redeemed.",
    ),
    codes.NOT_OFFERED: (
        "目前的商店還不能發放這種獎勵。", "目前的商店还不能发放这种奖励。",
        "No connected shop can issue this kind of reward yet.",
    ),
    codes.ARCHIVED: ("這項獎勵已經下架。", "这项奖励已经下架。", "This reward is no longer offered."),
    codes.OUT_OF_STOCK: ("已經兌換完畢。", "已经兑换完毕。", "All of them are taken."),
    codes.DISCOUNT_SHARE: (
        "近期折扣總額過高，暫停兌換折扣。", "近期折扣总额过高，暂停兑换折扣。",
        "Discounts cannot be redeemed now, because too many were given lately.",
    ),
}  # fmt: skip
_PERIODS: Mapping[str, tuple[str, str, str]] = {
    "day": ("今天", "今天", " today"),
    "week": ("本週", "本周", " this week"),
    "month": ("本月", "本月", " this month"),
    "year": ("今年", "今年", " this year"),
    "lifetime": ("", "", ""),
}

_TIED: Mapping[Relation, tuple[str, str, str]] = {
    Relation.PRODUCT: ("它適用的商品", "它适用的商品", "what it is for"),
    Relation.CATEGORY: ("同一類的商品", "同一类的商品", "things of the same kind"),
}


def refusal_text(refusal: Refusal, program: Program, reward: Reward | None) -> Text:
    """Return why a reward is refused; one of a code that has no words here is told by its code."""
    plain = _PLAIN.get(refusal.code)
    if plain is not None:
        return say(*plain)
    if reward is not None and refusal.code in _OF_REWARD:
        return _OF_REWARD[refusal.code](program, reward)
    if refusal.missing is not None:
        return _missing(refusal, program, reward)
    return say("{code}", "{code}", "{code}", code=refusal.code)


def _not_begun(program: Program, reward: Reward) -> Text:
    assert reward.opens is not None
    since = moment(reward.opens, program.time_zone)
    return say("{at} 起才能兌換。", "{at} 起才能兑换。", "It can be redeemed from {at}.", at=since)


def _over(program: Program, reward: Reward) -> Text:
    assert reward.closes is not None
    until = moment(reward.closes, program.time_zone)
    return say("兌換已於 {at} 截止。", "兑换已于 {at} 截止。", "It could be redeemed until {at}.", at=until)


def _tier(program: Program, reward: Reward) -> Text:
    admitted = [tier.key for tier in program.tiers if program.admits(reward, tier.key)]
    names = tier_names(program, admitted)
    return say("只開放給{names}兌換。", "只开放给{names}兑换。", "Only {names} may redeem it.", names=names)


def _used_up(program: Program, reward: Reward) -> Text:
    assert reward.per_member is not None
    return say(
        "{period}可兌換的 {uses} 次已用完。",
        "{period}可兑换的 {uses} 次已用完。",
        "It was redeemed {uses} times already{period}, which is the most.",
        period=say(*_PERIODS[reward.per_member.period]),
        uses=number(reward.per_member.uses),
    )


_OF_REWARD = {
    codes.NOT_BEGUN: _not_begun,
    codes.OVER: _over,
    codes.TIER: _tier,
    codes.USED_UP: _used_up,
}


def _missing(refusal: Refusal, program: Program, reward: Reward | None) -> Text:
    missing = points(program, refusal.missing or 0)
    if refusal.code != codes.MINIMUM_BALANCE or reward is None:
        return say("還差 {missing}。", "还差 {missing}。", "{missing} are missing.", missing=missing)
    least = points(program, reward.minimum_balance)
    return say(
        "餘額須滿 {least}才能兌換，還差 {missing}。", "余额须满 {least}才能兑换，还差 {missing}。",
        "A balance of {least} is needed; {missing} are missing.", least=least, missing=missing,
    )  # fmt: skip


def reasons(suggestion: Suggestion, program: Program) -> tuple[Text, ...]:
    """Return why a reward has its place among the suggestions; none: nothing speaks for it."""
    candidate = suggestion.candidate
    if candidate.is_out_of_reach:
        return ()
    bought = [_because(suggestion.tie, program)] if suggestion.tie else []
    return (*bought, *([] if candidate.refusals else [_affordable(program, candidate.needed)]))


def _because(tie: Tie, program: Program) -> Text:
    times = "once" if tie.orders == 1 else f"{number(tie.orders)} times"
    return say(
        "因為您買過{what}：{orders} 次，最近一次是 {day}。",
        "因为您买过{what}：{orders} 次，最近一次是 {day}。",
        "Because you bought {what}: {times}, last on {day}.",
        what=say(*_TIED[tie.relation]),
        orders=number(tie.orders),
        times=times,
        day=day_text(tie.last, program.time_zone),
    )


def _affordable(program: Program, needed: int) -> Text:
    if not needed:
        return say("不需要{unit}。", "不需要{unit}。", "It costs no {unit}.", unit=program.points_name)
    return say(
        "您的{unit}足夠兌換。",
        "您的{unit}足够兑换。",
        "You have enough {unit} for it.",
        unit=program.points_name,
    )

"""The ladder in words: what to reach, what to keep, what each tier offers, and how long it lasts (S30, S41)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from loyalty.programs.ladder import Text, Tier
from loyalty.programs.program import Program
from loyalty.programs.rules_words import (
    before,
    listed,
    reward_name,
    standard,
    window_words,
)
from loyalty.programs.words import clauses, days, length, named, number, say
from loyalty.values import ONE

Said = tuple[Text, Text]
"""Words that stand below a tier's name, and the whole sentence with the name."""
_SERVICES = {"priority_support": ("優先客服", "优先客服", "priority support")}
_DOWNGRADE = {
    "recalculate": (
        "未達保級條件時，改為該期間的表現所符合的等級。", "未达保级条件时，改为该期间的表现所符合的等级。",
        "Whoever does not keep a tier gets the one that the figures of that time reach.",
    ),
    "one_step": (
        "未達保級條件時，降一級。", "未达保级条件时，降一级。", "Whoever does not keep a tier falls one step.",
    ),
}  # fmt: skip
_ON_REFUND = {
    "period_end": (
        "退款會從成績中扣除，但等級到期滿時才重新審核。", "退款会从成绩中扣除，但等级到期满时才重新审核。",
        "Refunds lower the figures, but the tier is judged only when it ends.",
    ),
    "at_once": (
        "退款後若不再符合條件，等級立即調整。", "退款后若不再符合条件，等级立即调整。",
        "When refunds take the reason of a tier away, it is adjusted at once.",
    ),
}  # fmt: skip
_ON_CHANGE = {
    "keep": (
        "規則變更時，您保有原等級直到期滿。", "规则变更时，您保有原等级直到期满。",
        "When the rules change, you keep your tier until it ends.",
    ),
    "recalculate": (
        "規則變更時，所有會員立即依新規則重新計算等級。", "规则变更时，所有会员立即按新规则重新计算等级。",
        "When the rules change, everybody is judged by the new ones at once.",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TierWords:
    """A tier in words that stand below its name: what reaches it, what keeps it, and what it offers."""

    name: Text
    reach: Text
    keep: Text
    offers: tuple[Text, ...]


def ladder_words(program: Program) -> tuple[TierWords, ...]:
    """Return the tiers, lowest first, in words that say of each what its sentences say."""
    return tuple(
        TierWords(
            name, _reach(program, tier, name)[0], _keep(program, tier, name)[0], benefits(program, tier)
        )
        for tier, name in _named(program)
    )


def tiers(program: Program) -> Iterator[Text]:
    """Yield each tier with what reaches it, what keeps it and what it offers, then what holds for all of them."""
    for tier, name in _named(program):
        yield _reach(program, tier, name)[1]
        yield _keep(program, tier, name)[1]
        offers = benefits(program, tier)
        if offers:
            yield say(
                "{tier}的權益：{offers}。",
                "{tier}的权益：{offers}。",
                "{tier} offers: {offers}.",
                tier=name,
                offers=clauses(offers),
            )
        else:
            yield say(
                "{tier}沒有額外權益。", "{tier}没有额外权益。", "{tier} offers nothing further.", tier=name
            )
    yield from policy(program)


def _named(program: Program) -> Iterator[tuple[Tier, Text]]:
    return ((tier, named(tier.name, tier.key)) for tier in program.tiers)


def _reach(program: Program, tier: Tier, name: Text) -> Said:
    first = tier is program.tiers[0]
    if tier.enter is None and first:
        words = say("成為會員即享有", "成为会员即享有", "every member begins here")
        return words, say(
            "成為會員即是{tier}。", "成为会员即是{tier}。", "Every member begins as {tier}.", tier=name
        )
    if tier.enter is None:
        words = say(
            "沒有升級條件，只能由商店授予或以付費會員取得", "没有升级条件，只能由商店授予或以付费会员取得",
            "cannot be reached by figures; the shop grants it, or a paid membership does",
        )  # fmt: skip
        return words, say("{tier}{words}。", "{tier}{words}。", "{tier} {words}.", tier=name, words=words)
    begins = ("（加入即享有）", "（加入即享有）", " (every member begins with it)") if first else ("", "", "")
    words = say(
        "{window}{standard}{begins}", "{window}{standard}{begins}", "{standard} {window}{begins}",
        window=window_words(program.tier_policy.window), standard=standard(program, tier.enter), begins=say(*begins),
    )  # fmt: skip
    return words, say(
        "{tier}的升級條件：{words}。", "{tier}的升级条件：{words}。", "To reach {tier}: {words}.",
        tier=name, words=words,
    )  # fmt: skip


def _keep(program: Program, tier: Tier, name: Text) -> Said:
    first = tier is program.tiers[0]
    conditions = tier.keep or tier.enter
    if conditions is None or (tier.keep is None and first):
        return say("沒有條件", "没有条件", "nothing is asked"), say(
            "{tier}沒有保級條件。", "{tier}没有保级条件。", "{tier} has no condition to keep it.", tier=name
        )
    words = _kept(program, name, standard(program, conditions), first=first)
    return words, say(
        "{tier}的保級條件：{words}。", "{tier}的保级条件：{words}。", "To keep {tier}: {words}.",
        tier=name, words=words,
    )  # fmt: skip


def _kept(program: Program, name: Text, standard_: Text, *, first: bool) -> Text:
    validity = program.tier_policy.validity
    if validity is None or first:
        return say(
            "{standard}；{tier}不會到期，因此目前不審核", "{standard}；{tier}不会到期，因此目前不审核",
            "{standard}; as {tier} does not end, nobody is judged by this now", tier=name, standard=standard_,
        )  # fmt: skip
    return say(
        "每 {length}的有效期內{standard}", "每 {length}的有效期内{standard}",
        "{standard} within each period of {length}",
        length=length(validity), standard=standard_,
    )  # fmt: skip


def benefits(program: Program, tier: Tier) -> tuple[Text, ...]:
    """Return what a tier offers, each as words that stand by themselves."""
    return tuple(_benefits(program, tier))


def _benefits(program: Program, tier: Tier) -> Iterator[Text]:
    offered, unit = tier.benefits, program.points_name
    if offered.multiplier != ONE:
        yield say(
            "{n} 倍{unit}", "{n} 倍{unit}", "{n} times the {unit}", n=number(offered.multiplier), unit=unit
        )
    if offered.entry_reward:
        gift = reward_name(program, offered.entry_reward)
        yield say("升級禮{gift}", "升级礼{gift}", "{gift} when you reach it", gift=gift)
    if offered.birthday_reward:
        gift = reward_name(program, offered.birthday_reward)
        yield say("生日禮{gift}", "生日礼{gift}", "{gift} on your birthday", gift=gift)
    if offered.free_shipping:
        yield say("免運費", "免运费", "free shipping")
    if offered.discount_percent:
        yield say(
            "購物折扣 {n}%", "购物折扣 {n}%", "{n}% off every purchase", n=number(offered.discount_percent)
        )
    for service in offered.service:
        yield say(
            "專屬服務：{name}",
            "专属服务：{name}",
            "service: {name}",
            name=say(*_SERVICES.get(service, (service,) * 3)),
        )
    if offered.early_access:
        what = listed(offered.early_access)
        yield say("優先購買 {what}", "优先购买 {what}", "early access to {what}", what=what)
    for perk in offered.perks:
        yield named(perk, "")


def benefits_ahead(program: Program, tier_key: str) -> tuple[Text, ...]:
    """Return what the next tier of the ladder offers that this one does not; empty at the top (S41)."""
    rank = program.tier_rank(tier_key)
    if rank + 1 >= len(program.tiers):
        return ()
    had = benefits(program, program.tiers[rank])
    return tuple(each for each in benefits(program, program.tiers[rank + 1]) if each not in had)


def policy(program: Program) -> Iterator[Text]:
    """Yield what holds for all tiers: how long one is held, and what follows when it ends."""
    rules = program.tier_policy
    if rules.validity is None:
        yield say("等級不會到期。", "等级不会到期。", "Tiers do not end.")
    else:
        yield say(
            "等級有效 {length}，到期滿當天結束時依保級條件審核。",
            "等级有效 {length}，到期满当天结束时按保级条件审核。",
            "A tier is held for {length}, until the end of that day; then what keeps it is judged.",
            length=length(rules.validity),
        )  # fmt: skip
    yield say(*_DOWNGRADE[rules.downgrade])
    if rules.grace_days:
        yield say(
            "降級前有 {days}的寬限期，期間達到更高等級就不會降級。",
            "降级前有 {days}的宽限期，期间达到更高等级就不会降级。",
            "Before falling there are {days} of grace; reaching a higher tier meanwhile cancels the fall.",
            days=days(rules.grace_days),
        )  # fmt: skip
    if rules.notice_days:
        yield say(
            "等級到期前 {days}會通知您還差多少。", "等级到期前 {days}会通知您还差多少。",
            "You are told {days} before a tier ends what is still missing.", days=before(rules.notice_days),
        )  # fmt: skip
    yield say(*_ON_REFUND[rules.on_refund])
    yield say(*_ON_CHANGE[rules.on_change])

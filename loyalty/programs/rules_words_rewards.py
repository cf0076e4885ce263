"""What points buy, and what paid memberships give, in words."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.programs.catalogue import Reward
from loyalty.programs.ladder import Text
from loyalty.programs.program import Membership, Program
from loyalty.programs.rules_words import amount, points, products, quoted, tier_name, tier_names
from loyalty.programs.words import both, clauses, counted, days, length, named, number, say

_KINDS = {
    "fixed_discount": ("折抵 {amount}", "抵扣 {amount}", "{amount} off"),
    "percent_discount": ("折扣 {amount}", "折扣 {amount}", "{amount} off"),
    "free_shipping": ("免運費", "免运费", "free shipping"),
    "free_product": ("贈品", "赠品", "a free product"),
    "variable_discount": ("依使用的數量折抵", "按使用的数量抵扣", "a discount that grows with what is used"),
    "gift_card": ("禮物卡", "礼品卡", "a gift card"),
    "store_credit": ("購物金", "购物金", "store credit"),
    "sample": ("試用品", "试用品", "a sample"),
    "event_ticket": ("活動門票", "活动门票", "a ticket to an event"),
    "service": ("服務", "服务", "a service"),
    "content": ("專屬內容", "专属内容", "exclusive content"),
    "external": ("合作夥伴的優惠", "合作伙伴的优惠", "an offer of a partner"),
}
_DISCOUNTS = frozenset({"fixed_discount", "percent_discount"})
_ON_EXPIRY = {
    "return": ("未使用而到期時退回", "未使用而到期时退回", "they come back if it ends unused"),
    "forfeit": ("未使用而到期時不退回", "未使用而到期时不退回", "they are lost if it ends unused"),
}


def rewards(program: Program) -> Iterator[Text]:
    """Yield each reward with its price and its limits."""
    for reward in program.rewards:
        yield say(
            "{name}：{terms}。", "{name}：{terms}。", "{name}: {terms}.",
            name=quoted(named(reward.name, reward.key)), terms=clauses(list(_terms(program, reward))),
        )  # fmt: skip


def _terms(program: Program, reward: Reward) -> Iterator[Text]:
    yield _what(program, reward)
    if reward.points is not None:
        yield say(
            "以 {points} 兌換，{end}", "以 {points} 兑换，{end}", "for {points}, and {end}",
            points=points(program, reward.points), end=say(*_ON_EXPIRY["forfeit" if reward.forfeits else "return"]),
        )  # fmt: skip
    else:
        yield say(
            "不能兌換，只作為贈禮",
            "不能兑换，只作为赠礼",
            "only as a gift, not for {unit}",
            unit=program.points_name,
        )
    if reward.minimum_subtotal:
        least = amount(program, reward.minimum_subtotal)
        yield say("消費須滿 {least}", "消费须满 {least}", "for purchases from {least} on", least=least)
    if reward.valid_days is not None:
        yield say("{days}內有效", "{days}内有效", "valid for {days}", days=days(reward.valid_days))
    if reward.tiers:
        names = tier_names(program, reward.tiers)
        yield say("限{names}", "限{names}", "only for {names}", names=names)
    if reward.stock is not None:
        stock = number(reward.stock)
        yield say("限量 {stock} 份", "限量 {stock} 份", "{stock} in all", stock=stock)
    if reward.per_member is not None:
        most = counted(reward.per_member.uses, "份", "份", "time")
        yield say("每位會員最多 {most}", "每位会员最多 {most}", "at most {most} for each member", most=most)
    if reward.form:
        labels = both([quoted(named(each.label, each.key)) for each in reward.form])
        yield say("兌換時詢問{labels}", "兑换时询问{labels}", "asking for {labels}", labels=labels)


def _what(program: Program, reward: Reward) -> Text:
    if reward.kind in _DISCOUNTS and reward.amount is not None:
        percents = reward.kind == "percent_discount"
        worth: Text | str = f"{number(reward.amount)}%" if percents else amount(program, reward.amount)
        return say(*_KINDS[reward.kind], amount=worth)
    what = say(*_KINDS[reward.kind])
    if reward.amount is None:
        return what
    worth = amount(program, reward.amount)
    return say(
        "{what}（價值 {worth}）", "{what}（价值 {worth}）", "{what} worth {worth}", what=what, worth=worth
    )


def memberships(program: Program) -> Iterator[Text]:
    """Yield what buying each paid membership gives."""
    for each in program.memberships:
        what = products(each.match)
        if what is not None:
            yield _membership(program, each, what)


def _membership(program: Program, membership: Membership, what: Text) -> Text:
    parts = {
        "name": quoted(named(membership.name, membership.key)),
        "what": what,
        "tier": tier_name(program, membership.tier),
        "term": length(membership.term),
        "grace": days(membership.grace_days),
    }
    if not membership.grace_days:
        return say(
            "{name}：購買{what}，{term}內至少享有{tier}。", "{name}：购买{what}，{term}内至少享有{tier}。",
            "{name}: buying {what} makes you at least {tier} for {term}.", **parts,
        )  # fmt: skip
    return say(
        "{name}：購買{what}，{term}內至少享有{tier}，期滿後再保留 {grace}。",
        "{name}：购买{what}，{term}内至少享有{tier}，期满后再保留 {grace}。",
        "{name}: buying {what} makes you at least {tier} for {term}, and for {grace} of grace after.",
        **parts,
    )  # fmt: skip

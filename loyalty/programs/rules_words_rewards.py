"""What points buy, and what paid memberships give, in words."""

from __future__ import annotations

from collections.abc import Iterator, Set
from datetime import datetime

from loyalty.programs.catalogue import (
    EVENT_TICKET,
    MONEY_KINDS,
    PROMOTION_KINDS,
    VARIABLE_DISCOUNT,
    Reward,
    is_offered,
)
from loyalty.programs.ladder import Text
from loyalty.programs.program import Membership, Program, text_in
from loyalty.programs.rules_words import amount, products, quoted, tier_name
from loyalty.programs.rules_words_prices import limits, price
from loyalty.programs.words import both, clauses, days, length, named, number, say
from loyalty.values import ZERO

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
_ON_PRODUCTS = {
    "fixed_discount": (
        "{what} 其中一件折抵 {amount}", "{what} 其中一件抵扣 {amount}", "{amount} off one piece of {what}",
    ),
    "percent_discount": ("{what} 折扣 {amount}", "{what} 折扣 {amount}", "{amount} off {what}"),
    "free_shipping": (
        "含 {what} 的訂單免運費", "含 {what} 的订单免运费", "free shipping for orders with {what}",
    ),
    "free_product": ("{what} 其中一件免費", "{what} 其中一件免费", "one piece of {what} free"),
    "variable_discount": (
        "依使用的數量折抵 {what} 其中一件", "按使用的数量抵扣 {what} 其中一件",
        "a discount on one piece of {what} that grows with what is used",
    ),
}  # fmt: skip
_DISCOUNTS = frozenset({"fixed_discount", "percent_discount"})
_TOGETHER = {
    True: ("可與其他優惠碼併用", "可与其他优惠码同时使用", "also together with other codes"),
    False: ("不可與其他優惠碼併用", "不可与其他优惠码同时使用", "not together with other codes"),
}


def rewards(program: Program, now: datetime, platforms: Set[str]) -> Iterator[Text]:
    """Yield each reward that is offered with its price and its limits, then the merchant's own terms of it.

    Left out are archived rewards, those that shops of these platforms do not keep, and those that can no longer be
    redeemed at `now`.
    """
    for reward in program.rewards:
        if not reward.archived and is_offered(reward.kind, platforms) and not _is_over(reward, now):
            yield from _reward(program, reward)


def _is_over(reward: Reward, now: datetime) -> bool:
    return reward.points is not None and reward.closes is not None and reward.closes <= now


def _reward(program: Program, reward: Reward) -> Iterator[Text]:
    name = quoted(named(reward.name, reward.key))
    yield say(
        "{name}：{terms}。", "{name}：{terms}。", "{name}: {terms}.",
        name=name, terms=clauses(list(_clauses(program, reward))),
    )  # fmt: skip
    if reward.terms:
        terms = {language: text_in(reward.terms, language).strip().rstrip("。.") for language in name}
        yield say(
            "{name}的使用條款：{terms}。", "{name}的使用条款：{terms}。", "Terms of {name}: {terms}.",
            name=name, terms=terms,
        )  # fmt: skip


def _clauses(program: Program, reward: Reward) -> Iterator[Text]:
    yield _what(program, reward)
    yield price(program, reward)
    if reward.minimum_subtotal:
        least = amount(program, reward.minimum_subtotal)
        yield say("消費須滿 {least}", "消费须满 {least}", "for purchases from {least} on", least=least)
    if reward.valid_days is not None and reward.kind not in MONEY_KINDS:
        yield say("{days}內有效", "{days}内有效", "valid for {days}", days=days(reward.valid_days))
    if reward.points is not None:
        yield from limits(program, reward)
    if reward.kind in PROMOTION_KINDS:
        yield say(*_TOGETHER[reward.combinable])
    if reward.category:
        yield say("分類：{category}", "分类：{category}", "category: {category}", category=reward.category)
    if reward.form:
        labels = both([quoted(named(each.label, each.key)) for each in reward.form])
        yield say("兌換時詢問{labels}", "兑换时询问{labels}", "asking for {labels}", labels=labels)


def _what(program: Program, reward: Reward) -> Text:
    what = (products(reward.products) if reward.kind in PROMOTION_KINDS else None) or ""
    words = _ON_PRODUCTS[reward.kind] if what else _KINDS[reward.kind]
    if reward.kind in _DISCOUNTS:
        value, percents = reward.amount or ZERO, reward.kind == "percent_discount"
        worth: Text | str = f"{number(value)}%" if percents else amount(program, value)
        return say(*words, amount=worth, what=what)
    if reward.event is not None and reward.kind == EVENT_TICKET:
        return say(
            "活動 {event} 的門票", "活动 {event} 的门票", "a ticket to the event {event}", event=reward.event
        )
    thing = say(*words, what=what)
    if reward.amount is None or reward.kind == VARIABLE_DISCOUNT:
        return thing
    return say(
        "{thing}（價值 {worth}）", "{thing}（价值 {worth}）", "{thing} worth {worth}",
        thing=thing, worth=amount(program, reward.amount),
    )  # fmt: skip


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

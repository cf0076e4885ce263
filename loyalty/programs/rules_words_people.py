"""Who takes part in a program, in words."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words import listed
from loyalty.programs.words import both, say

_MODES = {
    "automatic": (
        "下單或註冊帳號後自動成為會員。", "下单或注册账号后自动成为会员。",
        "Whoever places an order or registers becomes a member.",
    ),
    "explicit": (
        "主動加入後才會成為會員。", "主动加入后才会成为会员。", "Only those who join by themselves become members.",
    ),
}  # fmt: skip
_GUESTS = {
    True: (
        "未登入帳號的訂單也能獲得{unit}。", "未登录账号的订单也能获得{unit}。",
        "Orders placed without an account earn {unit} too.",
    ),
    False: (
        "未登入帳號的訂單不能獲得{unit}。", "未登录账号的订单不能获得{unit}。",
        "Orders placed without an account earn no {unit}.",
    ),
}  # fmt: skip


def people(program: Program) -> Iterator[Text]:
    """Yield who takes part."""
    enrolment = program.enrolment
    yield say(*_MODES[enrolment.mode])
    yield say(*_GUESTS[enrolment.guests], unit=program.points_name)
    excluded = (
        (enrolment.excluded_roles, ("帳號角色 {who}", "账号角色 {who}", "accounts with the role {who}")),
        (enrolment.excluded_tags, ("會員標籤 {who}", "会员标签 {who}", "customers with the tag {who}")),
        (enrolment.excluded_domains, ("電子郵件網域 {who}", "电子邮件域名 {who}", "e-mail addresses at {who}")),
    )  # fmt: skip
    groups = [say(*words, who=listed(who)) for who, words in excluded if who]
    if groups:
        yield say(
            "下列對象不參加：{groups}。", "下列对象不参加：{groups}。", "These do not take part: {groups}.",
            groups=both(groups),
        )  # fmt: skip

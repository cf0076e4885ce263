"""The rules of a program in words of three languages (S80); law: every sentence is made from the program that computes,
so what members read cannot disagree with what they get.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from loyalty.programs import rules_words_automations as automatic
from loyalty.programs import rules_words_earning as earning
from loyalty.programs import rules_words_rewards as rewards
from loyalty.programs.ladder import Text
from loyalty.programs.program import Program
from loyalty.programs.rules_words_campaigns import campaigns
from loyalty.programs.rules_words_credit import cash_back
from loyalty.programs.rules_words_limits import pauses
from loyalty.programs.rules_words_people import people
from loyalty.programs.rules_words_tiers import tiers
from loyalty.programs.words import moment, say

Titled = tuple[str, Text, Iterable[Text]]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the rules: a key that never changes, its title, and complete sentences in order."""

    key: str
    title: Text
    sentences: tuple[Text, ...]


def rules_in_words(program: Program, now: datetime, platforms: Set[str] = frozenset()) -> tuple[Section, ...]:
    """Return the rules in words; what is over at `now` is left out, what no shop of these platforms keeps, and parts
    without rules.
    """
    parts = (*_common(program, now, platforms), *_special(program, now))
    sections = (Section(key, title, tuple(sentences)) for key, title, sentences in parts)
    return tuple(section for section in sections if section.sentences)


def _common(program: Program, now: datetime, platforms: Set[str]) -> tuple[Titled, ...]:
    unit, offered = program.points_name, rewards.rewards(program, now, platforms)
    return (
        ("people", say("會員資格", "会员资格", "Who takes part"), people(program)),
        (
            "earning",
            say("如何獲得{unit}", "如何获得{unit}", "How to earn {unit}", unit=unit),
            earning.earning(program),
        ),
        (
            "expiry",
            say("{unit}的效期", "{unit}的有效期", "How long {unit} live", unit=unit),
            earning.expiry(program),
        ),
        ("refunds", say("退款與取消", "退款与取消", "Refunds and cancellations"), earning.refunds(program)),
        ("tiers", say("會員等級", "会员等级", "Tiers"), tiers(program)),
        ("rewards", say("獎勵", "奖励", "Rewards"), chain(offered, pauses(program))),
        ("cash_back", say("現金回饋", "现金返还", "Cash back"), cash_back(program)),
        ("memberships", say("付費會員", "付费会员", "Paid memberships"), rewards.memberships(program)),
    )


def _special(program: Program, now: datetime) -> tuple[Titled, ...]:
    return (
        ("campaigns", say("活動", "活动", "Campaigns"), campaigns(program, now)),
        (
            "automations",
            say("自動贈禮與通知", "自动赠礼与通知", "Gifts and messages"),
            automatic.automations(program),
        ),
        ("referral", say("推薦好友", "推荐好友", "Bringing friends"), automatic.referral(program)),
        ("activities", say("活躍度", "活跃度", "Activities"), automatic.activities(program)),
        ("segments", say("會員群組", "会员群组", "Groups of members"), automatic.segments(program)),
        ("version", say("規則版本", "规则版本", "Version of the rules"), _version(program)),
    )


def _version(program: Program) -> Iterable[Text]:
    since = moment(program.effective_from, program.time_zone)
    yield say(
        "規則第 {version} 版，自 {since} 起生效。", "规则第 {version} 版，自 {since} 起生效。",
        "These are version {version} of the rules, in force since {since}.", version=program.version, since=since,
    )  # fmt: skip
    yield say(
        "日期與時間以 {zone} 時區為準。",
        "日期与时间以 {zone} 时区为准。",
        "Dates and times are those of the zone {zone}.",
        zone=program.time_zone,
    )  # fmt: skip

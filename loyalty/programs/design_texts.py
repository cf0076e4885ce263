"""Advice on what members are not told, or not in their language (S93, S154); law: advises, never refuses."""

from __future__ import annotations

from collections.abc import Iterator

from loyalty.programs.automations import Action, GiveCoupon, GivePoints, HoldTier, SendMessage
from loyalty.programs.ladder import Text
from loyalty.programs.lint import Notice, advice
from loyalty.programs.program import LANGUAGES, Program
from loyalty.programs.words import both, named

Found = tuple[str, Text]
"""A JSON pointer and the text that is there."""
_GIVES = (GivePoints, GiveCoupon, HoldTier)
_LANGUAGES: dict[str, Text] = {
    "zh-TW": {"zh-TW": "繁體中文", "zh-CN": "繁体中文", "en": "Traditional Chinese"},
    "zh-CN": {"zh-TW": "簡體中文", "zh-CN": "简体中文", "en": "Simplified Chinese"},
    "en": {"zh-TW": "英文", "zh-CN": "英文", "en": "English"},
}


def list_untold(program: Program) -> Iterator[Notice]:
    """Yield advice for each gift, reward, campaign and end that nobody is told about."""
    for index, automation in enumerate(program.automations):
        if _gives_in_silence(automation.actions):
            yield advice(
                "untold_gift", f"/automations/{index}/actions",
                "「{name}」會送出好處，但沒有訊息動作，會員不會知道。",
                "“{name}”会送出好处，但没有消息动作，会员不会知道。",
                "{name} gives something but sends no message, so members do not learn of it.",
                name=named(automation.name, automation.key),
            )  # fmt: skip
    for path, name, key in _shown_by_name(program):
        if not _is_given(name):
            yield advice(
                "nameless", f"{path}/name",
                "{key} 沒有給會員看的名稱。",
                "{key} 没有给会员看的名称。",
                "{key} has no name that members could read.",
                key=key,
            )  # fmt: skip
    yield from _silent_ends(program)


def _gives_in_silence(actions: tuple[Action, ...]) -> bool:
    gives = any(isinstance(action, _GIVES) for action in actions)
    return gives and not any(isinstance(action, SendMessage) for action in actions)


def _is_given(text: Text) -> bool:
    return any(words.strip() for words in text.values())


def _shown_by_name(program: Program) -> Iterator[tuple[str, Text, str]]:
    for topic in ("rewards", "campaigns", "memberships"):
        for index, each in enumerate(getattr(program, topic)):
            yield f"/{topic}/{index}", each.name, each.key


def _silent_ends(program: Program) -> Iterator[Notice]:
    if program.expiry.mode != "none" and not program.expiry.remind_days:
        yield advice(
            "untold_expiry", "/expiry/remind_days",
            "{points}會過期，但到期前沒有提醒。",
            "{points}会过期，但到期前没有提醒。",
            "The {points} expire, but nobody is reminded before.",
            points=program.points_name,
        )  # fmt: skip
    if program.tier_policy.validity is not None and not program.tier_policy.notice_days:
        yield advice(
            "untold_tier_end", "/tier_policy/notice_days",
            "等級有期限，但到期前沒有通知會員。",
            "等级有期限，但到期前没有通知会员。",
            "Tiers end, but members are not told before.",
        )  # fmt: skip


def list_untranslated(program: Program) -> Iterator[Notice]:
    """Yield advice for each text that some language lacks; texts that are not given at all are another matter."""
    for path, text in _texts(program):
        lacking = [_LANGUAGES[language] for language in LANGUAGES if not text.get(language, "").strip()]
        if lacking and _is_given(text):
            yield advice(
                "missing_language", path,
                "缺少這些語言的文字：{languages}；會改用其他語言顯示。",
                "缺少这些语言的文字：{languages}；会改用其他语言显示。",
                "The text lacks {languages}; another language is shown instead.",
                languages=both(lacking),
            )  # fmt: skip


def _texts(program: Program) -> Iterator[Found]:
    yield "/points_name", program.points_name
    for index, tier in enumerate(program.tiers):
        yield f"/tiers/{index}/name", tier.name
        for number, perk in enumerate(tier.benefits.perks):
            yield f"/tiers/{index}/benefits/perks/{number}", perk
    for topic in ("rewards", "campaigns", "memberships", "segments", "automations"):
        for index, each in enumerate(getattr(program, topic)):
            yield f"/{topic}/{index}/name", each.name
    for index, reward in enumerate(program.rewards):
        yield f"/rewards/{index}/terms", reward.terms
    for message in program.messages:
        yield f"/messages/{message.key}/subject", message.subject
        yield f"/messages/{message.key}/body", message.body

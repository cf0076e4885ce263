"""What a checked program document says that this release keeps but does not act on; law: warns, never refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loyalty.programs.program import Text

ISSUED_KINDS = frozenset({"fixed_discount", "percent_discount"})
_KEPT = {
    "zh-TW": "{what}會保存下來,但目前的版本還不會執行。",
    "zh-CN": "{what}会保存下来,但目前的版本还不会执行。",
    "en": "{what} is kept, but this release does not act on it yet.",
}
_WHAT: Mapping[str, tuple[str, str, str]] = {
    "inactivity": ("「久未活動即失效」的效期", "“久未活动即失效”的有效期", "Expiry after inactivity"),
    "reminders": ("到期與等級提醒", "到期与等级提醒", "A reminder"),
    "keep": ("保級條件", "保级条件", "The condition to keep a tier"),
    "validity": ("等級效期", "等级有效期", "The validity of tiers"),
    "downgrade": ("降級規則", "降级规则", "The rule for falling to a lower tier"),
    "entry_reward": ("這種入級禮", "这种入级礼", "An entry reward of this kind"),
    "benefit": ("這項會員權益", "这项会员权益", "This benefit"),
    "metric": ("這項升級指標", "这项升级指标", "This metric"),
    "segment": ("客群條件", "客群条件", "A condition on segments"),
    "section": ("這一段設定", "这一段设置", "This section"),
}
_SECTIONS = ("automations", "referral", "memberships", "cash_back", "segments", "messages", "limits")
_UNFED_METRICS = frozenset({"activity", "events", "repeat_rate"})
_POLICY: Mapping[str, tuple[str, object]] = {
    "validity": ("validity", None),
    "downgrade": ("downgrade", "recalculate"),
    "grace_days": ("downgrade", 0),
    "on_refund": ("downgrade", "period_end"),
    "notice_days": ("reminders", []),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One part of the document, as a JSON pointer, and what people should know of it."""

    path: str
    message: Text


def lint(document: Mapping[str, Any]) -> list[Notice]:
    """Return a warning for each part of a checked document that does nothing yet."""
    found = (*_members(document), *_tiers(document), *_policy(document), *_campaigns(document))
    sections = ((f"/{name}", "section") for name in _SECTIONS if document[name])
    return [_warning(path, what) for path, what in (*found, *sections)]


def _warning(path: str, what: str) -> Notice:
    words = dict(zip(_KEPT, _WHAT[what], strict=True))
    return Notice(path, {language: text.format(what=words[language]) for language, text in _KEPT.items()})


def _members(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if document["expiry"]["mode"] == "inactivity":
        yield "/expiry/mode", "inactivity"
    if document["expiry"]["remind_days"]:
        yield "/expiry/remind_days", "reminders"


def _tiers(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = {reward["key"]: reward["kind"] for reward in document["rewards"]}
    for index, tier in enumerate(document["tiers"]):
        path, benefits = f"/tiers/{index}", tier["benefits"]
        if tier["keep"] is not None:
            yield f"{path}/keep", "keep"
        if benefits["entry_reward"] and kinds[benefits["entry_reward"]] not in ISSUED_KINDS:
            yield f"{path}/benefits/entry_reward", "entry_reward"
        for name in ("birthday_reward", "free_shipping", "discount_percent", "service"):
            if benefits[name]:
                yield f"{path}/benefits/{name}", "benefit"
        yield from _metrics(f"{path}/enter", tier["enter"] or {})


def _metrics(path: str, conditions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for word, listed in conditions.items():
        for index, item in enumerate(listed):
            if item["metric"] in _UNFED_METRICS:
                yield f"{path}/{word}/{index}/metric", "metric"


def _policy(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    policy = document["tier_policy"]
    for name, (what, default) in _POLICY.items():
        if policy[name] != default:
            yield f"/tier_policy/{name}", what


def _campaigns(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for index, campaign in enumerate(document["campaigns"]):
        if campaign["scope"]["segments"]:
            yield f"/campaigns/{index}/scope/segments", "segment"

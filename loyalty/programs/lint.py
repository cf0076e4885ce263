"""What people should know of a checked program document: parts that this release keeps but does not act on, and rules
that overlap; law: warns, never refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loyalty.programs.conflicts import conflicts
from loyalty.programs.ladder import Text
from loyalty.programs.program import COUPON_KINDS

_KEPT = {
    "zh-TW": "{what}會保存下來,但目前的版本還不會執行。",
    "zh-CN": "{what}会保存下来,但目前的版本还不会执行。",
    "en": "{what} is kept, but this release does not act on it yet.",
}
_WHAT: Mapping[str, tuple[str, str, str]] = {
    "entry_reward": ("這種入級禮", "这种入级礼", "An entry reward of this kind"),
    "benefit": ("這項會員權益", "这项会员权益", "This benefit"),
    "segment": ("客群條件", "客群条件", "A condition on segments"),
    "section": ("這一段設定", "这一段设置", "This section"),
}
_SECTIONS = ("automations", "referral", "cash_back", "segments", "messages", "limits")


@dataclass(frozen=True, slots=True)
class Notice:
    """One part of the document, as a JSON pointer, and what people should know of it."""

    path: str
    message: Text


def lint(document: Mapping[str, Any]) -> list[Notice]:
    """Return a warning for each part of a checked document that does nothing yet, then for those that overlap."""
    found = (*_tiers(document), *_campaigns(document))
    sections = ((f"/{name}", "section") for name in _SECTIONS if document[name])
    idle = [_warning(path, what) for path, what in (*found, *sections)]
    return [*idle, *(Notice(path, message) for path, message in conflicts(document))]


def _warning(path: str, what: str) -> Notice:
    words = dict(zip(_KEPT, _WHAT[what], strict=True))
    return Notice(path, {language: text.format(what=words[language]) for language, text in _KEPT.items()})


def _tiers(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = {reward["key"]: reward["kind"] for reward in document["rewards"]}
    for index, tier in enumerate(document["tiers"]):
        path, benefits = f"/tiers/{index}", tier["benefits"]
        if benefits["entry_reward"] and kinds[benefits["entry_reward"]] not in COUPON_KINDS:
            yield f"{path}/benefits/entry_reward", "entry_reward"
        if benefits["birthday_reward"]:
            yield f"{path}/benefits/birthday_reward", "benefit"


def _campaigns(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for index, campaign in enumerate(document["campaigns"]):
        if campaign["scope"]["segments"]:
            yield f"/campaigns/{index}/scope/segments", "segment"

"""What people should know of a checked program document: parts that this release keeps but does not act on, and rules
that overlap; law: warns, never refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loyalty.programs.catalogue import COUPON_KINDS
from loyalty.programs.conflicts import conflicts
from loyalty.programs.ladder import Text
from loyalty.programs.words import Part, say

_KEPT = {
    "zh-TW": "{what}會保存下來,但目前的版本還不會執行。",
    "zh-CN": "{what}会保存下来,但目前的版本还不会执行。",
    "en": "{what} is kept, but this release does not act on it yet.",
}
_WHAT: Mapping[str, tuple[str, str, str]] = {
    "entry_reward": ("這種入級禮", "这种入级礼", "An entry reward of this kind"),
    "benefit": ("這項會員權益", "这项会员权益", "This benefit"),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One part of the document, as a JSON pointer, and what people should know of it; `warning` or `advice`."""

    path: str
    message: Text
    code: str = "notice"
    severity: str = "warning"


def advice(code: str, path: str, traditional: str, simplified: str, english: str, **parts: Part) -> Notice:
    """Return a notice on the design: what may disappoint members, in sentences with their parts."""
    return Notice(path, say(traditional, simplified, english, **parts), code, "advice")


def lint(document: Mapping[str, Any]) -> list[Notice]:
    """Return a warning for each part of a checked document that does nothing yet, then for those that overlap."""
    idle = [_warning(path, what) for path, what in _tiers(document)]
    return [*idle, *(Notice(path, message) for path, message in conflicts(document))]


def _warning(path: str, what: str) -> Notice:
    words = dict(zip(_KEPT, _WHAT[what], strict=True))
    texts = {language: text.format(what=words[language]) for language, text in _KEPT.items()}
    return Notice(path, texts, "not_acted_on")


def _tiers(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kinds = {reward["key"]: reward["kind"] for reward in document["rewards"]}
    for index, tier in enumerate(document["tiers"]):
        path, benefits = f"/tiers/{index}", tier["benefits"]
        if benefits["entry_reward"] and kinds[benefits["entry_reward"]] not in COUPON_KINDS:
            yield f"{path}/benefits/entry_reward", "entry_reward"
        if benefits["birthday_reward"] and kinds[benefits["birthday_reward"]] not in COUPON_KINDS:
            yield f"{path}/benefits/birthday_reward", "benefit"

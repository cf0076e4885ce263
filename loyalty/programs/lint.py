"""What people should know of a checked program document: parts that this release keeps but does not act on, gifts that
nobody gets, and rules that overlap; law: warns, never refuses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from loyalty.programs.catalogue import is_offered, may_be_given
from loyalty.programs.conflicts import conflicts
from loyalty.programs.inheriting import INHERIT
from loyalty.programs.ladder import Text
from loyalty.programs.words import Part, named, say

_GIFTS = ("entry_reward", "birthday_reward")


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


def warning(code: str, path: str, traditional: str, simplified: str, english: str, **parts: Part) -> Notice:
    """Return a notice of what does nothing, or not what one expects."""
    return Notice(path, say(traditional, simplified, english, **parts), code)


def lint(document: Mapping[str, Any], platforms: Set[str] = frozenset()) -> list[Notice]:
    """Return a warning for each part of a checked document that does nothing where shops of these platforms are
    connected, then for those that overlap.
    """
    overlaps = (Notice(path, message) for path, message in conflicts(document))
    return [*_vain_gifts(document), *_not_offered(document, platforms), *overlaps]


def _vain_gifts(document: Mapping[str, Any]) -> Iterator[Notice]:
    rewards = {reward["key"]: reward for reward in document["rewards"]}
    for path, key in _gifts(document):
        reward = rewards[key]
        name = named(reward["name"], key)
        if not may_be_given(reward["kind"], reward["event"]):
            yield warning(
                "given_in_vain", path,
                "規則只能贈送商店的優惠碼、服務與內容；「{name}」都不是，因此會員在這裡不會得到任何東西。",
                "规则只能赠送商店的优惠码、服务与内容；“{name}”都不是，因此会员在这里不会得到任何东西。",
                "Rules give codes of the shop, services and content; {name} is none of these, so members get"
                " nothing here.",
                name=name,
            )  # fmt: skip
        elif reward["archived"]:
            yield warning(
                "given_in_vain", path,
                "「{name}」已封存，不會再送出。",
                "“{name}”已归档，不会再送出。",
                "{name} is archived, so it is not given any more.",
                name=name,
            )  # fmt: skip


def _gifts(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield where a reward is given, and its key; what a tier only inherits is told at the tier that states it."""
    lower: Mapping[str, Any] = {}
    for index, tier in enumerate(document["tiers"]):
        benefits = tier["benefits"]
        for name in _GIFTS:
            if benefits[name] and benefits[name] != lower.get(name):
                yield f"/tiers/{index}/benefits/{name}", benefits[name]
        lower = benefits if document["tier_policy"]["benefits"] == INHERIT else {}
    for index, automation in enumerate(document["automations"]):
        yield from _given_by(f"/automations/{index}/actions", automation["actions"])
    for side in ("referrer", "friend"):
        yield from _given_by(f"/referral/{side}", document["referral"][side])


def _given_by(path: str, actions: list[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for number, action in enumerate(actions):
        if action["kind"] == "coupon":
            yield f"{path}/{number}/reward", action["reward"]


def _not_offered(document: Mapping[str, Any], platforms: Set[str]) -> Iterator[Notice]:
    for index, reward in enumerate(document["rewards"]):
        if not is_offered(reward["kind"], platforms) and not reward["archived"]:
            yield warning(
                "not_offered", f"/rewards/{index}/kind",
                "只有 Shopify 商店有禮物卡，而您沒有連接任何一間，因此不會提供「{name}」給會員。",
                "只有 Shopify 商店有礼品卡，而您没有连接任何一家，因此不会提供“{name}”给会员。",
                "Only Shopify shops have gift cards, and none is connected, so {name} is not offered to members.",
                name=named(reward["name"], reward["key"]),
            )  # fmt: skip

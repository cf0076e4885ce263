"""From the JSON document to the frozen Program; law: the same document and context always give the same program."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from loyalty.clock import local_instant
from loyalty.errors import Invalid
from loyalty.programs import ladder
from loyalty.programs import program as p
from loyalty.programs import terms as t
from loyalty.programs.automation_document import read_automation, read_limit, read_referral, read_segment
from loyalty.programs.automations import Message
from loyalty.programs.campaigns import Campaign, CampaignScope, Recurs
from loyalty.programs.cash_back import CashBack, TierPercent
from loyalty.programs.inheriting import INHERIT, inherit_benefits
from loyalty.programs.limits import DiscountShare
from loyalty.programs.reward_document import read_reward
from loyalty.programs.schema import ProgramSchema

_SCHEMA = ProgramSchema()


@dataclass(frozen=True, slots=True)
class Context:
    """What a version keeps of the account besides its rules: currency (ISO 4217), zone (IANA), decimals
    of its money.
    """

    currency: str
    time_zone: str
    decimals: int


def check_document(document: object) -> dict[str, Any]:
    """Return the document with its defaults and what tiers inherit filled in; raises Invalid with a path for each
    mistake.
    """
    if not isinstance(document, dict):
        raise Invalid("The program must be a JSON object.", {"/": ["Must be a JSON object."]})
    try:
        data = dict(_SCHEMA.load(document))
    except ValidationError as error:
        raise Invalid("The program document has mistakes.", flatten_messages(error.messages)) from None
    if data["tier_policy"]["benefits"] == INHERIT:
        data["tiers"] = inherit_benefits(data["tiers"], document["tiers"])
    return data


def flatten_messages(messages: Any, path: str = "") -> dict[str, list[str]]:
    """Turn marshmallow's nested messages into {"/tiers/0/key": ["…"]}."""
    if not isinstance(messages, dict):
        return {path or "/": [str(message) for message in messages]}
    flat: dict[str, list[str]] = {}
    for key, value in messages.items():
        inner = path if key == "_schema" else f"{path}/{key}"
        flat.update(flatten_messages(value, inner))
    return flat


def build_program(document: object, context: Context, version: int, effective_from: datetime) -> p.Program:
    """Return the program of a checked or unchecked document; raises Invalid."""
    data = check_document(document)
    return p.Program(
        version=version,
        effective_from=effective_from,
        currency=context.currency,
        time_zone=context.time_zone,
        decimals=context.decimals,
        points_name=data["points_name"],
        enrolment=_enrolment(data["enrolment"]),
        earning=_earning(data["earning"]),
        expiry=_expiry(data["expiry"]),
        refunds=_refunds(data["refunds"]),
        tiers=tuple(_tier(tier) for tier in data["tiers"]),
        tier_policy=_tier_policy(data["tier_policy"]),
        rewards=tuple(read_reward(reward, context.time_zone) for reward in data["rewards"]),
        memberships=tuple(_membership(item) for item in data["memberships"]),
        cash_back=_cash_back(data["cash_back"]),
        campaigns=tuple(_campaign(campaign, context.time_zone) for campaign in data["campaigns"]),
        segments=tuple(read_segment(segment, context.time_zone) for segment in data["segments"]),
        automations=tuple(read_automation(each, context.time_zone) for each in data["automations"]),
        referral=read_referral(data["referral"]),
        messages=tuple(Message(key, **texts) for key, texts in data["messages"].items()),
        activities=tuple(read_limit(*item) for item in data["limits"]["activities"].items()),
        discount_share=_discount_share(data["limits"]["discount_share"]),
        gross_margin_percent=data["limits"]["gross_margin_percent"],
        paused=data["paused"],
    )


def _refunds(data: dict[str, Any]) -> p.Refunds:
    return p.Refunds(**{**data, "negative_balance": t.NegativeBalance(data["negative_balance"])})


def _discount_share(data: dict[str, Any] | None) -> DiscountShare | None:
    return DiscountShare(**data) if data is not None else None


def _match(data: dict[str, Any]) -> t.Match:
    return t.Match(
        **{name: frozenset(data[name]) for name in ("product_ids", "category_ids", "skus", "tags")}
    )


def _enrolment(data: dict[str, Any]) -> p.Enrolment:
    exclude = data["exclude"]
    return p.Enrolment(
        mode=data["mode"],
        guests=data["guests"],
        excluded_roles=frozenset(exclude["roles"]),
        excluded_tags=frozenset(exclude["tags"]),
        excluded_domains=frozenset(
            domain.strip().casefold().lstrip("@") for domain in exclude["email_domains"]
        ),
    )


def _earning(data: dict[str, Any]) -> p.Earning:
    rules = tuple(p.ProductRule(_match(rule["match"]), rule["multiplier"]) for rule in data["product_rules"])
    base = p.Base(**{**data["base"], "discounts": t.Discounts(data["base"]["discounts"])})
    return p.Earning(
        **{
            **data,
            "award_on": t.AwardOn(data["award_on"]),
            "rounding": t.Rounding(data["rounding"]),
            "base": base,
            "product_rules": rules,
            "excluded": _match(data["excluded"]),
            "caps": p.Caps(**data["caps"]),
        }
    )


def _expiry(data: dict[str, Any]) -> p.Expiry:
    return p.Expiry(
        mode=data["mode"],
        after=data["after"],
        round_up_to=t.RoundUp(data["round_up_to"]),
        remind_days=tuple(data["remind_days"]),
    )


def _conditions(data: dict[str, Any] | None) -> ladder.Conditions | None:
    if data is None:
        return None
    ((word, listed),) = data.items()
    return ladder.Conditions(
        word == "any", tuple(ladder.Condition(t.Metric(item["metric"]), item["at_least"]) for item in listed)
    )


def _tier(data: dict[str, Any]) -> ladder.Tier:
    lists = {name: tuple(data["benefits"][name]) for name in ("service", "early_access", "perks")}
    benefits = ladder.Benefits(**{**data["benefits"], **lists})
    return ladder.Tier(
        data["key"], data["name"], _conditions(data["enter"]), _conditions(data["keep"]), benefits
    )


def _tier_policy(data: dict[str, Any]) -> ladder.TierPolicy:
    window = ladder.Window(t.WindowKind(data["window"]["kind"]), data["window"]["months"])
    kept = {name: part for name, part in data.items() if name != "benefits"}
    return ladder.TierPolicy(**{**kept, "window": window, "notice_days": tuple(data["notice_days"])})


def _membership(data: dict[str, Any]) -> p.Membership:
    return p.Membership(**{**data, "match": _match(data["match"])})


def _cash_back(data: dict[str, Any]) -> CashBack:
    return CashBack(**{**data, "tiers": tuple(TierPercent(*item) for item in data["tiers"].items())})


def _campaign(data: dict[str, Any], tz: str) -> Campaign:
    scope, recurs = data["scope"], data["recurs"]
    whom = ("tiers", "segments", "regions", "channels", "member_tags")
    days = {name: frozenset(listed) for name, listed in recurs.items()} if recurs else None
    return Campaign(
        **{
            **data,
            "opens": local_instant(data["opens"], tz),
            "closes": local_instant(data["closes"], tz),
            "scope": CampaignScope(_match(scope), **{name: frozenset(scope[name]) for name in whom}),
            "recurs": Recurs(**days) if days else None,
            "stacking": t.Stacking(data["stacking"]),
        }
    )

"""Points of an order with the reason of every one; law: exact fractions until the one rounding per order (RULES §3)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from loyalty.clock import local_date
from loyalty.commerce import OrderSnapshot
from loyalty.earning.base import NOTHING, Part, gross_base, line_matches, order_parts
from loyalty.earning.campaign import Earner, Occasion, active_campaigns, bonuses, campaign_multiplier
from loyalty.earning.refunded import ALL_LEFT, Left
from loyalty.programs.campaigns import Campaign
from loyalty.programs.program import Earning, Program
from loyalty.programs.terms import AwardOn
from loyalty.values import ONE, ZERO, fraction_text


def award_time(order: OrderSnapshot, award_on: AwardOn) -> datetime | None:
    """Return when an order counts from, None when it does not (RULES §3, §9 (1)-(3))."""
    if order.paid_at is None or award_on is AwardOn.PAID:
        return order.paid_at
    return max(order.paid_at, order.completed_at) if order.completed_at is not None else None


@dataclass(frozen=True, slots=True)
class Rating:
    """Everything an order's points depend on beside its refunds, fixed at its award: parts, tier, campaigns, room."""

    program: Program
    parts: tuple[Part, ...]
    gross: Fraction
    tier_key: str
    tier_multiplier: Fraction
    nth: int
    campaigns: tuple[Campaign, ...]
    bonuses: dict[str, int]
    earns: bool
    """False: minimum not reached, program paused, other currency, total 0 or a test order."""
    counts: bool
    """Whether it counts for tier metrics at all: account's currency, total above 0, no test order."""
    allotted: Mapping[str, int] | None = None
    """What each limited campaign gives at most; None: nobody asked yet."""

    @property
    def limited(self) -> tuple[Campaign, ...]:
        """Return the campaigns that may give only so much, as the document lists them."""
        return tuple(campaign for campaign in self.campaigns if campaign.is_limited)


def rate(
    order: OrderSnapshot,
    program: Program,
    tier_key: str,
    nth: int,
    laurel_codes: Set[str],
    earner: Earner,
    own_credit: Decimal = NOTHING,
) -> Rating:
    """Return the rating of an order at its paid time; raises ValueError for an order that was never paid."""
    if order.paid_at is None:
        raise ValueError("an order that was never paid has no rating")
    tier = program.tier(tier_key)
    parts = order_parts(order, program.earning, laurel_codes, own_credit)
    gross = gross_base(parts)
    campaigns = _campaigns(order, order.paid_at, program, (tier.key, nth, gross), earner)
    counts = not order.test and order.currency == program.currency and order.total > 0
    return Rating(
        program=program,
        parts=parts,
        gross=gross,
        tier_key=tier.key,
        tier_multiplier=tier.benefits.multiplier,
        nth=nth,
        campaigns=campaigns,
        bonuses=bonuses(campaigns, parts) if campaigns else {},
        earns=counts and not program.paused and gross >= program.earning.minimum_order,
        counts=counts,
    )


def _campaigns(
    order: OrderSnapshot,
    paid_at: datetime,
    program: Program,
    standing: tuple[str, int, Fraction],
    earner: Earner,
) -> tuple[Campaign, ...]:
    if not program.campaigns:
        return ()
    day = local_date(paid_at, program.time_zone)
    occasion = Occasion(paid_at, day, *standing, order.buyer.region, order.channel, earner)
    return active_campaigns(program, occasion)


@dataclass(frozen=True, slots=True)
class Award:
    """What an order deserves in one state: whole points before room, those that count for tiers, its exact net base."""

    points: int
    counted: int
    net_base: Fraction


def award(rating: Rating, left: Left = ALL_LEFT) -> Award:
    """Return what an order deserves with so much of it left; caps per day and month are the fold's."""
    net = rating.gross if left is ALL_LEFT else sum((left.of(part) for part in rating.parts), ZERO)
    if not rating.earns:
        return Award(0, 0, net if rating.counts else ZERO)
    points = _points(rating, left, net, rating.campaigns)
    if not rating.campaigns:
        return Award(points, points, net)
    marked = tuple(campaign for campaign in rating.campaigns if campaign.counts_toward_tier)
    return Award(points, min(points, _points(rating, left, net, marked)), net)


def _points(rating: Rating, left: Left, net: Fraction, campaigns: tuple[Campaign, ...]) -> int:
    """Return the points with these campaigns; of what a limited one adds, no more than was allotted."""
    if rating.allotted is None:
        return _uncut(rating, left, net, campaigns)
    points, gains = _shares(rating, left, net, campaigns)
    return points + sum(min(rating.allotted.get(key, 0), gain) for key, gain in gains.items())


def shares(rating: Rating, left: Left = ALL_LEFT) -> tuple[int, dict[str, int]]:
    """Return an order's points without limited campaigns, and what each of those adds, one after the other."""
    net = sum((left.of(part) for part in rating.parts), ZERO)
    return _shares(rating, left, net, rating.campaigns)


def _shares(
    rating: Rating, left: Left, net: Fraction, campaigns: tuple[Campaign, ...]
) -> tuple[int, dict[str, int]]:
    met = tuple(campaign for campaign in campaigns if not campaign.is_limited)
    first = before = _uncut(rating, left, net, met)
    gains = {}
    for campaign in campaigns:
        if campaign.is_limited:
            met = (*met, campaign)
            after = _uncut(rating, left, net, met)
            gains[campaign.key], before = after - before, after
    return first, gains


def _uncut(rating: Rating, left: Left, net: Fraction, campaigns: tuple[Campaign, ...]) -> int:
    earning = rating.program.earning
    total = _multiplied(rating, left, campaigns) if earning.product_rules or campaigns else net
    if earning.whole_units:
        total *= _whole_units(earning, net)
    factor = rating.tier_multiplier * earning.points_per_unit / earning.unit
    points = earning.rounding.apply(total * factor) + _bonus_points(rating, net, campaigns)
    cap = earning.caps.per_order
    return points if cap is None else min(points, cap)


def _multiplied(rating: Rating, left: Left, campaigns: tuple[Campaign, ...]) -> Fraction:
    earning = rating.program.earning
    return sum(
        (left.of(part) * line_multiplier(earning, campaigns, part) for part in rating.parts if part.base),
        ZERO,
    )


def line_multiplier(earning: Earning, campaigns: tuple[Campaign, ...], part: Part) -> Fraction:
    """Return the product rule's multiplier (the highest that matches) times the campaigns' of one part."""
    matching = [rule.multiplier for rule in earning.product_rules if line_matches(rule.match, part.line)]
    product = max(matching) if matching else ONE
    return product * campaign_multiplier(campaigns, part) if campaigns else product


def _whole_units(earning: Earning, net: Fraction) -> Fraction:
    if not net:
        return ONE
    return (net / earning.unit).__floor__() * earning.unit / net


def _bonus_points(rating: Rating, net: Fraction, campaigns: tuple[Campaign, ...]) -> int:
    if not rating.bonuses or not rating.gross:
        return 0
    keys = {campaign.key for campaign in campaigns}
    given = (bonus for key, bonus in rating.bonuses.items() if key in keys)
    return sum((bonus * net / rating.gross).__floor__() for bonus in given)


def explain(rating: Rating, left: Left = ALL_LEFT) -> dict[str, Any]:
    """Return the reasons of an award as JSON: enough to print why in words and to compute it again."""
    earning = rating.program.earning
    return {
        "tier": {"key": rating.tier_key, "multiplier": fraction_text(rating.tier_multiplier)},
        "points_per_unit": fraction_text(earning.points_per_unit),
        "unit": fraction_text(earning.unit),
        "rounding": str(earning.rounding),
        "nth_order": rating.nth,
        "earns": rating.earns,
        "bonuses": rating.bonuses,
        "campaigns": [campaign.key for campaign in rating.campaigns],
        **({"limited": dict(rating.allotted)} if rating.allotted is not None else {}),
        "lines": [
            {
                "line": part.line.id,
                "base": fraction_text(left.of(part)),
                "multiplier": fraction_text(line_multiplier(earning, rating.campaigns, part)),
            }
            for part in rating.parts
            if part.base
        ],
    }

"""Which campaigns an order meets and what they do to each line;
law: half-open in the account's time, judged before refunds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from loyalty.earning.base import Part, line_matches
from loyalty.programs.campaigns import Campaign, CampaignScope
from loyalty.programs.program import Program
from loyalty.programs.terms import Stacking
from loyalty.values import ONE, ZERO


@dataclass(frozen=True, slots=True)
class Earner:
    """What campaigns ask of a member: the key that he has for ever, the tags and segments that are his at the award."""

    key: str
    tags: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the conditions of campaigns are judged by: the paid time and its local date, the tier then, the
    how-many-th order, its base, where it came from and whose it is.
    """

    paid_at: datetime
    day: date
    tier_key: str
    nth: int
    base: Fraction
    region: str
    channel: str
    earner: Earner


def active_campaigns(program: Program, occasion: Occasion) -> tuple[Campaign, ...]:
    """Return the campaigns of a version whose window, days, scope and conditions the order meets."""
    return tuple(campaign for campaign in program.campaigns if _meets(campaign, occasion))


def _meets(campaign: Campaign, occasion: Occasion) -> bool:
    if not campaign.gives_something or not campaign.is_open(occasion.paid_at):
        return False
    if campaign.recurs is not None and not campaign.recurs.names(occasion.day):
        return False
    if not _means(campaign.scope, occasion) or campaign.holds_out(occasion.earner.key):
        return False
    if campaign.first_order and occasion.nth != 1:
        return False
    if campaign.nth_order is not None and campaign.nth_order != occasion.nth:
        return False
    return campaign.minimum_order is None or occasion.base >= campaign.minimum_order


def _means(scope: CampaignScope, occasion: Occasion) -> bool:
    if scope.tiers and occasion.tier_key not in scope.tiers:
        return False
    if scope.segments and scope.segments.isdisjoint(occasion.earner.segments):
        return False
    return (
        scope.has_region(occasion.region)
        and scope.has_channel(occasion.channel)
        and scope.has_tags(occasion.earner.tags)
    )


def meets_line(campaign: Campaign, part: Part) -> bool:
    """Return whether a part of the order is in the campaign's scope; one without products means every part."""
    return not campaign.scope.match or line_matches(campaign.scope.match, part.line)


def campaign_multiplier(campaigns: tuple[Campaign, ...], part: Part) -> Fraction:
    """Return max(1, the `best` ones) + Σ(`add` − 1) of the campaigns that mean a part, never below 0."""
    best, added = ONE, ZERO
    for campaign in campaigns:
        if campaign.multiplier is None or not meets_line(campaign, part):
            continue
        if campaign.stacking is Stacking.BEST:
            best = max(best, campaign.multiplier)
        else:
            added += campaign.multiplier - ONE
    return max(ZERO, best + added)


def bonuses(campaigns: tuple[Campaign, ...], parts: tuple[Part, ...]) -> dict[str, int]:
    """Return the fixed bonus of each campaign that has a part with a base above 0 in its scope, in whole points."""
    return {
        campaign.key: campaign.bonus
        for campaign in campaigns
        if campaign.bonus is not None and any(part.base > 0 and meets_line(campaign, part) for part in parts)
    }

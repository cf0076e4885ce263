"""What the program costs in each tier beside what the tier brings in (S64), and what discounts take of it (S65)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import Connection

from loyalty.engine.discounting import is_over, share_of
from loyalty.engine.payout import Rate, cheapest_rate
from loyalty.errors import ProgramNotPublished
from loyalty.orders.takings import Takings, read_takings
from loyalty.programs.catalogue import GIFT_CARD, PROMOTION_KINDS, VARIABLE_DISCOUNT
from loyalty.programs.limits import BLOCK
from loyalty.programs.program import Program, Versions
from loyalty.programs.service import load_versions
from loyalty.programs.words import named
from loyalty.reports.cost_figures import Given, list_codes_used, list_redeemed, read_points_given
from loyalty.reports.standing import names_of_tiers
from loyalty.rewards.discount_repository import find_figures
from loyalty.values import ZERO, AccountId, decimal_floor

Data = dict[str, Any]
SHARE_DECIMALS = 4
PERCENT = 100


@dataclass(slots=True)
class Costs:
    """The sums of a tier: money without tax, net of refunds; `uncosted`: the part of the discounts whose rewards name
    no cost of their own.
    """

    takings: Takings = field(default_factory=Takings)
    redemptions: int = 0
    unit_costs: Fraction = ZERO
    uncosted: Fraction = ZERO
    points: int = 0

    @property
    def cost(self) -> Fraction:
        """Return what rewards cost: their own cost where they name one, else what their codes took off."""
        return self.unit_costs + self.uncosted

    def add(self, other: Costs) -> None:
        """Add another tier's sums."""
        self.takings += other.takings
        self.redemptions += other.redemptions
        self.unit_costs += other.unit_costs
        self.uncosted += other.uncosted
        self.points += other.points


def read_costs(
    connection: Connection, account: AccountId, since: datetime, until: datetime, now: datetime
) -> Data:
    """Return the costs of `[since, until)` by tier and in all, by the program in force. Raises ProgramNotPublished."""
    versions = load_versions(connection, account)
    program = versions.at(now)
    if program is None:
        raise ProgramNotPublished
    by_tier = _by_tier(connection, versions, program, since, until)
    total = Costs()
    for costs in by_tier.values():
        total.add(costs)
    rate = _rate(program)
    names = names_of_tiers(versions.programs)
    return {
        "since": since,
        "until": until,
        "currency": program.currency,
        "gross_margin_percent": _plain(program.gross_margin_percent),
        "point_worth": _plain(rate.worth(1)) if rate else None,
        "tiers": [
            {"tier": key, "name": named(names.get(key, {}), key), **_shown(costs, program, rate)}
            for key, costs in by_tier.items()
        ],
        "total": _shown(total, program, rate),
        "discount_share": _discount_share(connection, program, now),
    }


def _by_tier(
    connection: Connection, versions: Versions, program: Program, since: datetime, until: datetime
) -> dict[str, Costs]:
    """Return every tier of the ladder, and those that it had; whoever had none yet counts in the first."""
    found: dict[str, Costs] = {tier.key: Costs() for tier in program.tiers}

    def of(tier: str) -> Costs:
        return found.setdefault(tier or program.tiers[0].key, Costs())

    for tier, takings in read_takings(connection, since, until).items():
        of(tier).takings += takings
    for tier, points in read_points_given(connection, since, until).items():
        of(tier).points += points
    for given in list_redeemed(connection, since, until):
        of(given.tier).redemptions += given.count
        if not _costs_when_used(versions, given):
            of(given.tier).unit_costs += given.count * (_unit_cost(versions, given) or ZERO)
    for given in list_codes_used(connection, since, until):
        _add_code(of(given.tier), given, _unit_cost(versions, given))
    return found


def _add_code(costs: Costs, given: Given, unit_cost: Fraction | None) -> None:
    """A code costs when it is used: what its reward says, else what it took off."""
    if unit_cost is None:
        costs.uncosted += given.discounts
    else:
        costs.unit_costs += given.count * unit_cost


def _costs_when_used(versions: Versions, given: Given) -> bool:
    program = versions.numbered(given.version)
    reward = program.reward(given.reward) if program else None
    return reward is not None and reward.kind in PROMOTION_KINDS


def _unit_cost(versions: Versions, given: Given) -> Fraction | None:
    """Return what a reward costs the merchant as its rules say; a gift card costs what it is worth."""
    program = versions.numbered(given.version)
    reward = program.reward(given.reward) if program else None
    if reward is None:
        return None
    return reward.amount if reward.kind == GIFT_CARD and reward.unit_cost is None else reward.unit_cost


def _rate(program: Program) -> Rate | None:
    """Return what points are worth: by the cheapest fixed discount, else by the first variable one."""
    variable = [
        Rate(each, each.points, each.amount)
        for each in program.rewards
        if each.kind == VARIABLE_DISCOUNT and each.points and each.amount
    ]
    return cheapest_rate(program) or next(iter(variable), None)


def _shown(costs: Costs, program: Program, rate: Rate | None) -> Mapping[str, Any]:
    percent, revenue = program.gross_margin_percent, costs.takings.revenue
    margin = revenue * percent * Fraction(1, PERCENT) if percent is not None else None
    return {
        "orders": costs.takings.orders,
        "revenue": _money(revenue, program),
        "redemptions": costs.redemptions,
        "unit_costs": _money(costs.unit_costs, program),
        "discounts": _money(costs.takings.discounts, program),
        "cost": _money(costs.cost, program),
        "points": costs.points,
        "points_worth": _money(rate.worth(costs.points), program) if rate else None,
        "margin": _money(margin, program),
        "cost_of_revenue": _share(costs.cost, revenue),
        "cost_of_margin": _share(costs.cost, margin) if margin is not None else None,
    }


def _discount_share(connection: Connection, program: Program, now: datetime) -> Data | None:
    """Return what discounts took of the revenue by the newest judgement; None: the program has no limit."""
    limit = program.discount_share
    if limit is None:
        return None
    figures = find_figures(connection)
    share = share_of(figures) if figures else None
    is_above = figures is not None and is_over(limit, figures, now)
    return {
        "percent": _plain(limit.percent),
        "days": limit.days,
        "action": limit.action,
        "judged_at": figures.judged_at if figures else None,
        "discounts": _money(figures.discounts, program) if figures else None,
        "revenue": _money(figures.revenue, program) if figures else None,
        "share": f"{decimal_floor(share, SHARE_DECIMALS):f}" if share is not None else None,
        "is_above": is_above,
        "is_blocked": is_above and limit.action == BLOCK,
    }


def _share(part: Fraction, whole: Fraction) -> str | None:
    return f"{decimal_floor(Fraction(part, whole), SHARE_DECIMALS):f}" if whole > 0 else None


def _money(amount: Fraction | None, program: Program) -> str | None:
    return f"{decimal_floor(amount, program.decimals):f}" if amount is not None else None


def _plain(value: Fraction | None) -> str | None:
    return f"{decimal_floor(value, 9).normalize():f}" if value is not None else None

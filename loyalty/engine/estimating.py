"""What an order of the past would cost in points before anything is awarded; law: rates as the fold does, of one order.

Its tier then is not known without all of its buyer's orders, so there are two figures: in the first tier, and in the
tier that multiplies most. Caps of days and months, which only lower, are left out. Whose it is counts as far as the
order says it, and as far as he is known here already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from loyalty.commerce import OrderSnapshot
from loyalty.earning.campaign import Earner
from loyalty.earning.earning import Award, award, rate
from loyalty.earning.refunded import nothing_left, what_is_left
from loyalty.engine.state import MemberState
from loyalty.engine.timeline import end_time, order_award_time
from loyalty.members.identity import Identity, buyer_identity, email_domain
from loyalty.programs.ladder import Tier
from loyalty.programs.program import Program, Versions

COUNTS = ("orders", "known", "counting", "points", "points_at_most", "points_alive")
NOBODY = Earner("", frozenset())


@dataclass(frozen=True, slots=True)
class Known:
    """What is known already: of a store its number and which orders count, and the members whom buyers name."""

    store: int
    orders: frozenset[str]
    members: Mapping[Identity, MemberState]


def buyers(store: int, orders: Iterable[OrderSnapshot]) -> set[Identity]:
    """Return everybody whom orders of a store name."""
    named = {buyer_identity(store, order.buyer) for order in orders}
    return {identity for identity in named if identity is not None}


def add_estimates(
    figures: Mapping[str, Any],
    orders: Iterable[OrderSnapshot],
    known: Known,
    versions: Versions,
    now: datetime,
) -> dict[str, Any]:
    """Return the sums with these orders: how many, how many are counted already (`known`) and would count, their points
    at least and at most, and what of that has not expired yet.
    """
    sums = {name: int(figures.get(name, 0)) for name in COUNTS}
    for order in orders:
        sums["orders"] += 1
        if order.external_id in known.orders:
            sums["known"] += 1
        elif _would_count(order, known, versions):
            least, most, is_alive = estimate(order, versions, now)
            sums["counting"] += 1
            sums["points"] += least
            sums["points_at_most"] += most
            sums["points_alive"] += least if is_alive else 0
    return sums


def _would_count(order: OrderSnapshot, known: Known, versions: Versions) -> bool:
    """Return whether the fold would award an order to whom it names, as he was when it would; nobody earns nothing."""
    at, identity = order_award_time(order, versions), buyer_identity(known.store, order.buyer)
    program = versions.at(at) if at is not None else None
    if at is None or program is None or identity is None:
        return False
    buyer = known.members.get(identity)
    if buyer is None:
        domain = email_domain(order.buyer.email)
        then = MemberState(identity.member_key(), guest=identity.is_guest, email_domain=domain)
    else:
        then = buyer.blank()
        then.joined_at = next((one.started_at for one in buyer.periods if one.started_at < at), None)
    return then.may_be_awarded(program.enrolment)


def estimate(order: OrderSnapshot, versions: Versions, now: datetime) -> tuple[int, int, bool]:
    """Return the points that an order would have now in the first and in the best tier, and whether they live still."""
    at = order_award_time(order, versions)
    program = versions.at(order.paid_at) if order.paid_at else None
    if at is None or program is None or order.paid_at is None:
        return 0, 0, False
    if not versions.gives_points(order.store_id, order.paid_at):
        program = replace(program, paused=True)
    end = program.expiry.lot_end(at, program.time_zone)
    first, best = program.tiers[0], max(program.tiers, key=lambda tier: tier.benefits.multiplier)
    least, most = (_award(order, program, tier).points for tier in (first, best))
    return least, max(least, most), end is None or end > now


def _award(order: OrderSnapshot, program: Program, tier: Tier) -> Award:
    rating = rate(order, program, tier.key, 1, frozenset(), NOBODY)
    is_over = end_time(order, None) is not None
    left = nothing_left(rating.parts) if is_over else what_is_left(order, rating.parts, order.refunds)
    return award(rating, left)

"""The standing code of a tier with a discount or free shipping: its cause and terms;
law: one code for each member, store and tier period, and it follows from the fold's state alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from loyalty.engine.state import MemberState
from loyalty.programs.catalogue import FREE_SHIPPING
from loyalty.programs.program import Program, Versions
from loyalty.rewards.coupon import CouponTerms
from loyalty.tiers.holding import grace_end
from loyalty.values import ZERO, decimal_floor

PREFIX = "standing"


@dataclass(frozen=True, slots=True)
class StandingCode:
    """The code that a member may have in a store as long as his tier period lasts."""

    cause: str
    tier_key: str
    store: int
    version: int
    terms: CouponTerms

    def is_stored(self, row: Mapping[Any, Any]) -> bool:
        """Return whether a coupon's row has these terms."""
        stored = row["kind"], row["amount"], row["expires_at"], row["free_shipping"]
        terms = self.terms
        return stored == (terms.kind, terms.amount, terms.expires_at, terms.free_shipping)


def standing_cause(store: int, member_key: str, tier_key: str, started_at: datetime) -> str:
    """Return the cause of a standing code: a store's number, a member, the tier and the start of its period."""
    return f"{PREFIX}:{store}:{member_key}{period_suffix(tier_key, started_at)}"


def period_suffix(tier_key: str, started_at: datetime) -> str:
    """Return how the causes of a tier period's codes end."""
    return f":{tier_key}:{started_at.astimezone(UTC).isoformat()}"


def store_of(cause: str) -> int:
    """Return the store's number that the cause of a standing code names."""
    return int(cause.split(":")[1])


def standing_code(state: MemberState, versions: Versions, store: int) -> StandingCode | None:
    """Return the code that a settled member may have in the store of a number; None: his tier offers none, or he has
    not joined.
    """
    program = versions.numbered(state.rules)
    if program is None or not state.periods:
        return None
    period = state.periods[-1]
    benefits = program.tier(period.tier_key).benefits
    if not program.has_tier(period.tier_key) or not benefits.has_code:
        return None
    percent = decimal_floor(benefits.discount_percent or ZERO, 4)
    terms = CouponTerms(
        kind="percent_discount" if percent else FREE_SHIPPING,
        amount=percent,
        minimum_subtotal=Decimal(0),
        expires_at=latest_end(state, program),
        free_shipping=benefits.free_shipping,
        reusable=True,
    )
    cause = standing_cause(store, state.key, period.tier_key, period.started_at)
    return StandingCode(cause, period.tier_key, store, program.version, terms)


def latest_end(state: MemberState, program: Program) -> datetime | None:
    """Return the latest instant at which the present tier may end on the grounds it has now, days of grace included;
    None: it has no end.
    """
    key, held = state.periods[-1].tier_key, state.held
    ends = [term.until for term in state.terms if term.begun and term.tier_key == key]
    if held is not None and held.tier_key == key:
        ends.append(held.falls_at or (grace_end(program, held.until) if held.until else None))
    dated = [end for end in ends if end is not None]
    return max(dated) if dated and len(dated) == len(ends) else None

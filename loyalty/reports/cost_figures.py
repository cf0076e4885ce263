"""What rewards cost in a time, by tier: redemptions, uses of codes and points given; read-only SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Connection, text

from loyalty.orders.takings import SOLD
from loyalty.rewards.redemption_repository import STANDS

_TIER_AT = (
    "coalesce((select tier_key from tier_periods periods where periods.account_id = members.account_id"
    " and periods.member_id = coalesce(members.merged_into, members.id) and started_at <= {at}"
    " order by periods.number desc limit 1), '')"
)
"""The tier of a member, or of whoever stands for him, at an instant; empty: he had none."""
_REDEMPTIONS = text(
    f"select {_TIER_AT.format(at='asked_at')} as tier, reward_key, program_version as version, count(*) as times"
    " from redemptions join members on members.id = redemptions.member_id"
    f" where asked_at >= :since and asked_at < :until and {STANDS} group by 1, 2, 3"
)
_CODES = text(
    f"with {SOLD} select sold.tier_key as tier, reward_key, program_version as version,"
    " count(*) filter (where kept > 0) as times, round(sum(cast(used ->> 1 as numeric) * kept / whole), 6) as discounts"
    " from sold cross join lateral jsonb_array_elements(snapshot -> 'coupons') used"
    " join coupons on code = lower(used ->> 0) where sold.laurel_codes ? lower(used ->> 0) group by 1, 2, 3"
)
_POINTS = text(
    f"select coalesce(orders.tier_key, {_TIER_AT.format(at='effective_at')}) as tier, sum(entries.points) as points"
    " from ledger_entries entries join members on members.id = entries.member_id"
    " left join orders on orders.account_id = entries.account_id and orders.key = entries.order_key"
    " where effective_at >= :since and effective_at < :until"
    " and kind in ('accrual', 'reversal', 'forgiveness', 'adjustment') group by 1"
)


@dataclass(frozen=True, slots=True)
class Given:
    """How often a reward of a version was redeemed in a tier, or its codes were used there, and what these took off."""

    tier: str
    reward: str
    version: int
    count: int
    discounts: Fraction = Fraction(0)


def list_redeemed(connection: Connection, since: datetime, until: datetime) -> list[Given]:
    """Return the redemptions that stand and were asked for in `[since, until)`, by the tier of that moment."""
    rows = connection.execute(_REDEMPTIONS, {"since": since, "until": until})
    return [Given(row.tier, row.reward_key, row.version, row.times) for row in rows]


def list_codes_used(connection: Connection, since: datetime, until: datetime) -> list[Given]:
    """Return how often codes stand on orders that were awarded in `[since, until)` and not refunded in full, by the
    tier in which each was placed; money net of tax and refunds.
    """
    rows = connection.execute(_CODES, {"since": since, "until": until})
    return [Given(row.tier, row.reward_key, row.version, row.times, Fraction(row.discounts)) for row in rows]


def read_points_given(connection: Connection, since: datetime, until: datetime) -> dict[str, int]:
    """Return the points that orders, rules and staff gave in `[since, until)`, net of what was taken back, by tier."""
    rows = connection.execute(_POINTS, {"since": since, "until": until})
    return {tier: int(points) for tier, points in rows}

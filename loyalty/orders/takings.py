"""What orders brought in, and what our codes took off them; law: refunds lower both alike, and neither knows tax or
shipping.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Connection, text

from loyalty.values import ZERO

SOLD = (
    "sold as (select tier_key, laurel_codes, snapshot, case when ended then 0 when total <= 0 then 1"
    "     else greatest(total - refunded, 0) end as kept, case when ended or total <= 0 then 1 else total end as whole"
    "   from orders cross join lateral (select cast(snapshot ->> 'total' as numeric) as total,"
    "     coalesce((select sum(cast(refund ->> 2 as numeric)) from jsonb_array_elements(snapshot -> 'refunds') refund),"
    "       0) as refunded) as money"
    "   where award_at >= :since and award_at < :until and review is null"
    "   and not cast(snapshot ->> 'test' as boolean))"
)
"""Orders that were awarded in `[since, until)`, in the account's currency, each with `kept / whole`: the share of it
that was not refunded.
"""
_TAKINGS = text(
    f"with {SOLD} select tier_key, count(*) filter (where kept > 0) as orders,"
    " coalesce(round(sum(goods * kept / whole), 6), 0) as revenue,"
    " coalesce(round(sum(off * kept / whole), 6), 0) as discounts from sold"
    " cross join lateral (select coalesce(sum(cast(line ->> 5 as numeric)), 0) as goods"
    "   from jsonb_array_elements(snapshot -> 'lines') line where line ->> 1 <> 'shipping') as sums"
    " cross join lateral (select coalesce(sum(cast(used ->> 1 as numeric)), 0) as off"
    "   from jsonb_array_elements(snapshot -> 'coupons') used where laurel_codes ? lower(used ->> 0)) as codes"
    " group by tier_key order by tier_key"
)


@dataclass(frozen=True, slots=True)
class Takings:
    """How many orders are not refunded in full, and in money without tax: their goods and fees, and what our codes
    took off.
    """

    orders: int = 0
    revenue: Fraction = ZERO
    discounts: Fraction = ZERO

    def __add__(self, other: Takings) -> Takings:
        return Takings(
            self.orders + other.orders, self.revenue + other.revenue, self.discounts + other.discounts
        )


def read_takings(connection: Connection, since: datetime, until: datetime) -> dict[str, Takings]:
    """Return the takings of the orders that were awarded in `[since, until)`, by the tier in which each was placed."""
    rows = connection.execute(_TAKINGS, {"since": since, "until": until})
    return {
        tier: Takings(orders, Fraction(revenue), Fraction(discounts))
        for tier, orders, revenue, discounts in rows
    }

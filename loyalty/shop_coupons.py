"""How a shop says that our coupons stand; law: a statement is of its instant, and changes no point."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from loyalty.values import StoreId


@dataclass(frozen=True, slots=True)
class CouponTermsNow:
    """What a coupon of the shop is worth now, to whom, how often and how long."""

    amount: Decimal
    minimum_subtotal: Decimal
    emails: tuple[str, ...]
    """To whom it is bound, where the shop binds to e-mails."""
    most_uses: int | None
    """None: without limit."""
    last_second: datetime | None
    """The last instant at which the shop takes it; None: it has no end."""
    customers: tuple[str, ...] | None = None
    """The shop's own ids of those to whom it is bound; None: it binds to e-mails."""


@dataclass(frozen=True, slots=True)
class CouponStated:
    """The shop was asked at `observed_at` how a coupon stands; `terms` None: it does not have it any more."""

    store_id: StoreId
    external_id: str
    observed_at: datetime
    terms: CouponTermsNow | None

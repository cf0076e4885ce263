"""What discounts took of an account's revenue, as it was judged last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from uuid import UUID

from sqlalchemy import Connection, text

from loyalty.values import decimal_floor

DECIMALS = 4


@dataclass(frozen=True, slots=True)
class DiscountFigures:
    """What codes took off, and the revenue, since an instant, as they were then."""

    judged_at: datetime
    since: datetime
    discounts: Fraction
    revenue: Fraction


def put_figures(connection: Connection, account: UUID, figures: DiscountFigures, *, is_above: bool) -> None:
    """Write the newest figures of an account over the ones before."""
    statement = text(
        "insert into discount_shares (account_id, judged_at, since, discounts, revenue, is_above)"
        " values (:account, :judged_at, :since, :discounts, :revenue, :is_above) on conflict (account_id)"
        " do update set judged_at = excluded.judged_at, since = excluded.since, discounts = excluded.discounts,"
        " revenue = excluded.revenue, is_above = excluded.is_above"
    )
    values = {
        "account": account, "judged_at": figures.judged_at, "since": figures.since, "is_above": is_above,
        "discounts": decimal_floor(figures.discounts, DECIMALS), "revenue": decimal_floor(figures.revenue, DECIMALS),
    }  # fmt: skip
    connection.execute(statement, values)


def clear_alarm(connection: Connection) -> None:
    """Let the newest figures of the account alarm nobody: no limit is in force any more."""
    connection.execute(text("update discount_shares set is_above = false where is_above"))


def find_figures(connection: Connection) -> DiscountFigures | None:
    """Return the newest figures of the account."""
    row = connection.execute(
        text("select judged_at, since, discounts, revenue from discount_shares")
    ).one_or_none()
    if row is None:
        return None
    return DiscountFigures(row.judged_at, row.since, Fraction(row.discounts), Fraction(row.revenue))

"""Whether discounts take too much of the revenue: judged each hour, told once a day (S65);
law: the judgement changes no points, and a clock that stands still blocks nobody for long.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

from sqlalchemy import Connection

from loyalty.clock import day_start, local_date
from loyalty.incidents.repository import note_incidents
from loyalty.orders.takings import Takings, read_takings
from loyalty.programs.limits import BLOCK, DiscountShare
from loyalty.programs.program import Program
from loyalty.programs.service import load_versions
from loyalty.rewards.discount_repository import DiscountFigures, clear_alarm, find_figures, put_figures
from loyalty.values import AccountId, fraction_text

KIND = "discount_share"
STALE = timedelta(days=2)
"""A judgement that is older blocks nobody."""


def judge_discounts(connection: Connection, account: AccountId, now: datetime) -> bool:
    """Note what discounts took of the revenue of the last days; return whether it is above the program's limit.

    A day above the limit is one incident, however often it is judged. Without a limit nothing is measured.
    """
    program = load_versions(connection, account).at(now)
    limit = program.discount_share if program is not None else None
    if program is None or limit is None:
        clear_alarm(connection)
        return False
    since = window_start(limit, program, now)
    total = sum(read_takings(connection, since, now).values(), Takings())
    figures = DiscountFigures(now, since, total.discounts, total.revenue)
    is_above = limit.is_above(total.discounts, total.revenue)
    put_figures(connection, account, figures, is_above=is_above)
    if is_above:
        _tell(connection, account, limit, figures, local_date(now, program.time_zone).isoformat())
    return is_above


def window_start(limit: DiscountShare, program: Program, now: datetime) -> datetime:
    """Return the first instant of the days that a limit looks at, the present one included."""
    first = local_date(now, program.time_zone) - timedelta(days=limit.days - 1)
    return day_start(first, program.time_zone)


def _tell(
    connection: Connection, account: AccountId, limit: DiscountShare, figures: DiscountFigures, day: str
) -> None:
    data = {
        "discounts": fraction_text(figures.discounts),
        "revenue": fraction_text(figures.revenue),
        "percent": fraction_text(limit.percent),
        "days": limit.days,
        "action": limit.action,
    }
    row = {
        "kind": KIND, "subject": day, "member_id": None, "order_key": "", "data": data, "noticed_at": figures.judged_at,
    }  # fmt: skip
    note_incidents(connection, account, [row])


def is_blocked(connection: Connection, program: Program, now: datetime) -> bool:
    """Return whether no discount may be redeemed now, by the newest judgement; one short statement where the program
    blocks at all, else none.

    The present program's percentage counts, so a new limit acts at once.
    """
    limit = program.discount_share
    if limit is None or limit.action != BLOCK:
        return False
    figures = find_figures(connection)
    return figures is not None and is_over(limit, figures, now)


def is_over(limit: DiscountShare, figures: DiscountFigures, now: datetime) -> bool:
    """Return whether figures that are not stale are above a limit."""
    return now - figures.judged_at < STALE and limit.is_above(figures.discounts, figures.revenue)


def share_of(figures: DiscountFigures) -> Fraction | None:
    """Return the share of the revenue that discounts took; None without any revenue."""
    return Fraction(figures.discounts, figures.revenue) if figures.revenue else None

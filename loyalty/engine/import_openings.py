"""What a row of a file brings along: lots, debt, credit, figures, tier; law: what is over is not brought back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from loyalty.engine.import_columns import items_of, texts_of
from loyalty.engine.import_reader import Reader
from loyalty.engine.opening import Figure, Opening, OpeningCredit, OpeningLot, OpeningTier
from loyalty.imports.cells import read_end, read_instant, read_money
from loyalty.tiers.holding import Term, period_end
from loyalty.values import ZERO, exact, fraction_text, plain_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Before every window: it counts for the whole life only."""
GROUNDS = ("override", "invitation", "membership")
_FRACTION = re.compile(r"-?[0-9]{1,18}/[1-9][0-9]{0,17}")


def read_opening_of(reader: Reader) -> Opening:
    """Return what a row brings along; what is wrong with it is noted."""
    joined, active = reader.past("joined_at"), reader.past("last_active_at")
    return Opening(
        lots=_lots(reader, active),
        debt=reader.count("debt"),
        credit=_credit(reader),
        joined_at=joined,
        figures=_figures(reader, joined),
        orders=reader.count("order_count")
        if "order_count" in reader.cells
        else reader.count("lifetime_orders"),
        last_order_at=reader.past("last_order_at"),
        active_at=active,
        tier=_tier(reader),
        terms=_terms(reader),
        rewarded=_rewards(reader),
        tags=tuple(sorted({reader.word("tags", it) for it in texts_of(reader.cells.get("tags", ""))})),
    )


def _lots(reader: Reader, active: datetime | None) -> tuple[OpeningLot, ...]:
    if reader.count("held"):
        reader.refuse("held", "Points are set aside for open redemptions: let these end before the export.")
    if "lots" in reader.cells:
        lots = tuple(_lot(reader, item, "lots") for item in items_of(reader.cells["lots"], "lots"))
        if "points" in reader.cells and reader.count("points") != sum(lot.points for lot in lots):
            reader.refuse("points", "Is not the sum of the lots.")
    else:
        simple = {name: reader.cells.get(name, "") for name in ("points", "expires_at")}
        lots = (_lot(reader, simple, "points"),) if reader.count("points") else ()
    _judge_inactivity(reader, active, lots)
    return lots


def _lot(reader: Reader, item: Mapping[str, Any], column: str) -> OpeningLot:
    now, points = reader.ground.now, reader.count(column, item.get("points", ""))
    if column == "lots" and not points:
        reader.refuse(column, "A lot has at least 1 point.")
    ends = "expires_at" if column == "points" else column
    program, told = reader.ground.program, item.get("expires_at", "")
    end = reader.ahead(ends, told) if told else program.expiry.lot_end(now, program.time_zone)
    earned = reader.past(column, item.get("earned_at", "")) or now
    tz = reader.ground.tz
    usable: datetime = reader.read(
        column, lambda it: read_instant(it, tz), now, item.get("available_from", "")
    )
    if end is not None and end <= usable:
        reader.refuse(ends, "The points would die before they can be used.")
    return OpeningLot(points, earned, usable, end)


def _judge_inactivity(reader: Reader, active: datetime | None, lots: tuple[OpeningLot, ...]) -> None:
    program, now = reader.ground.program, reader.ground.now
    end = program.expiry.inactivity_end(active or now, program.time_zone)
    if lots and end is not None and end <= now:
        reader.refuse("last_active_at", "By inactivity all points would be dead already.")


def _credit(reader: Reader) -> tuple[OpeningCredit, ...]:
    if _money(reader, "credit_held"):
        reader.refuse("credit_held", "Credit is set aside for codes: let these end before the export.")
    whole, tz = _money(reader, "credit"), reader.ground.tz
    waiting = []
    for item in items_of(reader.cells.get("credit_pending", ""), "credit_pending"):
        amount = reader.read("credit_pending", read_money, Decimal(0), item.get("amount", ""))
        usable: datetime = reader.read(
            "credit_pending", lambda it: read_instant(it, tz), reader.ground.now, item.get("usable_from", "")
        )
        waiting.append(OpeningCredit(plain_text(amount), usable))
        whole -= amount
    usual = [OpeningCredit(plain_text(whole))] if whole else []
    return tuple(usual + [part for part in waiting if part.amount != "0"])


def _money(reader: Reader, name: str) -> Decimal:
    amount, decimals = reader.read(name, read_money, Decimal(0)), reader.ground.program.decimals
    if amount != round(amount, decimals):
        reader.refuse(name, f"Has more than {decimals} decimals.")
    return amount


def _spend(text: str) -> Fraction:
    return exact(text) if _FRACTION.fullmatch(text) else Fraction(read_money(text))


def _figures(reader: Reader, joined: datetime | None) -> tuple[Figure, ...]:
    """Return what counts toward the tier by instant; of the whole life what is not dated counts from the joining."""
    dated = [_figure(reader, item) for item in items_of(reader.cells.get("figures", ""), "figures")]
    spend = reader.read("lifetime_spend", _spend, ZERO) - sum((exact(it.spend) for it in dated), ZERO)
    orders = reader.count("lifetime_orders") - sum(it.orders for it in dated)
    points = reader.count("lifetime_points", signed=True) - sum(it.points for it in dated)
    if any(name in reader.cells for name in ("lifetime_spend", "lifetime_orders", "lifetime_points")):
        if (spend < 0 or orders < 0) and dated:
            reader.refuse("figures", "Are more than the figures of the whole life.")
        if spend or orders or points:
            dated.insert(0, Figure(joined or EPOCH, fraction_text(spend), orders, points))
    return tuple(dated)


def _figure(reader: Reader, item: Mapping[str, Any]) -> Figure:
    at = reader.past("figures", item.get("at", ""))
    if at is None:
        reader.refuse("figures", "Each has a time: 2026-03-10@1200@1@1200 is time, spend, orders, points.")
    spend = reader.read("figures", _spend, ZERO, item.get("spend", ""))
    counts = [
        reader.count("figures", item.get(name, ""), signed=True)
        for name in ("orders", "points", "activity", "events")
    ]
    return Figure(at or EPOCH, fraction_text(spend), *counts)


def _tier(reader: Reader) -> OpeningTier | None:
    key, since = reader.tier("tier"), reader.past("tier_since") or reader.ground.now
    until, falls_at = reader.cells.get("tier_until", ""), reader.ahead("tier_falls_at")
    tz, mistakes = reader.ground.tz, len(reader.mistakes)
    if falls_at is None:
        end = reader.ahead("tier_until")
    else:  # it was judged at its end, and waits for the grace
        end = reader.read("tier_until", lambda told: read_end(told, tz), None, until)
    if (
        until
        and end is None
        and len(reader.mistakes) == mistakes
        and period_end(reader.ground.program, key, since)
    ):
        reader.refuse("tier_until", "A tier that never ends is a term: tell it in `terms`.")
    falls_to = reader.tier("tier_falls_to") or None
    return OpeningTier(key, since, end, falls_to, falls_at) if key else None


def _terms(reader: Reader) -> tuple[Term, ...]:
    return tuple(
        term
        for place, item in enumerate(items_of(reader.cells.get("terms", ""), "terms"), 1)
        if (term := _term(reader, item, place)) is not None
    )


def _term(reader: Reader, item: Mapping[str, Any], place: int) -> Term | None:
    by, tz = item.get("by", ""), reader.ground.tz
    if by not in GROUNDS:
        reader.refuse("terms", f"The ground must be one of {', '.join(GROUNDS)}.")
        return None
    key = reader.tier("terms", item.get("tier", ""))
    start: datetime = reader.read(
        "terms", lambda it: read_instant(it, tz), reader.ground.now, item.get("start", "")
    )
    until = reader.ahead("terms", item.get("until", ""))
    paid = reader.read("terms", lambda it: read_end(it, tz), None, item.get("paid_until", ""))
    cause = reader.word("terms", str(item.get("cause", ""))) or f"{by}:imported:{place}"
    return Term(cause, by, key, start, until, start <= reader.ground.now, paid)


def _rewards(reader: Reader) -> tuple[tuple[str, datetime], ...]:
    found = []
    for item in items_of(reader.cells.get("entry_rewards", ""), "entry_rewards"):
        at = reader.past("entry_rewards", item.get("at", ""))
        if at is not None:
            found.append((reader.tier("entry_rewards", item.get("tier", "")), at))
    return tuple(found)

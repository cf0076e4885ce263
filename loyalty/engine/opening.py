"""What a member brings from another system, as one value: lots, figures, tier; law: it says all that the fold needs of
the past, so that folding it anywhere ends in the same figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from loyalty.tiers.holding import Term

Data = dict[str, Any]


class OpeningLot(NamedTuple):
    """Whole points that were not spent yet, with dates of their own; `expires_at` None: they never die."""

    points: int
    earned_at: datetime
    available_from: datetime
    expires_at: datetime | None


class Figure(NamedTuple):
    """What counted toward the tier from an instant on; `spend` is exact money as a fraction's text."""

    at: datetime
    spend: str
    orders: int
    points: int
    activity: int = 0
    events: int = 0


class OpeningTier(NamedTuple):
    """The tier that a member's own figures gave him there: judged at `until` (None: by the rules here), or where it
    was judged already and not kept, lost at `falls_at`.
    """

    key: str
    since: datetime
    until: datetime | None = None
    falls_to: str | None = None
    falls_at: datetime | None = None


class OpeningCredit(NamedTuple):
    """Store credit as a decimal text; `usable_from` None: now."""

    amount: str
    usable_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """All that is carried over of one member."""

    lots: tuple[OpeningLot, ...] = ()
    debt: int = 0
    credit: tuple[OpeningCredit, ...] = ()
    joined_at: datetime | None = None
    figures: tuple[Figure, ...] = ()
    orders: int = 0
    """Orders that counted there: the next one here is not his first."""
    last_order_at: datetime | None = None
    active_at: datetime | None = None
    """When he earned or redeemed last; None: the import itself counts as that."""
    tier: OpeningTier | None = None
    terms: tuple[Term, ...] = ()
    rewarded: tuple[tuple[str, datetime], ...] = ()
    """When he was last given the reward of entering a tier."""
    tags: tuple[str, ...] = ()


def opening_data(opening: Opening) -> Data:
    """Return an opening as JSON data, without what says nothing."""
    parts = {
        "lots": [_plain(lot) for lot in opening.lots],
        "debt": opening.debt,
        "credit": [_plain(part) for part in opening.credit],
        "joined_at": _text(opening.joined_at),
        "figures": [_plain(figure) for figure in opening.figures],
        "orders": opening.orders,
        "last_order_at": _text(opening.last_order_at),
        "active_at": _text(opening.active_at),
        "tier": _plain(opening.tier) if opening.tier else None,
        "terms": [_plain(term) for term in opening.terms],
        "rewarded": [_plain(each) for each in opening.rewarded],
        "tags": list(opening.tags),
    }
    return {name: part for name, part in parts.items() if part}


def read_opening(data: Mapping[str, Any]) -> Opening:
    """Return the opening that `opening_data` wrote."""
    return Opening(
        lots=tuple(
            OpeningLot(it[0], _moment(it[1]), _moment(it[2]), _at(it[3])) for it in _list(data, "lots")
        ),
        debt=data.get("debt", 0),
        credit=tuple(OpeningCredit(it[0], _at(it[1])) for it in _list(data, "credit")),
        joined_at=_at(data.get("joined_at")),
        figures=tuple(Figure(_moment(it[0]), *it[1:]) for it in _list(data, "figures")),
        orders=data.get("orders", 0),
        last_order_at=_at(data.get("last_order_at")),
        active_at=_at(data.get("active_at")),
        tier=_tier(data.get("tier")),
        terms=tuple(_term(it) for it in _list(data, "terms")),
        rewarded=tuple((it[0], _moment(it[1])) for it in _list(data, "rewarded")),
        tags=tuple(_list(data, "tags")),
    )


def _list(data: Mapping[str, Any], name: str) -> Sequence[Any]:
    found: Sequence[Any] = data.get(name, ())
    return found


def _tier(item: list[Any] | None) -> OpeningTier | None:
    if item is None:
        return None
    key, since, until, falls_to, falls_at = item
    return OpeningTier(key, _moment(since), _at(until), falls_to, _at(falls_at))


def _term(item: list[Any]) -> Term:
    cause, by, key, start, until, begun, paid_until = item
    return Term(cause, by, key, _moment(start), _at(until), begun, _at(paid_until))


def _plain(values: Sequence[Any]) -> list[Any]:
    return [value.isoformat() if isinstance(value, datetime) else value for value in values]


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None

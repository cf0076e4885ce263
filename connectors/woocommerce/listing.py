"""Orders page by page on a list that moves: what was read stays read, and nothing that moves on is skipped.

Page numbers count from the list's beginning, so that a row which leaves it hides another one. Each page begins anew
just before the last row of the one before; only what shares one second is counted in pages.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.http import Door
from connectors.values import instant_or_none
from connectors.woocommerce.api import API, LARGEST_PAGE, expect, objects

SECOND = timedelta(seconds=1)
STAMP = "%Y-%m-%dT%H:%M:%SZ"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list goes on: of which status, after which second (None: at its beginning), on which page from there."""

    status: str
    after: datetime | None
    page: int = 1

    def text(self) -> str:
        """Return the place as `read_place` reads it back."""
        return f"{self.status} {self.after.strftime(STAMP) if self.after else '-'} {self.page}"


def read_place(text: str) -> Place:
    """Return the place that `Place.text` wrote."""
    status, after, page = text.split(" ")
    moment = None if after == "-" else datetime.strptime(after, STAMP).replace(tzinfo=UTC)
    return Place(status, moment, int(page))


def list_orders(door: Door, by: str, place: Place, fields: str = "") -> tuple[list[Json], Place | None]:
    """Return a page of orders by `modified` or `date` of creation, oldest first, and where it goes on, None: nowhere.

    `modified_after` and `after` are strictly greater, in whole seconds, and site-local unless said otherwise. Raises
    PushError.
    """
    bound = "modified_after" if by == "modified" else "after"
    query = {
        "orderby": by, "order": "asc", "status": place.status, "per_page": str(LARGEST_PAGE), "page": str(place.page),
        **({bound: place.after.strftime(STAMP), "dates_are_gmt": "true"} if place.after else {}),
        **({"_fields": fields} if fields else {}),
    }  # fmt: skip
    rows = objects(expect(door.get(f"{API}/orders", query)))
    return rows, _next(rows, by, place)


def _next(rows: list[Json], by: str, place: Place) -> Place | None:
    if len(rows) < LARGEST_PAGE:
        return None
    key = "date_modified_gmt" if by == "modified" else "date_created_gmt"
    last = instant_or_none(rows[-1].get(key))
    if last is not None and (place.after is None or last - SECOND > place.after):
        return replace(place, after=last - SECOND, page=1)
    return replace(place, page=place.page + 1)

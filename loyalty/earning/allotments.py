"""What limited campaigns gave to single orders; law: what is in use never exceeds what a campaign may give,
and what an order was once granted is its own in every later fold (RULES §2, §3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from loyalty.programs.campaigns import Campaign


@dataclass(frozen=True, slots=True)
class Allocation:
    """What one order may have of one campaign.

    `granted` points at most, 0 for who got none; `returned` is what of them refunds gave back while the campaign ran.
    """

    granted: int
    returned: int = 0

    @property
    def used(self) -> int:
        """Return the points that nobody else can have."""
        return self.granted - self.returned


Place = tuple[str, str]
"""The keys of a campaign and of an order."""


@dataclass(slots=True)
class Allotments:
    """The allocations of one member's orders, and the points in use of each campaign, which a whole batch shares."""

    spent: dict[str, int] = field(default_factory=dict)
    stored: dict[Place, Allocation] = field(default_factory=dict)
    """As the member's rows were read."""
    rows: dict[Place, Allocation] = field(default_factory=dict)
    seen: set[Place] = field(default_factory=set)
    """What this fold awarded."""

    def grant(self, campaign: Campaign, order_key: str, asked: int, kept: int) -> int:
        """Return the points that an order may have of a campaign at most, and keep that.

        An order without an allocation gets what is left, at most what it asks for. One that has an allocation keeps
        it, unless more of it is `kept` than before and the points it had given back are gone: then for good the rest.
        """
        known = self.rows.get((campaign.key, order_key))
        most = self._left(campaign) + (known.used if known else 0)
        granted = min(asked, most) if known is None else known.granted
        if min(granted, kept) > most:
            granted = most
        self._put((campaign.key, order_key), Allocation(granted, granted - min(granted, max(0, kept))))
        self.seen.add((campaign.key, order_key))
        return granted

    def has(self, campaign: Campaign, order_key: str) -> bool:
        """Return whether an order was given something of a campaign, or nothing, before."""
        return (campaign.key, order_key) in self.rows

    def _left(self, campaign: Campaign) -> int:
        left = []
        if campaign.budget is not None:
            left.append(campaign.budget - self.spent.get(campaign.key, 0))
        if campaign.per_member is not None:
            own = sum(row.used for (key, _), row in self.rows.items() if key == campaign.key)
            left.append(campaign.per_member - own)
        return max(0, min(left))

    def _put(self, place: Place, row: Allocation) -> None:
        before = self.rows[place].used if place in self.rows else 0
        self.spent[place[0]] = self.spent.get(place[0], 0) + row.used - before
        self.rows[place] = row

    def release(self, orders: Iterable[str]) -> None:
        """Give back what these orders hold of campaigns that they met in no award of this fold."""
        wanted = set(orders)
        for place in [place for place in self.rows if place[1] in wanted and place not in self.seen]:
            granted = self.rows[place].granted
            self._put(place, Allocation(granted, granted))

    def news(self) -> dict[Place, Allocation]:
        """Return the rows that are not stored as they are now."""
        return {place: row for place, row in self.rows.items() if self.stored.get(place) != row}

    def fresh(self) -> Allotments:
        """Return the same before a fold from nothing."""
        return Allotments(self.spent, self.stored, self.rows)

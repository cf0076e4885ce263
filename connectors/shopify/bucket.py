"""The points that a shop lets us spend: how many are left by its own words, and how long to wait for more.

Costs are counted per app and shop: the bucket must hold the requested cost of a query, and the difference to the actual
one is given back (https://shopify.dev/docs/api/usage/limits).
"""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

MOST_OF_A_QUERY = 1000
"""Points that a single query may cost on every plan."""
Json = dict[str, Any]


def _points(value: Any) -> float:
    return float(value) if isinstance(value, int | Decimal) else 0.0


class Bucket:
    """What the last answer said of the points, and what each document costs per thing that it asks for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._costs: dict[str, int] = {}
        self._left = self._most = self._rate = 0.0
        self._told_at = time.monotonic()

    def note(self, cost: object, name: str, size: int) -> None:
        """Learn from `extensions.cost` of an answer to a document that asked for so many things."""
        if not isinstance(cost, dict):
            return
        status = cost.get("throttleStatus")
        with self._lock:
            if isinstance(status, dict):
                self._left = _points(status.get("currentlyAvailable"))
                self._most = _points(status.get("maximumAvailable"))
                self._rate = _points(status.get("restoreRate"))
                self._told_at = time.monotonic()
            self.learn(name, cost.get("requestedQueryCost"), size)

    def learn(self, name: str, cost: object, size: int) -> None:
        """Learn what a document costs per thing, rounded up."""
        if isinstance(cost, int) and cost > 0:
            self._costs[name] = -(-cost // size)

    def size(self, name: str, guess: int) -> int:
        """Return for how many things a document may ask at once: as many as one query and the bucket can hold."""
        most = min(MOST_OF_A_QUERY, int(self._most) or MOST_OF_A_QUERY)
        each = self._costs.get(name)
        return guess if each is None else max(1, min(guess, most // each))

    def shortage(self, name: str, size: int) -> float:
        """Return how many seconds until the bucket holds what a document will cost; 0 where nothing is known."""
        needed = self._costs.get(name, 0) * size
        return self.wait_for(needed)

    def may_hold(self, needed: float) -> bool:
        """Return whether the bucket ever holds so many points."""
        return not self._most or needed <= self._most

    def wait_for(self, needed: float) -> float:
        """Return how many seconds until the bucket holds so many points."""
        with self._lock:
            if not self._rate:
                return 0.0
            passed = time.monotonic() - self._told_at
            left = min(self._most, self._left + passed * self._rate)
            return max(0.0, (min(needed, self._most) - left) / self._rate)

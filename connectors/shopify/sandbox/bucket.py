"""The leaky bucket of the GraphQL API: it must hold what a query asks for, and gets back what it did not use."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.shopify.sandbox.state import Json


class Bucket:
    """Holds points; `clock` gives seconds and may be set. The shop's lock guards it."""

    def __init__(self, maximum: float, restore_rate: float) -> None:
        self.maximum = maximum
        self.restore_rate = restore_rate
        self.clock: Callable[[], float] = time.monotonic
        self._left = maximum
        self._at: float | None = None

    def take(self, cost: float) -> bool:
        """Take points; return False, and take none, when there are not enough."""
        self._fill()
        if self._left < cost:
            return False
        self._left -= cost
        return True

    def give_back(self, cost: float) -> None:
        """Return points that were not used."""
        self._left = min(self.maximum, self._left + cost)

    def drain(self) -> None:
        """Leave nothing, as other users of the app would."""
        self._fill()
        self._left = 0.0

    def status(self) -> Json:
        """Return what the API tells of the bucket."""
        self._fill()
        return {
            "maximumAvailable": float(self.maximum),
            "currentlyAvailable": int(self._left),
            "restoreRate": float(self.restore_rate),
        }

    def _fill(self) -> None:
        now = self.clock()
        passed = 0.0 if self._at is None else max(0.0, now - self._at)
        self._at = now
        self._left = min(self.maximum, self._left + passed * self.restore_rate)

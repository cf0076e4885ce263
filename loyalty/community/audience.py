"""Who may take part; law: everybody, unless tiers, segments or tags are named, and then one of each that is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Audience:
    tiers: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def admits(self, tier: str | None, segments: Collection[str], tags: Collection[str]) -> bool:
        """Return whether somebody of this tier, in these segments and with these tags may take part."""
        asked = ((self.tiers, {tier}), (self.segments, segments), (self.tags, tags))
        return all(not named or not named.isdisjoint(own) for named, own in asked)

    @property
    def is_everybody(self) -> bool:
        """Return whether nothing is asked."""
        return not (self.tiers or self.segments or self.tags)


def read_audience(data: Mapping[str, Any]) -> Audience:
    """Return the audience of JSON data."""
    return Audience(*(frozenset(data.get(name, ())) for name in ("tiers", "segments", "tags")))

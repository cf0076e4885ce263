"""Benefits that a tier has from the one below it (S43); law: what a tier states itself counts, even nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Data = dict[str, Any]
OWN = "own"
INHERIT = "inherit"


def inherit_benefits(tiers: Sequence[Data], written: Sequence[Mapping[str, Any]]) -> list[Data]:
    """Return checked tiers with the next lower one's value for every benefit that is not written at a tier itself."""
    found: list[Data] = []
    lower: Data = {}
    for tier, document in zip(tiers, written, strict=True):
        own = document.get("benefits", {})
        lower = {**tier["benefits"], **{name: value for name, value in lower.items() if name not in own}}
        found.append({**tier, "benefits": lower})
    return found

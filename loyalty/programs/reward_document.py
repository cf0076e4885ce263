"""Rewards of a checked document as frozen values."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from loyalty.clock import local_instant
from loyalty.programs.catalogue import FormField, Reward, Uses
from loyalty.programs.terms import Match


def read_reward(data: dict[str, Any], tz: str) -> Reward:
    """Return a reward of a checked document; its dates are local times of the zone."""
    return Reward(
        **{
            **data,
            "tiers": tuple(data["tiers"]),
            "per_member": Uses(**data["per_member"]) if data["per_member"] else None,
            "opens": _instant(data["opens"], tz),
            "closes": _instant(data["closes"], tz),
            "products": Match(**{name: frozenset(listed) for name, listed in data["products"].items()}),
            "form": tuple(_form_field(item) for item in data["form"]),
        }
    )


def _form_field(data: dict[str, Any]) -> FormField:
    return FormField(**{**data, "options": {option["key"]: option["text"] for option in data["options"]}})


def _instant(wall: datetime | None, tz: str) -> datetime | None:
    return local_instant(wall, tz) if wall else None

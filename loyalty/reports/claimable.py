"""What a member may have without points by his tier, and how often still; judged as when he claims it (S60)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.programs.catalogue import Reward
from loyalty.programs.program import Program
from loyalty.reports.catalogue_figures import list_group
from loyalty.reports.situations import ask, judge
from loyalty.reports.standing import Standing
from loyalty.rewards.eligibility import DISCOUNT_SHARE, MINIMUM_BALANCE, OUT_OF_STOCK, USED_UP, Refusal
from loyalty.rewards.refusal_words import NO_EMAIL

Data = dict[str, Any]
_ONLY_NOW = frozenset({OUT_OF_STOCK, USED_UP, MINIMUM_BALANCE, DISCOUNT_SHARE, NO_EMAIL})
"""Refusals that leave a benefit his: it may be claimed again at another time."""


def list_claimable(connection: Connection, program: Program, standing: Standing, now: datetime) -> list[Data]:
    """Return the benefits that a member may claim without points, with what is left in the period that runs."""
    claims = [reward for reward in program.rewards if reward.points == 0]
    if not claims:
        return []
    asked = ask(connection, program, standing, list_group(connection, standing.id), claims, now)
    judged = [(reward, judge(reward, program, asked)) for reward in claims]
    return [
        _shown(reward, asked.uses.get(reward.key, 0), found)
        for reward, found in judged
        if {each.code for each in found} <= _ONLY_NOW
    ]


def _shown(reward: Reward, uses: int, found: Sequence[Refusal]) -> Data:
    most = reward.per_member
    return {
        "reward": reward.key,
        "kind": reward.kind,
        "name": reward.name,
        "terms": reward.terms,
        "uses": most.uses if most else None,
        "period": most.period if most else None,
        "uses_left": max(0, most.uses - uses) if most else None,
        "refusals": [each.code for each in found],
    }

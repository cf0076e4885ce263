"""What a member may have without points by his tier, and how often still; judged as when he claims it (S60)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.programs.catalogue import Reward, is_offered
from loyalty.programs.program import Program
from loyalty.reports.persons import list_roots
from loyalty.reports.standing import Standing
from loyalty.rewards.eligibility import (
    MINIMUM_BALANCE,
    OUT_OF_STOCK,
    USED_UP,
    Refusal,
    Situation,
    period_start,
    refusals,
)
from loyalty.rewards.redemption_repository import count_open
from loyalty.stores.service import list_platforms

Data = dict[str, Any]
_ONLY_NOW = frozenset({OUT_OF_STOCK, USED_UP, MINIMUM_BALANCE})
"""Refusals that leave a benefit his: it may be claimed again at another time."""


def list_claimable(connection: Connection, program: Program, standing: Standing, now: datetime) -> list[Data]:
    """Return the benefits that a member may claim without points, with what is left in the period that runs."""
    claims = [reward for reward in program.rewards if reward.points == 0]
    platforms = list_platforms(connection) if claims else frozenset()
    rewards = [reward for reward in claims if is_offered(reward.kind, platforms)]
    members = list_roots(connection, standing.id) if rewards else []
    return list(_claimable(connection, program, standing, rewards, members, now))


def _claimable(
    connection: Connection,
    program: Program,
    standing: Standing,
    rewards: Sequence[Reward],
    members: Sequence[UUID],
    now: datetime,
) -> Iterator[Data]:
    tier = standing.tier.key if standing.tier else None
    for reward in rewards:
        uses = 0
        if reward.per_member is not None:
            since = period_start(reward.per_member.period, now, program.time_zone)
            uses = count_open(connection, reward.key, members=members, since=since)
        taken = count_open(connection, reward.key) if reward.stock is not None else 0
        situation = Situation(tier, standing.balance.available, uses, taken, now, 0)
        found = refusals(reward, program, situation)
        if {each.code for each in found} <= _ONLY_NOW:
            yield _shown(reward, uses, found)


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

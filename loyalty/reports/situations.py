"""What speaks against each reward for one member now, judged as when he redeems it; a constant number of statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine.discounting import is_blocked
from loyalty.programs.catalogue import CODE_KINDS, Reward, is_offered
from loyalty.programs.program import Program
from loyalty.reports.catalogue_figures import count_taken, count_uses
from loyalty.reports.standing import Standing
from loyalty.rewards.eligibility import Refusal, Situation, least_price, period_start, refusals
from loyalty.rewards.refusal_words import NO_EMAIL
from loyalty.stores.service import list_platforms


@dataclass(frozen=True, slots=True)
class Asked:
    """The situation of one member: how often he redeemed what, how much is taken, and whether discounts are barred."""

    standing: Standing
    has_email: bool
    uses: Mapping[str, int]
    taken: Mapping[str, int]
    is_blocked: bool
    platforms: frozenset[str]
    """Of the shops that are connected."""
    now: datetime


def ask(
    connection: Connection,
    program: Program,
    standing: Standing,
    group: Mapping[UUID, str],
    offered: Sequence[Reward],
    now: datetime,
) -> Asked:
    """Return what some rewards are judged by for a member, given with who is merged into him and their e-mails."""
    starts = {
        each.key: period_start(each.per_member.period, now, program.time_zone)
        for each in offered
        if each.per_member is not None
    }
    return Asked(
        standing=standing,
        has_email=any(group.values()),
        uses=count_uses(connection, group, starts),
        taken=count_taken(connection, [each.key for each in offered if each.stock is not None]),
        is_blocked=is_blocked(connection, program, now),
        platforms=list_platforms(connection),
        now=now,
    )


def judge(reward: Reward, program: Program, asked: Asked) -> tuple[Refusal, ...]:
    """Return every reason against redeeming a reward now; none: it may be redeemed."""
    standing = asked.standing
    tier = standing.tier
    situation = Situation(
        tier_key=tier.key if tier is not None and tier.since is not None else None,
        available=standing.balance.available,
        uses=asked.uses.get(reward.key, 0),
        taken=asked.taken.get(reward.key, 0),
        now=asked.now,
        points=least_price(reward, program.decimals),
        is_blocked=asked.is_blocked,
        is_offered=is_offered(reward.kind, asked.platforms),
    )
    found = refusals(reward, program, situation)
    if reward.kind in CODE_KINDS and not asked.has_email:
        return (*found, Refusal(NO_EMAIL))
    return found

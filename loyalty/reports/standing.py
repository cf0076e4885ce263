"""Where members stand at an instant: balance, tier, figures and what is missing; a constant number of statements."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine import codec
from loyalty.engine.due import settle, sources_due
from loyalty.engine.state import MemberState
from loyalty.engine.tiering import metrics_at, present_tier
from loyalty.ledger import repository as ledger
from loyalty.ledger.lots import Balance
from loyalty.members import repository as members
from loyalty.programs.ladder import Text, Tier
from loyalty.programs.program import Program, Versions
from loyalty.programs.service import load_versions
from loyalty.programs.terms import Metric
from loyalty.tiers.progress import progress_to_next
from loyalty.tiers.qualification import Metrics
from loyalty.values import AccountId, decimal_floor


@dataclass(frozen=True, slots=True)
class TierNow:
    """A member's present tier; `until` is None: it has no end."""

    key: str
    name: Text
    since: datetime | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """How much of a metric is missing: money as a decimal text, else a whole number."""

    metric: str
    amount: str | int


@dataclass(frozen=True, slots=True)
class ProgressNow:
    """The key of the next tier, None at the top, and what is missing to it."""

    next_tier: str | None
    missing: tuple[Gap, ...]
    text: Text


@dataclass(frozen=True, slots=True)
class Figures:
    """The tier metrics in the program's window: spend as a decimal text, rounded down."""

    spend: str
    orders: int
    points: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Everything one asks first of a member; without a program in force he has no tier and nothing to reach."""

    id: UUID
    email: str
    name: str
    merged_into: UUID | None
    """Who stands for him."""
    joined_at: datetime | None
    tier: TierNow | None
    balance: Balance
    progress: ProgressNow | None
    metrics: Figures


def read_standings(
    connection: Connection, account: AccountId, ids: Sequence[UUID], now: datetime
) -> list[Standing]:
    """Return the standing of each of these members, in this order; those of other accounts are left out."""
    rows = {row["id"]: row for row in members.list_members(connection, ids)}
    if not rows:
        return []
    versions = load_versions(connection, account)
    states = {member: codec.member_state(row) for member, row in rows.items()}
    sources = {cause for state in states.values() for cause in sources_due(state, now)}
    for lot in ledger.list_open_lots(connection, list(states), sorted(sources)):
        states[lot["member_id"]].wallet.lots[lot["cause"]] = codec.lot(lot)
    return [_standing(rows[member], states[member], versions, now) for member in ids if member in rows]


def _standing(row: Any, state: MemberState, versions: Versions, now: datetime) -> Standing:
    program = versions.at(now)
    settle(state, now, versions)
    metrics = metrics_at(state, program, now) if program is not None else Metrics()
    return Standing(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        merged_into=row["merged_into"],
        joined_at=row["joined_at"],
        tier=_tier(state, program),
        balance=state.wallet.balance(now),
        progress=_progress(state, program, metrics),
        metrics=figures(metrics, program),
    )


def _tier(state: MemberState, program: Program | None) -> TierNow | None:
    if program is None:
        return None
    tier: Tier = program.tier(state.tier_key)
    if not state.periods:
        return TierNow(tier.key, tier.name, None)
    return TierNow(tier.key, tier.name, state.periods[-1].started_at, present_tier(state, program)[1])


def _progress(state: MemberState, program: Program | None, metrics: Metrics) -> ProgressNow | None:
    if program is None:
        return None
    progress = progress_to_next(program, state.tier_key or "", metrics)
    gaps = tuple(Gap(str(part.metric), _amount(part.metric, part.amount)) for part in progress.missing)
    return ProgressNow(progress.next_tier.key if progress.next_tier else None, gaps, progress.text)


def _amount(metric: Metric, amount: Decimal) -> str | int:
    return f"{amount:f}" if metric is Metric.SPEND else int(amount)


def figures(metrics: Metrics, program: Program | None) -> Figures:
    """Return metrics as they are shown: spend in the program's decimals, rounded down."""
    spend = decimal_floor(metrics.spend, program.decimals if program else 0)
    return Figures(f"{spend:f}", metrics.orders, metrics.points)


def names_of_tiers(programs: Iterable[Program]) -> dict[str, Text]:
    """Return the newest name of each tier that any version had."""
    return {tier.key: tier.name for program in programs for tier in program.tiers}

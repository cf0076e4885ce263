"""Write what rules give that is no code: claims that people carry out, or content;
law: the fold decides whether one stands, until people have begun.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from loyalty.db import Row
from loyalty.engine.book import AccountBook
from loyalty.engine.state import Grant
from loyalty.engine.work import MemberWork
from loyalty.programs.catalogue import SERVICE_KINDS
from loyalty.programs.program import Versions
from loyalty.rewards.claim_repository import CLAIM, put_claims
from loyalty.rewards.coupon import valid_until
from loyalty.rewards.redemption import Fulfilment, RedemptionState
from loyalty.values import new_id


def save_claims(
    connection: Connection,
    book: AccountBook,
    works: Sequence[MemberWork],
    versions: Versions,
    now: datetime,
) -> None:
    """Write the claims that a batch gave, and withdraw those whose causes are gone."""
    rows = [row for work in works if not work.is_merged for row in _rows(work, versions, now)]
    if rows:
        put_claims(connection, book.id, rows, now)


def _rows(work: MemberWork, versions: Versions, now: datetime) -> Iterator[Row]:
    for grant in work.state.grants.values():
        if grant.is_claim:
            yield from _row(work, grant, versions, now)
    for row in work.claims if work.refold else ():
        if is_withdrawable(row) and row["cause"] not in work.state.grants:
            gone = _standing(row["kind"], RedemptionState.CANCELLED)
            yield {**{name: row[name] for name in CLAIM}, **gone}


def _row(work: MemberWork, grant: Grant, versions: Versions, now: datetime) -> Iterator[Row]:
    program = versions.numbered(grant.version)
    reward = program.reward(grant.reward_key) if program else None
    if program is None or reward is None:
        return
    ends_at = valid_until(reward, program, grant.granted_at)
    over = ends_at is not None and ends_at <= now
    state = RedemptionState.EXPIRED if over else RedemptionState.CAPTURED
    yield {
        "id": new_id(),
        "cause": grant.cause,
        "member_id": work.root(grant.owner),
        "reward_key": reward.key,
        "kind": reward.kind,
        "program_version": program.version,
        "asked_at": grant.granted_at,
        "ends_at": ends_at,
        **_standing(reward.kind, RedemptionState.CANCELLED if grant.withdrawn else state),
    }


def _standing(kind: str, state: RedemptionState) -> Row:
    step = Fulfilment.OPEN if state is RedemptionState.CAPTURED else Fulfilment.CANCELLED
    return {"state": state.value, "fulfilment": step.value if kind in SERVICE_KINDS else None}


def wanted_causes(work: MemberWork, *, claims: bool) -> set[str]:
    """Return the causes of what he deserves now: of claims, or of coupons."""
    grants = work.state.grants.values()
    return {grant.cause for grant in grants if grant.is_claim is claims and not grant.withdrawn}


def is_withdrawable(row: Mapping[Any, Any]) -> bool:
    """Return whether a claim stands and nobody has begun with it."""
    return row["state"] == RedemptionState.CAPTURED and row["fulfilment"] in (None, Fulfilment.OPEN)

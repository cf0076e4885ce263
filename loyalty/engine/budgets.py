"""Read and write what limited campaigns gave; law: who gives holds the campaign's lock, after those of the members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from loyalty.earning import repository as earning
from loyalty.earning.allotments import Allocation
from loyalty.engine.planning import open_campaigns
from loyalty.engine.state import OrderFile
from loyalty.engine.work import MemberWork
from loyalty.programs.program import Versions
from loyalty.values import AccountId


def read_allotments(connection: Connection, works: Iterable[MemberWork], versions: Versions) -> None:
    """Read the allocations of members whose news are known; nothing where no version limits a campaign."""
    concerned = {work.id: work for work in works if work.refold or work.changes}
    if not concerned or not _has_limits(versions):
        return
    by_order = {file.ref.key: work for work in concerned.values() for file in _news(work)}
    for row in earning.list_allocations(connection, list(concerned), list(by_order)):
        work = by_order.get(row["order_key"], concerned.get(row["member_id"]))
        if work is not None and row["order_key"] not in work.dropped:
            _take(work, row)


def _has_limits(versions: Versions) -> bool:
    return any(campaign.is_limited for program in versions.programs for campaign in program.campaigns)


def _news(work: MemberWork) -> list[OrderFile]:
    """Return the orders that a fold may award."""
    return work.files() if work.refold else [change.new for change in work.changes]


def _take(work: MemberWork, row: Any) -> None:
    place, allotments = (row["campaign_key"], row["order_key"]), work.state.allotments
    allotments.rows[place] = Allocation(row["granted"], row["returned"])
    if row["member_id"] == work.id:
        allotments.stored[place] = allotments.rows[place]


def lock_budgets(
    connection: Connection, account: AccountId, works: Sequence[MemberWork], versions: Versions
) -> None:
    """Lock the campaigns that may give to these members' orders or get back from them, and share what is in use."""
    keys = {
        campaign.key
        for work in works
        for file in _news(work)
        for campaign in open_campaigns(file, versions)
        if campaign.is_limited
    }
    keys |= {
        key
        for work in works
        for key, order_key in work.state.allotments.rows
        if work.refold or any(change.new.ref.key == order_key for change in work.changes)
    }
    spent = earning.lock_budgets(connection, account, sorted(keys)) if keys else {}
    for work in works:
        work.state.allotments.spent = spent


def save_allotments(connection: Connection, account: AccountId, works: Sequence[MemberWork]) -> None:
    """Write what the folds gave and got back."""
    rows = [
        {
            "order_key": order_key,
            "campaign_key": key,
            "member_id": work.id,
            "granted": row.granted,
            "returned": row.returned,
        }
        for work in works
        for (key, order_key), row in work.state.allotments.news().items()
    ]
    if rows:
        changed = {str(row["campaign_key"]) for row in rows}
        spent = works[0].state.allotments.spent
        earning.put_allocations(connection, account, rows, {key: spent[key] for key in sorted(changed)})

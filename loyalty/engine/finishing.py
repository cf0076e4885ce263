"""The second half of every piece of work on loaded members: plan, read the past where it is needed, decide, save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine import budgets, loading
from loyalty.engine.book import AccountBook
from loyalty.engine.credit_rows import load_posted_credit
from loyalty.engine.news import SavedOrder
from loyalty.engine.saving import save
from loyalty.engine.work import MemberWork
from loyalty.errors import MemberMerged, NotFound
from loyalty.programs.program import Versions


def finish(
    connection: Connection,
    book: AccountBook,
    works: Mapping[UUID, MemberWork],
    saved: Sequence[SavedOrder],
    versions: Versions,
    now: datetime,
    *,
    refold: bool = False,
) -> frozenset[UUID]:
    """Plan, decide and save the loaded members of a batch; return the stores for which pushes were written."""
    for work in works.values():
        work.refold = work.refold or refold
        work.plan(versions, now)
    refolded = [work for work in works.values() if work.refold]
    loading.load_histories(connection, refolded, saved)
    load_posted_credit(connection, refolded, versions)
    budgets.read_allotments(connection, works.values(), versions)
    budgets.lock_budgets(connection, book.id, list(works.values()), versions)
    for work in works.values():
        work.decide(versions, now)
    return save(connection, book, list(works.values()), saved, versions, now)


def require_standing(batch: loading.Batch, member: UUID) -> None:
    """Raise NotFound unless a batch has this member, MemberMerged when somebody else stands for him."""
    survivor = batch.survivors.get(member)
    if survivor is None:
        raise NotFound("There is no member of that id.", member=str(member))
    if survivor != member:
        raise MemberMerged(f"This member is merged into {survivor}.", survivor=survivor)

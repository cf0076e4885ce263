"""Members who are one person: find them, merge them, take that back."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.merging import list_merges, merge_members, undo_merge
from loyalty.engine.work import Word
from loyalty.reports.duplicates import list_duplicates
from loyalty.reports.standing import read_standings
from webhook_app.api.answers import page_of
from webhook_app.api.member_answers import DuplicateSchema, MergedSchema, MergesSchema, UnmergedSchema
from webhook_app.api.parts import Data, Resource, Writing, actor, page, text_cursor, transaction
from webhook_app.api.questions import MergeRequest, PageQuery, ReasonRequest
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("merges", __name__, description="Members who are one person.")


@blueprint.reads("/members/duplicates", page_of(DuplicateSchema), PageQuery)
def duplicates(query: Data) -> Data:
    """List members who share an e-mail address, a phone, or name and region."""
    limit, after = query["limit"], text_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_duplicates(connection, after, limit + 1)
    return page(rows, limit, lambda row: row["place"])


@blueprint.reads("/members/<uuid:member>/merges", MergesSchema)
def merges(member: UUID) -> Data:
    """List the merges of a member, also those that were undone."""
    with transaction() as connection:
        return {"data": list_merges(connection, member)}


@blueprint.writes(
    "/members/<uuid:member>/merges", MergedSchema, status=201, scope="adjust", body=MergeRequest
)
def merge(writing: Writing, asked: Data, member: UUID) -> Data:
    """Let this member stand for another one from now on: points, tier, orders and coupons are united."""
    connection, account, now = writing.connection, access().account, utc_now()
    book, word = load_book(connection, tools().vault, account), Word(asked["reason"], actor())
    number, stores = merge_members(connection, book, member, asked["member"], word, now)
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    return {"number": number, "member": _standing(writing, member, now)}


@blueprint.writes(
    "/members/<uuid:member>/merges/<int:number>/undo",
    UnmergedSchema,
    status=200,
    scope="adjust",
    body=ReasonRequest,
)
def undo(writing: Writing, asked: Data, member: UUID, number: int) -> Data:
    """Take a merge back as if it had never been; each has again what is his own."""
    connection, account, now = writing.connection, access().account, utc_now()
    book, word = load_book(connection, tools().vault, account), Word(asked["reason"], actor())
    other, stores = undo_merge(connection, book, member, number, word, now)
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    return {
        "number": number,
        "member": _standing(writing, member, now),
        "other": _standing(writing, other, now),
    }


def _standing(writing: Writing, member: UUID, now: Any) -> Any:
    return read_standings(writing.connection, access().account, [member], now)[0]

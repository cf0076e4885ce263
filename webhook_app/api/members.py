"""Members: who they are, where they stand, their statement, and points given or taken by hand."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from loyalty.accounts.service import next_command_number
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.apply import carry_out
from loyalty.engine.book import load_book
from loyalty.engine.commands import AdjustPoints
from loyalty.errors import NotFound
from loyalty.ledger.entries import EntryDraft
from loyalty.reports.people import list_enrolled
from loyalty.reports.standing import Standing, read_standings
from loyalty.reports.statements import list_entries, list_lots, require_member
from loyalty.reports.tier_history import read_tier
from webhook_app.api.answers import (
    AdjustmentSchema,
    EntrySchema,
    LotSchema,
    MemberSchema,
    TierHistorySchema,
    page_of,
)
from webhook_app.api.parts import (
    Data,
    Resource,
    Writing,
    actor,
    number_cursor,
    page,
    transaction,
    uuid_cursor,
)
from webhook_app.api.questions import AdjustmentRequest, MembersQuery, PageQuery
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("members", __name__, description="Members, their points and tiers.")


@blueprint.reads("/members", page_of(MemberSchema), MembersQuery)
def list_all(query: Data) -> Data:
    """List enrolled members, those of an e-mail address where one is given."""
    limit, after = query["limit"], uuid_cursor(query["cursor"])
    with transaction() as connection:
        ids = list_enrolled(connection, query["email"], after, limit + 1)
        standings = read_standings(connection, access().account, ids, utc_now())
    return page(standings, limit, lambda row: row.id)


@blueprint.reads("/members/<uuid:member>", MemberSchema)
def show(member: UUID) -> Standing:
    """Return one member."""
    with transaction() as connection:
        found = read_standings(connection, access().account, [member], utc_now())
    if not found:
        raise NotFound("There is no member of that id.")
    return found[0]


@blueprint.reads("/members/<uuid:member>/entries", page_of(EntrySchema), PageQuery)
def list_of_entries(query: Data, member: UUID) -> Data:
    """List a member's ledger entries, newest posted first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        require_member(connection, member)
        rows = list_entries(connection, access().account, member, before, limit + 1)
    return page(rows, limit, lambda row: row["sequence"])


@blueprint.reads("/members/<uuid:member>/lots", page_of(LotSchema), PageQuery)
def list_of_lots(query: Data, member: UUID) -> Data:
    """List a member's lots, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        require_member(connection, member)
        rows = list_lots(connection, member, before, limit + 1, utc_now())
    return page(rows, limit, lambda row: row["sequence"])


@blueprint.reads("/members/<uuid:member>/tier", TierHistorySchema)
def show_tier(member: UUID) -> Data:
    """Return a member's tier with its history and every order that counts."""
    with transaction() as connection:
        return read_tier(connection, access().account, member, utc_now())


@blueprint.writes(
    "/members/<uuid:member>/adjustments",
    AdjustmentSchema,
    status=201,
    scope="adjust",
    body=AdjustmentRequest,
)
def adjust(writing: Writing, asked: Data, member: UUID) -> Data:
    """Give or take points by hand."""
    connection, account, now = writing.connection, access().account, utc_now()
    number = next_command_number(connection)
    command = AdjustPoints(number=number, accepted_at=now, actor=actor(), **asked)
    book = load_book(connection, tools().vault, account)
    work, stores = carry_out(connection, book, member, command, now)
    note(connection, account, actor(), "points.adjusted", str(member), number=number, points=asked["points"])
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    balance = work.state.wallet.balance(now)
    moved = _moved(work.drafts, number)
    changed = {"number": number, "member": member, "points": moved, "accepted_at": now, "balance": balance}
    return {**asked, **changed}


def _moved(drafts: Iterable[EntryDraft], number: int) -> int:
    return sum(draft.points for draft in drafts if draft.cause == f"adjustment:{number}")

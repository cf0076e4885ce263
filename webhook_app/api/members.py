"""Members: who they are, where they stand, their statement."""

from __future__ import annotations

from uuid import UUID

from loyalty.clock import utc_now
from loyalty.errors import NotFound
from loyalty.reports.people import list_enrolled
from loyalty.reports.persons import read_person
from loyalty.reports.standing import read_standings
from loyalty.reports.statements import list_entries, list_lots, require_member
from loyalty.reports.tier_history import read_tier
from webhook_app.api.answers import EntrySchema, LotSchema, MemberSchema, TierHistorySchema, page_of
from webhook_app.api.member_answers import PersonSchema
from webhook_app.api.parts import (
    Data,
    Resource,
    number_cursor,
    page,
    transaction,
    uuid_cursor,
)
from webhook_app.api.questions import MembersQuery, PageQuery
from webhook_app.security import access

blueprint = Resource("members", __name__, description="Members, their points and tiers.")


@blueprint.reads("/members", page_of(MemberSchema), MembersQuery)
def list_all(query: Data) -> Data:
    """List enrolled members, those of an e-mail address where one is given."""
    limit, after = query["limit"], uuid_cursor(query["cursor"])
    with transaction() as connection:
        ids = list_enrolled(connection, query["email"], after, limit + 1)
        standings = read_standings(connection, access().account, ids, utc_now())
    return page(standings, limit, lambda row: row.id)


@blueprint.reads("/members/<uuid:member>", PersonSchema)
def show(member: UUID) -> Data:
    """Return one member with what names him, his birthday and what he agreed to."""
    with transaction() as connection:
        found = read_standings(connection, access().account, [member], utc_now())
        if not found:
            raise NotFound("There is no member of that id.")
        return read_person(connection, found[0])


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

"""What is known of a person beside points: birthday and consents."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from flask import jsonify

from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine.book import load_book
from loyalty.engine.erasing import erase_member
from loyalty.engine.linking import Asked, ask_for_link, vouch
from loyalty.engine.work import Word
from loyalty.errors import Conflict
from loyalty.members.birthdays import Birthday, put_birthday
from loyalty.members.consents import Consent, add_consent, list_consents
from loyalty.reports.export import export_person
from loyalty.reports.persons import read_person
from loyalty.reports.standing import read_standings
from loyalty.reports.statements import require_member
from webhook_app.api.answers import page_of
from webhook_app.api.member_answers import (
    BirthdaySchema,
    ConsentSchema,
    ErasedSchema,
    LinkSchema,
    PersonSchema,
)
from webhook_app.api.parts import Data, Resource, Writing, actor, number_cursor, page, transaction
from webhook_app.api.questions import (
    BirthdayRequest,
    ConsentRequest,
    ConsentsQuery,
    IdentityRequest,
    LinkRequest,
    ReasonRequest,
)
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("persons", __name__, description="Birthdays and consents.")


@blueprint.writes(
    "/members/<uuid:member>/birthday", BirthdaySchema, status=200, method="PUT", body=BirthdayRequest
)
def note_birthday(writing: Writing, asked: Data, member: UUID) -> Any:
    """Note a member's birthday; another one than is noted takes a key of the scope adjust."""
    birthday, is_staff = Birthday(**asked), "adjust" in access().scopes
    if put_birthday(writing.connection, member, birthday, utc_now(), is_staff=is_staff):
        note(writing.connection, access().account, actor(), "birthday.noted", str(member))
    return birthday._asdict()


@blueprint.writes("/members/<uuid:member>/links", LinkSchema, status=202, body=LinkRequest)
def ask_link(writing: Writing, asked: Data, member: UUID) -> Data:
    """Mail a link to an address; who opens it and confirms has the guest orders of that address joined to this member.

    The answer is the same whether there are such orders or not.
    """
    settings, account = tools().settings, access().account
    if not settings.smtp_url:
        raise Conflict("No mail can be sent: SMTP_URL is not set.")
    wanted = Asked(member, asked["email"], asked["language"], f"{settings.public_url}/links")
    end = ask_for_link(writing.connection, tools().vault, account, wanted, utc_now())
    note(writing.connection, account, actor(), "link.asked", str(member))
    writing.afterwards.append(partial(tools().wake_mails, account))
    return {"email": asked["email"], "expires_at": end}


@blueprint.writes(
    "/members/<uuid:member>/identities", PersonSchema, status=200, scope="adjust", body=IdentityRequest
)
def add_identity(writing: Writing, asked: Data, member: UUID) -> Data:
    """Let an address or a phone that staff vouch for name this member; whoever it named before is merged into him."""
    connection, account, now = writing.connection, access().account, utc_now()
    book, word = load_book(connection, tools().vault, account), Word(asked["reason"], actor())
    stores = vouch(connection, book, member, asked["kind"], asked["value"], word, now)
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    return read_person(connection, read_standings(connection, account, [member], now)[0])


@blueprint.writes("/members/<uuid:member>/consents", ConsentSchema, status=201, body=ConsentRequest)
def consent(writing: Writing, asked: Data, member: UUID) -> Data:
    """Write down what a member agreed to, or does not agree to any more."""
    said = Consent(**asked, at=utc_now())
    require_member(writing.connection, member)
    number = add_consent(writing.connection, access().account, member, said, actor())
    return {**asked, "id": number, "member": member, "actor": actor(), "at": said.at}


@blueprint.writes(
    "/members/<uuid:member>/erasure", ErasedSchema, status=200, scope="adjust", body=ReasonRequest
)
def erase(writing: Writing, asked: Data, member: UUID) -> Data:
    """Forget who a member is; his points and his orders without his name stay. It cannot be undone."""
    connection, now = writing.connection, utc_now()
    erase_member(
        connection,
        load_book(connection, tools().vault, access().account),
        member,
        Word(asked["reason"], actor()),
        now,
    )
    return {"member": member, "erased_at": now}


@blueprint.reads("/members/<uuid:member>/export", {"type": "object"})
def export(member: UUID) -> Any:
    """Return everything that is stored about a member."""
    with transaction() as connection:
        book = load_book(connection, tools().vault, access().account)
        return jsonify(export_person(connection, book, member))


@blueprint.reads("/consents", page_of(ConsentSchema), ConsentsQuery)
def consents(query: Data) -> Data:
    """List what members agreed to and withdrew, newest first."""
    limit, before = query["limit"], number_cursor(query["cursor"])
    with transaction() as connection:
        rows = list_consents(connection, query["member"], before, limit + 1)
    return page(rows, limit, lambda row: row["id"])

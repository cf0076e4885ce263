"""People who sign up, and what they bring along."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from loyalty.accounts.service import lock_account, next_command_number
from loyalty.activity.service import note
from loyalty.clock import utc_now
from loyalty.engine import codec
from loyalty.engine.apply import carry_out
from loyalty.engine.book import load_book
from loyalty.engine.commands import OpenBalance
from loyalty.engine.joining import Newcomer, join_program
from loyalty.engine.referring import claim
from loyalty.errors import Conflict, Invalid
from loyalty.members.birthdays import Birthday, put_birthday
from loyalty.members.commands import find_opening
from loyalty.members.consents import Consent, add_consent
from loyalty.reports.standing import read_standings
from webhook_app.api.answers import MemberSchema
from webhook_app.api.member_answers import OpeningSchema
from webhook_app.api.parts import Data, Resource, Writing, actor
from webhook_app.api.questions import JoinRequest, OpeningRequest
from webhook_app.security import access
from webhook_app.tools import tools

blueprint = Resource("joining", __name__, description="People who sign up, and what they bring along.")


@blueprint.writes("/members", MemberSchema, status=201, body=JoinRequest)
def join(writing: Writing, asked: Data) -> Any:
    """Make somebody a member by an e-mail address or a phone; 200 with the member when he is one already.

    A second address or phone names him too when he is new or was a guest; of whoever is registered it is left out, as
    adding it takes the scope adjust (`POST /members/{id}/identities`). A referral code counts for new members only.
    """
    connection, account, now = writing.connection, access().account, utc_now()
    book = load_book(connection, tools().vault, account)
    birthday, consents, code = (asked.pop(name) for name in ("birthday", "consents", "referral_code"))
    joined = join_program(connection, book, Newcomer(**asked), now, actor())
    if birthday is not None:
        put_birthday(connection, joined.member, Birthday(**birthday), now, is_staff=False)
    if code and joined.is_new:
        claim(connection, book, code, joined.member, "", now)
    for consent in consents:
        add_consent(connection, account, joined.member, Consent(**consent, at=now), actor())
    writing.status = 201 if joined.is_new else 200
    writing.afterwards.append(partial(tools().wake_pushes, account, joined.stores))
    return read_standings(connection, account, [joined.member], now)[0]


@blueprint.writes(
    "/members/<uuid:member>/opening", OpeningSchema, status=201, scope="adjust", body=OpeningRequest
)
def open_balance(writing: Writing, asked: Data, member: UUID) -> Data:
    """Give the points that a member has from before Laurel, once for each key."""
    connection, account, now = writing.connection, access().account, utc_now()
    if asked["expires_at"] is not None and asked["expires_at"] <= now:
        raise Invalid("The points would be dead already.", {"/expires_at": ["Must lie ahead."]})
    lock_account(connection)
    known = find_opening(connection, member, asked["key"])
    if known is not None:
        raise Conflict(f"There is an opening balance of this key: command {codec.command(known).number}.")
    command = OpenBalance(next_command_number(connection), now, actor=actor(), **asked)
    book = load_book(connection, tools().vault, account)
    work, stores = carry_out(connection, book, member, command, now)
    writing.afterwards.append(partial(tools().wake_pushes, account, stores))
    note(
        connection,
        account,
        actor(),
        "balance.opened",
        str(member),
        number=command.number,
        points=asked["points"],
    )
    told = {"number": command.number, "member": member, "accepted_at": now}
    return {**asked, **told, "balance": work.state.wallet.balance(now)}

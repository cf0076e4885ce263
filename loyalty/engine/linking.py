"""Guest orders of an address join a member once he proves that he reads its mail; law: asking moves and shows nothing
(RULES §8, U72, U73).
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import lock_account
from loyalty.activity.service import note
from loyalty.crypto import Vault
from loyalty.engine import loading
from loyalty.engine.book import AccountBook
from loyalty.engine.finishing import require_standing
from loyalty.engine.letters import link_letter
from loyalty.engine.merging import merge_members
from loyalty.engine.work import Word
from loyalty.errors import Conflict, Invalid, NotFound, TooOften
from loyalty.mails.repository import add_mail
from loyalty.members import repository as members
from loyalty.members.identity import Identity, normal_phone, typed_email
from loyalty.members.links import add_link, count_links, use_link

WINDOW = timedelta(hours=1)
MOST_PER_MEMBER = 5
MOST_PER_ADDRESS = 3
BY_LINK = Word("A mailed link proved the address.", "link")


class Asked(NamedTuple):
    """A link that is wanted: for whom, to which address, in which language (None: by his region), below which page."""

    member: UUID
    email: str
    language: str | None
    page: str


def ask_for_link(
    connection: Connection, vault: Vault, account: UUID, asked: Asked, now: datetime
) -> datetime:
    """Write the mail with a link that proves an address; return when it ends. What is answered does not depend on
    whether anybody has that address. Raises NotFound, MemberMerged, Invalid and TooOften.
    """
    email = typed_email(asked.email)
    if not email:
        raise Invalid("Nothing can be mailed to this address.", {"/email": ["Must be an e-mail address."]})
    lock_account(connection)
    batch = loading.load(connection, [asked.member], [])
    require_standing(batch, asked.member)
    of_member, of_address = count_links(connection, asked.member, email, now - WINDOW)
    if of_member >= MOST_PER_MEMBER or of_address >= MOST_PER_ADDRESS:
        raise TooOften("Links were asked for too often; try again in an hour.")
    token = make_token(account)
    end = add_link(connection, account, token, asked.member, email, now)
    language = asked.language or _language(batch.works[asked.member].row["region"])
    letter = link_letter(language, f"{asked.page}/{token}")
    sealed = vault.seal_json({"to": email, "subject": letter.subject, "text": letter.text})
    add_mail(connection, account, asked.member, sealed)
    return end


def _language(region: str) -> str:
    if region[:2] == "CN":
        return "zh-CN"
    return "zh-TW" if region[:2] in ("", "TW", "HK", "MO") else "en"


def make_token(account: UUID) -> str:
    """Return a token of 128 random bits that says which account it belongs to."""
    return base64.urlsafe_b64encode(account.bytes + secrets.token_bytes(16)).decode().rstrip("=")


def account_of(token: str) -> UUID:
    """Return the account that a token names; raises NotFound."""
    try:
        found = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return UUID(bytes=found[:16]) if len(found) == 32 else _no_link()
    except ValueError:
        return _no_link()


def _no_link() -> UUID:
    raise NotFound("This link is no longer valid.")


def follow_link(
    connection: Connection, book: AccountBook, token: str, now: datetime
) -> tuple[UUID, frozenset[UUID]]:
    """Let whoever a link was mailed for have the guest of its address, now or later; return him and stores with pushes.

    Raises NotFound for a link that is used or over, Conflict when the address is somebody else's already.
    """
    lock_account(connection)
    link = use_link(connection, token, now)
    if link is None:
        raise NotFound("This link is no longer valid.")
    row = members.list_members(connection, [link["member_id"]])[0]
    member = row["merged_into"] or row["id"]
    stores = join_identity(connection, book, member, Identity("email", link["email"]), BY_LINK, now)
    return member, stores


def vouch(
    connection: Connection, book: AccountBook, member: UUID, kind: str, value: str, word: Word, now: datetime
) -> frozenset[UUID]:
    """Join an address or a phone that somebody vouches for; return the stores with pushes.

    Raises Invalid, NotFound, MemberMerged and Conflict.
    """
    normal = typed_email(value) if kind == "email" else normal_phone(value)
    if not normal:
        raise Invalid(
            "It identifies nobody.", {"/value": ["Must be an e-mail address, or a phone in E.164."]}
        )
    lock_account(connection)
    require_standing(loading.load(connection, [member], []), member)
    return join_identity(connection, book, member, Identity(kind, normal), word, now)


def join_identity(
    connection: Connection, book: AccountBook, member: UUID, identity: Identity, word: Word, now: datetime
) -> frozenset[UUID]:
    """Let a proven identity name a member, and whoever it named before be merged into him; return stores with pushes.

    A customer of one shop who proves in another that he reads the same mail is one person (S145). Raises Conflict when
    it is another customer's of the same shop, or that of somebody who is merged into another one.
    """
    person = members.find_members(connection, [identity]).get(identity)
    if person is None:
        members.add_identities(connection, book.id, member, [identity])
        note(connection, book.id, word.actor, "identity.added", str(member), kind=identity.kind)
        return frozenset()
    if person.survivor == member:
        return frozenset()
    theirs = _shops(connection, person.survivor)
    is_of_another = person.survivor != person.id and not theirs
    if is_of_another or theirs & _shops(connection, member):
        raise Conflict("This address belongs to another member already.")
    return merge_members(connection, book, member, person.survivor, word, now)[1]


def _shops(connection: Connection, member: UUID) -> set[str]:
    """Return the numbers of the stores of which a member, or whoever is merged into him, is a customer."""
    customers = members.list_customers(connection, members.get_roots(connection, member))
    return {each.partition(":")[0] for some in customers.values() for each in some}

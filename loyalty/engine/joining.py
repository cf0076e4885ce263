"""People who sign up with an e-mail address or a phone; law: what names somebody already leads to him (S142, S143)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_number
from loyalty.activity.service import note
from loyalty.engine import codec
from loyalty.engine.apply import carry_out
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import JoinProgram
from loyalty.engine.people import enrol
from loyalty.errors import Conflict, Invalid
from loyalty.members import repository as members
from loyalty.members.identity import Identity, normal_email, normal_phone, typed_email


@dataclass(frozen=True, slots=True)
class Newcomer:
    """What somebody says of himself when he signs up: an e-mail address or a phone, the rest if he likes."""

    email: str = ""
    phone: str = ""
    name: str = ""
    region: str = ""

    def identities(self) -> list[Identity]:
        """Return what names him; raises Invalid for what cannot."""
        found, mistakes = [], {}
        for kind, given, normal, wanted in (
            ("email", self.email, typed_email(self.email), "Must be an e-mail address."),
            ("phone", self.phone, normal_phone(self.phone), "Must be in E.164, such as +886912345678."),
        ):
            if given and not normal:
                mistakes[f"/{kind}"] = [wanted]
            elif normal:
                found.append(Identity(kind, normal))
        if mistakes or not found:
            raise Invalid(None, mistakes or {"/email": ["An e-mail address or a phone is needed."]})
        return found


@dataclass(frozen=True, slots=True)
class Joined:
    """Who it is now, whether he was made by this, and the stores with pushes."""

    member: UUID
    is_new: bool
    stores: frozenset[UUID] = field(default_factory=frozenset)


def join_program(
    connection: Connection, book: AccountBook, newcomer: Newcomer, now: datetime, actor: str
) -> Joined:
    """Make somebody a member, or return who he is already; he is no guest from then on.

    An address or a phone that names nobody yet names him only if he is new or was a guest: whose else it would be,
    staff vouch for. Raises Invalid, and Conflict when his address and his phone name two members.
    """
    wanted = newcomer.identities()
    number = next_command_number(connection)
    known = members.find_members(connection, wanted)
    if len({person.survivor for person in known.values()}) > 1:
        raise Conflict("The e-mail address and the phone belong to two members: merge them first.")
    person = next(iter(known.values())) if known else enrol(connection, book.id, wanted[:1])[wanted[0]]
    rows = {row["id"]: row for row in members.lock_members(connection, [person.survivor])}
    row = rows[person.survivor]
    if row["joined_at"] is not None and row["registered"] and row["registered_by"] is None:
        return Joined(person.survivor, is_new=False)
    if codec.member_state(row).is_guest:
        members.add_identities(connection, book.id, person.id, [one for one in wanted if one not in known])
    members.put_profiles(connection, [_profile(row, newcomer, now)])
    if not row["registered"]:
        members.mark_for_refold(connection, [row["id"]])
    _, stores = carry_out(connection, book, row["id"], JoinProgram(number, now, "signed up", actor), now)
    note(connection, book.id, actor, "member.joined", str(row["id"]), number=number)
    return Joined(row["id"], not known, stores)


def _profile(row: Any, newcomer: Newcomer, now: datetime) -> dict[str, Any]:
    """Return what is known of him, with what he says where nothing is known."""
    said = {"email": normal_email(newcomer.email), "phone": normal_phone(newcomer.phone)}
    said |= {"name": newcomer.name.strip(), "region": newcomer.region.strip()}
    known = {name: row[name] or text for name, text in said.items()}
    kept = {"id": row["id"], "role": row["role"], "profile_at": row["profile_at"] or now}
    return {**kept, **known, "registered": True, "registered_by": None}

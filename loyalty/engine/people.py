"""Who a batch is about: members found or made by their identities, and their newest profiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.db import Row
from loyalty.engine import codec
from loyalty.engine.loading import Batch
from loyalty.engine.news import Profile
from loyalty.engine.state import MemberState
from loyalty.engine.work import MemberWork
from loyalty.errors import NotFound
from loyalty.members import repository
from loyalty.members.identity import Identity, email_domain
from loyalty.members.repository import Person
from loyalty.programs.program import Versions
from loyalty.values import AccountId, new_id


def enrol(
    connection: Connection, account: AccountId, identities: Iterable[Identity]
) -> dict[Identity, Person]:
    """Return the member of each identity, made where there is none; parallel makers end with one (U33).

    Raises NotFound for our own id of somebody whom the account does not have.
    """
    wanted = set(identities)
    if not wanted:
        return {}
    found = repository.find_members(connection, wanted)
    new = {identity: new_id() for identity in sorted(wanted - found.keys())}
    if not new:
        return found
    if any(identity.kind == "member" for identity in new):
        raise NotFound("There is no member of that id.")
    if repository.add_members(connection, account, new) < len(new):
        return repository.find_members(connection, wanted)
    return found | {identity: Person(member, member) for identity, member in new.items()}


def find_states(connection: Connection, identities: Iterable[Identity]) -> dict[Identity, MemberState]:
    """Return the members whom these identities name, each for himself also where he is merged, without his past."""
    found = repository.find_members(connection, identities)
    rows = repository.list_members(connection, (person.id for person in found.values()))
    states = {row["id"]: codec.member_state(row) for row in rows}
    return {identity: states[person.id] for identity, person in found.items()}


def note_profiles(
    batch: Batch,
    people: Mapping[Identity, Person],
    profiles: Mapping[Identity, Sequence[Profile]],
    versions: Versions,
) -> list[Row]:
    """Note the newest e-mail, phone, name, region and role of each person in his row; return the rows of those who
    are merged into somebody, which are to be written for themselves.
    """
    others: dict[UUID, Row] = {}
    for identity, told in profiles.items():
        person = people[identity]
        work = batch.work(person.id)
        if person.id == work.id:
            _note_all(work.row, told)
            _judge_again(work, work.state, work.row, versions)
            continue
        row = others[person.id] = work.parts[person.id]
        state = codec.member_state(row)
        _note_all(row, told)
        _judge_again(work, state, row, versions)
    return list(others.values())


def _note_all(row: dict[str, Any], told: Sequence[Profile]) -> None:
    """Note what was said, oldest first: what a newer message leaves out stays as an older one said it."""
    for profile in sorted(told, key=lambda profile: profile.at):
        _note(row, profile)


def _note(row: dict[str, Any], profile: Profile) -> None:
    if profile.registered:
        row["registered"], row["registered_by"] = True, None
    if profile.is_blank or (row["profile_at"] is not None and profile.at < row["profile_at"]):
        return
    if row["erased_at"] is not None and (profile.since or profile.at) <= row["erased_at"]:
        return  # the shop tells again what was erased here
    row["profile_at"] = profile.at
    for name in ("email", "phone", "name", "region"):
        row[name] = getattr(profile, name).strip() or row[name]
    if profile.role is not None:
        row["role"] = profile.role


def _judge_again(work: MemberWork, state: MemberState, row: Mapping[str, Any], versions: Versions) -> None:
    """Fold the member again when what is known of him, or of who is merged into him, changes whether he may earn."""
    enrolments = [program.enrolment for program in versions.programs]
    before = [state.is_welcome(enrolment) for enrolment in enrolments]
    state.role = row["role"]
    state.email_domain = email_domain(row["email"])
    state.guest = state.guest and not row["registered"]
    if before != [state.is_welcome(enrolment) for enrolment in enrolments]:
        work.refold = True

"""Two members who are one person: merge them, and take that back; both are accepted commands with a time (RULES §8)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.service import next_command_number
from loyalty.activity.service import note
from loyalty.commerce import CustomersMerged, Fact
from loyalty.engine import codec, loading
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Command, MergeMember, UnmergeMember
from loyalty.engine.finishing import finish, require_standing
from loyalty.engine.people import enrol
from loyalty.engine.work import MemberWork, Word
from loyalty.errors import Invalid, NotFound
from loyalty.members import repository as members
from loyalty.members.commands import add_commands, list_commands
from loyalty.members.identity import customer_identity
from loyalty.programs.service import load_versions

BY_SHOP = Word("The shop merged two customers.", "shop")


def merge_members(
    connection: Connection, book: AccountBook, survivor: UUID, other: UUID, word: Word, now: datetime
) -> tuple[int, frozenset[UUID]]:
    """Let one member stand for another from now on; return the command's number and the stores with pushes.

    Raises Invalid for a member and himself, NotFound, and MemberMerged when one of them is merged already.
    """
    if survivor == other:
        raise Invalid("A member cannot be merged with himself.", {"/member": ["Must be somebody else."]})
    number = next_command_number(connection)
    batch = loading.load(connection, [survivor, other], [])
    for member in (survivor, other):
        require_standing(batch, member)
    work, gone = batch.works[survivor], batch.works[other]
    command = MergeMember(number, now, gone.row["key"], word.reason, word.actor)
    _accept(connection, book, work.id, command)
    work.parts |= {gone.id: gone.row, **gone.parts}
    gone.row["merged_into"], gone.parts = work.id, {}
    stores = _fold_both(connection, book, (work, gone), "merged", now)
    members.put_merges(connection, {work.id: list(work.parts)})
    note(connection, book.id, word.actor, "members.merged", str(survivor), other=str(other), number=number)
    return number, stores


def merge_customers(
    connection: Connection, book: AccountBook, facts: Iterable[Fact], now: datetime
) -> frozenset[UUID]:
    """Merge the members whose customers a shop merged, unless they are one already, or were parted since; return the
    stores with pushes.
    """
    stores: frozenset[UUID] = frozenset()
    for fact in facts:
        if not isinstance(fact, CustomersMerged):
            continue
        number = book.store_numbers[fact.store_id]
        pair = [customer_identity(number, id) for id in (fact.external_id, fact.merged_id)]
        people = enrol(connection, book.id, pair)
        kept, gone = (people[identity].survivor for identity in pair)
        if kept != gone and not _were_parted(connection, kept, gone, fact.observed_at):
            stores |= merge_members(connection, book, kept, gone, BY_SHOP, now)[1]
    return stores


def _were_parted(connection: Connection, one: UUID, another: UUID, since: datetime) -> bool:
    """Return whether a merge of two members, or of any who stand behind them, was undone at an instant or later: what
    was told before, and comes again, is no news.
    """
    sides = [set(members.get_roots(connection, member)) for member in (one, another)]
    rows = list_commands(connection, list(set.union(*sides)))
    commands = [(row["member_id"], codec.command(row)) for row in rows]
    undone = {it.merge for _, it in commands if isinstance(it, UnmergeMember) and it.accepted_at >= since}
    merges = [(at, it.other) for at, it in commands if isinstance(it, MergeMember) and it.number in undone]
    ids = members.list_ids_by_key(connection, [other for _, other in merges])
    pairs = [{holder, ids[other]} for holder, other in merges]
    return any(all(pair & side for side in sides) for pair in pairs)


def undo_merge(
    connection: Connection, book: AccountBook, survivor: UUID, number: int, word: Word, now: datetime
) -> tuple[UUID, frozenset[UUID]]:
    """Take a merge back as if it had never been; return who is free again and the stores with pushes.

    Raises NotFound when the member has no such merge, and MemberMerged when he is merged himself.
    """
    own = next_command_number(connection)
    batch = loading.load(connection, [survivor], [])
    require_standing(batch, survivor)
    work = batch.works[survivor]
    merges = _merges(connection, work.roots)
    holder, merge = _find(merges, number)
    freed = work.root(merge.other)
    _accept(connection, book, holder, UnmergeMember(own, now, number, word.reason, word.actor))
    row = next(row for row in members.lock_members(connection, [freed]) if row["id"] == freed)
    other = MemberWork({**row, "merged_into": None}, codec.member_state(row))
    other.parts = {root: work.parts[root] for root in _below(work, merges, freed)}
    work.parts = {
        root: part for root, part in work.parts.items() if root != freed and root not in other.parts
    }
    stores = _fold_both(connection, book, (work, other), "unmerged", now)
    members.put_merges(connection, {one.id: list(one.parts) for one in (work, other)})
    note(connection, book.id, word.actor, "members.unmerged", str(survivor), other=str(freed), number=number)
    return freed, stores


def _accept(connection: Connection, book: AccountBook, member: UUID, command: Command) -> None:
    add_commands(connection, book.id, [codec.command_row(member, command)])


def _fold_both(
    connection: Connection, book: AccountBook, works: Iterable[MemberWork], because: str, now: datetime
) -> frozenset[UUID]:
    """Fold two members from nothing, from what is stored of them by now, and post what moves between them."""
    both = {work.id: work for work in works}
    for work in both.values():
        work.because = because
    return finish(connection, book, both, [], load_versions(connection, book.id), now, refold=True)


def _merges(connection: Connection, roots: Sequence[UUID]) -> dict[UUID, list[MergeMember]]:
    """Return the merges of some members that are in force, by who accepted them."""
    found: dict[UUID, list[MergeMember]] = {}
    undone = set()
    for row in list_commands(connection, roots):
        command = codec.command(row)
        if isinstance(command, MergeMember):
            found.setdefault(row["member_id"], []).append(command)
        elif isinstance(command, UnmergeMember):
            undone.add(command.merge)
    return {member: [one for one in merges if one.number not in undone] for member, merges in found.items()}


def _find(merges: Mapping[UUID, Sequence[MergeMember]], number: int) -> tuple[UUID, MergeMember]:
    for member, own in merges.items():
        for merge in own:
            if merge.number == number:
                return member, merge
    raise NotFound("This member has no merge of that number.", number=number)


def _below(work: MemberWork, merges: Mapping[UUID, Sequence[MergeMember]], member: UUID) -> list[UUID]:
    """Return everybody who was merged into a member before he was merged himself."""
    direct = [work.root(merge.other) for merge in merges.get(member, ())]
    return direct + [root for one in direct for root in _below(work, merges, one)]


def list_merges(connection: Connection, member: UUID) -> list[dict[str, Any]]:
    """Return the merges of a member and of those who are merged into him, oldest first, also those undone."""
    rows = members.list_members(connection, [member])
    if not rows:
        raise NotFound("There is no member of that id.")
    roots = [member, *(row["id"] for row in members.list_merged(connection, [member]))]
    commands = [codec.command(row) for row in list_commands(connection, roots)]
    undone = {each.merge: each for each in commands if isinstance(each, UnmergeMember)}
    ids = members.list_ids_by_key(
        connection, [each.other for each in commands if isinstance(each, MergeMember)]
    )
    return [
        {
            "number": each.number,
            "member": ids[each.other],
            "merged_at": each.accepted_at,
            "reason": each.reason,
            "undone_at": undone[each.number].accepted_at if each.number in undone else None,
        }
        for each in commands
        if isinstance(each, MergeMember)
    ]

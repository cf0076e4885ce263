"""Load, decide, save: facts of a batch become entries, lots, tiers, coupons and pushes in one transaction.

The number of statements does not depend on the number of facts. The caller commits; when anything raises he rolls back
and may try smaller batches, so that one poisonous message fails alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from loyalty.commerce import Fact, Read
from loyalty.db import Row
from loyalty.engine import codec, loading
from loyalty.engine.book import AccountBook
from loyalty.engine.cards import name_cards
from loyalty.engine.code_uses import fold_owners_again, list_redeemers, note_code_uses
from loyalty.engine.commands import Command, EndRedemption
from loyalty.engine.compliance import obey_shops
from loyalty.engine.finishing import finish, require_standing
from loyalty.engine.merging import merge_customers
from loyalty.engine.news import (
    News,
    OrderNews,
    Restated,
    SavedOrder,
    gather,
    is_ambiguous,
    reassigned,
    restate,
)
from loyalty.engine.owners import stronger
from loyalty.engine.people import enrol, note_profiles
from loyalty.engine.planning import Change
from loyalty.engine.redeeming import after_its_beginning
from loyalty.engine.state import OrderFile
from loyalty.engine.tracing import note_traces
from loyalty.engine.watching import watch_coupons
from loyalty.engine.work import MemberWork
from loyalty.errors import Invalid, LedgerConflict, OrdersMoved
from loyalty.inbox.repository import PROCESSED, Outcome
from loyalty.members import repository as members
from loyalty.members.commands import Accepted, add_commands, find_accepted
from loyalty.members.identity import Identity
from loyalty.members.repository import Person
from loyalty.orders import repository as orders
from loyalty.programs.program import Versions
from loyalty.programs.service import load_versions
from loyalty.values import MessageId

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of each message of a batch, and the stores for which pushes were written."""

    outcomes: dict[MessageId, Outcome]
    pushed: frozenset[UUID]


def apply_facts(
    connection: Connection,
    book: AccountBook,
    facts: Sequence[tuple[MessageId, Fact]],
    now: datetime,
    *,
    careful: bool = False,
    refold: bool = False,
) -> Applied:
    """Carry out what a batch of facts means for points; return what became of each message.

    `careful` asks first whom the known orders belong to (after OrdersMoved), `refold` folds every member of the batch
    from nothing (after LedgerConflict).
    """
    facts = name_cards(connection, facts)
    merged = _act_apart(connection, book, facts, now)
    versions = load_versions(connection, book.id)
    news = gather(facts, book.store_numbers)
    people = enrol(connection, book.id, news.identities())
    batch = _load(connection, news, _owners(connection, news, careful=careful), people)
    changed = note_profiles(batch, people, news.profiles, versions)
    noted = note_code_uses(connection, news, batch)
    outcomes, saved = _restate_orders(news, batch, people, noted.by_order)
    fold_owners_again(connection, batch, saved, noted.freed)
    pushed = finish(connection, book, batch.works, saved, versions, now, refold=refold)
    bought = ((it.member, it.file.snapshot) for it in saved if it.member and it.file.snapshot)
    note_traces(connection, book, bought, versions.at(now))
    members.put_profiles(connection, changed)
    return Applied({message: outcomes.get(message, PROCESSED) for message, _ in facts}, pushed | merged)


def _act_apart(
    connection: Connection, book: AccountBook, facts: Sequence[tuple[MessageId, Fact]], now: datetime
) -> frozenset[UUID]:
    """Act on what states no order and no profile; return the stores with pushes."""
    stated = [fact for _, fact in facts]
    merged = merge_customers(connection, book, stated, now)
    obey_shops(connection, book, facts, now)
    watch_coupons(connection, book, stated, now)
    return merged


def _owners(connection: Connection, news: News, *, careful: bool) -> set[UUID]:
    keys = [key for key, order in news.orders.items() if careful or order.identity() is None]
    owners = orders.list_owners(connection, keys) if keys else {}
    return {owner for owner in owners.values() if owner is not None} | list_redeemers(connection, news)


def _load(
    connection: Connection, news: News, owners: set[UUID], people: Mapping[Identity, Person]
) -> loading.Batch:
    """Load whoever stands for the people of a batch; raises OrdersMoved when that changed before they were locked."""
    ids = owners | {person.survivor for person in people.values()}
    batch = loading.load(connection, ids, list(news.orders))
    concerned = {row["member_id"] for row in batch.known.values()} | {person.id for person in people.values()}
    if concerned - batch.survivors.keys() - {None}:
        raise OrdersMoved
    return batch


def _restate_orders(
    news: News, batch: loading.Batch, people: Mapping[Identity, Person], codes: Mapping[str, frozenset[str]]
) -> tuple[dict[MessageId, Outcome], list[SavedOrder]]:
    outcomes: dict[MessageId, Outcome] = {}
    saved = []
    for key, order in news.orders.items():
        old = batch.file(key)
        if order.must_read or _contradicts(order, old):
            reading = Outcome("reading", "same second", Read.ORDER, order.ref.external_id)
            outcomes.update(dict.fromkeys(order.messages, reading))
            continue
        saved_order = _accept(order, old, batch, people, codes.get(key, frozenset()))
        if saved_order is not None:
            saved.append(saved_order)
    return outcomes, saved


def _accept(
    order: OrderNews,
    old: OrderFile | None,
    batch: loading.Batch,
    people: Mapping[Identity, Person],
    codes: frozenset[str],
) -> SavedOrder | None:
    """Take what is new of an order: a newer state, a stronger claim of whose it is, or nothing."""
    stored = batch.claim(order.ref.key)
    claim = stronger(stored, order.claim)
    restated = restate(order, old, codes)
    if restated is None and old is not None and claim != stored:
        restated = reassigned(old)
    if restated is None:
        return None
    before = batch.owner(order.ref.key)
    member = people[claim.identity].id if claim is not None and claim.identity is not None else before
    return SavedOrder(_assign(restated, batch, before, member), order.store_id, member, claim)


def _contradicts(order: OrderNews, old: OrderFile | None) -> bool:
    if order.snapshot is None or old is None or old.snapshot is None:
        return False
    return is_ambiguous(order.snapshot, old.snapshot)


def _assign(restated: Restated, batch: loading.Batch, before: UUID | None, member: UUID | None) -> OrderFile:
    """Hand the order's new state to its member, and take it from the one who had it before."""
    old, new = batch.kept(restated, same_member=member == before)
    if before is not None and before != member:
        batch.work(before).drop(new.ref.key)
    if member is not None:
        work = batch.work(member)
        work.changes.append(Change(old, new))
        work.owners[new.ref.key] = member
    return new


def carry_out(
    connection: Connection, book: AccountBook, member: UUID, command: Command, now: datetime
) -> tuple[MemberWork, frozenset[UUID]]:
    """Carry out an accepted command; return the member's work and the stores with pushes. Raises NotFound, Invalid.

    The command's number must be the account's next.
    """
    versions = load_versions(connection, book.id)
    if versions.at(command.accepted_at) is None:
        message = "Nothing can be done for members before a program is in force."
        raise Invalid(message, {"/": ["No program is in force."]})

    works, pushed = _obey(connection, book, {member: command}, versions, now)
    return works[member], pushed


def carry_out_many(
    connection: Connection, book: AccountBook, commands: Mapping[UUID, Command], now: datetime
) -> frozenset[UUID]:
    """Carry out one accepted command for each of some members; return the stores with pushes. Raises NotFound."""
    versions = load_versions(connection, book.id)
    return _obey(connection, book, commands, versions, now)[1]


def _obey(
    connection: Connection,
    book: AccountBook,
    commands: Mapping[UUID, Command],
    versions: Versions,
    now: datetime,
) -> tuple[Mapping[UUID, MemberWork], frozenset[UUID]]:
    def attempt(refold: bool) -> tuple[Mapping[UUID, MemberWork], frozenset[UUID]]:
        batch = loading.load(connection, commands, [])
        rows, begun = [], _beginnings(connection, commands)
        for member, command in commands.items():
            require_standing(batch, member)
            holder, dated = _dated(member, command, begun)
            batch.works[member].command = dated
            rows.append(codec.command_row(holder, dated))
        add_commands(connection, book.id, rows)
        return batch.works, finish(connection, book, batch.works, [], versions, now, refold=refold)

    return _refold_on_conflict(connection, attempt)


def _beginnings(connection: Connection, commands: Mapping[UUID, Command]) -> dict[int, Accepted]:
    """Return, by number, the commands that began what these end."""
    ended = [it.redemption for it in commands.values() if isinstance(it, EndRedemption)]
    return find_accepted(connection, ended) if ended else {}


def _dated(member: UUID, command: Command, begun: Mapping[int, Accepted]) -> tuple[UUID, Command]:
    """Return under whom a command is kept, and as of when: what ends a redemption goes with the member who redeemed,
    also when a merge is undone, and comes after it.
    """
    if not isinstance(command, EndRedemption) or command.redemption not in begun:
        return member, command
    beginning = begun[command.redemption]
    return beginning.member, after_its_beginning(command, beginning.at)


def settle_members(
    connection: Connection, book: AccountBook, rows: Iterable[Row], now: datetime, *, refold: bool = False
) -> frozenset[UUID]:
    """Let everything happen to locked members that is due by now; return the stores for which pushes were written.

    `refold` folds them from nothing (after LedgerConflict).
    """
    versions = load_versions(connection, book.id)
    batch = loading.load_due(connection, rows, versions, now)
    return finish(connection, book, batch.works, [], versions, now, refold=refold)


def settle_works(
    connection: Connection, book: AccountBook, ids: Iterable[UUID], now: datetime
) -> tuple[Mapping[UUID, MemberWork], frozenset[UUID]]:
    """Settle members and keep them locked; return their works, as they stand then, and the stores with pushes.

    Raises NotFound and MemberMerged.
    """
    versions, wanted = load_versions(connection, book.id), list(ids)

    def attempt(refold: bool) -> tuple[Mapping[UUID, MemberWork], frozenset[UUID]]:
        batch = loading.load(connection, wanted, [])
        for member in wanted:
            require_standing(batch, member)
        return batch.works, finish(connection, book, batch.works, [], versions, now, refold=refold)

    return _refold_on_conflict(connection, attempt)


def _refold_on_conflict(connection: Connection, attempt: Callable[[bool], Answer]) -> Answer:
    """Append; when an entry of a cause was posted before (and taken back since), fold from nothing instead."""
    try:
        with connection.begin_nested():
            return attempt(False)
    except LedgerConflict:
        return attempt(True)


def fold_again(
    connection: Connection, book: AccountBook, ids: Iterable[UUID], now: datetime
) -> frozenset[UUID]:
    """Fold members from nothing and post the differences; return the stores for which pushes were written."""
    versions = load_versions(connection, book.id)
    batch = loading.load(connection, list(ids), [])
    return finish(connection, book, batch.works, [], versions, now, refold=True)

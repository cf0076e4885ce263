"""Forget who somebody is: what names him goes, what moved stays; law: ledger and hashes do not change (S148)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from loyalty.accounts.idempotency import forget_answers
from loyalty.accounts.service import next_command_number, next_command_numbers
from loyalty.activity.service import note
from loyalty.community.erasing import forget_words
from loyalty.engine import codec, loading
from loyalty.engine.book import AccountBook
from loyalty.engine.commands import Ending, EndRedemption
from loyalty.engine.finishing import finish, require_standing
from loyalty.engine.redeeming import after_its_beginning
from loyalty.engine.timeline import parse_order_key
from loyalty.engine.work import MemberWork, Word
from loyalty.imports.repository import forget_refused
from loyalty.inbox.erasing import Traces, empty_bodies
from loyalty.mails.repository import give_up_mails
from loyalty.members import repository as members
from loyalty.members.commands import add_commands, find_accepted
from loyalty.members.identity import Identity, customer_identity, normal_email
from loyalty.members.links import forget_links
from loyalty.orders.repository import list_names
from loyalty.outbox.repository import forget_addresses
from loyalty.programs.catalogue import CODE_KINDS
from loyalty.programs.service import load_versions
from loyalty.referrals.repository import forget_traces
from loyalty.rewards.redemption_repository import forget_requests, list_held
from loyalty.rewards.repository import give_up
from loyalty.values import StoreId

SHORTEST_WORD = 6
BY_SHOP = Word("The shop erased the customer.", "shop")


def erase_member(connection: Connection, book: AccountBook, member: UUID, word: Word, now: datetime) -> None:
    """Take everything that names a member, and everybody merged into him, out of what is stored of them.

    Points, orders without buyers and customer ids stay; a domain that a program excludes stays too, or he would earn.
    What is held for codes that are not made yet is free again, as nobody can be given these any more.
    Raises NotFound and MemberMerged.
    """
    _release_codes(connection, book, member, word, now)
    batch = loading.load(connection, [member], [])
    require_standing(batch, member)
    work = batch.works[member]
    traces = find_traces(connection, book, work)
    empty_bodies(connection, traces)
    forget_refused(connection, traces.words)
    versions = load_versions(connection, book.id)
    domains = {one for program in versions.programs for one in program.enrolment.excluded_domains}
    members.erase(connection, work.roots, domains, now)
    forget_addresses(connection, work.roots)
    give_up_mails(connection, work.roots, now)
    forget_links(connection, list(work.roots))
    forget_words(connection, work.roots)
    forget_requests(connection, work.roots)
    forget_traces(connection, work.roots)
    give_up(connection, work.roots, "the member was erased")
    forget_answers(connection, [str(root) for root in work.roots])
    note(connection, book.id, word.actor, "member.erased", str(member), reason=word.reason)


def _release_codes(
    connection: Connection, book: AccountBook, member: UUID, word: Word, now: datetime
) -> None:
    """Free what is held for codes, and credit on its way to a shop: nobody will be given these any more."""
    next_command_number(connection)  # locks the account's row: from here on nobody redeems
    batch = loading.load(connection, [member], [])
    if member not in batch.works:
        return
    state = batch.works[member].state
    sent = [it.number for it in state.credit.codes.values() if it.is_sent]
    held = list_held(connection, member, CODE_KINDS)
    begun = find_accepted(connection, [*held, *sent]) if held or sent else {}
    if not begun:
        return
    numbers = next_command_numbers(connection, len(begun))
    rows = []
    for number, (ended, beginning) in zip(numbers, sorted(begun.items()), strict=True):
        release = EndRedemption(number, now, ended, Ending.RELEASED, word.reason, word.actor)
        rows.append(codec.command_row(beginning.member, after_its_beginning(release, beginning.at)))
    add_commands(connection, book.id, rows)
    finish(connection, book, batch.works, [], load_versions(connection, book.id), now, refold=True)


def find_person(
    connection: Connection, book: AccountBook, store: StoreId, customer_id: str, email: str, *, to_erase: bool
) -> list[UUID]:
    """Return the members whom a shop means by its own id, and by an e-mail address: the guest who has it, unless he is
    a customer of another shop, or, where he would be erased, has orders in another store.
    """
    number = book.store_numbers[store]
    customer = customer_identity(number, customer_id) if customer_id else None
    guest = Identity("email", normal_email(email)) if normal_email(email) else None
    found = members.find_members(connection, [it for it in (customer, guest) if it is not None])
    meant = [found[customer].survivor] if customer in found else []
    if guest in found:
        roots = members.get_roots(connection, found[guest].survivor)
        is_spared = _is_customer_elsewhere(connection, roots, number) or (
            to_erase and any(place != store for place, _ in list_names(connection, roots))
        )
        meant += [] if is_spared else [found[guest].survivor]
    return meant


def _is_customer_elsewhere(connection: Connection, roots: Sequence[UUID], store_number: int) -> bool:
    named = members.list_customers(connection, roots).values()
    return any(not name.startswith(f"{store_number}:") for names in named for name in names)


def find_traces(connection: Connection, book: AccountBook, work: MemberWork) -> Traces:
    """Return by what a person is recognised in the messages of his shops."""
    identities = members.list_identities(connection, work.roots)
    words = {row["value"] for row in identities if row["kind"] != "customer"}
    words |= {row[name] for row in (work.row, *work.parts.values()) for name in ("email", "phone")}
    places = [parse_order_key(row["value"]) for row in identities if row["kind"] == "customer"]
    return Traces(
        tuple(sorted(word.strip().lower() for word in words if len(word.strip()) >= SHORTEST_WORD)),
        tuple(list_names(connection, work.roots)),
        tuple((book.store(place.store), place.external_id) for place in places),
    )

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
from loyalty.engine.timeline import OrderRef, parse_order_key
from loyalty.engine.work import MemberWork, Word
from loyalty.imports.repository import forget_refused
from loyalty.inbox.erasing import Traces, empty_bodies, find_messages
from loyalty.mails.repository import give_up_mails
from loyalty.members import repository as members
from loyalty.members.commands import add_commands, find_accepted
from loyalty.members.identity import Identity, customer_identity, mention, normal_email, typed_email
from loyalty.members.links import forget_links
from loyalty.orders.repository import list_names, list_owners
from loyalty.outbox.repository import forget_addresses
from loyalty.programs.catalogue import CODE_KINDS
from loyalty.programs.service import load_versions
from loyalty.referrals.repository import forget_traces
from loyalty.rewards.redemption_repository import forget_requests, list_held
from loyalty.rewards.repository import give_up, list_made
from loyalty.values import MessageId, StoreId

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
    empty_bodies(connection, list_messages_about(connection, book, work.roots))
    forget_refused(connection, [mention(name) for name in _find_names(connection, work)])
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


def list_messages_about(connection: Connection, book: AccountBook, roots: Sequence[UUID]) -> list[MessageId]:
    """Return the stored messages that are about a person: of his orders, customers and coupons, and those that name him
    as their buyer. A guest is named by a proven address or phone, in an order that is nobody else's; what a profile
    says without proof names nobody.
    """
    named: dict[str, list[str]] = {"customer": [], "email": [], "phone": []}
    for row in members.list_identities(connection, roots):
        named[row["kind"]].append(row["value"])
    places = [parse_order_key(value) for value in named["customer"]]
    customers = tuple((book.store(place.store), place.external_id) for place in places)
    orders, coupons = tuple(list_names(connection, roots)), tuple(list_made(connection, roots))
    traces = Traces(orders, customers, coupons, tuple(named["email"]), tuple(named["phone"]))
    found = find_messages(connection, traces)
    keys = {it.id: OrderRef(book.store_numbers[it.store], it.order).key for it in found if not it.is_his}
    owners = list_owners(connection, keys.values())
    return [it.id for it in found if it.is_his or owners.get(keys[it.id]) is None]


def _find_names(connection: Connection, work: MemberWork) -> list[Identity]:
    """Return what names a person in a file of the merchant's: his proven addresses and phones, and the addresses of his
    profile that name nobody else.
    """
    rows = members.list_identities(connection, work.roots)
    proven = {Identity(row["kind"], row["value"]) for row in rows if row["kind"] != "customer"}
    emails = {typed_email(row["email"]) for row in (work.row, *work.parts.values())}
    said = {Identity("email", email) for email in emails if email}
    return sorted(proven | said - members.find_members(connection, said - proven).keys())

"""The newest statement about each order and customer of a batch; law: an older snapshot never replaces a newer one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from loyalty.commerce import (
    Buyer,
    CouponStated,
    CustomerDataRequested,
    CustomerDeleted,
    CustomerErased,
    CustomersMerged,
    CustomerSnapshot,
    Fact,
    OrderDeleted,
    OrderSnapshot,
    OrderState,
    ShopErased,
    StoreUninstalled,
)
from loyalty.engine.owners import Claim, claim_of, stronger
from loyalty.engine.state import OrderFile
from loyalty.engine.timeline import OrderRef
from loyalty.members.identity import Identity, buyer_identity, customer_identity
from loyalty.orders.snapshot import is_newer, keep_known
from loyalty.values import MessageId, StoreId

APART = (
    CustomersMerged, CustomerErased, CustomerDataRequested, ShopErased, StoreUninstalled, CouponStated,
)  # fmt: skip
"""Facts that state no order and no profile: each is acted on for itself."""


@dataclass(slots=True)
class OrderNews:
    """What a batch says of one order: its newest snapshot, and when the shop last said that it does not have it."""

    ref: OrderRef
    store_id: StoreId
    snapshot: OrderSnapshot | None = None
    deleted_at: datetime | None = None
    messages: list[MessageId] = field(default_factory=list)
    must_read: bool = False
    """Two different bodies share a modification second: only the shop knows which is newer."""
    claim: Claim | None = None
    """Whose the order is by all statements of the batch, also those that are not the newest."""

    def identity(self) -> Identity | None:
        """Return who placed the order; an open order (draft, unpaid) makes nobody a member."""
        return self.claim.identity if self.claim else None


@dataclass(slots=True)
class Profile:
    """What a message says of a person, by an order or by his customer record."""

    at: datetime
    email: str
    phone: str
    name: str
    region: str
    role: str | None = None
    registered: bool = False
    since: datetime | None = None
    """When the person said it, where that is not when the shop told it: the placing of an order."""

    @property
    def is_blank(self) -> bool:
        """Return whether it says nothing of the person, as an order that a till places for a mere number."""
        return self.role is None and not (self.email or self.phone or self.name or self.region)


@dataclass(slots=True)
class News:
    """A batch's facts by what they are about."""

    orders: dict[str, OrderNews] = field(default_factory=dict)
    profiles: dict[Identity, list[Profile]] = field(default_factory=dict)
    messages: dict[Identity, list[MessageId]] = field(default_factory=dict)
    """Messages that are about a person only."""

    def identities(self) -> set[Identity]:
        """Return everybody whom the batch names."""
        buyers = {news.identity() for news in self.orders.values()}
        return {identity for identity in buyers | set(self.profiles) if identity is not None}


def gather(facts: Iterable[tuple[MessageId, Fact]], store_numbers: Mapping[StoreId, int]) -> News:
    """Return the newest of each order and person in a batch."""
    news = News()
    for message, fact in facts:
        number = store_numbers[fact.store_id]
        if isinstance(fact, APART):
            continue
        if isinstance(fact, CustomerSnapshot):
            identity = customer_identity(number, fact.external_id)
            news.profiles.setdefault(identity, []).append(_customer_profile(fact))
            news.messages.setdefault(identity, []).append(message)
        elif isinstance(fact, CustomerDeleted):
            news.messages.setdefault(customer_identity(number, fact.external_id), []).append(message)
        else:
            _note_order(news, OrderRef(number, fact.external_id), fact, message)
    return news


def _note_order(news: News, ref: OrderRef, fact: OrderSnapshot | OrderDeleted, message: MessageId) -> None:
    known = news.orders.setdefault(ref.key, OrderNews(ref, fact.store_id))
    known.messages.append(message)
    if isinstance(fact, OrderDeleted):
        known.deleted_at = max(known.deleted_at or fact.observed_at, fact.observed_at)
        return
    if known.snapshot is None:
        known.snapshot = fact
    elif is_ambiguous(fact, known.snapshot):
        known.must_read = True
    elif is_newer(fact, known.snapshot):
        known.snapshot, known.must_read = keep_known(fact, known.snapshot), False
    identity = buyer_identity(ref.store, fact.buyer)
    if identity is not None and fact.state is not OrderState.OPEN:
        known.claim = stronger(known.claim, claim_of(identity, fact.modified_at))
        if not fact.buyer.member:
            news.profiles.setdefault(identity, []).append(_buyer_profile(fact))


def is_ambiguous(order: OrderSnapshot, known: OrderSnapshot) -> bool:
    """Return whether a delivery differs from what is known at the very same second of modification."""
    if order.modified_at != known.modified_at or order.observed_at is not None:
        return False
    return same_statement(keep_known(order, known)) != same_statement(known)


def same_statement(order: OrderSnapshot) -> OrderSnapshot:
    """Return a snapshot without what may differ between two statements of the same state."""
    lines = tuple(replace(line, product=None) for line in order.lines)
    refunds = tuple(sorted(order.refunds, key=lambda refund: refund.id))
    buyer = Buyer(region=order.buyer.region)
    return replace(order, buyer=buyer, observed_at=None, is_partial=False, lines=lines, refunds=refunds)


def _customer_profile(fact: CustomerSnapshot) -> Profile:
    return Profile(
        fact.modified_at, fact.email, fact.phone, fact.name, fact.region, fact.role, registered=True
    )


def _buyer_profile(order: OrderSnapshot) -> Profile:
    buyer = order.buyer
    registered = bool(buyer.customer_id)
    return Profile(
        order.modified_at,
        buyer.email,
        buyer.phone,
        buyer.name,
        buyer.region,
        registered=registered,
        since=order.placed_at,
    )


@dataclass(frozen=True, slots=True)
class Restated:
    """An order whose newest statement is accepted: what was known of it, and how it stands now."""

    old: OrderFile | None
    new: OrderFile


@dataclass(frozen=True, slots=True)
class SavedOrder:
    """An order whose newest statement is to be written, with the member it belongs to."""

    file: OrderFile
    store: StoreId
    member: UUID | None
    claim: Claim | None


def restate(news: OrderNews, old: OrderFile | None, laurel_codes: frozenset[str]) -> Restated | None:
    """Return the order with this batch's news; None when they are no newer than what is known.

    An order of which only the end is known is kept too: its body may still arrive.
    """
    known, gone_at = (old.snapshot, old.deleted_at) if old else (None, None)
    snapshot = _newest(news, known)
    gone = [at for at in (gone_at, news.deleted_at) if at is not None and not _is_alive_after(snapshot, at)]
    deleted_at = max(gone, default=None)
    if snapshot is known and deleted_at == gone_at:
        return None
    codes = laurel_codes if snapshot is not known else (old.laurel_codes if old else frozenset())
    return Restated(old, _fresh(news.ref, old, snapshot, deleted_at, codes))


def reassigned(old: OrderFile) -> Restated:
    """Return a known order that stays as it is but gets another owner."""
    return Restated(old, _fresh(old.ref, old, old.snapshot, old.deleted_at, old.laurel_codes))


def _fresh(
    ref: OrderRef,
    old: OrderFile | None,
    snapshot: OrderSnapshot | None,
    deleted_at: datetime | None,
    codes: frozenset[str],
) -> OrderFile:
    revision = old.revision if old else 0
    return OrderFile(ref=ref, snapshot=snapshot, deleted_at=deleted_at, laurel_codes=codes, revision=revision)


def _newest(news: OrderNews, known: OrderSnapshot | None) -> OrderSnapshot | None:
    if news.snapshot is None or known is None:
        return news.snapshot or known
    snapshot = keep_known(news.snapshot, known)
    return snapshot if is_newer(snapshot, known) else known


def _is_alive_after(snapshot: OrderSnapshot | None, deleted_at: datetime) -> bool:
    if snapshot is None:
        return False
    return snapshot.modified_at > deleted_at or (
        snapshot.observed_at is not None and snapshot.observed_at > deleted_at
    )

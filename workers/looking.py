"""The stages of a pass over a shop; each takes one page and says what differs, and changes nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog

from connectors.base import FetchedMessage, RawMessage, StoreAccess
from connectors.halving import Failed, ask_in_halves, list_failed, require_some
from connectors.late import late_message
from loyalty.commerce import Fact, OrderSighting, Read
from loyalty.engine.retelling import retell_tiers
from loyalty.engine.timeline import OrderRef
from loyalty.engine.watching import list_untold
from loyalty.errors import MalformedMessage
from loyalty.inbox import repository as inbox
from loyalty.members.shown import list_shown_customers
from loyalty.orders import repository as orders
from loyalty.orders.snapshot import read_snapshot
from loyalty.reconciliation.differences import Difference, difference
from loyalty.reconciliation.repository import Run
from loyalty.rewards.repository import list_in_shop
from workers.reading import Reader

PAGE = 100
REFUNDS = 300
REFUND_DAYS = timedelta(days=30)
BEGINNINGS = {
    "poll": timedelta(minutes=10),
    "recent": timedelta(minutes=30),
    "deep": timedelta(days=2),
}
"""How far a pass goes back before the last one: a shop may write an older time later than a newer one."""
Rows = Sequence[Mapping[Any, Any]]
Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Look:
    """A pass over a store: by the shop's clock, after which change it begins, when it is now, and the newest change
    that it saw.
    """

    reader: Reader
    run: Run
    since: datetime
    present: datetime
    newest: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """What a page brought: answers to be taken, differences by subject, where it goes on; None: the stage is over."""

    messages: list[FetchedMessage] = field(default_factory=list)
    found: Mapping[str, Difference] = field(default_factory=dict)
    seen: int = 0
    next: str | None = None


Stage = Callable[[Look, str], Step]


def look_at_changed(look: Look, cursor: str) -> Step:
    """Compare the orders that the shop changed lately, by its own clock."""
    reader = look.reader
    page = reader.ask(lambda access: reader.connector.list_changed(access, look.since, cursor or None))
    _note_newest(look, page.sightings)
    seen = {each.external_id: each for each in page.sightings}
    keys = [OrderRef(reader.store.number, each).key for each in seen]
    with reader.runtime.database.transaction(reader.store.account) as connection:
        known = orders.list_orders(connection, keys)
    return _compare(look, seen, known, page.next)


def _note_newest(look: Look, sightings: Iterable[OrderSighting]) -> None:
    """A change that bears a time to come moves nothing: else whatever changes until then would be skipped."""
    past = [each.modified_at for each in sightings if each.modified_at <= look.present]
    look.newest = max([*past, *([look.newest] if look.newest else [])], default=None)


def look_at_refunded(look: Look, _: str) -> Step:
    """Compare the orders that were refunded lately: of a deleted refund nothing tells, not even the list of changes."""
    reader = look.reader
    with reader.runtime.database.transaction(reader.store.account) as connection:
        since = reader.now() - REFUND_DAYS
        known = orders.list_refunded(connection, reader.store.id, since, REFUNDS)
    return _sight(look, known, None)


def look_at_all(look: Look, cursor: str) -> Step:
    """Compare every order that we have: deleted ones, deleted refunds, whatever came by no list."""
    reader = look.reader
    with reader.runtime.database.transaction(reader.store.account) as connection:
        known = orders.list_standing(connection, reader.store.id, cursor, PAGE)
    following = known[-1]["key"] if len(known) == PAGE else None
    return _sight(look, known, following)


def _sight(look: Look, known: Rows, following: str | None) -> Step:
    """Compare orders that we have; one at which the shop fails was neither seen nor is it gone."""
    ids = [row["external_id"] for row in known]
    seen, failed = _ask_apart(look, "sight", look.reader.connector.sight_orders, ids)
    require_some(ids, failed)
    unseen = set(list_failed(failed))
    rest = [row for row in known if row["external_id"] not in unseen]
    return _compare(look, {each.external_id: each for each in seen}, rest, following)


def _ask_apart(
    look: Look, what: str, ask: Callable[[StoreAccess, Sequence[str]], list[Answer]], ids: Sequence[str]
) -> tuple[list[Answer], Failed[str]]:
    """Return what the shop answers of these things, and those at which it fails; raises PushError."""
    if not ids:
        return [], []
    reader = look.reader
    answers, failed = ask_in_halves(lambda some: reader.ask(lambda access: ask(access, some)), ids)
    for some, error in failed:
        log.warning("not_read", store=str(reader.store.id), what=what, things=len(some), reason=error.reason)
    return answers, failed


def _compare(look: Look, seen: Mapping[str, OrderSighting], known: Rows, following: str | None) -> Step:
    """Read again what differs; that an order is gone is believed only when it was asked for by its own address."""
    rows = {row["external_id"]: row for row in known}
    found = {
        each: reason
        for each in dict.fromkeys([*seen, *rows])
        if (reason := _difference(look, seen.get(each), rows.get(each))) is not None
    }
    return Step(_read(look, Read.ORDER, found), found, len(seen), following)


def _difference(look: Look, seen: OrderSighting | None, row: Mapping[Any, Any] | None) -> Difference | None:
    if row is None:
        return difference(seen, None, None)
    store, data = look.reader.store.id, row["snapshot"]
    known = read_snapshot(store, row["external_id"], data, row["observed_at"]) if data else None
    return difference(seen, known, row["deleted_at"])


def _read(look: Look, kind: Read, ids: Iterable[str]) -> list[FetchedMessage]:
    """Return how the shop states these things; an order at which it fails is named, so that it is read by itself, and
    holds no pass up. Raises PushError.
    """
    reader, wanted = look.reader, list(ids)
    at, products = reader.now(), reader.with_products

    def fetch(access: StoreAccess, some: Sequence[str]) -> list[FetchedMessage]:
        return reader.connector.fetch(access, kind, some, with_products=products, now=at)

    found, failed = _ask_apart(look, kind.value, fetch, wanted)
    answers = [each for each in found if each.failure is None]
    failed += [([each.key_id], each.failure) for each in found if each.failure is not None]
    if kind is Read.COUPON:
        require_some(wanted, failed)
        return answers
    return [*answers, *(late_message(each, at) for each in _list_unawaited(look, list_failed(failed)))]


def _list_unawaited(look: Look, ids: Sequence[str]) -> list[str]:
    """Return the orders that no message names yet: one pass after another finds the same."""
    if not ids:
        return []
    reader = look.reader
    with reader.runtime.database.transaction(reader.store.account) as connection:
        awaited = inbox.list_awaited(connection, reader.store.id, Read.ORDER)
    return [each for each in ids if each not in awaited]


def look_at_coupons(look: Look, cursor: str) -> Step:
    """Read the coupons that the shop should have; those that are otherwise than asked become incidents, once each."""
    reader = look.reader
    with reader.runtime.database.transaction(reader.store.account) as connection:
        ids = list_in_shop(connection, reader.store.id, cursor, PAGE)
    messages = _read(look, Read.COUPON, ids)
    facts = [fact for message in messages for fact in _facts(look, message)]
    with reader.runtime.database.transaction(reader.store.account) as connection:
        odd = list_untold(connection, reader.book, facts, reader.now())
    told = [message for message in messages if message.key_id in odd]
    following = ids[-1] if len(ids) == PAGE else None
    return Step(told, dict.fromkeys(sorted(odd), Difference.COUPON), len(ids), following)


def _facts(look: Look, message: FetchedMessage) -> tuple[Fact, ...]:
    """Return what an answer states; one that nobody can read is told in the log, and holds no pass up."""
    store = look.reader.store.id
    raw = RawMessage("fetch", message.topic, message.body, message.observed_at)
    try:
        parsed = look.reader.connector.parse(store, raw, with_products=False)
    except MalformedMessage as error:
        log.warning("not_understood", store=str(store), thing=message.key_id, reason=error.message)
        return ()
    return parsed if isinstance(parsed, tuple) else ()


def look_at_tiers(look: Look, cursor: str) -> Step:
    """Compare the tiers that the shop shows of its customers; another one is told it again by a push."""
    reader, account = look.reader, look.reader.store.account
    with reader.runtime.database.transaction(account) as connection:
        rows = list_shown_customers(connection, reader.store.number, cursor, PAGE)
    if not rows:
        return Step()
    ids = [row["value"].partition(":")[2] for row in rows]
    shown, failed = _ask_apart(look, "tiers", partial(_sight_tiers, reader), ids)
    require_some(ids, failed)
    with reader.runtime.database.transaction(account) as connection:
        told = retell_tiers(connection, reader.book, reader.store.id, rows, dict(shown), reader.now())
    following = rows[-1]["value"] if len(rows) == PAGE else None
    return Step([], dict.fromkeys(told, Difference.TIER), len(rows), following)


def _sight_tiers(reader: Reader, access: StoreAccess, ids: Sequence[str]) -> list[tuple[str, str]]:
    return list(reader.connector.sight_tiers(access, ids).items())


STAGES: Mapping[str, Mapping[str, Stage]] = {
    "poll": {"changed": look_at_changed},
    "recent": {"changed": look_at_changed, "refunded": look_at_refunded},
    "deep": {
        "changed": look_at_changed,
        "orders": look_at_all,
        "coupons": look_at_coupons,
        "tiers": look_at_tiers,
    },
}

"""What a merchant did to our coupons in the shop by hand is noticed and shown; law: changes nothing but that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from loyalty.commerce import CouponStated, CouponTermsNow, Fact
from loyalty.db import Row
from loyalty.engine.book import AccountBook
from loyalty.incidents import repository as incidents
from loyalty.members.shown import list_customers_of
from loyalty.rewards import repository as rewards

CHANGED, DELETED = "coupon_changed", "coupon_deleted"
SECOND = timedelta(seconds=1)


def watch_coupons(connection: Connection, book: AccountBook, facts: Iterable[Fact], now: datetime) -> None:
    """Note which issued coupons a shop no longer has as it was asked to have them."""
    rows = _list_odd(connection, book, facts, now)
    if rows:
        incidents.note_incidents(connection, book.id, rows)


def list_untold(connection: Connection, book: AccountBook, facts: Iterable[Fact], now: datetime) -> set[str]:
    """Return the shop's ids of the coupons that are otherwise than asked, of which no incident tells yet."""
    odd = _list_odd(connection, book, facts, now)
    told = incidents.list_known(connection, [CHANGED, DELETED], [row["subject"] for row in odd])
    return {row["external_id"] for row in odd if (row["kind"], row["subject"]) not in told}


def _list_odd(connection: Connection, book: AccountBook, facts: Iterable[Fact], now: datetime) -> list[Row]:
    stated = {(fact.store_id, fact.external_id): fact for fact in facts if isinstance(fact, CouponStated)}
    if not stated:
        return []
    known = rewards.list_issued(connection, [external_id for _, external_id in stated])
    owners = _owners(connection, book, stated.values(), known)
    return [
        row
        for coupon in known
        if (fact := stated.get((coupon["store_id"], coupon["external_id"]))) is not None
        for row in _odd(fact, coupon, owners.get(coupon["id"], frozenset()), now)
    ]


def _owners(
    connection: Connection,
    book: AccountBook,
    facts: Iterable[CouponStated],
    coupons: Sequence[Mapping[Any, Any]],
) -> dict[UUID, frozenset[str]]:
    """Return, by coupon, as which customers of its shop we know its member, where a shop binds to customers."""
    if all(fact.terms is None or fact.terms.customers is None for fact in facts):
        return {}
    known = list_customers_of(connection, {coupon["member_id"] for coupon in coupons})
    owners: dict[UUID, frozenset[str]] = {}
    for coupon in coupons:
        place = f"{book.store_numbers[coupon['store_id']]}:"
        own = (value for member, value in known if member == coupon["member_id"] and value.startswith(place))
        owners[coupon["id"]] = frozenset(value.removeprefix(place) for value in own)
    return owners


def _odd(fact: CouponStated, coupon: Mapping[Any, Any], own: frozenset[str], now: datetime) -> Iterator[Row]:
    """Yield the incident of a coupon, none when it stands as asked."""
    changed = _changes(fact.terms, coupon, own) if fact.terms else []
    if fact.terms is None or changed:
        yield {
            "kind": CHANGED if fact.terms else DELETED,
            "subject": coupon["cause"],
            "member_id": coupon["member_id"],
            "order_key": "",
            "data": {"code": coupon["code"], "reward": coupon["reward_key"], "changed": changed},
            "noticed_at": now,
            "external_id": fact.external_id,
        }


def _changes(terms: CouponTermsNow, coupon: Mapping[Any, Any], own: frozenset[str]) -> list[str]:
    """Return what is otherwise than asked: the shop keeps the last second of a coupon, we the first after it. `own` are
    the customers of the shop as whom its member is known: his e-mail may change, he stays who he is.
    """
    end, last = coupon["expires_at"], terms.last_second
    same = {
        "amount": terms.amount == coupon["amount"],
        "minimum_subtotal": terms.minimum_subtotal == coupon["minimum_subtotal"],
        "email": terms.customers is not None or terms.emails == (coupon["email"].strip().lower(),),
        "customer": terms.customers is None or _is_bound(terms.customers, own),
        "uses": (terms.most_uses is None) if coupon["reusable"] else terms.most_uses == 1,
        "expires_at": (last is None) if end is None else last is not None and end - SECOND <= last < end,
    }
    return [name for name, is_same in same.items() if not is_same]


def _is_bound(customers: Sequence[str], own: frozenset[str]) -> bool:
    """Return whether a coupon serves its member alone; of one who was found by his e-mail the customer is not known."""
    return len(customers) == 1 and (not own or customers[0] in own)

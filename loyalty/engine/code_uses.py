"""The codes of our coupons on the orders of a batch: whose they are, and who must be folded again for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine import loading
from loyalty.engine.news import News, SavedOrder
from loyalty.members import repository as members
from loyalty.rewards import repository as rewards
from loyalty.rewards.coupon import looks_like_ours


@dataclass(frozen=True, slots=True)
class Noted:
    """Our codes by the orders that carry them, and the members whose given coupons no order uses any more: what had
    caused these may be gone since, as a used coupon is left alone.
    """

    by_order: dict[str, frozenset[str]] = field(default_factory=dict)
    freed: frozenset[UUID] = frozenset()


def list_redeemers(connection: Connection, news: News) -> set[UUID]:
    """Return whose rewards the codes on a batch's orders are: what the orders do to these is folded with them."""
    snapshots = (order.snapshot for order in news.orders.values() if order.snapshot is not None)
    codes = {code for each in snapshots for code in each.codes() if looks_like_ours(code)}
    return rewards.list_redeemers(connection, codes) if codes else set()


def note_code_uses(connection: Connection, news: News, batch: loading.Batch) -> Noted:
    """Note our codes on the orders that a batch states anew."""
    uses = [
        {
            "key": key,
            "code": code,
            "live": order.snapshot.state not in ("dead", "open"),
            "gone": False,
        }
        for key, order in news.orders.items()
        if order.snapshot is not None and batch.is_news(key, order.snapshot)
        for code in batch.codes(key, order.snapshot)
        if looks_like_ours(code)
    ]
    uses += batch.codes_gone(news.orders)
    if not uses:
        return Noted()
    ours = rewards.note_uses(connection, uses)
    by_order: dict[str, set[str]] = {}
    for use in uses:
        if use["code"] in ours and not use["gone"]:
            by_order.setdefault(str(use["key"]), set()).add(str(use["code"]))
    return Noted(
        {key: frozenset(codes) for key, codes in by_order.items()},
        frozenset(member for member in ours.values() if member is not None),
    )


def fold_owners_again(
    connection: Connection, batch: loading.Batch, saved: Sequence[SavedOrder], freed: frozenset[UUID]
) -> None:
    """Have everybody folded from nothing whose reward's code stands, or stood, on an order that changed, or whose
    given coupon is free again.
    """
    known = (batch.file(item.file.ref.key) for item in saved)
    codes = {code for old in known if old is not None for code in old.laurel_codes}
    codes |= {code for item in saved for code in item.file.laurel_codes}
    owners = freed | (rewards.list_redeemers(connection, codes) if codes else set())
    for member in owners & batch.survivors.keys():
        batch.work(member).refold = True
    absent = owners - batch.survivors.keys()
    if absent:
        members.mark_for_refold(connection, sorted(absent))

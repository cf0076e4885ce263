"""The codes of our coupons on the orders of a batch: whose they are, and who must be folded again for them."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection

from loyalty.engine import loading
from loyalty.engine.news import News, SavedOrder
from loyalty.members import repository as members
from loyalty.rewards import repository as rewards
from loyalty.rewards.coupon import looks_like_ours


def list_redeemers(connection: Connection, news: News) -> set[UUID]:
    """Return whose rewards the codes on a batch's orders are: what the orders do to these is folded with them."""
    snapshots = (order.snapshot for order in news.orders.values() if order.snapshot is not None)
    codes = {code for each in snapshots for code in each.codes() if looks_like_ours(code)}
    return rewards.list_redeemers(connection, codes) if codes else set()


def note_code_uses(connection: Connection, news: News, batch: loading.Batch) -> dict[str, frozenset[str]]:
    """Note our codes on the orders that a batch states anew; return them by order."""
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
        return {}
    ours = rewards.note_uses(connection, uses)
    by_order: dict[str, set[str]] = {}
    for use in uses:
        if use["code"] in ours and not use["gone"]:
            by_order.setdefault(str(use["key"]), set()).add(str(use["code"]))
    return {key: frozenset(codes) for key, codes in by_order.items()}


def fold_redeemers_again(connection: Connection, batch: loading.Batch, saved: Sequence[SavedOrder]) -> None:
    """Have everybody folded from nothing whose reward's code stands, or stood, on an order that changed."""
    known = (batch.file(item.file.ref.key) for item in saved)
    codes = {code for old in known if old is not None for code in old.laurel_codes}
    codes |= {code for item in saved for code in item.file.laurel_codes}
    redeemers = rewards.list_redeemers(connection, codes) if codes else set()
    for member in redeemers & batch.survivors.keys():
        batch.work(member).refold = True
    absent = redeemers - batch.survivors.keys()
    if absent:
        members.mark_for_refold(connection, sorted(absent))

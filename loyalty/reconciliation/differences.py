"""In what our copy of an order differs from the shop's, in a word; law: of two states the newer one is the truth."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from loyalty.commerce import OrderSighting, OrderSnapshot


class Difference(StrEnum):
    """Why something is read again."""

    MISSING = "missing"
    """The shop has an order of which nothing ever arrived."""
    OUTDATED = "outdated"
    """The shop changed an order, and the change never arrived."""
    GONE = "gone"
    """The shop does not list an order any more."""
    RETURNED = "returned"
    """The shop lists an order again that it did not have."""
    REFUND_DELETED = "refund_deleted"
    REFUND_MISSING = "refund_missing"
    STATUS = "status"
    TOTAL = "total"
    UNREAD = "unread"
    """The shop failed at the refunds of an order that bears the same date: whether it differs is not known."""
    COUPON = "coupon"
    """A coupon stands in the shop otherwise than it was asked for."""
    TIER = "tier"
    """The shop shows another tier of a customer than he has."""


def difference(
    seen: OrderSighting | None, known: OrderSnapshot | None, deleted_at: datetime | None
) -> Difference | None:
    """Return in what an order differs; None where the copy is the same, or newer than what the shop listed."""
    if seen is None:
        return Difference.GONE if deleted_at is None and known is not None else None
    if known is None:
        return Difference.MISSING if deleted_at is None else Difference.RETURNED
    if deleted_at is not None:
        return Difference.RETURNED
    if seen.modified_at != known.modified_at:
        return Difference.OUTDATED if seen.modified_at > known.modified_at else None
    return _content(seen, known)


def _content(seen: OrderSighting, known: OrderSnapshot) -> Difference | None:
    """Compare two states of one second: nothing tells of a deleted refund, and two changes may share a second."""
    if not seen.is_whole:
        return Difference.UNREAD
    ours = frozenset((refund.id, refund.amount) for refund in known.refunds)
    if ours - seen.refunds:
        return Difference.REFUND_DELETED
    if seen.refunds - ours:
        return Difference.REFUND_MISSING
    if seen.status != known.status:
        return Difference.STATUS
    return Difference.TOTAL if seen.total != known.total else None

"""Whether news of a member can be appended to his timeline, or he must be folded again;
law: both end in the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty.commerce import OrderSnapshot
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import Event, EventType, is_dead, order_events
from loyalty.programs.campaigns import Campaign
from loyalty.programs.program import Versions
from loyalty.tenders import STORE_CREDIT


@dataclass(frozen=True, slots=True)
class Change:
    """A new state of an order: what was folded of it (None: it is new), and how the shop states it now."""

    old: OrderFile | None
    new: OrderFile


def events_to_append(state: MemberState, changes: Sequence[Change], versions: Versions) -> list[Event] | None:
    """Return the new events when all lie after the head and nothing before it changed; None: fold again."""
    added: list[Event] = []
    for change in changes:
        events = _added(change, versions)
        if events is None:
            return None
        added += events
    if state.live_grants and any(event.type is not EventType.AWARD for event in added):
        return None  # a refund may withdraw a coupon, and that is judged on the whole history
    if state.head is not None and any(event.key <= state.head for event in added):
        return None
    return sorted(added, key=lambda event: event.key)


def _added(change: Change, versions: Versions) -> list[Event] | None:
    new = _events(change.new, versions)
    if new and _is_paid_by_credit(change.new):
        return None
    if change.old is None or change.old.snapshot is None:
        return new
    old = _events(change.old, versions)
    if not old:
        return new
    if _rated_by(change.old) != _rated_by(change.new) or not set(old) <= set(new):
        return None
    added = [event for event in new if event not in old]
    if added and _needs_history(change.new, versions):
        return None
    seen = set(change.old.refund_ids)
    return None if any(event.refund and event.refund.id in seen for event in added) else added


def _is_paid_by_credit(file: OrderFile) -> bool:
    """Return whether the shop's store credit paid a part: how much of that was ours only the whole history tells."""
    order = file.snapshot
    return order is not None and any(it.kind == STORE_CREDIT for it in order.tenders)


def _needs_history(file: OrderFile, versions: Versions) -> bool:
    """Return whether an order's campaigns depend on what only its whole history tells: tags then, allocations."""
    return any(campaign.needs_history for campaign in open_campaigns(file, versions))


def open_campaigns(file: OrderFile, versions: Versions) -> list[Campaign]:
    """Return the campaigns that ran when an order was paid, whether it meets them or not."""
    paid_at = file.snapshot.paid_at if file.snapshot else None
    program = versions.at(paid_at) if paid_at else None
    if program is None or paid_at is None:
        return []
    return [campaign for campaign in program.campaigns if campaign.is_open(paid_at)]


def _events(file: OrderFile, versions: Versions) -> list[Event]:
    if file.snapshot is None:
        return []
    return list(order_events(file.ref, file.snapshot, file.deleted_at, versions))


def _rated_by(file: OrderFile) -> tuple[object, ...]:
    """Return everything of an order that its award depends on."""
    order = file.snapshot
    assert order is not None
    return (*_content(order), is_dead(order, file.deleted_at), file.laurel_codes)


def _content(order: OrderSnapshot) -> tuple[object, ...]:
    paid_at: datetime | None = order.paid_at
    return (
        order.lines,
        order.total,
        order.currency,
        order.prices_include_tax,
        order.coupons,
        order.tenders,
        order.test,
        order.channel,
        order.buyer.region,
        paid_at,
    )

"""What an order gets of campaigns that may give only so much; law: given once in processing order, kept in every fold.

The part of a limited campaign is the difference it makes: the points with all campaigns before it in the document and
itself, less the points without it. What exceeds its allocation is cut off.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from loyalty.earning.earning import Rating, shares
from loyalty.earning.refunded import Left, nothing_left, what_is_left
from loyalty.engine.state import MemberState, OrderFile
from loyalty.engine.timeline import EventType, order_events
from loyalty.programs.program import Versions


def allot(state: MemberState, file: OrderFile, rating: Rating, room: int, versions: Versions) -> Rating:
    """Return the rating with what each limited campaign gives the order at most; `room` is what caps let it have.

    A dead order gets nothing new, and nothing that could be held against it when it lives again.
    """
    points, wanted = shares(rating)
    granted = {}
    for campaign in rating.limited:
        gain = wanted[campaign.key]
        asked = min(gain, room - points)
        if state.allotments.has(campaign, file.ref.key) or (asked > 0 and not file.dead):
            kept = shares(rating, _left_at(file, rating, campaign.closes, versions))[1][campaign.key]
            granted[campaign.key] = state.allotments.grant(campaign, file.ref.key, asked, kept)
        points += min(granted.get(campaign.key, 0), gain)
    return replace(rating, allotted=granted)


def _left_at(file: OrderFile, rating: Rating, closes: datetime, versions: Versions) -> Left:
    """Return what the refunds before a campaign's end leave of an order."""
    assert file.snapshot is not None
    events = order_events(file.ref, file.snapshot, file.deleted_at, versions)
    before = [event for event in events if event.key.at < closes]
    if any(event.type is EventType.END for event in before):
        return nothing_left(rating.parts)
    refunds = [event.refund for event in before if event.refund is not None]
    return what_is_left(file.snapshot, rating.parts, refunds)
